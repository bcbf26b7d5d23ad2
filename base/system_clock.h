// The operating system's clock behind the Clock port. Thread-safe.
#pragma once

#include <atomic>

#include "base/clock.h"

namespace everwrite {

class SystemClock : public Clock {
 public:
  // `offset_ms`: added to physical time, for tests of clocks that are wrong.
  explicit SystemClock(int64_t offset_ms = 0);
  Instant Now() const override;
  uint64_t PhysicalMillis() const override;
  // Jumps to another offset: a clock that goes wrong while the process runs.
  void SetOffset(int64_t offset_ms) { offset_ms_.store(offset_ms, std::memory_order_relaxed); }

 private:
  const int64_t anchor_micros_;  // wall clock minus monotonic clock at construction
  std::atomic<int64_t> offset_ms_;
};

}  // namespace everwrite
