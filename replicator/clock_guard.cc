#include "replicator/clock_guard.h"

#include <algorithm>
#include <cstdlib>

#include "base/mark.h"

namespace everwrite::replicator {

ClockVerdict JudgeClock(std::vector<int64_t> offsets_ms, size_t regions, int64_t bound_ms) {
  offsets_ms.push_back(0);  // ours
  std::sort(offsets_ms.begin(), offsets_ms.end());
  const size_t majority = regions / 2 + 1;
  // The largest group within the bound; of equal ones the first, in every run.
  size_t best_begin = 0, best_size = 0;
  for (size_t begin = 0, end = 0; begin < offsets_ms.size(); ++begin) {
    while (end < offsets_ms.size() && offsets_ms[end] - offsets_ms[begin] <= bound_ms) ++end;
    const bool with_us = offsets_ms[begin] <= 0 && offsets_ms[end - 1] >= 0;
    if (with_us && end - begin >= majority) return {.judged = true};
    if (end - begin > best_size) best_begin = begin, best_size = end - begin;
  }
  if (best_size < majority) return {};
  const int64_t median = offsets_ms[best_begin + best_size / 2];
  if (std::abs(median) <= bound_ms) return {.judged = true};
  Reach(Mark::kClockCorrected);
  return {.judged = true, .move_ms = median};
}

}  // namespace everwrite::replicator
