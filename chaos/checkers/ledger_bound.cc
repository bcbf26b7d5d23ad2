#include "chaos/checkers/ledger_bound.h"

#include <algorithm>
#include <unordered_set>

#include "base/coding.h"
#include "region/table/layout.h"
#include "region/table/ledger_table.h"

namespace everwrite::chaos {

void CheckLedgerForgets(const KvStore& store, const std::vector<std::string>& keys, uint64_t bound,
                        size_t region, History& history) {
  const std::unordered_set<std::string_view> going(keys.begin(), keys.end());
  uint64_t left = 0, largest = 0;
  const auto it = store.NewIterator(ColumnFamily::kLedger, {});
  for (it->Seek(""); it->Valid(); it->Next()) {
    const uint64_t bytes = it->key().size() + it->value().size();
    if (going.count(it->key()) == 0) {
      left += bytes;
    } else {
      largest = std::max(largest, bytes);
    }
  }
  // The last one that goes was still too much.
  if (left + largest < bound)
    history.violations.push_back("the ledger of region " + std::to_string(region) + " forgets " +
                                 std::to_string(keys.size()) + " entries and is left with " +
                                 std::to_string(left) + " bytes of " + std::to_string(bound));
  for (const std::string& key : keys)
    history.ledger_forgot[region].insert(
        {LogId{LoadFixed64(key.data() + 8)}, LoadFixed64(key.data() + 16)});
}

std::vector<std::string> CheckLedgerCount(const KvStore& store, size_t region) {
  std::string value;
  int64_t items = 0, bytes = 0, counted_items = 0, counted_bytes = 0;
  if (store.Get(ColumnFamily::kSystem, table::CountKey(table::kLedgerTable), &value).value() &&
      !table::DecodeCount(value, counted_items, counted_bytes))
    return {"the ledger's count is damaged in region " + std::to_string(region)};
  const auto it = store.NewIterator(ColumnFamily::kLedger, {});
  for (it->Seek(""); it->Valid(); it->Next()) {
    ++items;
    bytes += static_cast<int64_t>(it->key().size() + it->value().size());
  }
  if (items == counted_items && bytes == counted_bytes) return {};
  return {"the ledger of region " + std::to_string(region) + " holds " + std::to_string(items) +
          " entries of " + std::to_string(bytes) + " bytes, and counts " +
          std::to_string(counted_items) + " of " + std::to_string(counted_bytes)};
}

}  // namespace everwrite::chaos
