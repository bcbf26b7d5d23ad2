#include "region/table/catalog.h"

#include <mutex>

#include "base/coding.h"

namespace everwrite::table {

TableId DeriveTableId(const TableDefinition& definition, const conflict::Version& follows) {
  TableDefinition identity;
  identity.name = definition.name;
  identity.key = definition.key;
  identity.generation = definition.generation;
  std::string bytes = EncodeTableDefinition(identity);
  PutFixed64(bytes, follows.dot.log.value);
  PutFixed64(bytes, follows.dot.number);
  const TableId id{Hash64(bytes)};
  return id > kCatalogTable ? id : TableId{~id.value};
}

Status Catalog::Load(const KvStore& store) {
  const std::string begin = ItemKey(kCatalogTable, "");
  const auto it = store.NewIterator(ColumnFamily::kItems, {begin, PrefixEnd(begin)});
  for (it->Seek(begin); it->Valid(); it->Next()) {
    StoredItem stored;
    if (!DecodeStoredItem(it->value(), stored)) return DataLoss("a table definition is damaged");
    if (stored.tombstone) continue;
    TableDefinition definition;
    if (!DecodeTableDefinition(stored.image, definition))
      return DataLoss("a table definition is damaged or of a newer version");
    auto state = std::make_shared<TableState>(definition.id);
    std::string value;
    EW_ASSIGN_OR_RETURN(const bool counted,
                        store.Get(ColumnFamily::kSystem, CountKey(definition.id), &value));
    int64_t items = 0, bytes = 0;
    if (counted && !DecodeCount(value, items, bytes)) return DataLoss("a table's count is damaged");
    state->items = items;
    state->bytes = bytes;
    const std::string name = definition.name;
    Publish(name, std::make_shared<const Table>(Table{std::move(definition), std::move(state)}));
  }
  return it->status();
}

TablePtr Catalog::Find(std::string_view name) const {
  std::shared_lock lock(mutex_);
  const auto at = by_name_.find(name);
  return at == by_name_.end() ? nullptr : at->second;
}

TablePtr Catalog::FindById(TableId id) const {
  std::shared_lock lock(mutex_);
  const auto at = by_id_.find(id);
  return at == by_id_.end() ? nullptr : at->second;
}

std::vector<std::string> Catalog::List(std::string_view after, size_t limit) const {
  std::vector<std::string> names;
  std::shared_lock lock(mutex_);
  for (auto at = by_name_.upper_bound(after); at != by_name_.end() && names.size() < limit; ++at)
    names.push_back(at->first);
  return names;
}

TablePtr Catalog::Replace(CommitTurn& turn, const TablePtr& before, const TableDefinition* after) {
  const bool same = before && after && before->definition.id == after->id;
  if (before && !same) {
    before->state->dropped = true;
    const std::string rows = ItemKey(before->definition.id, "");
    turn.batch().DeleteRange(ColumnFamily::kItems, rows, PrefixEnd(rows));
    turn.batch().Delete(ColumnFamily::kSystem, CountKey(before->definition.id));
  }
  if (!after) return nullptr;
  return std::make_shared<const Table>(
      Table{*after, same ? before->state : std::make_shared<TableState>(after->id)});
}

void Catalog::Publish(const std::string& name, TablePtr table) {
  std::unique_lock lock(mutex_);
  if (const auto at = by_name_.find(name); at != by_name_.end()) {
    by_id_.erase(at->second->definition.id);
    by_name_.erase(at);
  }
  if (!table) return;
  by_id_[table->definition.id] = table;
  by_name_[name] = std::move(table);
}

}  // namespace everwrite::table
