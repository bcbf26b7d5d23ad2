#include "region/table/catalog.h"

#include <algorithm>
#include <mutex>

#include "base/coding.h"
#include "streams/change_record.h"

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
  std::vector<TableDefinition> definitions;
  for (it->Seek(begin); it->Valid(); it->Next()) {
    StoredItem stored;
    if (!DecodeStoredItem(it->value(), stored)) return DataLoss("a table definition is damaged");
    if (stored.tombstone) continue;
    if (!DecodeTableDefinition(stored.image, definitions.emplace_back()))
      return DataLoss("a table definition is damaged or of a newer version");
  }
  EW_RETURN_IF_ERROR(it->status());
  // What this region has for itself decides whether it may hold the table of that name.
  std::stable_partition(definitions.begin(), definitions.end(),
                        [](const TableDefinition& d) { return d.apart.value != 0; });
  for (TableDefinition& definition : definitions) {
    auto state = std::make_shared<TableState>(definition.id);
    state->scope = streams::EncodeScope(definition.Members());
    state->apart = definition.apart.value != 0;
    state->elsewhere = !HoldsHere(definition);
    if (!state->elsewhere) {
      const auto fill = fills_.Find(definition.id);
      state->filling = fill && !fill->serves;
      EW_RETURN_IF_ERROR(LoadCount(store, state->count));
      EW_RETURN_IF_ERROR(LoadIndexes(store, definition, *state));
      if (!state->filling) streams_.Attach(definition, *state);
    }
    const std::string key = definition.CatalogKey();
    Publish(key, std::make_shared<const Table>(std::move(definition), std::move(state)));
  }
  return {};
}

bool Catalog::HoldsHere(const TableDefinition& definition) const {
  if (!definition.Holds(region_)) return false;
  return definition.apart.value != 0 || !FindAnywhere(ApartKey(definition.name, region_));
}

std::string Catalog::KeyOf(std::string_view name) const {
  std::string own = ApartKey(name, region_);
  return FindAnywhere(own) ? own : std::string(name);
}

bool Catalog::HasApart(std::string_view name) const {
  std::shared_lock lock(mutex_);
  const auto at = by_key_.upper_bound(name);
  return at != by_key_.end() && NameOfCatalogKey(at->first) == name;
}

bool Catalog::IsShown(const Table& table) const {
  return !table.state->elsewhere && !table.definition.IsLeaving(region_);
}

TablePtr Catalog::Find(std::string_view name) const {
  std::shared_lock lock(mutex_);
  auto at = by_key_.find(name);
  if (at == by_key_.end() || !IsShown(*at->second)) at = by_key_.find(ApartKey(name, region_));
  return at == by_key_.end() ? nullptr : at->second;
}

TablePtr Catalog::FindById(TableId id) const {
  std::shared_lock lock(mutex_);
  const auto at = by_id_.find(id);
  return at == by_id_.end() || at->second->state->elsewhere ? nullptr : at->second;
}

TablePtr Catalog::FindAnywhere(std::string_view key) const {
  std::shared_lock lock(mutex_);
  const auto at = by_key_.find(key);
  return at == by_key_.end() ? nullptr : at->second;
}

TablePtr Catalog::FindHeld(std::string_view key) const {
  TablePtr table = FindAnywhere(key);
  return table && !table->state->elsewhere ? table : nullptr;
}

bool Catalog::IsElsewhere(TableId id) const {
  std::shared_lock lock(mutex_);
  const auto at = by_id_.find(id);
  return at != by_id_.end() && at->second->state->elsewhere;
}

std::vector<TablePtr> Catalog::AllAnywhere() const {
  std::vector<TablePtr> tables;
  std::shared_lock lock(mutex_);
  for (const auto& [key, table] : by_key_) tables.push_back(table);
  return tables;
}

std::vector<std::string> Catalog::List(std::string_view after, size_t limit) const {
  std::vector<std::string> names;
  std::shared_lock lock(mutex_);
  for (auto at = by_key_.upper_bound(after); at != by_key_.end() && names.size() < limit; ++at)
    if (IsShown(*at->second) && at->second->definition.name != after)
      names.push_back(at->second->definition.name);
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

void Catalog::DropTable(CommitTurn& turn, const Table& table, bool lives_on) {
  table.state->left = lives_on;
  table.state->dropped = true;
  fills_.End(turn, table.definition.id);
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
  const bool same_table = before && after && before->definition.id == after->id;
  const bool held = before && !before->state->elsewhere;
  const bool holds = after && HoldsHere(*after);
  const bool same = same_table && held == holds;
  if (held && !same) DropTable(turn, *before, /*lives_on=*/same_table);
  if (!after) return nullptr;
  auto state = same ? before->state : std::make_shared<TableState>(after->id);
  if (!same) state->elsewhere = !holds;
  state->apart = after->apart.value != 0;
  state->scope = streams::EncodeScope(after->Members());
  auto table = std::make_shared<const Table>(*after, state);
  if (!holds) return table;
  // Whoever is named by the very definition that makes a table is whole with it.
  const auto own = after->replicas.find(region_);
  const bool others_have_rows = same_table || (own != after->replicas.end() &&
                                               own->second.state == Replica::State::kCreating);
  const bool alone = after->IsAlone();
  if (!same && others_have_rows && !alone) FillTable(turn, *table, turn.state().applied, {});
  // Nobody is left to be filled from: what is here is the table.
  if (alone && fills_.Has(after->id)) TableFilled(turn, *table);
  ReplaceIndexes(turn, *after, *state, /*empty=*/state->count.items == 0);
  if (!state->filling) streams_.Replace(turn, after, *state);
  return table;
}

std::pair<TablePtr, TablePtr> Catalog::Part(CommitTurn& turn, const Table& table,
                                            const TableDefinition& own,
                                            const TableDefinition& rest) {
  // What it lacks now will not come any more.
  if (fills_.Has(own.id)) TableFilled(turn, table);
  table.state->scope = streams::EncodeScope(own.Members());
  table.state->apart = true;
  auto elsewhere = std::make_shared<TableState>(rest.id);
  elsewhere->elsewhere = true;
  elsewhere->scope = streams::EncodeScope(rest.Members());
  return {std::make_shared<const Table>(own, table.state),
          std::make_shared<const Table>(rest, std::move(elsewhere))};
}

std::vector<RegionId> Catalog::HoldersOf(const TableDefinition& definition) const {
  if (!definition.IsEverywhere()) return definition.Members();
  std::vector<RegionId> all = others_;
  all.push_back(region_);
  std::sort(all.begin(), all.end());
  return all;
}

void Catalog::FillTable(CommitTurn& turn, const Table& table, const conflict::Vector& floor,
                        const conflict::Vector& shows) {
  const TableDefinition& definition = table.definition;
  if (definition.IsAlone()) return;  // there is nobody to be filled from
  fills_.Begin(turn, definition.id, floor, shows);
  table.state->filling = true;
  // What is merged is no news; the stream begins when the table is whole.
  streams_.Replace(turn, nullptr, *table.state);
}

void Catalog::TableFilled(CommitTurn& turn, const Table& table) {
  fills_.End(turn, table.definition.id);
  if (!table.state->filling) return;  // it was mended
  table.state->filling = false;
  streams_.Replace(turn, &table.definition, *table.state);
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

void Catalog::IndexById(TableId id, std::string_view name) {
  TablePtr found;
  for (auto at = by_key_.lower_bound(name);
       at != by_key_.end() && NameOfCatalogKey(at->first) == name; ++at)
    if (at->second->definition.id == id && (!found || found->state->elsewhere)) found = at->second;
  if (found) {
    by_id_[id] = std::move(found);
  } else {
    by_id_.erase(id);
  }
}

void Catalog::Publish(const std::string& key, TablePtr table) {
  const bool incomplete = table && HasIncomplete(*table);
  {
    std::unique_lock lock(mutex_);
    const std::string_view name = NameOfCatalogKey(key);
    TableId before;
    if (const auto at = by_key_.find(key); at != by_key_.end()) {
      before = at->second->definition.id;
      by_key_.erase(at);
    }
    if (table) {
      const TableId id = table->definition.id;
      by_key_[key] = std::move(table);
      IndexById(id, name);
    }
    if (before.value != 0) IndexById(before, name);
  }
  if (incomplete && on_incomplete_) on_incomplete_();
}

std::vector<TablePtr> Catalog::All() const {
  std::vector<TablePtr> tables;
  std::shared_lock lock(mutex_);
  for (const auto& [id, table] : by_id_)
    if (!table->state->elsewhere) tables.push_back(table);
  return tables;
}

std::vector<TablePtr> Catalog::WithTimeToLive() const {
  std::vector<TablePtr> tables;
  std::shared_lock lock(mutex_);
  for (const auto& [id, table] : by_id_)
    if (!table->definition.ttl.attribute.empty() && !table->state->elsewhere &&
        !fills_.Has(table->definition.id))
      tables.push_back(table);
  return tables;
}

TablePtr Catalog::FindIncomplete() const {
  std::shared_lock lock(mutex_);
  for (const auto& [id, table] : by_id_)
    if (HasIncomplete(*table)) return table;
  return nullptr;
}

}  // namespace everwrite::table
