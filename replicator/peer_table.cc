#include "replicator/peer_table.h"

#include <algorithm>
#include <cstdlib>

#include "base/mark.h"

namespace everwrite::replicator {
namespace {

// What clocks may drift between two samples, and lose by rounding.
constexpr int64_t kClockSlackMs = 20;

}  // namespace

PeerTable::PeerTable(const Options& options)
    : options_(options), stability_(options.self, options.peers) {
  for (const RegionId peer : options.peers) peers_[peer];
}

void PeerTable::OnLink(RegionId peer, bool up, Instant now) {
  Peer& entry = peers_.at(peer);
  // A new connection is given the whole silence bound before it counts as silent.
  if (up && !entry.link_up) entry.heard = now;
  entry.link_up = up;
}

void PeerTable::OnHeard(RegionId peer, Instant now) {
  Peer& entry = peers_.at(peer);
  entry.ever_heard = true;
  entry.heard = now;
}

void PeerTable::OnAsked(RegionId peer, Instant now) {
  Peer& entry = peers_.at(peer);
  entry.ever_asked = true;
  entry.asked = now;
}

PeerTable::News PeerTable::OnHeartbeat(RegionId peer, const Heartbeat& heartbeat, Instant now,
                                       uint64_t our_raw_ms, const conflict::Vector& coming) {
  Peer& entry = peers_.at(peer);
  const bool first = entry.last.boot == 0;
  const bool same_boot = entry.last.boot == heartbeat.boot;
  if (same_boot && heartbeat.sequence <= entry.last.sequence)
    return News::kNone;  // late or repeated
  // Of another process that has no region, or none that is admitted: it does not take the place of
  // one that serves.
  const auto accepted = heartbeat_at_.find(peer);
  if (!first && !same_boot && !heartbeat.serving && entry.last.serving &&
      now - accepted->second < options_.silence_us)
    return News::kNone;
  heartbeat_at_[peer] = now;
  if (heartbeat.serving) {
    const bool another_life = IsAnotherLife(peer, heartbeat);
    entry.last = heartbeat;
    // What we have received of the former life is waited for from now on, and before the new one's
    // first word is looked at.
    if (another_life) OnOwnDurable(own_log_, own_durable_, coming);
    Measure(peer, heartbeat, our_raw_ms);
    Conclude(peer);
    stability_.OnHeartbeat(peer,
                           {heartbeat.log, heartbeat.durable, heartbeat.lives, heartbeat.coming});
  } else {
    entry.last.boot = heartbeat.boot;
    entry.last.sequence = heartbeat.sequence;
    entry.last.serving = false;
  }
  return first ? News::kFirst : same_boot ? News::kNone : News::kRestarted;
}

void PeerTable::Measure(RegionId peer, const Heartbeat& heartbeat, uint64_t our_raw_ms) {
  if (heartbeat.echo_ms == 0 || our_raw_ms == 0 || heartbeat.echo_ms < own_started_ms_) return;
  const auto sent = static_cast<int64_t>(heartbeat.echo_ms);
  const auto here = static_cast<int64_t>(our_raw_ms);
  const int64_t there = static_cast<int64_t>(heartbeat.physical_ms) - heartbeat.clock_correction_ms;
  const auto held = static_cast<int64_t>(heartbeat.echo_age_ms);
  const int64_t round_trip = here - sent - held;
  if (held < 0 || round_trip < 0) return;
  const Sample sample{round_trip, (2 * there - held - sent - here) / 2};
  Clock& clock = clocks_[peer];
  // The truth lies within half a round trip of each. Two samples that exclude each other are of
  // two clocks: the peer's region was started again.
  for (const Sample& other : clock.samples)
    if (other.round_trip_ms != INT64_MAX &&
        2 * std::abs(other.offset_ms - sample.offset_ms) >
            other.round_trip_ms + round_trip + 2 * kClockSlackMs) {
      clock = {};
      break;
    }
  clock.samples[clock.next] = sample;
  clock.next = (clock.next + 1) % kSamples;
}

void PeerTable::Conclude(RegionId peer) {
  const auto at = clocks_.find(peer);
  if (at == clocks_.end()) return;
  const auto& samples = at->second.samples;
  const auto best = std::min_element(
      samples.begin(), samples.end(),
      [](const Sample& a, const Sample& b) { return a.round_trip_ms < b.round_trip_ms; });
  Peer& entry = peers_.at(peer);
  entry.clock_measured = best->round_trip_ms != INT64_MAX;
  entry.clock_offset_ms =
      entry.clock_measured ? best->offset_ms + entry.last.clock_correction_ms - own_correction_ms_
                           : 0;
}

void PeerTable::OnOwnCorrection(int64_t correction_ms) {
  if (correction_ms == own_correction_ms_) return;
  own_correction_ms_ = correction_ms;
  for (const auto& [peer, clock] : clocks_) Conclude(peer);
}

void PeerTable::OnOwnClockStarted(uint64_t our_raw_ms) {
  own_started_ms_ = our_raw_ms;
  for (auto& [peer, clock] : clocks_) {
    clock = {};
    Conclude(peer);
  }
}

void PeerTable::FillEcho(RegionId peer, Instant now, Heartbeat& heartbeat) const {
  const Peer& entry = peers_.at(peer);
  const auto at = heartbeat_at_.find(peer);
  if (at == heartbeat_at_.end() || !entry.last.serving) return;
  heartbeat.echo_ms = static_cast<uint64_t>(std::max<int64_t>(
      static_cast<int64_t>(entry.last.physical_ms) - entry.last.clock_correction_ms, 0));
  heartbeat.echo_age_ms = static_cast<uint64_t>((now - at->second) / kMicrosPerMilli);
}

void PeerTable::OnOwnDurable(LogId log, const conflict::Vector& durable,
                             const conflict::Vector& received) {
  // Of current lives more comes all the time, and their words themselves wait for it.
  conflict::Vector coming;
  for (const Dot& dot : received.entries())
    if (const auto peer = peers_.find(dot.log.region());
        peer == peers_.end() || peer->second.last.log != dot.log)
      coming.Set(dot.log, dot.number);
  if (log == own_log_ && durable == own_durable_ && coming == own_coming_) return;
  own_log_ = log;
  own_durable_ = durable;
  own_coming_ = coming;
  if (!coming.empty()) Reach(Mark::kStabilityWaits);
  stability_.OnApplied(log, durable, coming);
}

std::vector<LogId> PeerTable::Lives() const {
  std::vector<LogId> lives;
  for (const auto& [region, peer] : peers_)
    if (peer.last.log.value != 0) lives.push_back(peer.last.log);
  if (own_log_.value != 0) lives.push_back(own_log_);
  return lives;
}

void PeerTable::OnApplied(RegionId origin, const std::vector<int64_t>& lags_ms, Instant now) {
  const auto at = peers_.find(origin);
  if (at == peers_.end() || lags_ms.empty()) return;
  for (const int64_t lag_ms : lags_ms) at->second.latency.Add(lag_ms, now);
  at->second.lag_ms = lags_ms.back();
}

conflict::Vector PeerTable::Known() const {
  conflict::Vector known;
  for (const auto& [region, peer] : peers_) known.Merge(peer.last.durable);
  return known;
}

conflict::Vector PeerTable::DurableEverywhere() const {
  conflict::Vector everywhere = own_durable_;
  // A peer that was never heard has an empty vector: nothing.
  for (const auto& [region, peer] : peers_) everywhere.Meet(peer.last.durable);
  return everywhere;
}

Instant PeerTable::wake_at(Instant now) const {
  Instant wake{INT64_MAX};
  for (const auto& [region, peer] : peers_)
    if (peer.link_up && !Silent(peer, now)) wake = std::min(wake, peer.heard + options_.silence_us);
  return wake;
}

}  // namespace everwrite::replicator
