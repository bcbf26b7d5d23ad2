// Scenario files: YAML, strict. Whatever is not understood is refused with file:line:column and the
// mend, as topology files are (topology/topology_file.h). The format, with every key, is
// docs/chaos.md; examples are in chaos/scenarios.
//
// Errors: kNotFound (no such file), kUnavailable (cannot be read), kInvalidArgument (all else).
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "chaos/scenario/scenario.h"

namespace everwrite::chaos {

// Reads the topology that a scenario points to, given as it is written there.
using TopologyLoader = std::function<Result<topology::Topology>(const std::string& path)>;

// `load` is called when the scenario names a topology file. The path is left as written.
Result<Scenario> ParseScenario(std::string_view text, std::string_view file,
                               const TopologyLoader& load);
// A path of a topology is relative to the scenario's folder.
Result<Scenario> LoadScenario(const std::string& path);

}  // namespace everwrite::chaos
