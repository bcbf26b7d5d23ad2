// The planted bugs (base/planted.h), and how many seeds of the simulator find each.
//
// Thread-safety: none; forks, so there may be no other threads.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/planted.h"
#include "chaos/sim/simulate.h"

namespace everwrite::chaos {

struct PlantedBugInfo {
  PlantedBug bug;
  std::string_view name;
  std::string_view what;
};

// kNone comes first: a control, of which nothing may be found.
const std::vector<PlantedBugInfo>& PlantedBugs();
const PlantedBugInfo* FindPlantedBug(std::string_view name);  // null: there is none

// A world with the bug in it, in a process of its own. In a build without planted bugs: without it.
WorldResult RunWithBug(PlantedBug bug, const Schedule& schedule);

struct Hunt {
  uint64_t seeds = 0;      // that were tried
  uint64_t found = 0;      // of them, in which something was wrong
  Schedule first;          // of those, when there is one
  std::string first_sign;  // what the first one said
};

// Runs worlds with the bug in it: what ends one, a CHECK or running for ever, is a find too. Tries
// `enough` seeds, and goes on up to `most` until one has found it.
Hunt HuntFor(PlantedBug bug, const DrawOptions& draw, uint64_t enough, uint64_t most);

}  // namespace everwrite::chaos
