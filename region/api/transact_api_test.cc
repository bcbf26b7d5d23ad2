// TransactWriteItems and TransactGetItems: answers, reasons, tokens, and the order of validation.
#include "region/api/testing/api_fixture.h"

namespace everwrite::api {
namespace {

class TransactApiTest : public ApiTest {
 protected:
  TransactApiTest() { MakeTable(); }

  static std::string Put(std::string_view pk, std::string_view more = "") {
    return "{'Put':{'TableName':'tab','Item':{'pk':{'S':'" + std::string(pk) +
           "'},'sk':{'N':'1'}}" + std::string(more) + "}}";
  }
  static std::string Keyed(std::string_view kind, std::string_view pk, std::string_view more = "") {
    return "{'" + std::string(kind) + "':{'TableName':'tab','Key':{'pk':{'S':'" + std::string(pk) +
           "'},'sk':{'N':'1'}}" + std::string(more) + "}}";
  }
  std::string Write(std::string_view items, std::string_view more = "") {
    return Ask("TransactWriteItems",
               "{'TransactItems':[" + std::string(items) + "]" + std::string(more) + "}");
  }
  std::string WriteError(std::string_view items, std::string_view more = "") {
    return Error("TransactWriteItems",
                 "{'TransactItems':[" + std::string(items) + "]" + std::string(more) + "}");
  }
  std::string Read(std::string_view items, std::string_view more = "") {
    return Ask("TransactGetItems",
               "{'TransactItems':[" + std::string(items) + "]" + std::string(more) + "}");
  }
  static constexpr std::string_view kNew = ",'ConditionExpression':'attribute_not_exists(pk)'";
  static constexpr std::string_view kConditionFailed =
      "{'Code':'ConditionalCheckFailed','Message':'The conditional request failed'}";
};

std::string CancelledBody(std::string_view reasons, std::string_view codes) {
  return "{'__type':'com.amazonaws.dynamodb.v20120810#TransactionCanceledException',"
         "'CancellationReasons':[" +
         std::string(reasons) +
         "],'Message':'Transaction cancelled, please refer cancellation reasons for specific "
         "reasons [" +
         std::string(codes) + "]'}";
}

TEST_F(TransactApiTest, AllFourKindsInOneRequestAndReadTogether) {
  EXPECT_EQ(Write(Put("a") + "," + Put("b") + "," + Put("c")), "{}");
  EXPECT_EQ(Write(Put("d", kNew) + "," +
                  Keyed("Update", "a",
                        ",'UpdateExpression':'SET v = :v','ExpressionAttributeValues':{':v':{'S':"
                        "'x'}}") +
                  "," + Keyed("Delete", "b") + "," +
                  Keyed("ConditionCheck", "c", ",'ConditionExpression':'attribute_exists(pk)'")),
            "{}");
  EXPECT_EQ(Read(Keyed("Get", "a", ",'ProjectionExpression':'v'") + "," + Keyed("Get", "b") + "," +
                     Keyed("Get", "d"),
                 ",'ReturnConsumedCapacity':'TOTAL'"),
            "{'Responses':[{'Item':{'v':{'S':'x'}}},{},{'Item':{'pk':{'S':'d'},'sk':{'N':'1'}}}],"
            "'ConsumedCapacity':[{'TableName':'tab','CapacityUnits':6.0,'ReadCapacityUnits':6.0}]"
            "}");
}

TEST_F(TransactApiTest, AFailedConditionCancelsAllWithAReasonForEach) {
  Write(Put("a"));
  const int writes = engine_.writes;
  EXPECT_EQ(Write(Put("new") + "," + Put("a", kNew)),
            CancelledBody("{'Code':'None'}," + std::string(kConditionFailed),
                          "None, ConditionalCheckFailed"));
  EXPECT_EQ(last_.status, 400);
  EXPECT_EQ(
      Write(Put("a", std::string(kNew) + ",'ReturnValuesOnConditionCheckFailure':'ALL_OLD'") + "," +
            Keyed("ConditionCheck", "zz",
                  ",'ConditionExpression':'attribute_exists(pk)','"
                  "ReturnValuesOnConditionCheckFailure':'ALL_OLD'")),
      CancelledBody("{'Item':{'pk':{'S':'a'},'sk':{'N':'1'}},'Code':"
                    "'ConditionalCheckFailed','Message':'The conditional request failed'}," +
                        std::string(kConditionFailed),
                    "ConditionalCheckFailed, ConditionalCheckFailed"));
  EXPECT_EQ(engine_.writes, writes) << "nothing of it is done";
}

TEST_F(TransactApiTest, CapacityIsTwiceThePlainOne) {
  EXPECT_EQ(Write(Put("a") + "," + Put("b"), ",'ReturnConsumedCapacity':'INDEXES'"),
            "{'ConsumedCapacity':[{'TableName':'tab','CapacityUnits':4.0,'WriteCapacityUnits':4.0,"
            "'Table':{'CapacityUnits':4.0,'WriteCapacityUnits':4.0}}]}");
  EXPECT_EQ(Write(Keyed("ConditionCheck", "a", ",'ConditionExpression':'attribute_exists(pk)'"),
                  ",'ReturnConsumedCapacity':'TOTAL'"),
            "{'ConsumedCapacity':[{'TableName':'tab','CapacityUnits':2.0,'WriteCapacityUnits':2.0}"
            "]}")
      << "a check costs a write";
}

TEST_F(TransactApiTest, IndexesAreCheckedPaidForAndTheirCollectionsMeasured) {
  Ask("CreateTable",
      "{'TableName':'indexed','BillingMode':'PAY_PER_REQUEST',"
      "'KeySchema':[{'AttributeName':'pk','KeyType':'HASH'},"
      "{'AttributeName':'sk','KeyType':'RANGE'}],"
      "'AttributeDefinitions':[{'AttributeName':'pk','AttributeType':'S'},"
      "{'AttributeName':'sk','AttributeType':'N'},{'AttributeName':'a','AttributeType':'S'}],"
      "'LocalSecondaryIndexes':[{'IndexName':'lsi','KeySchema':[{'AttributeName':'pk',"
      "'KeyType':'HASH'},{'AttributeName':'a','KeyType':'RANGE'}],"
      "'Projection':{'ProjectionType':'ALL'}}],"
      "'GlobalSecondaryIndexes':[{'IndexName':'gsi','KeySchema':[{'AttributeName':'a',"
      "'KeyType':'HASH'}],'Projection':{'ProjectionType':'KEYS_ONLY'}}]}");
  ASSERT_EQ(last_.status, 200) << last_.body;
  const auto put = [](std::string_view value) {
    return "{'Put':{'TableName':'indexed','Item':{'pk':{'S':'p'},'sk':{'N':'1'},'a':" +
           std::string(value) + "}}}";
  };
  const auto update = [](std::string_view value) {
    return "{'Update':{'TableName':'indexed','Key':{'pk':{'S':'p'},'sk':{'N':'1'}},"
           "'UpdateExpression':'SET a = :a','ExpressionAttributeValues':{':a':" +
           std::string(value) + "}}}";
  };
  EXPECT_EQ(Write(put("{'S':'x'}"),
                  ",'ReturnConsumedCapacity':'INDEXES','ReturnItemCollectionMetrics':'SIZE'"),
            "{'ItemCollectionMetrics':{'indexed':[{'ItemCollectionKey':{'pk':{'S':'p'}},"
            "'SizeEstimateRangeGB':[0.0,1.0]}]},'ConsumedCapacity':[{'TableName':'indexed',"
            "'CapacityUnits':6.0,'WriteCapacityUnits':6.0,'Table':{'CapacityUnits':2.0,"
            "'WriteCapacityUnits':2.0},'LocalSecondaryIndexes':{'lsi':{'CapacityUnits':2.0,"
            "'WriteCapacityUnits':2.0}},'GlobalSecondaryIndexes':{'gsi':{'CapacityUnits':2.0,"
            "'WriteCapacityUnits':2.0}}}]}");
  for (const std::string& action : {put("{'N':'1'}"), update("{'N':'1'}")})
    EXPECT_NE(Write(action).find("'CancellationReasons':[{'Code':'ValidationError','Message':'One "
                                 "or more parameter values were invalid: Type mismatch for Index "
                                 "Key a Expected: S Actual: N IndexName:"),
              std::string::npos)
        << last_.body;
  for (const std::string& action : {put("{'S':''}"), update("{'S':''}")})
    EXPECT_EQ(WriteError(action).substr(0, 64),
              "ValidationException: One or more parameter values are not valid.");
}

TEST_F(TransactApiTest, OfKeysThatAreNotRightTheFirstIsTold) {
  const std::string wrong = "{'Put':{'TableName':'tab','Item':{'pk':{'N':'1'},'sk':{'N':'1'}}}}";
  Write(wrong + "," + wrong);
  const std::string body = Unquoted(last_.body);
  EXPECT_NE(body.find("'CancellationReasons':[{'Code':'ValidationError'"), std::string::npos);
  EXPECT_NE(body.find(",{'Code':'None'}]"), std::string::npos) << body;
}

TEST_F(TransactApiTest, AProjectionThatMatchesNothingShowsNoItem) {
  Write(Put("a"));
  EXPECT_EQ(Read(Keyed("Get", "a", ",'ProjectionExpression':'nothing'")), "{'Responses':[{}]}");
}

TEST_F(TransactApiTest, ATokenMakesTheSecondRequestAReadAndAnotherRequestAnError) {
  const std::string token = ",'ClientRequestToken':'t1','ReturnConsumedCapacity':'TOTAL'";
  const std::string update =
      Keyed("Update", "a",
            ",'UpdateExpression':'ADD n :one','ExpressionAttributeValues':{':one':{'N':'1'},"
            "':zero':{'N':'0'}},'ConditionExpression':'attribute_not_exists(n) OR n > :zero'");
  const std::string same =
      "{'Update':{'Key':{'sk':{'N':'1.0'},'pk':{'S':'a'}},'ConditionExpression':"
      "'attribute_not_exists(n) OR n > :zero','ExpressionAttributeValues':{':zero':{'N':'0'},"
      "':one':{'N':'1'}},'UpdateExpression':'ADD n :one','TableName':'tab'}}";
  EXPECT_EQ(Write(update, token),
            "{'ConsumedCapacity':[{'TableName':'tab','CapacityUnits':2.0,'WriteCapacityUnits':2.0}"
            "]}");
  EXPECT_EQ(Write(same, token),
            "{'ConsumedCapacity':[{'TableName':'tab','CapacityUnits':2.0,'ReadCapacityUnits':2.0}]"
            "}")
      << "the order of members makes no other request of it";
  EXPECT_EQ(Read(Keyed("Get", "a", ",'ProjectionExpression':'n'")),
            "{'Responses':[{'Item':{'n':{'N':'1'}}}]}");
  EXPECT_EQ(WriteError(update + "," + Put("b"), token).substr(0, 36),
            "IdempotentParameterMismatchException");
  // What was cancelled is not remembered.
  Write(Put("a", kNew), ",'ClientRequestToken':'t2'");
  EXPECT_EQ(last_.status, 400);
  Write(Put("c", kNew), ",'ClientRequestToken':'t2'");
  EXPECT_EQ(last_.status, 200);
}

TEST_F(TransactApiTest, FaultsOfKeysAreReasonsButForEmptyOnes) {
  const auto reason = [](std::string_view text) {
    return CancelledBody(
        "{'Code':'None'},{'Code':'ValidationError','Message':'" + std::string(text) + "'}",
        "None, ValidationError");
  };
  EXPECT_EQ(Write(Put("a") + ",{'Put':{'TableName':'tab','Item':{'pk':{'N':'5'},'sk':{'N':'1'}}}}"),
            reason("One or more parameter values were invalid: Type mismatch for key pk expected: "
                   "S actual: N"));
  EXPECT_EQ(
      Write(Put("a") + ",{'Delete':{'TableName':'tab','Key':{'pk':{'L':[]},'sk':{'N':'1'}}}}"),
      reason("The provided key element does not match the schema"));
  EXPECT_EQ(Write(Put("a") + "," +
                  Keyed("Update", "b",
                        ",'UpdateExpression':'SET pk = :v','ExpressionAttributeValues':{':v':{'S':"
                        "'1'}}")),
            reason("One or more parameter values were invalid: Cannot update attribute pk. This "
                   "attribute is part of the key"));
  EXPECT_EQ(WriteError(Put("a") + "," + Put("")),
            "ValidationException: One or more parameter values are not valid. The AttributeValue "
            "for a key attribute cannot contain an empty string value. Key: pk");
  EXPECT_EQ(Read("{'Get':{'TableName':'tab','Key':{}}}"),
            CancelledBody("{'Code':'ValidationError','Message':'The provided key element does not "
                          "match the schema'}",
                          "ValidationError"));
  EXPECT_EQ(engine_.writes, 0);
}

TEST_F(TransactApiTest, ConstraintsOfMembersComeFirstAndTogether) {
  EXPECT_EQ(Error("TransactWriteItems", "{}"),
            "ValidationException: 1 validation error detected: Value null at 'transactItems' "
            "failed to satisfy constraint: Member must not be null");
  EXPECT_EQ(WriteError(""),
            "ValidationException: 1 validation error detected: Value '[]' at 'transactItems' "
            "failed to satisfy constraint: Member must have length greater than or equal to 1");
  EXPECT_EQ(WriteError("{'Put':{}},{'Update':{'TableName':'tab','Key':{}}}"),
            "ValidationException: 3 validation errors detected: Value null at "
            "'transactItems.1.member.put.tableName' failed to satisfy constraint: Member must not "
            "be null; Value null at 'transactItems.1.member.put.item' failed to satisfy "
            "constraint: Member must not be null; Value null at "
            "'transactItems.2.member.update.updateExpression' failed to satisfy constraint: Member "
            "must not be null");
  EXPECT_EQ(WriteError(Put("a") + "," + Put("a"), ",'ReturnConsumedCapacity':'BOGUS'"),
            "ValidationException: 1 validation error detected: Value 'BOGUS' at "
            "'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy enum value "
            "set: [INDEXES, TOTAL, NONE]");
}

TEST_F(TransactApiTest, ThenExpressionsThenTablesThenItemsNamedTwice) {
  const std::string missing = "{'Put':{'TableName':'missing','Item':{'pk':{'S':'a'}}}}";
  const std::string check = Keyed("ConditionCheck", "a", ",'ConditionExpression':'attribute_('");
  EXPECT_EQ(WriteError(missing + "," + check).substr(0, 54),
            "ValidationException: Invalid ConditionExpression: Synt");
  EXPECT_EQ(WriteError(missing + "," + Put("a") + "," + Put("a")),
            "ResourceNotFoundException: Requested resource not found");
  EXPECT_EQ(WriteError(Put("a") + "," + Keyed("Delete", "a")),
            "ValidationException: Transaction request cannot include multiple operations on one "
            "item");
  EXPECT_EQ(WriteError("{}"),
            "ValidationException: Invalid Request: TransactWriteRequest should contain Delete or "
            "Put or Update request");
  EXPECT_EQ(
      WriteError("{'Put':{'TableName':'tab','Item':{}},'Delete':{'TableName':'tab','Key':{}}}"),
      "ValidationException: TransactItems can only contain one of Check, Put, Update or "
      "Delete");
  EXPECT_EQ(Error("TransactGetItems",
                  "{'TransactItems':[" + Keyed("Get", "a") + "," + Keyed("Get", "a") + "]}"),
            "ValidationException: Transaction request cannot include multiple operations on one "
            "item");
}

TEST_F(TransactApiTest, FourMegabytesAreTheMost) {
  const std::string big(300'000, 'x');
  std::string puts, updates;
  for (int i = 0; i < 15; ++i) {
    const std::string pk = "p" + std::to_string(i);
    if (i > 0) puts += ",", updates += ",";
    puts += "{'Put':{'TableName':'tab','Item':{'pk':{'S':'" + pk + "'},'sk':{'N':'1'},'v':{'S':'" +
            big + "'}}}}";
    updates += Keyed("Update", pk, ",'UpdateExpression':'SET w = pk'");
  }
  EXPECT_EQ(WriteError(puts).substr(0, 70),
            "ValidationException: Transaction payload size cannot exceed 4MB. Paylo");
  for (int i = 0; i < 15; ++i)
    Ask("PutItem", "{'TableName':'tab','Item':{'pk':{'S':'p" + std::to_string(i) +
                       "'},'sk':{'N':'1'},'v':{'S':'" + big + "'}}}");
  const int writes = engine_.writes;
  const std::string answer = Write(updates);
  EXPECT_NE(answer.find("ValidationError"), std::string::npos) << "the items as they would become";
  EXPECT_EQ(engine_.writes, writes);
}

}  // namespace
}  // namespace everwrite::api
