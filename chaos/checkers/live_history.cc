#include "chaos/checkers/live_history.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <map>

#include "chaos/workload_item.h"
#include "conflict/conflict_record.h"
#include "region/item/item.h"
#include "streams/change_record.h"

namespace everwrite::chaos {
namespace {

std::map<uint64_t, conflict::Version> FindVersions(const std::vector<const KvStore*>& stores) {
  std::map<uint64_t, conflict::Version> versions;
  for (const KvStore* store : stores) {
    const auto it = store->NewIterator(ColumnFamily::kChanges, {});
    for (it->Seek(""); it->Valid(); it->Next()) {
      streams::ChangeRecord record;
      CHECK(streams::DecodeChangeRecord(it->value(), record));
      if (record.subject != streams::Subject::kItem || record.tombstone) continue;
      if (const auto item = DecodeSimItem(record.image))
        versions[item->id] = {record.rank, record.stamp, record.dot};
    }
  }
  return versions;
}

}  // namespace

Result<History> ReadLiveHistory(const std::string& path,
                                const std::vector<const KvStore*>& stores) {
  const auto versions = FindVersions(stores);
  std::ifstream in(path);
  if (!in) return NotFound(path + ": cannot be read");
  History history;
  size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    const size_t first = line.find('\t');
    const size_t second = line.find('\t', first + 1);
    if (first == std::string::npos || second == std::string::npos)
      return InvalidArgument(path + ":" + std::to_string(number) +
                             ": expected id, key and outcome, tab-separated");
    HistoryWrite& write = history.Add();
    std::from_chars(line.data(), line.data() + first, write.id);
    write.key = EncodeSimKey(line.substr(first + 1, second - first - 1));
    if (line.substr(second + 1) != "acknowledged") continue;
    write.outcome = Outcome::kAcknowledged;
    const auto at = versions.find(write.id);
    write.version = at != versions.end()
                        ? at->second
                        : conflict::Version{0, Stamp{1}, {LogId{1}, write.id}};  // in no log
  }
  return history;
}

namespace {

// All changes of items that some log has: what each id became, and what deletions there are.
struct LoggedChanges {
  std::map<Dot, std::shared_ptr<const std::string>> records;
  std::map<uint64_t, conflict::Version> by_id;
  std::map<conflict::Version, std::string> deletions;  // key
  std::map<conflict::Version, uint64_t> order;         // from 1
};

LoggedChanges ReadLoggedChanges(const std::vector<const KvStore*>& stores) {
  LoggedChanges changes;
  for (const KvStore* store : stores) {
    const auto it = store->NewIterator(ColumnFamily::kChanges, {});
    for (it->Seek(""); it->Valid(); it->Next()) {
      streams::ChangeRecord record;
      CHECK(streams::DecodeChangeRecord(it->value(), record));
      auto& bytes = changes.records[record.dot];
      if (bytes == nullptr) bytes = std::make_shared<const std::string>(it->value());
      if (record.subject != streams::Subject::kItem) continue;
      const conflict::Version version{record.rank, record.stamp, record.dot};
      const item::ItemView image(record.image);
      if (!record.tombstone) {
        const auto item = DecodeSimItem(record.image);
        if (!item) continue;
        changes.by_id[item->id] = version;
      } else if (const auto key = image.Find("pk")) {
        changes.deletions[version] = key->text();
      } else {
        continue;
      }
      changes.order[version] = 0;
    }
  }
  uint64_t next = 0;
  for (auto& [version, order] : changes.order) order = ++next;
  return changes;
}

HistoryWrite MakeWrite(const ObservedOp& op, size_t place, size_t region,
                       const LoggedChanges& changes) {
  const ObservedItem& item = op.items[place];
  HistoryWrite write;
  write.id = item.id;
  write.region = region;
  write.key = EncodeSimKey(item.key);
  write.is_delete = op.act == Act::kDelete;
  write.in_transaction = op.act == Act::kTransact;
  write.outcome = op.outcome;
  const auto at = changes.by_id.find(item.id);
  if (at != changes.by_id.end()) {
    write.version = at->second;
  } else if (conflict::ParseConflictName(op.receipt, write.version)) {
    // A receipt names the first write of a transaction; the others follow in the same log.
    write.version.dot.number += place;
  } else if (op.outcome == Outcome::kAcknowledged && !write.is_delete) {
    write.version = {0, Stamp{1}, {LogId{1}, item.id}};  // in no log
  }
  return write;
}

}  // namespace

History CompleteHistory(ObservedHistory& observed, const std::vector<const KvStore*>& stores) {
  const std::vector<std::string>& region_names = observed.regions;
  // Orders and found deletions of an earlier completion are made anew.
  std::erase_if(observed.ops, [](const ObservedOp& op) { return op.act == Act::kFound; });
  LoggedChanges changes = ReadLoggedChanges(stores);
  const auto region_of = [&region_names](const std::string& name) {
    return static_cast<size_t>(std::find(region_names.begin(), region_names.end(), name) -
                               region_names.begin());
  };
  History history;
  std::map<uint64_t, HistoryWrite> writes;
  for (ObservedOp& op : observed.ops) {
    if (!op.IsWrite()) continue;
    for (size_t place = 0; place < op.items.size(); ++place) {
      ObservedItem& item = op.items[place];
      HistoryWrite write = MakeWrite(op, place, region_of(op.region), changes);
      const auto order = changes.order.find(write.version);
      item.order = order == changes.order.end() ? 0 : order->second;
      if (op.act == Act::kDelete) changes.deletions.erase(write.version);
      writes[item.id] = std::move(write);
    }
  }
  for (const ObservedOp& op : observed.ops) {
    if (op.act != Act::kLost) continue;
    History::LostDisk& lost = history.lost_disks.emplace_back();
    lost.region = region_of(op.region);
    for (const uint64_t log : op.logs) lost.logs.insert(LogId{log});
    for (const ObservedOp& before : observed.ops)
      if (before.IsWrite() && before.region == op.region && before.begin_us <= op.begin_us)
        for (const ObservedItem& item : before.items)
          lost.last_write = std::max(lost.last_write, item.id);
  }
  for (const auto& [version, key] : changes.deletions) {
    ObservedOp& found = observed.ops.emplace_back();
    found.act = Act::kFound;
    found.items.push_back({key, 0, changes.order[version]});
  }
  history.records = std::move(changes.records);
  for (auto& [id, write] : writes) history.writes.push_back(std::move(write));
  return history;
}

}  // namespace everwrite::chaos
