// The operating system's clock behind the Clock port. Thread-safe.
#pragma once

#include "base/clock.h"

namespace everwrite {

class SystemClock : public Clock {
 public:
  // `offset_ms`: added to physical time, for tests of clocks that are wrong.
  explicit SystemClock(int64_t offset_ms = 0);
  Instant Now() const override;
  uint64_t PhysicalMillis() const override;

 private:
  int64_t anchor_micros_;  // wall clock minus monotonic clock at construction
};

}  // namespace everwrite
