#include "base/system_clock.h"

#include <time.h>

namespace everwrite {
namespace {

int64_t ReadMicros(clockid_t id) {
  timespec t;
  clock_gettime(id, &t);
  return static_cast<int64_t>(t.tv_sec) * kMicrosPerSecond + t.tv_nsec / 1000;
}

}  // namespace

SystemClock::SystemClock(int64_t offset_ms)
    : anchor_micros_(ReadMicros(CLOCK_REALTIME) - ReadMicros(CLOCK_MONOTONIC)),
      offset_ms_(offset_ms) {}

Instant SystemClock::Now() const { return Instant{ReadMicros(CLOCK_MONOTONIC)}; }

uint64_t SystemClock::PhysicalMillis() const {
  return static_cast<uint64_t>(anchor_micros_ + ReadMicros(CLOCK_MONOTONIC) +
                               offset_ms_.load(std::memory_order_relaxed) * kMicrosPerMilli) /
         1000;
}

}  // namespace everwrite
