#include "region/table/region_scan.h"

#include <algorithm>

#include "base/coding.h"
#include "base/planted.h"
#include "conflict/conflict_record.h"
#include "region/table/bucket_digest.h"
#include "region/table/filling.h"
#include "region/table/layout.h"
#include "region/table/table_fills.h"

namespace everwrite::table {
namespace {

using streams::ScanPart;

struct PartRange {
  ColumnFamily family;
  KvRange range;
};

KvRange PrefixRange(const std::string& prefix) { return {prefix, PrefixEnd(prefix)}; }

PartRange RangeOf(ScanPart part, TableId table) {
  const bool one = table.value != 0;
  switch (part) {
    case ScanPart::kCatalog:
      return {ColumnFamily::kItems, {ItemKey(kCatalogTable, ""), ItemKey(kUserTables, "")}};
    case ScanPart::kItems:
      if (one) return {ColumnFamily::kItems, PrefixRange(ItemKey(table, ""))};
      return {ColumnFamily::kItems, {ItemKey(kUserTables, ""), ""}};
    case ScanPart::kDigests:
      if (one) return {ColumnFamily::kSystem, PrefixRange(DigestKey(table, 0).substr(0, 9))};
      return {ColumnFamily::kSystem, DigestRange()};
    case ScanPart::kLedger:
    case ScanPart::kDone: break;
  }
  return {ColumnFamily::kLedger, {}};
}

// Of entries that are looked at, and may all be left out.
constexpr size_t kLookedBytesMax = 4U << 20;

// What the rows of one table show for sure: less than `shown`, if it is not whole.
Result<conflict::Vector> ShownOf(const KvStore& store, TableId table, const KvSnapshot* snapshot,
                                 const conflict::Vector& shown) {
  std::string value;
  EW_ASSIGN_OR_RETURN(const bool found,
                      store.Get(ColumnFamily::kSystem, TableFillKey(table), &value, snapshot));
  if (!found) return shown;
  streams::Stage stage = streams::Stage::kServing;
  streams::FillProgress progress;
  if (!DecodeFilling(value, stage, progress))
    return DataLoss("the state of a table's filling is damaged");
  return std::move(progress.shows);
}

// The table that a row of a part belongs to. kDataLoss: it cannot be read.
Result<TableId> TableOf(ScanPart part, const KvIterator& it) {
  TableId table;
  uint16_t bucket = 0;
  switch (part) {
    case ScanPart::kCatalog:
    case ScanPart::kItems: return TableOfItemKey(it.key());
    case ScanPart::kDigests:
      if (!ParseDigestKey(it.key(), table, bucket)) return DataLoss("a digest's key is damaged");
      return table;
    case ScanPart::kLedger:
    case ScanPart::kDone: break;
  }
  conflict::ConflictRecord record;
  if (!conflict::DecodeConflictRecord(it.value(), record))
    return DataLoss("an entry of the ledger is damaged");
  return record.is_table ? kCatalogTable : record.table;
}

}  // namespace

Result<streams::ScanChunk> ReadScanChunk(const KvStore& store, const streams::ScanRequest& request,
                                         const HidesTable& hides) {
  if (request.part == ScanPart::kDone ||
      (request.part == ScanPart::kCatalog && request.table.value != 0))
    return InvalidArgument("there is no such part");
  const auto snapshot = store.TakeSnapshot();
  std::string value;
  EW_ASSIGN_OR_RETURN(const bool found,
                      store.Get(ColumnFamily::kSystem, kRegionStateKey, &value, snapshot.get()));
  RegionState state;
  if (!found || !DecodeRegionState(value, state)) return DataLoss("the region's state is damaged");
  EW_ASSIGN_OR_RETURN(const bool filling,
                      store.Get(ColumnFamily::kSystem, kFillingKey, &value, snapshot.get()));
  streams::Stage stage = streams::Stage::kServing;
  streams::FillProgress progress;
  if (filling && !DecodeFilling(value, stage, progress))
    return DataLoss("the state of the region's filling is damaged");
  // The rest is told by who has all rows.
  const bool rows = request.part <= ScanPart::kItems;
  if (stage == streams::Stage::kNew || (!rows && !streams::Serves(stage)))
    return Unavailable("this region is not whole itself");
  streams::ScanChunk chunk;
  if (!progress.claims.empty()) {
    chunk.claims = state.applied;
    state.applied = progress.claims.ShownOf(chunk.claims);
  }
  if (!state.applied.Covers(request.floor))
    return FailedPrecondition("this region does not show what is asked for");
  chunk.part = request.part;
  chunk.table = request.table;
  chunk.after = request.after;
  chunk.through = request.after;
  chunk.vector = std::move(state.applied);
  if (request.table.value != 0) {
    EW_ASSIGN_OR_RETURN(chunk.shows, ShownOf(store, request.table, snapshot.get(), chunk.vector));
  }
  chunk.clock = state.clock;
  EW_ASSIGN_OR_RETURN(const bool has_forgotten,
                      store.Get(ColumnFamily::kSystem, kForgottenKey, &value, snapshot.get()));
  if (has_forgotten && !DecodeForgotten(value, chunk.forgotten))
    return DataLoss("what the region knows of forgotten tombstones is damaged");
  PartRange part = RangeOf(request.part, request.table);
  const std::string begin = std::max(part.range.begin, request.after);
  const auto it = store.NewIterator(part.family, std::move(part.range), snapshot.get());
  it->Seek(begin);
  if (it->Valid() && it->key() == request.after) it->Next();
  if (Planted(PlantedBug::kFillLosesFirstRow) && it->Valid() && !request.after.empty()) it->Next();
  const bool whole = request.part == ScanPart::kCatalog;
  size_t bytes = 0, looked = 0;
  while (it->Valid() && (whole || ((chunk.rows.empty() || bytes < request.max_bytes) &&
                                   looked < kLookedBytesMax))) {
    EW_ASSIGN_OR_RETURN(const TableId table, TableOf(request.part, *it));
    const bool other = request.table.value != 0 && table != request.table;
    if (!whole && (other || hides(table))) {
      chunk.through = it->key();
      looked += it->key().size() + it->value().size();
      if (request.part == ScanPart::kItems) {
        it->Seek(PrefixEnd(ItemKey(table, "")));  // many rows, side by side
      } else {
        it->Next();
      }
      continue;
    }
    chunk.rows.push_back({std::string(it->key()), std::string(it->value())});
    chunk.through = it->key();
    bytes += it->key().size() + it->value().size();
    it->Next();
    if (whole && bytes > kCatalogBytesMax)
      return ResourceExhausted("the table definitions are too large to be handed over");
  }
  EW_RETURN_IF_ERROR(it->status());
  chunk.end = !it->Valid();
  return chunk;
}

}  // namespace everwrite::table
