#include "region/table/local_write.h"

#include "region/item/item.h"

namespace everwrite::table {

Result<std::optional<StoredItem>> ReadStored(const KvStore& store, std::string_view store_key,
                                             std::string* buffer) {
  EW_ASSIGN_OR_RETURN(const bool found, store.Get(ColumnFamily::kItems, store_key, buffer));
  if (!found) return std::optional<StoredItem>();
  StoredItem stored;
  if (!DecodeStoredItem(*buffer, stored)) return DataLoss("a stored item is damaged");
  return std::optional<StoredItem>(stored);
}

Before DescribeBefore(const std::optional<StoredItem>& stored) {
  Before before;
  if (!stored) return before;
  if (stored->tombstone) {
    before.tombstone = stored->version.dot;
  } else {
    before.live = true;
    before.size = item::ItemSize(item::ItemView(stored->image));
  }
  return before;
}

void PutStored(KvBatch& batch, std::string_view store_key, const StoredItem& item,
               const std::optional<Dot>& replaced) {
  thread_local std::string value;  // at most an item
  value.clear();
  EncodeStoredItem(item, value);
  batch.Put(ColumnFamily::kItems, store_key, value);
  if (replaced) batch.Delete(ColumnFamily::kSystem, TombstoneKey(*replaced));
  if (item.tombstone) batch.Put(ColumnFamily::kSystem, TombstoneKey(item.version.dot), store_key);
}

void LocalWrite::Decide(Mutation mutation, const Before& before, streams::Actor actor) {
  mutation_ = std::move(mutation);
  before_ = before;
  actor_ = actor;
}

Status LocalWrite::AddTo(CommitTurn& turn) {
  const Table& table = *operation_->table;
  if (table.state->dropped) return NotFound("Requested resource not found");
  const bool tombstone = mutation_.kind == Mutation::Kind::kDelete;
  const conflict::Version version = turn.NextVersion(/*rank=*/0);
  operation_->committed = version;
  PutStored(turn.batch(), store_key_, {version, tombstone, mutation_.item}, before_.tombstone);

  streams::ChangeRecord record;
  record.dot = version.dot;
  record.stamp = version.stamp;
  record.context = turn.Context();
  record.actor = actor_;
  record.table = table.definition.id;
  record.key = operation_->key;
  record.tombstone = tombstone;
  record.image = mutation_.item;
  std::string bytes;
  streams::EncodeChangeRecord(record, bytes);
  turn.AppendOwnChange(version.dot, std::move(bytes));

  const int64_t size = tombstone ? 0 : item::ItemSize(item::ItemView(mutation_.item));
  turn.AddToCount(table.state, (tombstone ? 0 : 1) - (before_.live ? 1 : 0),
                  size - static_cast<int64_t>(before_.size));
  return {};
}

void LocalWrite::Finished(const Status& status, Completions& completions) {
  locks_.Unlock(stripe_);
  completions.Done(executor_, std::move(operation_), status);
}

void LocalWrite::End(const Status& status) {
  Completions completions;
  Finished(status, completions);
  completions.Flush();
}

}  // namespace everwrite::table
