// A region's clock in the simulator: a monotonic clock that always runs true, and a physical clock
// with an offset, a drift and a grain, that can be stepped, and can stand still. As with the
// product's SystemClock, a step of the wall clock is only seen by a process that starts after it:
// the running one is anchored.
#pragma once

#include <optional>

#include "chaos/sim/simulator.h"

namespace everwrite::chaos {

// The machine's wall clock.
struct WallClock {
  int64_t offset_ms = 0;
  int64_t drift_ppm = 0;  // microseconds a second
  int64_t grain_ms = 1;   // 1, or the tick of a coarse clock
  // Stands still at this time, also for the process that runs, until it is reset.
  std::optional<Instant> frozen;

  uint64_t Millis(Instant now) const {
    constexpr int64_t kEpochMs = 1'750'000'000'000;
    const int64_t drifted = now.micros / 1000 * drift_ppm / 1'000'000;
    const int64_t ms = kEpochMs + now.micros / 1000 + drifted + offset_ms;
    return static_cast<uint64_t>(ms - ms % grain_ms);
  }
};

class SimClock : public Clock {
 public:
  SimClock(const Simulator& simulator, const WallClock& wall)
      : simulator_(simulator), wall_(wall), anchored_(wall) {}
  Instant Now() const override { return simulator_.now(); }
  uint64_t PhysicalMillis() const override {
    return anchored_.Millis(wall_.frozen.value_or(simulator_.now()));
  }

 private:
  const Simulator& simulator_;
  const WallClock& wall_;     // of the machine
  const WallClock anchored_;  // as it was when the process began
};

}  // namespace everwrite::chaos
