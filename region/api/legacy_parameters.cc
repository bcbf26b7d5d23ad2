#include "region/api/legacy_parameters.h"

#include <algorithm>
#include <map>
#include <set>

#include "region/api/item_json.h"
#include "region/api/item_request.h"
#include "region/item/item.h"

namespace everwrite::api {
namespace {

namespace dom = simdjson::dom;
using expression::LegacyCondition;
using expression::LegacyUpdate;
using item::ItemView;

constexpr size_t kAttributesToGetMax = 255;

// What each parameter is made of, as the service's deserializer calls it.
std::string_view EntryClass(Param param) {
  switch (param) {
    case Param::kExpected: return "com.amazonaws.dynamodb.v20120810.ExpectedAttributeValue";
    case Param::kAttributeUpdates: return "com.amazonaws.dynamodb.v20120810.AttributeValueUpdate";
    default: return "com.amazonaws.dynamodb.v20120810.Condition";
  }
}

// "queryFilter"
std::string MemberName(Param param) {
  std::string name(ParamName(param));
  name[0] = static_cast<char>(name[0] - 'A' + 'a');
  return name;
}

bool ReadEntries(const Params& params, Param param, dom::object& out, ApiError& error) {
  std::string type = "java.util.Map<java.lang.String, ";
  type.append(EntryClass(param)).append(">");
  return ReadObject(params.At(param), type, out, error);
}

// An entry's object; `out` stays empty for null.
bool ReadEntry(Param param, dom::element json, std::optional<dom::object>& out, ApiError& error) {
  out.reset();
  if (json.is_null()) return true;
  if (!json.is_array() && !json.is_object())
    return Fail(error, ErrorType::kSerialization, "Unexpected value type in payload");
  dom::object object;
  if (!ReadObject(json, "class " + std::string(EntryClass(param)), object, error)) return false;
  out = object;
  return true;
}

bool CheckEntry(Param param, const dom::key_value_pair& field, Violations& violations,
                ApiError& error) {
  std::optional<dom::object> entry;
  if (!ReadEntry(param, field.value, entry, error)) return false;
  if (!entry) return true;
  const std::string path = MemberName(param) + "." + std::string(field.key) + ".member.";
  const Params members(*entry);
  std::string_view text;
  if (param == Param::kAttributeUpdates) {
    if (!members.Text(Param::kAction, text, error)) return false;
    violations.OneOf(text, path + "action", "[ADD, DELETE, PUT]");
    return true;
  }
  std::optional<dom::array> list;
  bool exists = false;
  if (!members.Text(Param::kComparisonOperator, text, error) ||
      !members.Array(Param::kAttributeValueList, list, error) ||
      (param == Param::kExpected && !members.Bool(Param::kExists, exists, error)))
    return false;
  if (param != Param::kExpected) violations.Required(text.data(), path + "comparisonOperator");
  violations.OneOf(text, path + "comparisonOperator", expression::kLegacyOperatorSet);
  return true;
}

bool CheckAttributesToGet(const Params& params, Violations& violations, ApiError& error) {
  std::optional<dom::array> names;
  if (!params.Array(Param::kAttributesToGet, names, error)) return false;
  const std::string path = MemberName(Param::kAttributesToGet);
  std::string shown = "[";
  size_t count = 0;
  for (const dom::element name : *names) {
    std::string_view text;
    if (!name.is_null() && !ReadText(name, text, error)) return false;
    if (count++ > 0) shown += ", ";
    shown += text;
  }
  shown += ']';
  if (count == 0) violations.Add(shown, path, "Member must have length greater than or equal to 1");
  if (count > kAttributesToGetMax)
    violations.Add(shown, path, "Member must have length less than or equal to 255");
  return true;
}

bool CheckName(std::string_view name, ApiError& error) {
  if (name.empty()) return FailValidation(error, "Empty attribute name");
  if (name.size() <= item::kAttributeNameBytesMax) return true;
  return FailValidation(error, "Attribute name is too large, must be less than 65536 bytes");
}

bool FailParameter(ApiError& error, std::string what) {
  return FailValidation(error, std::string(kInvalidParameters).append(what));
}

bool Take(const Status& status, ApiError& error) {
  if (status.ok()) return true;
  error = ErrorOf(status);
  return false;
}

bool ReadValueList(dom::array list, std::vector<std::string>& out, ApiError& error) {
  for (const dom::element value : list) {
    if (value.is_null())
      return FailValidation(error, "The supplied Item contains a null AttributeValue");
    if (!ReadValueJson(value, out.emplace_back(), error)) return false;
  }
  return true;
}

// What an entry of Expected says without a ComparisonOperator: that the attribute has a value, or
// is not there.
bool ReadExists(const Params& members, std::string_view name, LegacyCondition& out,
                ApiError& error) {
  const std::string attribute = " for Attribute: " + std::string(name);
  if (members.Has(Param::kAttributeValueList))
    return FailParameter(
        error, "AttributeValueList can only be used with a ComparisonOperator" + attribute);
  bool exists = true;
  if (!members.Bool(Param::kExists, exists, error)) return false;
  if (exists && !members.Has(Param::kValue))
    return FailParameter(error, "Value must be provided when Exists is " +
                                    std::string(members.Has(Param::kExists) ? "true" : "null") +
                                    attribute);
  if (!exists && members.Has(Param::kValue))
    return FailParameter(error, "Value cannot be used when Exists is false" + attribute);
  out.op = exists ? expression::LegacyOperator::kEqual : expression::LegacyOperator::kNull;
  return true;
}

// The rules of Expected beyond those of a Condition.
bool ReadExpected(const Params& members, std::string_view name, LegacyCondition& out,
                  ApiError& error) {
  const std::string attribute = " for Attribute: " + std::string(name);
  const bool has_value = members.Has(Param::kValue);
  const bool has_list = members.Has(Param::kAttributeValueList);
  if (has_value && !ReadValueJson(members.At(Param::kValue), out.values.emplace_back(), error))
    return false;
  if (has_value && has_list)
    return FailParameter(error, "Value and AttributeValueList cannot be used together" + attribute);
  if (!members.Has(Param::kComparisonOperator)) return ReadExists(members, name, out, error);
  if (members.Has(Param::kExists))
    return FailParameter(error,
                         "Exists and ComparisonOperator cannot be used together" + attribute);
  const bool wants_none =
      out.op == expression::LegacyOperator::kNull || out.op == expression::LegacyOperator::kNotNull;
  if (wants_none || has_value || has_list) return true;
  return FailParameter(error, "Value or AttributeValueList must be used with ComparisonOperator: " +
                                  std::string(expression::LegacyOperatorName(out.op)) + attribute);
}

bool ReadCondition(Param param, const dom::key_value_pair& field, LegacyCondition& out,
                   ApiError& error) {
  if (!CheckName(field.key, error)) return false;
  out.attribute = field.key;
  std::optional<dom::object> entry;
  if (!ReadEntry(param, field.value, entry, error)) return false;
  if (!entry)
    return param == Param::kExpected
               ? FailParameter(error, "ExpectedAttributeValue must not be null for Attribute: " +
                                          out.attribute)
               : FailValidation(error, "The filter condition for an attribute cannot be null: " +
                                           out.attribute);
  const Params members(*entry);
  std::string_view op;
  std::optional<dom::array> list;
  if (!members.Text(Param::kComparisonOperator, op, error) ||
      !members.Array(Param::kAttributeValueList, list, error))
    return false;
  expression::LegacyOperatorFromName(op, out.op);  // CheckLegacyShape saw that it is one
  if (list && !ReadValueList(*list, out.values, error)) return false;
  if (param == Param::kExpected && !ReadExpected(members, field.key, out, error)) return false;
  return Take(expression::CheckArguments(out), error);
}

bool ReadUpdate(const dom::key_value_pair& field, LegacyUpdate& out, ApiError& error) {
  if (!CheckName(field.key, error)) return false;
  out.attribute = field.key;
  std::optional<dom::object> entry;
  if (!ReadEntry(Param::kAttributeUpdates, field.value, entry, error)) return false;
  if (!entry)
    return FailParameter(error,
                         "AttributeValueUpdate must not be null for Attribute: " + out.attribute);
  const Params members(*entry);
  std::string_view action;
  if (!members.Text(Param::kAction, action, error)) return false;
  out.action = action == "ADD"      ? LegacyUpdate::Action::kAdd
               : action == "DELETE" ? LegacyUpdate::Action::kDelete
                                    : LegacyUpdate::Action::kPut;
  if (members.Has(Param::kValue) &&
      !ReadValueJson(members.At(Param::kValue), out.value.emplace(), error))
    return false;
  return Take(expression::CheckUpdate(out), error);
}

// Of a name given twice the last counts, in the place of the first.
template <typename Entry>
Entry& EntryFor(std::string_view name, std::map<std::string_view, size_t>& places,
                std::vector<Entry>& out) {
  const auto [place, is_new] = places.try_emplace(name, out.size());
  if (is_new) return out.emplace_back();
  return out[place->second] = Entry();
}

}  // namespace

bool IsLegacy(Param param) {
  switch (param) {
    case Param::kAttributesToGet:
    case Param::kAttributeUpdates:
    case Param::kConditionalOperator:
    case Param::kExpected:
    case Param::kKeyConditions:
    case Param::kQueryFilter:
    case Param::kScanFilter: return true;
    default: return false;
  }
}

bool CheckLegacyShape(const Params& params, Param param, Violations& violations, ApiError& error) {
  if (!params.Has(param)) return true;
  if (param == Param::kAttributesToGet) return CheckAttributesToGet(params, violations, error);
  if (param == Param::kConditionalOperator) {
    std::string_view text;
    if (!params.Text(param, text, error)) return false;
    violations.OneOf(text, "conditionalOperator", "[OR, AND]");
    return true;
  }
  dom::object entries;
  if (!ReadEntries(params, param, entries, error)) return false;
  for (const dom::key_value_pair field : entries)
    if (!CheckEntry(param, field, violations, error)) return false;
  return true;
}

bool ReadLegacyConditions(const Params& params, Param param, std::vector<LegacyCondition>& out,
                          ApiError& error) {
  dom::object entries;
  std::map<std::string_view, size_t> places;
  if (!ReadEntries(params, param, entries, error)) return false;
  for (const dom::key_value_pair field : entries)
    if (!ReadCondition(param, field, EntryFor(field.key, places, out), error)) return false;
  return true;
}

bool ReadLegacyUpdates(const Params& params, std::vector<LegacyUpdate>& out, ApiError& error) {
  dom::object entries;
  std::map<std::string_view, size_t> places;
  if (!ReadEntries(params, Param::kAttributeUpdates, entries, error)) return false;
  for (const dom::key_value_pair field : entries)
    if (!ReadUpdate(field, EntryFor(field.key, places, out), error)) return false;
  return true;
}

bool ReadAttributesToGet(const Params& params, std::vector<std::string>& out, ApiError& error) {
  std::optional<dom::array> names;
  if (!params.Array(Param::kAttributesToGet, names, error)) return false;
  std::set<std::string_view> seen;
  for (const dom::element name : *names) {
    std::string_view text;
    if (!name.is_null() && !ReadText(name, text, error)) return false;
    if (!CheckName(text, error)) return false;
    if (!seen.insert(text).second)
      return FailParameter(error, "Duplicate value in attribute name: " + std::string(text));
    out.emplace_back(text);
  }
  return true;
}

bool ReadConditionalOperator(const Params& params, size_t conditions,
                             expression::Node::Type& and_or_or, ApiError& error) {
  constexpr size_t kJoinedMin = 2;
  std::string_view text;
  and_or_or = expression::Node::Type::kAnd;
  if (!params.Text(Param::kConditionalOperator, text, error)) return false;
  if (!text.data()) return true;
  if (conditions == 0)
    return FailValidation(error, "ConditionalOperator cannot be used without Filter or Expected");
  if (conditions < kJoinedMin)
    return FailValidation(error,
                          "ConditionalOperator can only be used when Filter or Expected has two "
                          "or more elements");
  if (text == "OR") and_or_or = expression::Node::Type::kOr;
  return true;
}

}  // namespace everwrite::api
