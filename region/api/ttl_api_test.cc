// UpdateTimeToLive and DescribeTimeToLive.
#include "region/api/testing/api_fixture.h"

namespace everwrite::api {
namespace {

class TtlApiTest : public ApiTest {
 protected:
  explicit TtlApiTest(uint64_t change_interval_ms = 0) : ApiTest(change_interval_ms) {
    MakeTable();
  }
  std::string Update(bool enabled, std::string_view attribute) {
    return Error("UpdateTimeToLive", "{'TableName':'tab','TimeToLiveSpecification':{'Enabled':" +
                                         std::string(enabled ? "true" : "false") +
                                         ",'AttributeName':'" + std::string(attribute) + "'}}");
  }
  std::string Describe() { return Ask("DescribeTimeToLive", "{'TableName':'tab'}"); }
};

TEST_F(TtlApiTest, OnOffAndOnForAnotherAttribute) {
  EXPECT_EQ(Describe(), "{'TimeToLiveDescription':{'TimeToLiveStatus':'DISABLED'}}");
  EXPECT_EQ(Update(false, "exp"), "ValidationException: TimeToLive is already disabled");
  EXPECT_EQ(Update(true, "exp"),
            "{'TimeToLiveSpecification':{'Enabled':true,'AttributeName':'exp'}}");
  EXPECT_EQ(Describe(),
            "{'TimeToLiveDescription':{'TimeToLiveStatus':'ENABLED','AttributeName':'exp'}}");
  EXPECT_EQ(Update(true, "exp"), "ValidationException: TimeToLive is already enabled");
  const std::string other =
      "ValidationException: TimeToLive is active on a different AttributeName: current "
      "AttributeName is exp";
  EXPECT_EQ(Update(true, "other"), other);
  EXPECT_EQ(Update(false, "other"), other);
  EXPECT_EQ(Update(false, "exp"),
            "{'TimeToLiveSpecification':{'Enabled':false,'AttributeName':'exp'}}");
  EXPECT_EQ(Update(true, "other"),
            "{'TimeToLiveSpecification':{'Enabled':true,'AttributeName':'other'}}");
}

class HourlyTtlApiTest : public TtlApiTest {
 protected:
  HourlyTtlApiTest() : TtlApiTest(3'600'000) {}
};

TEST_F(HourlyTtlApiTest, AChangeAnHourIsTheRuleWhenItIsSet) {
  ASSERT_EQ(Update(true, "exp").substr(0, 2), "{'");
  const std::string refused =
      "ValidationException: Time to live has been modified multiple times within a fixed interval";
  EXPECT_EQ(Update(true, "exp"), refused);
  clock_.millis += 3'599'000;
  EXPECT_EQ(Update(false, "exp"), refused);
  clock_.millis += 1'000;
  EXPECT_EQ(Update(false, "exp").substr(0, 2), "{'");
}

TEST_F(TtlApiTest, RequestsAreValidated) {
  EXPECT_EQ(Error("UpdateTimeToLive", "{'TableName':'tab'}"),
            "ValidationException: 1 validation error detected: Value null at "
            "'timeToLiveSpecification' failed to satisfy constraint: Member must not be null");
  EXPECT_EQ(Error("UpdateTimeToLive", "{'TableName':'tab','TimeToLiveSpecification':{}}"),
            "ValidationException: 2 validation errors detected: Value null at "
            "'timeToLiveSpecification.attributeName' failed to satisfy constraint: Member must not "
            "be null; Value null at 'timeToLiveSpecification.enabled' failed to satisfy "
            "constraint: Member must not be null");
  EXPECT_EQ(Update(true, ""),
            "ValidationException: 1 validation error detected: Value '' at "
            "'timeToLiveSpecification.attributeName' failed to satisfy constraint: Member must "
            "have length greater than or equal to 1");
  const std::string missing =
      "ResourceNotFoundException: Requested resource not found: Table: none not found";
  EXPECT_EQ(Error("DescribeTimeToLive", "{'TableName':'none'}"), missing);
  EXPECT_EQ(Error("UpdateTimeToLive",
                  "{'TableName':'none','TimeToLiveSpecification':{'Enabled':true,"
                  "'AttributeName':'exp'}}"),
            missing);
}

}  // namespace
}  // namespace everwrite::api
