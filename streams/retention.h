// Retention: how far a log may be forgotten.
//
// A record is kept for 24 hours (what a consumer of Streams may rely on) and until every other
// region has durably applied it, whichever is later. A region that has not been heard of holds
// everything back: losing a peer's changes is worse than a full disk, which an alarm can tell of in
// time.
//
// Pure.
#pragma once

#include <cstdint>
#include <functional>

#include "base/ids.h"
#include "base/result.h"

namespace everwrite::streams {

struct RetentionInput {
  uint64_t first_held = 1;          // the oldest number still there
  uint64_t applied = 0;             // the newest
  uint64_t durable_everywhere = 0;  // what all regions hold for sure
  uint64_t now_ms = 0;
  uint64_t keep_ms = 24ULL * 3600 * 1000;
};

// The new first number to hold; `first_held` when nothing may go. `stamp_of` gives the stamp of a
// held number; stamps rise with numbers within a log, so it is asked a logarithmic number of times.
Result<uint64_t> TrimPoint(const RetentionInput& input,
                           const std::function<Result<Stamp>(uint64_t number)>& stamp_of);

}  // namespace everwrite::streams
