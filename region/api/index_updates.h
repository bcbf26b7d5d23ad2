// GlobalSecondaryIndexUpdates of UpdateTable: indexes that are added to a live table, removed, or
// given other throughput. Rules and texts as in table_schema.h.
//
// Removing is done when it is answered (the entries go in the batch of the definition); adding is
// done in this region when its backfill is (region/table/index_backfill.h). Until then the table
// takes no other index and loses none but the one being added, and cannot be deleted.
//
// Includes simdjson (by request_json.h): for .cc files of this folder only.
//
// Thread-safety: pure functions over one request; requests own what they hold.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "region/api/table_schema.h"

namespace everwrite::api {

struct IndexUpdate {
  enum class Kind : uint8_t { kNone, kUpdate, kCreate, kDelete };
  Kind kind = Kind::kNone;
  int kinds = 0;         // how many were given at once
  IndexRequest request;  // of kUpdate the name and throughput, of kDelete the name
};

struct IndexUpdates {
  bool present = false;
  std::vector<IndexUpdate> list;
  std::vector<NamedWord> attributes;  // AttributeDefinitions
  bool has_attributes = false;

  bool empty() const { return list.empty(); }
  bool Changes() const;  // adds or removes one
};

bool ReadIndexUpdates(const Params& params, IndexUpdates& out, Violations& violations,
                      ApiError& error);
// What can be told without the table.
bool CheckIndexUpdates(const IndexUpdates& updates, ApiError& error);

// What the answer shows of the indexes, beside what the definition says.
struct IndexStates {
  std::vector<table::IndexDefinition> indexes;     // as they are to be shown
  std::map<std::string, std::string_view> status;  // by name
};

// Edits the definition; `before` is what it was before this request. `is_complete` says of an index
// whether this region has filled it.
bool ApplyIndexUpdates(const IndexUpdates& updates, const table::TableDefinition& before,
                       const std::function<bool(IndexId)>& is_complete,
                       table::TableDefinition& definition, IndexStates& states, ApiError& error);

}  // namespace everwrite::api
