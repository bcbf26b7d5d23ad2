#include "cli/plan.h"

#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/coding.h"
#include "topology/topology_file.h"

namespace everwrite::cli {
namespace {

Address Convert(const topology::Address& address) {
  return {address.host == "localhost" ? "127.0.0.1" : address.host, address.port};
}

// Can this address be listened on, here and now?
Status CheckFree(const std::string& what, const Address& address) {
  const std::string name = what + " (" + address.ToString() + ")";
  sockaddr_in socket_address{};
  socket_address.sin_family = AF_INET;
  socket_address.sin_port = htons(address.port);
  if (::inet_pton(AF_INET, address.host.c_str(), &socket_address.sin_addr) != 1) {
    return FailedPrecondition(name + ": `everwrite up` needs numeric IPv4 addresses");
  }
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return Unavailable(std::string("socket: ") + std::strerror(errno));
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  const int result =
      ::bind(fd, reinterpret_cast<sockaddr*>(&socket_address), sizeof(socket_address)) != 0
          ? -1
          : ::listen(fd, 1);
  const int error = errno;
  ::close(fd);
  if (result == 0) return OkStatus();
  if (error == EADDRINUSE) {
    return FailedPrecondition(name +
                              " is in use by another process; stop that, or change the port");
  }
  return FailedPrecondition(name + ": " + std::strerror(error));
}

// A Unix socket's path has a small bound; a deep data folder gets its socket elsewhere.
Result<std::string> SocketPath(const RegionPlan& region) {
  const std::string path = region.run_folder() + "/link.sock";
  if (path.size() < sizeof(sockaddr_un::sun_path)) return path;
  EW_ASSIGN_OR_RETURN(const std::string folder, RuntimeFolder());
  std::string hash;
  PutFixed64(hash, Hash64(path));
  return folder + "/link-" + ToHex(hash) + ".sock";
}

}  // namespace

std::string AbsolutePath(const std::string& path) {
  char full[PATH_MAX];
  if (::realpath(path.c_str(), full) != nullptr) return full;
  if (path.empty() || path[0] == '/') return path;
  char here[PATH_MAX];
  if (::getcwd(here, sizeof(here)) == nullptr) return path;
  return std::string(here) + "/" + path;
}

Result<ClusterPlan> LoadPlan(const std::string& topology_file, const std::string& data) {
  EW_ASSIGN_OR_RETURN(const topology::Topology topology, topology::LoadTopology(topology_file));
  ClusterPlan plan;
  plan.cluster = topology.cluster;
  plan.topology_file = AbsolutePath(topology_file);
  if (!data.empty()) plan.data = AbsolutePath(data);
  for (const topology::Region& region : topology.regions) {
    RegionPlan& out = plan.regions.emplace_back();
    out.name = region.name;
    out.endpoint = Convert(region.endpoint);
    out.admin = Convert(region.admin);
    out.nats = Convert(region.nats);
    out.data = AbsolutePath(topology.DataFolder(region, plan.data));
    EW_ASSIGN_OR_RETURN(out.socket, SocketPath(out));
  }
  for (const topology::Link& link : topology.links) {
    const std::string a = topology.FindRegion(link.a)->name;
    const std::string b = topology.FindRegion(link.b)->name;
    NetworkDirection direction{a, b, {}, link.state == topology::LinkState::kCut};
    direction.shape.delay_us = link.latency_us;
    direction.shape.jitter_us = link.jitter_us;
    direction.shape.bytes_per_second = static_cast<int64_t>(link.bytes_per_second);
    plan.directions.push_back(direction);
    std::swap(direction.from, direction.to);
    plan.directions.push_back(direction);
  }
  return plan;
}

ClusterView ClusterPlan::View() const {
  ClusterView view;
  view.cluster = cluster;
  view.topology_file = topology_file;
  view.data = data;
  for (const RegionPlan& region : regions) {
    view.regions.push_back({region.name, region.endpoint.ToString(), region.admin.ToString()});
  }
  return view;
}

std::vector<NetworkNode> ClusterPlan::Nodes() const {
  std::vector<NetworkNode> nodes;
  for (const RegionPlan& region : regions) {
    nodes.push_back({region.name, region.nats.host, region.nats.port});
  }
  return nodes;
}

Status CheckPlan(const ClusterPlan& plan, std::optional<uint16_t> gateway_port) {
  for (const RegionPlan& region : plan.regions) {
    EW_RETURN_IF_ERROR(CheckFree("the endpoint of region " + region.name, region.endpoint));
    EW_RETURN_IF_ERROR(CheckFree("the admin endpoint of region " + region.name, region.admin));
    EW_RETURN_IF_ERROR(CheckFree("the nats address of region " + region.name, region.nats));
  }
  if (gateway_port.has_value()) {
    EW_RETURN_IF_ERROR(CheckFree("the gateway's port", {"127.0.0.1", *gateway_port}));
  }
  return OkStatus();
}

Result<ClusterView> FindCluster(const std::string& topology_file) {
  if (topology_file.empty()) return FindRunning();
  EW_ASSIGN_OR_RETURN(const ClusterPlan plan, LoadPlan(topology_file, ""));
  auto running = FindRunning();
  if (running.ok() && running->topology_file == plan.topology_file) return running;
  return plan.View();
}

std::string NatsConfiguration(const RegionPlan& region) {
  // Pings find a dead client within 6 s and a write deadline one that no longer reads; the rest are
  // the defaults that the replicator counts on (max_payload 1 MB).
  return "# written by everwrite up\n"
         "server_name: \"" +
         region.name +
         "\"\n"
         "listen: \"" +
         region.nats.ToString() +
         "\"\n"
         "ping_interval: \"2s\"\n"
         "ping_max: 2\n"
         "write_deadline: \"5s\"\n"
         "max_pending: 64MB\n";
}

}  // namespace everwrite::cli
