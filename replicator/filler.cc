#include "replicator/filler.h"

#include <algorithm>
#include <utility>

namespace everwrite::replicator {

using streams::FillRequest;
using streams::ScanChunk;
using streams::ScanPart;
using streams::Stage;
using Waits = streams::ReplicationStatus::FillWaits;

namespace {

// What is asked for at once at least, however little comes through.
constexpr uint64_t kWindowMin = 16U << 10;

// The parts of one catalog are put together here; a larger one is refused by its region.
constexpr uint64_t kCatalogBytesMax = 40U << 20;

uint64_t TotalOf(const conflict::Vector& vector) {
  uint64_t total = 0;
  for (const Dot& dot : vector.entries()) total += dot.number;
  return total;
}

}  // namespace

Filler::Filler(const Options& options, Random& random)
    : options_(options), session_base_(random.Next() << 32), window_(options.fill_window) {}

void Filler::OnState(const streams::RegionState& state) {
  active_ = true;
  const bool moved = place_.stage != state.stage || place_.begun != state.fill.begun;
  const bool of_table = state.stage == Stage::kServing && state.fill.table.value != 0;
  place_ = {state.stage,     state.fill.begun, of_table ? state.fill.table : TableId{},
            state.fill.part, state.fill.after, state.fill.steps};
  claims_ = state.fill.claims;
  pass_ = state.fill.pass;
  floor_ = state.stage >= Stage::kFilling || of_table ? state.fill.floor : conflict::Vector();
  sources_ = of_table ? state.fill.sources : std::vector<RegionId>();
  if (moved) told_.clear();
  if (moved_from_ && *moved_from_ != place_) moved_from_.reset();
  if (moved) target_.reset();
}

void Filler::OnRegionDown() {
  filling_.reset();
  Drop(true);
  active_ = false;
  place_ = {};
  moved_from_.reset();
  target_.reset();
  claims_ = {};
  cut_since_.reset();
  orphan_since_.reset();
  nobody_since_.reset();
  stuck_since_.reset();
  // The last of what it was told may be gone with it.
  told_.clear();
  telling_ = {};
  from_complete_ = false;
  failures_ = 0;
  status_ = {};
}

void Filler::OnPeerReset(RegionId peer) {
  resting_.erase(peer);
  shown_.erase(peer);
  if (session_ && session_->source == peer) Drop(false);
}

// What has not been handed over is asked for again: from whomever, from where the region is.
void Filler::Drop(bool tell) {
  if (session_ && tell) messages_.push_back({session_->source, Close{session_->id}});
  session_.reset();
  assembling_.reset();
  // The front one is under way.
  while (chunks_.size() > (filling_ ? 1 : 0)) {
    held_ -= ChunkCost(chunks_.back().second);
    chunks_.pop_back();
  }
}

void Filler::Fail(Instant now, const std::string& why) {
  if (!session_) return;
  events_.push_back(
      {Event::Level::kInfo, "the filling is asked for again: " + why, session_->source});
  resting_[session_->source] = now + options_.source_rest_us;
  Drop(true);
}

void Filler::Say(Event::Level level, std::string text, RegionId peer) {
  if (text == said_) return;
  said_ = text;
  events_.push_back({level, std::move(text), peer});
}

void Filler::OnChunk(RegionId peer, Chunk message, Instant now) {
  if (!session_ || session_->source != peer || session_->id != message.session) return;
  ScanChunk& chunk = message.chunk;
  session_->heard = now;
  if (message.index != session_->index || chunk.part != session_->part ||
      chunk.table != session_->table)
    return Fail(now, "a chunk is missing");
  ++session_->index;
  session_->credit -= static_cast<int64_t>(ChunkCost(chunk));
  window_ = std::min(2 * window_, options_.fill_window);
  shown_[peer] = chunk.vector;
  if (assembling_) {
    std::move(chunk.rows.begin(), chunk.rows.end(), std::back_inserter(assembling_->rows));
    chunk.rows = std::move(assembling_->rows);
    assembling_.reset();
  }
  if (message.more) {
    if (chunk.part != ScanPart::kCatalog || chunk.bytes() > kCatalogBytesMax)
      return Fail(now, "a chunk without an end");
    assembling_ = std::move(chunk);
    return;
  }
  if (chunk.after != session_->after) return Fail(now, "a chunk does not continue the one before");
  session_->after = chunk.through;
  const bool end = chunk.end;
  held_ += ChunkCost(chunk);
  chunks_.emplace_back(peer, std::move(chunk));
  if (!end) return;
  messages_.push_back({peer, Close{session_->id}});
  session_.reset();
}

void Filler::OnEnd(RegionId peer, const End& end, Instant now) {
  if (!session_ || session_->source != peer) return;
  // The bus does not know which session it was that nobody answered.
  if (end.reason != EndReason::kNobody && end.session != session_->id) return;
  if (end.reason != EndReason::kUnknownSession) resting_[peer] = now + options_.source_rest_us;
  Drop(false);
}

void Filler::OnReply(const streams::FillReply& reply, Instant now) {
  if (!filling_ || *filling_ != reply.id) return;
  filling_.reset();
  const bool chunk = !chunks_.empty();
  if (reply.status.ok()) {
    failures_ = 0;
    if (chunk) {
      held_ -= ChunkCost(chunks_.front().second);
      chunks_.pop_front();
    }
    return;
  }
  moved_from_.reset();
  const int64_t rest = options_.apply_retry_us << std::min(failures_, 10);
  retry_at_ = now + std::min(rest, options_.apply_retry_max_us);
  if (failures_++ == 0 || failures_ % 20 == 0)
    events_.push_back({Event::Level::kWarning,
                       "the region refuses to be filled: " + reply.status.ToString(),
                       chunk ? chunks_.front().first : RegionId()});
  Drop(true);
}

// What is to be asked for next.
ScanPart Filler::Wanted(bool begin) const {
  // With all rows here it serves first: clients need not wait for what the next filling brings.
  if (place_.stage == Stage::kFilling && place_.part > ScanPart::kItems) return ScanPart::kDone;
  if (begin) return ScanPart::kCatalog;
  if (place_.stage == Stage::kCompleting || place_.table.value != 0) return place_.part;
  // The rest is gathered when clients are answered.
  const bool rows = place_.stage == Stage::kFilling && place_.part == ScanPart::kItems;
  return rows ? ScanPart::kItems : ScanPart::kDone;
}

// A courtesy to clients, with a bound: of regions that are cut loose from each other one stops
// serving after the other, the one with the highest id first.
bool Filler::MustBegin(const PeerTable& peers, const Gate& gate, const std::vector<LogId>& cut,
                       Instant now) {
  if (place_.stage == Stage::kNew) return true;
  if (IsStuck(peers, now) && ChooseCatalog(peers, gate, cut, now).value != 0) return true;
  if (cut.empty()) {
    cut_since_.reset();
    return false;
  }
  // What cannot be claimed now does not keep us from the rows that can be had.
  if (!streams::Serves(place_.stage)) return ChooseCatalog(peers, gate, cut, now).value != 0;
  if (!cut_since_) cut_since_ = now;
  const Instant until = *cut_since_ + options_.yield_us;
  const bool yields = std::any_of(peers.all().begin(), peers.all().end(), [&](const auto& entry) {
    const auto& [region, peer] = entry;
    return peers.Reachable(region, now) &&
           (peer.last.stage == Stage::kFilling ||
            (peer.last.wants_filling && streams::Serves(peer.last.stage) &&
             options_.self < region));
  });
  if (!yields || until <= now) return true;
  WakeBy(until);
  return false;
}

bool Filler::Rests(RegionId region, Instant now) const {
  const auto rest = resting_.find(region);
  return rest != resting_.end() && rest->second > now;
}

bool Filler::Answers(const PeerTable& peers, RegionId region, ScanPart part, Instant now) const {
  if (!peers.Reachable(region, now)) return false;
  const Stage stage = peers.at(region).last.stage;
  const bool by_what_it_shows = part == ScanPart::kCatalog || IsRows(part);
  return by_what_it_shows ? stage != Stage::kNew : streams::Serves(stage);
}

// As it has said, and as its chunks have shown.
conflict::Vector Filler::ShownBy(const PeerTable& peers, RegionId region) const {
  conflict::Vector shown = peers.at(region).last.Shown();
  if (const auto more = shown_.find(region); more != shown_.end()) shown.Merge(more->second);
  return shown;
}

bool Filler::Shows(const PeerTable& peers, RegionId region, const conflict::Vector& what) const {
  return ShownBy(peers, region).Covers(what);
}

Filler::Choice Filler::Choose(const PeerTable& peers, const Gate& gate, ScanPart part,
                              const std::vector<LogId>& cut, Instant now) {
  if (part == ScanPart::kCatalog) return {ChooseCatalog(peers, gate, cut, now)};
  if (IsRows(part)) return ChooseRows(peers, gate, now);
  return {ChooseTeller(peers, part, now)};
}

// The chunk that we wait with may hold what its source claims beyond what it shows, and everybody
// is there: if nobody shows that, no log will bring it, and its source does not forsake it as long
// as we claim less, for the sake of what we have by the log (Forsake). Then we claim it as well,
// and both forsake it.
bool Filler::IsStuck(const PeerTable& peers, Instant now) const {
  return place_.stage == Stage::kFilling && place_.part == ScanPart::kItems && stuck_since_ &&
         now - *stuck_since_ >= options_.forsake_us &&
         std::all_of(peers.all().begin(), peers.all().end(),
                     [&](const auto& entry) { return peers.Reachable(entry.first, now); });
}

// Who shows some of what we need. What it counts beyond that must be shown by others who can be
// asked: nothing is claimed that cannot be had, but by who is stuck.
RegionId Filler::ChooseCatalog(const PeerTable& peers, const Gate& gate,
                               const std::vector<LogId>& cut, Instant now) const {
  conflict::Vector to_be_had = gate.applied();
  for (const auto& [region, peer] : peers.all())
    if (Answers(peers, region, ScanPart::kCatalog, now)) to_be_had.Merge(ShownBy(peers, region));
  const bool stuck = IsStuck(peers, now);
  RegionId best;
  std::pair<bool, uint64_t> most;
  for (const auto& [region, peer] : peers.all()) {
    if (!Answers(peers, region, ScanPart::kCatalog, now) || Rests(region, now)) continue;
    const conflict::Vector shown = ShownBy(peers, region);
    const bool all_to_be_had = to_be_had.Covers(peer.last.durable);
    const bool helps =
        place_.stage == Stage::kNew || (stuck && !all_to_be_had && claims_.Want(shown)) ||
        std::any_of(cut.begin(), cut.end(),
                    [&](LogId log) { return shown.At(log) > gate.applied().At(log); });
    if (!helps || !(all_to_be_had || stuck)) continue;
    // The more it shows, the less is left for others; and it decides how far back logs must reach.
    const std::pair<bool, uint64_t> rank(streams::Serves(peer.last.stage), TotalOf(shown) + 1);
    if (rank <= most) continue;
    best = region;
    most = rank;
  }
  return best;
}

Filler::Choice Filler::ChooseRows(const PeerTable& peers, const Gate& gate, Instant now) {
  const auto usable = [&](RegionId region) {
    return Answers(peers, region, ScanPart::kItems, now) && !Rests(region, now);
  };
  if (!place_.after.empty()) {
    RegionId next;
    for (const auto& [region, peer] : peers.all())
      if (usable(region) && Shows(peers, region, pass_) && (next.value == 0 || region == source_))
        next = region;
    if (next.value != 0) {
      orphan_since_.reset();
      return {next};
    }
    // What has been gone through is not given up for a source that is only started again.
    if (!orphan_since_) orphan_since_ = now;
    const Instant until = *orphan_since_ + options_.orphan_us;
    if (until > now) {
      WakeBy(until);
      return {};
    }
  }
  RegionId best;
  int most = 0;
  for (const auto& [region, peer] : peers.all()) {
    if (!usable(region) || !claims_.Want(ShownBy(peers, region))) continue;
    const int rank = 1 + (region == source_ ? 1 : 0) + (streams::Serves(peer.last.stage) ? 2 : 0) +
                     (gate.applied().Covers(peer.last.durable) ? 4 : 0) +
                     (Shows(peers, region, claims_.claimed()) ? 8 : 0);
    if (rank <= most) continue;
    best = region;
    most = rank;
  }
  if (best.value != 0) orphan_since_.reset();
  return {best, true};
}

// Somebody else whose chunks need not wait for a log.
bool Filler::HasOtherSource(const PeerTable& peers, const Gate& gate, RegionId source,
                            Instant now) const {
  return std::any_of(peers.all().begin(), peers.all().end(), [&](const auto& entry) {
    const auto& [region, peer] = entry;
    return region != source && Answers(peers, region, ScanPart::kItems, now) &&
           !Rests(region, now) && gate.applied().Covers(peer.last.durable) &&
           (place_.after.empty() ? claims_.Want(ShownBy(peers, region))
                                 : Shows(peers, region, pass_));
  });
}

// Of a table, and of what was decided: who serves and shows what the region counts.
RegionId Filler::ChooseTeller(const PeerTable& peers, ScanPart part, Instant now) const {
  // Of digests and ledger one that is complete knows all; else everybody is asked, once.
  bool anyone_complete = false;
  for (const auto& [region, peer] : peers.all())
    anyone_complete |= peer.ever_heard && peer.last.stage == Stage::kServing;
  const bool of_table = WantedTable(part).value != 0;
  RegionId best;
  for (const auto& [region, peer] : peers.all()) {
    if (!Answers(peers, region, part, now) || Rests(region, now) || !Shows(peers, region, floor_))
      continue;
    if (of_table && !sources_.empty() &&
        std::find(sources_.begin(), sources_.end(), region) == sources_.end())
      continue;
    if (part != ScanPart::kItems) {
      const bool complete = peer.last.stage == Stage::kServing;
      if (of_table && !complete) continue;
      if (complete != anyone_complete || (!complete && told_.count(region) != 0)) continue;
    }
    if (best.value == 0 || region == source_) best = region;
  }
  return best;
}

// Everybody is there, and nobody shows what is claimed: it was lost with a disk. But what came by
// its log to one who claims less than we is shown when that one has forsaken its claim.
void Filler::Forsake(const PeerTable& peers, Instant now) {
  const bool lost = std::all_of(peers.all().begin(), peers.all().end(), [&](const auto& entry) {
    const auto& [region, peer] = entry;
    return peers.Reachable(region, now) && !claims_.Want(ShownBy(peers, region));
  });
  if (!lost) return nobody_since_.reset();
  if (!nobody_since_) nobody_since_ = now;
  const Instant until = *nobody_since_ + options_.forsake_us;
  if (until > now) return WakeBy(until);
  nobody_since_.reset();
  FillRequest request;
  request.kind = FillRequest::Kind::kForsake;
  for (Dot dot : claims_.claimed().entries()) {
    for (const auto& [region, peer] : peers.all())
      if (const uint64_t theirs = peer.last.claims.claimed().At(dot.log); theirs != 0)
        dot.number = std::min(dot.number, theirs);
    request.chunk.vector.Raise(dot);
  }
  if (!claims_.Want(request.chunk.vector)) return;  // until they claim as much, or no more
  events_.push_back(
      {Event::Level::kWarning,
       "changes that nobody has any more are forsaken: up to " + request.chunk.vector.ToString(),
       {}});
  Send(std::move(request));
}

size_t Filler::Step() const { return std::min<size_t>(window_ / 4, options_.fill_chunk); }

void Filler::Refill(Instant now) {
  if (options_.fill_bytes_per_second == 0) {
    allowance_ = INT64_MAX;
    return;
  }
  const auto rate = static_cast<int64_t>(options_.fill_bytes_per_second);
  const int64_t elapsed = std::clamp<int64_t>(now - refilled_, 0, kMicrosPerSecond);
  const int64_t gained = rate * elapsed / kMicrosPerSecond;
  if (gained == 0) return;
  refilled_ = now;
  // After a rest not more than a fifth of a second's worth at once.
  allowance_ = std::min<int64_t>(allowance_ + gained, std::max<int64_t>(rate / 5, 2 * Step()));
}

void Filler::Open(const Choice& choice, bool complete, ScanPart part, Instant now) {
  const RegionId source = choice.source;
  const int64_t credit = std::min<int64_t>(allowance_, static_cast<int64_t>(window_));
  if (credit < static_cast<int64_t>(Step())) return WakeBy(now + 10 * kMicrosPerMilli);
  if (options_.fill_bytes_per_second != 0) allowance_ -= credit;
  Session& session = session_.emplace();
  source_ = source;
  if (part == ScanPart::kDigests && place_.after.empty()) {
    telling_ = source;
    from_complete_ = complete;
  }
  if (telling_ != source) telling_ = {};
  from_complete_ &= complete;
  session.source = source;
  session.id = session_base_ | ++session_count_;
  session.part = part;
  session.table = WantedTable(part);
  if (part == place_.part && part != ScanPart::kCatalog && !choice.anew)
    session.after = place_.after;
  session.credit = credit;
  session.said = now;
  session.heard = now;
  conflict::Vector floor;
  if (IsRows(part) && !session.after.empty()) floor = pass_;
  if (part != ScanPart::kCatalog && !IsRows(part)) floor = floor_;
  messages_.push_back({source, Scan{session.id, part, session.after, std::move(floor),
                                    static_cast<uint64_t>(credit), session.table}});
}

void Filler::Watch(const PeerTable& peers, Instant now) {
  if (!session_) return;
  if (!Answers(peers, session_->source, session_->part, now))
    return Fail(now, "the source has gone");
  // Without credit it has nothing to say.
  if (session_->credit <= 0) session_->heard = now;
  if (now - session_->heard >= options_.silence_us) {
    // A slow link may take longer for so much, and one that loses much may never bring it whole.
    window_ = std::max(window_ / 2, std::min(kWindowMin, options_.fill_window));
    return Fail(now, "silence");
  }
  WakeBy(session_->heard + options_.silence_us);
}

void Filler::TopUp(Instant now) {
  if (!session_) return;
  const int64_t free = static_cast<int64_t>(window_) - static_cast<int64_t>(held_) -
                       std::max<int64_t>(session_->credit, 0);
  const int64_t grant = std::min(free, allowance_);
  const auto step = static_cast<int64_t>(Step());
  const bool worth = grant >= step;
  if (free >= step && !worth) WakeBy(now + 10 * kMicrosPerMilli);
  WakeBy(session_->said + options_.keepalive_us);
  if (!worth && now - session_->said < options_.keepalive_us) return;
  session_->said = now;
  const int64_t given = worth ? grant : 0;
  session_->credit += given;
  if (options_.fill_bytes_per_second != 0) allowance_ -= given;
  messages_.push_back({session_->source, Credit{session_->id, static_cast<uint64_t>(given)}});
}

void Filler::Send(FillRequest request) {
  stuck_since_.reset();
  request.id = next_fill_++;
  filling_ = request.id;
  moved_from_ = place_;
  fills_.push_back(std::move(request));
}

// The front chunk's source has a clock that is too far ahead, and another source can be asked.
bool Filler::IsBetterElsewhere(const PeerTable& peers, const Gate& gate,
                               const std::vector<LogId>& cut, Instant now) {
  const auto& [source, chunk] = chunks_.front();
  if (!gate.IsAhead(chunk.clock)) return false;
  const auto [rest, new_rest] = resting_.emplace(source, Instant());
  const Instant before = rest->second;
  rest->second = now + options_.ahead_rest_us;
  const bool other = chunk.part == ScanPart::kCatalog
                         ? ChooseCatalog(peers, gate, cut, now).value != 0
                     : IsRows(chunk.part) ? HasOtherSource(peers, gate, source, now)
                                          : ChooseTeller(peers, chunk.part, now).value != 0;
  if (other) {
    Say(Event::Level::kWarning, "its clock is too far ahead: another region is asked", source);
  } else if (new_rest) {
    resting_.erase(rest);
  } else {
    rest->second = before;
  }
  return other;
}

void Filler::HandOver(const PeerTable& peers, const Gate& gate, const std::vector<LogId>& cut,
                      Instant now) {
  if (filling_ || moved_from_ || chunks_.empty()) return;
  if (retry_at_ > now) return WakeBy(retry_at_);
  if (IsBetterElsewhere(peers, gate, cut, now)) return Drop(true);
  const auto& [source, chunk] = chunks_.front();
  if (chunk.part != ScanPart::kCatalog) {
    const bool filling = place_.stage >= Stage::kFilling || place_.table.value != 0;
    const bool next = chunk.after == place_.after || (IsRows(chunk.part) && chunk.after.empty());
    if (!filling || chunk.table != place_.table || chunk.part != place_.part || !next)
      return Drop(true);  // of another filling
    // The logs must have brought everything that the chunk may hold.
    if (!gate.applied().Covers(chunk.Claims())) {
      status_.waits = Waits::kLogs;
      if (!waits_since_) waits_since_ = now;
      if (!stuck_since_) stuck_since_ = now;
      const Instant patience = *waits_since_ + options_.silence_us;
      if (patience > now) return WakeBy(patience);
      // Its source may have lost what it showed us, and then no log will bring it.
      const bool has_it =
          peers.Reachable(source, now) && peers.at(source).last.durable.Covers(chunk.Claims());
      const bool other = IsRows(chunk.part) && HasOtherSource(peers, gate, source, now);
      if (other) resting_[source] = now + options_.silence_us;
      if (!has_it || other) Drop(true);
      waits_since_.reset();
      return WakeBy(now + options_.silence_us);
    }
    waits_since_.reset();
  } else {
    Say(Event::Level::kInfo, "the region begins to be filled", source);
  }
  status_.source = source;
  Send({0, FillRequest::Kind::kChunk, source, chunk});
}

void Filler::Finish(const PeerTable& peers, const Gate& gate, bool cut_loose, Instant now) {
  if (filling_ || moved_from_ || retry_at_ > now) return;
  if (place_.stage == Stage::kCompleting && place_.part == ScanPart::kDone) return Complete(peers);
  if (place_.stage == Stage::kFilling && place_.part > ScanPart::kItems) {
    const auto serves = [&](RegionId region) {
      return peers.Reachable(region, now) && streams::Serves(peers.at(region).last.stage);
    };
    if (!target_) {
      // What the others have now; what they write meanwhile is ordinary lag.
      target_.emplace();
      rows_done_ = now;
      for (const auto& [region, peer] : peers.all())
        if (serves(region)) target_->emplace(region, peer.last.durable);
    }
    status_.waits = Waits::kLogs;
    // A courtesy to clients, with a bound: nothing that the region claims is missing.
    const Instant until = rows_done_ + options_.catch_up_us;
    for (const auto& [region, vector] : *target_)
      if (!cut_loose && until > now && serves(region) && !gate.applied().Covers(vector))
        return WakeBy(until);
    Say(Event::Level::kInfo, "the region is filled and has caught up", {});
    return Send({0, FillRequest::Kind::kFinish, {}, {}});
  }
  if (place_.stage != Stage::kNew) return;
  bool all_new = true;
  for (const auto& [region, peer] : peers.all())
    all_new &= peers.Reachable(region, now) && peer.last.stage == Stage::kNew;
  if (!all_new) return;
  Say(Event::Level::kInfo, "all regions are empty: the cluster is new", {});
  Send({0, FillRequest::Kind::kFinish, {}, {}});
}

// One region has told all that it has decided.
void Filler::Complete(const PeerTable& peers) {
  if (telling_.value != 0) told_.insert(telling_);
  const bool all_told = std::all_of(peers.all().begin(), peers.all().end(), [&](const auto& entry) {
    return told_.count(entry.first) != 0;
  });
  if (from_complete_ || all_told) {
    Say(Event::Level::kInfo, "what was decided elsewhere is complete", {});
    return Send({0, FillRequest::Kind::kComplete, {}, {}});
  }
  Send({0, FillRequest::Kind::kAgain, {}, {}});
}

// The region is whole, and nothing is left of what made it so: as it mostly is.
bool Filler::IsAtRest(Instant now) const {
  return place_.stage == Stage::kServing && place_.table.value == 0 && !session_ &&
         chunks_.empty() && !filling_ && !moved_from_ && resting_.empty() && retry_at_ <= now;
}

void Filler::Advance(const PeerTable& peers, const Gate& gate, const std::vector<LogId>& cut,
                     Instant now) {
  wake_at_ = Instant{INT64_MAX};
  if (!active_) return;
  status_ = {};
  Refill(now);
  if (IsAtRest(now) && cut.empty()) return cut_since_.reset();
  const ScanPart wanted = Wanted(MustBegin(peers, gate, cut, now));
  const TableId table = WantedTable(wanted);
  const bool other =
      (session_ && (session_->part != wanted || session_->table != table)) ||
      (!chunks_.empty() && !filling_ &&
       (chunks_.front().second.part != wanted || chunks_.front().second.table != table));
  if (other && !moved_from_) Drop(true);
  Watch(peers, now);
  HandOver(peers, gate, cut, now);
  if (wanted == ScanPart::kDone || place_.stage == Stage::kNew)
    Finish(peers, gate, !cut.empty(), now);
  if (session_) status_.source = session_->source;
  const bool idle = !session_ && chunks_.empty() && !filling_ && !moved_from_;
  if (idle && wanted != ScanPart::kDone && retry_at_ <= now) {
    const Choice choice = Choose(peers, gate, wanted, cut, now);
    if (choice.source.value != 0) {
      nobody_since_.reset();
      Open(choice, peers.at(choice.source).last.stage == Stage::kServing, wanted, now);
    } else {
      if (IsRows(wanted)) Forsake(peers, now);
      status_.waits = place_.stage == Stage::kNew ? Waits::kWord : Waits::kSource;
      for (const auto& [region, peer] : peers.all())
        if (!Answers(peers, region, wanted, now)) status_.waits_for.push_back(region);
    }
  }
  if (retry_at_ > now) WakeBy(retry_at_);
  TopUp(now);
  std::erase_if(resting_, [&](const auto& entry) { return entry.second <= now; });
  for (const auto& [region, until] : resting_) WakeBy(until);
}

}  // namespace everwrite::replicator
