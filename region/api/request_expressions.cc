#include "region/api/request_expressions.h"

#include <algorithm>

#include "region/api/item_json.h"
#include "region/api/legacy_parameters.h"
#include "region/expression/expression_cache.h"
#include "region/expression/legacy.h"

namespace everwrite::api {
namespace {

namespace dom = simdjson::dom;
using expression::Kind;

bool Take(const Status& status, ApiError& error) {
  if (status.ok()) return true;
  error = ErrorOf(status);
  return false;
}

// One cache for each event loop: no lock, and a loop serves what its clients send again and again.
Result<expression::ExpressionPtr> ParseExpression(Kind kind, std::string_view text) {
  thread_local expression::ExpressionCache cache;
  return cache.Parse(kind, text);
}

// "a, b"
void AppendName(std::string& names, Param param) {
  if (!names.empty()) names += ", ";
  names += ParamName(param);
}

}  // namespace

bool RequestExpressions::CheckShape(const Params& params, std::initializer_list<Param> legacy,
                                    Violations& violations, ApiError& error) {
  for (const Param param : legacy) {
    legacy_set_[static_cast<size_t>(param)] = true;
    if (!params.Has(param)) continue;
    legacy_.push_back(param);
    if (!CheckLegacyShape(params, param, violations, error)) return false;
  }
  return true;
}

bool RequestExpressions::CheckNotMixed(const Params& params, std::initializer_list<Param> allowed,
                                       ApiError& error) const {
  std::string expressions, legacy;
  for (const Param param : allowed)
    if (params.Has(param)) AppendName(expressions, param);
  if (expressions.empty()) return true;
  for (const Param param : legacy_) {
    // KeyConditions may stand beside a filter or a projection: only its own expression replaces it.
    if (param == Param::kKeyConditions && !params.Has(Param::kKeyConditionExpression)) continue;
    AppendName(legacy, param);
  }
  if (legacy.empty()) return true;
  return FailValidation(error,
                        "Can not use both expression and non-expression parameters in the same "
                        "request: Non-expression parameters: {" +
                            legacy + "} Expression parameters: {" + expressions + "}");
}

bool RequestExpressions::CheckUse(const Params& params, std::initializer_list<Param> allowed,
                                  ApiError& error) {
  if (!legacy_.empty() && !CheckNotMixed(params, allowed, error)) return false;
  bool any_with_values = false;
  std::string with_values;
  size_t count = 0;
  for (const Param param : allowed) {
    allowed_[static_cast<size_t>(param)] = true;
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
  if (!IsAllowed(param) || !params.Has(param)) return true;
  std::string_view text;
  if (!params.Text(param, text, error)) return false;
  Result<expression::ExpressionPtr> parsed = ParseExpression(kind, text);
  if (!parsed.ok()) return Take(parsed.status(), error);
  Result<expression::Binding> bound = Bind(std::move(parsed).value(), placeholders_);
  if (!bound.ok()) return Take(bound.status(), error);
  slot = std::move(bound).value();
  return true;
}

bool RequestExpressions::ReadJoined(const Params& params, ApiError& error) {
  std::vector<expression::LegacyCondition> conditions;
  expression::Node::Type and_or_or;
  Kind kind = Kind::kFilter;
  for (const Param param : {Param::kExpected, Param::kQueryFilter, Param::kScanFilter}) {
    if (!HasLegacy(params, param)) continue;
    if (param == Param::kExpected) kind = Kind::kCondition;
    if (!ReadLegacyConditions(params, param, conditions, error)) return false;
  }
  if (HasLegacy(params, Param::kConditionalOperator) || !conditions.empty()) {
    if (!ReadConditionalOperator(params, conditions.size(), and_or_or, error)) return false;
  }
  if (conditions.empty()) return true;
  Slot& slot = kind == Kind::kCondition ? condition_ : filter_;
  slot = expression::LowerConditions(kind, conditions, and_or_or);
  return true;
}

bool RequestExpressions::ReadLegacy(const Params& params, ApiError& error) {
  legacy_read_ = true;
  if (legacy_.empty()) return true;
  std::vector<std::string> attributes;
  std::vector<expression::LegacyUpdate> updates;
  if (HasLegacy(params, Param::kAttributesToGet)) {
    if (!ReadAttributesToGet(params, attributes, error)) return false;
    projection_ = expression::LowerAttributesToGet(attributes);
  }
  if (!ReadJoined(params, error)) return false;
  if (HasLegacy(params, Param::kAttributeUpdates)) {
    if (!ReadLegacyUpdates(params, updates, error)) return false;
    if (!updates.empty()) update_ = expression::LowerUpdates(updates);
  }
  return true;
}

bool RequestExpressions::ReadKeyConditions(const Params& params, ApiError& error) {
  if (!HasLegacy(params, Param::kKeyConditions)) return true;
  constexpr size_t kKeyConditionsMax = 2;
  std::vector<expression::LegacyCondition> conditions;
  if (!ReadLegacyConditions(params, Param::kKeyConditions, conditions, error)) return false;
  if (conditions.empty() || conditions.size() > kKeyConditionsMax)
    return FailValidation(error, "Conditions can be of length 1 or 2 only");
  key_condition_ =
      expression::LowerConditions(Kind::kKeyCondition, conditions, expression::Node::Type::kAnd);
  return true;
}

bool RequestExpressions::Read(const Params& params, ApiError& error) {
  if (!legacy_read_ && !ReadLegacy(params, error)) return false;
  if (any_ && !ReadExpressions(params, error)) return false;
  return ReadKeyConditions(params, error);
}

bool RequestExpressions::ReadExpressions(const Params& params, ApiError& error) {
  return ReadNames(params, error) && ReadValues(params, error) &&
         ReadOne(params, Param::kUpdateExpression, Kind::kUpdate, update_, error) &&
         ReadOne(params, Param::kConditionExpression, Kind::kCondition, condition_, error) &&
         ReadOne(params, Param::kKeyConditionExpression, Kind::kKeyCondition, key_condition_,
                 error) &&
         ReadOne(params, Param::kFilterExpression, Kind::kFilter, filter_, error) &&
         ReadOne(params, Param::kProjectionExpression, Kind::kProjection, projection_, error) &&
         Take(placeholders_.CheckAllUsed(), error) &&
         (!key_condition_ || Take(expression::CheckKeyCondition(*key_condition_), error));
}

Status CheckIndexKeys(const expression::Binding& binding, const table::TableDefinition& table) {
  for (const bool local : {false, true}) {
    for (const table::IndexDefinition& index : table.indexes)
      if (index.local == local)
        EW_RETURN_IF_ERROR(expression::CheckIndexKeyUse(binding, index.key, index.name));
  }
  return OkStatus();
}

namespace {

bool CheckSlot(const std::optional<expression::Binding>& slot, const table::TableDefinition& table,
               ApiError& error) {
  return !slot || (Take(expression::CheckKeyUse(*slot, table.key), error) &&
                   Take(CheckIndexKeys(*slot, table), error));
}

}  // namespace

bool RequestExpressions::CheckKeys(const table::TableDefinition& table, ApiError& error) const {
  return CheckSlot(update_, table, error) && CheckSlot(condition_, table, error) &&
         CheckSlot(filter_, table, error) && CheckSlot(projection_, table, error);
}

bool RequestExpressions::CheckProjectionKeys(const table::TableDefinition& table,
                                             ApiError& error) const {
  return CheckSlot(projection_, table, error);
}

bool RequestExpressions::CheckFilterKeys(const item::CompositeKeySchema& schema,
                                         ApiError& error) const {
  return !filter_ || Take(expression::CheckFilterNamesNoKey(*filter_, schema), error);
}

std::vector<std::string_view> RequestExpressions::NamesOf(const Slot& slot) {
  std::vector<std::string_view> names;
  if (!slot) return names;
  for (uint32_t i = 0; i < slot->expression->paths.size(); ++i) {
    const std::string_view name = slot->PathAt(i)[0].name;
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

}  // namespace everwrite::api
