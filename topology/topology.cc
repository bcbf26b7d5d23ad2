#include "topology/topology.h"

#include <algorithm>

namespace everwrite::topology {

std::string Address::ToString() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

const Region* Topology::FindRegion(std::string_view name) const {
  const auto at = std::find_if(regions.begin(), regions.end(),
                               [&](const Region& region) { return region.name == name; });
  return at == regions.end() ? nullptr : &*at;
}

const Region* Topology::FindRegion(RegionId id) const {
  const auto at = std::find_if(regions.begin(), regions.end(),
                               [&](const Region& region) { return region.id == id; });
  return at == regions.end() ? nullptr : &*at;
}

std::string Topology::NameOf(RegionId id) const {
  const Region* region = FindRegion(id);
  return region != nullptr ? region->name : "region id " + std::to_string(id.value);
}

const Link* Topology::FindLink(RegionId x, RegionId y) const {
  const auto at =
      std::find_if(links.begin(), links.end(), [&](const Link& link) { return link.Joins(x, y); });
  return at == links.end() ? nullptr : &*at;
}

std::vector<RegionId> Topology::Others(RegionId self) const {
  std::vector<RegionId> others;
  for (const Region& region : regions)
    if (region.id != self) others.push_back(region.id);
  return others;
}

std::string Topology::RegionNames() const {
  std::string names;
  for (const Region& region : regions) names += (names.empty() ? "" : ", ") + region.name;
  return names;
}

std::string Topology::DataFolder(const Region& region, std::string_view base) const {
  if (region.data.starts_with('/')) return region.data;
  const std::string root = base.empty() ? directory : std::string(base);
  return root.ends_with('/') ? root + region.data : root + "/" + region.data;
}

}  // namespace everwrite::topology
