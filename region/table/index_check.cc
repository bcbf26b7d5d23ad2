#include "region/table/index_check.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/coding.h"
#include "region/table/layout.h"
#include "region/table/secondary_index.h"

namespace everwrite::table {
namespace {

struct Rebuilt;

// An entry that a row asks for.
struct Expected {
  std::string key;
  const Rebuilt* index;
  std::string value;
};

struct Rebuilt {
  std::string name;  // "table.index"
  std::shared_ptr<SecondaryIndex> index;
  bool complete = true;
  int64_t items = 0;
  int64_t bytes = 0;
  std::vector<Expected> entries;
};

class Checker {
 public:
  Checker(const KvStore& store, size_t limit) : store_(store), limit_(limit) {}

  Result<std::vector<std::string>> Run() {
    EW_RETURN_IF_ERROR(ReadDefinitions());
    EW_RETURN_IF_ERROR(Rebuild());
    EW_RETURN_IF_ERROR(CompareEntries());
    for (const auto& [prefix, rebuilt] : indexes_)
      if (rebuilt.complete) EW_RETURN_IF_ERROR(CompareCount(rebuilt));
    return std::move(violations_);
  }

 private:
  template <typename Visitor>
  Status ForEachRow(std::string_view begin, const std::string& end, Visitor&& visit) const {
    const auto it = store_.NewIterator(ColumnFamily::kItems, {std::string(begin), end});
    for (it->Seek(begin); it->Valid(); it->Next()) {
      StoredItem stored;
      if (!DecodeStoredItem(it->value(), stored)) return DataLoss("a stored item is damaged");
      if (!stored.tombstone) EW_RETURN_IF_ERROR(visit(it->key(), stored));
    }
    return it->status();
  }

  Status ReadDefinitions() {
    const std::string begin = ItemKey(kCatalogTable, "");
    return ForEachRow(begin, PrefixEnd(begin), [&](std::string_view, const StoredItem& row) {
      TableDefinition definition;
      if (!DecodeTableDefinition(row.image, definition))
        return DataLoss("a table definition is damaged");
      for (const IndexDefinition& index : KeptIndexes(definition)) {
        Rebuilt rebuilt;
        rebuilt.name = definition.name + "." + index.name;
        rebuilt.index = std::make_shared<SecondaryIndex>(definition, index);
        std::string ignored;
        EW_ASSIGN_OR_RETURN(
            const bool filling,
            store_.Get(ColumnFamily::kSystem, rebuilt.index->backfill_key(), &ignored));
        rebuilt.complete = !filling;
        Rebuilt& kept = indexes_[rebuilt.index->prefix()] = std::move(rebuilt);
        by_table_[definition.id].push_back(&kept);
      }
      return Status();
    });
  }

  Status Rebuild() {
    return ForEachRow(
        ItemKey(TableId{kCatalogTable.value + 1}, ""), "",
        [&](std::string_view key, const StoredItem& row) {
          const auto of_table = by_table_.find(TableOfItemKey(key));
          if (of_table == by_table_.end()) return Status();
          for (Rebuilt* const rebuilt : of_table->second) {
            auto entry = rebuilt->index->EntryOf(key, row.image);
            if (!entry) continue;
            ++rebuilt->items;
            rebuilt->bytes += entry->bytes;
            std::string value = entry->whole ? std::string(row.image) : std::move(entry->projected);
            rebuilt->entries.push_back({std::move(entry->key), rebuilt, std::move(value)});
          }
          return Status();
        });
  }

  // All in the order of their keys.
  std::vector<const Expected*> Sorted() const {
    std::vector<const Expected*> sorted;
    std::vector<std::pair<uint64_t, const Expected*>> places;  // by the eight bytes that come first
    for (const auto& [prefix, rebuilt] : indexes_) {
      places.clear();
      for (const Expected& expected : rebuilt.entries)
        places.emplace_back(LoadFixed64(expected.key.data() + prefix.size()), &expected);
      std::sort(places.begin(), places.end(), [](const auto& a, const auto& b) {
        return a.first != b.first ? a.first < b.first : a.second->key < b.second->key;
      });
      for (const auto& place : places) sorted.push_back(place.second);
    }
    return sorted;
  }

  Status CompareEntries() {
    const auto it = store_.NewIterator(ColumnFamily::kIndexes, {});
    const std::vector<const Expected*> sorted = Sorted();
    auto at = sorted.begin();
    const auto missing = [&] {
      const Expected& expected = **at++;
      if (expected.index->complete)
        Violation(expected.index->name + " lacks " + ToHex(expected.key.substr(16)));
    };
    for (it->Seek(""); it->Valid(); it->Next()) {
      while (at != sorted.end() && (*at)->key < it->key()) missing();
      if (at == sorted.end() || (*at)->key != it->key()) {
        const auto index = indexes_.find(std::string(it->key().substr(0, 16)));
        Violation((index == indexes_.end() ? "an index that is not there" : index->second.name) +
                  " has " + ToHex(it->key().substr(16)) + ", which no row has");
        continue;
      }
      const Expected& expected = **at++;
      if (expected.value != it->value())
        Violation(expected.index->name + " holds another value of " +
                  ToHex(expected.key.substr(16)));
    }
    while (at != sorted.end()) missing();
    return it->status();
  }

  Status CompareCount(const Rebuilt& rebuilt) {
    std::string value;
    EW_ASSIGN_OR_RETURN(const bool there,
                        store_.Get(ColumnFamily::kSystem, rebuilt.index->count.key, &value));
    int64_t items = 0, bytes = 0;
    if (there && !DecodeCount(value, items, bytes)) return DataLoss("a count is damaged");
    if (items != rebuilt.items || bytes != rebuilt.bytes)
      Violation(rebuilt.name + " counts " + std::to_string(items) + " items of " +
                std::to_string(bytes) + " bytes, and should hold " + std::to_string(rebuilt.items) +
                " of " + std::to_string(rebuilt.bytes));
    return {};
  }

  void Violation(std::string line) {
    if (violations_.size() < limit_) violations_.push_back("index " + std::move(line));
  }

  const KvStore& store_;
  const size_t limit_;
  std::map<std::string, Rebuilt> indexes_;  // by prefix
  std::map<TableId, std::vector<Rebuilt*>> by_table_;
  std::vector<std::string> violations_;
};

}  // namespace

Result<std::vector<std::string>> CheckIndexes(const KvStore& store, size_t limit) {
  return Checker(store, limit).Run();
}

}  // namespace everwrite::table
