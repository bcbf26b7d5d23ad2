// Legacy parameters through the API: what a request that has them answers, and in which order it is
// refused.
#include <gtest/gtest.h>

#include "region/api/testing/api_fixture.h"

namespace everwrite::api {
namespace {

class LegacyParametersTest : public ApiTest {
 protected:
  void SetUp() override { MakeTable(); }

  void Put(std::string_view item) {
    Ask("PutItem", "{'TableName':'tab','Item':" + std::string(item) + "}");
    ASSERT_EQ(last_.status, 200) << last_.body;
  }
  // A write of one item with `more` parameters.
  std::string PutWith(std::string_view more) {
    return Error("PutItem", "{'TableName':'tab','Item':{'pk':{'S':'a'},'sk':{'N':'1'}}," +
                                std::string(more) + "}");
  }
  std::string UpdateWith(std::string_view more) {
    return Error("UpdateItem", "{'TableName':'tab','Key':{'pk':{'S':'a'},'sk':{'N':'1'}}," +
                                   std::string(more) + "}");
  }
  std::string QueryWith(std::string_view more) {
    return Error("Query", "{'TableName':'tab'," + std::string(more) + "}");
  }
  std::string ScanWith(std::string_view more) {
    return Error("Scan", "{'TableName':'tab'," + std::string(more) + "}");
  }
  static std::string Invalid(std::string_view what) {
    return "ValidationException: One or more parameter values were invalid: " + std::string(what);
  }
};

constexpr std::string_view kPk =
    "'pk':{'ComparisonOperator':'EQ','AttributeValueList':[{'S':'a'}]}";

TEST_F(LegacyParametersTest, ExpectedIsACondition) {
  Put("{'pk':{'S':'a'},'sk':{'N':'1'},'n':{'N':'5'}}");
  EXPECT_EQ(PutWith("'Expected':{'n':{'Value':{'N':'6'}}}"),
            "ConditionalCheckFailedException: The conditional request failed");
  EXPECT_EQ(PutWith("'Expected':{'n':{'Exists':false}}"),
            "ConditionalCheckFailedException: The conditional request failed");
  EXPECT_EQ(PutWith("'Expected':{'n':{'ComparisonOperator':'GT','AttributeValueList':[{'N':'4'}]},"
                    "'x':{'Value':{'S':'y'}}}"),
            "ConditionalCheckFailedException: The conditional request failed");
  EXPECT_EQ(PutWith("'Expected':{'n':{'ComparisonOperator':'GT','AttributeValueList':[{'N':'4'}]},"
                    "'x':{'Value':{'S':'y'}}},'ConditionalOperator':'OR'"),
            "{}");
  EXPECT_EQ(PutWith("'Expected':{'n':{'Exists':false}}"), "{}");
}

TEST_F(LegacyParametersTest, EachEntryOfExpectedHasItsRules) {
  EXPECT_EQ(PutWith("'Expected':{'s':{}}"),
            Invalid("Value must be provided when Exists is null for Attribute: s"));
  EXPECT_EQ(PutWith("'Expected':{'s':{'Exists':true}}"),
            Invalid("Value must be provided when Exists is true for Attribute: s"));
  EXPECT_EQ(PutWith("'Expected':{'s':{'Exists':false,'Value':{'S':'x'}}}"),
            Invalid("Value cannot be used when Exists is false for Attribute: s"));
  EXPECT_EQ(PutWith("'Expected':{'s':{'ComparisonOperator':'EQ'}}"),
            Invalid("Value or AttributeValueList must be used with ComparisonOperator: EQ for "
                    "Attribute: s"));
  EXPECT_EQ(PutWith("'Expected':{'s':{'ComparisonOperator':'EQ','AttributeValueList':[],"
                    "'Exists':true}}"),
            Invalid("Exists and ComparisonOperator cannot be used together for Attribute: s"));
  EXPECT_EQ(PutWith("'Expected':{'s':{'Value':{'S':'x'},'AttributeValueList':[]}}"),
            Invalid("Value and AttributeValueList cannot be used together for Attribute: s"));
  EXPECT_EQ(PutWith("'Expected':{'s':{'AttributeValueList':[]}}"),
            Invalid("AttributeValueList can only be used with a ComparisonOperator for Attribute: "
                    "s"));
  EXPECT_EQ(PutWith("'Expected':{'s':null}"),
            Invalid("ExpectedAttributeValue must not be null for Attribute: s"));
  EXPECT_EQ(PutWith("'Expected':{'':{'Exists':false}}"),
            "ValidationException: Empty attribute name");
  EXPECT_EQ(PutWith("'Expected':{'s':{'ComparisonOperator':'eq'}}"),
            "ValidationException: 1 validation error detected: Value 'eq' at "
            "'expected.s.member.comparisonOperator' failed to satisfy constraint: Member must "
            "satisfy enum value set: [IN, NULL, BETWEEN, LT, NOT_CONTAINS, EQ, GT, NOT_NULL, NE, "
            "LE, BEGINS_WITH, GE, CONTAINS]");
  EXPECT_EQ(PutWith("'Expected':[]"),
            "SerializationException: Unrecognized collection type java.util.Map<java.lang.String, "
            "com.amazonaws.dynamodb.v20120810.ExpectedAttributeValue>");
}

TEST_F(LegacyParametersTest, ConditionalOperatorJoinsTwoOrMore) {
  EXPECT_EQ(PutWith("'ConditionalOperator':'OR'"),
            "ValidationException: ConditionalOperator cannot be used without Filter or Expected");
  EXPECT_EQ(PutWith("'Expected':{},'ConditionalOperator':'AND'"),
            "ValidationException: ConditionalOperator cannot be used without Filter or Expected");
  EXPECT_EQ(PutWith("'Expected':{'a':{'Exists':false}},'ConditionalOperator':'AND'"),
            "ValidationException: ConditionalOperator can only be used when Filter or Expected has "
            "two or more elements");
  EXPECT_EQ(PutWith("'ConditionalOperator':'NOT'"),
            "ValidationException: 1 validation error detected: Value 'NOT' at "
            "'conditionalOperator' failed to satisfy constraint: Member must satisfy enum value "
            "set: [OR, AND]");
  EXPECT_EQ(PutWith("'Expected':{}"), "{}");
}

TEST_F(LegacyParametersTest, ExpressionsAndLegacyParametersDoNotMix) {
  const auto mixed = [](std::string_view legacy, std::string_view expressions) {
    return "ValidationException: Can not use both expression and non-expression parameters in the "
           "same request: Non-expression parameters: {" +
           std::string(legacy) + "} Expression parameters: {" + std::string(expressions) + "}";
  };
  EXPECT_EQ(PutWith("'Expected':{},'ConditionExpression':'a = :a'"),
            mixed("Expected", "ConditionExpression"));
  EXPECT_EQ(UpdateWith("'Expected':{},'AttributeUpdates':{},'ConditionalOperator':'OR',"
                       "'UpdateExpression':'x','ConditionExpression':'y'"),
            mixed("AttributeUpdates, Expected, ConditionalOperator",
                  "UpdateExpression, ConditionExpression"));
  EXPECT_EQ(QueryWith("'KeyConditions':{},'QueryFilter':{},'AttributesToGet':['a'],"
                      "'KeyConditionExpression':'x','FilterExpression':'y'"),
            mixed("AttributesToGet, QueryFilter, KeyConditions",
                  "FilterExpression, KeyConditionExpression"));
  EXPECT_EQ(ScanWith("'ScanFilter':{},'ConditionalOperator':'OR','ProjectionExpression':'a'"),
            mixed("ScanFilter, ConditionalOperator", "ProjectionExpression"));
  EXPECT_EQ(Error("GetItem",
                  "{'TableName':'tab','Key':{},'AttributesToGet':['a'],"
                  "'ProjectionExpression':'a'}"),
            mixed("AttributesToGet", "ProjectionExpression"));
  EXPECT_EQ(Error("BatchGetItem",
                  "{'RequestItems':{'tab':{'Keys':[{}],'AttributesToGet':['a'],"
                  "'ProjectionExpression':'a'}}}"),
            mixed("AttributesToGet", "ProjectionExpression"));
  // KeyConditions may have a filter and a projection that are expressions.
  EXPECT_EQ(QueryWith("'KeyConditions':{" + std::string(kPk) +
                      "},'FilterExpression':'n = :n','ProjectionExpression':'n',"
                      "'ExpressionAttributeValues':{':n':{'N':'1'}}"),
            "{'Items':[],'Count':0,'ScannedCount':0}");
  EXPECT_EQ(PutWith("'Expected':{},'ExpressionAttributeValues':{':a':{'S':'x'}}"),
            "ValidationException: ExpressionAttributeValues can only be specified when using "
            "expressions: ConditionExpression is null");
}

TEST_F(LegacyParametersTest, AttributeUpdates) {
  Put("{'pk':{'S':'a'},'sk':{'N':'1'},'n':{'N':'5'},'s':{'SS':['x','y']},'gone':{'S':'x'}}");
  EXPECT_EQ(UpdateWith("'AttributeUpdates':{'n':{'Action':'ADD','Value':{'N':'2'}},"
                       "'s':{'Action':'DELETE','Value':{'SS':['x']}},'gone':{'Action':'DELETE'},"
                       "'a.b':{'Value':{'S':'put'}}},'ReturnValues':'ALL_NEW'"),
            "{'Attributes':{'a.b':{'S':'put'},'n':{'N':'7'},'pk':{'S':'a'},'s':{'SS':['y']},"
            "'sk':{'N':'1'}}}");
  EXPECT_EQ(UpdateWith("'AttributeUpdates':{'n':{'Action':'ADD','Value':{'N':'1'}},"
                       "'none':{'Action':'DELETE'}},'ReturnValues':'UPDATED_NEW'"),
            "{'Attributes':{'n':{'N':'8'}}}");
  EXPECT_EQ(UpdateWith("'AttributeUpdates':{'n':{'Action':'ADD','Value':{'SS':['x']}}}"),
            "ValidationException: Type mismatch for attribute to update");
  EXPECT_EQ(UpdateWith("'AttributeUpdates':{'pk':{'Action':'DELETE'}}"),
            Invalid("Cannot update attribute pk. This attribute is part of the key"));
  EXPECT_EQ(UpdateWith("'AttributeUpdates':{'x':{'Action':'PUT'}}"),
            Invalid("Only DELETE action is allowed when no attribute value is specified"));
  EXPECT_EQ(UpdateWith("'AttributeUpdates':{'x':{'Action':'SET','Value':{'S':'x'}}}"),
            "ValidationException: 1 validation error detected: Value 'SET' at "
            "'attributeUpdates.x.member.action' failed to satisfy constraint: Member must satisfy "
            "enum value set: [ADD, DELETE, PUT]");
  // Of a name given twice the last counts.
  EXPECT_EQ(UpdateWith("'AttributeUpdates':{'x':{'Value':{'S':'1'}},'x':{'Value':{'S':'2'}}},"
                       "'ReturnValues':'UPDATED_NEW'"),
            "{'Attributes':{'x':{'S':'2'}}}");
}

TEST_F(LegacyParametersTest, WhatOnlyTakesAwayMakesNoItem) {
  EXPECT_EQ(UpdateWith("'AttributeUpdates':{'x':{'Action':'DELETE'}},'ReturnValues':'ALL_NEW'"),
            "{}");
  EXPECT_EQ(UpdateWith("'UpdateExpression':'REMOVE x'"), "{}");
  EXPECT_EQ(Ask("Scan", "{'TableName':'tab'}"), "{'Items':[],'Count':0,'ScannedCount':0}");
  EXPECT_EQ(UpdateWith("'AttributeUpdates':{}"), "{}");
  EXPECT_EQ(Ask("Scan", "{'TableName':'tab','Select':'COUNT'}"), "{'Count':1,'ScannedCount':1}");
}

TEST_F(LegacyParametersTest, KeyConditionsAndFilters) {
  for (int i = 1; i <= 5; ++i) {
    const std::string n = std::to_string(i);
    Put("{'pk':{'S':'a'},'sk':{'N':'" + n + "'},'v':{'N':'" + std::to_string(i % 2) + "'}}");
  }
  const std::string key = "'KeyConditions':{" + std::string(kPk);
  EXPECT_EQ(QueryWith(key + ",'sk':{'ComparisonOperator':'BETWEEN','AttributeValueList':"
                            "[{'N':'2'},{'N':'3'}]}},'AttributesToGet':['sk']"),
            "{'Items':[{'sk':{'N':'2'}},{'sk':{'N':'3'}}],'Count':2,'ScannedCount':2}");
  EXPECT_EQ(QueryWith(key + "},'Select':'COUNT','QueryFilter':{'v':{'ComparisonOperator':'EQ',"
                            "'AttributeValueList':[{'N':'1'}]}}"),
            "{'Count':3,'ScannedCount':5}");
  EXPECT_EQ(ScanWith("'Select':'COUNT','ScanFilter':{'v':{'ComparisonOperator':'EQ',"
                     "'AttributeValueList':[{'N':'1'}]},'sk':{'ComparisonOperator':'LE',"
                     "'AttributeValueList':[{'N':'2'}]}},'ConditionalOperator':'OR'"),
            "{'Count':4,'ScannedCount':5}");
  EXPECT_EQ(QueryWith(key + "},'QueryFilter':{'sk':{'ComparisonOperator':'NOT_NULL'}}"),
            "ValidationException: QueryFilter can only contain non-primary key attributes: Primary "
            "key attribute: sk");
  EXPECT_EQ(QueryWith("'KeyConditions':{}"),
            "ValidationException: Conditions can be of length 1 or 2 only");
  EXPECT_EQ(QueryWith(key + ",'sk':{'ComparisonOperator':'NE','AttributeValueList':[{'N':'2'}]}}"),
            "ValidationException: Attempted conditional constraint is not an indexable operation");
  EXPECT_EQ(QueryWith("'KeyConditions':{'pk':{}}"),
            "ValidationException: 1 validation error detected: Value null at "
            "'keyConditions.pk.member.comparisonOperator' failed to satisfy constraint: Member "
            "must not be null");
  EXPECT_EQ(QueryWith("'KeyConditions':{'pk':null}"),
            "ValidationException: The filter condition for an attribute cannot be null: pk");
}

TEST_F(LegacyParametersTest, AttributesToGet) {
  Put("{'pk':{'S':'a'},'sk':{'N':'1'},'n':{'N':'5'},'size':{'S':'x'}}");
  const std::string key = "{'TableName':'tab','Key':{'pk':{'S':'a'},'sk':{'N':'1'}},";
  EXPECT_EQ(Ask("GetItem", key + "'AttributesToGet':['n','size','none']}"),
            "{'Item':{'n':{'N':'5'},'size':{'S':'x'}}}");
  EXPECT_EQ(Error("GetItem", key + "'AttributesToGet':['n','n']}"),
            Invalid("Duplicate value in attribute name: n"));
  EXPECT_EQ(Error("GetItem", key + "'AttributesToGet':[]}"),
            "ValidationException: 1 validation error detected: Value '[]' at 'attributesToGet' "
            "failed to satisfy constraint: Member must have length greater than or equal to 1");
  EXPECT_EQ(Ask("BatchGetItem",
                "{'RequestItems':{'tab':{'Keys':[{'pk':{'S':'a'},'sk':{'N':'1'}}],"
                "'AttributesToGet':['n']}}}"),
            "{'Responses':{'tab':[{'n':{'N':'5'}}]},'UnprocessedKeys':{}}");
  EXPECT_EQ(QueryWith("'KeyConditions':{" + std::string(kPk) +
                      "},'AttributesToGet':['n'],'Select':'COUNT'"),
            "ValidationException: Cannot specify the AttributesToGet when choosing to get only the "
            "Count");
}

}  // namespace
}  // namespace everwrite::api
