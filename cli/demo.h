// `everwrite demo`: three regions on three continents, on this machine.
//
// Thread-safety: free functions.
#pragma once

#include <string>

#include "base/result.h"
#include "cli/cluster_view.h"

namespace everwrite::cli {

// The demo's topology file, as text: ports 8100 to 8302, one-way delays of 40, 75 and 110 ms.
const std::string& DemoTopology();

// A new folder in the system's temporary folder, for the user alone.
Result<std::string> MakeTemporaryFolder();
// Removes a folder of MakeTemporaryFolder and all in it.
void RemoveTemporaryFolder(const std::string& path);

// What to paste: a table made, an item written in the first region and read in the others; a cut
// and a heal.
std::string DemoInstructions(const ClusterView& view);

// Lines for `eval "$(everwrite env)"`.
std::string EnvironmentLines(const ClusterView& view);

}  // namespace everwrite::cli
