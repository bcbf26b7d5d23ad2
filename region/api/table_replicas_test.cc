// Replicas as the API takes and shows them: one region's part of it, with others in its topology.
#include "region/api/testing/api_fixture.h"

namespace everwrite::api {
namespace {

class ReplicasTest : public ApiTest {
 protected:
  ReplicasTest() {
    // The engine of the tests is region 1.
    Make(/*everywhere=*/false);
  }
  void Make(bool everywhere) {
    dispatcher_.~Dispatcher();
    ApiContext context{"eu-west-1", &engine_, &clock_};
    context.region_names = {
        {RegionId{1}, "eu-west-1"}, {RegionId{2}, "us-east-1"}, {RegionId{3}, "sa-east-1"}};
    context.new_tables_everywhere = everywhere;
    new (&dispatcher_) Dispatcher(std::move(context));
  }
  std::string Update(std::string_view updates, std::string_view more = "") {
    return Error("UpdateTable", "{'TableName':'tab','ReplicaUpdates':" + std::string(updates) +
                                    std::string(more) + "}");
  }
  // The "Replicas" of the table, or what is there instead.
  std::string Replicas() {
    const std::string body = Ask("DescribeTable", "{'TableName':'tab'}");
    const size_t at = body.find(",'Replicas':");
    if (at == std::string::npos) return "none";
    return body.substr(at + 12, body.find(']', at) - at - 11);
  }
};

TEST_F(ReplicasTest, ATableOfOneRegionSaysNothingOfReplicas) {
  MakeTable();
  EXPECT_EQ(Replicas(), "none");
  EXPECT_EQ(last_.body.find("GlobalTableVersion"), std::string::npos);
}

TEST_F(ReplicasTest, AReplicaIsCreatingUntilItsRegionSaysOtherwise) {
  MakeTable();
  Update("[{'Create':{'RegionName':'us-east-1','TableClassOverride':'STANDARD'}}]");
  EXPECT_EQ(last_.status, 200) << last_.body;
  EXPECT_NE(last_.body.find("\"UPDATING\""), std::string::npos);
  EXPECT_EQ(Replicas(),
            "[{'RegionName':'us-east-1','ReplicaStatus':'CREATING','ReplicaTableClassSummary':"
            "{'TableClass':'STANDARD'}}]");
  EXPECT_NE(last_.body.find("\"GlobalTableVersion\":\"2019.11.21\""), std::string::npos);
  EXPECT_NE(last_.body.find("\"StreamViewType\":\"NEW_AND_OLD_IMAGES\""), std::string::npos);
  EXPECT_EQ(Update("[{'Create':{'RegionName':'sa-east-1'}}]"),
            "ResourceInUseException: The resource which you are attempting to change is in use.");
  EXPECT_EQ(
      Error("UpdateTable", "{'TableName':'tab','StreamSpecification':{'StreamEnabled':false}}"),
      "ValidationException: One or more parameter values were invalid: Disabling Stream is "
      "not allowed for a Global Table replica.");
  EXPECT_EQ(Error("DeleteTable", "{'TableName':'tab'}"),
            "ValidationException: Replica cannot be deleted because it has acted as a source "
            "region for new replica(s) being added to the table in the last 24 hours.");
}

TEST_F(ReplicasTest, RefusalsAreTheServices) {
  MakeTable();
  EXPECT_EQ(Update("[{'Create':{'RegionName':'eu-west-1'}}]"),
            "ValidationException: Cannot add or delete the local region through ReplicaUpdates. "
            "Use CreateTable, DeleteTable, or UpdateTable as required.");
  EXPECT_EQ(Update("[{'Create':{'RegionName':'us-fake-1'}}]"),
            "ValidationException: Region us-fake-1 is not supported. The latest version of global "
            "tables are only supported in the following regions: [eu-west-1, us-east-1, "
            "sa-east-1]");
  EXPECT_EQ(Update("[{'Delete':{'RegionName':'us-east-1'}}]"),
            "ValidationException: Update global table operation failed because one or more "
            "replicas were not part of the global table. Please retry the request without these "
            "replicas: [us-east-1].");
  EXPECT_EQ(Update("[{}]"),
            "ValidationException: There are no actions specified in the Replica Update Action of "
            "the request.");
  EXPECT_EQ(Update("[{'Update':{'RegionName':'us-east-1'}}]"),
            "ValidationException: There are no actions specified in the Replica Update Action of "
            "the request.");
  EXPECT_EQ(Update("[{'Create':{'RegionName':'us-east-1'}},{'Create':{'RegionName':'sa-east-1'}}]"),
            "ValidationException: Update table operation with more than one create or delete "
            "replica actions not allowed");
  EXPECT_EQ(Update("[{'Create':{'RegionName':'us-east-1'},'Delete':{'RegionName':'us-east-1'}}]"),
            "ValidationException: Update table operation with more than one type of replica "
            "actions not allowed.");
  EXPECT_EQ(Update("[{'Create':{'RegionName':'us-east-1'}}]", ",'TableClass':'STANDARD'"),
            "ValidationException: One or more parameter values were invalid: Replica modification "
            "must be the only operation in the request");
  EXPECT_EQ(Replicas(), "none");
  Update("[{'Create':{'RegionName':'us-east-1'}},{'Create':{'RegionName':'us-east-1'}}]");
  EXPECT_EQ(last_.status, 200) << "the same twice is once";
  EXPECT_EQ(Update("[{'Create':{'RegionName':'us-east-1'}}]"),
            "ValidationException: Failed to create a the new replica of table with name: ‘tab’ "
            "because one or more replicas already existed as tables.");
}

TEST_F(ReplicasTest, ATableThatIsEverywhereHasAReplicaInEveryOtherRegionAndMayLoseOne) {
  Make(/*everywhere=*/true);
  MakeTable();
  EXPECT_EQ(Replicas(),
            "[{'RegionName':'us-east-1','ReplicaStatus':'ACTIVE'},"
            "{'RegionName':'sa-east-1','ReplicaStatus':'ACTIVE'}]");
  EXPECT_EQ(last_.body.find("StreamSpecification"), std::string::npos);
  Update("[{'Delete':{'RegionName':'sa-east-1'}}]");
  EXPECT_EQ(Replicas(),
            "[{'RegionName':'us-east-1','ReplicaStatus':'ACTIVE'},"
            "{'RegionName':'sa-east-1','ReplicaStatus':'DELETING'}]");
}

TEST_F(ReplicasTest, ARegionLeavesWithItsDataWhenItsProtectionIsOff) {
  Make(/*everywhere=*/true);
  MakeTable();
  const std::string leave =
      "[{'Disassociate':{'RegionName':'eu-west-1','DisassociationMode':'WAIT_FOR_REPLICATION'}}]";
  EXPECT_NE(Update(leave).find("disassociation protection is enabled"), std::string::npos);
  EXPECT_NE(
      Ask("DescribeTable", "{'TableName':'tab'}").find("'DisassociationProtectionEnabled':true"),
      std::string::npos);
  Ask("UpdateTable", "{'TableName':'tab','DisassociationProtectionEnabled':false}");
  ASSERT_EQ(last_.status, 200) << last_.body;
  EXPECT_NE(Update("[{'Disassociate':{'RegionName':'us-east-1',"
                   "'DisassociationMode':'WAIT_FOR_REPLICATION'}}]")
                .find("Only the local replica"),
            std::string::npos);
  EXPECT_NE(Update("[{'Disassociate':{'RegionName':'eu-west-1','DisassociationMode':'NOW'}}]")
                .find("disassociationMode"),
            std::string::npos);
  EXPECT_NE(Update("[{'Disassociate':{'RegionName':'eu-west-1'}}]").find("disassociationMode"),
            std::string::npos);
  Ask("PutItem", "{'TableName':'tab','Item':{'pk':{'S':'kept'},'sk':{'N':'1'}}}");
  ASSERT_EQ(last_.status, 200) << last_.body;
  Update(leave);
  ASSERT_EQ(last_.status, 200) << last_.body;
  EXPECT_EQ(Replicas(), "none");
  EXPECT_EQ(last_.body.find("Disassociation"), std::string::npos);
  EXPECT_NE(Ask("Scan", "{'TableName':'tab'}").find("kept"), std::string::npos);
  EXPECT_EQ(Ask("ListTables", "{}"), "{'TableNames':['tab']}");
  EXPECT_NE(Update(leave).find("were not part of the global table"), std::string::npos);
  EXPECT_NE(Update("[{'Create':{'RegionName':'us-east-1'}}]").find("already existed as tables"),
            std::string::npos);
  Ask("DeleteTable", "{'TableName':'tab'}");
  ASSERT_EQ(last_.status, 200) << last_.body;
  EXPECT_EQ(Ask("ListTables", "{}"), "{'TableNames':[]}");
}

TEST_F(ReplicasTest, SettingsOfAReplicaAreKeptAndThoseThatEqualTheTablesAreInherited) {
  Make(/*everywhere=*/true);
  Ask("CreateTable",
      "{'TableName':'tab','KeySchema':[{'AttributeName':'pk','KeyType':'HASH'}],"
      "'AttributeDefinitions':[{'AttributeName':'pk','AttributeType':'S'}],"
      "'ProvisionedThroughput':{'ReadCapacityUnits':5,'WriteCapacityUnits':5},"
      "'GlobalSecondaryIndexes':[{'IndexName':'inverse','KeySchema':[{'AttributeName':'pk',"
      "'KeyType':'HASH'}],'Projection':{'ProjectionType':'ALL'},"
      "'ProvisionedThroughput':{'ReadCapacityUnits':3,'WriteCapacityUnits':3}}]}");
  ASSERT_EQ(last_.status, 200) << last_.body;
  Update(
      "[{'Update':{'RegionName':'us-east-1','ProvisionedThroughputOverride':"
      "{'ReadCapacityUnits':9},'GlobalSecondaryIndexes':[{'IndexName':'inverse',"
      "'ProvisionedThroughputOverride':{'ReadCapacityUnits':8}}]}}]");
  ASSERT_EQ(last_.status, 200) << last_.body;
  const std::string body = Ask("DescribeTable", "{'TableName':'tab'}");
  EXPECT_NE(body.find("{'RegionName':'us-east-1','ReplicaStatus':'ACTIVE',"
                      "'ProvisionedThroughputOverride':{'ReadCapacityUnits':9},"
                      "'GlobalSecondaryIndexes':[{'IndexName':'inverse',"
                      "'ProvisionedThroughputOverride':{'ReadCapacityUnits':8}}]}"),
            std::string::npos)
      << body;
  Update(
      "[{'Update':{'RegionName':'us-east-1','ProvisionedThroughputOverride':"
      "{'ReadCapacityUnits':5}}}]");
  EXPECT_EQ(Ask("DescribeTable", "{'TableName':'tab'}").find("{'ReadCapacityUnits':9}"),
            std::string::npos);
}

TEST_F(ReplicasTest, TheOldVersionIsAnsweredAsTheServiceDoesToday) {
  Make(/*everywhere=*/true);
  MakeTable();
  EXPECT_EQ(Error("CreateGlobalTable",
                  "{'GlobalTableName':'tab','ReplicationGroup':[{'RegionName':'us-east-1'}]}"),
            "ValidationException: One or more parameter values were invalid: DynamoDB global "
            "tables version 2017.11.29 is not supported. We recommend using DynamoDB global "
            "tables version 2019.11.21, instead of version 2017.11.29 (Legacy).");
  EXPECT_EQ(Error("DescribeGlobalTable", "{'GlobalTableName':'tab'}"),
            "GlobalTableNotFoundException: Global table not found: Global table with name: 'tab' "
            "does not exist.");
  EXPECT_EQ(Ask("ListGlobalTables", "{}"), "{'GlobalTables':[]}");
  EXPECT_EQ(Error("DescribeGlobalTableSettings", "{'GlobalTableName':'tab'}"),
            Error("UpdateGlobalTableSettings", "{'GlobalTableName':'tab'}"));
  EXPECT_EQ(
      Error("UpdateGlobalTable",
            "{'GlobalTableName':'tab','ReplicaUpdates':[{'Delete':{'RegionName':'us-east-1'}}]}")
          .substr(0, 29),
      "GlobalTableNotFoundException:");
}

TEST_F(ReplicasTest, AutoScalingIsDescribedAsDisabled) {
  MakeTable();
  EXPECT_EQ(Error("DescribeTableReplicaAutoScaling", "{'TableName':'tab'}"),
            "ResourceNotFoundException: Global table with name: tab does not exist.");
  Update("[{'Create':{'RegionName':'us-east-1'}}]");
  const std::string settings =
      "'GlobalSecondaryIndexes':[],'ReplicaProvisionedReadCapacityAutoScalingSettings':"
      "{'AutoScalingDisabled':true,'ScalingPolicies':[]},"
      "'ReplicaProvisionedWriteCapacityAutoScalingSettings':"
      "{'AutoScalingDisabled':true,'ScalingPolicies':[]}";
  EXPECT_EQ(Ask("DescribeTableReplicaAutoScaling", "{'TableName':'tab'}"),
            "{'TableAutoScalingDescription':{'TableName':'tab','TableStatus':'ACTIVE','Replicas':["
            "{'RegionName':'eu-west-1'," +
                settings + ",'ReplicaStatus':'ACTIVE'},{'RegionName':'us-east-1'," + settings +
                ",'ReplicaStatus':'CREATING'}]}}");
  Ask("UpdateTableReplicaAutoScaling",
      "{'TableName':'tab','ProvisionedWriteCapacityAutoScalingUpdate':"
      "{'AutoScalingDisabled':true}}");
  EXPECT_EQ(last_.status, 200);
  EXPECT_EQ(Error("UpdateTableReplicaAutoScaling",
                  "{'TableName':'tab','ProvisionedWriteCapacityAutoScalingUpdate':"
                  "{'MinimumUnits':1,'MaximumUnits':9}}")
                .substr(0, 20),
            "ValidationException:");
}

}  // namespace
}  // namespace everwrite::api
