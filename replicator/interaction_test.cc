// Transcripts: replicators and toy regions in one virtual world, told step by step in
// testdata/*.txt.
//
// The toy region holds logs as they are, applies in order and checks what a real one would: gaps
// and contexts. Messages travel at once, in order, unless the transcript cuts, drops or repeats
// them. Heartbeats, keepalives and progress are not shown.
#include <gtest/gtest.h>

#include <deque>
#include <set>

#include "base/random.h"
#include "replicator/replicator.h"
#include "streams/change_record.h"
#include "tests/support/data_driven.h"

namespace everwrite::replicator {
namespace {

using testing::Command;

constexpr uint64_t kStartMillis = 1'700'000'000'000;

struct ToyRegion {
  RegionId id;
  LogId log;
  bool up = true;
  bool slow = false;  // keeps its replies
  bool lagging_push = false;
  int64_t ahead_ms = 0;  // of its hybrid clock, of the time
  conflict::Vector applied;
  std::map<LogId, std::map<uint64_t, std::shared_ptr<const std::string>>> logs;
  std::map<LogId, uint64_t> first_held;
  std::deque<streams::ApplyRequest> waiting;
  std::string refuse;  // applies fail with this
  // Bootstrap: the rows are the keys that were written, each with the dot of its last change.
  streams::Stage stage = streams::Stage::kServing;
  streams::FillProgress fill;
  std::map<std::string, Dot> rows;
};

class World {
 public:
  std::string Run(const Command& command) {
    out_.clear();
    if (command.name == "world")
      Create(command);
    else if (command.name == "write")
      Write(command);
    else if (command.name == "run")
      Drain();
    else if (command.name == "tick")
      Tick(command.Number("ms"));
    else if (command.name == "cut")
      Cut(command, true);
    else if (command.name == "heal")
      Cut(command, false);
    else if (command.name == "connect")
      Connect(command, true);
    else if (command.name == "disconnect")
      Connect(command, false);
    else if (command.name == "drop")
      drops_.push_back({Pair(command), Rest(command)});
    else if (command.name == "repeat")
      repeats_.push_back({Pair(command), Rest(command)});
    else if (command.name == "restart-replicator")
      RestartReplicator(Region(command));
    else if (command.name == "region-down")
      RegionDown(Region(command));
    else if (command.name == "region-up")
      RegionUp(Region(command), command.Has("log") ? command.Number("log") : 0);
    else if (command.name == "forget")
      Forget(command);
    else if (command.name == "trim")
      Trim(command);
    else if (command.name == "slow")
      Region(command).slow = true;
    else if (command.name == "fast")
      Fast(Region(command));
    else if (command.name == "refuse")
      Region(command).refuse = "held at the door";
    else if (command.name == "accept")
      Region(command).refuse.clear();
    else if (command.name == "lose-disk")
      LoseDisk(Region(command), command.Number("log"));
    else if (command.name == "ahead")
      Region(command).ahead_ms = static_cast<int64_t>(command.Number("ms"));
    else if (command.name == "rows")
      Rows();
    else if (command.name == "vectors")
      Vectors();
    else if (command.name == "status")
      PrintStatus(Region(command));
    else
      ADD_FAILURE() << command.position << ": unknown command";
    return out_;
  }

  // A bus that loses, repeats and reorders: each message by chance.
  void Disturb(uint64_t seed) { disturbance_.emplace(seed); }
  void Calm() { disturbance_.reset(); }
  bool Converged() const {
    for (const auto& [number, region] : regions_)
      if (region.applied != regions_.begin()->second.applied ||
          region.stage != streams::Stage::kServing)
        return false;
    return true;
  }

 private:
  struct Flying {
    RegionId from;
    RegionId to;
    Message message;
  };
  using Ends = std::pair<int64_t, int64_t>;

  ToyRegion& Region(const Command& command) { return regions_.at(command.NumberWord(0)); }
  Ends Pair(const Command& command) { return {command.NumberWord(0), command.NumberWord(1)}; }
  // The beginning of a message.
  static std::string Rest(const Command& command) {
    std::string text = command.words.at(2);
    for (size_t i = 3; i < command.words.size(); ++i) text += " " + command.words[i];
    return text;
  }
  Replicator& At(RegionId id) { return *replicators_.at(id.value); }
  void Say(const std::string& line) { out_ += line + "\n"; }
  static std::string Name(RegionId id) { return std::to_string(id.value); }
  static std::string Range(const streams::RecordBatch& batch) {
    size_t bare = 0;
    for (const auto& record : batch.records) {
      streams::ChangeRecord decoded;
      bare += streams::DecodeChangeRecord(*record, decoded) && decoded.bare ? 1 : 0;
    }
    const std::string range = [&]() -> std::string {
      if (batch.empty()) return "log " + ToString(batch.log) + " nothing";
      return "log " + ToString(batch.log) + " " + std::to_string(batch.first) + ".." +
             std::to_string(batch.last());
    }();
    return bare == 0 ? range : range + " (" + std::to_string(bare) + " bare)";
  }

  void Create(const Command& command) {
    const int64_t count = command.Number("regions");
    for (int64_t i = 1; i <= count; ++i) {
      ToyRegion region;
      region.id = RegionId{static_cast<uint16_t>(i)};
      region.log = LogId::Make(region.id, 1);
      if (command.Number("new", 0) != 0) region.stage = streams::Stage::kNew;
      regions_[i] = std::move(region);
    }
    options_.batch_bytes = static_cast<size_t>(command.Number("batch", 1000));
    options_.credit_bytes = static_cast<uint64_t>(command.Number("credit", 16'000));
    options_.cache_bytes = static_cast<size_t>(command.Number("cache", 100'000));
    options_.fill_chunk = static_cast<size_t>(command.Number("chunk", 1000));
    options_.fill_window = 4 * options_.fill_chunk;
    options_.fill_bytes_per_second = static_cast<uint64_t>(command.Number("rate", 0));
    for (int64_t i = 1; i <= count; ++i) StartReplicator(regions_[i]);
    Drain();
  }

  void StartReplicator(ToyRegion& region) {
    Options options = options_;
    options.self = region.id;
    for (const auto& [number, other] : regions_)
      if (other.id != region.id) options.peers.push_back(other.id);
    replicators_[region.id.value] = std::make_unique<Replicator>(options, random_, now_);
    if (region.up) At(region.id).OnRegionState(State(region), now_);
    for (const RegionId peer : options.peers)
      if (!Severed(region.id, peer)) At(region.id).OnPeerUp(peer, now_);
  }

  uint64_t Physical() const { return kStartMillis + static_cast<uint64_t>(now_.micros / 1000); }
  Stamp Clock(const ToyRegion& region) const {
    return Stamp::Make(Physical() + static_cast<uint64_t>(region.ahead_ms), 0);
  }
  streams::RegionState State(const ToyRegion& region) const {
    const uint64_t physical = Physical();
    return {
        region.id,         region.log, region.applied, region.applied, physical, 0, Clock(region),
        region.first_held, {},         region.stage,   region.fill};
  }

  void Write(const Command& command) {
    ToyRegion& region = Region(command);
    const int64_t count = command.Number("count", 1);
    const std::string image(static_cast<size_t>(command.Number("size", 10)), 'x');
    streams::RecordBatch batch{region.log, region.applied.At(region.log) + 1, {}};
    for (int64_t i = 0; i < count; ++i) {
      conflict::Vector context = region.applied;
      context.Set(region.log, 0);
      std::string context_bytes;
      context.EncodeTo(context_bytes);
      streams::ChangeRecord record;
      record.dot = {region.log, region.applied.At(region.log) + 1};
      record.stamp = Stamp::Make(Physical(), 1);
      record.context = context_bytes;
      const std::string key =
          command.Has("key") ? "k" + std::to_string(command.Number("key") + i) : "k";
      record.key = key;
      record.image = image;
      // The regions that hold the table, as digits.
      std::vector<RegionId> scope;
      for (int64_t left = command.Number("scope", 0); left != 0; left /= 10)
        scope.insert(scope.begin(), RegionId{static_cast<uint16_t>(left % 10)});
      const std::string scope_bytes = streams::EncodeScope(scope);
      record.scope = scope_bytes;
      record.transaction = static_cast<uint64_t>(command.Number("transaction", 0));
      record.transaction_end =
          record.transaction != 0 && i + 1 == count && command.Number("end", 1) != 0;
      std::string bytes;
      streams::EncodeChangeRecord(record, bytes);
      auto shared = std::make_shared<const std::string>(std::move(bytes));
      region.logs[region.log][record.dot.number] = shared;
      region.applied.Raise(record.dot);
      region.rows[key] = record.dot;
      batch.records.push_back(std::move(shared));
    }
    Say(Name(region.id) + " commits " + Range(batch));
    // Without a push the region only says that it has moved on.
    if (command.Number("push", 1) != 0)
      At(region.id).OnRecordsCommitted(batch, now_);
    else
      At(region.id).OnRegionState(State(region), now_);
    if (command.Number("run", 1) != 0) Drain();
  }

  bool Severed(RegionId a, RegionId b) const {
    return disconnected_.count(std::minmax<int64_t>(a.value, b.value)) != 0;
  }

  // Everything that can happen now happens, in one fixed order.
  void Drain() {
    for (bool moved = true; moved;) {
      moved = false;
      for (auto& [number, region] : regions_) moved |= Execute(region);
      while (!flying_.empty()) {
        // Mostly in order.
        const size_t next =
            disturbance_ && disturbance_->Chance(1, 10) ? disturbance_->Below(flying_.size()) : 0;
        Flying flying = std::move(flying_[next]);
        flying_.erase(flying_.begin() + static_cast<long>(next));
        moved = true;
        At(flying.to).OnMessage(flying.from, std::move(flying.message), now_);
        if (Execute(regions_.at(flying.to.value))) moved = true;
      }
    }
  }

  bool Execute(ToyRegion& region) {
    Ready ready = At(region.id).TakeReady(now_);
    const bool moved = !ready.empty();
    for (streams::ApplyRequest& apply : ready.applies) {
      Say(Name(region.id) + " apply " + Range(apply.batch));
      region.waiting.push_back(std::move(apply));
    }
    for (const streams::FillRequest& fill : ready.fills) {
      const Status status = Fill(region, fill);
      Say(Name(region.id) + " fill " +
          (fill.kind == streams::FillRequest::Kind::kFinish    ? "finish"
           : fill.kind == streams::FillRequest::Kind::kAgain   ? "again"
           : fill.kind == streams::FillRequest::Kind::kForsake ? "forsake"
           : fill.kind == streams::FillRequest::Kind::kComplete
               ? "complete"
               : std::string(ScanPartName(fill.chunk.part)) + " to \"" + fill.chunk.through + "\"" +
                     (fill.chunk.end ? " end" : "")) +
          (status.ok() ? "" : ": " + status.message()));
      At(region.id).OnFillReply({fill.id, status}, now_);
      At(region.id).OnRegionState(State(region), now_);
    }
    for (const streams::ScanRequest& scan : ready.scans)
      At(region.id).OnScanReply(Scan(region, scan), now_);
    for (const streams::ReadRequest& read : ready.reads) {
      const streams::ReadReply reply = Read(region, read);
      Say(Name(region.id) + " read log " + ToString(read.log) + " after " +
          std::to_string(read.after) + ": " + (reply.trimmed ? "trimmed" : Range(reply.batch)));
      At(region.id).OnReadReply(reply, now_);
    }
    for (Outgoing& outgoing : ready.messages) Send(region.id, std::move(outgoing));
    for (const Event& event : ready.events)
      Say(Name(region.id) + " notes " +
          (event.peer.value != 0 ? "[" + Name(event.peer) + "] " : "") + event.text);
    if (!region.slow) Answer(region);
    return moved;
  }

  void Answer(ToyRegion& region) {
    while (!region.waiting.empty()) {
      const streams::ApplyRequest apply = std::move(region.waiting.front());
      region.waiting.pop_front();
      At(region.id).OnApplyReply(
          {apply.id, Apply(region, apply.batch), region.applied, region.applied}, now_);
    }
  }

  Status Apply(ToyRegion& region, const streams::RecordBatch& batch) {
    if (!region.refuse.empty()) return FailedPrecondition(region.refuse);
    if (batch.first > region.applied.At(batch.log) + 1) return Aborted("gap");
    uint64_t number = batch.first;
    for (const auto& bytes : batch.records) {
      Dot dot;
      conflict::Vector context;
      EXPECT_TRUE(streams::DecodeChangeContext(*bytes, dot, context));
      EXPECT_EQ(dot.number, number);
      EXPECT_TRUE(region.applied.Covers(context))
          << "the gate let " << number << " through too early";
      region.logs[batch.log][number] = bytes;
      region.applied.Raise(dot);
      streams::ChangeRecord record;
      EXPECT_TRUE(streams::DecodeChangeRecord(*bytes, record));
      region.rows[std::string(record.key)] = dot;
      ++number;
    }
    return OkStatus();
  }

  streams::ReadReply Read(const ToyRegion& region, const streams::ReadRequest& read) const {
    streams::ReadReply reply;
    reply.id = read.id;
    reply.batch = {read.log, read.after + 1, {}};
    const auto held = region.first_held.find(read.log);
    if (held != region.first_held.end() && read.after + 1 < held->second) {
      reply.trimmed = true;
      return reply;
    }
    const auto log = region.logs.find(read.log);
    if (log == region.logs.end()) return reply;
    size_t bytes = 0;
    for (auto at = log->second.upper_bound(read.after); at != log->second.end(); ++at) {
      bytes += at->second->size();
      if (!reply.batch.empty() && bytes > read.max_bytes) break;
      reply.batch.records.push_back(at->second);
    }
    return reply;
  }

  streams::ScanReply Scan(const ToyRegion& region, const streams::ScanRequest& scan) const {
    streams::ScanReply reply;
    reply.id = scan.id;
    reply.chunk.part = scan.part;
    reply.chunk.after = reply.chunk.through = scan.after;
    reply.chunk.end = true;
    reply.chunk.vector = region.applied;
    reply.chunk.clock = Clock(region);
    reply.chunk.total_rows = region.rows.size();
    if (!region.fill.claims.empty()) {
      reply.chunk.claims = region.applied;
      reply.chunk.vector = region.fill.claims.ShownOf(region.applied);
    }
    if (!reply.chunk.vector.Covers(scan.floor)) reply.status = FailedPrecondition("behind");
    if (scan.part > streams::ScanPart::kItems && !streams::Serves(region.stage))
      reply.status = Unavailable("not whole");
    if (scan.part != streams::ScanPart::kItems) return reply;
    size_t bytes = 0;
    for (auto at = region.rows.upper_bound(scan.after); at != region.rows.end(); ++at) {
      if (bytes >= scan.max_bytes) {
        reply.chunk.end = false;
        break;
      }
      reply.chunk.rows.push_back({at->first, std::to_string(at->second.log.value) + " " +
                                                 std::to_string(at->second.number)});
      reply.chunk.through = at->first;
      bytes += 100;
    }
    return reply;
  }

  // As a real region: what it says of the order is checked.
  Status Fill(ToyRegion& region, const streams::FillRequest& request) {
    if (!region.refuse.empty()) return FailedPrecondition(region.refuse);
    const streams::ScanChunk& chunk = request.chunk;
    streams::FillProgress& fill = region.fill;
    if (request.kind == streams::FillRequest::Kind::kFinish) {
      EXPECT_TRUE(region.stage == streams::Stage::kNew || fill.part > streams::ScanPart::kItems);
      if (region.stage == streams::Stage::kFilling) {
        region.stage = streams::Stage::kCompleting;
      } else {
        region.stage = streams::Stage::kServing;
      }
      return {};
    }
    if (request.kind == streams::FillRequest::Kind::kForsake) {
      EXPECT_TRUE(fill.part == streams::ScanPart::kItems);
      ++fill.steps;
      fill.claims.Show(chunk.vector);
      if (fill.claims.empty()) RowsDone(region);
      return {};
    }
    if (request.kind != streams::FillRequest::Kind::kChunk) {
      EXPECT_TRUE(region.stage == streams::Stage::kCompleting &&
                  fill.part == streams::ScanPart::kDone);
      if (request.kind == streams::FillRequest::Kind::kAgain) {
        fill.part = streams::ScanPart::kDigests;
      } else {
        region.stage = streams::Stage::kServing;
        fill = {};
      }
      return {};
    }
    if (chunk.part == streams::ScanPart::kCatalog) {
      if (region.stage != streams::Stage::kFilling) {
        const uint64_t begun = fill.begun;
        fill = {};
        fill.begun = begun;
      }
      fill.claims.Claim(region.applied, chunk.Claims());
      for (const Dot& dot : chunk.Claims().entries()) {
        if (region.applied.Covers(dot)) continue;
        region.first_held[dot.log] = dot.number + 1;
        region.logs.erase(dot.log);
      }
      region.applied.Merge(chunk.Claims());
      region.stage = streams::Stage::kFilling;
      ++fill.begun;
      fill.source = request.source;
      if (fill.part != streams::ScanPart::kItems) fill.after.clear();
      fill.part = streams::ScanPart::kItems;
      if (fill.claims.empty()) RowsDone(region);
      return {};
    }
    const bool rows = chunk.part == streams::ScanPart::kItems;
    const bool anew = rows && chunk.after.empty();
    if (chunk.part != fill.part || (!anew && chunk.after != fill.after))
      return FailedPrecondition("not next");
    EXPECT_TRUE(region.applied.Covers(chunk.Claims())) << "handed over too early";
    EXPECT_TRUE(anew || chunk.vector.Covers(rows ? fill.pass : fill.floor));
    EXPECT_TRUE(!anew || fill.claims.Want(chunk.vector));
    if (anew) fill.pass = chunk.vector;
    ++fill.steps;
    const conflict::Vector shown = fill.claims.ShownOf(region.applied);
    if (rows) {  // no row is ever deleted in these regions
      auto at = region.rows.upper_bound(chunk.after);
      while (at != region.rows.end() && (chunk.end || at->first <= chunk.through)) {
        const bool there = std::any_of(chunk.rows.begin(), chunk.rows.end(),
                                       [&](const auto& row) { return row.key == at->first; });
        EXPECT_TRUE(there || !chunk.vector.Covers(at->second)) << "a source shows what it lacks";
        ++at;
      }
    }
    for (const streams::ScanRow& row : chunk.rows) {
      Dot dot;
      const size_t space = row.value.find(' ');
      dot.log.value = std::stoull(row.value.substr(0, space));
      dot.number = std::stoull(row.value.substr(space + 1));
      const bool here = region.rows.count(row.key) != 0;
      EXPECT_TRUE(here || !shown.Covers(dot)) << "a row that was shown has gone";
      if (!here || (chunk.vector.Covers(region.rows[row.key]) && !shown.Covers(dot)))
        region.rows[row.key] = dot;
    }
    fill.after = chunk.end ? "" : chunk.through;
    if (!chunk.end) return {};
    if (!rows) {
      fill.part = static_cast<streams::ScanPart>(static_cast<int>(fill.part) + 1);
      return {};
    }
    fill.claims.Show(fill.pass);
    fill.pass = {};
    if (fill.claims.empty()) RowsDone(region);
    return {};
  }

  static void RowsDone(ToyRegion& region) {
    region.fill.part = streams::ScanPart::kDigests;
    region.fill.after.clear();
    region.fill.floor = {};
    for (const Dot& dot : region.applied.entries())
      if (dot.log.region() != region.id) region.fill.floor.Raise(dot);
  }

  void LoseDisk(ToyRegion& region, int64_t incarnation) {
    const RegionId id = region.id;
    region = {};
    region.id = id;
    region.log = LogId::Make(id, static_cast<uint64_t>(incarnation));
    region.stage = streams::Stage::kNew;
    At(id).OnRegionDown(now_);
    At(id).OnRegionState(State(region), now_);
    Drain();
  }

  void Rows() {
    for (const auto& [number, region] : regions_) {
      std::string line = std::to_string(number) + " " + std::to_string(region.rows.size()) + ":";
      for (const auto& [key, dot] : region.rows)
        line += " " + key + "=" + ToString(dot.log) + ":" + std::to_string(dot.number);
      static const char* const kStages[] = {"", " new", " filling", " completing"};
      Say(line + kStages[static_cast<int>(region.stage)]);
    }
  }

  static bool Take(std::vector<std::pair<Ends, std::string>>& from, const Ends& ends,
                   const std::string& text) {
    for (auto at = from.begin(); at != from.end(); ++at) {
      if (at->first != ends || !text.starts_with(at->second)) continue;
      from.erase(at);
      return true;
    }
    return false;
  }

  void Send(RegionId from, Outgoing outgoing) {
    const Ends ends{from.value, outgoing.to.value};
    const std::string text = ToString(outgoing.message);
    const Credit* credit = std::get_if<Credit>(&outgoing.message);
    const bool shown = !text.starts_with("Heartbeat") && !text.starts_with("Ask") &&
                       !(credit && credit->bytes == 0);
    const std::string line = Name(from) + ">" + Name(outgoing.to) + " " + text;
    if (disturbance_ && disturbance_->Chance(1, 20)) return;
    if (disturbance_ && disturbance_->Chance(1, 20))
      flying_.push_back({from, outgoing.to, outgoing.message});
    const bool lost =
        cut_.count(std::minmax(ends.first, ends.second)) != 0 || Severed(from, outgoing.to);
    const bool dropped = !lost && Take(drops_, ends, text);
    if (shown) Say(line + (lost || dropped ? " (lost)" : ""));
    if (lost || dropped) return;
    if (Take(repeats_, ends, text)) {
      Say(line + " (again)");
      flying_.push_back({from, outgoing.to, outgoing.message});
    }
    flying_.push_back({from, outgoing.to, std::move(outgoing.message)});
  }

  void Tick(int64_t millis) {
    const Instant end = now_ + millis * kMicrosPerMilli;
    while (now_ < end) {
      now_ = std::min(end, now_ + 50 * kMicrosPerMilli);
      Drain();
    }
  }

  void Cut(const Command& command, bool cut) {
    const Ends ends = std::minmax(command.NumberWord(0), command.NumberWord(1));
    if (cut)
      cut_.insert(ends);
    else
      cut_.erase(ends);
  }

  void Connect(const Command& command, bool up) {
    const auto [a, b] = Pair(command);
    const Ends ends = std::minmax(a, b);
    if (up)
      disconnected_.erase(ends);
    else
      disconnected_.insert(ends);
    for (const auto& [self, peer] : {std::pair(a, b), std::pair(b, a)}) {
      const RegionId other = regions_.at(peer).id;
      if (up)
        replicators_.at(self)->OnPeerUp(other, now_);
      else
        replicators_.at(self)->OnPeerDown(other, now_);
    }
    Drain();
  }

  void RestartReplicator(ToyRegion& region) {
    region.waiting.clear();
    StartReplicator(region);
    Drain();
  }

  void RegionDown(ToyRegion& region) {
    region.up = false;
    region.waiting.clear();
    At(region.id).OnRegionDown(now_);
    Drain();
  }

  void RegionUp(ToyRegion& region, int64_t incarnation) {
    region.up = true;
    if (incarnation != 0) region.log = LogId::Make(region.id, static_cast<uint64_t>(incarnation));
    At(region.id).OnRegionState(State(region), now_);
    Drain();
  }

  // A power cut with lying disks: the last changes of the region's own log are gone.
  void Forget(const Command& command) {
    ToyRegion& region = Region(command);
    const auto to = static_cast<uint64_t>(command.Number("to"));
    region.applied.Set(region.log, to);
    auto& log = region.logs[region.log];
    log.erase(log.upper_bound(to), log.end());
  }

  void Trim(const Command& command) {
    ToyRegion& region = Region(command);
    const auto first = static_cast<uint64_t>(command.Number("first"));
    const LogId log = LogId::Make(RegionId{static_cast<uint16_t>(command.Number("log"))}, 1);
    region.first_held[log] = first;
    region.logs[log].erase(region.logs[log].begin(), region.logs[log].lower_bound(first));
    At(region.id).OnRegionState(State(region), now_);
    Drain();
  }

  void Fast(ToyRegion& region) {
    region.slow = false;
    Answer(region);
    Drain();
  }

  void Vectors() {
    for (const auto& [number, region] : regions_)
      Say(std::to_string(number) + " [" + region.applied.ToString() + "]");
  }

  void PrintStatus(const ToyRegion& region) {
    const auto status = At(region.id).status(now_);
    static const char* const kStates[] = {"down", "silent", "up"};
    for (const auto& link : status.links) {
      std::string line = Name(link.from) + "->" + Name(link.to) + " " +
                         kStates[static_cast<int>(link.state)] + " pending " +
                         std::to_string(link.pending);
      if (link.to == region.id)
        line += " lag " + std::to_string(link.lag_ms) + " source " + Name(link.source) + " gaps " +
                std::to_string(link.gaps) + (link.must_bootstrap ? " must bootstrap" : "");
      Say(line);
    }
    static const char* const kWaits[] = {"", "a word", "a source", "logs"};
    const auto& fill = status.fill;
    if (fill.waits == streams::ReplicationStatus::FillWaits::kNothing) return;
    std::string line = std::string("filling waits for ") + kWaits[static_cast<int>(fill.waits)];
    for (const RegionId other : fill.waits_for) line += " " + Name(other);
    Say(line);
  }

  Options options_;
  Random random_{42};
  std::optional<Random> disturbance_;
  Instant now_{0};
  std::map<int64_t, ToyRegion> regions_;
  std::map<int64_t, std::unique_ptr<Replicator>> replicators_;
  std::deque<Flying> flying_;
  std::set<Ends> cut_;
  std::set<Ends> disconnected_;
  std::vector<std::pair<Ends, std::string>> drops_;
  std::vector<std::pair<Ends, std::string>> repeats_;
  std::string out_;
};

std::string Words(std::initializer_list<std::string> words, Command& command) {
  command = {};
  std::string line;
  for (const std::string& word : words) {
    line += (line.empty() ? "" : " ") + word;
    const size_t equals = word.find('=');
    if (command.name.empty())
      command.name = word;
    else if (equals == std::string::npos)
      command.words.push_back(word);
    else
      command.args[word.substr(0, equals)] = word.substr(equals + 1);
  }
  return line;
}

// Random faults of every kind while all regions write; afterwards, on a quiet network, all of it
// must be everywhere within a minute of virtual time. The toy regions check order, contexts and
// gaps all along.
TEST(Faults, WhateverHappenedAllRegionsEndEqual) {
  for (uint64_t seed = 1; seed <= 150; ++seed) {
    Random random(seed);
    World world;
    std::string history;
    const auto run = [&](std::initializer_list<std::string> words) {
      Command command;
      history += Words(words, command) + "\n";
      return world.Run(command);
    };
    const auto any = [&] { return std::to_string(random.Between(1, 3)); };
    run({"world", "regions=3", "batch=400", "credit=4000", "cache=1500"});
    world.Disturb(seed * 7919);
    std::set<std::string> down;
    for (int step = 0; step < 120; ++step) {
      const std::string a = any();
      const std::string b = std::to_string(std::stoi(a) % 3 + 1);
      switch (random.Below(14)) {
        case 0: run({"cut", a, b}); break;
        case 1: run({"heal", a, b}); break;
        case 2: run({"disconnect", a, b}); break;
        case 3: run({"connect", a, b}); break;
        case 4: run({"restart-replicator", a}); break;
        case 5:
          if (down.insert(a).second) run({"region-down", a});
          break;
        case 6:
          if (down.erase(a) != 0) run({"region-up", a});
          break;
        case 7: run({"slow", a}); break;
        case 8: run({"fast", a}); break;
        case 9: run({random.Chance(1, 2) ? "refuse" : "accept", a}); break;
        case 10: run({"tick", "ms=" + std::to_string(random.Between(50, 6000))}); break;
        default:
          if (down.count(a) == 0)
            run({"write", a, "count=" + std::to_string(random.Between(1, 4)),
                 "size=" + std::to_string(random.Below(300)),
                 "push=" + std::to_string(random.Below(2)),
                 "transaction=" + std::to_string(random.Chance(1, 3) ? 1000 + step : 0)});
      }
    }
    world.Calm();
    for (const char* a : {"1", "2", "3"}) {
      const std::string b = std::to_string(std::stoi(a) % 3 + 1);
      run({"heal", a, b});
      run({"connect", a, b});
      run({"accept", a});
      if (down.erase(a) != 0) run({"region-up", a});
      run({"fast", a});
    }
    int seconds = 0;
    for (; seconds < 60 && !world.Converged(); ++seconds) run({"tick", "ms=1000"});
    ASSERT_TRUE(world.Converged()) << "seed " << seed << "\n"
                                   << run({"vectors"}) << run({"status", "1"})
                                   << run({"status", "2"}) << run({"status", "3"}) << history;
  }
}

// A region began more logs than a source has slots while another was away. Each needs all before
// it, and their names are in no order of time: what takes the slots first waits for what has none.
TEST(Slots, TheLogThatTheOthersWaitForGetsOne) {
  World world;
  const auto run = [&](std::initializer_list<std::string> words) {
    Command command;
    Words(words, command);
    return world.Run(command);
  };
  run({"world", "regions=2", "batch=200", "credit=4000", "cache=500"});
  run({"disconnect", "1", "2"});
  for (int log = 30; log > 10; --log) {
    run({"region-down", "1"});
    run({"region-up", "1", "log=" + std::to_string(log)});
    run({"write", "1", "count=8", "size=200"});
  }
  run({"connect", "1", "2"});
  for (int seconds = 0; seconds < 60 && !world.Converged(); ++seconds) run({"tick", "ms=1000"});
  EXPECT_TRUE(world.Converged()) << run({"vectors"}) << run({"status", "2"});
}

class Transcript : public ::testing::TestWithParam<std::string> {};

TEST_P(Transcript, GoesAsWritten) {
  World world;
  testing::RunDataDriven(GetParam(), [&](const Command& command) { return world.Run(command); });
}

INSTANTIATE_TEST_SUITE_P(Replicator, Transcript,
                         ::testing::ValuesIn(testing::FilesIn("replicator/testdata", ".txt")),
                         [](const auto& info) {
                           std::string name = info.param.substr(info.param.rfind('/') + 1);
                           name.resize(name.size() - 4);
                           return name;
                         });

TEST(TranscriptFiles, AreThere) {
  EXPECT_GE(testing::FilesIn("replicator/testdata", ".txt").size(), 10u)
      << "run from the source folder";
}

}  // namespace
}  // namespace everwrite::replicator
