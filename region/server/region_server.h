// The region daemon: everything of one region in one process. Data folder, RocksDB, engine, commit
// thread, DynamoDB endpoint, admin endpoint, and the link to the replicator.
#pragma once

#include <string>

namespace everwrite::server {

struct RegionOptions {
  std::string topology_file;
  std::string region;   // its name in the file
  std::string data;     // base of the data folders; empty: as the file says
  std::string socket;   // of the link; empty: in the data folder
  std::string keep;     // the last good topology (topology/kept_topology.h); empty: none
  bool is_new = false;  // the cluster is new: an empty region need not ask its peers for data
};

// Serves until SIGTERM or SIGINT, then drains and returns 0. Before it serves, bad configuration
// returns 78 (topology, folder, port), with the reason on standard error. A disk that fails then,
// or that fails a sync ends the process with 70: what it holds is unknown, and nothing more may be
// acknowledged.
int RunRegion(const RegionOptions& options);

}  // namespace everwrite::server
