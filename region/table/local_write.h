// LocalWrite: a client's write of one item on its way through the commit order.
//
// Made with its key locked and its mutation decided; adds the row's change (row_change.h) and the
// change record to the batch; when the turn is durable it unlocks the key and posts Done.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "region/table/committer.h"
#include "region/table/engine.h"
#include "region/table/key_locks.h"
#include "region/table/row_change.h"
#include "streams/change_record.h"

namespace everwrite::table {

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
  // `stored` is what stands under the key, a tombstone included.
  Status Decide(const KvStore& store, Mutation mutation, const std::optional<StoredItem>& stored,
                streams::Actor actor);

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
  RowChange change_;
  streams::Actor actor_ = streams::Actor::kClient;
};

}  // namespace everwrite::table
