#!/usr/bin/env python3
"""Time to live as boto3 sees it: what is expired goes within seconds, in every region, and nothing else."""
import pathlib
import sys
import time
import unittest

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))
from world import LoneRegion, World, until


def client_of(region):
    return boto3.client("dynamodb", region_name="us-east-1", endpoint_url="http://" + region.endpoint, aws_access_key_id="test",
                        aws_secret_access_key="test", config=Config(retries={"max_attempts": 1}, read_timeout=20))


def make(client, name):
    client.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
                        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}])
    client.get_waiter("table_exists").wait(TableName=name)


def turn(client, name, on, attribute="exp"):
    return client.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": on, "AttributeName": attribute})


def put(client, table, pk, seconds, kind="N"):
    client.put_item(TableName=table, Item={"pk": {"S": pk}, "exp": {kind: str(int(time.time()) + seconds)}})


def keys(client, table):
    return sorted(item["pk"]["S"] for page in client.get_paginator("scan").paginate(TableName=table) for item in page["Items"])


class TimeToLive(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = LoneRegion()
        cls.server.start()
        cls.client = client_of(cls.server.region)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def refused(self, text, call, *arguments):
        with self.assertRaises(ClientError) as caught:
            call(*arguments)
        self.assertEqual(caught.exception.response["Error"], {"Code": "ValidationException", "Message": text})

    def test_the_setting(self):
        make(self.client, "setting")
        self.assertEqual(self.client.describe_time_to_live(TableName="setting")["TimeToLiveDescription"], {"TimeToLiveStatus": "DISABLED"})
        answer = turn(self.client, "setting", True)
        self.assertEqual(answer["TimeToLiveSpecification"], {"Enabled": True, "AttributeName": "exp"})
        self.assertEqual(self.client.describe_time_to_live(TableName="setting")["TimeToLiveDescription"],
                         {"TimeToLiveStatus": "ENABLED", "AttributeName": "exp"})
        self.refused("TimeToLive is already enabled", turn, self.client, "setting", True)
        turn(self.client, "setting", False)
        self.refused("TimeToLive is already disabled", turn, self.client, "setting", False)

    def test_what_is_expired_goes_within_seconds_and_nothing_else(self):
        make(self.client, "items")
        put(self.client, "items", "before", -60)  # there already when TTL is turned on
        turn(self.client, "items", True)
        put(self.client, "items", "soon", 3)
        put(self.client, "items", "prolonged", 2)
        put(self.client, "items", "later", 3600)
        put(self.client, "items", "ancient", -6 * 365 * 24 * 3600)
        put(self.client, "items", "text", -60, kind="S")
        self.client.put_item(TableName="items", Item={"pk": {"S": "without"}})
        self.assertIn("Item", self.client.get_item(TableName="items", Key={"pk": {"S": "soon"}}))
        self.client.update_item(TableName="items", Key={"pk": {"S": "prolonged"}}, UpdateExpression="SET #e = #e + :h",
                                ExpressionAttributeNames={"#e": "exp"}, ExpressionAttributeValues={":h": {"N": "3600"}})
        until(lambda: not {"before", "soon"} & set(keys(self.client, "items")), 10, "the expired items to go")
        time.sleep(2)
        self.assertEqual(keys(self.client, "items"), ["ancient", "later", "prolonged", "text", "without"])
        self.assertEqual(self.client.describe_table(TableName="items")["Table"]["ItemCount"], 5)

    def test_thousands_of_items_that_were_there_before_and_across_a_crash(self):
        make(self.client, "many")
        batch = [{"PutRequest": {"Item": {"pk": {"S": "k%d" % i}, "exp": {"N": str(int(time.time()) - 100 if i % 3 else 4102444800)}}}}
                 for i in range(3000)]
        for i in range(0, len(batch), 25):
            self.client.batch_write_item(RequestItems={"many": batch[i:i + 25]})
        turn(self.client, "many", True)
        self.server.process.kill()
        self.server.process.wait()
        self.server.start()
        until(lambda: len(keys(self.client, "many")) == 1000, 30, "2000 items to go", pause=0.3)
        turn(self.client, "many", False)
        put(self.client, "many", "stays", -100)
        time.sleep(2.5)
        self.assertIn("stays", keys(self.client, "many"))


class Regions(unittest.TestCase):
    def test_the_setting_and_the_deletions_reach_all_regions(self):
        with World(regions=2, latency_ms=5) as world:
            here, there = (client_of(world.regions[name]) for name in world.names)
            make(here, "items")
            world.wait_for_table("items")
            turn(here, "items", True)
            until(lambda: there.describe_time_to_live(TableName="items")["TimeToLiveDescription"]["TimeToLiveStatus"] == "ENABLED", 10,
                  "the setting in the other region")
            for i in range(50):
                put(here if i % 2 else there, "items", "gone%d" % i, 1)
                put(here if i % 2 else there, "items", "kept%d" % i, 3600)
            kept = sorted("kept%d" % i for i in range(50))
            until(lambda: keys(here, "items") == kept and keys(there, "items") == kept, 20, "the expired items to go everywhere")
            world.wait_until_converged()
            expired = 0
            for region in world.regions.values():
                for line in region.admin_get("/metrics")[1].splitlines():
                    if line.startswith("everwrite_expired_total"):
                        expired += float(line.split()[-1])
            self.assertEqual(expired, 50, "each item is deleted once, by the region that wrote it")


if __name__ == "__main__":
    unittest.main()
