// CorrectedClock: a clock whose physical time is moved by a correction that somebody else decides
// (a majority of the regions: replicator/clock_guard.h). Its monotonic time is never moved.
//
// Thread-safety: all methods, any thread.
#pragma once

#include <algorithm>
#include <atomic>

#include "base/clock.h"

namespace everwrite {

class CorrectedClock : public Clock {
 public:
  // `raw` outlives it.
  explicit CorrectedClock(const Clock& raw) : raw_(raw) {}

  Instant Now() const override { return raw_.Now(); }
  uint64_t PhysicalMillis() const override {
    const auto raw = static_cast<int64_t>(raw_.PhysicalMillis());
    return static_cast<uint64_t>(std::max<int64_t>(raw + correction_ms(), 0));
  }
  // Milliseconds added to the raw clock's physical time.
  int64_t correction_ms() const { return correction_ms_.load(std::memory_order_relaxed); }
  void Correct(int64_t correction_ms) { correction_ms_ = correction_ms; }

 private:
  const Clock& raw_;
  std::atomic<int64_t> correction_ms_{0};
};

}  // namespace everwrite
