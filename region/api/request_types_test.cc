// A wrong JSON type anywhere in a request comes before every other complaint.
#include "region/api/request_types.h"

#include "region/api/testing/api_fixture.h"

namespace everwrite::api {
namespace {

class RequestTypesTest : public ApiTest {
 protected:
  std::string Said(std::string_view operation, std::string_view json) {
    const std::string text = Error(operation, json);
    const std::string_view prefix = "SerializationException: ";
    return text.substr(0, prefix.size()) == prefix ? text.substr(prefix.size()) : "other: " + text;
  }
};

TEST_F(RequestTypesTest, ScalarsAreNotConverted) {
  EXPECT_EQ(Said("GetItem", "{'TableName':7}"), "NUMBER_VALUE cannot be converted to String");
  EXPECT_EQ(Said("GetItem", "{'TableName':7.5}"), "DECIMAL_VALUE cannot be converted to String");
  EXPECT_EQ(Said("GetItem", "{'TableName':true}"), "TRUE_VALUE cannot be converted to String");
  EXPECT_EQ(Said("GetItem", "{'TableName':['x']}"),
            "Unrecognized collection type class java.lang.String");
  EXPECT_EQ(Said("GetItem", "{'TableName':{}}"),
            "Start of structure or map found where not expected");
  EXPECT_EQ(Said("GetItem", "{'ConsistentRead':1}"), "NUMBER_VALUE cannot be converted to Boolean");
  EXPECT_EQ(Said("GetItem", "{'ConsistentRead':'perhaps'}"),
            "Unexpected token received from parser");
  EXPECT_EQ(Said("Query", "{'Limit':'1'}"), "STRING_VALUE cannot be converted to Integer");
  EXPECT_EQ(Said("Scan", "{'Segment':false}"), "FALSE_VALUE cannot be converted to Integer");
  EXPECT_EQ(Said("CreateTable", "{'ProvisionedThroughput':{'ReadCapacityUnits':'1'}}"),
            "STRING_VALUE cannot be converted to Long");
}

TEST_F(RequestTypesTest, StructuresAreToldFromTheirPlaces) {
  EXPECT_EQ(Said("GetItem", "{'Key':'x'}"), "Unexpected field type");
  EXPECT_EQ(Said("GetItem", "{'Key':[]}"),
            "Unrecognized collection type java.util.Map<java.lang.String, "
            "com.amazonaws.dynamodb.v20120810.AttributeValue>");
  EXPECT_EQ(Said("GetItem", "{'Key':{'a':'x'}}"), "Unexpected value type in payload");
  EXPECT_EQ(Said("GetItem", "{'Key':{'a':[]}}"),
            "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.AttributeValue");
  EXPECT_EQ(Said("PutItem", "{'Expected':{'a':{'Value':'x'}}}"), "Unexpected field type");
  EXPECT_EQ(Said("CreateTable", "{'KeySchema':['x']}"), "Unexpected value type in payload");
  EXPECT_EQ(Said("CreateTable", "{'KeySchema':{}}"),
            "Start of structure or map found where not expected");
  EXPECT_EQ(Said("CreateTable", "{'ProvisionedThroughput':'x'}"), "Unexpected field type");
  EXPECT_EQ(Said("GetItem", "{'ExpressionAttributeNames':['x']}"),
            "Unrecognized collection type java.util.Map<java.lang.String, java.lang.String>");
  EXPECT_EQ(Said("BatchWriteItem", "{'RequestItems':['x']}"),
            "Unrecognized collection type java.util.Map<java.lang.String, "
            "java.util.List<com.amazonaws.dynamodb.v20120810.WriteRequest>>");
  EXPECT_EQ(Said("BatchWriteItem", "{'RequestItems':{'tab':'x'}}").substr(0, 50),
            "class sun.reflect.generics.reflectiveObjects.Param");
}

TEST_F(RequestTypesTest, BytesAreBase64) {
  EXPECT_EQ(Said("GetItem", "{'Key':{'a':{'B':7}}}"),
            "only base-64-encoded strings are convertible to bytes");
  EXPECT_EQ(Said("GetItem", "{'Key':{'a':{'B':'abc'}}}"),
            "Base64 encoded length is expected a multiple of 4 bytes but found: 3");
  EXPECT_EQ(Said("GetItem", "{'Key':{'a':{'BS':['=+/=']}}}"), "Invalid Base64 character: '='");
  EXPECT_EQ(Said("GetItem", "{'Key':{'a':{'B':'YR=='}}}"),
            "Invalid last non-pad Base64 character dectected");
}

TEST_F(RequestTypesTest, TypesComeBeforeEverythingElse) {
  // Deep in a request that lacks its table, and behind what is broken in other ways.
  EXPECT_EQ(Said("TransactWriteItems",
                 "{'TransactItems':[{'Put':{'Item':{'a':{'L':[{'M':{'b':{'N':1}}}]}}}}]}"),
            "NUMBER_VALUE cannot be converted to String");
  EXPECT_EQ(Said("UpdateItem", "{'TableName':'x','ReturnValues':'nonsense','Key':{'a':{'S':1}}}"),
            "NUMBER_VALUE cannot be converted to String");
  EXPECT_EQ(Said("BatchGetItem", "{'RequestItems':{'no':{'Keys':[{'a':1}]}}}"),
            "Unexpected value type in payload");
  // The first in the document's order.
  EXPECT_EQ(Said("GetItem", "{'ConsistentRead':{},'TableName':1}"),
            "Start of structure or map found where not expected");
  EXPECT_EQ(Said("GetItem", "{'TableName':1,'ConsistentRead':{}}"),
            "NUMBER_VALUE cannot be converted to String");
}

TEST_F(RequestTypesTest, NullAndUnknownNamesArePassedOver) {
  EXPECT_EQ(Said("GetItem", "{'TableName':null,'Limit':'x','Other':[]}").substr(0, 27),
            "other: ValidationException:");
  MakeTable();
  EXPECT_EQ(Ask("GetItem", "{'TableName':'tab','Key':{'pk':{'S':'a'},'sk':{'N':'1'}},'Limit':'x'}"),
            "{}");
}

}  // namespace
}  // namespace everwrite::api
