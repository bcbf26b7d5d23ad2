// From a parsed configuration tree to a valid Topology, or to the first thing that is wrong with
// it, where it is, and how to mend it. Pure; topology_file.h is what callers use.
#pragma once

#include <string_view>

#include "base/result.h"
#include "topology/config_tree.h"
#include "topology/topology.h"

namespace everwrite::topology {

Result<Topology> ReadTopology(const ConfigNode& root, std::string_view file);

}  // namespace everwrite::topology
