#include "chaos/scenario/scenario.h"

#include "base/check.h"

namespace everwrite::chaos {

bool CutsLinks(FaultKind kind) { return kind <= FaultKind::kChain; }

bool IsInstant(FaultKind kind) {
  switch (kind) {
    case FaultKind::kReset:
    case FaultKind::kKill:
    case FaultKind::kLoseDisk:
    case FaultKind::kPowerCut:
    case FaultKind::kDamage:
    case FaultKind::kUpgrade:
    case FaultKind::kAddIndex:
    case FaultKind::kRemakeTable: return true;
    default: return false;
  }
}

bool NeedsShim(FaultKind kind) {
  return kind >= FaultKind::kPowerCut && kind <= FaultKind::kDiskHang;
}

std::vector<std::string> ShortRegionNames(uint64_t count) {
  static constexpr std::array<std::string_view, kMaxShortRegions> kNames = {
      "us-east-1",  "eu-west-1",  "ap-northeast-1", "sa-east-1",   "us-west-2",
      "ap-south-1", "eu-north-1", "af-south-1",     "ca-central-1"};
  CHECK(count <= kNames.size());
  return {kNames.begin(), kNames.begin() + static_cast<std::ptrdiff_t>(count)};
}

topology::Topology ShortTopology(const Scenario& scenario, const std::vector<uint16_t>& ports) {
  topology::Topology topology;
  topology.cluster = "chaos";
  topology.version = 2;  // so that there is an older one
  CHECK(ports.size() == 3 * scenario.region_names.size());
  for (size_t i = 0; i < scenario.region_names.size(); ++i) {
    topology::Region& region = topology.regions.emplace_back();
    region.name = scenario.region_names[i];
    region.id.value = static_cast<uint16_t>(i + 1);
    region.endpoint = {"127.0.0.1", ports[3 * i]};
    region.admin = {"127.0.0.1", ports[3 * i + 1]};
    region.nats = {"127.0.0.1", ports[3 * i + 2]};
    region.data = region.name;
    for (size_t j = 0; j < i; ++j) {
      topology::Link& link = topology.links.emplace_back();
      link.a = topology.regions[j].id;
      link.b = topology.regions[i].id;
      link.latency_us = scenario.delay_us;
      link.jitter_us = scenario.jitter_us;
    }
  }
  return topology;
}

}  // namespace everwrite::chaos
