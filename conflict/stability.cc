#include "conflict/stability.h"

#include <algorithm>

namespace everwrite::conflict {
namespace {

// Everything of `region`, but of its life `but`, that is in `theirs` is in `ours`.
bool HasArrived(RegionId region, const Vector& theirs, const Vector& ours, LogId but = {}) {
  return std::all_of(theirs.entries().begin(), theirs.entries().end(), [&](const Dot& dot) {
    return dot.log.region() != region || dot.log == but || ours.Covers(dot);
  });
}

}  // namespace

Stability::Stability(RegionId self, const std::vector<RegionId>& others) : self_(self) {
  for (const RegionId region : others) peers_[region];
}

void Stability::OnHeartbeat(RegionId peer, const Word& word) {
  const auto at = peers_.find(peer);
  if (at == peers_.end()) return;
  std::deque<Vector>& waiting = at->second.waiting;
  // What a former life said and did not count yet is said again by the new one, as far as it knows.
  if (at->second.last.log != word.log) waiting.clear();
  at->second.last = word;
  if (waiting.empty() || waiting.back() != word.durable) {
    if (waiting.size() >= kWaitingMax) waiting.pop_back();
    waiting.push_back(word.durable);
  }
  Recompute();
}

void Stability::OnApplied(LogId log, const Vector& ours, const Vector& coming) {
  // We went back. What has counted did so because all of it had arrived here; some of that has to
  // arrive again.
  if (!ours.Covers(ours_)) {
    for (auto& [region, peer] : peers_) {
      peer.counted = {};
      peer.waiting.clear();
      if (peer.last.log.value != 0) peer.waiting.push_back(peer.last.durable);
    }
    stable_ = {};
  }
  log_ = log;
  ours_ = ours;
  coming_ = coming;
  Recompute();
}

bool Stability::IsSettled(RegionId region, LogId life) const {
  // What we have received ourselves is as good as what others have.
  if (!HasArrived(region, coming_, ours_, life)) return false;
  return std::all_of(peers_.begin(), peers_.end(), [&](const auto& entry) {
    const auto& [other, peer] = entry;
    if (other == region) return true;
    const std::vector<LogId>& lives = peer.last.lives;
    if (std::find(lives.begin(), lives.end(), life) == lives.end()) return false;
    // What it goes on writing in this life is waited for by the words themselves.
    return HasArrived(region, peer.last.durable, ours_, life) &&
           HasArrived(region, peer.last.coming, ours_, life);
  });
}

void Stability::Recompute() {
  Vector stable = ours_;
  for (auto& [region, peer] : peers_) {
    const bool settled = !peer.waiting.empty() && IsSettled(region, peer.last.log);
    while (settled && !peer.waiting.empty() && HasArrived(region, peer.waiting.front(), ours_)) {
      peer.counted = std::move(peer.waiting.front());
      peer.waiting.pop_front();
    }
    stable.Meet(peer.counted);
  }
  if (IsSettled(self_, log_)) stable_ = std::move(stable);
}

}  // namespace everwrite::conflict
