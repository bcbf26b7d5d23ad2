#include "chaos/planted/planted_bugs.h"

#include <algorithm>

#include "chaos/sim/run_apart.h"

namespace everwrite::chaos {

WorldResult RunWithBug(PlantedBug bug, const Schedule& schedule) {
  return RunApart(schedule, {}, [bug] {
#ifdef EVERWRITE_PLANTED
    planted_bug = bug;
#else
    (void)bug;
#endif
  });
}

const PlantedBugInfo* FindPlantedBug(std::string_view name) {
  const auto& bugs = PlantedBugs();
  const auto at = std::find_if(bugs.begin(), bugs.end(),
                               [name](const PlantedBugInfo& info) { return info.name == name; });
  return at == bugs.end() ? nullptr : &*at;
}

const std::vector<PlantedBugInfo>& PlantedBugs() {
  using enum PlantedBug;
  static const std::vector<PlantedBugInfo> bugs = {
      {kNone, "none", "the product as it is: here nothing may be found"},
      {kAckBeforeSync, "ack-before-sync", "writes are acknowledged before they are on disk"},
      {kNoTieBreak, "no-tie-break", "of two versions with one stamp the one that came first stays"},
      {kWallClock, "wall-clock", "stamps are the physical clock's, not the hybrid clock's"},
      {kReceivesNotObserved, "receives-not-observed",
       "the hybrid clock does not move past the stamps of changes that are applied"},
      {kClockNotRestored, "clock-not-restored", "after a restart the hybrid clock begins anew"},
      {kNumbersAgain, "numbers-again",
       "a region that has lost the end of its log goes on with the same numbers"},
      {kGapIgnored, "gap-ignored",
       "a batch that does not follow the last one is taken as if it did"},
      {kCauseNotAwaited, "cause-not-awaited", "changes are applied before what they depend on"},
      {kContextLost, "context-lost", "changes do not say what their region had seen"},
      {kHalfTransaction, "half-transaction",
       "a transaction of another region is applied change by change"},
      {kTransactionOfManyStamps, "transaction-of-many-stamps",
       "each change of a transaction has a stamp of its own"},
      {kTokenForgotten, "token-forgotten", "a transaction that is sent again is carried out again"},
      {kTombstonesByAge, "tombstones-by-age",
       "tombstones are forgotten at once, whoever has still to see them"},
      {kNoTombstone, "no-tombstone", "a deletion leaves nothing behind"},
      {kStableTooEarly, "stable-too-early",
       "what is on its way to the store is not waited for before tombstones are forgotten"},
      {kConflictUnrecorded, "conflict-unrecorded", "what lost of the region's own is not recorded"},
      {kConflictTakenForOverwrite, "conflict-taken-for-overwrite",
       "every later version is taken to have known the one that it replaces"},
      {kLedgerNotFilled, "ledger-not-filled",
       "a region that is filled does not take the others' ledgers"},
      {kIndexMissedRemotely, "index-missed-remotely",
       "changes of other regions do not reach the secondary indexes"},
      {kIndexKeepsOldEntry, "index-keeps-old-entry",
       "an index keeps the entry of what an item was before"},
      {kStreamMissedRemotely, "stream-missed-remotely",
       "changes of other regions do not reach the table's stream"},
      {kExpiryNotLookedAtAgain, "expiry-not-looked-at-again",
       "what had expired when the sweep began is deleted, though it was written since"},
      {kExpiryByEverybody, "expiry-by-everybody",
       "every region deletes what has expired, not only the one that wrote it"},
      {kFillLosesFirstRow, "fill-loses-first-row", "the first row behind each chunk is left out"},
      {kFillKeepsDeleted, "fill-keeps-deleted",
       "a region that is filled anew keeps what its source has deleted"},
      {kServesWhileFilled, "serves-while-filled", "a region answers clients before it is filled"},
      {kServesWithoutTail, "serves-without-tail",
       "a region that was put back to older data serves before its own changes are here again"},
      {kDigestMissesLosers, "digest-misses-losers",
       "the proof of convergence does not hear of changes that lose"},
      {kSessionNotAwaited, "session-not-awaited",
       "a request is answered before its session's changes are here"},
      {kSessionTokenOld, "session-token-old", "an answer carries the token of the one before"},
  };
  return bugs;
}

Hunt HuntFor(PlantedBug bug, const DrawOptions& draw, uint64_t enough, uint64_t most) {
  Hunt hunt;
  DrawOptions one = draw;
  while (hunt.seeds < enough || (hunt.found == 0 && hunt.seeds < most)) {
    one.seed = draw.seed + hunt.seeds++;
    const Schedule schedule = DrawSchedule(one);
    const WorldResult result = RunWithBug(bug, schedule);
    if (result.violations.empty()) continue;
    if (hunt.found++ > 0) continue;
    hunt.first = schedule;
    hunt.first_sign = result.violations.front();
  }
  return hunt;
}

}  // namespace everwrite::chaos
