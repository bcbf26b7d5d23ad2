// Checkers of what clients saw while the faults were going on, over one history
// (chaos/observed_history.h). The end is judged by end_state.h.
//
//   read_your_writes  a read in the session's region is never older than the session's own answered
//                     writes of that key
//   monotonic_reads   nor than what the session has read there before
//   fresh_reads       nor than what anybody had been answered there before the read began
//   session_tokens    a read in another region, with the session's tokens, is never older than what
//                     the session has written and read anywhere
//   causality         a region that shows a write shows what its writer had seen before it; and a
//                     write is later than what its region had shown when it began
//   transactions      who sees one item of a transaction sees all, or later ones
//   counters          a counter that one region counts: all answered additions, and no more than
//   were
//                     asked for
//   resurrection      what a region has deleted does not come back there
//   conditions        of those who create a key in one region one is told yes; of a value's
//                     successors by compare-and-set likewise
//   scans             through all pages of a Scan an item that was there from its beginning to its
//                     end comes once, and none comes twice
//   integrity         what is read was written by somebody, whole, not refused, and is in some log
//
// A disk that was lost takes what its region had promised with it: what was answered there before
// binds nobody in that region afterwards.
//
// Each returns a line a violation; none means it holds. Pure.
#pragma once

#include <string>
#include <vector>

#include "chaos/observed_history.h"

namespace everwrite::chaos {

struct ObservedVerdicts {
  std::vector<std::string> read_your_writes;
  std::vector<std::string> monotonic_reads;
  std::vector<std::string> fresh_reads;
  std::vector<std::string> session_tokens;
  std::vector<std::string> causality;
  std::vector<std::string> transactions;
  std::vector<std::string> counters;
  std::vector<std::string> resurrection;
  std::vector<std::string> conditions;
  std::vector<std::string> integrity;
  std::vector<std::string> scans;
  // How many reads or writes each verdict rests on: a check that judged nothing proves nothing.
  size_t judged_reads = 0;
  size_t judged_far_reads = 0;
  size_t judged_causes = 0;
  size_t judged_snapshots = 0;
  size_t judged_counts = 0;
  size_t judged_deletions = 0;
  size_t judged_conditions = 0;
  size_t judged_scanned = 0;  // items that had to come
};

ObservedVerdicts CheckObserved(const ObservedHistory& history);

}  // namespace everwrite::chaos
