// Checkers of the end: all links are healed, everything has been delivered, and the regions' stores
// are held against each other and against what clients were told.
//
//   convergence   all regions hold the same live items with the same versions
//   durability    every acknowledged write is a change record in every region's log, with its
//                 content, unless the region was filled past it; what a lost disk had and at that
//                 moment no other region that has kept its own since is excused
//   rows          of all changes of a key the highest is stored, or nothing if it deleted
//   ledger        every acknowledged write is the stored version, was overwritten by a write that
//   knew
//                 it, is in the ledger, or lost nothing (both deleted, or equal content)
//   order         within a log, numbers have no gap and stamps rise, but within a transaction
//   transactions  in every log a transaction is whole and has one stamp; what was sent with a token
//                 was carried out at most once, and once when it was acknowledged
//   time to live  what was deleted because its time had come was expired where and when it was
//                 deleted, and as a rule by the region that had written it
//   indexes       every index, that by expiry too, is what a rebuild from its table gives
//   streams       each region's stream gives what the region holds (stream_state.h)
//   counts        the table's count of items is the number of its live items
//   digests       the bucket digests are those of the rows, and the same in all regions
//   placed tables a table of some regions is equal in those, and nowhere else (placed_tables.h)
//
// Each returns a line a violation; none means it holds. Pure over the stores.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/kv_store.h"
#include "chaos/checkers/end_view.h"
#include "chaos/history.h"

namespace everwrite::chaos {

using Violations = std::vector<std::string>;

// Not a check: what the logs of a store hold, for the proof that a run was not empty.
struct ChangeCounts {
  size_t transactions = 0;
  size_t expired = 0;
  size_t lost_with_disk = 0;  // acknowledged writes that only a lost disk had
};
ChangeCounts CountChanges(EndView& view);

// One of the above, by name.
struct EndCheck {
  std::string_view name;
  Violations (*run)(EndView&);
};
const std::vector<EndCheck>& EndChecks();

// All of them, at most `limit` lines.
Violations CheckEndState(EndView& view, size_t limit = 20);
Violations CheckEndState(const std::vector<const KvStore*>& stores, const History& history,
                         size_t limit = 20);

}  // namespace everwrite::chaos
