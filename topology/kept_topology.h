// The last topology that was good is kept beside a daemon, so that an empty, broken or older file
// that is pushed over the right one does not keep it from starting.
//
// A file is older when its `version` is lower than that of the one kept, in the same cluster.
// Thread-safety: a free function.
#pragma once

#include <string>

#include "base/result.h"
#include "topology/topology.h"

namespace everwrite::topology {

struct LoadedTopology {
  Topology topology;
  std::string refused;  // why it is not the file's but the one kept; empty: it is the file's
};

// `kept`: where the copy is; empty: none is made, and the file must be good. Errors are those of
// LoadTopology, when there is no good copy either.
Result<LoadedTopology> LoadTopologyOrKept(const std::string& path, const std::string& kept);

}  // namespace everwrite::topology
