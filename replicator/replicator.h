// Replicator: feed, puller, gate and peer table composed: everything that the daemon decides,
// without a thread, a socket or a clock. What happens comes in as calls; what to do goes out as a
// Ready, which the driver carries out in the order of its fields. The simulator is a second driver.
//
//   driver loop:  on each input: core.OnXxx(..., now);  Execute(core.TakeReady(now));
//                 sleep until ready.wake_at, then core.OnTick(now)
//
// A crash is: drop the object and construct another; the region's state and the peers' heartbeats
// bring everything back.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "base/random.h"
#include "replicator/clock_guard.h"
#include "replicator/feed.h"
#include "replicator/filler.h"
#include "replicator/gate.h"
#include "replicator/life_table.h"
#include "replicator/log_meter.h"
#include "replicator/messages.h"
#include "replicator/options.h"
#include "replicator/peer_table.h"
#include "replicator/puller.h"
#include "replicator/scan_feed.h"
#include "streams/link_codec.h"
#include "streams/region_port.h"

namespace everwrite::replicator {

struct Ready {
  std::vector<streams::ApplyRequest> applies;     // to the region, in order
  std::vector<streams::FillRequest> fills;        // to the region
  std::vector<streams::ReadRequest> reads;        // to the region
  std::vector<streams::ScanRequest> scans;        // to the region
  std::optional<streams::PeerProgress> progress;  // to the region
  std::vector<streams::Mail> mails;               // to the region
  std::vector<streams::PeerWord> words;           // to the region
  std::vector<Outgoing> messages;                 // to peers, in order for each
  std::vector<Event> events;                      // to the log
  Instant wake_at{INT64_MAX};                     // OnTick not later than this
  bool empty() const {
    return applies.empty() && fills.empty() && reads.empty() && scans.empty() && !progress &&
           mails.empty() && words.empty() && messages.empty() && events.empty();
  }
};

class Replicator {
 public:
  // `random` is used during the call only.
  Replicator(const Options& options, Random& random, Instant now);

  // --- the region beside us ---
  // The first state, and the first after OnRegionDown, is the region coming up. Until its life is
  // admitted, peers are asked for their word of it, and nothing else.
  void OnRegionState(const streams::RegionState& state, Instant now);
  void OnRegionDown(Instant now);
  // Freshly durable records, pushed (best effort: what is not pushed is read).
  void OnRecordsCommitted(const streams::RecordBatch& batch, Instant now);
  void OnReadReply(const streams::ReadReply& reply, Instant now);
  void OnApplyReply(const streams::ApplyReply& reply, Instant now);
  // To a peer's region; dropped when the peer is not connected.
  void OnRegionMail(streams::Mail mail, Instant now);
  void OnScanReply(streams::ScanReply reply, Instant now);
  void OnFillReply(const streams::FillReply& reply, Instant now);

  // --- the bus ---
  // Connected to the peer's server and subscribed there; the same again means: made anew.
  void OnPeerUp(RegionId peer, Instant now);
  void OnPeerDown(RegionId peer, Instant now);
  void OnMessage(RegionId peer, Message message, Instant now);

  void OnTick(Instant now);

  Ready TakeReady(Instant now);

  // bus_connected is left for the driver.
  streams::ReplicationStatus status(Instant now) const;
  bool region_up() const { return region_up_; }

 private:
  void OnHeartbeat(RegionId peer, const Heartbeat& heartbeat, Instant now);
  enum class Alarmed : uint8_t { kTail, kClock, kHeld };
  void Alarm(Alarmed what, RegionId peer, bool on, const std::string& text);
  void SayHeartbeat(RegionId peer, Instant now);
  void SayHello(RegionId peer);
  void ForgetRegion(Instant now);
  void OnWord(RegionId peer, const Heartbeat& heartbeat);
  streams::PeerProgress Progress(Instant now) const;
  // Changes of `origin`'s logs that `known` has and `applied` has not.
  static uint64_t PendingOf(RegionId origin, const conflict::Vector& known,
                            const conflict::Vector& applied);
  // The region's physical clock now; 0 before its first state. Raw: without its correction.
  uint64_t PhysicalMillis(Instant now) const;
  uint64_t RawMillis(Instant now) const;
  // The region's clock is to be corrected by so much, all in all; nullopt: it is right as it is.
  ClockVerdict Clock(Instant now) const;
  // The region holds from now on what `state` says, and is asked from there.
  void BeginPulling(const streams::RegionState& state);
  // Of other regions' logs: received, here or in the region, and not applied yet.
  conflict::Vector Coming() const;
  void MergeState(const conflict::Vector& applied, const conflict::Vector& durable);
  // What the puller looks at may have changed: any input does that but those that concern the feed
  // alone, and a state that tells of nothing but our own changes.
  void AdvancePuller(Instant now);

  const Options options_;
  const uint64_t boot_;
  uint64_t sequence_ = 0;
  bool region_up_ = false;
  streams::RegionState state_;
  // Of a region that is there and not admitted yet.
  std::optional<streams::RegionState> pending_;
  Instant state_at_;
  conflict::Vector whole_at_;  // of the last state: Heartbeat
  Feed feed_;
  Puller puller_;
  Gate gate_;
  ScanFeed scan_feed_;
  Filler filler_;
  PeerTable peers_;
  LogMeter meter_;
  LifeTable lives_;
  std::vector<streams::PeerWord> words_;
  Instant next_heartbeat_;
  bool progress_due_ = false;
  bool pull_due_ = true;  // see AdvancePuller
  Instant pull_by_;
  std::vector<streams::Mail> mails_;
  std::vector<Outgoing> messages_;
  std::vector<Event> events_;
  std::set<std::pair<Alarmed, RegionId>> alarms_;  // that are on
};

}  // namespace everwrite::replicator
