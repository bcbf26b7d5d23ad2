#include "region/api/capacity.h"

#include <algorithm>

#include "region/item/item.h"
#include "region/table/committer.h"
#include "region/table/secondary_index.h"

namespace everwrite::api {
namespace {

using table::IndexEntry;

size_t SizeOf(std::optional<std::string_view> item) {
  return item ? item::ItemSize(item::ItemView(*item)) : 0;
}

uint64_t CostOf(const std::optional<IndexEntry>& entry) {
  return entry ? WriteHalfUnits(static_cast<size_t>(entry->bytes)) : 0;
}

// An entry that moves is deleted here and written there; one that stays is written when it differs.
uint64_t IndexCost(const table::SecondaryIndex& index, std::optional<std::string_view> before,
                   std::optional<std::string_view> after) {
  // The key of the row is the same before and after: any will do.
  const std::string row(8, '\0');
  std::optional<IndexEntry> old, now;
  if (before) old = index.EntryOf(row, *before);
  if (after) now = index.EntryOf(row, *after);
  if (!old || !now || old->key != now->key) return CostOf(old) + CostOf(now);
  if (old->Value(*before) == now->Value(*after)) return 0;
  return std::max(CostOf(old), CostOf(now));
}

void AppendCounts(std::string& out, uint64_t half_units, std::string_view kind) {
  out += "\"CapacityUnits\":";
  AppendUnits(out, half_units);
  if (kind.empty()) return;
  out.append(",\"").append(kind).append("\":");
  AppendUnits(out, half_units);
}

void AppendIndexes(std::string& out, std::string_view name,
                   const std::map<std::string, uint64_t>& indexes, std::string_view kind) {
  if (indexes.empty()) return;
  out.append(",\"").append(name).append("\":{");
  for (const auto& [index, half_units] : indexes) {
    if (out.back() != '{') out += ',';
    out.append("\"").append(index).append("\":{");
    AppendCounts(out, half_units, kind);
    out += '}';
  }
  out += '}';
}

}  // namespace

uint64_t Consumed::Total() const {
  uint64_t total = table;
  for (const auto* indexes : {&local, &global})
    for (const auto& [name, half_units] : *indexes) total += half_units;
  return total;
}

void Consumed::Add(const Consumed& other, uint64_t factor) {
  table += factor * other.table;
  for (const auto& [name, half_units] : other.local) local[name] += factor * half_units;
  for (const auto& [name, half_units] : other.global) global[name] += factor * half_units;
}

Consumed WriteCost(const table::Table& table, std::optional<std::string_view> before,
                   std::optional<std::string_view> after) {
  Consumed consumed = TableCost(WriteHalfUnits(std::max(SizeOf(before), SizeOf(after))));
  const auto indexes = table.state->Indexes();
  if (!indexes) return consumed;
  for (const table::IndexDefinition& definition : table.definition.indexes) {
    const auto at = std::find_if(indexes->begin(), indexes->end(),
                                 [&](const auto& index) { return index->id() == definition.id; });
    if (at == indexes->end()) continue;
    const uint64_t cost = IndexCost(**at, before, after);
    if (cost > 0) (definition.local ? consumed.local : consumed.global)[definition.name] = cost;
  }
  return consumed;
}

void AppendConsumedCapacity(std::string& out, std::string_view table, const Consumed& consumed,
                            CapacityReport report, std::string_view kind) {
  out.append("{\"TableName\":\"").append(table).append("\",");
  AppendCounts(out, consumed.Total(), kind);
  if (report == CapacityReport::kIndexes) {
    out += ",\"Table\":{";
    AppendCounts(out, consumed.table, kind);
    out += '}';
    AppendIndexes(out, "LocalSecondaryIndexes", consumed.local, kind);
    AppendIndexes(out, "GlobalSecondaryIndexes", consumed.global, kind);
  }
  out += '}';
}

}  // namespace everwrite::api
