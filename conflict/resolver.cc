#include "conflict/resolver.h"

#include "base/mark.h"
#include "base/planted.h"

namespace everwrite::conflict {
namespace {

// Both leave the item in the same state: whoever loses, no content is lost.
bool SameOutcome(const StoredState& stored, const IncomingChange& incoming) {
  if (stored.tombstone != incoming.tombstone) return false;
  return stored.tombstone || stored.image == incoming.image;
}

bool HasTieBreak() {
#ifdef EVERWRITE_PLANTED_NO_TIE_BREAK  // chaos/sim/no_tie_break_test.cc; in nothing that is shipped
  return false;
#else
  return !Planted(PlantedBug::kNoTieBreak);
#endif
}

bool Wins(const Version& incoming, const Version& stored) {
  if (!HasTieBreak() && incoming.rank == stored.rank && incoming.stamp == stored.stamp)
    return false;
  return incoming > stored;
}

}  // namespace

Verdict Resolve(const StoredState* stored, const IncomingChange& incoming) {
  if (stored == nullptr) return Verdict::kTake;
  if (stored->version == incoming.version) return Verdict::kKeep;
  if (stored->version.rank == incoming.version.rank &&
      stored->version.stamp == incoming.version.stamp)
    Reach(Mark::kTieBroken);
  const bool lossless = SameOutcome(*stored, incoming);
  if (Wins(incoming.version, stored->version)) {
    const bool knowingly =
        incoming.Knows(stored->version.dot) || Planted(PlantedBug::kConflictTakenForOverwrite);
    return knowingly || lossless ? Verdict::kTake : Verdict::kTakeConflict;
  }
  // The stored version won over a change that arrives only now. Causal delivery means that its
  // maker did not have the change either, unless both are of one log: then it is an old duplicate.
  const bool duplicate = stored->version.dot.log == incoming.version.dot.log &&
                         stored->version.dot.number > incoming.version.dot.number;
  return duplicate || lossless ? Verdict::kKeep : Verdict::kKeepConflict;
}

}  // namespace everwrite::conflict
