// LatencyWindow: the latencies of the last half to whole minute, in 7 KB however many there are.
//
// Counters by size, exact below 64 ms and 3 % wide above (as HdrHistogram's); two windows of half a
// minute, of which the older one is dropped as a whole.
//
// Pure. Thread-safety: none.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "base/clock.h"

namespace everwrite::replicator {

class LatencyWindow {
 public:
  static constexpr int64_t kSpanUs = 30 * kMicrosPerSecond;

  // `ms` below 0 counts as 0.
  void Add(int64_t ms, Instant now);

  struct Summary {
    uint64_t count = 0;   // 0: the rest is -1
    int64_t p50_ms = -1;  // half of them were at most so long
    int64_t p99_ms = -1;
    int64_t max_ms = -1;  // exact
  };
  Summary Read(Instant now) const;

 private:
  static constexpr int kExact = 64;  // 2^6
  static constexpr int kPerDoubling = 32;
  static constexpr size_t kBuckets = kExact + 25 * kPerDoubling;  // up to 2^31 ms, 24 days
  struct Window {
    std::array<uint32_t, kBuckets> counts{};
    uint64_t count = 0;
    int64_t max_ms = 0;
    Instant begun;
  };
  static size_t BucketOf(int64_t ms);
  static int64_t UpperEdge(size_t bucket);

  std::unique_ptr<Window> current_;
  std::unique_ptr<Window> former_;
};

}  // namespace everwrite::replicator
