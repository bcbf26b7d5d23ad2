// The schema part of CreateTable and UpdateTable: attribute definitions, keys, throughput and
// indexes, read with the service's constraints and put together with its checks. The rules and
// texts are those that the service was seen to have (ack-api-quirks' measurements of October 2026,
// dynalite's tests).
//
// Includes simdjson (by request_json.h): for .cc files of this folder only.
//
// Thread-safety: pure functions over one request; requests own what they hold.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "region/api/api_error.h"
#include "region/api/request_json.h"
#include "region/table/schema.h"

namespace everwrite::api {

struct Throughput {
  uint64_t read = 0, write = 0;
};

// One element of AttributeDefinitions or KeySchema: a name, and a word of a set.
struct NamedWord {
  std::string name, word;
};

// One secondary index as a request describes it.
struct IndexRequest {
  std::string name;
  bool local = false;
  std::vector<NamedWord> keys;
  std::string projection;  // "ALL", …; empty: not given
  std::optional<std::vector<std::string>> included;
  std::optional<Throughput> throughput;
};

struct SchemaRequest {
  std::vector<NamedWord> attributes, keys;
  bool has_local = false, has_global = false;  // the lists are there, though perhaps empty
  std::vector<IndexRequest> local, global;
};

// Each reads one parameter; broken constraints are added to `violations` under `path`, wrong JSON
// types are errors.
bool ReadThroughput(const Params& params, std::string_view path, std::optional<Throughput>& out,
                    Violations& violations, ApiError& error);
bool ReadAttributeDefinitions(const Params& params, std::vector<NamedWord>& out,
                              Violations& violations, ApiError& error);
bool ReadKeySchema(const Params& params, const std::string& path, bool plain,
                   std::vector<NamedWord>& out, Violations& violations, ApiError& error);
bool ReadIndex(const Params& params, const std::string& path, IndexRequest& out,
               Violations& violations, ApiError& error);
bool ReadIndexes(const Params& params, SchemaRequest& out, Violations& violations, ApiError& error);

// Checks that bind the parts together. `definition` gets the key and the indexes.
bool BuildSchema(const SchemaRequest& request, table::BillingMode billing,
                 table::TableDefinition& definition, ApiError& error);
// One index, of a table that is there; `attributes` are the request's and the table's.
bool BuildIndex(const IndexRequest& request, const std::vector<NamedWord>& attributes,
                table::IndexDefinition& index, ApiError& error);

// The table's attribute definitions: of all keys, sorted by name.
std::vector<item::KeyAttribute> AttributesOf(const table::TableDefinition& definition);
std::string_view TypeName(item::KeyType type);  // "S", "N", "B"

// "One or more parameter values were invalid: " and what.
std::string Invalid(std::string_view what);

// The bound of provisioned throughput; `where` is empty or " for index x".
bool CheckUnits(const std::optional<Throughput>& throughput, const std::string& where,
                ApiError& error);

}  // namespace everwrite::api
