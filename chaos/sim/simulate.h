// `everwrite chaos simulate`: many seeds, each run on its own; a line for each that fails.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "chaos/sim/world.h"

namespace everwrite::chaos {

// Runs a schedule; in this process, or in one of its own (run_apart.h).
using WorldRunner = std::function<WorldResult(const Schedule&)>;

struct SimulateOptions {
  DrawOptions draw;  // its seed is the first
  Plants plants;
  uint64_t seeds = 1;
  bool twice = false;  // run each seed twice and compare the trace hashes
  WorldRunner run;     // null: RunWorld with the plants
  // Told of each failure, after it was printed.
  std::function<void(const Schedule&, const WorldResult&)> on_failure;
};

struct SimulateSummary {
  uint64_t seeds = 0;
  uint64_t failed = 0;
  WorldCounts counts;
};

// What a violation is about, without its numbers and names: two runs show the same kind of failure
// when they have a violation of one kind.
std::string KindOf(const std::string& violation);
bool HasKind(const WorldResult& result, const std::string& kind);

// Runs one schedule, twice if wanted; `what` names it, `replay` is the line that runs it again.
// Returns the failure's text: empty, or all that is wrong.
std::string RunOne(const SimulateOptions& options, const Schedule& schedule,
                   const std::string& what, const std::string& replay, WorldResult& result);

// Runs all seeds, one after the other, telling `print` of each failure, and of progress now and
// then.
SimulateSummary Simulate(const SimulateOptions& options,
                         const std::function<void(const std::string&)>& print);

std::string Describe(const SimulateSummary& summary);

// The marks that no world has reached (base/mark.h), by name.
std::vector<std::string> MarksNeverReached(const WorldCounts& counts);
// A line for each mark: how often, its name and what it means.
std::string DescribeMarks(const WorldCounts& counts);

}  // namespace everwrite::chaos
