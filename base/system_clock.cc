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
  const int64_t frozen = frozen_at_ms_.load(std::memory_order_relaxed);
  if (frozen >= 0) return static_cast<uint64_t>(frozen);
  const int64_t millis = (anchor_micros_ + ReadMicros(CLOCK_MONOTONIC)) / kMicrosPerMilli +
                         offset_ms_.load(std::memory_order_relaxed);
  const int64_t grain = grain_ms_.load(std::memory_order_relaxed);
  return static_cast<uint64_t>(grain > 0 ? millis / grain * grain : millis);
}

void SystemClock::SetFault(const Fault& fault) {
  frozen_at_ms_.store(-1, std::memory_order_relaxed);
  offset_ms_.store(fault.offset_ms, std::memory_order_relaxed);
  grain_ms_.store(fault.grain_ms, std::memory_order_relaxed);
  if (fault.frozen)
    frozen_at_ms_.store(static_cast<int64_t>(PhysicalMillis()), std::memory_order_relaxed);
}

}  // namespace everwrite
