#include "region/table/fill_turn.h"

#include <map>
#include <string>

#include "base/mark.h"
#include "base/planted.h"
#include "region/table/bucket_digest.h"
#include "region/table/conflict_ledger.h"
#include "region/table/layout.h"
#include "streams/change_log.h"

namespace everwrite::table {

using streams::FillRequest;
using streams::ScanChunk;
using streams::ScanPart;
using streams::ScanRow;
using streams::Stage;

void FillTurn::AddTo(CommitTurn& turn) {
  next_ = plan_.before;
  stage_ = plan_.stage;
  if (plan_.request.kind == FillRequest::Kind::kChunk) return AddChunk(turn);
  AddWord(turn);
}

void FillTurn::AddChunk(CommitTurn& turn) {
  const ScanChunk& chunk = plan_.request.chunk;
  if (chunk.part == ScanPart::kCatalog) {
    stage_ = Stage::kFilling;
    Claim(turn);
    Begin(turn);
  }
  for (PlannedFill& row : plan_.rows) AddRow(turn, row);
  for (conflict::ConflictRecord& record : plan_.lost) {
    record.decided_ms = turn.physical_ms();
    AppendConflict(turn, record);
  }
  for (const TouchedBucket& bucket : plan_.buckets)
    if (!bucket.of || !bucket.of->state->dropped)
      turn.digests().Learn(bucket.table, bucket.bucket, bucket.touched);
  for (const ScanRow* entry : plan_.entries) {
    if (Planted(PlantedBug::kLedgerNotFilled)) break;
    turn.KeepConflict(entry->key, entry->value);
  }
  turn.Observe(chunk.clock);
  turn.Forget(chunk.forgotten);
  if (plan_.table) return AdvanceTable(turn);
  for (const TableId id : chunk.without) FillLater(turn, id);
  if (chunk.part != ScanPart::kCatalog) Advance(turn);
  turn.batch().Put(ColumnFamily::kSystem, kFillingKey, EncodeFilling(stage_, next_));
}

// The replicator's word, beside chunks.
void FillTurn::AddWord(CommitTurn& turn) {
  const bool is_new = stage_ == Stage::kNew;
  const FillRequest::Kind kind = plan_.request.kind;
  if (kind == FillRequest::Kind::kAgain) {
    next_.part = ScanPart::kDigests;
    next_.after.clear();
  } else if (kind == FillRequest::Kind::kForsake) {
    Reach(Mark::kFillingForsakes);
    ++next_.steps;
    next_.claims.Show(plan_.request.chunk.vector);
    if (next_.claims.empty()) RowsDone(turn);
  } else if (kind == FillRequest::Kind::kComplete || is_new) {
    stage_ = Stage::kServing;
    next_ = {};
  } else {
    stage_ = Stage::kCompleting;
  }
  if (kind == FillRequest::Kind::kFinish) {
    turn.SetClosed(false);
    catalog_.Filled(turn);
  }
  if (stage_ == Stage::kServing) {
    turn.batch().Delete(ColumnFamily::kSystem, kFillingKey);
  } else {
    turn.batch().Put(ColumnFamily::kSystem, kFillingKey, EncodeFilling(stage_, next_));
  }
}

void FillTurn::AddRow(CommitTurn& turn, PlannedFill& row) {
  if (row.conflict) {
    row.conflict->decided_ms = turn.physical_ms();
    AppendConflict(turn, *row.conflict);
  }
  if (!row.takes) return;
  if (row.table) {
    if (row.table->state->dropped) return;
    if (row.row) return row.change.AddTo(turn, row.table->state, row.store_key, row.item);
    if (Planted(PlantedBug::kFillKeepsDeleted)) return;
    Reach(Mark::kFillingDropsRow);
    return row.change.AddRemovalTo(turn, row.table->state, row.store_key, row.item.version);
  }
  const std::string key(KeyOfItemKey(row.store_key));
  row.published =
      catalog_.Replace(turn, catalog_.FindHeld(key), row.definition ? &*row.definition : nullptr);
  turn.batch().Put(ColumnFamily::kItems, row.store_key, row.row->value);
  turn.digests().Touch(kCatalogTable, 0, row.item.version.dot,
                       RowHash(row.store_key, row.item) - row.hash_before);
}

// Everything that the source counts counts here too from now on.
void FillTurn::Claim(const CommitTurn& turn) {
  const ScanChunk& chunk = plan_.request.chunk;
  if (plan_.stage != Stage::kFilling) {
    next_ = {};
    next_.met = plan_.before.met;  // of one whose ledger was not gathered
    next_.begun = plan_.before.begun;
    next_.begun_ms = now_ms_;
    next_.part = ScanPart::kItems;
    Reach(Mark::kFillingBegun);
  } else {
    Reach(Mark::kFillingClaimsMore);
  }
  ++next_.begun;
  next_.source = plan_.request.source;
  next_.total_rows = chunk.total_rows;
  next_.floor = {};
  next_.claims.Claim(turn.state().applied, chunk.Claims());
  if (next_.claims.empty()) {
    Meet(turn, chunk.vector);
    RowsDone(turn);
  } else if (next_.part != ScanPart::kItems) {
    next_.part = ScanPart::kItems;
    next_.after.clear();
  }
}

// Everything that the source has applied counts as applied here, and no record of it is here.
void FillTurn::Begin(CommitTurn& turn) {
  const conflict::Vector& vector = plan_.request.chunk.Claims();
  std::map<LogId, uint64_t> held;
  for (const Dot& dot : vector.entries()) {
    if (dot.number <= turn.state().applied.At(dot.log)) continue;
    streams::TrimChanges(turn.batch(), dot.log, dot.number + 1);
    held[dot.log] = dot.number + 1;
  }
  logs_.HoldFrom(held);
  turn.Jump(vector);
  turn.SetClosed(true);
  // What their floors do not say of them is claimed now.
  for (const auto& [id, fill] : catalog_.fills().All())
    if (const TablePtr table = catalog_.FindById(id); table && !table->state->dropped)
      catalog_.FillTable(turn, *table, turn.state().applied, fill.progress.shows);
}

// The source has not all of the table: it is filled by itself, from another one, afterwards.
void FillTurn::FillLater(CommitTurn& turn, TableId id) {
  if (catalog_.fills().Has(id)) return;
  TablePtr table = catalog_.FindById(id);
  for (const PlannedFill& row : plan_.rows)
    if (!row.table && row.published && row.published->definition.id == id) table = row.published;
  if (table && !table->state->elsewhere && !table->state->dropped)
    catalog_.FillTable(turn, *table, turn.state().applied,
                       next_.claims.ShownOf(turn.state().applied));
}

void FillTurn::Advance(const CommitTurn& turn) {
  const ScanChunk& chunk = plan_.request.chunk;
  const bool of_region = chunk.table.value == 0;
  ++next_.steps;
  if (chunk.part == ScanPart::kItems && chunk.after.empty()) {
    next_.pass = of_region ? chunk.vector : chunk.shows;
    next_.live_rows = 0;
  }
  next_.rows += chunk.rows.size();
  next_.bytes += chunk.bytes();
  next_.total_rows = chunk.total_rows;
  if (chunk.part == ScanPart::kItems) {
    Meet(turn, chunk.vector);
    for (const ScanRow& row : chunk.rows) {
      StoredItem item;
      next_.live_rows += DecodeStoredItem(row.value, item) && !item.tombstone ? 1 : 0;
    }
  }
  next_.after = chunk.through;
  if (!chunk.end) return;
  next_.after.clear();
  if (of_region && chunk.part == ScanPart::kItems) {
    next_.claims.Show(next_.pass);
    next_.pass = {};
    if (!next_.claims.empty()) {
      Reach(Mark::kFillingPassesAgain);  // through the rows of another one
      return;
    }
  }
  if (chunk.part == ScanPart::kItems) {
    if (plan_.partial) next_.shows.Merge(next_.pass);
    return RowsDone(turn);
  }
  next_.part = static_cast<ScanPart>(static_cast<int>(chunk.part) + 1);
}

void FillTurn::AdvanceTable(CommitTurn& turn) {
  const Table& table = *plan_.table;
  if (table.state->dropped) return;
  if (plan_.restart) {
    ++next_.steps;
    next_.part = ScanPart::kItems;
    next_.after.clear();
    next_.source = {};
    return catalog_.fills().Advance(turn, table.definition.id, next_);
  }
  Advance(turn);
  next_.source = plan_.partial ? plan_.request.source : RegionId{};
  if (next_.part == ScanPart::kDone && plan_.partial) NextTeller(turn);
  if (next_.part == ScanPart::kDone) {
    Reach(Mark::kTableFilledAlone);
    catalog_.TableFilled(turn, table);
  } else {
    catalog_.fills().Advance(turn, table.definition.id, next_);
  }
}

// One of those that are not whole has told all that it has; the others come next.
void FillTurn::NextTeller(const CommitTurn& turn) {
  SetTold(next_, plan_.request.source);
  const RegionId self = turn.state().log.region();
  for (const RegionId member : catalog_.HoldersOf(plan_.table->definition)) {
    if (member == self || HasTold(next_, member)) continue;
    next_.part = ScanPart::kItems;
    next_.source = {};
    return;
  }
}

void FillTurn::Meet(const CommitTurn& turn, const conflict::Vector& seen) {
  for (const Dot& dot : seen.entries())
    if (dot.log.region() == turn.state().log.region()) next_.met.Raise(dot);
}

// Digests and ledger are told by who shows as much. Of our own changes it need not have what no
// source had: that was held against the rows as they came.
void FillTurn::RowsDone(const CommitTurn& turn) {
  next_.part = ScanPart::kDigests;
  next_.after.clear();
  next_.pass = {};
  next_.floor = next_.met;
  for (const Dot& dot : turn.state().applied.entries())
    if (dot.log.region() != turn.state().log.region()) next_.floor.Raise(dot);
}

}  // namespace everwrite::table
