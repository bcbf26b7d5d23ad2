// One PartiQL statement of a request: read from its JSON, parsed (from the event loop's cache),
// planned against its table. What the three PartiQL operations share.
//
// Includes simdjson (by request_json.h): for .cc files of this folder only.
//
// Thread-safety: belongs to one request.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "region/api/api_error.h"
#include "region/api/call.h"
#include "region/api/capacity.h"
#include "region/api/request_json.h"
#include "region/expression/binding.h"
#include "region/item/item.h"
#include "region/partiql/planner.h"
#include "region/table/engine.h"

namespace everwrite::api {

struct PartiqlStatement {
  // As the client gave it; `text` is a view into the request.
  std::string_view text;
  std::vector<std::string> parameters;  // compact form
  bool consistent = false;
  bool item_on_failure = false;  // ReturnValuesOnConditionCheckFailure: ALL_OLD

  // After PrepareStatement.
  partiql::ParsedPtr parsed;
  partiql::Outline outline;                   // borrows from `parsed`
  std::optional<expression::Binding> filter;  // of a SELECT; taken by its plan
  // After FindStatementTable.
  table::TablePtr table;
};

// Statement, ConsistentRead, ReturnValuesOnConditionCheckFailure and the shape of Parameters.
// `path` is what stands before the members' names in violations.
bool ReadStatement(const Params& members, const std::string& path, Violations& violations,
                   PartiqlStatement& out, ApiError& error);
// The values of Parameters.
bool ReadStatementParameters(const Params& members, PartiqlStatement& out, ApiError& error);

// Parses, and says what can be said without the table.
bool PrepareStatement(PartiqlStatement& statement, ApiError& error);
bool FindStatementTable(const Call& call, PartiqlStatement& statement, ApiError& error);

// What an INSERT, UPDATE, DELETE or EXISTS does with its item.
class PartiqlChange {
 public:
  // Plans; the statement's table was found.
  static bool Make(const PartiqlStatement& statement, PartiqlChange& out, ApiError& error);

  const table::TablePtr& table() const { return table_; }
  const std::string& key() const { return key_; }  // encoded
  bool item_on_failure() const { return item_on_failure_; }
  // The WHERE asks for more than the key.
  bool has_condition() const { return condition_.has_value(); }

  // With the item locked. kConditionFailed: the WHERE does not hold, or there is no such item to
  // update; kAlreadyExists: the item of an INSERT is there. At most once.
  Result<table::Mutation> Evaluate(std::optional<item::ItemView> stored);
  // What RETURNING answers, as JSON; empty for nothing. After Evaluate.
  const std::string& returned() const { return returned_; }

 private:
  Result<table::Mutation> Insert(bool exists);
  Result<table::Mutation> Update(item::ItemView stored);
  Result<table::Mutation> Delete(std::optional<item::ItemView> stored);
  bool Holds(item::ItemView item) const;
  void Return(item::ItemView before, item::ItemView after);

  partiql::Kind kind_ = partiql::Kind::kInsert;
  partiql::Returning returning_ = partiql::Returning::kNone;
  table::TablePtr table_;
  std::string key_;
  std::string item_;  // kInsert: the item; else the key attributes
  std::optional<expression::Binding> condition_, update_;
  std::string returned_;
  bool item_on_failure_ = false;
};

}  // namespace everwrite::api
