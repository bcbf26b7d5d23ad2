// One entry of a scenario's list of faults (docs/chaos.md): what it may say, and what each kind
// needs. Pure. Thread-safety: a free function.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "chaos/scenario/scenario.h"
#include "topology/config_tree.h"

namespace everwrite::chaos {

// `file` is for messages. kInvalidArgument with file:line:column and the mend.
Result<Fault> ReadFault(const topology::ConfigNode& node, std::string_view file,
                        const std::vector<std::string>& region_names);

}  // namespace everwrite::chaos
