#include "region/api/request_expressions.h"

#include "region/api/item_json.h"
#include "region/expression/parser.h"

namespace everwrite::api {
namespace {

namespace dom = simdjson::dom;
using expression::Kind;

bool Take(const Status& status, ApiError& error) {
  if (status.ok()) return true;
  error = ErrorOf(status);
  return false;
}

// One place where texts become syntax: a cache of parsed expressions goes here.
Result<expression::ExpressionPtr> ParseExpression(Kind kind, std::string_view text) {
  return expression::Parse(kind, text);
}

}  // namespace

bool RequestExpressions::CheckUse(const Params& params, std::initializer_list<Param> allowed,
                                  ApiError& error) {
  bool any_with_values = false;
  std::string with_values;
  size_t count = 0;
  for (const Param param : allowed) {
    allowed_.set(static_cast<size_t>(param));
    any_ |= params.Has(param);
    if (param != Param::kProjectionExpression) ++count;
    if (param != Param::kProjectionExpression && params.Has(param)) any_with_values = true;
  }
  if (params.Has(Param::kExpressionAttributeNames) && !any_)
    return FailValidation(error,
                          "ExpressionAttributeNames can only be specified when using expressions");
  if (!params.Has(Param::kExpressionAttributeValues) || count == 0 || any_with_values) return true;
  for (const Param param : allowed) {
    if (param == Param::kProjectionExpression) continue;
    if (!with_values.empty()) with_values += " and ";
    with_values += ParamName(param);
  }
  return FailValidation(error,
                        "ExpressionAttributeValues can only be specified when using "
                        "expressions: " +
                            with_values + (count > 1 ? " are" : " is") + " null");
}

bool RequestExpressions::ReadNames(const Params& params, ApiError& error) {
  std::optional<dom::object> names;
  if (!params.Object(Param::kExpressionAttributeNames,
                     "java.util.Map<java.lang.String, java.lang.String>", names, error))
    return false;
  if (!names) return true;
  if (names->size() == 0)
    return FailValidation(error, "ExpressionAttributeNames must not be empty");
  for (const dom::key_value_pair field : *names) {
    std::string_view name;
    if (!ReadText(field.value, name, error) || !Take(placeholders_.AddName(field.key, name), error))
      return false;
  }
  return true;
}

bool RequestExpressions::ReadValues(const Params& params, ApiError& error) {
  // An operation without conditions does not have the parameter at all.
  ParamSet with_values = allowed_;
  with_values.reset(static_cast<size_t>(Param::kProjectionExpression));
  if (!params.Has(Param::kExpressionAttributeValues) || with_values.none()) return true;
  dom::object object;
  std::string values;
  const dom::element json = params.At(Param::kExpressionAttributeValues);
  if (!ReadObject(json, kAttributeMap, object, error)) return false;
  if (object.size() == 0)
    return FailValidation(error, "ExpressionAttributeValues must not be empty");
  return ReadValuesJson(json, values, error) &&
         Take(placeholders_.SetValues(std::move(values)), error);
}

bool RequestExpressions::ReadOne(const Params& params, Param param, Kind kind, Slot& slot,
                                 ApiError& error) {
  if (!allowed_[static_cast<size_t>(param)] || !params.Has(param)) return true;
  std::string_view text;
  if (!params.Text(param, text, error)) return false;
  Result<expression::ExpressionPtr> parsed = ParseExpression(kind, text);
  if (!parsed.ok()) return Take(parsed.status(), error);
  Result<expression::Binding> bound = Bind(std::move(parsed).value(), placeholders_);
  if (!bound.ok()) return Take(bound.status(), error);
  slot = std::move(bound).value();
  return true;
}

bool RequestExpressions::Read(const Params& params, ApiError& error) {
  if (!any_) return true;
  return ReadNames(params, error) && ReadValues(params, error) &&
         ReadOne(params, Param::kUpdateExpression, Kind::kUpdate, update_, error) &&
         ReadOne(params, Param::kConditionExpression, Kind::kCondition, condition_, error) &&
         ReadOne(params, Param::kKeyConditionExpression, Kind::kKeyCondition, key_condition_,
                 error) &&
         ReadOne(params, Param::kFilterExpression, Kind::kFilter, filter_, error) &&
         ReadOne(params, Param::kProjectionExpression, Kind::kProjection, projection_, error) &&
         Take(placeholders_.CheckAllUsed(), error);
}

bool RequestExpressions::CheckKeys(const item::KeySchema& schema, ApiError& error) const {
  for (const Slot* slot : {&update_, &condition_, &filter_, &projection_})
    if (*slot && !Take(expression::CheckKeyUse(**slot, schema), error)) return false;
  return true;
}

bool RequestExpressions::CheckFilterKeys(const item::KeySchema& schema, ApiError& error) const {
  return !filter_ || Take(expression::CheckFilterNamesNoKey(*filter_, schema), error);
}

}  // namespace everwrite::api
