#include "region/api/request_json.h"

#include <algorithm>
#include <vector>

namespace everwrite::api {
namespace {

namespace dom = simdjson::dom;

// In the order of Param.
constexpr std::string_view kNames[] = {"Action",
                                       "AttributeDefinitions",
                                       "AttributeName",
                                       "AttributeType",
                                       "AttributeUpdates",
                                       "AttributeValueList",
                                       "AttributesToGet",
                                       "BillingMode",
                                       "ClientRequestToken",
                                       "ConditionCheck",
                                       "ComparisonOperator",
                                       "ConditionExpression",
                                       "ConditionalOperator",
                                       "ConsistentRead",
                                       "Create",
                                       "Delete",
                                       "DeleteRequest",
                                       "DeletionProtectionEnabled",
                                       "Disassociate",
                                       "DisassociationMode",
                                       "DisassociationProtectionEnabled",
                                       "Enabled",
                                       "ExclusiveStartKey",
                                       "ExclusiveStartShardId",
                                       "ExclusiveStartStreamArn",
                                       "ExclusiveStartTableName",
                                       "Exists",
                                       "Expected",
                                       "ExpressionAttributeNames",
                                       "ExpressionAttributeValues",
                                       "FilterExpression",
                                       "Get",
                                       "GlobalSecondaryIndexUpdates",
                                       "GlobalSecondaryIndexes",
                                       "GlobalTableName",
                                       "IndexName",
                                       "Item",
                                       "KMSMasterKeyId",
                                       "Key",
                                       "KeyConditionExpression",
                                       "KeyConditions",
                                       "KeySchema",
                                       "KeyType",
                                       "Keys",
                                       "Limit",
                                       "LocalSecondaryIndexes",
                                       "MaxReadRequestUnits",
                                       "MaxWriteRequestUnits",
                                       "NextToken",
                                       "Parameters",
                                       "NonKeyAttributes",
                                       "OnDemandThroughput",
                                       "OnDemandThroughputOverride",
                                       "PointInTimeRecoveryEnabled",
                                       "PointInTimeRecoverySpecification",
                                       "Projection",
                                       "ProjectionExpression",
                                       "ProjectionType",
                                       "ProvisionedThroughput",
                                       "ProvisionedThroughputOverride",
                                       "ProvisionedWriteCapacityAutoScalingUpdate",
                                       "Put",
                                       "PutRequest",
                                       "QueryFilter",
                                       "ReadCapacityUnits",
                                       "ReadUnitsPerSecond",
                                       "RegionName",
                                       "ReplicaUpdates",
                                       "ReplicationGroup",
                                       "RequestItems",
                                       "ResourceArn",
                                       "ResourcePolicy",
                                       "ReturnConsumedCapacity",
                                       "ReturnItemCollectionMetrics",
                                       "ReturnValues",
                                       "ReturnValuesOnConditionCheckFailure",
                                       "SSESpecification",
                                       "SSEType",
                                       "ScanFilter",
                                       "ScanIndexForward",
                                       "Segment",
                                       "Select",
                                       "SequenceNumber",
                                       "ShardFilter",
                                       "ShardId",
                                       "ShardIterator",
                                       "ShardIteratorType",
                                       "Statement",
                                       "Statements",
                                       "StreamArn",
                                       "StreamEnabled",
                                       "StreamSpecification",
                                       "StreamViewType",
                                       "TableClass",
                                       "TableClassOverride",
                                       "TableName",
                                       "TagKeys",
                                       "Tags",
                                       "TimeToLiveSpecification",
                                       "TotalSegments",
                                       "TransactItems",
                                       "TransactStatements",
                                       "Type",
                                       "Update",
                                       "UpdateExpression",
                                       "Value",
                                       "VectorIndexes",
                                       "WarmThroughput",
                                       "WriteCapacityUnits",
                                       "WriteUnitsPerSecond"};
static_assert(std::size(kNames) == static_cast<size_t>(Param::kCount));

constexpr size_t kNameMax = 48;

// Few names share a length, so a length finds nearly the one.
struct NameIndex {
  std::array<std::vector<uint8_t>, kNameMax> by_size;
  NameIndex() {
    for (size_t i = 0; i < std::size(kNames); ++i)
      by_size[kNames[i].size()].push_back(static_cast<uint8_t>(i));
  }
};

int Find(std::string_view name) {
  static const NameIndex index;
  if (name.size() >= kNameMax) return -1;
  for (const uint8_t i : index.by_size[name.size()])
    if (kNames[i] == name) return i;
  return -1;
}

// What the service's deserializer calls a value where a scalar of Java's `type` is wanted.
bool FailScalar(dom::element element, std::string_view type, ApiError& error) {
  std::string_view kind;
  switch (element.type()) {
    case dom::element_type::ARRAY:
      return Fail(error, ErrorType::kSerialization,
                  "Unrecognized collection type class java.lang." + std::string(type));
    case dom::element_type::OBJECT:
      return Fail(error, ErrorType::kSerialization,
                  "Start of structure or map found where not expected");
    case dom::element_type::BOOL:
      kind = element.get_bool().value_unsafe() ? "TRUE_VALUE" : "FALSE_VALUE";
      break;
    case dom::element_type::DOUBLE: kind = "DECIMAL_VALUE"; break;
    case dom::element_type::STRING: kind = "STRING_VALUE"; break;
    default: kind = "NUMBER_VALUE"; break;
  }
  return Fail(error, ErrorType::kSerialization,
              std::string(kind) + " cannot be converted to " + std::string(type));
}

bool ReadBool(dom::element element, bool& out, ApiError& error) {
  if (element.get_bool().get(out) == simdjson::SUCCESS) return true;
  std::string_view text;
  if (element.get_string().get(text) != simdjson::SUCCESS)
    return FailScalar(element, "Boolean", error);
  if (text == "true" || text == "TRUE" || text == "True")
    out = true;
  else if (text == "false" || text == "FALSE" || text == "False")
    out = false;
  else
    return Fail(error, ErrorType::kSerialization, "Unexpected token received from parser");
  return true;
}

}  // namespace

std::string_view ParamName(Param param) { return kNames[static_cast<size_t>(param)]; }

Params::Params(dom::object object) {
  for (const dom::key_value_pair field : object) {
    const int i = Find(field.key);
    if (i < 0) continue;
    values_[static_cast<size_t>(i)] = field.value;
    present_[static_cast<size_t>(i)] = !field.value.is_null();
  }
}

bool ReadText(dom::element element, std::string_view& out, ApiError& error) {
  if (element.get_string().get(out) == simdjson::SUCCESS) return true;
  return FailScalar(element, "String", error);
}

bool ReadObject(dom::element element, std::string_view type, dom::object& out, ApiError& error) {
  if (element.get_object().get(out) == simdjson::SUCCESS) return true;
  if (element.is_array())
    return Fail(error, ErrorType::kSerialization,
                "Unrecognized collection type " + std::string(type));
  return Fail(error, ErrorType::kSerialization, "Unexpected field type");
}

bool Params::Text(Param param, std::string_view& out, ApiError& error) const {
  return !Has(param) || ReadText(At(param), out, error);
}

bool Params::Bool(Param param, bool& out, ApiError& error) const {
  return !Has(param) || ReadBool(At(param), out, error);
}

bool Params::Integer(Param param, std::optional<int64_t>& out, ApiError& error) const {
  if (!Has(param)) return true;
  int64_t whole;
  if (At(param).get_int64().get(whole) == simdjson::SUCCESS) {
    out = whole;
    return true;
  }
  double fraction;  // the service rounds down
  if (At(param).type() == dom::element_type::DOUBLE &&
      At(param).get_double().get(fraction) == simdjson::SUCCESS && fraction > -1e15 &&
      fraction < 1e15) {
    out = static_cast<int64_t>(fraction);
    return true;
  }
  return FailScalar(At(param), "Long", error);
}

bool Params::Object(Param param, std::string_view type, std::optional<dom::object>& out,
                    ApiError& error) const {
  if (!Has(param)) return true;
  dom::object object;
  if (!ReadObject(At(param), type, object, error)) return false;
  out = object;
  return true;
}

bool Params::Array(Param param, std::optional<dom::array>& out, ApiError& error) const {
  if (!Has(param)) return true;
  dom::array array;
  if (At(param).get_array().get(array) == simdjson::SUCCESS) {
    out = array;
    return true;
  }
  return Fail(error, ErrorType::kSerialization,
              At(param).is_object() ? "Start of structure or map found where not expected"
                                    : "Unexpected field type");
}

bool Violations::Begin() {
  constexpr int kViolationsMax = 10;  // as many as the service names
  if (count_ == kViolationsMax) return false;
  if (count_++ > 0) text_ += "; ";
  return true;
}

void Violations::Add(std::string_view value, std::string_view path, std::string_view constraint) {
  if (!Begin()) return;
  if (value.data()) {
    text_.append("Value '").append(value).append("'");
  } else {
    text_ += "Value null";
  }
  text_.append(" at '").append(path).append("' failed to satisfy constraint: ").append(constraint);
}

void Violations::Shape(std::string_view path, std::string_view constraint) {
  if (!Begin()) return;
  text_.append("Value at '").append(path).append("' failed to satisfy constraint: ");
  text_.append(constraint);
}

void Violations::Required(bool present, std::string_view path) {
  if (!present) Add({}, path, "Member must not be null");
}

namespace {

constexpr std::string_view kNamePattern =
    "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+";

bool IsName(std::string_view name) {
  const auto is_legal = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
  };
  return !name.empty() && std::all_of(name.begin(), name.end(), is_legal);
}

}  // namespace

void Violations::NameLength(std::string_view name, std::string_view path) {
  constexpr size_t kNameLow = 3, kNameHigh = 255;
  if (name.size() < kNameLow) Add(name, path, "Member must have length greater than or equal to 3");
  if (name.size() > kNameHigh) Add(name, path, "Member must have length less than or equal to 255");
}

void Violations::Name(std::string_view name, std::string_view path) {
  if (!name.data()) return;
  if (!IsName(name)) Add(name, path, kNamePattern);
  NameLength(name, path);
}

void Violations::TableName(std::string_view name, std::string_view path) {
  if (!name.data()) return;
  if (name.empty()) return Add(name, path, "Member must have length greater than or equal to 1");
  NameLength(name, path);
  if (!IsName(name)) Add(name, path, kNamePattern);
}

void Violations::OneOf(std::string_view value, std::string_view path, std::string_view set) {
  if (!value.data()) return;
  std::string_view rest = set.substr(1, set.size() - 2);
  while (true) {
    const size_t comma = rest.find(", ");
    if (rest.substr(0, comma) == value) return;
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 2);
  }
  Add(value, path, "Member must satisfy enum value set: " + std::string(set));
}

void Violations::AtLeast(const std::optional<int64_t>& value, std::string_view path, int64_t low) {
  if (value && *value < low)
    Add(std::to_string(*value), path,
        "Member must have value greater than or equal to " + std::to_string(low));
}

void Violations::AtMost(const std::optional<int64_t>& value, std::string_view path, int64_t high) {
  if (value && *value > high)
    Add(std::to_string(*value), path,
        "Member must have value less than or equal to " + std::to_string(high));
}

bool Violations::Ok(ApiError& error) const {
  if (count_ == 0) return true;
  return FailValidation(error, std::to_string(count_) + " validation error" +
                                   (count_ > 1 ? "s" : "") + " detected: " + text_);
}

std::string_view TableNameOf(std::string_view name_or_arn) {
  if (name_or_arn.substr(0, 4) != "arn:") return name_or_arn;
  const size_t at = name_or_arn.find(":table/");
  return at == std::string_view::npos ? name_or_arn : name_or_arn.substr(at + 7);
}

}  // namespace everwrite::api
