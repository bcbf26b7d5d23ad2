// Throughput, billing, class, encryption, streams and protection of tables: what may be asked, what
// may go together, and how it is described.
#include "region/api/testing/api_fixture.h"

namespace everwrite::api {
namespace {

class TableSettingsTest : public ApiTest {
 protected:
  std::string Create(std::string_view rest) {
    return Error("CreateTable",
                 "{'TableName':'made','KeySchema':[{'AttributeName':'k','KeyType':"
                 "'HASH'}],'AttributeDefinitions':[{'AttributeName':'k',"
                 "'AttributeType':'S'}]," +
                     std::string(rest) + "}");
  }
  std::string Update(std::string_view rest) {
    return Error("UpdateTable", "{'TableName':'made'," + std::string(rest) + "}");
  }
  // One member of the table's description, without its name; empty when it is not there.
  std::string Described(const std::string& member) {
    const std::string body = Ask("DescribeTable", "{'TableName':'made'}");
    const size_t at = body.find("'" + member + "':");
    if (at == std::string::npos) return "";
    const size_t begin = at + member.size() + 3;
    return body.substr(begin, body.find(body[begin] == '{' ? '}' : ',', begin) + 1 - begin);
  }
  static std::string Units(int read, int write) {
    return "'ProvisionedThroughput':{'ReadCapacityUnits':" + std::to_string(read) +
           ",'WriteCapacityUnits':" + std::to_string(write) + "}";
  }
  static std::string Invalid(std::string_view what) {
    return "ValidationException: One or more parameter values were invalid: " + std::string(what);
  }
  static constexpr const char* kOnDemand = "'BillingMode':'PAY_PER_REQUEST'";
};

TEST_F(TableSettingsTest, ThroughputTellsWhichWayItWent) {
  Create(Units(10, 10));
  clock_.millis = 1'700'000'001'000;
  Update(Units(20, 10));
  EXPECT_EQ(Described("ProvisionedThroughput"),
            "{'LastIncreaseDateTime':1700000001.000,'NumberOfDecreasesToday':0,"
            "'ReadCapacityUnits':20,'WriteCapacityUnits':10}");
  clock_.millis = 1'700'000'002'000;
  Update(Units(15, 10));
  Update(Units(15, 5));
  EXPECT_EQ(Described("ProvisionedThroughput"),
            "{'LastIncreaseDateTime':1700000001.000,'LastDecreaseDateTime':1700000002.000,"
            "'NumberOfDecreasesToday':2,'ReadCapacityUnits':15,'WriteCapacityUnits':5}");
  clock_.millis += 24ULL * 3600 * 1000;
  EXPECT_NE(Described("ProvisionedThroughput").find("'NumberOfDecreasesToday':0,"),
            std::string::npos);
  Update(Units(14, 5));
  EXPECT_NE(Described("ProvisionedThroughput").find("'NumberOfDecreasesToday':1,"),
            std::string::npos);
}

TEST_F(TableSettingsTest, BillingGoesThereAndBack) {
  Create(Units(1, 2));
  EXPECT_EQ(Described("BillingModeSummary"), "") << "a table that was never on demand";
  clock_.millis = 1'700'000'005'000;
  Update(kOnDemand);
  EXPECT_EQ(Described("BillingModeSummary"),
            "{'BillingMode':'PAY_PER_REQUEST','LastUpdateToPayPerRequestDateTime':1700000005.000}");
  EXPECT_EQ(Described("ProvisionedThroughput"),
            "{'NumberOfDecreasesToday':0,'ReadCapacityUnits':0,'WriteCapacityUnits':0}");
  EXPECT_EQ(Described("WarmThroughput"),
            "{'ReadUnitsPerSecond':12000,'WriteUnitsPerSecond':4000,'Status':'ACTIVE'}");
  Update("'BillingMode':'PROVISIONED'," + Units(3, 4));
  EXPECT_EQ(Described("BillingModeSummary"),
            "{'BillingMode':'PROVISIONED','LastUpdateToPayPerRequestDateTime':1700000005.000}");
}

TEST_F(TableSettingsTest, OnDemandThroughputHasABoundOrNone) {
  const std::string read = "'OnDemandThroughput':{'MaxReadRequestUnits':";
  EXPECT_EQ(Create(Units(1, 1) + "," + read + "5}"),
            Invalid("MaxReadRequestUnits for OnDemandThroughput cannot be specified when the table "
                    "BillingMode is PROVISIONED"));
  const std::string range = Invalid(
      "Requested MaxReadRequestUnits for OnDemandThroughput for table is outside of valid "
      "range");
  EXPECT_EQ(Create(std::string(kOnDemand) + "," + read + "0}"), range);
  EXPECT_EQ(Create(std::string(kOnDemand) + "," + read + "-1}"), range);
  Create(std::string(kOnDemand) + "," + read + "5}");
  EXPECT_EQ(Described("OnDemandThroughput"), "{'MaxReadRequestUnits':5,'MaxWriteRequestUnits':-1}");
  Update("'OnDemandThroughput':{'MaxReadRequestUnits':-1,'MaxWriteRequestUnits':7}");
  EXPECT_EQ(Described("OnDemandThroughput"), "{'MaxReadRequestUnits':-1,'MaxWriteRequestUnits':7}");
  EXPECT_EQ(Update(read + "9},'StreamSpecification':{'StreamEnabled':true,'StreamViewType':"
                          "'KEYS_ONLY'}"),
            Invalid("OnDemandThroughput can only be combined with BillingMode in an UpdateTable "
                    "request"));
}

TEST_F(TableSettingsTest, WarmThroughputOnlyRises) {
  EXPECT_EQ(
      Create(std::string(kOnDemand) + ",'WarmThroughput':{'ReadUnitsPerSecond':1}").substr(0, 150),
      Invalid("Requested ReadUnitsPerSecond for WarmThroughput for table is lower than "
              "initial throughput for OnDemand. See: https://docs.aws.amazon.com")
          .substr(0, 150));
  EXPECT_EQ(Create(Units(5, 5) + ",'WarmThroughput':{'WriteUnitsPerSecond':4}"),
            Invalid("Requested WriteUnitsPerSecond for WarmThroughput for table is lower than "
                    "WriteCapacityUnits of ProvisionedThroughput"));
  Create(std::string(kOnDemand) + ",'WarmThroughput':{'ReadUnitsPerSecond':13000}");
  EXPECT_EQ(Described("WarmThroughput"),
            "{'ReadUnitsPerSecond':13000,'WriteUnitsPerSecond':4000,'Status':'ACTIVE'}");
  EXPECT_EQ(Update("'WarmThroughput':{'ReadUnitsPerSecond':12999}"),
            Invalid("Requested ReadUnitsPerSecond for WarmThroughput for table is lower than "
                    "current WarmThroughput, decreasing WarmThroughput is not supported"));
  Update("'WarmThroughput':{'ReadUnitsPerSecond':14000,'WriteUnitsPerSecond':5000}");
  EXPECT_EQ(Described("WarmThroughput"),
            "{'ReadUnitsPerSecond':14000,'WriteUnitsPerSecond':5000,'Status':'ACTIVE'}");
}

TEST_F(TableSettingsTest, ClassesAndKeys) {
  EXPECT_EQ(Create(std::string(kOnDemand) + ",'TableClass':'GLACIER'"),
            "ValidationException: Invalid table-class parameter provided. Please try again with a "
            "valid table-class value: [STANDARD, STANDARD_INFREQUENT_ACCESS].");
  const auto sse = [](std::string_view members) {
    return "'SSESpecification':{" + std::string(members) + "}";
  };
  const std::string create = std::string(kOnDemand) + ",";
  EXPECT_EQ(Create(create + sse("'Enabled':false,'SSEType':'KMS'")),
            Invalid("SSEType can not be specified if Enabled is false"));
  EXPECT_EQ(Create(create + sse("'Enabled':false,'KMSMasterKeyId':'k'")),
            Invalid("KMSMasterKeyId can not be specified if Enabled is false"));
  EXPECT_EQ(Create(create + sse("'Enabled':true,'SSEType':'AES256'")),
            Invalid("SSEType AES256 is not supported"));
  EXPECT_EQ(Create(create + sse("'Enabled':true,'KMSMasterKeyId':'k'")),
            Invalid("SSEType KMS is required if KMSMasterKeyId is specified"));
  Create(kOnDemand);
  EXPECT_EQ(Described("SSEDescription") + Described("TableClassSummary"), "")
      << "the defaults go without saying";
  EXPECT_EQ(Update(sse("'Enabled':false")), Invalid("Table is already encrypted by default"));
  Update(sse("'Enabled':true,'SSEType':'KMS','KMSMasterKeyId':'k'"));
  EXPECT_EQ(Described("SSEDescription"),
            "{'Status':'ENABLED','SSEType':'KMS','KMSMasterKeyArn':'arn:aws:kms:eu-west-1:"
            "000000000000:key/k'}");
  EXPECT_EQ(Update(sse("'Enabled':true,'SSEType':'KMS','KMSMasterKeyId':'k'")),
            Invalid("Table is already encrypted with given KMSMasterKeyId. Use KMSMasterKeyId "
                    "parameter if you want to change Master Key"));
  Update("'TableClass':'STANDARD_INFREQUENT_ACCESS'");
  EXPECT_EQ(Described("TableClassSummary"),
            "{'TableClass':'STANDARD_INFREQUENT_ACCESS','LastUpdateDateTime':1700000000.123}");
}

TEST_F(TableSettingsTest, SomeChangesGoAlone) {
  Create(Units(1, 1));
  const std::string protect = "'DeletionProtectionEnabled':true";
  const std::string stream =
      "'StreamSpecification':{'StreamEnabled':true,'StreamViewType':'KEYS_ONLY'}";
  EXPECT_EQ(Update(protect + ",'SSESpecification':{'Enabled':true}"),
            Invalid("Server-Side Encryption modification must be the only operation in the "
                    "request"));
  EXPECT_EQ(Update(protect + ",'TableClass':'STANDARD'"),
            Invalid("TableClass modification must be the only operation in the request"));
  EXPECT_EQ(Update(protect + "," + stream),
            Invalid("DeletionProtection modification must be the only operation in the request"));
  EXPECT_EQ(Update("'WarmThroughput':{'ReadUnitsPerSecond':5}," + stream),
            Invalid("WarmThroughput must be the only operation in the request"));
  EXPECT_EQ(Update(Units(2, 2) + "," + stream),
            Invalid("You cannot modify stream status while updating table IOPS"));
  EXPECT_EQ(Update("'StreamSpecification':{'StreamEnabled':true}"),
            Invalid("If stream is being enabled then UpdateViewType is required"));
  EXPECT_EQ(Update("'StreamSpecification':{'StreamEnabled':false,'StreamViewType':'KEYS_ONLY'}"),
            Invalid("If stream is being disabled, then UpdateViewType must not be specified"));
}

TEST_F(TableSettingsTest, TagsComeWithTheTableOrItDoesNotCome) {
  const std::string create = std::string(kOnDemand) + ",'Tags':[";
  EXPECT_EQ(Create(create + "{'Key':'aws:a','Value':'b'}]"),
            "ValidationException: Tag Key cannot be prefixed with aws:, Key: aws:a");
  EXPECT_EQ(Ask("ListTables", "{}"), "{'TableNames':[]}");
  Create(create + "{'Key':'a','Value':'b'}]");
  EXPECT_EQ(Ask("ListTagsOfResource",
                "{'ResourceArn':'arn:aws:dynamodb:eu-west-1:000000000000:table/made'}"),
            "{'Tags':[{'Key':'a','Value':'b'}]}");
}

}  // namespace
}  // namespace everwrite::api
