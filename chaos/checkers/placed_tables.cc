#include "chaos/checkers/placed_tables.h"

#include <map>

#include "base/coding.h"
#include "region/table/bucket_digest.h"
#include "region/table/layout.h"
#include "region/table/schema.h"
#include "streams/change_record.h"

namespace everwrite::chaos {
namespace {

using Rows = std::map<std::string, std::pair<conflict::Version, std::string>>;

std::vector<table::TableDefinition> ReadPlaced(const KvStore& store) {
  std::vector<table::TableDefinition> placed;
  const std::string begin = table::ItemKey(table::kCatalogTable, "");
  const auto it = store.NewIterator(ColumnFamily::kItems, {begin, PrefixEnd(begin)});
  for (it->Seek(begin); it->Valid(); it->Next()) {
    table::StoredItem stored;
    table::TableDefinition definition;
    CHECK(table::DecodeStoredItem(it->value(), stored));
    if (stored.tombstone) continue;
    CHECK(table::DecodeTableDefinition(stored.image, definition));
    if (!definition.IsEverywhere()) placed.push_back(std::move(definition));
  }
  return placed;
}

RegionId RegionOf(const KvStore& store) {
  std::string value;
  table::RegionState state;
  CHECK(store.Get(ColumnFamily::kSystem, table::kRegionStateKey, &value).value());
  CHECK(table::DecodeRegionState(value, state));
  return state.log.region();
}

// Live rows; `any` counts tombstones too.
Rows ReadRows(const KvStore& store, TableId id, size_t& any) {
  Rows rows;
  const std::string begin = table::ItemKey(id, "");
  const auto it = store.NewIterator(ColumnFamily::kItems, {begin, PrefixEnd(begin)});
  for (it->Seek(begin); it->Valid(); it->Next()) {
    table::StoredItem stored;
    CHECK(table::DecodeStoredItem(it->value(), stored));
    ++any;
    if (!stored.tombstone)
      rows[std::string(it->key().substr(8))] = {stored.version, std::string(stored.image)};
  }
  return rows;
}

// What the changes come to: of each key the highest, if it is no deletion.
Rows RowsOfChanges(EndView& view, TableId id) {
  std::map<std::string_view, const Change*> highest;
  for (const Change& change : view.Recorded()) {
    if (change.is_table || change.table != id) continue;
    const Change*& best = highest[change.key];
    if (!best || change.version >= best->version) best = &change;
  }
  Rows rows;
  for (const auto& [key, change] : highest)
    if (!change->tombstone) rows[std::string(key)] = {change->version, std::string(change->image)};
  return rows;
}

// Contents of changes that were none of the region's business.
size_t CountForeign(const Changes& log, RegionId region) {
  size_t foreign = 0;
  for (const Change& change : log) {
    const bool is_own = change.dot().log.region() == region;
    foreign +=
        change.placed && !is_own && streams::ShareOf(change.bytes, region) == streams::Share::kBare
            ? 1
            : 0;
  }
  return foreign;
}

}  // namespace

std::set<TableId> PlacedTables(const KvStore& store) {
  std::set<TableId> ids;
  for (const table::TableDefinition& definition : ReadPlaced(store)) ids.insert(definition.id);
  return ids;
}

std::vector<std::string> CheckPlacedTables(EndView& view) {
  const std::vector<const KvStore*>& stores = view.stores();
  const History& history = view.history();
  std::vector<std::string> violations;
  for (size_t i = 0; i < stores.size(); ++i)
    if (const size_t foreign = CountForeign(view.Log(i), RegionOf(*stores[i])); foreign > 0)
      violations.push_back("region " + std::to_string(i) + " has the contents of " +
                           std::to_string(foreign) + " changes of tables that it did not hold");
  for (const table::TableDefinition& definition : ReadPlaced(*stores[0])) {
    const std::string name = "table " + definition.name + ": ";
    std::vector<table::DigestBook> books(stores.size());
    const Rows* first = nullptr;
    std::map<size_t, Rows> rows;
    size_t first_holder = 0;
    for (size_t i = 0; i < stores.size(); ++i) {
      CHECK(books[i].Load(*stores[i]).ok());
      size_t any = 0, digests = 0;
      rows[i] = ReadRows(*stores[i], definition.id, any);
      for (const auto& entry : books[i].List(definition.id, 0, table::kBuckets))
        digests += entry.table == definition.id ? 1 : 0;
      const std::string where = " in region " + std::to_string(i);
      if (!definition.Holds(RegionOf(*stores[i]))) {
        if (any + digests > 0)
          violations.push_back(name + std::to_string(any) + " rows and " + std::to_string(digests) +
                               " digests" + where + ", which does not hold it");
        continue;
      }
      if (!first) {
        first = &rows[i];
        first_holder = i;
        continue;
      }
      if (rows[i] != *first)
        violations.push_back(name + "the rows" + where + " are not those in region " +
                             std::to_string(first_holder));
      for (const auto& entry : books[i].List(definition.id, 0, table::kBuckets))
        if (entry.table == definition.id &&
            entry.digest != books[first_holder].Get(entry.table, entry.bucket))
          violations.push_back(name + "bucket " + std::to_string(entry.bucket) + " differs" +
                               where);
    }
    // A disk may have had the only rows of it.
    if (first && history.lost_disks.empty() && *first != RowsOfChanges(view, definition.id))
      violations.push_back(name + "its rows are not what its changes come to");
  }
  return violations;
}

}  // namespace everwrite::chaos
