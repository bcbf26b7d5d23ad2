#include "replicator/life_table.h"

#include <algorithm>

namespace everwrite::replicator {

bool LifeTable::OnHello(RegionId peer, const Hello& hello, Instant now) {
  std::vector<Seen>& seen = seen_[peer];
  std::erase_if(seen, [&](const Seen& one) {
    return now - one.last >= kForgetMicros || (hello.gone && one.life.id == hello.life.id);
  });
  if (hello.gone) return false;
  const auto at = std::find_if(seen.begin(), seen.end(),
                               [&](const Seen& one) { return one.life.id == hello.life.id; });
  if (at != seen.end()) {
    at->life = hello.life;
    at->last = now;
    return false;
  }
  if (seen.size() >= streams::kSightingsMax) seen.erase(seen.begin());
  seen.push_back({hello.life, now, now});
  return true;
}

std::vector<streams::PeerWord::Sighting> LifeTable::Sightings(RegionId peer, Instant now) const {
  std::vector<streams::PeerWord::Sighting> sightings;
  const auto at = seen_.find(peer);
  if (at == seen_.end()) return sightings;
  for (const Seen& one : at->second) {
    if (now - one.last >= kForgetMicros) continue;
    sightings.push_back({one.life, static_cast<uint64_t>((now - one.first) / kMicrosPerMilli),
                         static_cast<uint64_t>((now - one.last) / kMicrosPerMilli)});
  }
  return sightings;
}

}  // namespace everwrite::replicator
