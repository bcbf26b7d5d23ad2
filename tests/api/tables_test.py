#!/usr/bin/env python3
"""Tables as boto3 sees them: settings, waiters, tags, protection, limits, and that all of it is the same in every region."""
import pathlib
import sys
import unittest

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))
from world import ApiError, LoneRegion, World, until

KEYS = dict(KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}], AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}])
ON_DEMAND = dict(KEYS, BillingMode="PAY_PER_REQUEST")


def client_of(region):
    return boto3.client("dynamodb", region_name=region.name, endpoint_url="http://" + region.endpoint, aws_access_key_id="test",
                        aws_secret_access_key="test", config=Config(retries={"max_attempts": 1}, read_timeout=20))


class Tables(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = LoneRegion()
        cls.server.start()
        cls.client = client_of(cls.server.region)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def described(self, name):
        return self.call("DescribeTable", TableName=name)["Table"]

    def call(self, operation, **parameters):
        """What is newer than Debian's boto3 goes without it."""
        return self.server.region.call(operation, parameters)

    def fails(self, code, call, **parameters):
        with self.assertRaises(ClientError) as caught:
            call(**parameters)
        self.assertEqual(caught.exception.response["Error"]["Code"], code)
        return caught.exception.response["Error"]["Message"]

    def test_a_table_comes_is_waited_for_and_goes(self):
        created = self.client.create_table(TableName="comes", **ON_DEMAND)["TableDescription"]
        self.assertEqual(created["TableStatus"], "CREATING")
        self.client.get_waiter("table_exists").wait(TableName="comes", WaiterConfig={"Delay": 1, "MaxAttempts": 3})
        table = self.described("comes")
        self.assertEqual((table["TableStatus"], table["TableId"], table["TableArn"]), ("ACTIVE", created["TableId"], created["TableArn"]))
        self.assertEqual(self.described(table["TableArn"])["TableName"], "comes")
        self.assertEqual(self.client.delete_table(TableName="comes")["TableDescription"]["TableStatus"], "DELETING")
        self.client.get_waiter("table_not_exists").wait(TableName="comes", WaiterConfig={"Delay": 1, "MaxAttempts": 3})
        again = self.client.create_table(TableName="comes", **ON_DEMAND)["TableDescription"]
        self.assertEqual(again["TableArn"], created["TableArn"])
        self.assertNotEqual(again["TableId"], created["TableId"], "another incarnation")

    def test_every_setting_is_kept_described_and_changed(self):
        self.client.create_table(TableName="settings", BillingMode="PROVISIONED", TableClass="STANDARD_INFREQUENT_ACCESS",
                                 ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 6},
                                 SSESpecification={"Enabled": True, "SSEType": "KMS"},
                                 StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}, **KEYS)
        table = self.described("settings")
        self.assertEqual(table["TableClassSummary"]["TableClass"], "STANDARD_INFREQUENT_ACCESS")
        self.assertEqual(table["SSEDescription"]["Status"], "ENABLED")
        self.assertEqual(table["StreamSpecification"], {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
        self.assertTrue(table["LatestStreamArn"].startswith(table["TableArn"] + "/stream/"))
        self.assertEqual(table["WarmThroughput"], {"ReadUnitsPerSecond": 5, "WriteUnitsPerSecond": 6, "Status": "ACTIVE"})
        self.call("UpdateTable", TableName="settings", BillingMode="PAY_PER_REQUEST",
                  OnDemandThroughput={"MaxReadRequestUnits": 100, "MaxWriteRequestUnits": 50})
        self.client.update_table(TableName="settings", TableClass="STANDARD")
        self.client.update_table(TableName="settings", StreamSpecification={"StreamEnabled": False})
        self.server.stop(keep=True)  # and across a restart
        self.server.start()
        table = self.described("settings")
        self.assertEqual(table["BillingModeSummary"]["BillingMode"], "PAY_PER_REQUEST")
        self.assertEqual(table["OnDemandThroughput"], {"MaxReadRequestUnits": 100, "MaxWriteRequestUnits": 50})
        self.assertEqual(table["TableClassSummary"]["TableClass"], "STANDARD")
        self.assertNotIn("StreamSpecification", table)
        message = self.fails("ValidationException", self.client.update_table, TableName="settings")
        self.assertIn("At least one of ProvisionedThroughput, BillingMode", message)

    def test_a_protected_table_stays(self):
        self.call("CreateTable", TableName="protected", DeletionProtectionEnabled=True, **ON_DEMAND)
        message = self.fails("ValidationException", self.client.delete_table, TableName="protected")
        self.assertEqual(message, "Resource cannot be deleted as it is currently protected against deletion. "
                                  "Disable deletion protection first.")
        self.call("UpdateTable", TableName="protected", DeletionProtectionEnabled=False)
        self.client.delete_table(TableName="protected")

    def test_tags(self):
        arn = self.client.create_table(TableName="tagged", Tags=[{"Key": "team", "Value": "a"}], **ON_DEMAND)["TableDescription"]["TableArn"]

        def tags():
            return {t["Key"]: t["Value"] for t in self.client.list_tags_of_resource(ResourceArn=arn)["Tags"]}
        self.client.tag_resource(ResourceArn=arn, Tags=[{"Key": "stage", "Value": "test"}, {"Key": "team", "Value": "b"}])
        self.assertEqual(tags(), {"team": "b", "stage": "test"})
        self.client.untag_resource(ResourceArn=arn, TagKeys=["team"])
        self.assertEqual(tags(), {"stage": "test"})
        self.assertEqual(self.fails("ValidationException", self.client.tag_resource, ResourceArn=arn, Tags=[{"Key": "aws:x", "Value": ""}]),
                         "Tag Key cannot be prefixed with aws:, Key: aws:x")
        self.fails("ValidationException", self.client.tag_resource, ResourceArn=arn,
                   Tags=[{"Key": "k%d" % i, "Value": ""} for i in range(50)])
        self.fails("ResourceNotFoundException", self.client.list_tags_of_resource, ResourceArn=arn + "x")

    def test_what_the_service_says_of_itself(self):
        limits = self.client.describe_limits()
        self.assertEqual((limits["AccountMaxReadCapacityUnits"], limits["TableMaxWriteCapacityUnits"]), (80000, 40000))
        self.assertEqual(self.client.describe_endpoints()["Endpoints"][0]["Address"], self.server.region.endpoint)
        self.client.create_table(TableName="backups", **ON_DEMAND)
        backups = self.client.describe_continuous_backups(TableName="backups")["ContinuousBackupsDescription"]
        self.assertEqual(backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"], "DISABLED")
        self.fails("ContinuousBackupsUnavailableException", self.client.update_continuous_backups, TableName="backups",
                   PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
        for operation in ("ListBackups", "CreateBackup", "GetResourcePolicy", "ExportTableToPointInTime", "ImportTable",
                          "DescribeKinesisStreamingDestination"):
            with self.assertRaises(ApiError) as caught:
                self.call(operation, TableName="backups")
            self.assertEqual(caught.exception.type, "UnknownOperationException", operation)


class Regions(unittest.TestCase):
    def test_settings_and_tags_are_the_same_everywhere(self):
        with World(regions=2, latency_ms=5) as world:
            here, there = (client_of(world.regions[name]) for name in world.names)
            here.create_table(TableName="shared", Tags=[{"Key": "a", "Value": "1"}], **ON_DEMAND)
            world.wait_for_table("shared")
            there.update_table(TableName="shared", BillingMode="PROVISIONED",
                               ProvisionedThroughput={"ReadCapacityUnits": 9, "WriteCapacityUnits": 9})
            arn = there.describe_table(TableName="shared")["Table"]["TableArn"]
            self.assertIn(":" + world.names[1] + ":", arn)
            until(lambda: here.describe_table(TableName="shared")["Table"]["ProvisionedThroughput"]["ReadCapacityUnits"] == 9, 10,
                  "the setting here")
            here.tag_resource(ResourceArn=here.describe_table(TableName="shared")["Table"]["TableArn"], Tags=[{"Key": "b", "Value": "2"}])
            until(lambda: len(there.list_tags_of_resource(ResourceArn=arn)["Tags"]) == 2, 10, "the tags there")
            ids = [c.describe_table(TableName="shared")["Table"]["TableId"] for c in (here, there)]
            self.assertEqual(ids[0], ids[1])


if __name__ == "__main__":
    unittest.main()
