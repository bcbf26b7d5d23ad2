// RequestExpressions: the expressions of one request, parsed and bound to its names and values.
// Owns all of it: a write takes it along and evaluates it after the request's JSON is gone. Moving
// is cheap.
//
// Includes simdjson (by request_json.h): for .cc files of this folder only.
//
// Thread-safety: belongs to one request.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "region/api/api_error.h"
#include "region/api/request_json.h"
#include "region/expression/binding.h"
#include "region/expression/evaluator.h"
#include "region/expression/key_condition.h"
#include "region/expression/projection.h"
#include "region/expression/update.h"

namespace everwrite::api {

class RequestExpressions {
 public:
  // `allowed` are the operation's expression parameters, in the order in which errors name them.
  // Checks that names and values come with an expression that can use them.
  bool CheckUse(const Params& params, std::initializer_list<Param> allowed, ApiError& error);
  // Parses and binds those that are there. After CheckUse.
  bool Read(const Params& params, ApiError& error);
  // What may be done with key attributes, once the table is known.
  bool CheckKeys(const item::KeySchema& schema, ApiError& error) const;
  // A Query's filter may not name them at all.
  bool CheckFilterKeys(const item::KeySchema& schema, ApiError& error) const;

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
  std::string UpdatedPart(item::ItemView item) const {
    return expression::UpdatedPart(*update_, item);
  }
  const expression::Binding& key_condition() const { return *key_condition_; }

 private:
  using Slot = std::optional<expression::Binding>;
  bool ReadNames(const Params& params, ApiError& error);
  bool ReadValues(const Params& params, ApiError& error);
  bool ReadOne(const Params& params, Param param, expression::Kind kind, Slot& slot,
               ApiError& error);

  ParamSet allowed_;
  bool any_ = false;                       // some allowed expression is there
  expression::Placeholders placeholders_;  // before the bindings, which borrow from it
  Slot condition_, filter_, key_condition_, projection_, update_;
};

}  // namespace everwrite::api
