// `everwrite region` and `everwrite replicator`: from the command line to the daemons.
#include <cstdio>

#include "cli/commands.h"
#include "region/server/region_server.h"
#include "replicator/daemon.h"

namespace everwrite::cli {

int RunRegionCommand(const DaemonCommand& command) {
  server::RegionOptions options;
  options.topology_file = command.topology_file;
  options.region = command.region;
  options.data = command.data;
  options.socket = command.socket;
  options.keep = command.keep;
  options.is_new = command.is_new;
  return server::RunRegion(options);
}

int RunReplicatorCommand(const DaemonCommand& command) {
  replicator::DaemonOptions options;
  options.topology_file = command.topology_file;
  options.region = command.region;
  options.data = command.data;
  options.socket = command.socket;
  options.keep = command.keep;
  for (const std::string& peer : command.peers) {
    const size_t equals = peer.find('=');
    if (equals == 0 || equals == std::string::npos) {
      std::fprintf(stderr, "everwrite replicator: --peer %s is not NAME=URL\n", peer.c_str());
      return kExitUsage;
    }
    options.peer_urls[peer.substr(0, equals)] = peer.substr(equals + 1);
  }
  return replicator::RunReplicator(options);
}

}  // namespace everwrite::cli
