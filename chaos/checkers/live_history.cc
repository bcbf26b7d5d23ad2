#include "chaos/checkers/live_history.h"

#include <charconv>
#include <fstream>
#include <map>

#include "chaos/workload_item.h"
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

}  // namespace everwrite::chaos
