// The conflict ledger: every losing concurrent write, with both versions, until it is dropped by
// hand or by a later retention rule. Entries are put in the batch that decides (remote_apply); this
// is how they are read.
//
// Thread-safety: as the store.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "base/kv_store.h"
#include "conflict/conflict_record.h"
#include "region/table/committer.h"

namespace everwrite::table {

struct ConflictFilter {
  std::optional<TableId> table;
  std::optional<std::string> key;    // encoded, of an item
  std::optional<RegionId> loser_of;  // the region that made the write that lost
  uint64_t from_ms = 0;              // of the loser's stamp, both included
  uint64_t until_ms = UINT64_MAX;
  std::string after;  // ledger key of the last entry seen; empty: from the newest
  size_t limit = 100;
};

// In a turn. The entry must not be there yet. It goes to the stream of the ledger's table, too.
void AppendConflict(CommitTurn& turn, const conflict::ConflictRecord& record);
// Newest loser first.
Result<std::vector<conflict::ConflictRecord>> ListConflicts(const KvStore& store,
                                                            const ConflictFilter& filter);
// kNotFound when there is no such entry.
Result<conflict::ConflictRecord> FindConflict(const KvStore& store, const conflict::Version& loser);

// How far the ledger may grow.
struct LedgerBounds {
  uint64_t keep_ms = 30ULL * 24 * 3600 * 1000;  // after the decision
  uint64_t bytes_max = 10ULL << 30;             // keys and values
};

// Forgets entries, the oldest losers first: those whose time is over, and as many more as there are
// bytes too many. A little each round.
//
// Thread-safety: RunOnce by one driver at a time.
class LedgerRetention {
 public:
  LedgerRetention(const KvStore& store, Committer& committer, LedgerBounds bounds)
      : store_(store), committer_(committer), bounds_(bounds) {}

  Status RunOnce(uint64_t now_ms);
  const LedgerBounds& bounds() const { return bounds_; }
  // Ever, since the start.
  uint64_t forgotten() const { return forgotten_; }

 private:
  class Unit;
  static constexpr size_t kPerRound = 1000;

  const KvStore& store_;
  Committer& committer_;
  const LedgerBounds bounds_;
  std::atomic<bool> running_{false};
  std::atomic<uint64_t> forgotten_{0};
};

}  // namespace everwrite::table
