#include "chaos/sim/index_workload.h"

#include <algorithm>

#include "chaos/sim/workload.h"
#include "chaos/workload_item.h"
#include "region/table/index_check.h"

namespace everwrite::chaos {
namespace {

constexpr size_t kLinesPerCheck = 3;

// Adds the index, or removes it.
Status Toggle(table::TableDefinition& definition) {
  const table::IndexDefinition index = SimIndexThatComesAndGoes();
  const auto at = std::find_if(definition.indexes.begin(), definition.indexes.end(),
                               [&](const auto& other) { return other.name == index.name; });
  if (at == definition.indexes.end()) {
    definition.indexes.push_back(index);
  } else {
    definition.indexes.erase(at);
  }
  return {};
}

}  // namespace

void IndexWorkload::Change(size_t index) {
  SimRegion& region = *regions_[index];
  if (!region.serving() || !region.engine().FindTable(Workload::kTable)) return;
  region.engine().UpdateTable(Workload::kTable, Toggle, region.executor(),
                              [this, &region](const Result<table::TablePtr>& table) {
                                simulator_.Trace(table.ok() ? "index" : "no index");
                                Check(region);
                              });
}

// A check reads the whole table: when a quarter more has been written than at the last one, so that
// all of them together cost no more than the writes.
void IndexWorkload::Check(const SimRegion& region) {
  if (history_.writes.size() < next_check_) return;
  next_check_ = history_.writes.size() + history_.writes.size() / 4;
  const auto lines = table::CheckIndexes(region.store(), kLinesPerCheck);
  CHECK(lines.ok(), lines.status().ToString());
  for (const std::string& line : *lines)
    history_.violations.push_back("at " + std::to_string(simulator_.now().micros) +
                                  " us in region id " + std::to_string(region.id().value) + ": " +
                                  line);
}

}  // namespace everwrite::chaos
