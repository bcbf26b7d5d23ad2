#include "chaos/checkers/record_bytes.h"

#include <map>

#include "base/check.h"
#include "streams/change_record.h"

namespace everwrite::chaos {

RecordBytes CompareRecordBytes(const std::vector<const KvStore*>& stores) {
  struct First {
    size_t store;
    std::string bytes;
    bool counted = false;
  };
  std::map<Dot, First> first;
  RecordBytes result;
  for (size_t i = 0; i < stores.size(); ++i) {
    const auto it = stores[i]->NewIterator(ColumnFamily::kChanges, {});
    for (it->Seek(""); it->Valid(); it->Next()) {
      streams::ChangeRecord record;
      CHECK(streams::DecodeChangeRecord(it->value(), record));
      // Who does not hold the table has less of it.
      if (!record.scope.empty() || record.bare) continue;
      const auto [at, is_new] = first.emplace(record.dot, First{i, std::string(it->value())});
      if (is_new) continue;
      if (!at->second.counted) {
        ++result.compared;
        result.unknown += streams::HasUnknownField(at->second.bytes) ? 1 : 0;
        at->second.counted = true;
      }
      if (at->second.bytes != it->value())
        result.differ.push_back("change " + std::to_string(record.dot.number) + " of log " +
                                std::to_string(record.dot.log.value) +
                                " is not the same in region " + std::to_string(at->second.store) +
                                " and " + std::to_string(i));
    }
  }
  return result;
}

}  // namespace everwrite::chaos
