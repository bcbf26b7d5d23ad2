// `everwrite replicator`: the daemon beside a region.
//
// Wires the core (replicator.h) to NATS, to the region's Unix socket and to the clock, and runs
// until SIGTERM or SIGINT. Whatever it is connected to may go away and come back at any time; it
// never gives up. Structured log lines on standard error.
#pragma once

#include <map>
#include <string>

namespace everwrite::replicator {

struct DaemonOptions {
  std::string topology_file;
  std::string region;  // a name of the topology file
  std::string data;    // base of relative data folders (--data); empty: the topology file's folder
  std::string keep;    // the last good topology (topology/kept_topology.h); empty: none
  std::string socket;  // of the region; empty: region.sock in its data folder
  // Peer's name -> URL to reach its server by instead of the topology's (`up` puts its faulty link
  // there).
  std::map<std::string, std::string> peer_urls;
};

// The process's exit status: 0 after a signal, 78 for a configuration that cannot be used.
int RunReplicator(const DaemonOptions& options);

}  // namespace everwrite::replicator
