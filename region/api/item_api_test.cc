// GetItem, PutItem, DeleteItem and UpdateItem through JSON in and JSON out. The answers are the
// service's.
#include "region/api/testing/api_fixture.h"

namespace everwrite::api {
namespace {

class ItemApiTest : public ApiTest {
 protected:
  void SetUp() override { MakeTable(); }
  std::string Put(std::string_view item, std::string_view rest = "") {
    return Error("PutItem",
                 "{'TableName':'tab','Item':" + std::string(item) + std::string(rest) + "}");
  }
  std::string Get(std::string_view rest = "") {
    return Error("GetItem", "{'TableName':'tab','Key':" + kKey + std::string(rest) + "}");
  }
  std::string Update(std::string_view rest) {
    return Error("UpdateItem", "{'TableName':'tab','Key':" + kKey + "," + std::string(rest) + "}");
  }
  std::string Delete(std::string_view rest = "") {
    return Error("DeleteItem", "{'TableName':'tab','Key':" + kKey + std::string(rest) + "}");
  }
  const std::string kKey = "{'pk':{'S':'a'},'sk':{'N':'1'}}";
  const std::string kItem = "{'pk':{'S':'a'},'sk':{'N':'1'},'x':{'S':'hello'}}";
  const std::string kInvalid = "ValidationException: One or more parameter values were invalid: ";
};

TEST_F(ItemApiTest, PutGetAndDeleteRoundTrip) {
  EXPECT_EQ(Get(), "{}");
  EXPECT_EQ(Put(kItem), "{}");
  EXPECT_EQ(Get(), "{'Item':" + kItem + "}");
  EXPECT_EQ(Get(",'ConsistentRead':true"), "{'Item':" + kItem + "}");
  EXPECT_EQ(Delete(), "{}");
  EXPECT_EQ(Get(), "{}");
  EXPECT_EQ(Delete(), "{}");
  EXPECT_EQ(engine_.writes, 2);
}

TEST_F(ItemApiTest, AllTypesComeBack) {
  const std::string item =
      "{'b':{'B':'AAECAw=='},'bs':{'BS':['AA==','AQ==']},'l':{'L':[{'S':'x'},{'NULL':true}]},"
      "'m':{'M':{'k':{'BOOL':false}}},'ns':{'NS':['1','2.5']},'pk':{'S':'a'},'sk':{'N':'1'},"
      "'ss':{'SS':['a','b']},'t':{'BOOL':true}}";
  EXPECT_EQ(Put(item), "{}");
  EXPECT_EQ(Get(), "{'Item':" + item + "}");
}

TEST_F(ItemApiTest, OldItemIsReturnedWhenAsked) {
  EXPECT_EQ(Put(kItem, ",'ReturnValues':'ALL_OLD'"), "{}");
  EXPECT_EQ(Put(kKey, ",'ReturnValues':'ALL_OLD'"), "{'Attributes':" + kItem + "}");
  EXPECT_EQ(Delete(",'ReturnValues':'ALL_OLD'"), "{'Attributes':" + kKey + "}");
  EXPECT_EQ(Delete(",'ReturnValues':'ALL_OLD'"), "{}");
  EXPECT_EQ(Put(kItem, ",'ReturnValues':'ALL_NEW'"),
            "ValidationException: ReturnValues can only be ALL_OLD or NONE");
  EXPECT_EQ(Delete(",'ReturnValues':'UPDATED_NEW'"),
            "ValidationException: ReturnValues can only be ALL_OLD or NONE");
  EXPECT_EQ(
      Put(kItem, ",'ReturnValues':'FOO'"),
      "ValidationException: 1 validation error detected: Value 'FOO' at 'returnValues' failed to "
      "satisfy constraint: Member must satisfy enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, "
      "NONE, UPDATED_NEW]");
}

TEST_F(ItemApiTest, ConditionsDecide) {
  const std::string absent = ",'ConditionExpression':'attribute_not_exists(pk)'";
  EXPECT_EQ(Put(kItem, absent), "{}");
  EXPECT_EQ(Put(kItem, absent), "ConditionalCheckFailedException: The conditional request failed");
  Put(kKey, absent + ",'ReturnValuesOnConditionCheckFailure':'ALL_OLD'");
  EXPECT_EQ(Unquoted(last_.body),
            "{'__type':'com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException',"
            "'message':'The conditional request failed','Item':" +
                kItem + "}");
  EXPECT_EQ(last_.status, 400);
  EXPECT_EQ(Delete(",'ConditionExpression':'#x = :v','ExpressionAttributeNames':{'#x':'x'},"
                   "'ExpressionAttributeValues':{':v':{'S':'bye'}}"),
            "ConditionalCheckFailedException: The conditional request failed");
  EXPECT_EQ(engine_.writes, 1);
  EXPECT_EQ(Update("'ConditionExpression':'x = :v','UpdateExpression':'SET x = :w',"
                   "'ExpressionAttributeValues':{':v':{'S':'hello'},':w':{'S':'bye'}}"),
            "{}");
  EXPECT_EQ(Get(",'ProjectionExpression':'x'"), "{'Item':{'x':{'S':'bye'}}}");
}

TEST_F(ItemApiTest, UpdateReturnsWhatIsAskedOfOldAndNew) {
  Put(kItem);
  const std::string values = ",'ExpressionAttributeValues':{':v':{'N':'5'}}";
  EXPECT_EQ(
      Update("'UpdateExpression':'SET n = :v REMOVE x','ReturnValues':'UPDATED_OLD'" + values),
      "{'Attributes':{'x':{'S':'hello'}}}");
  EXPECT_EQ(Update("'UpdateExpression':'ADD n :v','ReturnValues':'UPDATED_NEW'" + values),
            "{'Attributes':{'n':{'N':'10'}}}");
  EXPECT_EQ(Update("'UpdateExpression':'SET n = n - :v','ReturnValues':'ALL_OLD'" + values),
            "{'Attributes':{'n':{'N':'10'},'pk':{'S':'a'},'sk':{'N':'1'}}}");
  EXPECT_EQ(Update("'UpdateExpression':'SET q = :v','ReturnValues':'ALL_NEW'" + values),
            "{'Attributes':{'n':{'N':'5'},'pk':{'S':'a'},'q':{'N':'5'},'sk':{'N':'1'}}}");
  EXPECT_EQ(Update("'UpdateExpression':'REMOVE zzz','ReturnValues':'UPDATED_NEW'"), "{}");
  EXPECT_EQ(Update("'ReturnValues':'UPDATED_OLD'"), "{}");
}

TEST_F(ItemApiTest, UpdatedPathsAloneAreReturned) {
  Put("{'pk':{'S':'a'},'sk':{'N':'1'},'m':{'M':{'i':{'N':'1'},'j':{'L':[{'N':'1'},{'N':'2'}]}}}}");
  EXPECT_EQ(Update("'UpdateExpression':'SET m.i = :v, m.j[1] = :v','ReturnValues':'UPDATED_NEW',"
                   "'ExpressionAttributeValues':{':v':{'N':'9'}}"),
            "{'Attributes':{'m':{'M':{'i':{'N':'9'},'j':{'L':[{'N':'9'}]}}}}}");
}

TEST_F(ItemApiTest, UpdateMakesAnItemThatIsNotThere) {
  EXPECT_EQ(Update("'ReturnValues':'ALL_NEW'"), "{'Attributes':" + kKey + "}");
  EXPECT_EQ(engine_.writes, 1);
  EXPECT_EQ(Update("'ReturnValues':'ALL_NEW'"), "{'Attributes':" + kKey + "}");
  EXPECT_EQ(engine_.writes, 1);
  Delete();
  EXPECT_EQ(Update("'UpdateExpression':'SET x = :v','ReturnValues':'ALL_OLD',"
                   "'ExpressionAttributeValues':{':v':{'S':'hello'}}"),
            "{}");
  EXPECT_EQ(Get(), "{'Item':" + kItem + "}");
}

TEST_F(ItemApiTest, UpdateRefusesKeysBadPathsAndGrownItems) {
  Put(kItem);
  const std::string values = ",'ExpressionAttributeValues':{':v':{'S':'1'}}";
  EXPECT_EQ(Update("'UpdateExpression':'SET pk = :v'" + values),
            kInvalid + "Cannot update attribute pk. This attribute is part of the key");
  EXPECT_EQ(
      Update("'UpdateExpression':'SET nowhere.pe = :v'" + values),
      "ValidationException: The document path provided in the update expression is invalid for "
      "update");
  const std::string big(300 * 1024, 'y');
  const std::string grow =
      "'UpdateExpression':'SET #a = :v','ExpressionAttributeValues':{':v':{'S':'" + big + "'}}";
  EXPECT_EQ(Update(grow + ",'ExpressionAttributeNames':{'#a':'one'}"), "{}");
  EXPECT_EQ(Update(grow + ",'ExpressionAttributeNames':{'#a':'two'}"),
            "ValidationException: Item size to update has exceeded the maximum allowed size");
  EXPECT_EQ(Put("{'pk':{'S':'a'},'sk':{'N':'1'},'x':{'S':'" + big + big + "'}}"),
            "ValidationException: Item size has exceeded the maximum allowed size");
}

TEST_F(ItemApiTest, CapacityIsCountedAsTheServiceCounts) {
  const auto capacity = [](const char* units) {
    return "'ConsumedCapacity':{'TableName':'tab','CapacityUnits':" + std::string(units) + "}}";
  };
  const std::string total = ",'ReturnConsumedCapacity':'TOTAL'";
  EXPECT_EQ(Put(kItem, total), "{" + capacity("1.0"));
  EXPECT_EQ(Get(total), "{'Item':" + kItem + "," + capacity("0.5"));
  EXPECT_EQ(Get(total + ",'ConsistentRead':true,'ProjectionExpression':'x'"),
            "{'Item':{'x':{'S':'hello'}}," + capacity("1.0"));
  EXPECT_EQ(Get(",'ReturnConsumedCapacity':'INDEXES'"),
            "{'Item':" + kItem +
                ",'ConsumedCapacity':{'TableName':'tab','CapacityUnits':0.5,"
                "'Table':{'CapacityUnits':0.5}}}");
  EXPECT_EQ(Get(",'ReturnConsumedCapacity':'NONE'"), "{'Item':" + kItem + "}");
  Put("{'pk':{'S':'a'},'sk':{'N':'1'},'x':{'S':'" + std::string(5000, 'x') + "'}}");
  // The larger of old and new counts.
  EXPECT_EQ(Put(kItem, total), "{" + capacity("5.0"));
  EXPECT_EQ(Delete(total), "{" + capacity("1.0"));
  EXPECT_EQ(Delete(total), "{" + capacity("1.0"));
  EXPECT_EQ(Get(total), "{" + capacity("0.5"));
  EXPECT_EQ(Get(total + ",'ConsistentRead':true"), "{" + capacity("1.0"));
  EXPECT_EQ(Update("'ReturnConsumedCapacity':'TOTAL'"), "{" + capacity("1.0"));
}

TEST_F(ItemApiTest, RequestsAreValidated) {
  EXPECT_EQ(
      Error("PutItem", "{}"),
      "ValidationException: 2 validation errors detected: Value null at 'tableName' failed to "
      "satisfy constraint: Member must not be null; Value null at 'item' failed to satisfy "
      "constraint: Member must not be null");
  EXPECT_EQ(
      Error("GetItem", "{'TableName':'a!','Key':{},'ReturnConsumedCapacity':'ALL'}"),
      "ValidationException: 3 validation errors detected: Value 'ALL' at "
      "'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy enum value "
      "set: [INDEXES, TOTAL, NONE]; Value 'a!' at 'tableName' failed to satisfy constraint: "
      "Member must have length greater than or equal to 3; Value 'a!' at 'tableName' failed to "
      "satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+");
  EXPECT_EQ(Error("GetItem", "{'TableName':'','Key':{}}"),
            "ValidationException: 1 validation error detected: Value '' at 'tableName' failed to "
            "satisfy constraint: Member must have length greater than or equal to 1");
  EXPECT_EQ(Error("GetItem", "{'TableName':'nope','Key':{'pk':{'S':'a'}}}"),
            "ResourceNotFoundException: Requested resource not found");
  EXPECT_EQ(Put("{'pk':{'S':'a'}}"), kInvalid + "Missing the key sk in the item");
  EXPECT_EQ(Error("GetItem", "{'TableName':'tab','Key':{'pk':{'S':'a'}}}"),
            "ValidationException: The provided key element does not match the schema");
  EXPECT_EQ(Put("7"), "SerializationException: Unexpected field type");
  EXPECT_EQ(Put(kItem, ",'ReturnValues':true"),
            "SerializationException: TRUE_VALUE cannot be converted to String");
  EXPECT_EQ(Put(kItem, ",'ExpressionAttributeNames':{'#a':'x'}"),
            "ValidationException: ExpressionAttributeNames can only be specified when using "
            "expressions");
  EXPECT_EQ(Put(kItem, ",'ExpressionAttributeValues':{':a':{'S':'x'}}"),
            "ValidationException: ExpressionAttributeValues can only be specified when using "
            "expressions: ConditionExpression is null");
  EXPECT_EQ(Update("'ExpressionAttributeValues':{':a':{'S':'x'}}"),
            "ValidationException: ExpressionAttributeValues can only be specified when using "
            "expressions: UpdateExpression and ConditionExpression are null");
  EXPECT_EQ(
      Put(kItem,
          ",'ConditionExpression':'x = :a','ExpressionAttributeValues':"
          "{':a':{'S':'x'},':b':{'S':'x'}}"),
      "ValidationException: Value provided in ExpressionAttributeValues unused in expressions: "
      "keys: {:b}");
  EXPECT_EQ(Put(kItem, ",'ConditionExpression':''"),
            "ValidationException: Invalid ConditionExpression: The expression can not be empty;");
  EXPECT_EQ(engine_.writes, 0);
}

TEST_F(ItemApiTest, AnUpdateThatOnlyTakesAwayMakesNoItemButItsPathsMustBeGood) {
  const std::string update =
      "{'TableName':'tab','Key':{'pk':{'S':'none'},'sk':{'N':'1'}},"
      "'ReturnValues':'ALL_NEW','UpdateExpression':";
  EXPECT_EQ(Ask("UpdateItem", update + "'REMOVE a, b'}"), "{}");
  EXPECT_EQ(
      Ask("UpdateItem", update + "'DELETE a :s','ExpressionAttributeValues':{':s':{'SS':['x']}}}"),
      "{}");
  EXPECT_EQ(
      Error("UpdateItem", update + "'REMOVE a[0]'}"),
      "ValidationException: The document path provided in the update expression is invalid for "
      "update");
  EXPECT_EQ(Ask("GetItem", "{'TableName':'tab','Key':{'pk':{'S':'none'},'sk':{'N':'1'}}}"), "{}");
}

TEST_F(ItemApiTest, WriteThatTheEngineRefusesIsReportedAndMayBeRetried) {
  engine_.fail_writes = Unavailable("disk full");
  EXPECT_EQ(Put(kItem),
            "ServiceUnavailableException: The service cannot complete your request now. "
            "Try again in a moment.");
  EXPECT_EQ(last_.status, 503);
  EXPECT_NE(last_.headers.find("Retry-After: 1\r\n"), std::string::npos);
}

}  // namespace
}  // namespace everwrite::api
