#include "region/table/local_write.h"

namespace everwrite::table {

Status LocalWrite::Decide(const KvStore& store, Mutation mutation,
                          const std::optional<StoredItem>& stored, streams::Actor actor) {
  mutation_ = std::move(mutation);
  actor_ = actor;
  const NewRow row{mutation_.kind == Mutation::Kind::kDelete, mutation_.item,
                   actor == streams::Actor::kTimeToLive};
  EW_ASSIGN_OR_RETURN(change_,
                      RowChange::Plan(store, *operation_->table->state, store_key_, stored, row));
  return {};
}

Status LocalWrite::AddTo(CommitTurn& turn) {
  EW_RETURN_IF_ERROR(turn.CheckOpen());
  const Table& table = *operation_->table;
  if (table.state->dropped) return NotFound("Requested resource not found");
  const bool tombstone = mutation_.kind == Mutation::Kind::kDelete;
  const conflict::Version version = turn.NextVersion(/*rank=*/0);
  operation_->committed = version;
  change_.AddTo(turn, table.state, store_key_, {version, tombstone, mutation_.item});

  streams::ChangeRecord record;
  record.dot = version.dot;
  record.stamp = version.stamp;
  record.context = turn.Context();
  record.actor = actor_;
  record.table = table.definition.id;
  record.key = operation_->key;
  record.tombstone = tombstone;
  record.image = mutation_.item;
  record.scope = table.state->scope;
  record.apart = table.state->apart;
  std::string bytes;
  streams::EncodeChangeRecord(record, bytes);
  turn.AppendOwnChange(version.dot, std::move(bytes));
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
