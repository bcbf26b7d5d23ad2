#include "streams/retention.h"

#include <algorithm>

namespace everwrite::streams {
namespace {

// The first number in [low, high) that is not older than `oldest_ms`; `high` when all are.
Result<uint64_t> FirstSince(uint64_t low, uint64_t high, uint64_t oldest_ms,
                            const std::function<Result<Stamp>(uint64_t number)>& stamp_of) {
  // Mostly nothing may go, and the first tells.
  if (low < high) {
    EW_ASSIGN_OR_RETURN(const Stamp stamp, stamp_of(low));
    if (stamp.milliseconds() >= oldest_ms) return low;
    ++low;
  }
  // Invariant: all numbers below `low` may go, none from `high` on may.
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    EW_ASSIGN_OR_RETURN(const Stamp stamp, stamp_of(middle));
    if (stamp.milliseconds() < oldest_ms) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

}  // namespace

Result<uint64_t> TrimPoint(const RetentionInput& input,
                           const std::function<Result<Stamp>(uint64_t number)>& stamp_of) {
  const uint64_t high = std::min(input.durable_everywhere, input.applied) + 1;
  if (input.now_ms < input.keep_ms) return input.first_held;
  return FirstSince(input.first_held, high, input.now_ms - input.keep_ms, stamp_of);
}

Result<std::map<LogId, uint64_t>> CutPoints(
    const std::map<LogId, LogExtent>& logs, const LogBound& bound,
    const std::function<Result<Stamp>(Dot)>& stamp_of,
    const std::function<uint64_t(LogId, uint64_t from, uint64_t through)>& bytes_of) {
  std::map<LogId, uint64_t> points;
  uint64_t total = 0;
  for (const auto& [log, extent] : logs)
    if (extent.first_held <= extent.applied)
      total += bytes_of(log, extent.first_held, extent.applied);
  if (total <= bound.bytes_max || bound.now_ms < bound.keep_ms) return points;
  uint64_t low_ms = UINT64_MAX;  // nothing is older
  for (const auto& [log, extent] : logs) {
    if (extent.first_held > extent.applied) continue;
    EW_ASSIGN_OR_RETURN(const Stamp oldest, stamp_of({log, extent.first_held}));
    low_ms = std::min(low_ms, oldest.milliseconds());
  }
  // Below it by a tenth, so that the next cut is not due at once.
  const uint64_t goal = bound.bytes_max - bound.bytes_max / 10;
  const auto cut_at = [&](uint64_t oldest_ms, uint64_t& left) -> Status {
    left = 0;
    points.clear();
    for (const auto& [log, extent] : logs) {
      EW_ASSIGN_OR_RETURN(const uint64_t first,
                          FirstSince(extent.first_held, extent.applied + 1, oldest_ms,
                                     [&, log = log](uint64_t number) {
                                       return stamp_of({log, number});
                                     }));
      if (first <= extent.applied) left += bytes_of(log, first, extent.applied);
      if (first > extent.first_held) points[log] = first;
    }
    return {};
  };
  // The earliest moment from which on all fits; what must be kept is kept, whether it fits or not.
  uint64_t high_ms = bound.now_ms - bound.keep_ms;
  uint64_t left = 0;
  while (low_ms < high_ms) {
    const uint64_t middle = low_ms + (high_ms - low_ms) / 2;
    EW_RETURN_IF_ERROR(cut_at(middle, left));
    if (left <= goal) {
      high_ms = middle;
    } else {
      low_ms = middle + 1;
    }
  }
  EW_RETURN_IF_ERROR(cut_at(high_ms, left));
  return points;
}

}  // namespace everwrite::streams
