// One page of a Query or Scan: reads a table or an index, filters, projects, and renders the answer
// as it goes.
//
// Thread-safety: belongs to one request.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "region/api/capacity.h"
#include "region/api/request_expressions.h"
#include "region/item/item.h"
#include "region/table/engine.h"

namespace everwrite::api {

// What to read and what to answer of it.
struct PageRequest {
  table::TablePtr table;
  const table::IndexDefinition* index = nullptr;  // of the table; null: the table itself
  table::ScanOptions options;
  std::optional<int64_t> limit;
  bool consistent = false;
  bool count_only = false;
  // Of a local index: whole items are fetched from the table.
  bool fetch = false;
  CapacityReport capacity = CapacityReport::kNone;

  const item::CompositeKeySchema& key() const { return index ? index->key : table->key; }
};

class PageWriter {
 public:
  // Both outlive it.
  PageWriter(const PageRequest& page, const RequestExpressions& expressions)
      : page_(page), expressions_(expressions) {
    body_ = page.count_only ? "{" : "{\"Items\":[";
  }

  Status Run(const table::TableEngine& engine);
  // The answer, after Run.
  std::string Finish();

 private:
  bool Visit(const table::TableEngine& engine, item::ItemView item);
  void Take(item::ItemView item);
  Status Fetch(const table::TableEngine& engine, item::ItemView projected);
  Consumed Cost() const;

  const PageRequest& page_;
  const RequestExpressions& expressions_;
  std::string body_, last_key_, fetched_;
  Status failure_;
  size_t bytes_ = 0;
  uint64_t fetched_half_units_ = 0;
  int64_t count_ = 0, scanned_ = 0;
  bool more_ = false;
};

// Whether the index holds the attribute.
bool IsProjected(const table::TableDefinition& table, const table::IndexDefinition& index,
                 std::string_view name);

// Where ExclusiveStartKey stands among the encoded keys of what is read; nullopt when it is no key
// of it. `status` is the reason where the table's own key is at fault.
std::optional<std::string> EncodeStartKey(const PageRequest& page, item::ItemView start,
                                          Status& status);

}  // namespace everwrite::api
