// LocalWrite: a client's write of one item on its way through the commit order.
//
// Made with its key locked and its mutation decided; adds the stored item, the change record and
// the tombstone index to the batch; when the turn is durable it unlocks the key and posts Done.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "region/table/committer.h"
#include "region/table/engine.h"
#include "region/table/key_locks.h"
#include "streams/change_record.h"

namespace everwrite::table {

// What was stored before a write, as far as the write must know it.
struct Before {
  std::optional<Dot> tombstone;  // a tombstone with this dot stood there
  bool live = false;             // an item stood there,
  size_t size = 0;               // of this many bytes by DynamoDB's rules
};

class LocalWrite : public CommitUnit {
 public:
  LocalWrite(KeyLocks& locks, std::unique_ptr<WriteOperation> operation, Executor& executor,
             std::string store_key, KeyLocks::Stripe stripe)
      : locks_(locks),
        operation_(std::move(operation)),
        executor_(executor),
        store_key_(std::move(store_key)),
        stripe_(stripe) {}

  WriteOperation& operation() { return *operation_; }
  const std::string& store_key() const { return store_key_; }
  void Decide(Mutation mutation, const Before& before, streams::Actor actor);

  Status AddTo(CommitTurn& turn) override;
  void Finished(const Status& status, Completions& completions) override;
  // Ends an operation that never reached the committer.
  void End(const Status& status);

 private:
  KeyLocks& locks_;
  std::unique_ptr<WriteOperation> operation_;
  Executor& executor_;
  const std::string store_key_;
  const KeyLocks::Stripe stripe_;
  Mutation mutation_;
  Before before_;
  streams::Actor actor_ = streams::Actor::kClient;
};

// Reads what is stored under an items key, into `buffer`. No item and no tombstone: nullopt.
Result<std::optional<StoredItem>> ReadStored(const KvStore& store, std::string_view store_key,
                                             std::string* buffer);
Before DescribeBefore(const std::optional<StoredItem>& stored);

// A stored item (or tombstone) and the tombstone index, in a batch; `replaced` is the dot of the
// tombstone that stood there.
void PutStored(KvBatch& batch, std::string_view store_key, const StoredItem& item,
               const std::optional<Dot>& replaced);

}  // namespace everwrite::table
