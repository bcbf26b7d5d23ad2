// Planted bugs: deliberate faults in the product's own code, which prove that the checkers see.
//
// In every build that is shipped Planted() is a constant false, and the compiler leaves nothing of
// them. A build of the preset `planted` knows them all, and one at a time may be switched on, by
// `./dev planted` (chaos/planted/planted_bugs.h says what each is).
//
// Thread-safety: switched on before there are other threads.
#pragma once

#include <cstdint>

namespace everwrite {

enum class PlantedBug : uint8_t {
  kNone,
  kAckBeforeSync,
  kNoTieBreak,
  kWallClock,
  kReceivesNotObserved,
  kClockNotRestored,
  kNumbersAgain,
  kGapIgnored,
  kCauseNotAwaited,
  kContextLost,
  kHalfTransaction,
  kTransactionOfManyStamps,
  kTokenForgotten,
  kTombstonesByAge,
  kNoTombstone,
  kStableTooEarly,
  kConflictUnrecorded,
  kConflictTakenForOverwrite,
  kLedgerNotFilled,
  kIndexMissedRemotely,
  kIndexKeepsOldEntry,
  kStreamMissedRemotely,
  kExpiryNotLookedAtAgain,
  kExpiryByEverybody,
  kFillLosesFirstRow,
  kFillKeepsDeleted,
  kServesWhileFilled,
  kServesWithoutTail,
  kDigestMissesLosers,
  kSessionNotAwaited,
  kSessionTokenOld,
};

#ifdef EVERWRITE_PLANTED
inline PlantedBug planted_bug = PlantedBug::kNone;
inline bool Planted(PlantedBug bug) { return planted_bug == bug; }
#else
constexpr bool Planted(PlantedBug) { return false; }
#endif

}  // namespace everwrite
