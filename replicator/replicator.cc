#include "replicator/replicator.h"

#include <algorithm>
#include <cstdlib>

#include "base/planted.h"

namespace everwrite::replicator {

Replicator::Replicator(const Options& options, Random& random, Instant now)
    : options_(options),
      boot_(random.Next() | 1),
      feed_(options),
      puller_(options, random),
      gate_(options),
      scan_feed_(options),
      filler_(options, random),
      peers_(options),
      next_heartbeat_(now) {}

uint64_t Replicator::PhysicalMillis(Instant now) const {
  if (state_.physical_ms == 0) return 0;
  return state_.physical_ms + static_cast<uint64_t>((now - state_at_) / kMicrosPerMilli);
}

uint64_t Replicator::RawMillis(Instant now) const {
  const uint64_t physical = PhysicalMillis(now);
  return physical == 0 ? 0 : physical - static_cast<uint64_t>(state_.clock_correction_ms);
}

conflict::Vector Replicator::Coming() const {
  if (Planted(PlantedBug::kStableTooEarly)) return {};
  conflict::Vector coming = gate_.Coming();
  coming.Merge(state_.coming);
  return coming;
}

void Replicator::MergeState(const conflict::Vector& applied, const conflict::Vector& durable) {
  state_.applied.Merge(applied);
  state_.durable.Merge(durable);
  gate_.OnApplied(state_.applied);
  peers_.OnOwnDurable(state_.log, state_.durable, Coming());
}

void Replicator::OnRegionState(const streams::RegionState& state, Instant now) {
  if (state.region != options_.self) {
    events_.push_back(
        {Event::Level::kWarning, "a state of another region was ignored", state.region});
    return;
  }
  if (region_up_ && state.life.id != state_.life.id) OnRegionDown(now);  // restarted unseen
  if (region_up_ && (state.log != state_.log || !state.life.admitted)) ForgetRegion(now);
  if (!state.life.admitted) {
    const bool first = !pending_;
    pending_ = state;
    if (first) next_heartbeat_ = now;
    return;
  }
  pending_.reset();
  // When its filling begins, the region jumps: what is under way to it continues what it no longer
  // needs.
  const bool jumped =
      region_up_ && (state.stage == streams::Stage::kNew) != (state_.stage == streams::Stage::kNew);
  const bool begun = state.stage == streams::Stage::kFilling &&
                     (state_.stage != state.stage || state_.fill.begun != state.fill.begun);
  if (!region_up_ || state.stage != state_.stage) next_heartbeat_ = now;
  // Read later and yet earlier: the clock was set back, and what was measured by it is of another.
  const auto raw = [](const streams::RegionState& of) {
    return of.physical_ms - static_cast<uint64_t>(of.clock_correction_ms);
  };
  if (!region_up_ || raw(state) < raw(state_)) peers_.OnOwnClockStarted(raw(state));
  // Our own log is never pulled.
  state.applied.ForEachAbove(gate_.applied(), [&](Dot dot) { pull_due_ |= dot.log != state.log; });
  if (!region_up_ || jumped || begun) {
    pull_due_ = true;
    region_up_ = true;
    state_ = state;
    BeginPulling(state);
  } else {
    // An apply's reply may have told us more already.
    conflict::Vector applied = std::move(state_.applied);
    conflict::Vector durable = std::move(state_.durable);
    state_ = state;
    state_.applied.Merge(applied);
    state_.durable.Merge(durable);
    gate_.OnApplied(state_.applied);
  }
  state_at_ = now;
  // As of this state: replies that came before it may have told of more, and not of what is
  // lacking.
  const bool whole = state.stage == streams::Stage::kServing && state.fill.claims.empty() &&
                     state.fill.table.value == 0;
  whole_at_ = whole ? state.durable : conflict::Vector();
  peers_.OnOwnCorrection(state_.clock_correction_ms);
  peers_.OnOwnDurable(state_.log, state_.durable, Coming());
  feed_.OnState(state_);
  scan_feed_.OnState(state_);
  filler_.OnState(state_);
}

void Replicator::BeginPulling(const streams::RegionState& state) {
  gate_.Reset(state.applied);
  puller_.OnRegionDown();
  // A new region knows nothing yet of what it will hold.
  if (state.stage != streams::Stage::kNew) puller_.OnRegionUp(state.log);
}

void Replicator::OnRegionDown(Instant now) {
  const streams::Life life = region_up_ ? state_.life : pending_ ? pending_->life : streams::Life();
  if (life.id != 0)
    for (const RegionId peer : options_.peers) messages_.push_back({peer, Hello{life, true}});
  pending_.reset();
  ForgetRegion(now);
}

void Replicator::ForgetRegion(Instant now) {
  if (!region_up_) return;
  pull_due_ = true;
  region_up_ = false;
  feed_.OnRegionDown();
  puller_.OnRegionDown();
  scan_feed_.OnRegionDown();
  filler_.OnRegionDown();
  gate_.Reset({});
  state_ = {};
  whole_at_ = {};
  next_heartbeat_ = now;  // peers look for another source at once
}

void Replicator::OnRecordsCommitted(const streams::RecordBatch& batch, Instant) {
  if (!region_up_ || batch.empty() || batch.log != state_.log) return;
  const conflict::Vector pushed = [&] {
    conflict::Vector vector;
    vector.Raise({batch.log, batch.last()});
    return vector;
  }();
  MergeState(pushed, pushed);
  if (batch.log == state_.log) meter_.OnRecords(batch);
  feed_.OnCommitted(batch);
}

void Replicator::OnReadReply(const streams::ReadReply& reply, Instant) {
  if (!region_up_) return;
  if (reply.batch.log == state_.log) meter_.OnRecords(reply.batch);
  feed_.OnReadReply(reply);
}

void Replicator::OnApplyReply(const streams::ApplyReply& reply, Instant now) {
  if (!region_up_) return;
  pull_due_ = true;
  const Gate::Completed completed = gate_.OnReply(reply, now);
  MergeState(reply.applied, reply.durable);
  feed_.OnState(state_);
  if (completed.failed)
    events_.push_back(
        {Event::Level::kWarning,
         "apply of log " + ToString(completed.log) + " failed: " + reply.status.ToString(),
         completed.log.region()});
  const uint64_t physical = PhysicalMillis(now);
  const RegionId origin = completed.log.region();
  if (completed.stamps_ms.empty() || physical == 0 || !peers_.Knows(origin)) return;
  // By the origin's clock, which gave the stamps.
  const int64_t there = static_cast<int64_t>(physical) + peers_.at(origin).clock_offset_ms;
  std::vector<int64_t> lags_ms;
  lags_ms.reserve(completed.stamps_ms.size());
  for (const uint64_t stamp_ms : completed.stamps_ms)
    lags_ms.push_back(std::max<int64_t>(0, there - static_cast<int64_t>(stamp_ms)));
  peers_.OnApplied(origin, lags_ms, now);
}

void Replicator::OnRegionMail(streams::Mail mail, Instant now) {
  if (!peers_.Knows(mail.peer) || !peers_.Reachable(mail.peer, now)) return;
  if (mail.body.size() > streams::kMailBytesMax) return;
  messages_.push_back({mail.peer, PeerMail{std::move(mail.body)}});
}

void Replicator::OnScanReply(streams::ScanReply reply, Instant) {
  if (region_up_) scan_feed_.OnReply(std::move(reply));
}

void Replicator::OnFillReply(const streams::FillReply& reply, Instant now) {
  if (region_up_) filler_.OnReply(reply, now);
}

void Replicator::OnPeerUp(RegionId peer, Instant now) {
  if (!peers_.Knows(peer)) return;
  pull_due_ = true;
  peers_.OnLink(peer, true, now);
  puller_.OnPeerReset(peer);
  filler_.OnPeerReset(peer);
  messages_.push_back({peer, Ask{}});
  SayHello(peer);
}

void Replicator::OnPeerDown(RegionId peer, Instant now) {
  if (!peers_.Knows(peer)) return;
  pull_due_ = true;
  peers_.OnLink(peer, false, now);
  puller_.OnPeerReset(peer);
  filler_.OnPeerReset(peer);
}

void Replicator::OnMessage(RegionId peer, Message message, Instant now) {
  if (!peers_.Knows(peer)) return;
  pull_due_ |= !IsForSource(message);
  if (IsFromReceiver(message)) {
    peers_.OnAsked(peer, now);
  } else if (const End* end = std::get_if<End>(&message);
             end == nullptr || end->reason != EndReason::kNobody) {
    peers_.OnHeard(peer, now);
  }
  if (const Open* open = std::get_if<Open>(&message)) {
    feed_.OnOpen(peer, *open, now);
  } else if (const Credit* credit = std::get_if<Credit>(&message)) {
    if (scan_feed_.Has(peer, credit->session))
      scan_feed_.OnCredit(peer, *credit, now);
    else
      feed_.OnCredit(peer, *credit, now);
  } else if (const Close* close = std::get_if<Close>(&message)) {
    feed_.OnClose(peer, *close);
    scan_feed_.OnClose(peer, *close);
  } else if (const Scan* scan = std::get_if<Scan>(&message)) {
    scan_feed_.OnScan(peer, *scan, now);
  } else if (Chunk* chunk = std::get_if<Chunk>(&message)) {
    if (region_up_) filler_.OnChunk(peer, std::move(*chunk), now);
  } else if (const Hello* hello = std::get_if<Hello>(&message)) {
    // Its region began anew, maybe from older data. Its log goes on only if nobody holds more of it
    // than that: once we have said what we hold, nothing of the former life may add to it that is
    // still on the way.
    if (lives_.OnHello(peer, *hello, now)) {
      puller_.OnPeerReset(peer);
      filler_.OnPeerReset(peer);
      SayHeartbeat(peer, now);
    }
  } else if (std::holds_alternative<Ask>(message)) {
    SayHeartbeat(peer, now);
  } else if (const Opened* opened = std::get_if<Opened>(&message)) {
    puller_.OnOpened(peer, *opened, now);
  } else if (Batch* batch = std::get_if<Batch>(&message)) {
    if (region_up_) puller_.OnBatch(peer, std::move(*batch), gate_, now);
  } else if (const End* end = std::get_if<End>(&message)) {
    puller_.OnEnd(peer, *end, now);
    filler_.OnEnd(peer, *end, now);
  } else if (const Heartbeat* heartbeat = std::get_if<Heartbeat>(&message)) {
    OnHeartbeat(peer, *heartbeat, now);
  } else if (PeerMail* mail = std::get_if<PeerMail>(&message)) {
    if (region_up_) mails_.push_back({peer, std::move(mail->body)});
  }
}

void Replicator::OnHeartbeat(RegionId peer, const Heartbeat& heartbeat, Instant now) {
  if (heartbeat.serving && heartbeat.log.region() != peer) {
    events_.push_back(
        {Event::Level::kWarning, "a peer named a log of another region as its own", peer});
    return;
  }
  OnWord(peer, heartbeat);
  const bool was_serving = peers_.at(peer).last.serving;
  const LogId former = peers_.at(peer).last.log;
  const auto news =
      peers_.OnHeartbeat(peer, heartbeat, now, RawMillis(now),
                         peers_.IsAnotherLife(peer, heartbeat) ? Coming() : conflict::Vector());
  // Of a former life nothing more is taken that is still on the way (conflict/stability.h). Another
  // process, or a region that is back, knows nothing of our sessions, and may be asked at once.
  const bool another_life = former.value != 0 && former != peers_.at(peer).last.log;
  if (news == PeerTable::News::kRestarted || another_life ||
      (!was_serving && peers_.at(peer).last.serving)) {
    puller_.OnPeerReset(peer);
    filler_.OnPeerReset(peer);
  }
  if (was_serving && !heartbeat.serving)
    events_.push_back({Event::Level::kInfo, "the peer's region is away", peer});
  const int64_t offset_ms = peers_.at(peer).clock_offset_ms;
  Alarm(Alarmed::kTail, peer,
        region_up_ && heartbeat.durable.At(state_.log) > feed_.Head(state_.log),
        "the peer holds changes of our log that we do not");
  Alarm(Alarmed::kClock, peer, std::abs(offset_ms) * kMicrosPerMilli > options_.max_clock_offset_us,
        "the clocks differ by more than the bound: " + std::to_string(offset_ms) + " ms");
  const int64_t ahead_ms = gate_.HeldAheadMs(peer);
  Alarm(Alarmed::kHeld, peer, ahead_ms > 0,
        "its changes are held: they are stamped " + std::to_string(ahead_ms) +
            " ms ahead of our clock");
}

// What the peer says of our region is for our region to judge.
void Replicator::OnWord(RegionId peer, const Heartbeat& heartbeat) {
  if (!heartbeat.has_word || (!region_up_ && !pending_)) return;
  words_.push_back({peer, heartbeat.holds, heartbeat.sightings});
}

void Replicator::SayHello(RegionId peer) {
  const streams::Life* life = region_up_ ? &state_.life : pending_ ? &pending_->life : nullptr;
  if (life != nullptr && life->id != 0) messages_.push_back({peer, Hello{*life, false}});
}

// Says it once, when it begins.
void Replicator::Alarm(Alarmed what, RegionId peer, bool on, const std::string& text) {
  if (!on) {
    alarms_.erase({what, peer});
  } else if (alarms_.insert({what, peer}).second) {
    events_.push_back({Event::Level::kWarning, text, peer});
  }
}

void Replicator::SayHeartbeat(RegionId peer, Instant now) {
  Heartbeat heartbeat;
  heartbeat.boot = boot_;
  heartbeat.sequence = ++sequence_;
  heartbeat.serving = region_up_;
  heartbeat.sightings = lives_.Sightings(peer, now);
  heartbeat.has_word = region_up_ || pending_;
  conflict::Vector received = gate_.Received();
  received.Merge(state_.applied);  // one of these two is empty
  if (pending_) received.Merge(pending_->applied);
  for (const Dot& dot : received.entries())
    if (dot.log.region() == peer) heartbeat.holds.Set(dot.log, dot.number);
  if (region_up_) {
    heartbeat.log = state_.log;
    heartbeat.applied = state_.applied;
    heartbeat.durable = state_.durable;
    heartbeat.stage = state_.stage;
    heartbeat.claims = state_.fill.claims;
    heartbeat.whole_at = whole_at_;
    heartbeat.wants_filling = puller_.IsBehindAll(peers_, gate_, now);
    heartbeat.lives = peers_.Lives();
    const conflict::Vector coming = Coming();
    for (const Dot& dot : coming.entries())
      if (std::find(heartbeat.lives.begin(), heartbeat.lives.end(), dot.log) ==
          heartbeat.lives.end())
        heartbeat.coming.Set(dot.log, dot.number);
    heartbeat.physical_ms = PhysicalMillis(now);
    heartbeat.clock_correction_ms = state_.clock_correction_ms;
    peers_.FillEcho(peer, now, heartbeat);
  }
  messages_.push_back({peer, std::move(heartbeat)});
}

void Replicator::OnTick(Instant now) {
  if (now < next_heartbeat_) return;
  next_heartbeat_ = now + options_.heartbeat_us;
  for (const RegionId peer : options_.peers) {
    SayHeartbeat(peer, now);
    SayHello(peer);
  }
  progress_due_ = region_up_;
}

uint64_t Replicator::PendingOf(RegionId origin, const conflict::Vector& known,
                               const conflict::Vector& applied) {
  uint64_t pending = 0;
  for (const Dot& dot : known.entries())
    if (dot.log.region() == origin && dot.number > applied.At(dot.log))
      pending += dot.number - applied.At(dot.log);
  return pending;
}

ClockVerdict Replicator::Clock(Instant now) const {
  std::vector<int64_t> offsets_ms;
  for (const auto& [region, peer] : peers_.all())
    if (peer.clock_measured && peers_.Reachable(peer, now))
      offsets_ms.push_back(peer.clock_offset_ms);
  return JudgeClock(std::move(offsets_ms), options_.peers.size() + 1,
                    options_.max_clock_offset_us / kMicrosPerMilli);
}

streams::PeerProgress Replicator::Progress(Instant now) const {
  streams::PeerProgress progress;
  progress.durable_everywhere = peers_.DurableEverywhere();
  progress.stable = peers_.stable();
  for (const auto& [region, peer] : peers_.all())
    progress.peers.push_back({region, peers_.Reachable(peer, now), peer.clock_offset_ms,
                              PendingOf(options_.self, state_.durable, peer.last.applied),
                              peer.lag_ms, peer.last.durable, peer.last.applied,
                              peer.ever_heard ? (now - peer.heard) / kMicrosPerMilli : -1,
                              peer.ever_heard ? peer.last.whole_at : conflict::Vector()});
  const ClockVerdict clock = Clock(now);
  progress.clock_judged = clock.judged;
  if (clock.move_ms) progress.clock_correction_ms = state_.clock_correction_ms + *clock.move_ms;
  return progress;
}

void Replicator::AdvancePuller(Instant now) {
  if (!pull_due_ && now < pull_by_) return;
  puller_.Advance(peers_, gate_, now);
  pull_due_ = puller_.has_moved();
  pull_by_ = std::min(puller_.wake_at(), peers_.wake_at(now));
}

Ready Replicator::TakeReady(Instant now) {
  OnTick(now);
  feed_.Advance(now);
  scan_feed_.Advance(now);
  Ready ready;
  if (region_up_) ready.applies = gate_.TakeApplies(now, PhysicalMillis(now));
  pull_due_ |= !ready.applies.empty();
  AdvancePuller(now);
  filler_.Advance(peers_, gate_, puller_.CutLogs(peers_, gate_, now), now);
  if (progress_due_ && region_up_) ready.progress = Progress(now);
  progress_due_ = false;
  ready.mails = std::move(mails_);
  mails_.clear();
  ready.words = std::move(words_);
  words_.clear();
  ready.messages = std::move(messages_);
  ready.events = std::move(events_);
  messages_.clear();
  events_.clear();
  feed_.TakeReady(ready.reads, ready.messages);
  scan_feed_.TakeReady(ready.scans, ready.messages);
  puller_.TakeReady(ready.messages, ready.events);
  filler_.TakeReady(ready.fills, ready.messages, ready.events);
  ready.wake_at =
      std::min({next_heartbeat_, feed_.wake_at(), scan_feed_.wake_at(), puller_.wake_at(),
                filler_.wake_at(), gate_.wake_at(now), peers_.wake_at(now)});
  return ready;
}

streams::ReplicationStatus Replicator::status(Instant now) const {
  using Status = streams::ReplicationStatus;
  Status status;
  status.cached_bytes = feed_.cached_bytes();
  status.gate_bytes = gate_.bytes();
  status.gate_records = gate_.records();
  status.applies_outstanding = gate_.outstanding();
  status.fill = filler_.status();
  const conflict::Vector known = peers_.Known();
  for (const auto& [region, peer] : peers_.all()) {
    Status::Link in;
    in.from = region;
    in.to = options_.self;
    in.state = !peer.link_up                                  ? Status::LinkState::kDown
               : !peer.ever_heard || peers_.Silent(peer, now) ? Status::LinkState::kSilent
                                                              : Status::LinkState::kUp;
    in.lag_ms = peer.lag_ms;
    const LatencyWindow::Summary latency = peer.latency.Read(now);
    in.lag_p50_ms = latency.p50_ms;
    in.lag_p99_ms = latency.p99_ms;
    in.lag_max_ms = latency.max_ms;
    in.pending = PendingOf(region, known, state_.applied);
    in.held_ahead_ms = gate_.HeldAheadMs(region);
    const Puller::Received received = puller_.ReceivedOf(region);
    in.batches = received.batches;
    in.bytes = received.bytes;
    in.sessions = received.sessions;
    in.gaps = received.gaps;
    in.clock_offset_ms = peer.clock_offset_ms;
    in.source = puller_.SourceOf(region);
    in.heard_ms = peer.ever_heard ? (now - peer.heard) / kMicrosPerMilli : -1;
    in.must_bootstrap = puller_.MustBootstrap(region, peers_, gate_, now);
    status.links.push_back(in);

    Status::Link out;
    out.from = options_.self;
    out.to = region;
    const bool asked = peer.ever_asked && now - peer.asked < options_.silence_us;
    out.state = asked             ? Status::LinkState::kUp
                : peer.ever_asked ? Status::LinkState::kSilent
                                  : Status::LinkState::kDown;
    out.pending = PendingOf(options_.self, state_.durable, peer.last.applied);
    out.pending_bytes = meter_.BytesBehind(state_.log, peer.last.applied.At(state_.log),
                                           state_.durable.At(state_.log));
    const Feed::Sent sent = feed_.SentTo(region);
    out.batches = sent.batches;
    out.bytes = sent.bytes;
    out.sessions = sent.sessions;
    out.clock_offset_ms = peer.clock_offset_ms;
    out.heard_ms = peer.ever_asked ? (now - peer.asked) / kMicrosPerMilli : -1;
    status.links.push_back(out);
  }
  return status;
}

}  // namespace everwrite::replicator
