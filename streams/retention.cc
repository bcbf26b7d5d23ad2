#include "streams/retention.h"

#include <algorithm>

namespace everwrite::streams {

Result<uint64_t> TrimPoint(const RetentionInput& input,
                           const std::function<Result<Stamp>(uint64_t number)>& stamp_of) {
  // Invariant: all numbers below `low` may go, none from `high` on may.
  uint64_t low = input.first_held;
  uint64_t high = std::min(input.durable_everywhere, input.applied) + 1;
  if (input.now_ms < input.keep_ms) return low;
  const uint64_t oldest_kept_ms = input.now_ms - input.keep_ms;
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    EW_ASSIGN_OR_RETURN(const Stamp stamp, stamp_of(middle));
    if (stamp.milliseconds() < oldest_kept_ms) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

}  // namespace everwrite::streams
