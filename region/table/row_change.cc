#include "region/table/row_change.h"

#include "region/item/item.h"

namespace everwrite::table {
namespace {

int64_t SizeOf(bool tombstone, std::string_view image) {
  return tombstone ? 0 : static_cast<int64_t>(item::ItemSize(item::ItemView(image)));
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

RowChange::RowChange(const std::optional<StoredItem>& before, const NewRow& after) {
  const bool was_live = before && !before->tombstone;
  if (before && before->tombstone) replaced_tombstone_ = before->version.dot;
  count_items_ = (after.tombstone ? 0 : 1) - (was_live ? 1 : 0);
  count_bytes_ =
      SizeOf(after.tombstone, after.image) - (was_live ? SizeOf(false, before->image) : 0);
}

void RowChange::AddTo(CommitTurn& turn, const std::shared_ptr<TableState>& table,
                      std::string_view store_key, const StoredItem& row) const {
  thread_local std::string value;  // at most an item
  value.clear();
  EncodeStoredItem(row, value);
  KvBatch& batch = turn.batch();
  batch.Put(ColumnFamily::kItems, store_key, value);
  if (replaced_tombstone_) batch.Delete(ColumnFamily::kSystem, TombstoneKey(*replaced_tombstone_));
  if (row.tombstone) batch.Put(ColumnFamily::kSystem, TombstoneKey(row.version.dot), store_key);
  turn.AddToCount(table, count_items_, count_bytes_);
}

}  // namespace everwrite::table
