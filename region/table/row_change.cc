#include "region/table/row_change.h"

#include "base/planted.h"
#include "region/item/item.h"

namespace everwrite::table {
namespace {

RowChange::Image ImageOf(std::string_view bytes) {
  return {bytes, static_cast<int64_t>(item::ItemSize(item::ItemView(bytes)))};
}

}  // namespace

Result<std::optional<StoredItem>> ReadStored(const KvStore& store, std::string_view store_key,
                                             std::string* buffer) {
  EW_ASSIGN_OR_RETURN(const bool found, store.Get(ColumnFamily::kItems, store_key, buffer));
  if (!found) return std::optional<StoredItem>();
  StoredItem stored;
  if (!DecodeStoredItem(*buffer, stored)) return DataLoss("a stored item is damaged");
  return std::optional<StoredItem>(stored);
}

Result<RowChange> RowChange::Plan(const KvStore& store, const TableState& table,
                                  std::string_view store_key,
                                  const std::optional<StoredItem>& before, const NewRow& after) {
  RowChange change;
  const bool was_live = before && !before->tombstone;
  if (before && before->tombstone) change.replaced_tombstone_ = before->version.dot;
  change.count_items_ = (after.tombstone ? 0 : 1) - (was_live ? 1 : 0);
  const Image was = was_live ? ImageOf(before->image) : Image();
  const Image becomes = after.tombstone ? Image() : ImageOf(after.image);
  change.count_bytes_ = becomes.size - was.size;
  if (was_live) change.hash_before_ = RowHash(store_key, *before);
  if (!after.tombstone) change.content_hash_ = ContentHash(after.image);
  change.stream_ = StreamChange::Plan(store, table, before, after);
  change.indexes_ = table.Indexes();
  if (change.indexes_) {
    EW_RETURN_IF_ERROR(change.PlanIndexes(store, store_key, was, becomes));
  }
  return change;
}

Status RowChange::PlanIndexes(const KvStore& store, std::string_view store_key, const Image& before,
                              const Image& after) {
  index_changes_.resize(indexes_->size());
  for (size_t i = 0; i < indexes_->size(); ++i) {
    const SecondaryIndex& index = *(*indexes_)[i];
    IndexChange& change = index_changes_[i];
    if (before.there()) change.before = index.EntryOf(store_key, before.bytes, before.size);
    if (after.there()) change.after = index.EntryOf(store_key, after.bytes, after.size);
    if (change.before && !index.complete) {
      std::string ignored;
      EW_ASSIGN_OR_RETURN(const bool filled,
                          store.Get(ColumnFamily::kIndexes, change.before->key, &ignored));
      if (!filled) change.before.reset();
    }
    change.same = change.before && change.after && change.before->key == change.after->key &&
                  change.before->Value(before.bytes) == change.after->Value(after.bytes);
  }
  return {};
}

namespace {

using SharedIndex = std::shared_ptr<SecondaryIndex>;

void Replace(CommitTurn& turn, const SharedIndex& index, const std::optional<IndexEntry>& before,
             const std::optional<IndexEntry>& after, std::string_view image) {
  if (before && !(after && after->key == before->key) && !Planted(PlantedBug::kIndexKeepsOldEntry))
    turn.batch().Delete(ColumnFamily::kIndexes, before->key);
  if (after) turn.batch().Put(ColumnFamily::kIndexes, after->key, after->Value(image));
  turn.AddToCount({index, &index->count}, (after ? 1 : 0) - (before ? 1 : 0),
                  (after ? after->bytes : 0) - (before ? before->bytes : 0));
}

}  // namespace

void RowChange::AddIndexes(CommitTurn& turn, const TableState& table, std::string_view store_key,
                           const StoredItem& row) const {
  const std::shared_ptr<const IndexList> current = table.Indexes();
  if (!current) return;
  const bool remote = row.version.dot.log.region() != turn.state().log.region();
  if (remote && Planted(PlantedBug::kIndexMissedRemotely)) return;
  const size_t planned = indexes_ ? indexes_->size() : 0;
  for (size_t i = 0; i < current->size(); ++i) {
    const SharedIndex& index = (*current)[i];
    size_t at = i;  // where it was when we planned: mostly the same place
    if (current != indexes_)
      for (at = 0; at < planned && (*indexes_)[at] != index; ++at) continue;
    if (at == planned) {
      if (!row.tombstone)
        Replace(turn, index, std::nullopt, index->EntryOf(store_key, row.image), row.image);
    } else if (const IndexChange& change = index_changes_[at]; !change.same) {
      Replace(turn, index, change.before, change.after, row.image);
    }
  }
}

uint64_t RowChange::AddRow(CommitTurn& turn, const std::shared_ptr<TableState>& table,
                           std::string_view store_key, const StoredItem& row) const {
  thread_local std::string value;  // at most an item
  value.clear();
  EncodeStoredItem(row, value);
  if (row.tombstone && Planted(PlantedBug::kNoTombstone)) {
    turn.batch().Delete(ColumnFamily::kItems, store_key);
    return AddRest(turn, table, store_key, row);
  }
  turn.batch().Put(ColumnFamily::kItems, store_key, value);
  const uint64_t delta = AddRest(turn, table, store_key, row);
  if (row.tombstone)
    turn.batch().Put(ColumnFamily::kSystem, TombstoneKey(row.version.dot), store_key);
  return delta;
}

void RowChange::AddRemovalTo(CommitTurn& turn, const std::shared_ptr<TableState>& table,
                             std::string_view store_key, const conflict::Version& version) const {
  turn.batch().Delete(ColumnFamily::kItems, store_key);
  const uint64_t delta = AddRest(turn, table, store_key, {version, /*tombstone=*/true, {}});
  turn.digests().Touch(table->id, BucketOf(store_key), version.dot, delta);
}

uint64_t RowChange::AddRest(CommitTurn& turn, const std::shared_ptr<TableState>& table,
                            std::string_view store_key, const StoredItem& row) const {
  if (replaced_tombstone_)
    turn.batch().Delete(ColumnFamily::kSystem, TombstoneKey(*replaced_tombstone_));
  turn.AddToCount({table, &table->count}, count_items_, count_bytes_);
  AddIndexes(turn, *table, store_key, row);
  const uint64_t hash = row.tombstone ? 0 : RowHash(store_key, row.version, content_hash_);
  return hash - hash_before_;
}

void RowChange::AddTo(CommitTurn& turn, const std::shared_ptr<TableState>& table,
                      std::string_view store_key, const StoredItem& row) const {
  const uint64_t delta = AddRow(turn, table, store_key, row);
  turn.digests().Touch(table->id, BucketOf(store_key), row.version.dot, delta);
  const bool remote = row.version.dot.log.region() != turn.state().log.region();
  if (remote && Planted(PlantedBug::kStreamMissedRemotely)) return;
  stream_.AddTo(turn, *table, store_key, row);
}

void RowChange::AddRepairTo(CommitTurn& turn, const std::shared_ptr<TableState>& table,
                            std::string_view store_key, const StoredItem& row) const {
  const uint64_t delta = AddRow(turn, table, store_key, row);
  turn.digests().Adjust(table->id, BucketOf(store_key), delta);
}

}  // namespace everwrite::table
