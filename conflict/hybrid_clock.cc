#include "conflict/hybrid_clock.h"

#include <algorithm>

#include "base/mark.h"
#include "base/planted.h"

namespace everwrite::conflict {

Stamp HybridClock::Tick(uint64_t physical_ms) {
  if (Planted(PlantedBug::kWallClock)) return last_ = Stamp::Make(physical_ms, 0);
  // Adding one to the packed value counts within the millisecond, and carries into the next one
  // when the counter is full: 65,536 changes in a millisecond run ahead of the clock, they do not
  // collide.
  if (last_.milliseconds() > physical_ms) Reach(Mark::kClockAheadOfItself);
  last_ = std::max(Stamp::Make(physical_ms, 0), Stamp{last_.value + 1});
  return last_;
}

void HybridClock::Observe(Stamp seen) {
  if (Planted(PlantedBug::kReceivesNotObserved) || Planted(PlantedBug::kWallClock)) return;
  last_ = std::max(last_, seen);
}

}  // namespace everwrite::conflict
