#include "region/table/fill_plan.h"

#include <algorithm>
#include <utility>

#include "base/mark.h"
#include "region/item/item.h"
#include "region/table/bucket_digest.h"
#include "region/table/committer.h"
#include "region/table/conflict_ledger.h"
#include "region/table/layout.h"
#include "streams/change_log.h"
#include "streams/change_record.h"

namespace everwrite::table {

using streams::FillRequest;
using streams::ScanChunk;
using streams::ScanPart;
using streams::ScanRow;
using streams::Stage;

namespace {

// Everything that a peer may get wrong.
Status CheckRows(const ScanChunk& chunk) {
  std::string_view last = chunk.after;
  const std::string items = ItemKey(kUserTables, "");
  for (const ScanRow& row : chunk.rows) {
    if (row.key <= last || row.key > chunk.through)
      return InvalidArgument("the rows of a chunk are not in order");
    last = row.key;
    if (chunk.part == ScanPart::kDigests) {
      TouchedBucket bucket;
      BucketDigest digest;
      if (!ParseDigestKey(row.key, bucket.table, bucket.bucket) ||
          !DecodeBucketDigest(row.value, digest) ||
          (chunk.table.value != 0 && bucket.table != chunk.table))
        return InvalidArgument("a chunk holds what is no digest");
      continue;
    }
    if (chunk.part == ScanPart::kLedger) {
      conflict::ConflictRecord record;
      if (!conflict::DecodeConflictRecord(row.value, record) ||
          conflict::LedgerKey(record.loser.version) != row.key ||
          (chunk.table.value != 0 && (record.is_table || record.table != chunk.table)))
        return InvalidArgument("a chunk holds what is no ledger entry");
      continue;
    }
    StoredItem item;
    if (row.key.size() < 9 || !DecodeStoredItem(row.value, item) || item.version.dot.number == 0)
      return InvalidArgument("a chunk holds what is no stored item");
    if (chunk.part == ScanPart::kItems) {
      if (row.key < items || !item::IsWellFormedItem(item.image) ||
          (chunk.table.value != 0 && TableOfItemKey(row.key) != chunk.table))
        return InvalidArgument("a chunk holds no item");
      continue;
    }
    TableDefinition definition;
    if (TableOfItemKey(row.key) != kCatalogTable ||
        (!item.tombstone && (!DecodeTableDefinition(item.image, definition) ||
                             definition.CatalogKey() != KeyOfItemKey(row.key))))
      return InvalidArgument("a chunk holds no table definition");
  }
  return {};
}

}  // namespace

Status FillPlanner::Check(FillPlan& plan) const {
  const Stage stage = plan.stage;
  if (plan.request.kind == FillRequest::Kind::kFinish) {
    const bool rows_done = stage == Stage::kFilling && plan.before.part > ScanPart::kItems;
    return rows_done || stage == Stage::kNew ? OkStatus()
                                             : FailedPrecondition("the region is not filled yet");
  }
  if (plan.request.kind == FillRequest::Kind::kForsake)
    return stage == Stage::kFilling && plan.before.part == ScanPart::kItems
               ? OkStatus()
               : FailedPrecondition("nothing is claimed");
  if (plan.request.kind != FillRequest::Kind::kChunk) {
    const bool gathered = stage == Stage::kCompleting && plan.before.part == ScanPart::kDone;
    return gathered ? OkStatus() : FailedPrecondition("there is more to be gathered");
  }
  const ScanChunk& chunk = plan.request.chunk;
  if (chunk.table.value != 0 &&
      (stage != Stage::kServing || !plan.table || !catalog_.fills().Has(chunk.table)))
    return FailedPrecondition("the table is not being filled");
  if (chunk.part == ScanPart::kCatalog) {
    if (chunk.table.value != 0) return InvalidArgument("the catalog of one table");
    if (!chunk.end || !chunk.after.empty()) return InvalidArgument("a part of a catalog");
    // A number that the source knows and we do not would be given twice.
    const RegionState state = committer_.CommittedState();
    if (chunk.Claims().At(state.log) > state.applied.At(state.log))
      return FailedPrecondition("the source holds more of our own log than we do");
    return CheckRows(chunk);
  }
  const bool begins = chunk.part == ScanPart::kItems && chunk.after.empty();
  const Stage due = chunk.table.value != 0           ? stage
                    : chunk.part == ScanPart::kItems ? Stage::kFilling
                                                     : Stage::kCompleting;
  const bool of_region = chunk.table.value == 0 && chunk.part == ScanPart::kItems;
  const bool another_pass = of_region && begins;  // at any time
  if (stage != due || chunk.part != plan.before.part ||
      (chunk.after != plan.before.after && !another_pass)) {
    Reach(Mark::kChunkRefused);
    return FailedPrecondition("not the chunk that comes next");
  }
  if (another_pass && !plan.before.claims.Want(chunk.vector))
    return FailedPrecondition("the source shows nothing that this region lacks");
  if (!chunk.vector.Covers(of_region && !begins ? plan.before.pass : plan.before.floor))
    return FailedPrecondition("the source does not show what this region claims");
  if (!committer_.CommittedState().applied.Covers(chunk.Claims()))
    return FailedPrecondition("this region has not applied what the chunk shows");
  // What several have in parts is taken from one after the other.
  const RegionId teller = plan.partial ? plan.request.source : RegionId{};
  plan.restart = plan.table && !begins &&
                 (plan.before.source != teller || !chunk.shows.Covers(plan.before.pass));
  return CheckRows(chunk);
}

// The keys of the chunk, and those that stand here in its range.
Status FillPlanner::FindKeys(FillPlan& plan) const {
  const ScanChunk& chunk = plan.request.chunk;
  if (plan.request.kind != FillRequest::Kind::kChunk || chunk.part > ScanPart::kItems ||
      plan.restart)
    return {};
  auto row = chunk.rows.begin();
  const auto take = [&](std::string key, const ScanRow* of) {
    plan.stripes.push_back(KeyLocks::StripeOf(key));
    plan.keys.emplace_back(std::move(key), of);
  };
  if (chunk.part == ScanPart::kItems) {
    const bool one = chunk.table.value != 0;
    const std::string first = ItemKey(one ? chunk.table : kUserTables, "");
    const std::string begin = std::max(first, chunk.after);
    const std::string past = one ? PrefixEnd(first) : std::string();
    const auto it =
        store_.NewIterator(ColumnFamily::kItems, {begin, chunk.end ? past : chunk.through + '\0'});
    for (it->Seek(begin); it->Valid(); it->Next()) {
      if (it->key() == chunk.after) continue;
      for (; row != chunk.rows.end() && row->key < it->key(); ++row) take(row->key, &*row);
      const bool both = row != chunk.rows.end() && row->key == it->key();
      take(std::string(it->key()), both ? &*row++ : nullptr);
    }
    EW_RETURN_IF_ERROR(it->status());
  }
  for (; row != chunk.rows.end(); ++row) take(row->key, &*row);
  std::sort(plan.stripes.begin(), plan.stripes.end());
  plan.stripes.erase(std::unique(plan.stripes.begin(), plan.stripes.end()), plan.stripes.end());
  return {};
}

// With everything locked.
Status FillPlanner::Plan(FillPlan& plan) const {
  for (const auto& [key, row] : plan.keys) EW_RETURN_IF_ERROR(PlanRow(plan, key, row));
  if (plan.request.kind != FillRequest::Kind::kChunk || plan.restart) return {};
  const ScanChunk& chunk = plan.request.chunk;
  if (chunk.part == ScanPart::kDigests) PlanDigests(plan);
  if (chunk.part != ScanPart::kLedger) return {};
  std::string ignored;
  for (const ScanRow& entry : chunk.rows) {
    EW_ASSIGN_OR_RETURN(const bool there, store_.Get(ColumnFamily::kLedger, entry.key, &ignored));
    conflict::ConflictRecord record;
    CHECK(conflict::DecodeConflictRecord(entry.value, record));
    const bool ours = record.is_table || !catalog_.IsElsewhere(record.table);
    if (!there && ours) plan.entries.push_back(&entry);
  }
  return {};
}

// All rows are here, as of a vector that covers what the chunk speaks of: these changes have
// touched their buckets here too.
void FillPlanner::PlanDigests(FillPlan& plan) const {
  for (const ScanRow& row : plan.request.chunk.rows) {
    TouchedBucket bucket;
    BucketDigest digest;
    CHECK(ParseDigestKey(row.key, bucket.table, bucket.bucket));
    CHECK(DecodeBucketDigest(row.value, digest));
    bucket.of = catalog_.FindById(bucket.table);
    if (!plan.table && catalog_.fills().Has(bucket.table)) continue;
    if (!bucket.of && bucket.table != kCatalogTable) continue;  // deleted meanwhile
    bucket.touched = std::move(digest.touched);
    plan.buckets.push_back(std::move(bucket));
  }
}

// What the source does not show meets what we do not show: nobody may have decided between the two,
// and nobody may come to it by a log (they may have been trimmed on both sides). So it is decided
// here. The source's row did not know ours, or it would show it (but for one that came to the
// source by the log while it is filled itself). Ours may have known the source's, when it came by
// the log meanwhile: then the log tells.
Status FillPlanner::PlanConflict(const FillPlan& plan, PlannedFill& planned,
                                 const StoredItem& stored) const {
  const conflict::Vector& seen = plan.request.chunk.Seen();
  const StoredItem& item = planned.item;
  const bool undecided = plan.request.chunk.table.value == 0 && !seen.Covers(stored.version.dot) &&
                         !plan.shown.Covers(item.version.dot);
  const bool lossless =
      stored.tombstone == item.tombstone && (stored.tombstone || stored.image == item.image);
  if (!undecided || lossless || Knew(plan, stored.version.dot, item.version.dot)) return {};
  conflict::ConflictRecord record;
  record.is_table = TableOfItemKey(planned.store_key) < kUserTables;
  record.table = record.is_table ? TableId() : TableOfItemKey(planned.store_key);
  record.key = KeyOfItemKey(planned.store_key);
  record.loser = {stored.version, stored.tombstone, std::string(stored.image)};
  record.winner = {item.version, item.tombstone, std::string(item.image)};
  if (!planned.takes) std::swap(record.loser, record.winner);
  std::string ignored;
  EW_ASSIGN_OR_RETURN(
      const bool known,
      store_.Get(ColumnFamily::kLedger, conflict::LedgerKey(record.loser.version), &ignored));
  if (!known) planned.conflict = std::move(record);
  return {};
}

bool FillPlanner::Knew(const FillPlan& plan, Dot change, Dot earlier) const {
  if (change == earlier || (change.log == earlier.log && change.number > earlier.number))
    return true;
  const auto held = plan.first_held.find(change.log);
  if (held != plan.first_held.end() && change.number < held->second) return false;
  const auto read = streams::ReadChanges(store_, change.log, change.number - 1, change.number, 1);
  Dot dot;
  conflict::Vector context;
  return read.ok() && !read->empty() &&
         streams::DecodeChangeContext(*read->records[0], dot, context) && context.Covers(earlier);
}

// A table goes with all its rows. What of them the source does not know is lost to the deletion.
Status FillPlanner::PlanDropped(FillPlan& plan, const PlannedFill& planned) const {
  const TablePtr table = catalog_.FindHeld(KeyOfItemKey(planned.store_key));
  if (!table || (planned.definition && planned.definition->id == table->definition.id)) return {};
  const std::string rows = ItemKey(table->definition.id, "");
  const auto it = store_.NewIterator(ColumnFamily::kItems, {rows, PrefixEnd(rows)});
  for (it->Seek(rows); it->Valid(); it->Next()) {
    StoredItem item;
    if (!DecodeStoredItem(it->value(), item)) return DataLoss("a stored item is damaged");
    if (item.tombstone || plan.request.chunk.Seen().Covers(item.version.dot)) continue;
    if (FindConflict(store_, item.version).ok()) continue;  // a stale row of a table being filled
    conflict::ConflictRecord& record = plan.lost.emplace_back();
    record.reason = conflict::Reason::kTableDeleted;
    record.table = table->definition.id;
    record.key = KeyOfItemKey(it->key());
    record.loser = {item.version, false, std::string(item.image)};
  }
  return it->status();
}

Status FillPlanner::PlanRow(FillPlan& plan, const std::string& key, const ScanRow* row) const {
  // Who has not all of a table may have a number without what it stands for.
  const ScanChunk& chunk = plan.request.chunk;
  const conflict::Vector& seen = plan.partial ? chunk.shows : chunk.Seen();
  std::string buffer;
  EW_ASSIGN_OR_RETURN(const auto stored, ReadStored(store_, key, &buffer));
  const bool known_there = stored && seen.Covers(stored->version.dot);
  // A table with a filling of its own, or that will have one, is left to that.
  const TableId id = TableOfItemKey(key);
  const auto& without = chunk.without;
  if (id >= kUserTables && !plan.table &&
      (catalog_.fills().Has(id) || std::find(without.begin(), without.end(), id) != without.end()))
    return {};
  PlannedFill planned;
  planned.store_key = key;
  planned.row = row;
  if (row) {
    CHECK(DecodeStoredItem(row->value, planned.item));
    // What our rows show and is not here was deleted, and that forgotten.
    const bool known_here = plan.shown.Covers(planned.item.version.dot);
    planned.takes = !stored
                        ? !known_here
                        : stored->version != planned.item.version &&
                              (known_there == known_here ? planned.item.version > stored->version
                                                         : known_there);
    if (stored) EW_RETURN_IF_ERROR(PlanConflict(plan, planned, *stored));
  } else if (known_there && !(stored->tombstone && id >= kUserTables)) {
    // But a tombstone stays until we forget it ourselves. Who takes our rows meanwhile is told that
    // they show less than the source's (Seen), and would keep what the tombstone has beaten.
    planned.item = *stored;
    planned.takes = true;
  }
  if (!planned.takes) {
    if (planned.conflict) {
      Reach(Mark::kFillingFindsConflict);
      plan.rows.push_back(std::move(planned));
    }
    return {};
  }
  if (TableOfItemKey(key) < kUserTables) {
    if (stored) planned.hash_before = RowHash(key, *stored);
    if (!planned.item.tombstone) {
      CHECK(DecodeTableDefinition(planned.item.image, planned.definition.emplace()));
    }
    EW_RETURN_IF_ERROR(PlanDropped(plan, planned));
    plan.rows.push_back(std::move(planned));
    return {};
  }
  // By now we have applied all that the chunk shows: a table that is not here has been deleted.
  planned.table = catalog_.FindById(TableOfItemKey(key));
  if (!planned.table) return {};
  const NewRow after = row ? NewRow{planned.item.tombstone, planned.item.image} : NewRow{true, {}};
  EW_ASSIGN_OR_RETURN(planned.change,
                      RowChange::Plan(store_, *planned.table->state, key, stored, after));
  plan.rows.push_back(std::move(planned));
  return {};
}

}  // namespace everwrite::table
