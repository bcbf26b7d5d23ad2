#include "replicator/daemon.h"

#include <signal.h>
#include <sys/un.h>

#include <algorithm>
#include <cstdio>

#include "base/system_clock.h"
#include "replicator/daemon/driver.h"
#include "replicator/link/region_link.h"
#include "replicator/nats/nats_bus.h"
#include "topology/kept_topology.h"

namespace everwrite::replicator {
namespace {

constexpr int kExitConfiguration = 78;  // EX_CONFIG of sysexits.h

int Refuse(const std::string& why) {
  std::fprintf(stderr, "everwrite replicator: %s\n", why.c_str());
  return kExitConfiguration;
}

Options CoreOptions(const topology::Topology& topology, RegionId self) {
  const topology::ReplicationSettings& settings = topology.replication;
  Options options;
  options.self = self;
  options.peers = topology.Others(self);
  options.batch_bytes = settings.batch_bytes;
  options.credit_bytes = settings.credit_bytes;
  options.heartbeat_us = settings.heartbeat_us;
  options.silence_us = settings.silence_us;
  options.open_timeout_us = std::min(options.open_timeout_us, settings.silence_us / 2);
  options.keepalive_us = std::min(options.keepalive_us, settings.silence_us / 2);
  options.max_clock_offset_us = settings.max_clock_offset_us;
  options.fill_bytes_per_second = settings.bootstrap_bytes_per_second;
  // Chunks come on top of the logs, over the same connection.
  options.fill_window = std::clamp<uint64_t>(topology::kMaxCreditBytes - settings.credit_bytes,
                                             1'000'000, kFillWindowMax);
  return options;
}

// Signals are taken by sigwait in the main thread; every thread made later inherits the block.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signals;
}

}  // namespace

int RunReplicator(const DaemonOptions& options) {
  const auto loaded = topology::LoadTopologyOrKept(options.topology_file, options.keep);
  if (!loaded.ok()) return Refuse(loaded.status().message());
  const topology::Topology& topology = loaded->topology;
  const topology::Region* self = topology.FindRegion(options.region);
  if (self == nullptr)
    return Refuse(options.topology_file + " has no region \"" + options.region +
                  "\"; its regions are " + topology.RegionNames());
  for (const auto& [name, url] : options.peer_urls)
    if (topology.FindRegion(name) == nullptr || name == self->name)
      return Refuse("--peer " + name + ": there is no such peer; the regions are " +
                    topology.RegionNames());

  const std::string socket_path =
      !options.socket.empty()
          ? options.socket
          : topology.DataFolder(*self, options.data) + "/" + std::string(streams::kLinkSocketName);
  if (socket_path.size() >= sizeof(sockaddr_un::sun_path))
    return Refuse(socket_path +
                  " is too long for a socket; use a shorter data folder, or --socket");

  const sigset_t signals = BlockSignals();
  const SystemClock clock;
  const Logger log(StderrSink(), {.region = self->name, .component = "replicator"}, &clock);

  NatsBusOptions bus_options{topology.cluster, self->id, self->name, self->NatsUrl(), {}};
  std::map<RegionId, std::string> names;
  for (const topology::Region& region : topology.regions) {
    names[region.id] = region.name;
    if (region.id == self->id) continue;
    const auto url = options.peer_urls.find(region.name);
    bus_options.peers.push_back(
        {region.id, region.name, url != options.peer_urls.end() ? url->second : region.NatsUrl()});
  }
  RegionLinkOptions link_options;
  link_options.socket_path = socket_path;
  link_options.cluster = topology.cluster;
  link_options.region = self->id;

  Driver driver(CoreOptions(topology, self->id), std::move(names), RandomSeed(), clock, log);
  {
    NatsBus bus(std::move(bus_options), &driver);
    RegionLink link(link_options, &driver);
    driver.Start(&bus, &link);
    if (!loaded->refused.empty())
      log.Error("the topology file is refused, the last good one is used",
                {{"reason", loaded->refused}});
    log.Info("replicator runs", {{"socket", link_options.socket_path}});
    int signal_number = 0;
    sigwait(&signals, &signal_number);
    log.Info("replicator ends", {{"signal", signal_number}});
    driver.Stop();
  }
  return 0;
}

}  // namespace everwrite::replicator
