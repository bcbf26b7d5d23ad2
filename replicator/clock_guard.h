// The clock guard's decision: is our clock one of the majority's, and if not, where are they?
//
// A clock that is wrong must not win for ever: last writer wins would prefer whatever a region
// stamps whose clock runs ahead, and throw away what one writes whose clock is behind. So clocks
// that agree within a bound and are more than half of the topology's regions tell the time; one
// that is not among them is moved to the median of theirs. With two regions nobody can tell who is
// right, and nothing is moved (Marzullo's intersection, as NTP uses it, decides by majority too).
//
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace everwrite::replicator {

struct ClockVerdict {
  // There is a majority, and our clock is one of it, or will be when it is moved.
  bool judged = false;
  std::optional<int64_t> move_ms;  // what our clock must be moved by
};

// `offsets_ms`: of each peer whose clock was measured of late, its clock minus ours. `regions`: how
// many the topology has, ours included.
ClockVerdict JudgeClock(std::vector<int64_t> offsets_ms, size_t regions, int64_t bound_ms);

}  // namespace everwrite::replicator
