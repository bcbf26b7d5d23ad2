#include "replicator/puller.h"

#include <algorithm>

#include "base/mark.h"
#include "base/planted.h"

namespace everwrite::replicator {
namespace {

// Sessions at one source: one is for its own current log and has half of the credit; the others
// share the other half, so that the sum is never above credit_bytes. There is one for each region
// whose log may have to be relayed, and some for logs of former incarnations, which are closed once
// caught up.
constexpr size_t kOldLogSlots = 3;
// What waits in the gate for logs that had no slot is at most so many times the whole credit.
constexpr uint64_t kParkedWindows = 4;
// A source that failed so often in a row is left for another one.
constexpr int kFailuresMax = 2;

}  // namespace

Puller::Puller(const Options& options, Random& random)
    : options_(options),
      side_slots_(options.peers.size() + kOldLogSlots),
      session_base_(random.Next() << 32) {}

void Puller::OnRegionUp(LogId own_log) {
  active_ = true;
  own_log_ = own_log;
}

void Puller::OnRegionDown() {
  active_ = false;
  for (auto& [log, pull] : pulls_) Drop(pull, true);
  pulls_.clear();
}

void Puller::OnPeerReset(RegionId peer) {
  for (auto& [log, pull] : pulls_) {
    pull.resting.erase(peer);
    if (pull.state != State::kIdle && pull.source == peer) Drop(pull, false);
  }
}

void Puller::Drop(Pull& pull, bool tell) {
  if (pull.state == State::kIdle) return;
  moved_ = true;
  if (tell) messages_.push_back({pull.source, Close{pull.session}});
  pull.state = State::kIdle;
  pull.source = {};
  pull.session = 0;
  pull.credit = 0;
  pull.behind.reset();
}

Puller::Pull* Puller::FindSession(RegionId peer, uint64_t session, LogId* log) {
  for (auto& [id, pull] : pulls_) {
    if (pull.state == State::kIdle || pull.source != peer || pull.session != session) continue;
    *log = id;
    return &pull;
  }
  return nullptr;
}

void Puller::OnBatch(RegionId peer, Batch batch, Gate& gate, Instant now) {
  LogId log;
  Pull* pull = FindSession(peer, batch.session, &log);
  streams::RecordBatch& records = batch.records;
  if (pull == nullptr || records.log != log || records.empty())
    return;  // of a session that is over
  pull->state = State::kStreaming;
  pull->credit -= static_cast<int64_t>(BatchCost(records));
  Received& received = received_[log.region()];
  ++received.batches;
  received.bytes += records.bytes();
  const uint64_t tail = gate.Tail(log);
  if (records.last() <= tail) return Reach(Mark::kBatchRepeated);
  if (records.first > tail + 1 && !Planted(PlantedBug::kGapIgnored)) {
    ++received.gaps;
    Reach(Mark::kGapSeen);
    return Failed(log, *pull, now, "gap");
  }
  if (records.first <= tail) {
    Reach(Mark::kBatchOverlaps);
    records.records.erase(records.records.begin(),
                          records.records.begin() + static_cast<long>(tail + 1 - records.first));
    records.first = tail + 1;
  }
  const Status pushed = gate.Push(records);
  if (!pushed.ok()) {
    events_.push_back({Event::Level::kWarning, pushed.message(), peer});
    pull->failures = kFailuresMax;
    return Failed(log, *pull, now, "bad record");
  }
  pull->failures = 0;
  pull->trimmed.clear();
  pull->lacking.clear();
  if (pull->behind) pull->behind = now;
}

void Puller::OnOpened(RegionId peer, const Opened& opened, Instant now) {
  LogId log;
  Pull* pull = FindSession(peer, opened.session, &log);
  if (pull == nullptr || pull->state != State::kOpening || opened.log != log) return;
  pull->state = State::kStreaming;
  if (pull->behind) pull->behind = now;
}

void Puller::OnEnd(RegionId peer, const End& end, Instant now) {
  // The bus does not know which session it was that nobody answered.
  if (end.reason == EndReason::kNobody) {
    for (auto& [log, pull] : pulls_) {
      if (pull.state == State::kIdle || pull.source != peer) continue;
      pull.resting[peer] = now + options_.open_timeout_us;
      Drop(pull, false);
    }
    return;
  }
  LogId log;
  Pull* pull = FindSession(peer, end.session, &log);
  if (pull == nullptr) return;
  Drop(*pull, false);
  switch (end.reason) {
    case EndReason::kUnknownSession: break;  // opened again at once
    case EndReason::kTrimmed:
      Reach(Mark::kSourceTrimmed);
      pull->resting[peer] = now + options_.trimmed_rest_us;
      pull->trimmed.try_emplace(peer, now);
      events_.push_back({Event::Level::kWarning,
                         "log " + ToString(log) + " no longer reaches back to what we need", peer});
      break;
    case EndReason::kAhead:
      pull->resting[peer] = now + options_.trimmed_rest_us;
      events_.push_back({Event::Level::kWarning,
                         "we hold more of log " + ToString(log) + " than its source says to have",
                         peer});
      break;
    case EndReason::kLacking:
      Reach(Mark::kSourceLacks);
      if (pull->lacking.empty()) {
        events_.push_back({Event::Level::kInfo,
                           "log " + ToString(log) +
                               ": the source has not what a table of ours needs; another is asked",
                           peer});
      }
      pull->lacking.insert(peer);
      pull->resting[peer] = now + options_.source_rest_us;
      break;
    case EndReason::kUnknownLog:
    case EndReason::kUnavailable:
    case EndReason::kBehind:
    case EndReason::kNobody: pull->resting[peer] = now + options_.open_timeout_us; break;
  }
}

// The session is of no use any more: open another, there or, after several failures, elsewhere.
void Puller::Failed(LogId log, Pull& pull, Instant now, const char* why) {
  events_.push_back(
      {Event::Level::kInfo, "log " + ToString(log) + ": another session: " + why, pull.source});
  if (++pull.failures >= kFailuresMax) {
    pull.resting[pull.source] = now + options_.source_rest_us;
    pull.failures = 0;
  }
  Drop(pull, true);
}

bool Puller::Usable(RegionId region, const Pull& pull, const PeerTable& peers, Instant now) const {
  return Usable(region, peers.at(region), pull, peers, now);
}

bool Puller::Usable(RegionId region, const PeerTable::Peer& peer, const Pull& pull,
                    const PeerTable& peers, Instant now) const {
  if (!peers.Reachable(peer, now)) return false;
  if (pull.resting.empty()) return true;  // mostly
  const auto rest = pull.resting.find(region);
  return rest == pull.resting.end() || rest->second <= now;
}

// The source to have for `log` now; 0 for none.
RegionId Puller::Choose(LogId log, Pull& pull, const PeerTable& peers, const Gate& gate,
                        Instant now) const {
  const RegionId origin = log.region();
  const auto maker = peers.all().find(origin);
  const bool current = maker != peers.all().end() && maker->second.last.log == log;
  if (current && Usable(origin, maker->second, pull, peers, now)) return origin;
  const uint64_t tail = gate.Tail(log);
  RegionId best;
  uint64_t most = tail;
  bool best_whole = false;
  // A log that is still written to: a relay that has given us all stays, to push what comes.
  if (current && pull.state != State::kIdle && Usable(pull.source, pull, peers, now))
    best = pull.source;
  for (const auto& [region, peer] : peers.all()) {
    const uint64_t held = peer.last.durable.At(log);
    if (held <= tail || !Usable(region, peer, pull, peers, now)) continue;
    // Who we have already, while it has more; then the writer; then who is whole and has most.
    if (pull.state != State::kIdle && pull.source == region) return region;
    if (best == origin && most > tail) continue;
    const bool whole = streams::Serves(peer.last.stage);
    if (region == origin || most == tail || (whole && !best_whole) ||
        (whole == best_whole && held > most)) {
      best = region;
      best_whole = whole;
      most = held;
    }
  }
  return best;
}

std::optional<size_t> Puller::FreeSlot(RegionId source, bool own_log) const {
  if (own_log) return 0;
  std::vector<bool> used(side_slots_ + 1, false);
  for (const auto& [log, pull] : pulls_)
    if (pull.state != State::kIdle && pull.source == source) used[pull.slot] = true;
  for (size_t slot = 1; slot <= side_slots_; ++slot)
    if (!used[slot]) return slot;
  return std::nullopt;
}

// Sessions whose windows are full of what cannot be applied yet may wait for the very log that has
// no slot: a region that began many logs while we were away. One of them gives its slot up; what it
// has brought stays in the gate, and it comes back when that is applied.
std::optional<size_t> Puller::TakeSlot(RegionId source, const Gate& gate) {
  if (gate.bytes() > kParkedWindows * options_.credit_bytes) return std::nullopt;
  for (auto& [log, pull] : pulls_) {
    if (pull.state == State::kIdle || pull.source != source || pull.slot == 0) continue;
    if (pull.credit > 0 || gate.CreditBytes(log) <= pull.window / 2) continue;
    const size_t slot = pull.slot;
    Drop(pull, true);
    return slot;
  }
  return std::nullopt;
}

// Of what comes next, whether nobody who can be asked has more than its number: each has said so,
// or that it has trimmed it; its maker too, unless that was a former life, which has it nowhere.
bool Puller::NumbersWillDo(LogId log, const Pull& pull, const PeerTable& peers, const Gate& gate,
                           Instant now) const {
  if (pull.lacking.empty()) return false;
  const auto refused = [&pull](RegionId region) {
    return pull.lacking.count(region) != 0 || pull.trimmed.count(region) != 0;
  };
  const RegionId origin = log.region();
  const bool current = peers.Knows(origin) &&
                       (peers.at(origin).last.log == log || peers.at(origin).last.log.value == 0);
  if (current && !refused(origin)) return false;
  return std::all_of(peers.all().begin(), peers.all().end(), [&](const auto& entry) {
    const auto& [region, peer] = entry;
    return !peers.Reachable(peer, now) || peer.last.durable.At(log) <= gate.Tail(log) ||
           refused(region);
  });
}

void Puller::OpenAt(LogId log, Pull& pull, RegionId source, const PeerTable& peers,
                    const Gate& gate, Instant now) {
  auto slot = FreeSlot(source, peers.at(source).last.log == log);
  if (!slot) slot = TakeSlot(source, gate);
  if (!slot) return;  // another log of this source comes first; its end frees the slot
  const uint64_t window = options_.credit_bytes / 2 / (*slot == 0 ? 1 : side_slots_);
  const bool current = peers.IsCurrent(log);
  if (!current) Reach(Mark::kFormerLifePulled);
  if (current && source != log.region()) Reach(Mark::kRelayed);
  const uint64_t held = gate.CreditBytes(log);
  // Still full of what the last session brought: the region is slow, or something is missing.
  if (held > window / 2) return;
  moved_ = true;
  pull.state = State::kOpening;
  pull.slot = *slot;
  pull.source = source;
  pull.session = session_base_ | ++session_count_;
  pull.window = window;
  pull.credit = static_cast<int64_t>(window - held);
  pull.opened = now;
  pull.said = now;
  pull.behind.reset();
  ++received_[log.region()].sessions;
  const bool numbers = NumbersWillDo(log, pull, peers, gate, now);
  if (numbers) Reach(Mark::kNumbersAlone);
  messages_.push_back({source, Open{pull.session, log, gate.Tail(log),
                                    static_cast<uint64_t>(pull.credit), numbers}});
}

// Time runs out for a session that should have brought something.
void Puller::Watch(LogId log, Pull& pull, const PeerTable& peers, const Gate& gate, Instant now) {
  if (pull.state == State::kOpening && now - pull.opened >= options_.open_timeout_us) {
    Reach(Mark::kSessionUnanswered);
    return Failed(log, pull, now, "no answer");
  }
  const bool more = pull.credit > 0 && peers.at(pull.source).last.durable.At(log) > gate.Tail(log);
  if (!more) {
    pull.behind.reset();
  } else if (!pull.behind) {
    pull.behind = now;
  } else if (now - *pull.behind >= options_.silence_us) {
    Reach(Mark::kSourceSilent);
    Failed(log, pull, now, "silence");
  }
}

void Puller::TopUp(LogId log, Pull& pull, const Gate& gate, Instant now) {
  const int64_t free = static_cast<int64_t>(pull.window) -
                       static_cast<int64_t>(gate.CreditBytes(log)) -
                       std::max<int64_t>(pull.credit, 0);
  const bool worth = free >= static_cast<int64_t>(pull.window / 4);
  if (!worth && now - pull.said < options_.keepalive_us) return;
  const uint64_t grant = worth ? static_cast<uint64_t>(free) : 0;
  moved_ = true;
  pull.credit += static_cast<int64_t>(grant);
  pull.said = now;
  messages_.push_back({pull.source, Credit{pull.session, grant}});
}

void Puller::Advance(const PeerTable& peers, const Gate& gate, Instant now) {
  wake_at_ = Instant{INT64_MAX};
  moved_ = false;
  if (!active_) return;
  for (const auto& [region, peer] : peers.all()) {
    if (peer.last.log.value != 0 && pulls_.size() < kMaxLogs) pulls_[peer.last.log];
    peer.last.durable.ForEachAbove(gate.applied(), [&](Dot dot) {
      if (pulls_.size() < kMaxLogs && dot.number > gate.Tail(dot.log)) pulls_[dot.log];
    });
  }
  pulls_.erase(own_log_);
  for (auto& [log, pull] : pulls_) {
    if (pull.state == State::kIdle) continue;
    Watch(log, pull, peers, gate, now);  // may give it up
    if (pull.state != State::kIdle && pull.source != Choose(log, pull, peers, gate, now))
      Drop(pull, peers.at(pull.source).link_up);
  }
  // Slots were given back above; now they can be taken.
  bool unused = false;
  for (auto& [log, pull] : pulls_) {
    if (pull.state == State::kIdle) {
      const RegionId source = Choose(log, pull, peers, gate, now);
      if (source.value != 0) OpenAt(log, pull, source, peers, gate, now);
    }
    if (pull.state != State::kIdle) {
      TopUp(log, pull, gate, now);
      WakeBy(pull.said + options_.keepalive_us);
      if (pull.state == State::kOpening) WakeBy(pull.opened + options_.open_timeout_us);
      if (pull.behind) WakeBy(*pull.behind + options_.silence_us);
    }
    if (!pull.resting.empty())
      std::erase_if(pull.resting, [&](const auto& entry) { return entry.second <= now; });
    for (const auto& [region, until] : pull.resting) WakeBy(until);
    for (const auto& [region, since] : pull.trimmed)
      if (since + options_.cut_loose_us > now) WakeBy(since + options_.cut_loose_us);
    unused |= IsUnused(pull);
  }
  if (unused) erase_if(pulls_, [](const auto& entry) { return IsUnused(entry.second); });
}

Puller::Received Puller::ReceivedOf(RegionId origin) const {
  const auto at = received_.find(origin);
  return at == received_.end() ? Received() : at->second;
}

RegionId Puller::SourceOf(RegionId origin) const {
  RegionId source;
  for (const auto& [log, pull] : pulls_)
    if (log.region() == origin && pull.state != State::kIdle) source = pull.source;
  return source;
}

std::optional<Instant> Puller::TrimmedSince(LogId log, const Pull& pull, const PeerTable& peers,
                                            const Gate& gate, Instant now) const {
  if (pull.trimmed.empty() || pull.state != State::kIdle) return std::nullopt;
  std::optional<Instant> since;
  bool shown = false;
  for (const auto& [region, peer] : peers.all()) {
    if (!peers.Reachable(peer, now) || peer.last.durable.At(log) <= gate.Tail(log)) continue;
    shown |= peer.last.Shown().At(log) > gate.Tail(log);
    const auto trimmed = pull.trimmed.find(region);
    if (trimmed == pull.trimmed.end()) return std::nullopt;
    since = std::max(since.value_or(trimmed->second), trimmed->second);
  }
  return shown ? since : std::nullopt;
}

bool Puller::MustBootstrap(RegionId origin, const PeerTable& peers, const Gate& gate,
                           Instant now) const {
  return std::any_of(pulls_.begin(), pulls_.end(), [&](const auto& entry) {
    return entry.first.region() == origin &&
           TrimmedSince(entry.first, entry.second, peers, gate, now).has_value();
  });
}

bool Puller::IsBehindAll(const PeerTable& peers, const Gate& gate, Instant now) const {
  return std::any_of(pulls_.begin(), pulls_.end(), [&](const auto& entry) {
    return TrimmedSince(entry.first, entry.second, peers, gate, now).has_value();
  });
}

std::vector<LogId> Puller::CutLogs(const PeerTable& peers, const Gate& gate, Instant now) const {
  std::vector<LogId> cut;
  for (const auto& [log, pull] : pulls_) {
    if (pull.trimmed.empty()) continue;  // mostly
    if (const auto since = TrimmedSince(log, pull, peers, gate, now);
        since && now - *since >= options_.cut_loose_us)
      cut.push_back(log);
  }
  return cut;
}

}  // namespace everwrite::replicator
