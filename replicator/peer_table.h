// PeerTable: what is known of every other region: its last heartbeat, when it came, its clock, and
// what follows for all of them together (what everyone holds durably, what is causally stable).
//
// Pure.
#pragma once

#include <array>
#include <map>
#include <vector>

#include "base/flat_map.h"
#include "conflict/stability.h"
#include "replicator/latency_window.h"
#include "replicator/messages.h"
#include "replicator/options.h"

namespace everwrite::replicator {

class PeerTable {
 public:
  struct Peer {
    bool link_up = false;  // we are connected to its server
    bool ever_heard = false;
    Instant heard;  // last word of its source half
    bool ever_asked = false;
    Instant asked;   // last word of its receiver half
    Heartbeat last;  // vectors stay when its region is away
    // Its clock minus ours, both corrected; as measured.
    bool clock_measured = false;
    int64_t clock_offset_ms = 0;
    int64_t lag_ms = -1;  // of its newest change that we applied, when we did
    LatencyWindow latency;
  };

  explicit PeerTable(const Options& options);

  bool Knows(RegionId peer) const { return peers_.contains(peer); }
  const Peer& at(RegionId peer) const { return peers_.at(peer); }
  const FlatMap<RegionId, Peer>& all() const { return peers_; }

  void OnLink(RegionId peer, bool up, Instant now);
  void OnHeard(RegionId peer, Instant now);
  void OnAsked(RegionId peer, Instant now);
  enum class News : uint8_t { kNone, kFirst, kRestarted };
  // `our_raw_ms`: our region's clock now, without its correction; 0 when unknown.
  // `coming` as in OnOwnDurable, of now; where the heartbeat is of another life.
  News OnHeartbeat(RegionId peer, const Heartbeat& heartbeat, Instant now, uint64_t our_raw_ms,
                   const conflict::Vector& coming = {});
  bool IsAnotherLife(RegionId peer, const Heartbeat& heartbeat) const {
    const LogId former = at(peer).last.log;
    return heartbeat.serving && former.value != 0 && former != heartbeat.log;
  }
  // How much our region's clock is corrected.
  void OnOwnCorrection(int64_t correction_ms);
  // Our region has started: its clock is another, and what is measured with the former is void.
  void OnOwnClockStarted(uint64_t our_raw_ms);
  // `coming`: of other regions' logs, received and not applied yet.
  void OnOwnDurable(LogId log, const conflict::Vector& durable, const conflict::Vector& coming);
  // Changes of `origin` were applied, that had been made so long ago.
  void OnApplied(RegionId origin, const std::vector<int64_t>& lags_ms, Instant now);

  // Connected, heard within the silence bound, and its region serves: a source to pull from.
  bool Reachable(RegionId peer, Instant now) const { return Reachable(peers_.at(peer), now); }
  bool Reachable(const Peer& peer, Instant now) const {
    return peer.link_up && peer.ever_heard && peer.last.serving && !Silent(peer, now);
  }
  bool Silent(const Peer& peer, Instant now) const {
    return now - peer.heard >= options_.silence_us;
  }
  // Whether it is the log to which its region writes, as far as that has said.
  bool IsCurrent(LogId log) const {
    const auto at = peers_.find(log.region());
    return at != peers_.end() && at->second.last.log == log;
  }
  // Everything that somebody holds durably.
  conflict::Vector Known() const;
  // What all regions hold durably, our own included. Empty until all have been heard.
  conflict::Vector DurableEverywhere() const;
  const conflict::Vector& stable() const { return stability_.stable(); }
  // The current logs of all regions that were heard, and ours.
  std::vector<LogId> Lives() const;
  // For the heartbeat to `peer`: its last physical_ms, and the age of that.
  void FillEcho(RegionId peer, Instant now, Heartbeat& heartbeat) const;
  // The earliest time at which a peer that is heard now would be silent.
  Instant wake_at(Instant now) const;

 private:
  // Of the clocks without their corrections: those never jump while both processes live. The offset
  // measured with the shortest round trip of the last few is the one least spoilt by queues.
  struct Sample {
    int64_t round_trip_ms = INT64_MAX;
    int64_t offset_ms = 0;
  };
  static constexpr size_t kSamples = 8;
  struct Clock {
    std::array<Sample, kSamples> samples;
    size_t next = 0;
  };
  void Measure(RegionId peer, const Heartbeat& heartbeat, uint64_t our_raw_ms);
  void Conclude(RegionId peer);

  const Options options_;
  FlatMap<RegionId, Peer> peers_;
  std::map<RegionId, Clock> clocks_;
  int64_t own_correction_ms_ = 0;
  uint64_t own_started_ms_ = 0;  // raw; an echo of before is of another clock
  std::map<RegionId, Instant> heartbeat_at_;
  LogId own_log_;
  conflict::Vector own_durable_;
  conflict::Vector own_coming_;
  conflict::Stability stability_;
};

}  // namespace everwrite::replicator
