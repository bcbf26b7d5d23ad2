// Retention: how far a log may be forgotten.
//
// A record is kept for 24 hours (what a consumer of Streams may rely on) and until every other
// region has durably applied it, whichever is later. A region that has not been heard of holds
// everything back, up to a bound in bytes: then what is older than the 24 hours goes, the oldest of
// all logs first, and whoever still needs it is cut loose: it comes back by a bootstrap. So one
// region that stays away cannot fill the disks of all others.
//
// Cutting is by stamp, so a transaction, whose changes share one, is never cut.
//
// Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <map>

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

// What there is of one log, after trimming as above.
struct LogExtent {
  uint64_t first_held = 1;
  uint64_t applied = 0;
};
struct LogBound {
  uint64_t bytes_max = 0;
  uint64_t now_ms = 0;
  uint64_t keep_ms = 24ULL * 3600 * 1000;
};
// The numbers to hold from on, so that all logs together are well below the bound again; only logs
// that must be cut are named, and none when they are below it.
Result<std::map<LogId, uint64_t>> CutPoints(
    const std::map<LogId, LogExtent>& logs, const LogBound& bound,
    const std::function<Result<Stamp>(Dot)>& stamp_of,
    const std::function<uint64_t(LogId, uint64_t from, uint64_t through)>& bytes_of);

}  // namespace everwrite::streams
