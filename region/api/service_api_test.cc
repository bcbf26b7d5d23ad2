// DescribeLimits, DescribeEndpoints and the backups that there are not.
#include "region/api/testing/api_fixture.h"

namespace everwrite::api {
namespace {

using ServiceApiTest = ApiTest;

TEST_F(ServiceApiTest, LimitsAreTheServicesDefaults) {
  EXPECT_EQ(Ask("DescribeLimits", "{}"),
            "{'AccountMaxReadCapacityUnits':80000,'AccountMaxWriteCapacityUnits':80000,"
            "'TableMaxReadCapacityUnits':40000,'TableMaxWriteCapacityUnits':40000}");
}

TEST_F(ServiceApiTest, TheEndpointIsTheOneThatWasAsked) {
  http::HttpRequest request = Request("DynamoDB_20120810.DescribeEndpoints");
  request.fields.push_back({"Host", "127.0.0.1:8000"});
  EXPECT_EQ(Unquoted(Handle(request, "{}").body),
            "{'Endpoints':[{'Address':'127.0.0.1:8000','CachePeriodInMinutes':1440}]}");
}

TEST_F(ServiceApiTest, BackupsAreDisabledAndStaySo) {
  MakeTable();
  const std::string disabled =
      "{'ContinuousBackupsDescription':{'ContinuousBackupsStatus':'DISABLED',"
      "'PointInTimeRecoveryDescription':{'PointInTimeRecoveryStatus':'DISABLED'}}}";
  EXPECT_EQ(Ask("DescribeContinuousBackups", "{'TableName':'tab'}"), disabled);
  EXPECT_EQ(Error("DescribeContinuousBackups", "{'TableName':'none'}"),
            "TableNotFoundException: Table not found: none");
  const auto set = [&](std::string_view enabled) {
    return Error("UpdateContinuousBackups",
                 "{'TableName':'tab','PointInTimeRecoverySpecification':"
                 "{'PointInTimeRecoveryEnabled':" +
                     std::string(enabled) + "}}");
  };
  EXPECT_EQ(set("false"), disabled);
  EXPECT_EQ(set("true"),
            "ContinuousBackupsUnavailableException: Continuous backups are not built into "
            "Everwrite yet");
}

}  // namespace
}  // namespace everwrite::api
