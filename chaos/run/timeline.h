// What a scenario's faults are second by second, once chance has spoken: each stroke has its begin,
// its end, and what exactly it strikes. The same scenario and seed give the same strokes.
//
// Pure. Thread-safety: values and free functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chaos/scenario/scenario.h"

namespace everwrite::chaos {

using Direction = std::pair<std::string, std::string>;  // what travels from one region to another

struct Stroke {
  FaultKind kind = FaultKind::kCut;
  int64_t at = 0;     // from the end of the warm-up
  int64_t until = 0;  // the same as `at` for what is over at once
  std::vector<Direction> directions;
  std::string region;  // empty: all of them
  Role role = Role::kRegion;
  Fault fault;       // its details; of one that is rising, as they are this time
  std::string text;  // for people
};

// By begin, then in the order of the file.
std::vector<Stroke> DrawTimeline(const Scenario& scenario, uint64_t seed);

struct LinkCondition {
  bool cut = false;
  int64_t delay_us = 0;
  int64_t jitter_us = 0;
  uint64_t bytes_per_second = 0;  // 0: no bound
  uint64_t over_bytes = 0;        // longer packets are lost; 0: none
  double loss_percent = 0;        // of packets, below TCP; the same of those that come twice
  double duplicate_percent = 0;
  friend bool operator==(const LinkCondition&, const LinkCondition&) = default;
};

// What holds for a direction at `now`, where `quiet` holds without faults. Cuts add up; of what
// slows, the later stroke stands.
LinkCondition ConditionAt(const std::vector<Stroke>& strokes, const Direction& direction,
                          const LinkCondition& quiet, int64_t now);

struct ClockCondition {
  int64_t offset_us = 0;
  int64_t grain_us = 0;  // 0: as fine as it is
  bool frozen = false;
  friend bool operator==(const ClockCondition&, const ClockCondition&) = default;
};

// How wrong a region's clock is at `now`. Offsets add up.
ClockCondition ClockAt(const std::vector<Stroke>& strokes, std::string_view region, int64_t now);

}  // namespace everwrite::chaos
