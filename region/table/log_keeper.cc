#include "region/table/log_keeper.h"

#include <algorithm>
#include <utility>

#include "base/coding.h"
#include "base/mark.h"
#include "streams/change_log.h"
#include "streams/change_record.h"
#include "streams/retention.h"

namespace everwrite::table {
namespace {

constexpr char kCutLoosePrefix = 'x';  // layout.h lists all

std::string CutLooseKey(RegionId region) {
  std::string key(1, kCutLoosePrefix);
  PutFixed16(key, region.value);
  return key;
}

}  // namespace

class LogKeeper::Unit : public CommitUnit {
 public:
  explicit Unit(const LogKeeper& owner) : owner_(owner) {}

  std::map<LogId, uint64_t> first;         // numbers to hold from on
  std::map<RegionId, uint64_t> cut_loose;  // now, and when
  std::vector<RegionId> back;              // are not any more
  bool empty() const { return first.empty() && cut_loose.empty() && back.empty(); }

  Status AddTo(CommitTurn& turn) override {
    KvBatch& batch = turn.batch();
    // A filling that began meanwhile may hold a log from later on only.
    const std::map<LogId, uint64_t> held = owner_.first_held();
    for (const auto& [log, number] : first)
      if (held.at(log) == number) streams::TrimChanges(batch, log, number);
    for (const auto& [region, at_ms] : cut_loose) {
      std::string value;
      PutFixed64(value, at_ms);
      batch.Put(ColumnFamily::kSystem, CutLooseKey(region), value);
    }
    for (const RegionId region : back) batch.Delete(ColumnFamily::kSystem, CutLooseKey(region));
    return {};
  }
  void Finished(const Status&, Completions&) override {}

 private:
  const LogKeeper& owner_;
};

LogKeeper::LogKeeper(const KvStore& store, const Clock& clock, Committer& committer,
                     LogKeeperOptions options)
    : store_(store), clock_(clock), committer_(committer), options_(options) {}

Status LogKeeper::Load() {
  EW_ASSIGN_OR_RETURN(auto first_held, streams::ReadFirstHeld(store_));
  std::lock_guard lock(mutex_);
  first_held_ = std::move(first_held);
  const std::string prefix(1, kCutLoosePrefix);
  const auto it = store_.NewIterator(ColumnFamily::kSystem, {prefix, PrefixEnd(prefix)});
  for (it->Seek(prefix); it->Valid(); it->Next()) {
    RegionId region;
    Reader reader(it->key().substr(1));
    if (!reader.ReadFixed16(region.value) || !reader.done() || it->value().size() != 8)
      return DataLoss("what is known of a region that was cut loose is damaged");
    cut_loose_[region] = LoadFixed64(it->value().data());
  }
  return it->status();
}

void LogKeeper::OnProgress(const streams::PeerProgress& progress) {
  std::lock_guard lock(mutex_);
  durable_everywhere_.Merge(progress.durable_everywhere);
  peers_.clear();
  for (const auto& peer : progress.peers) peers_[peer.region] = peer.durable;
}

void LogKeeper::HoldFrom(const std::map<LogId, uint64_t>& first) {
  std::lock_guard lock(mutex_);
  for (const auto& [log, number] : first) first_held_[log] = std::max(first_held_[log], number);
}

std::map<LogId, uint64_t> LogKeeper::first_held() const {
  std::lock_guard lock(mutex_);
  return first_held_;
}

uint64_t LogKeeper::FirstOf(LogId log) const {
  const auto at = first_held_.find(log);
  return at == first_held_.end() ? 1 : at->second;
}

Result<Stamp> LogKeeper::StampOf(Dot dot) const {
  EW_ASSIGN_OR_RETURN(const auto batch,
                      streams::ReadChanges(store_, dot.log, dot.number - 1, dot.number, 1));
  streams::ChangeRecord record;
  if (!streams::DecodeChangeRecord(*batch.records[0], record))
    return DataLoss("a change record is damaged");
  return record.stamp;
}

uint64_t LogKeeper::BytesOf(LogId log, uint64_t from, uint64_t through) const {
  return store_.ApproximateBytes(ColumnFamily::kChanges, {streams::ChangeKey({log, from}),
                                                          streams::ChangeKey({log, through + 1})});
}

Status LogKeeper::Trim() {
  const RegionState state = committer_.CommittedState();
  const uint64_t now_ms = clock_.PhysicalMillis();
  conflict::Vector everywhere;
  std::map<LogId, streams::LogExtent> logs;
  std::map<RegionId, conflict::Vector> peers;
  {
    std::lock_guard lock(mutex_);
    everywhere = durable_everywhere_;
    peers = peers_;
    for (const Dot& head : state.applied.entries())
      logs[head.log] = {FirstOf(head.log), head.number};
  }
  auto unit = std::make_unique<Unit>(*this);
  for (auto& [log, extent] : logs) {
    const streams::RetentionInput input{extent.first_held, extent.applied, everywhere.At(log),
                                        now_ms, options_.keep_ms};
    EW_ASSIGN_OR_RETURN(const uint64_t first,
                        streams::TrimPoint(input, [&, log = log](uint64_t number) {
                          return StampOf({log, number});
                        }));
    if (first == extent.first_held) continue;
    unit->first[log] = extent.first_held = first;
    Reach(Mark::kLogTrimmed);
  }
  EW_ASSIGN_OR_RETURN(const auto cuts, streams::CutPoints(
                                           logs, {options_.bytes_max, now_ms, options_.keep_ms},
                                           [this](Dot dot) { return StampOf(dot); },
                                           [this](LogId log, uint64_t from, uint64_t through) {
                                             return BytesOf(log, from, through);
                                           }));
  for (const auto& [log, first] : cuts) {
    unit->first[log] = logs[log].first_held = first;
    for (const auto& [region, durable] : peers)
      if (durable.At(log) + 1 < first) {
        Reach(Mark::kCutLoose);
        unit->cut_loose[region] = now_ms;
      }
  }
  uint64_t bytes = 0;
  for (const auto& [log, extent] : logs)
    if (extent.first_held <= extent.applied)
      bytes += BytesOf(log, extent.first_held, extent.applied);
  {
    std::lock_guard lock(mutex_);
    bytes_ = bytes;
    // Before the records go: a reader that is told "held" must find them.
    for (const auto& [log, first] : unit->first)
      first_held_[log] = std::max(first_held_[log], first);
    std::erase_if(unit->cut_loose,
                  [&](const auto& entry) { return cut_loose_.count(entry.first) != 0; });
    cut_loose_.insert(unit->cut_loose.begin(), unit->cut_loose.end());
    for (const auto& [region, durable] : peers) {
      const bool reaches =
          std::all_of(logs.begin(), logs.end(), [&, &durable = durable](const auto& entry) {
            return durable.At(entry.first) + 1 >= entry.second.first_held;
          });
      if (reaches && cut_loose_.erase(region) != 0) {
        Reach(Mark::kCutLooseBack);
        unit->back.push_back(region);
      }
    }
    // Of a region that is in the topology no more nothing need be remembered.
    for (const auto& [region, at_ms] : std::map(cut_loose_)) {
      if (peers.empty() || peers.count(region) != 0) continue;
      unit->back.push_back(region);
      cut_loose_.erase(region);
    }
  }
  if (!unit->empty()) committer_.Submit(std::move(unit));
  return {};
}

LogReport LogKeeper::report() const {
  const RegionState state = committer_.CommittedState();
  LogReport report;
  std::lock_guard lock(mutex_);
  report.bytes = bytes_;
  report.bytes_max = options_.bytes_max;
  for (const auto& [region, durable] : peers_) {
    uint64_t changes = 0;
    for (const Dot& head : state.applied.entries()) {
      const uint64_t from = std::max(durable.At(head.log), FirstOf(head.log) - 1);
      if (head.number > from) changes += head.number - from;
    }
    report.held_for.push_back({region, changes});
  }
  for (const auto& [region, at_ms] : cut_loose_) report.cut_loose.push_back({region, at_ms});
  return report;
}

}  // namespace everwrite::table
