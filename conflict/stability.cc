#include "conflict/stability.h"

#include <algorithm>

namespace everwrite::conflict {
namespace {

// Everything that `peer` had written itself when it said `durable` is in `ours`.
bool HasArrived(RegionId peer, const Vector& durable, const Vector& ours) {
  return std::all_of(durable.entries().begin(), durable.entries().end(),
                     [&](const Dot& dot) { return dot.log.region() != peer || ours.Covers(dot); });
}

}  // namespace

Stability::Stability(const std::vector<RegionId>& others) {
  for (const RegionId region : others) peers_[region];
}

void Stability::OnHeartbeat(RegionId peer, const Vector& durable) {
  const auto at = peers_.find(peer);
  if (at == peers_.end()) return;
  std::deque<Vector>& waiting = at->second.waiting;
  if (!waiting.empty() && waiting.back() == durable) return;
  if (waiting.size() >= kWaitingMax) waiting.pop_back();
  waiting.push_back(durable);
  Recompute();
}

void Stability::OnApplied(const Vector& ours) {
  ours_ = ours;
  Recompute();
}

void Stability::Recompute() {
  Vector stable = ours_;
  for (auto& [region, peer] : peers_) {
    while (!peer.waiting.empty() && HasArrived(region, peer.waiting.front(), ours_)) {
      peer.counted = std::move(peer.waiting.front());
      peer.waiting.pop_front();
    }
    stable.Meet(peer.counted);
  }
  stable_ = std::move(stable);
}

}  // namespace everwrite::conflict
