// The operating system's clock behind the Clock port. Thread-safe.
#pragma once

#include "base/clock.h"

namespace everwrite {

class SystemClock : public Clock {
 public:
  SystemClock();
  Instant Now() const override;
  uint64_t PhysicalMillis() const override;

 private:
  int64_t anchor_micros_;  // wall clock minus monotonic clock at construction
};

}  // namespace everwrite
