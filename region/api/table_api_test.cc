// Operations on tables through JSON in and JSON out.
#include "region/api/testing/api_fixture.h"

namespace everwrite::api {
namespace {

class TableApiTest : public ApiTest {
 protected:
  const std::string kSimple =
      "'KeySchema':[{'AttributeName':'k','KeyType':'HASH'}],"
      "'AttributeDefinitions':[{'AttributeName':'k','AttributeType':'S'}]";
  std::string Create(std::string_view rest) {
    return Error("CreateTable", "{'TableName':'abc'," + std::string(rest) + "}");
  }
};

TEST_F(TableApiTest, CreateDescribeAndDeleteShowTheWholeDescription) {
  const std::string created = Ask(
      "CreateTable",
      "{'TableName':'prov','ProvisionedThroughput':{'ReadCapacityUnits':5,'WriteCapacityUnits':6},"
      "'TableClass':'STANDARD_INFREQUENT_ACCESS'," +
          kSimple + "}");
  EXPECT_EQ(last_.status, 200);
  const size_t id = created.find("'TableId':'") + 11;
  const std::string uuid = created.substr(id, 36);
  EXPECT_EQ(uuid[8], '-');
  EXPECT_EQ(uuid[14], '4');
  const std::string description =
      "{'AttributeDefinitions':[{'AttributeName':'k','AttributeType':'S'}],"
      "'KeySchema':[{'AttributeName':'k','KeyType':'HASH'}],'TableName':'prov',"
      "'TableStatus':'CREATING','CreationDateTime':1700000000.123,"
      "'ProvisionedThroughput':{'NumberOfDecreasesToday':0,'ReadCapacityUnits':5,"
      "'WriteCapacityUnits':6},'WarmThroughput':{'ReadUnitsPerSecond':5,'WriteUnitsPerSecond':6,"
      "'Status':'ACTIVE'},'TableSizeBytes':0,'ItemCount':0,"
      "'TableArn':'arn:aws:dynamodb:eu-west-1:000000000000:table/prov','TableId':'" +
      uuid +
      "','TableClassSummary':{'TableClass':'STANDARD_INFREQUENT_ACCESS'},"
      "'DeletionProtectionEnabled':false}";
  EXPECT_EQ(created, "{'TableDescription':" + description + "}");
  std::string active = description;
  active.replace(active.find("CREATING"), 8, "ACTIVE");
  EXPECT_EQ(Ask("DescribeTable", "{'TableName':'prov'}"), "{'Table':" + active + "}");
  EXPECT_EQ(
      Ask("DescribeTable", "{'TableName':'arn:aws:dynamodb:eu-west-1:000000000000:table/prov'}"),
      "{'Table':" + active + "}");
  std::string deleting = description;
  deleting.replace(deleting.find("CREATING"), 8, "DELETING");
  EXPECT_EQ(Ask("DeleteTable", "{'TableName':'prov'}"), "{'TableDescription':" + deleting + "}");
  EXPECT_EQ(Error("DescribeTable", "{'TableName':'prov'}"),
            "ResourceNotFoundException: Requested resource not found: Table: prov not found");
  EXPECT_EQ(Error("DeleteTable", "{'TableName':'prov'}"),
            "ResourceNotFoundException: Requested resource not found: Table: prov not found");
}

TEST_F(TableApiTest, OnDemandTableWithAStreamIsDescribed) {
  const std::string created =
      Ask("CreateTable",
          "{'TableName':'ondemand','BillingMode':'PAY_PER_REQUEST',"
          "'StreamSpecification':{'StreamEnabled':true,'StreamViewType':'NEW_IMAGE'},"
          "'SSESpecification':{'Enabled':true},'DeletionProtectionEnabled':true," +
              kSimple + "}");
  for (const char* part :
       {"'BillingModeSummary':{'BillingMode':'PAY_PER_REQUEST',"
        "'LastUpdateToPayPerRequestDateTime':1700000000.123}",
        "'StreamSpecification':{'StreamEnabled':true,'StreamViewType':'NEW_IMAGE'}",
        "'LatestStreamLabel':'2023-11-14T22:13:20.123'",
        "'LatestStreamArn':'arn:aws:dynamodb:eu-west-1:000000000000:table/ondemand/stream/"
        "2023-11-14T22:13:20.123'",
        "'SSEDescription':{'Status':'ENABLED','SSEType':'KMS','KMSMasterKeyArn':'arn:aws:kms:"
        "eu-west-1:000000000000:alias/aws/dynamodb'}",
        "'WarmThroughput':{'ReadUnitsPerSecond':12000,'WriteUnitsPerSecond':4000,'Status':"
        "'ACTIVE'}",
        "'DeletionProtectionEnabled':true"})
    EXPECT_NE(created.find(part), std::string::npos) << part << " in " << created;
  EXPECT_EQ(Error("DeleteTable", "{'TableName':'ondemand'}"),
            "ValidationException: Resource cannot be deleted as it is currently protected against "
            "deletion. Disable deletion protection first.");
}

TEST_F(TableApiTest, CreateTableRefusesWhatTheServiceRefuses) {
  const std::string invalid = "ValidationException: One or more parameter values were invalid: ";
  EXPECT_EQ(Error("CreateTable", "{}"),
            "ValidationException: The parameter 'TableName' is required but was not present in the "
            "request");
  EXPECT_EQ(Error("CreateTable", "{'TableName':'ab'}"),
            "ValidationException: TableName must be at least 3 characters long and at most 255 "
            "characters long");
  EXPECT_EQ(
      Error("CreateTable", "{'TableName':'a!c','BillingMode':'X'}"),
      "ValidationException: 4 validation errors detected: Value null at 'attributeDefinitions' "
      "failed to satisfy constraint: Member must not be null; Value 'a!c' at 'tableName' failed "
      "to satisfy constraint: Member must satisfy regular expression pattern: "
      "[a-zA-Z0-9_.-]+; Value 'X' at 'billingMode' failed to satisfy constraint: Member must "
      "satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]; Value null at 'keySchema' failed "
      "to satisfy constraint: Member must not be null");
  EXPECT_EQ(
      Create("'KeySchema':[],'AttributeDefinitions':[],'ProvisionedThroughput':{}"),
      "ValidationException: 3 validation errors detected: Value null at "
      "'provisionedThroughput.writeCapacityUnits' failed to satisfy constraint: Member must not "
      "be null; Value null at 'provisionedThroughput.readCapacityUnits' failed to satisfy "
      "constraint: Member must not be null; Value '[]' at 'keySchema' failed to satisfy "
      "constraint: Member must have length greater than or equal to 1");
  EXPECT_EQ(
      Create("'BillingMode':'PAY_PER_REQUEST',"
             "'KeySchema':[{'AttributeName':'k','KeyType':'HASHY'}],"
             "'AttributeDefinitions':[{'AttributeName':'k','AttributeType':'SS'}]"),
      "ValidationException: 2 validation errors detected: Value 'SS' at "
      "'attributeDefinitions.1.member.attributeType' failed to satisfy constraint: Member must "
      "satisfy enum value set: [B, N, S]; Value 'HASHY' at 'keySchema.1.member.keyType' failed "
      "to satisfy constraint: Member must satisfy enum value set: [HASH, RANGE]");
  EXPECT_EQ(Create(kSimple), invalid +
                                 "ReadCapacityUnits and WriteCapacityUnits must both be "
                                 "specified when BillingMode is PROVISIONED");
  EXPECT_EQ(Create("'BillingMode':'PAY_PER_REQUEST','ProvisionedThroughput':"
                   "{'ReadCapacityUnits':1,'WriteCapacityUnits':1}," +
                   kSimple),
            invalid +
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when "
                "BillingMode is PAY_PER_REQUEST");
  EXPECT_EQ(Create("'BillingMode':'PAY_PER_REQUEST',"
                   "'KeySchema':[{'AttributeName':'k','KeyType':'HASH'}],"
                   "'AttributeDefinitions':[{'AttributeName':'x','AttributeType':'S'}]"),
            invalid +
                "Some index key attributes are not defined in AttributeDefinitions. Keys: [k], "
                "AttributeDefinitions: [x]");
  EXPECT_EQ(Create("'BillingMode':'PAY_PER_REQUEST',"
                   "'KeySchema':[{'AttributeName':'k','KeyType':'HASH'}],"
                   "'AttributeDefinitions':[{'AttributeName':'k','AttributeType':'S'},"
                   "{'AttributeName':'x','AttributeType':'S'}]"),
            invalid +
                "Number of attributes in KeySchema does not exactly match number of attributes "
                "defined in AttributeDefinitions");
  EXPECT_EQ(
      Create("'BillingMode':'PAY_PER_REQUEST',"
             "'KeySchema':[{'AttributeName':'k','KeyType':'RANGE'}],"
             "'AttributeDefinitions':[{'AttributeName':'k','AttributeType':'S'}]"),
      "ValidationException: Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
  EXPECT_EQ(Create("'BillingMode':'PAY_PER_REQUEST','KeySchema':7,'AttributeDefinitions':[]"),
            "SerializationException: Unexpected field type");
  EXPECT_EQ(Create("'BillingMode':7," + kSimple),
            "SerializationException: NUMBER_VALUE cannot be converted to String");
  EXPECT_EQ(Create("'BillingMode':'PAY_PER_REQUEST','StreamSpecification':{'StreamEnabled':true}," +
                   kSimple),
            invalid + "Table is being created with a stream enabled, UpdateViewType is required");
  EXPECT_EQ(
      Create("'ProvisionedThroughput':{'ReadCapacityUnits':1000000000001,"
             "'WriteCapacityUnits':1}," +
             kSimple),
      "ValidationException: Given value 1000000000001 for ReadCapacityUnits is out of bounds");
  EXPECT_EQ(Ask("ListTables", "{}"), "{'TableNames':[]}");
}

TEST_F(TableApiTest, TakenNameIsInUse) {
  MakeTable("abc");
  EXPECT_EQ(Create("'BillingMode':'PAY_PER_REQUEST'," + kSimple),
            "ResourceInUseException: Table already exists: abc");
}

TEST_F(TableApiTest, UpdateTableChangesWhatIsAsked) {
  MakeTable("abc");
  const auto update = [&](std::string_view rest) {
    return Error("UpdateTable", "{'TableName':'abc'," + std::string(rest) + "}");
  };
  const std::string on =
      "'StreamSpecification':{'StreamEnabled':true,'StreamViewType':'KEYS_ONLY'}";
  EXPECT_NE(update(on).find("'TableStatus':'UPDATING'"), std::string::npos);
  EXPECT_EQ(update(on), "ValidationException: Table already has an enabled stream: TableName: abc");
  const std::string off = update("'StreamSpecification':{'StreamEnabled':false}");
  EXPECT_EQ(off.find("StreamSpecification"), std::string::npos);
  EXPECT_NE(off.find("LatestStreamArn"), std::string::npos);  // its records can still be read
  EXPECT_EQ(update("'StreamSpecification':{'StreamEnabled':false}"),
            "ValidationException: Table has no stream to disable: TableName: abc");
  const std::string units =
      "'ProvisionedThroughput':{'ReadCapacityUnits':3,'WriteCapacityUnits':4}";
  EXPECT_EQ(update("'BillingMode':'PROVISIONED'"),
            "ValidationException: One or more parameter values were invalid: ProvisionedThroughput "
            "must be specified when BillingMode is PROVISIONED");
  EXPECT_EQ(update(units),
            "ValidationException: One or more parameter values were invalid: Neither "
            "ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
            "PAY_PER_REQUEST");
  EXPECT_NE(update("'BillingMode':'PROVISIONED'," + units)
                .find("'ReadCapacityUnits':3,'WriteCapacityUnits':4"),
            std::string::npos);
  EXPECT_EQ(update(units).substr(0, 75),
            "ValidationException: The provisioned throughput for the table will not chan");
  update("'DeletionProtectionEnabled':true");
  EXPECT_NE(Ask("DescribeTable", "{'TableName':'abc'}").find("'DeletionProtectionEnabled':true"),
            std::string::npos);
  EXPECT_EQ(
      Error("UpdateTable", "{'TableName':'abc'}"),
      "ValidationException: At least one of ProvisionedThroughput, BillingMode, "
      "UpdateStreamEnabled, GlobalSecondaryIndexUpdates, SSESpecification, ReplicaUpdates, "
      "MultiAccountReplicaReady, ReplicaTransitRoleArn, MultiRegionConsistency, "
      "DeletionProtectionEnabled, OnDemandThroughput, WarmThroughput or TableClass is required");
  EXPECT_EQ(Error("UpdateTable", "{'TableName':'nope','DeletionProtectionEnabled':true}"),
            "ResourceNotFoundException: Requested resource not found: Table: nope not found");
}

TEST_F(TableApiTest, ListTablesPages) {
  for (const char* name : {"ccc", "aaa", "bbb"}) MakeTable(name);
  EXPECT_EQ(Ask("ListTables", "{}"), "{'TableNames':['aaa','bbb','ccc']}");
  EXPECT_EQ(Ask("ListTables", "{'Limit':2}"),
            "{'TableNames':['aaa','bbb'],'LastEvaluatedTableName':'bbb'}");
  EXPECT_EQ(Ask("ListTables", "{'Limit':2,'ExclusiveStartTableName':'bbb'}"),
            "{'TableNames':['ccc']}");
  EXPECT_EQ(
      Error("ListTables", "{'Limit':0,'ExclusiveStartTableName':'!'}"),
      "ValidationException: 3 validation errors detected: Value '0' at 'limit' failed to satisfy "
      "constraint: Member must have value greater than or equal to 1; Value '!' at "
      "'exclusiveStartTableName' failed to satisfy constraint: Member must satisfy regular "
      "expression pattern: [a-zA-Z0-9_.-]+; Value '!' at 'exclusiveStartTableName' failed to "
      "satisfy constraint: Member must have length greater than or equal to 3");
  EXPECT_EQ(Error("ListTables", "{'Limit':101}"),
            "ValidationException: 1 validation error detected: Value '101' at 'limit' failed to "
            "satisfy constraint: Member must have value less than or equal to 100");
  EXPECT_EQ(Error("ListTables", "{'Limit':'x'}"),
            "SerializationException: STRING_VALUE cannot be converted to Integer");
}

}  // namespace
}  // namespace everwrite::api
