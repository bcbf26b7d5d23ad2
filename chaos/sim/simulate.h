// `everwrite chaos simulate`: many seeds, each run on its own; a line for each that fails.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "chaos/sim/world.h"

namespace everwrite::chaos {

struct SimulateOptions {
  WorldOptions world;  // its seed is the first
  uint64_t seeds = 1;
  bool twice = false;  // run each seed twice and compare the trace hashes
};

struct SimulateSummary {
  uint64_t seeds = 0;
  uint64_t failed = 0;
  uint64_t writes = 0;
  uint64_t acknowledged = 0;
  uint64_t reads = 0;
  uint64_t conflicts = 0;
  uint64_t transactions = 0;
  uint64_t expired = 0;
  uint64_t streamed = 0;
  uint64_t moved = 0;
  uint64_t placed = 0;
  uint64_t crashes = 0;
  uint64_t lost_disks = 0;
  uint64_t fillings = 0;
  uint64_t lost_with_disk = 0;
  uint64_t cuts = 0;
  uint64_t events = 0;
  int64_t simulated_micros = 0;
};

// Runs one seed; `failure` is empty or says all that is wrong, with the line that replays it.
WorldResult SimulateOne(const SimulateOptions& options, uint64_t seed, std::string& failure);

// Runs all, one after the other, telling `print` of each failure, and of progress now and then.
SimulateSummary Simulate(const SimulateOptions& options,
                         const std::function<void(const std::string&)>& print);

std::string Describe(const SimulateSummary& summary);

}  // namespace everwrite::chaos
