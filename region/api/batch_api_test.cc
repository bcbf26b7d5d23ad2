// BatchGetItem and BatchWriteItem through JSON in and JSON out.
#include "region/api/testing/api_fixture.h"

namespace everwrite::api {
namespace {

class BatchApiTest : public ApiTest {
 protected:
  void SetUp() override { MakeTable(); }
  static std::string Key(int i) {
    return "{'pk':{'S':'a'},'sk':{'N':'" + std::to_string(i) + "'}}";
  }
  static std::string PutOf(const std::string& item) {
    return "{'PutRequest':{'Item':" + item + "}}";
  }
  static std::string DeleteOf(const std::string& key) {
    return "{'DeleteRequest':{'Key':" + key + "}}";
  }
  std::string Write(const std::string& requests, const std::string& rest = "") {
    return Error("BatchWriteItem", "{'RequestItems':{'tab':[" + requests + "]}" + rest + "}");
  }
  std::string Get(const std::string& keys, const std::string& of_table = "",
                  const std::string& rest = "") {
    return Error("BatchGetItem",
                 "{'RequestItems':{'tab':{'Keys':[" + keys + "]" + of_table + "}}" + rest + "}");
  }
};

TEST_F(BatchApiTest, WritesAndReadsSeveralItems) {
  EXPECT_EQ(Write(PutOf(Key(1)) + "," + PutOf(Key(2)) + "," + DeleteOf(Key(3))),
            "{'UnprocessedItems':{}}");
  EXPECT_EQ(Get(Key(2) + "," + Key(1) + "," + Key(3)),
            "{'Responses':{'tab':[" + Key(2) + "," + Key(1) + "]},'UnprocessedKeys':{}}");
  EXPECT_EQ(Write(DeleteOf(Key(1)) + "," + DeleteOf(Key(2))), "{'UnprocessedItems':{}}");
  EXPECT_EQ(Get(Key(1)), "{'Responses':{'tab':[]},'UnprocessedKeys':{}}");
}

TEST_F(BatchApiTest, SeveralTablesAndProjections) {
  MakeTable("other");
  EXPECT_EQ(Error("BatchWriteItem", "{'RequestItems':{'tab':[" + PutOf(Key(1)) + "],'other':[" +
                                        PutOf(Key(1)) + "]},'ReturnConsumedCapacity':'TOTAL'}"),
            "{'UnprocessedItems':{},'ConsumedCapacity':[{'TableName':'other','CapacityUnits':1.0},"
            "{'TableName':'tab','CapacityUnits':1.0}]}");
  EXPECT_EQ(Error("BatchGetItem",
                  "{'RequestItems':{'tab':{'Keys':[" + Key(1) +
                      "],'ProjectionExpression':'#s','ExpressionAttributeNames':{'#s':'sk'}},"
                      "'other':{'Keys':[" +
                      Key(1) + "," + Key(2) +
                      "],'ConsistentRead':true}},'ReturnConsumedCapacity':'TOTAL'}"),
            "{'Responses':{'tab':[{'sk':{'N':'1'}}],'other':[" + Key(1) +
                "]},'UnprocessedKeys':{},'ConsumedCapacity':[{'TableName':'other',"
                "'CapacityUnits':2.0},{'TableName':'tab','CapacityUnits':0.5}]}");
}

TEST_F(BatchApiTest, DuplicatesAreRefused) {
  const std::string duplicates =
      "ValidationException: Provided list of item keys contains duplicates";
  EXPECT_EQ(Get(Key(1) + ",{'pk':{'S':'a'},'sk':{'N':'1.0'}}"), duplicates);
  EXPECT_EQ(Write(PutOf(Key(1)) + "," + DeleteOf(Key(1))), duplicates);
  EXPECT_EQ(engine_.writes, 0);
}

TEST_F(BatchApiTest, LimitsAreKept) {
  std::string keys, puts;
  for (int i = 0; i < 101; ++i) keys += (i ? "," : "") + Key(i);
  for (int i = 0; i < 26; ++i) puts += (i ? "," : "") + PutOf(Key(i));
  EXPECT_EQ(Get(keys),
            "ValidationException: 1 validation error detected: Value at "
            "'RequestItems.tab.member.Keys' failed to satisfy constraint: Member must have length "
            "less than or equal to 100");
  EXPECT_NE(Write(puts).find("Member must have length less than or equal to 25"),
            std::string::npos);
  MakeTable("other");
  EXPECT_EQ(Error("BatchGetItem", "{'RequestItems':{'tab':{'Keys':[" +
                                      keys.substr(0, keys.rfind(",{'pk'")) +
                                      "]},'other':{'Keys':[" + Key(1) + "]}}}"),
            "ValidationException: Too many items requested for the BatchGetItem call");
  EXPECT_EQ(engine_.writes, 0);
}

TEST_F(BatchApiTest, AnswersStayBelowSixteenMegabytes) {
  const std::string big(390 * 1024, 'x');
  std::string keys;
  for (int i = 0; i < 45; ++i) {
    keys += (i ? "," : "") + Key(i);
    Ask("PutItem", "{'TableName':'tab','Item':{'pk':{'S':'a'},'sk':{'N':'" + std::to_string(i) +
                       "'},'x':{'S':'" + big + "'}}}");
  }
  const std::string body = Get(keys, ",'ConsistentRead':true");
  EXPECT_LT(body.size(), 17u * 1024 * 1024);
  // 42 items of 390 KB fit; the rest can be asked for as it stands.
  EXPECT_EQ(body.substr(body.find("'UnprocessedKeys'")),
            "'UnprocessedKeys':{'tab':{'Keys':[" + Key(42) + "," + Key(43) + "," + Key(44) +
                "],'ConsistentRead':true}}}");
}

TEST_F(BatchApiTest, RequestsAreValidated) {
  EXPECT_EQ(
      Error("BatchGetItem", "{}"),
      "ValidationException: 1 validation error detected: Value null at 'requestItems' failed to "
      "satisfy constraint: Member must not be null");
  EXPECT_EQ(
      Error("BatchGetItem", "{'RequestItems':{}}"),
      "ValidationException: 1 validation error detected: Value at 'RequestItems' failed to satisfy "
      "constraint: Member must have length greater than or equal to 1");
  EXPECT_EQ(Error("BatchWriteItem", "{'RequestItems':{}}"),
            "ValidationException: The requestItems parameter is required for BatchWriteItem");
  const std::string of_value =
      "' at 'requestItems' failed to satisfy constraint: Map value must satisfy constraint: "
      "[Member must have length less than or equal to 25, Member must have length greater than or "
      "equal to 1]";
  const std::string of_key =
      "' at 'requestItems' failed to satisfy constraint: Map keys must satisfy constraint: [Member "
      "must have length less than or equal to 255, Member must have length greater than or equal "
      "to 3, Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+]";
  const std::string one = "ValidationException: 1 validation error detected: Value '";
  EXPECT_EQ(Error("BatchWriteItem", "{'RequestItems':{'tab':[]}}"), one + "{tab=[]}" + of_value);
  EXPECT_EQ(
      Error("BatchWriteItem", "{'RequestItems':{'a!b':[" + PutOf(Key(1)) + "]}}"),
      one + "{a!b=[WriteRequest(putRequest=PutRequest(item={pk={S=a}, sk={N=1}}))]}" + of_key);
  EXPECT_EQ(Error("BatchGetItem", "{'RequestItems':{'a!b':{'Keys':[{'pk':{}}]}}}"),
            one + "{\\'a!b\\':{\\'Keys\\':[{\\'pk\\':{}}]}}" + of_key);
  EXPECT_EQ(Error("BatchGetItem", "{'RequestItems':{'tab':{'Keys':[" + Key(1) +
                                      "],'AttributesToGet':['a']},'other':{'Keys':[" + Key(1) +
                                      "],'ProjectionExpression':'a'}}}"),
            "ValidationException: Can not use both expression and non-expression parameters in the "
            "same request: Non-expression parameters: {AttributesToGet} Expression parameters: "
            "{ProjectionExpression}");
  EXPECT_EQ(Write("{}"),
            "ValidationException: Supplied AttributeValue has more than one datatypes "
            "set, must contain exactly one of the supported datatypes");
  EXPECT_EQ(Write("{'PutRequest':{'Item':" + Key(1) + "},'DeleteRequest':{'Key':" + Key(2) + "}}"),
            "ValidationException: Supplied AttributeValue has more than one datatypes set, must "
            "contain exactly one of the supported datatypes");
  EXPECT_EQ(Error("BatchGetItem", "{'RequestItems':{'nope':{'Keys':[" + Key(1) + "]}}}"),
            "ResourceNotFoundException: Requested resource not found");
  EXPECT_EQ(Error("BatchWriteItem", "{'RequestItems':{'nope':[" + PutOf(Key(1)) + "]}}"),
            "ResourceNotFoundException: Requested resource not found");
  EXPECT_EQ(Get("{'pk':{'S':'a'}}"),
            "ValidationException: The provided key element does not match the schema");
  EXPECT_EQ(Write("{'PutRequest':{'Item':{'pk':{'S':'a'}}}}"),
            "ValidationException: The provided key element does not match the schema");
  EXPECT_EQ(Error("BatchWriteItem", "{'RequestItems':{'tab':{}}}"),
            "SerializationException: Start of structure or map found where not expected");
  EXPECT_NE(Error("BatchGetItem", "{'RequestItems':{'a!':{'Keys':[" + Key(1) + "]}}}")
                .find("Map keys must satisfy constraint"),
            std::string::npos);
}

TEST_F(BatchApiTest, WhatTheEngineCannotTakeNowIsSaidSo) {
  engine_.fail_writes = ResourceExhausted("too many writes are waiting");
  EXPECT_EQ(Write(PutOf(Key(1)) + "," + DeleteOf(Key(2))),
            "ThrottlingException: too many writes are waiting");
  engine_.fail_writes = OkStatus();
  engine_.fail_next = Unavailable("busy");
  EXPECT_EQ(Write(PutOf(Key(1)) + "," + DeleteOf(Key(2))),
            "{'UnprocessedItems':{'tab':[" + PutOf(Key(1)) + "]}}");
  engine_.fail_next = Internal("bug");
  EXPECT_EQ(Write(PutOf(Key(1)) + "," + DeleteOf(Key(2))),
            "InternalServerError: Internal server error");
}

}  // namespace
}  // namespace everwrite::api
