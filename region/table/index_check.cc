#include "region/table/index_check.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

#include "base/coding.h"
#include "region/table/layout.h"
#include "region/table/secondary_index.h"

namespace everwrite::table {

// What it asks for in each index of its table, by the order of KeptIndexes.
struct IndexChecker::Row {
  std::string key;
  std::string image;
  std::vector<std::optional<IndexEntry>> entries;
};

struct IndexChecker::Table {
  IndexList indexes;
  std::vector<std::string> names;  // of the indexes, "table.index"
  std::deque<Row> rows;            // of the first store that had it, in the order of their keys
};

class IndexChecker::Run {
 public:
  Run(const KvStore& store, size_t limit, IndexChecker& checker)
      : store_(store), limit_(limit), checker_(checker) {}

  Result<std::vector<std::string>> Check() {
    EW_RETURN_IF_ERROR(ReadDefinitions());
    EW_RETURN_IF_ERROR(Rebuild());
    EW_RETURN_IF_ERROR(CompareEntries());
    for (const auto& [prefix, rebuilt] : indexes_)
      if (rebuilt.complete) EW_RETURN_IF_ERROR(CompareCount(rebuilt));
    return std::move(violations_);
  }

 private:
  struct Rebuilt;
  // An entry that a row asks for.
  struct Expected {
    const std::string& key() const { return entry->key; }
    const IndexEntry* entry;
    std::string_view value;
    const Rebuilt* index;
  };
  struct Rebuilt {
    std::string name;  // "table.index"
    const SecondaryIndex* index = nullptr;
    bool complete = true;
    int64_t items = 0;
    int64_t bytes = 0;
    std::vector<Expected> entries;
  };
  // A table of this store.
  struct OfTable {
    Table* table = nullptr;
    bool is_first = false;  // no store had it before
    size_t at = 0;          // the place among its rows
    std::vector<Rebuilt*> indexes;
  };

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
      const auto [known, is_first] = checker_.tables_.try_emplace(std::string(row.image));
      if (is_first) known->second = MakeTable(definition);
      OfTable& of_table = by_table_[definition.id];
      of_table = {known->second.get(), is_first, 0, {}};
      for (size_t i = 0; i < of_table.table->indexes.size(); ++i) {
        const SecondaryIndex& index = *of_table.table->indexes[i];
        Rebuilt& rebuilt = indexes_[index.prefix()];
        rebuilt.name = of_table.table->names[i];
        rebuilt.index = &index;
        std::string ignored;
        EW_ASSIGN_OR_RETURN(const bool filling,
                            store_.Get(ColumnFamily::kSystem, index.backfill_key(), &ignored));
        rebuilt.complete = !filling;
        of_table.indexes.push_back(&rebuilt);
      }
      return Status();
    });
  }

  static std::unique_ptr<Table> MakeTable(const TableDefinition& definition) {
    auto table = std::make_unique<Table>();
    for (const IndexDefinition& index : KeptIndexes(definition)) {
      table->indexes.push_back(std::make_shared<SecondaryIndex>(definition, index));
      table->names.push_back(definition.name + "." + index.name);
    }
    return table;
  }

  Status Rebuild() {
    return ForEachRow(ItemKey(TableId{kCatalogTable.value + 1}, ""), "",
                      [&](std::string_view key, const StoredItem& stored) {
                        const auto of_table = by_table_.find(TableOfItemKey(key));
                        if (of_table == by_table_.end() || of_table->second.indexes.empty())
                          return Status();
                        const Row& row = RowOf(of_table->second, key, stored.image);
                        for (size_t i = 0; i < row.entries.size(); ++i) {
                          const std::optional<IndexEntry>& entry = row.entries[i];
                          if (!entry) continue;
                          Rebuilt& rebuilt = *of_table->second.indexes[i];
                          ++rebuilt.items;
                          rebuilt.bytes += entry->bytes;
                          rebuilt.entries.push_back({&*entry, entry->Value(row.image), &rebuilt});
                        }
                        return Status();
                      });
  }

  const Row& RowOf(OfTable& of, std::string_view key, std::string_view image) {
    std::deque<Row>& known = of.table->rows;
    while (of.at < known.size() && known[of.at].key < key) ++of.at;
    if (of.at < known.size() && known[of.at].key == key && known[of.at].image == image)
      return known[of.at];
    Row& row = (of.is_first ? known : others_).emplace_back();
    row.key = key;
    row.image = image;
    row.entries.reserve(of.table->indexes.size());
    for (const auto& index : of.table->indexes) row.entries.push_back(index->EntryOf(key, image));
    return row;
  }

  // All in the order of their keys.
  std::vector<const Expected*> Sorted() const {
    std::vector<const Expected*> sorted;
    std::vector<std::pair<uint64_t, const Expected*>> places;  // by the eight bytes that come first
    for (const auto& [prefix, rebuilt] : indexes_) {
      places.clear();
      for (const Expected& expected : rebuilt.entries)
        places.emplace_back(LoadFixed64(expected.key().data() + prefix.size()), &expected);
      std::sort(places.begin(), places.end(), [](const auto& a, const auto& b) {
        return a.first != b.first ? a.first < b.first : a.second->key() < b.second->key();
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
        Violation(expected.index->name + " lacks " + ToHex(expected.key().substr(16)));
    };
    for (it->Seek(""); it->Valid(); it->Next()) {
      while (at != sorted.end() && (*at)->key() < it->key()) missing();
      if (at == sorted.end() || (*at)->key() != it->key()) {
        const auto index = indexes_.find(std::string(it->key().substr(0, 16)));
        Violation((index == indexes_.end() ? "an index that is not there" : index->second.name) +
                  " has " + ToHex(it->key().substr(16)) + ", which no row has");
        continue;
      }
      const Expected& expected = **at++;
      if (expected.value != it->value())
        Violation(expected.index->name + " holds another value of " +
                  ToHex(expected.key().substr(16)));
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
  IndexChecker& checker_;
  std::map<std::string, Rebuilt> indexes_;  // by prefix
  std::map<TableId, OfTable> by_table_;
  std::deque<Row> others_;  // that no store had before
  std::vector<std::string> violations_;
};

IndexChecker::IndexChecker() = default;
IndexChecker::~IndexChecker() = default;

Result<std::vector<std::string>> IndexChecker::Check(const KvStore& store, size_t limit) {
  return Run(store, limit, *this).Check();
}

Result<std::vector<std::string>> CheckIndexes(const KvStore& store, size_t limit) {
  return IndexChecker().Check(store, limit);
}

}  // namespace everwrite::table
