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
  std::optional<int64_t> delay_us;
  std::optional<int64_t> jitter_us;
  std::optional<uint64_t> bytes_per_second;
  int64_t jump_us = 0;
  int64_t drift_us_per_second = 0;
  std::string text;  // for people
};

// By begin, then in the order of the file.
std::vector<Stroke> DrawTimeline(const Scenario& scenario, uint64_t seed);

struct LinkCondition {
  bool cut = false;
  int64_t delay_us = 0;
  int64_t jitter_us = 0;
  uint64_t bytes_per_second = 0;  // 0: no bound
  friend bool operator==(const LinkCondition&, const LinkCondition&) = default;
};

// What holds for a direction at `now`, where `quiet` holds without faults. Cuts add up; of what
// slows, the later stroke stands.
LinkCondition ConditionAt(const std::vector<Stroke>& strokes, const Direction& direction,
                          const LinkCondition& quiet, int64_t now);

// How wrong a region's clock is at `now`.
int64_t ClockOffsetAt(const std::vector<Stroke>& strokes, std::string_view region, int64_t now);

}  // namespace everwrite::chaos
