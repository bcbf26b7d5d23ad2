#include "region/table/region_scan.h"

#include "base/coding.h"
#include "region/table/bucket_digest.h"
#include "region/table/filling.h"
#include "region/table/layout.h"

namespace everwrite::table {
namespace {

using streams::ScanPart;

struct PartRange {
  ColumnFamily family;
  KvRange range;
};

PartRange RangeOf(ScanPart part) {
  switch (part) {
    case ScanPart::kCatalog:
      return {ColumnFamily::kItems, {ItemKey(kCatalogTable, ""), ItemKey(kUserTables, "")}};
    case ScanPart::kItems: return {ColumnFamily::kItems, {ItemKey(kUserTables, ""), ""}};
    case ScanPart::kDigests: return {ColumnFamily::kSystem, DigestRange()};
    case ScanPart::kLedger:
    case ScanPart::kDone: break;
  }
  return {ColumnFamily::kLedger, {}};
}

}  // namespace

Result<streams::ScanChunk> ReadScanChunk(const KvStore& store,
                                         const streams::ScanRequest& request) {
  if (request.part == ScanPart::kDone) return InvalidArgument("there is no such part");
  const auto snapshot = store.TakeSnapshot();
  std::string value;
  EW_ASSIGN_OR_RETURN(const bool found,
                      store.Get(ColumnFamily::kSystem, kRegionStateKey, &value, snapshot.get()));
  RegionState state;
  if (!found || !DecodeRegionState(value, state)) return DataLoss("the region's state is damaged");
  EW_ASSIGN_OR_RETURN(const bool filling,
                      store.Get(ColumnFamily::kSystem, kFillingKey, &value, snapshot.get()));
  if (filling && !Filling::ShowsRows(value)) return Unavailable("this region is not whole itself");
  if (!state.applied.Covers(request.floor))
    return FailedPrecondition("this region has not applied what is asked for");
  streams::ScanChunk chunk;
  chunk.part = request.part;
  chunk.after = request.after;
  chunk.through = request.after;
  chunk.vector = std::move(state.applied);
  chunk.clock = state.clock;
  PartRange part = RangeOf(request.part);
  const std::string begin = std::max(part.range.begin, request.after);
  const auto it = store.NewIterator(part.family, std::move(part.range), snapshot.get());
  it->Seek(begin);
  if (it->Valid() && it->key() == request.after) it->Next();
  const bool whole = request.part == ScanPart::kCatalog;
  size_t bytes = 0;
  for (; it->Valid() && (whole || chunk.rows.empty() || bytes < request.max_bytes); it->Next()) {
    chunk.rows.push_back({std::string(it->key()), std::string(it->value())});
    bytes += it->key().size() + it->value().size();
    if (whole && bytes > kCatalogBytesMax)
      return ResourceExhausted("the table definitions are too large to be handed over");
  }
  EW_RETURN_IF_ERROR(it->status());
  chunk.end = !it->Valid();
  if (!chunk.rows.empty()) chunk.through = chunk.rows.back().key;
  return chunk;
}

}  // namespace everwrite::table
