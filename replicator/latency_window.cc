#include "replicator/latency_window.h"

#include <algorithm>
#include <bit>

namespace everwrite::replicator {

size_t LatencyWindow::BucketOf(int64_t ms) {
  const auto value = static_cast<uint64_t>(std::clamp<int64_t>(ms, 0, INT32_MAX));
  if (value < kExact) return value;
  const int exponent = std::bit_width(value) - 1;  // 6 to 30
  return kExact + static_cast<size_t>(exponent - 6) * kPerDoubling +
         ((value >> (exponent - 5)) & (kPerDoubling - 1));
}

int64_t LatencyWindow::UpperEdge(size_t bucket) {
  if (bucket < kExact) return static_cast<int64_t>(bucket);
  const size_t exponent = 6 + (bucket - kExact) / kPerDoubling;
  const size_t step = (bucket - kExact) % kPerDoubling;
  return static_cast<int64_t>(((kPerDoubling + step + 1) << (exponent - 5)) - 1);
}

void LatencyWindow::Add(int64_t ms, Instant now) {
  if (!current_ || now - current_->begun >= kSpanUs) {
    former_ = std::move(current_);
    current_ = std::make_unique<Window>();
    current_->begun = now;
  }
  ++current_->counts[BucketOf(ms)];
  ++current_->count;
  current_->max_ms = std::max(current_->max_ms, std::max<int64_t>(ms, 0));
}

LatencyWindow::Summary LatencyWindow::Read(Instant now) const {
  std::array<const Window*, 2> windows{};
  size_t used = 0;
  for (const Window* window : {current_.get(), former_.get()})
    if (window && now - window->begun < 2 * kSpanUs) windows[used++] = window;
  Summary summary;
  for (size_t i = 0; i < used; ++i) {
    summary.count += windows[i]->count;
    summary.max_ms = std::max(summary.max_ms, windows[i]->max_ms);
  }
  if (summary.count == 0) return summary;
  // The smallest latency that at least this share is not above.
  const auto quantile = [&](uint64_t hundredths) {
    const uint64_t wanted = (summary.count * hundredths + 99) / 100;
    uint64_t seen = 0;
    for (size_t bucket = 0; bucket < kBuckets; ++bucket) {
      for (size_t i = 0; i < used; ++i) seen += windows[i]->counts[bucket];
      if (seen >= wanted) return std::min(UpperEdge(bucket), summary.max_ms);
    }
    return summary.max_ms;
  };
  summary.p50_ms = quantile(50);
  summary.p99_ms = quantile(99);
  return summary;
}

}  // namespace everwrite::replicator
