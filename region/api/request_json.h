// Params: one JSON object of a request (the request itself, or an object within it) as an array of
// the parameters that the API knows, read in one pass; and Violations, the list of broken
// constraints in DynamoDB's words. Parameters we do not know are skipped, `null` is absent, and of
// a name that is given twice the last counts, as in items: everything is decided from this one
// reading.
//
// Includes simdjson: for .cc files of this folder only.
//
// Lifetime: views into the thread's parser, gone when the handler returns. What a write needs later
// is copied by then.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <simdjson.h>

#include "region/api/api_error.h"

namespace everwrite::api {

enum class Param : uint8_t {
  kAction,
  kAttributeDefinitions,
  kAttributeName,
  kAttributeType,
  kAttributeUpdates,
  kAttributeValueList,
  kAttributesToGet,
  kBillingMode,
  kClientRequestToken,
  kConditionCheck,
  kComparisonOperator,
  kConditionExpression,
  kConditionalOperator,
  kConsistentRead,
  kCreate,
  kDelete,
  kDeleteRequest,
  kDeletionProtectionEnabled,
  kDisassociate,
  kDisassociationMode,
  kDisassociationProtectionEnabled,
  kEnabled,
  kExclusiveStartKey,
  kExclusiveStartShardId,
  kExclusiveStartStreamArn,
  kExclusiveStartTableName,
  kExists,
  kExpected,
  kExpressionAttributeNames,
  kExpressionAttributeValues,
  kFilterExpression,
  kGet,
  kGlobalSecondaryIndexUpdates,
  kGlobalSecondaryIndexes,
  kGlobalTableName,
  kIndexName,
  kItem,
  kKMSMasterKeyId,
  kKey,
  kKeyConditionExpression,
  kKeyConditions,
  kKeySchema,
  kKeyType,
  kKeys,
  kLimit,
  kLocalSecondaryIndexes,
  kMaxReadRequestUnits,
  kMaxWriteRequestUnits,
  kNextToken,
  kParameters,
  kNonKeyAttributes,
  kOnDemandThroughput,
  kOnDemandThroughputOverride,
  kPointInTimeRecoveryEnabled,
  kPointInTimeRecoverySpecification,
  kProjection,
  kProjectionExpression,
  kProjectionType,
  kProvisionedThroughput,
  kProvisionedThroughputOverride,
  kProvisionedWriteCapacityAutoScalingUpdate,
  kPut,
  kPutRequest,
  kQueryFilter,
  kReadCapacityUnits,
  kReadUnitsPerSecond,
  kRegionName,
  kReplicaUpdates,
  kReplicationGroup,
  kRequestItems,
  kResourceArn,
  kResourcePolicy,
  kReturnConsumedCapacity,
  kReturnItemCollectionMetrics,
  kReturnValues,
  kReturnValuesOnConditionCheckFailure,
  kSSESpecification,
  kSSEType,
  kScanFilter,
  kScanIndexForward,
  kSegment,
  kSelect,
  kSequenceNumber,
  kShardFilter,
  kShardId,
  kShardIterator,
  kShardIteratorType,
  kStatement,
  kStatements,
  kStreamArn,
  kStreamEnabled,
  kStreamSpecification,
  kStreamViewType,
  kTableClass,
  kTableClassOverride,
  kTableName,
  kTagKeys,
  kTags,
  kTimeToLiveSpecification,
  kTotalSegments,
  kTransactItems,
  kTransactStatements,
  kType,
  kUpdate,
  kUpdateExpression,
  kValue,
  kVectorIndexes,
  kWarmThroughput,
  kWriteCapacityUnits,
  kWriteUnitsPerSecond,
  kCount
};

std::string_view ParamName(Param param);
using ParamSet = std::bitset<static_cast<size_t>(Param::kCount)>;

class Params {
 public:
  explicit Params(simdjson::dom::object object);

  bool Has(Param param) const { return present_[static_cast<size_t>(param)]; }
  simdjson::dom::element At(Param param) const { return values_[static_cast<size_t>(param)]; }

  // Each leaves `out` as it is when the parameter is absent, and is false with a
  // SerializationException when it has another type.
  bool Text(Param param, std::string_view& out,
            ApiError& error) const;  // present: data() is not null
  bool Bool(Param param, bool& out, ApiError& error) const;
  bool Integer(Param param, std::optional<int64_t>& out, ApiError& error) const;
  // `type` is the service's class name in its complaint about an array.
  bool Object(Param param, std::string_view type, std::optional<simdjson::dom::object>& out,
              ApiError& error) const;
  bool Array(Param param, std::optional<simdjson::dom::array>& out, ApiError& error) const;

 private:
  std::array<simdjson::dom::element, static_cast<size_t>(Param::kCount)> values_;
  ParamSet present_;
};

// A string of an array or map of strings, by the same rules.
bool ReadText(simdjson::dom::element element, std::string_view& out, ApiError& error);
bool ReadObject(simdjson::dom::element element, std::string_view type, simdjson::dom::object& out,
                ApiError& error);

// "2 validation errors detected: Value 'x' at 'tableName' failed to satisfy constraint: Member must
// …; …"
class Violations {
 public:
  // `value` with null data is shown as null.
  void Add(std::string_view value, std::string_view path, std::string_view constraint);
  void Required(bool present, std::string_view path);
  // Pattern and length of an index's name; nothing when it is absent.
  void Name(std::string_view name, std::string_view path);
  // Length and pattern of a table's name; an empty one breaks the rule of ARNs, which is another.
  void TableName(std::string_view name, std::string_view path);
  // In the words of the parameters that the service checks by its newer rules: no value is shown,
  // and the path is written as in the request.
  void Shape(std::string_view path, std::string_view constraint);
  // `set` is DynamoDB's list with its brackets; absent is fine.
  void OneOf(std::string_view value, std::string_view path, std::string_view set);
  void AtLeast(const std::optional<int64_t>& value, std::string_view path, int64_t low);
  void AtMost(const std::optional<int64_t>& value, std::string_view path, int64_t high);
  // False with the ValidationException when there were any.
  bool Ok(ApiError& error) const;

 private:
  bool Begin();
  void NameLength(std::string_view name, std::string_view path);

  int count_ = 0;
  std::string text_;
};

// A table's name as given, or the name within a table's ARN.
std::string_view TableNameOf(std::string_view name_or_arn);

constexpr std::string_view kReturnConsumedCapacitySet = "[INDEXES, TOTAL, NONE]";
constexpr std::string_view kAttributeMap =
    "java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>";

}  // namespace everwrite::api
