// SELECT: pages over the ranges of keys that a statement's plan names, of a table or an index.
//
// A page ends at 1 MB of items looked at, or at Limit of them, and says in NextToken where the next
// one begins: which range, and behind which key. The token is bound to the statement and its
// parameters, and opaque.
//
// Thread-safety: belongs to one request.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "region/api/api_error.h"
#include "region/api/call.h"
#include "region/api/capacity.h"
#include "region/api/partiql_statement.h"
#include "region/partiql/planner.h"

namespace everwrite::api {

class PartiqlSelect {
 public:
  // Plans; the statement's table was found.
  bool Make(const Call& call, PartiqlStatement& statement, ApiError& error);
  const partiql::SelectPlan& plan() const { return plan_; }
  bool has_index() const { return index_ != nullptr; }

  // Where a page begins.
  bool ReadNextToken(std::string_view token, ApiError& error);
  Status Run(const table::TableEngine& engine, std::optional<int64_t> limit);
  // The answer's members, after Run.
  void AppendAnswer(std::string& body, CapacityReport capacity) const;

  // What a row shows, as an item; of the table itself.
  std::string Project(item::ItemView item) const;
  // The encoded key of the one item that the statement names.
  const std::string& single_key() const { return plan_.ranges[0].begin; }

 private:
  bool FindIndex(const Call& call, const PartiqlStatement& statement, ApiError& error);
  std::vector<std::string> UnheldFilters() const;
  bool CheckProjection(ApiError& error);
  Status RunRange(const table::TableEngine& engine, const partiql::Range& range,
                  std::optional<int64_t> limit);
  Status Visit(const table::TableEngine& engine, item::ItemView item);
  void Take(item::ItemView filtered, item::ItemView shown);
  std::string NextToken() const;

  table::TablePtr table_;
  const table::IndexDefinition* index_ = nullptr;
  partiql::SelectPlan plan_;
  uint64_t bound_to_ = 0;  // a hash of what a token must come from
  bool consistent_ = false;
  bool fetch_ = false;  // of a local index: columns that it does not hold

  // Where the page stands: the range, and the key behind which it goes on.
  size_t range_ = 0;
  std::string after_;
  bool more_ = false;

  std::string items_;  // JSON, without the brackets
  std::string last_key_, fetched_;
  Consumed consumed_;
  size_t bytes_ = 0, range_bytes_ = 0;
  int64_t looked_at_ = 0;
};

}  // namespace everwrite::api
