// What a topology file means on this machine: endpoints, folders and simulated links. The only part
// of cli/ that knows the topology's own types.
//
// Folders. A region's data folder is as the file says, below DATA when that is given. `up` keeps
// what it needs for itself in run/ inside it: the nats-server's configuration, the socket between
// region and replicator, logs.
//
// Thread-safety: free functions and values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/cluster_view.h"
#include "cli/link_set.h"

namespace everwrite::cli {

struct Address {
  std::string host;
  uint16_t port = 0;
  std::string ToString() const { return host + ":" + std::to_string(port); }
};

struct RegionPlan {
  std::string name;
  Address endpoint;  // DynamoDB
  Address admin;
  Address nats;
  std::string data;    // absolute
  std::string socket;  // between the region and its replicator

  std::string run_folder() const { return data + "/run"; }
};

struct ClusterPlan {
  std::string cluster;
  std::string topology_file;  // absolute
  std::string data;           // DATA, absolute; empty when it was not given
  std::vector<RegionPlan> regions;
  std::vector<NetworkDirection> directions;

  ClusterView View() const;
  std::vector<NetworkNode> Nodes() const;
};

// kInvalidArgument with file:line:column and the mend, one error a line; kNotFound when there is no
// such file.
Result<ClusterPlan> LoadPlan(const std::string& topology_file, const std::string& data);

// What keeps `up` from running this plan here: a port in use, an address of another machine.
// kFailedPrecondition; nothing has been started or created.
Status CheckPlan(const ClusterPlan& plan, std::optional<uint16_t> gateway_port);

// The cluster of a file (and the running `up` of that very file, for its control endpoint); without
// a file what runs now.
Result<ClusterView> FindCluster(const std::string& topology_file);

// The configuration of a region's nats-server.
std::string NatsConfiguration(const RegionPlan& region);

// `path` from the root, with symbolic links followed as far as it exists.
std::string AbsolutePath(const std::string& path);

}  // namespace everwrite::cli
