#include "region/api/request_types.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "region/api/base64.h"
#include "region/http/http_types.h"

namespace everwrite::api {
namespace {

namespace dom = simdjson::dom;

enum class Kind : uint8_t {
  kString,
  kInteger,
  kLong,
  kDouble,
  kBoolean,
  kBlob,
  kList,
  kMap,
  kStruct
};

struct Field;

struct Shape {
  std::string_view name;  // without the package
  const Field* fields;
  size_t size;
};

struct Type {
  Kind kind;
  const Type* element = nullptr;   // of lists and maps
  const Shape* shape = nullptr;    // of structures
  std::string_view element_class;  // of a map's values, as Java writes it
};

struct Field {
  std::string_view name;
  const Type* type;
};

// --- the model: shapes from the inside to the outside -------------------------------------------

constexpr Type kString{Kind::kString, nullptr, nullptr, {}};
constexpr Type kInteger{Kind::kInteger, nullptr, nullptr, {}};
constexpr Type kLong{Kind::kLong, nullptr, nullptr, {}};
constexpr Type kDouble{Kind::kDouble, nullptr, nullptr, {}};
constexpr Type kBoolean{Kind::kBoolean, nullptr, nullptr, {}};
constexpr Type kBlob{Kind::kBlob, nullptr, nullptr, {}};
constexpr Type kStrings{Kind::kList, &kString, nullptr, {}};
constexpr Type kBlobs{Kind::kList, &kBlob, nullptr, {}};
constexpr Type kStringMap{Kind::kMap, &kString, nullptr, "java.lang.String"};

template <size_t kSize>
constexpr Shape ShapeOf(std::string_view name, const Field (&fields)[kSize]) {
  return {name, fields, kSize};
}
constexpr Type Structure(const Shape& shape) { return {Kind::kStruct, nullptr, &shape, {}}; }
constexpr Type ListOf(const Type& element) { return {Kind::kList, &element, nullptr, {}}; }
constexpr Type MapOf(const Type& element, std::string_view element_class = {}) {
  return {Kind::kMap, &element, nullptr, element_class};
}

extern const Shape kAttributeValueShape;
const Type kValue{Kind::kStruct, nullptr, &kAttributeValueShape, {}};
const Type kValues = ListOf(kValue);
const Type kValueMap = MapOf(kValue);
const Type kKeyList = ListOf(kValueMap);
const Field kAttributeValueFields[] = {
    {"S", &kString}, {"N", &kString},   {"B", &kBlob},   {"SS", &kStrings},   {"NS", &kStrings},
    {"BS", &kBlobs}, {"M", &kValueMap}, {"L", &kValues}, {"NULL", &kBoolean}, {"BOOL", &kBoolean},
};
const Shape kAttributeValueShape = ShapeOf("AttributeValue", kAttributeValueFields);

// A structure and the type of a value that is one.
#define EVERWRITE_SHAPE(name, ...)                              \
  const Field k##name##Fields[] = {__VA_ARGS__};                \
  const Shape k##name##Shape = ShapeOf(#name, k##name##Fields); \
  const Type k##name = Structure(k##name##Shape)

EVERWRITE_SHAPE(Condition, {"AttributeValueList", &kValues}, {"ComparisonOperator", &kString});
const Type kConditions = MapOf(kCondition);
EVERWRITE_SHAPE(ExpectedAttributeValue, {"AttributeValueList", &kValues},
                {"ComparisonOperator", &kString}, {"Exists", &kBoolean}, {"Value", &kValue});
const Type kExpected = MapOf(kExpectedAttributeValue);
EVERWRITE_SHAPE(AttributeValueUpdate, {"Action", &kString}, {"Value", &kValue});
const Type kAttributeUpdates = MapOf(kAttributeValueUpdate);

EVERWRITE_SHAPE(AttributeDefinition, {"AttributeName", &kString}, {"AttributeType", &kString});
const Type kAttributeDefinitions = ListOf(kAttributeDefinition);
EVERWRITE_SHAPE(KeySchemaElement, {"AttributeName", &kString}, {"KeyType", &kString});
const Type kKeySchema = ListOf(kKeySchemaElement);
EVERWRITE_SHAPE(Projection, {"ProjectionType", &kString}, {"NonKeyAttributes", &kStrings});
EVERWRITE_SHAPE(ProvisionedThroughput, {"ReadCapacityUnits", &kLong},
                {"WriteCapacityUnits", &kLong});
EVERWRITE_SHAPE(OnDemandThroughput, {"MaxReadRequestUnits", &kLong},
                {"MaxWriteRequestUnits", &kLong});
EVERWRITE_SHAPE(WarmThroughput, {"ReadUnitsPerSecond", &kLong}, {"WriteUnitsPerSecond", &kLong});
EVERWRITE_SHAPE(LocalSecondaryIndex, {"IndexName", &kString}, {"KeySchema", &kKeySchema},
                {"Projection", &kProjection});
const Type kLocalSecondaryIndexes = ListOf(kLocalSecondaryIndex);
EVERWRITE_SHAPE(GlobalSecondaryIndex, {"IndexName", &kString}, {"KeySchema", &kKeySchema},
                {"Projection", &kProjection}, {"ProvisionedThroughput", &kProvisionedThroughput},
                {"OnDemandThroughput", &kOnDemandThroughput}, {"WarmThroughput", &kWarmThroughput});
const Type kGlobalSecondaryIndexes = ListOf(kGlobalSecondaryIndex);
EVERWRITE_SHAPE(CreateGlobalSecondaryIndexAction, {"IndexName", &kString},
                {"KeySchema", &kKeySchema}, {"Projection", &kProjection},
                {"ProvisionedThroughput", &kProvisionedThroughput},
                {"OnDemandThroughput", &kOnDemandThroughput}, {"WarmThroughput", &kWarmThroughput});
EVERWRITE_SHAPE(UpdateGlobalSecondaryIndexAction, {"IndexName", &kString},
                {"ProvisionedThroughput", &kProvisionedThroughput},
                {"OnDemandThroughput", &kOnDemandThroughput}, {"WarmThroughput", &kWarmThroughput});
EVERWRITE_SHAPE(DeleteGlobalSecondaryIndexAction, {"IndexName", &kString});
EVERWRITE_SHAPE(GlobalSecondaryIndexUpdate, {"Create", &kCreateGlobalSecondaryIndexAction},
                {"Update", &kUpdateGlobalSecondaryIndexAction},
                {"Delete", &kDeleteGlobalSecondaryIndexAction});
const Type kGlobalSecondaryIndexUpdates = ListOf(kGlobalSecondaryIndexUpdate);
EVERWRITE_SHAPE(StreamSpecification, {"StreamEnabled", &kBoolean}, {"StreamViewType", &kString});
EVERWRITE_SHAPE(SSESpecification, {"Enabled", &kBoolean}, {"SSEType", &kString},
                {"KMSMasterKeyId", &kString});
EVERWRITE_SHAPE(Tag, {"Key", &kString}, {"Value", &kString});
const Type kTags = ListOf(kTag);
EVERWRITE_SHAPE(TimeToLiveSpecification, {"Enabled", &kBoolean}, {"AttributeName", &kString});
EVERWRITE_SHAPE(PointInTimeRecoverySpecification, {"PointInTimeRecoveryEnabled", &kBoolean},
                {"RecoveryPeriodInDays", &kInteger});
EVERWRITE_SHAPE(ProvisionedThroughputOverride, {"ReadCapacityUnits", &kLong});
EVERWRITE_SHAPE(OnDemandThroughputOverride, {"MaxReadRequestUnits", &kLong});
EVERWRITE_SHAPE(ReplicaGlobalSecondaryIndex, {"IndexName", &kString},
                {"ProvisionedThroughputOverride", &kProvisionedThroughputOverride},
                {"OnDemandThroughputOverride", &kOnDemandThroughputOverride});
const Type kReplicaIndexes = ListOf(kReplicaGlobalSecondaryIndex);
#define EVERWRITE_MEMBER                                                  \
  {"RegionName", &kString}, {"KMSMasterKeyId", &kString},                 \
      {"ProvisionedThroughputOverride", &kProvisionedThroughputOverride}, \
      {"OnDemandThroughputOverride", &kOnDemandThroughputOverride},       \
      {"TableClassOverride", &kString}, {                                 \
    "GlobalSecondaryIndexes", &kReplicaIndexes                            \
  }
EVERWRITE_SHAPE(CreateReplicationGroupMemberAction, EVERWRITE_MEMBER);
EVERWRITE_SHAPE(UpdateReplicationGroupMemberAction, EVERWRITE_MEMBER);
#undef EVERWRITE_MEMBER
EVERWRITE_SHAPE(DeleteReplicationGroupMemberAction, {"RegionName", &kString});
EVERWRITE_SHAPE(DisassociateReplicationGroupMemberAction, {"RegionName", &kString},
                {"DisassociationMode", &kString});
EVERWRITE_SHAPE(ReplicationGroupUpdate, {"Create", &kCreateReplicationGroupMemberAction},
                {"Update", &kUpdateReplicationGroupMemberAction},
                {"Delete", &kDeleteReplicationGroupMemberAction},
                {"Disassociate", &kDisassociateReplicationGroupMemberAction});
const Type kReplicaUpdates = ListOf(kReplicationGroupUpdate);

EVERWRITE_SHAPE(KeysAndAttributes, {"Keys", &kKeyList}, {"AttributesToGet", &kStrings},
                {"ConsistentRead", &kBoolean}, {"ProjectionExpression", &kString},
                {"ExpressionAttributeNames", &kStringMap});
const Type kBatchGets = MapOf(kKeysAndAttributes);
EVERWRITE_SHAPE(PutRequest, {"Item", &kValueMap});
EVERWRITE_SHAPE(DeleteRequest, {"Key", &kValueMap});
EVERWRITE_SHAPE(WriteRequest, {"PutRequest", &kPutRequest}, {"DeleteRequest", &kDeleteRequest});
const Type kWriteRequests = ListOf(kWriteRequest);
const Type kBatchWrites =
    MapOf(kWriteRequests, "java.util.List<com.amazonaws.dynamodb.v20120810.WriteRequest>");

#define EVERWRITE_EXPRESSIONS \
  {"ExpressionAttributeNames", &kStringMap}, { "ExpressionAttributeValues", &kValueMap }
EVERWRITE_SHAPE(ConditionCheck, {"Key", &kValueMap}, {"TableName", &kString},
                {"ConditionExpression", &kString},
                {"ReturnValuesOnConditionCheckFailure", &kString}, EVERWRITE_EXPRESSIONS);
EVERWRITE_SHAPE(Put, {"Item", &kValueMap}, {"TableName", &kString},
                {"ConditionExpression", &kString},
                {"ReturnValuesOnConditionCheckFailure", &kString}, EVERWRITE_EXPRESSIONS);
EVERWRITE_SHAPE(Delete, {"Key", &kValueMap}, {"TableName", &kString},
                {"ConditionExpression", &kString},
                {"ReturnValuesOnConditionCheckFailure", &kString}, EVERWRITE_EXPRESSIONS);
EVERWRITE_SHAPE(Update, {"Key", &kValueMap}, {"UpdateExpression", &kString},
                {"TableName", &kString}, {"ConditionExpression", &kString},
                {"ReturnValuesOnConditionCheckFailure", &kString}, EVERWRITE_EXPRESSIONS);
EVERWRITE_SHAPE(TransactWriteItem, {"ConditionCheck", &kConditionCheck}, {"Put", &kPut},
                {"Delete", &kDelete}, {"Update", &kUpdate});
const Type kTransactWrites = ListOf(kTransactWriteItem);
EVERWRITE_SHAPE(Get, {"Key", &kValueMap}, {"TableName", &kString},
                {"ProjectionExpression", &kString}, {"ExpressionAttributeNames", &kStringMap});
EVERWRITE_SHAPE(TransactGetItem, {"Get", &kGet});
const Type kTransactGets = ListOf(kTransactGetItem);
EVERWRITE_SHAPE(BatchStatementRequest, {"Statement", &kString}, {"Parameters", &kValues},
                {"ConsistentRead", &kBoolean}, {"ReturnValuesOnConditionCheckFailure", &kString});
const Type kBatchStatements = ListOf(kBatchStatementRequest);
EVERWRITE_SHAPE(ParameterizedStatement, {"Statement", &kString}, {"Parameters", &kValues},
                {"ReturnValuesOnConditionCheckFailure", &kString});
const Type kParameterizedStatements = ListOf(kParameterizedStatement);

// --- the operations ------------------------------------------------------------------------------

EVERWRITE_SHAPE(GetItem, {"TableName", &kString}, {"Key", &kValueMap},
                {"AttributesToGet", &kStrings}, {"ConsistentRead", &kBoolean},
                {"ReturnConsumedCapacity", &kString}, {"ProjectionExpression", &kString},
                {"ExpressionAttributeNames", &kStringMap});
#define EVERWRITE_WRITE                                                                 \
  {"TableName", &kString}, {"Expected", &kExpected}, {"ConditionalOperator", &kString}, \
      {"ReturnValues", &kString}, {"ReturnConsumedCapacity", &kString},                 \
      {"ReturnItemCollectionMetrics", &kString}, {"ConditionExpression", &kString},     \
      {"ReturnValuesOnConditionCheckFailure", &kString}, EVERWRITE_EXPRESSIONS
EVERWRITE_SHAPE(PutItem, {"Item", &kValueMap}, EVERWRITE_WRITE);
EVERWRITE_SHAPE(DeleteItem, {"Key", &kValueMap}, EVERWRITE_WRITE);
EVERWRITE_SHAPE(UpdateItem, {"Key", &kValueMap}, {"AttributeUpdates", &kAttributeUpdates},
                {"UpdateExpression", &kString}, EVERWRITE_WRITE);
#define EVERWRITE_READ                                                                     \
  {"TableName", &kString}, {"IndexName", &kString}, {"Select", &kString},                  \
      {"AttributesToGet", &kStrings}, {"Limit", &kInteger}, {"ConsistentRead", &kBoolean}, \
      {"ConditionalOperator", &kString}, {"ExclusiveStartKey", &kValueMap},                \
      {"ReturnConsumedCapacity", &kString}, {"ProjectionExpression", &kString},            \
      {"FilterExpression", &kString}, EVERWRITE_EXPRESSIONS
EVERWRITE_SHAPE(Query, {"KeyConditions", &kConditions}, {"QueryFilter", &kConditions},
                {"ScanIndexForward", &kBoolean}, {"KeyConditionExpression", &kString},
                EVERWRITE_READ);
EVERWRITE_SHAPE(Scan, {"ScanFilter", &kConditions}, {"Segment", &kInteger},
                {"TotalSegments", &kInteger}, EVERWRITE_READ);
EVERWRITE_SHAPE(BatchGetItem, {"RequestItems", &kBatchGets}, {"ReturnConsumedCapacity", &kString});
EVERWRITE_SHAPE(BatchWriteItem, {"RequestItems", &kBatchWrites},
                {"ReturnConsumedCapacity", &kString}, {"ReturnItemCollectionMetrics", &kString});
EVERWRITE_SHAPE(TransactWriteItems, {"TransactItems", &kTransactWrites},
                {"ReturnConsumedCapacity", &kString}, {"ReturnItemCollectionMetrics", &kString},
                {"ClientRequestToken", &kString});
EVERWRITE_SHAPE(TransactGetItems, {"TransactItems", &kTransactGets},
                {"ReturnConsumedCapacity", &kString});
EVERWRITE_SHAPE(ExecuteStatement, {"Statement", &kString}, {"Parameters", &kValues},
                {"ConsistentRead", &kBoolean}, {"NextToken", &kString},
                {"ReturnConsumedCapacity", &kString}, {"Limit", &kInteger},
                {"ReturnValuesOnConditionCheckFailure", &kString});
EVERWRITE_SHAPE(BatchExecuteStatement, {"Statements", &kBatchStatements},
                {"ReturnConsumedCapacity", &kString});
EVERWRITE_SHAPE(ExecuteTransaction, {"TransactStatements", &kParameterizedStatements},
                {"ClientRequestToken", &kString}, {"ReturnConsumedCapacity", &kString});
#define EVERWRITE_TABLE                                                                         \
  {"TableName", &kString}, {"AttributeDefinitions", &kAttributeDefinitions},                    \
      {"BillingMode", &kString}, {"ProvisionedThroughput", &kProvisionedThroughput},            \
      {"OnDemandThroughput", &kOnDemandThroughput}, {"WarmThroughput", &kWarmThroughput},       \
      {"StreamSpecification", &kStreamSpecification}, {"SSESpecification", &kSSESpecification}, \
      {"TableClass", &kString}, {                                                               \
    "DeletionProtectionEnabled", &kBoolean                                                      \
  }
EVERWRITE_SHAPE(CreateTable, {"KeySchema", &kKeySchema},
                {"LocalSecondaryIndexes", &kLocalSecondaryIndexes},
                {"GlobalSecondaryIndexes", &kGlobalSecondaryIndexes}, {"Tags", &kTags},
                {"ResourcePolicy", &kString}, EVERWRITE_TABLE);
EVERWRITE_SHAPE(UpdateTable, {"GlobalSecondaryIndexUpdates", &kGlobalSecondaryIndexUpdates},
                {"ReplicaUpdates", &kReplicaUpdates},
                {"DisassociationProtectionEnabled", &kBoolean}, EVERWRITE_TABLE);
EVERWRITE_SHAPE(TableNamed, {"TableName", &kString});
EVERWRITE_SHAPE(ListTables, {"ExclusiveStartTableName", &kString}, {"Limit", &kInteger});
EVERWRITE_SHAPE(TagResource, {"ResourceArn", &kString}, {"Tags", &kTags});
EVERWRITE_SHAPE(UntagResource, {"ResourceArn", &kString}, {"TagKeys", &kStrings});
EVERWRITE_SHAPE(ListTagsOfResource, {"ResourceArn", &kString}, {"NextToken", &kString});
EVERWRITE_SHAPE(UpdateTimeToLive, {"TableName", &kString},
                {"TimeToLiveSpecification", &kTimeToLiveSpecification});
EVERWRITE_SHAPE(UpdateContinuousBackups, {"TableName", &kString},
                {"PointInTimeRecoverySpecification", &kPointInTimeRecoverySpecification});
EVERWRITE_SHAPE(ShardFilter, {"Type", &kString}, {"ShardId", &kString});
EVERWRITE_SHAPE(ListStreams, {"TableName", &kString}, {"Limit", &kInteger},
                {"ExclusiveStartStreamArn", &kString});
EVERWRITE_SHAPE(DescribeStream, {"StreamArn", &kString}, {"Limit", &kInteger},
                {"ExclusiveStartShardId", &kString}, {"ShardFilter", &kShardFilter});
EVERWRITE_SHAPE(GetShardIterator, {"StreamArn", &kString}, {"ShardId", &kString},
                {"ShardIteratorType", &kString}, {"SequenceNumber", &kString});
EVERWRITE_SHAPE(GetRecords, {"ShardIterator", &kString}, {"Limit", &kInteger});

const Field kOperations[] = {
    {"BatchExecuteStatement", &kBatchExecuteStatement},
    {"BatchGetItem", &kBatchGetItem},
    {"BatchWriteItem", &kBatchWriteItem},
    {"CreateTable", &kCreateTable},
    {"DeleteItem", &kDeleteItem},
    {"DeleteTable", &kTableNamed},
    {"DescribeContinuousBackups", &kTableNamed},
    {"DescribeStream", &kDescribeStream},
    {"DescribeTable", &kTableNamed},
    {"DescribeTimeToLive", &kTableNamed},
    {"ExecuteStatement", &kExecuteStatement},
    {"ExecuteTransaction", &kExecuteTransaction},
    {"GetItem", &kGetItem},
    {"GetRecords", &kGetRecords},
    {"GetShardIterator", &kGetShardIterator},
    {"ListStreams", &kListStreams},
    {"ListTables", &kListTables},
    {"ListTagsOfResource", &kListTagsOfResource},
    {"PutItem", &kPutItem},
    {"Query", &kQuery},
    {"Scan", &kScan},
    {"TagResource", &kTagResource},
    {"TransactGetItems", &kTransactGetItems},
    {"TransactWriteItems", &kTransactWriteItems},
    {"UntagResource", &kUntagResource},
    {"UpdateContinuousBackups", &kUpdateContinuousBackups},
    {"UpdateItem", &kUpdateItem},
    {"UpdateTable", &kUpdateTable},
    {"UpdateTimeToLive", &kUpdateTimeToLive},
};

#undef EVERWRITE_TABLE
#undef EVERWRITE_READ
#undef EVERWRITE_WRITE
#undef EVERWRITE_EXPRESSIONS
#undef EVERWRITE_SHAPE

// --- the check -----------------------------------------------------------------------------------

constexpr std::string_view kPackage = "com.amazonaws.dynamodb.v20120810.";
// What a list or map says to a scalar when it is itself an element of one: generics are erased.
constexpr std::string_view kErased =
    "class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to class "
    "java.lang.Class (sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl and "
    "java.lang.Class are in module java.base of loader 'bootstrap')";

class Checker {
 public:
  explicit Checker(ApiError& error) : error_(error) {}

  bool Fields(dom::object object, const Shape& shape) {
    for (const dom::key_value_pair pair : object)
      for (size_t i = 0; i < shape.size; ++i)
        if (shape.fields[i].name == pair.key && !Value(pair.value, *shape.fields[i].type, false))
          return false;
    return true;
  }

 private:
  bool Say(std::string message) {
    return Fail(error_, ErrorType::kSerialization, std::move(message));
  }
  bool SayStructure() { return Say("Start of structure or map found where not expected"); }
  bool SayCollection(std::string_view type) {
    return Say(std::string("Unrecognized collection type ").append(type));
  }
  bool SayScalar(dom::element value, std::string_view type) {
    std::string_view kind = "NUMBER_VALUE";
    if (value.is_string()) kind = "STRING_VALUE";
    if (value.is_bool()) kind = value.get_bool().value_unsafe() ? "TRUE_VALUE" : "FALSE_VALUE";
    if (value.type() == dom::element_type::DOUBLE) kind = "DECIMAL_VALUE";
    return Say(std::string(kind).append(" cannot be converted to ").append(type));
  }

  bool Value(dom::element value, const Type& type, bool is_element) {
    if (value.is_null()) return true;
    switch (type.kind) {
      case Kind::kString: return value.is_string() || Scalar(value, "String");
      case Kind::kInteger: return value.is_number() || Scalar(value, "Integer");
      case Kind::kLong: return value.is_number() || Scalar(value, "Long");
      case Kind::kDouble: return value.is_number() || Scalar(value, "Double");
      case Kind::kBoolean: return Boolean(value);
      case Kind::kBlob: return Blob(value);
      case Kind::kList: return List(value, type, is_element);
      case Kind::kMap: return Map(value, type, is_element);
      case Kind::kStruct: break;
    }
    if (value.is_array())
      return SayCollection(std::string("class ").append(kPackage).append(type.shape->name));
    dom::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS)
      return Say(is_element ? "Unexpected value type in payload" : "Unexpected field type");
    return Fields(object, *type.shape);
  }

  bool Scalar(dom::element value, std::string_view type) {
    if (value.is_array()) return SayCollection(std::string("class java.lang.").append(type));
    if (value.is_object()) return SayStructure();
    return SayScalar(value, type);
  }

  bool Boolean(dom::element value) {
    std::string_view text;
    if (value.is_bool()) return true;
    if (value.get_string().get(text) != simdjson::SUCCESS) return Scalar(value, "Boolean");
    for (const std::string_view word : {"true", "false", "1", "0", "yes", "no"})
      if (http::EqualsIgnoringCase(text, word)) return true;
    return Say("Unexpected token received from parser");
  }

  bool Blob(dom::element value) {
    if (value.is_array()) return SayCollection("class java.nio.ByteBuffer");
    if (value.is_object()) return SayStructure();
    std::string_view text;
    if (value.get_string().get(text) != simdjson::SUCCESS)
      return Say("only base-64-encoded strings are convertible to bytes");
    std::string bytes;
    return AppendFromBase64(bytes, text) || Say(DescribeBadBase64(text));
  }

  bool List(dom::element value, const Type& type, bool is_element) {
    dom::array array;
    if (value.is_object()) return SayStructure();
    if (value.get_array().get(array) != simdjson::SUCCESS)
      return Say(std::string(is_element ? kErased : "Unexpected field type"));
    for (const dom::element element : array)
      if (!Value(element, *type.element, true)) return false;
    return true;
  }

  bool Map(dom::element value, const Type& type, bool is_element) {
    if (value.is_array()) {
      std::string name = "java.util.Map<java.lang.String, ";
      if (type.element_class.empty()) {
        name.append(kPackage).append(type.element->shape->name);
      } else {
        name += type.element_class;
      }
      return SayCollection(name + ">");
    }
    dom::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS)
      return Say(std::string(is_element ? kErased : "Unexpected field type"));
    for (const dom::key_value_pair pair : object)
      if (!Value(pair.value, *type.element, true)) return false;
    return true;
  }

  ApiError& error_;
};

}  // namespace

bool HasRequestTypes(std::string_view operation, dom::object request, ApiError& error) {
  for (const Field& row : kOperations)
    if (row.name == operation) return Checker(error).Fields(request, *row.type->shape);
  return true;
}

}  // namespace everwrite::api
