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
  return id < kUserTables ? TableId{~id.value} : id;
}

namespace {

Status LoadCount(const KvStore& store, LiveCount& count) {
  std::string value;
  EW_ASSIGN_OR_RETURN(const bool counted, store.Get(ColumnFamily::kSystem, count.key, &value));
  int64_t items = 0, bytes = 0;
  if (counted && !DecodeCount(value, items, bytes)) return DataLoss("a table's count is damaged");
  count.items = items;
  count.bytes = bytes;
  return {};
}

}  // namespace

Status Catalog::LoadIndexes(const KvStore& store, const TableDefinition& definition,
                            TableState& state) {
  IndexList list;
  for (const IndexDefinition& index : KeptIndexes(definition)) {
    auto loaded = std::make_shared<SecondaryIndex>(definition, index);
    EW_RETURN_IF_ERROR(LoadCount(store, loaded->count));
    std::string ignored;
    EW_ASSIGN_OR_RETURN(const bool filling,
                        store.Get(ColumnFamily::kSystem, loaded->backfill_key(), &ignored));
    loaded->complete = !filling;
    list.push_back(std::move(loaded));
  }
  state.SetIndexes(std::move(list));
  return {};
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
    EW_RETURN_IF_ERROR(LoadCount(store, state->count));
    EW_RETURN_IF_ERROR(LoadIndexes(store, definition, *state));
    streams_.Attach(definition, *state);
    const std::string name = definition.name;
    Publish(name, std::make_shared<const Table>(std::move(definition), std::move(state)));
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

namespace {

void DropIndex(CommitTurn& turn, const SecondaryIndex& index) {
  turn.batch().DeleteRange(ColumnFamily::kIndexes, index.prefix(), PrefixEnd(index.prefix()));
  turn.batch().Delete(ColumnFamily::kSystem, index.backfill_key());
  turn.DropCount(index.count);
}

std::shared_ptr<SecondaryIndex> IndexOf(const IndexList* list, IndexId id) {
  if (!list) return nullptr;
  for (const auto& index : *list)
    if (index->id() == id) return index;
  return nullptr;
}

}  // namespace

void Catalog::DropTable(CommitTurn& turn, const Table& table) {
  table.state->dropped = true;
  const std::string rows = ItemKey(table.definition.id, "");
  turn.batch().DeleteRange(ColumnFamily::kItems, rows, PrefixEnd(rows));
  turn.DropCount(table.state->count);
  turn.digests().Drop(table.definition.id, turn.batch());
  if (const auto indexes = table.state->Indexes())
    for (const auto& index : *indexes) DropIndex(turn, *index);
  table.state->SetIndexes({});
  streams_.Replace(turn, nullptr, *table.state);
}

void Catalog::ReplaceIndexes(CommitTurn& turn, const TableDefinition& after, TableState& state,
                             bool empty) {
  const std::shared_ptr<const IndexList> before = state.Indexes();
  IndexList list;
  const std::vector<IndexDefinition> kept = KeptIndexes(after);
  bool changed = (before ? before->size() : 0) != kept.size();
  for (const IndexDefinition& definition : kept) {
    std::shared_ptr<SecondaryIndex> index = IndexOf(before.get(), definition.id);
    if (!index) {
      changed = true;
      index = std::make_shared<SecondaryIndex>(after, definition);
      index->complete = empty;
      if (!empty) turn.batch().Put(ColumnFamily::kSystem, index->backfill_key(), "");
    }
    list.push_back(std::move(index));
  }
  if (!changed) return;
  if (before)
    for (const auto& index : *before)
      if (!IndexOf(&list, index->id())) DropIndex(turn, *index);
  state.SetIndexes(std::move(list));
}

TablePtr Catalog::Replace(CommitTurn& turn, const TablePtr& before, const TableDefinition* after) {
  const bool same = before && after && before->definition.id == after->id;
  if (before && !same) DropTable(turn, *before);
  if (!after) return nullptr;
  auto state = same ? before->state : std::make_shared<TableState>(after->id);
  ReplaceIndexes(turn, *after, *state, /*empty=*/state->count.items == 0);
  streams_.Replace(turn, after, *state);
  return std::make_shared<const Table>(*after, std::move(state));
}

namespace {

bool HasIncomplete(const Table& table) {
  const auto indexes = table.state->Indexes();
  if (!indexes) return false;
  for (const auto& index : *indexes)
    if (!index->complete) return true;
  return false;
}

}  // namespace

void Catalog::Publish(const std::string& name, TablePtr table) {
  const bool incomplete = table && HasIncomplete(*table);
  {
    std::unique_lock lock(mutex_);
    if (const auto at = by_name_.find(name); at != by_name_.end()) {
      by_id_.erase(at->second->definition.id);
      by_name_.erase(at);
    }
    if (table) {
      by_id_[table->definition.id] = table;
      by_name_[name] = std::move(table);
    }
  }
  if (incomplete && on_incomplete_) on_incomplete_();
}

std::vector<TablePtr> Catalog::All() const {
  std::vector<TablePtr> tables;
  std::shared_lock lock(mutex_);
  for (const auto& [id, table] : by_id_) tables.push_back(table);
  return tables;
}

std::vector<TablePtr> Catalog::WithTimeToLive() const {
  std::vector<TablePtr> tables;
  std::shared_lock lock(mutex_);
  for (const auto& [id, table] : by_id_)
    if (!table->definition.ttl.attribute.empty()) tables.push_back(table);
  return tables;
}

TablePtr Catalog::FindIncomplete() const {
  std::shared_lock lock(mutex_);
  for (const auto& [id, table] : by_id_)
    if (HasIncomplete(*table)) return table;
  return nullptr;
}

}  // namespace everwrite::table
