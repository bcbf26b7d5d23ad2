// RequestExpressions: the expressions of one request, parsed and bound to its names and values, or
// its legacy parameters, lowered to the same. Owns all of it: a write takes it along and evaluates
// it after the request's JSON is gone. Moving is cheap.
//
//   Violations violations; …
//   expressions.CheckShape(params, kUpdateItemLegacy, violations, error) && violations.Ok(error) &&
//   expressions.CheckUse(params, {Param::kUpdateExpression, …}, error) && … &&
//   expressions.Read(params, error) && … && expressions.CheckKeys(table, error)
//
// Includes simdjson (by request_json.h): for .cc files of this folder only.
//
// Thread-safety: belongs to one request.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "region/api/api_error.h"
#include "region/api/request_json.h"
#include "region/expression/binding.h"
#include "region/expression/evaluator.h"
#include "region/expression/key_condition.h"
#include "region/expression/projection.h"
#include "region/expression/update.h"
#include "region/table/schema.h"

namespace everwrite::api {

// Key attributes of a table's indexes have nothing inside that an expression could look at.
Status CheckIndexKeys(const expression::Binding& binding, const table::TableDefinition& table);

class RequestExpressions {
 public:
  // `legacy` are the operation's legacy parameters, in the order in which errors name them; others
  // are ignored. Their JSON types, and what the service's model says of their members.
  bool CheckShape(const Params& params, std::initializer_list<Param> legacy, Violations& violations,
                  ApiError& error);
  // `allowed` are the operation's expression parameters, in the order in which errors name them.
  // Checks that expressions are not mixed with legacy parameters, and that names and values come
  // with an expression that can use them.
  bool CheckUse(const Params& params, std::initializer_list<Param> allowed, ApiError& error);
  // Lowers the legacy parameters but KeyConditions. After CheckUse; Read does it when nobody has.
  bool ReadLegacy(const Params& params, ApiError& error);
  // Parses and binds the expressions, lowers KeyConditions.
  bool Read(const Params& params, ApiError& error);
  // What may be done with key attributes, once the table is known.
  bool CheckKeys(const table::TableDefinition& table, ApiError& error) const;
  bool CheckProjectionKeys(const table::TableDefinition& table, ApiError& error) const;
  // A Query's filter may not name them at all; `schema` is of what is queried.
  bool CheckFilterKeys(const item::CompositeKeySchema& schema, ApiError& error) const;
  // The attributes that the projection, or the filter, takes something of, none twice; nothing
  // without one.
  std::vector<std::string_view> ProjectedNames() const { return NamesOf(projection_); }
  std::vector<std::string_view> FilteredNames() const { return NamesOf(filter_); }

  bool has_condition() const { return condition_.has_value(); }
  bool has_filter() const { return filter_.has_value(); }
  bool has_projection() const { return projection_.has_value(); }
  bool has_update() const { return update_.has_value(); }
  bool has_key_condition() const { return key_condition_.has_value(); }

  bool Condition(item::ItemView item) const { return expression::Matches(*condition_, item); }
  bool Filter(item::ItemView item) const { return expression::Matches(*filter_, item); }
  std::string Project(item::ItemView item) const { return expression::Project(*projection_, item); }
  Result<std::string> Update(item::ItemView old) const {
    return expression::ApplyUpdate(*update_, old);
  }
  // The update makes no item where there is none.
  bool OnlyRemoves() const { return expression::OnlyRemoves(*update_); }
  std::string UpdatedPart(item::ItemView item) const {
    return expression::UpdatedPart(*update_, item);
  }
  const expression::Binding& key_condition() const { return *key_condition_; }

 private:
  using Slot = std::optional<expression::Binding>;
  static std::vector<std::string_view> NamesOf(const Slot& slot);
  bool IsAllowed(Param param) const { return allowed_[static_cast<size_t>(param)]; }
  bool HasLegacy(const Params& params, Param param) const {
    return legacy_set_[static_cast<size_t>(param)] && params.Has(param);
  }
  bool CheckNotMixed(const Params& params, std::initializer_list<Param> allowed,
                     ApiError& error) const;
  // Expected or a filter, joined by ConditionalOperator.
  bool ReadJoined(const Params& params, ApiError& error);
  bool ReadKeyConditions(const Params& params, ApiError& error);
  bool ReadExpressions(const Params& params, ApiError& error);
  bool ReadNames(const Params& params, ApiError& error);
  bool ReadValues(const Params& params, ApiError& error);
  bool ReadOne(const Params& params, Param param, expression::Kind kind, Slot& slot,
               ApiError& error);

  ParamSet allowed_, legacy_set_;
  std::vector<Param> legacy_;  // those that are there, in the errors' order
  bool any_ = false;           // some allowed expression is there
  bool legacy_read_ = false;
  expression::Placeholders placeholders_;  // before the bindings, which borrow from it
  Slot condition_, filter_, key_condition_, projection_, update_;
};

}  // namespace everwrite::api
