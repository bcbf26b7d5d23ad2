// Transactions of a region's clients: up to a hundred writes of any items of any tables, all of
// them or none, and reads of many items as of one moment.
//
// The problem is to be serializable without holding anybody up for long. Every write, alone or in a
// transaction, locks its items before it looks at them and keeps them locked until it is durable
// (key_locks.h). A transaction locks all its stripes in their order, so none can wait in a ring;
// evaluates all its actions on what is stored; and adds all rows and change records to one turn of
// the committer as one unit: two-phase locking with one commit point. Who collides with it, another
// transaction or a plain write, waits for some fsync and then sees its effect: neither
// TransactionConflictException nor TransactionInProgressException has a cause here.
//
// Reads of one transaction come from one snapshot of the store. A unit is in one batch, so a
// snapshot has all of a transaction or nothing of it.
//
// Other regions. The changes are contiguous in the log, share an id (the number of the first) and
// one stamp, and the last is marked. The replicator hands them over in one request, and RemoteApply
// refuses a request that cuts one. One stamp, because the winner of two versions is the higher in
// (stamp, log, number): of two concurrent transactions that write the same items, one wins on all
// of them, whatever the numbers are. Where transactions overlap in part, each item goes to its own
// winner, as between all writes of different regions.
//
// Tokens. A request may carry a token; what was done under it is remembered for ten minutes, in the
// same batch as the rows, so also across a crash:
//   'i' token                   -> expiry in milliseconds (8), fingerprint of the request (16)
//   'j' expiry (8) token        -> nothing
// both in the system family. Forgetting walks the second index, so its cost follows what expires.
//
// Thread-safety: of each class as said there.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/kv_store.h"
#include "region/table/committer.h"
#include "region/table/engine.h"
#include "region/table/key_locks.h"

namespace everwrite::table {

class Catalog;

// Carries transactions of clients through locks and commit.
//
// Thread-safety: Submit from any thread; the rest as RegionEngine::Write.
class Transactions {
 public:
  Transactions(const KvStore& store, const Clock& clock, KeyLocks& locks, Committer& committer)
      : store_(store), clock_(clock), locks_(locks), committer_(committer) {}

  void Submit(std::unique_ptr<TransactionOperation> operation, Executor& executor);

  // Forgets up to kTokensPerRound tokens whose time is over.
  Status ForgetTokens(Executor& executor);

 private:
  class Unit;
  class ForgetUnit;
  static constexpr size_t kTokensPerRound = 1000;

  const KvStore& store_;
  const Clock& clock_;
  KeyLocks& locks_;
  Committer& committer_;
};

// The items, as of one moment: TableEngine::GetTogether over a store.
Status GetTogether(const KvStore& store, const std::vector<ItemName>& names,
                   const ItemVisitor& visit);

}  // namespace everwrite::table
