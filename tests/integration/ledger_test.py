#!/usr/bin/env python3
"""The conflict ledger as people use it: the command with its filters, the difference, and the ordinary table."""
import json
import time
import unittest

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from world import World, make_table, until


class Ledger(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World(regions=2, latency_ms=5)
        cls.world.start()
        cls.us, cls.eu = (cls.world.region(name) for name in cls.world.names)
        make_table(cls.us, "notes")
        cls.world.wait_for_table("notes")
        cls.clients = [boto3.client("dynamodb", region_name=name, endpoint_url="http://" + cls.world.region(name).endpoint,
                                    aws_access_key_id="a", aws_secret_access_key="b",
                                    config=Config(retries={"total_max_attempts": 1})) for name in cls.world.names]
        cls.middle = None
        for i in range(4):
            cls.conflict("k%d" % (i % 2), i)
            if i == 1:
                time.sleep(0.05)
                cls.middle = int(time.time() * 1000)
                time.sleep(0.05)

    @classmethod
    def tearDownClass(cls):
        for client in cls.clients:
            client.close()
        cls.world.stop()
        cls.world.remove()

    @classmethod
    def conflict(cls, key, value):
        """A write in each region that does not know the other; eu-west-1's is later and wins."""
        cls.world.command("link", "cut", "us-east-1", "eu-west-1")
        put = lambda region, text: region.call("PutItem", {"TableName": "notes", "Item": {"pk": {"S": key}, "v": {"S": text}}})
        put(cls.us, "us %d" % value)
        time.sleep(0.01)
        put(cls.eu, "eu %d" % value)
        cls.world.command("link", "heal")
        read = lambda region: region.call("GetItem", {"TableName": "notes", "Key": {"pk": {"S": key}}})["Item"]["v"]["S"]
        until(lambda: read(cls.us) == "eu %d" % value, 20, "the winner in us-east-1")

    def list(self, *arguments):
        text = self.world.command("conflicts", "list", "--topology", str(self.world.topology), "--region", "us-east-1", "--json",
                                  *arguments).stdout
        return [c["loser"]["item"]["v"]["S"] for c in json.loads(text)["conflicts"]]

    def test_filters(self):
        self.assertEqual(self.list(), ["us 3", "us 2", "us 1", "us 0"])
        self.assertEqual(self.list("--table", "notes", "--key", '{"pk":{"S":"k1"}}'), ["us 3", "us 1"])
        self.assertEqual(self.list("--lost-by", "us-east-1", "--limit", "1"), ["us 3"])
        self.assertEqual(self.list("--lost-by", "eu-west-1"), [])
        self.assertEqual(self.list("--since", str(self.middle)), ["us 3", "us 2"])
        self.assertEqual(self.list("--until", str(self.middle)), ["us 1", "us 0"])
        for bad in (["--key", '{"pk":{"S":"k1"}}'], ["--table", "notes", "--key", "k1"], ["--lost-by", "mars"], ["--since", "soon"]):
            done = self.world.command("conflicts", "list", "--topology", str(self.world.topology), "--region", "us-east-1", *bad, check=False)
            self.assertNotEqual(done.returncode, 0, bad)
            self.assertIn("everwrite: ", done.stdout)

    def test_show_is_a_difference(self):
        name = json.loads(self.us.admin_get("/conflicts?limit=1")[1])["conflicts"][0]["name"]
        text = self.world.command("conflicts", "show", "--topology", str(self.world.topology), "--region", "us-east-1", name).stdout
        self.assertIn('- v: {"S":"us 3"}\n+ v: {"S":"eu 3"}\n', text)
        self.assertIn('  pk: {"S":"k1"}\n', text)

    def test_as_an_ordinary_table(self):
        client = self.clients[0]
        key = {"#r": "region"}
        described = client.describe_table(TableName="everwrite.conflicts")["Table"]
        self.assertEqual((described["TableStatus"], described["ItemCount"]), ("ACTIVE", 4))
        self.assertNotIn("everwrite.conflicts", client.list_tables()["TableNames"])
        pages = list(client.get_paginator("query").paginate(
            TableName="everwrite.conflicts", KeyConditionExpression="#r = :r", ExpressionAttributeNames=key,
            ExpressionAttributeValues={":r": {"S": "us-east-1"}}, PaginationConfig={"PageSize": 3}))
        self.assertEqual([len(page["Items"]) for page in pages], [3, 1])
        items = [item for page in pages for item in page["Items"]]
        self.assertEqual([item["loser"]["M"]["item"]["M"]["v"]["S"] for item in items], ["us 0", "us 1", "us 2", "us 3"])
        self.assertEqual(items[0]["winner"]["M"]["region"]["S"], "eu-west-1")
        newest = client.query(TableName="everwrite.conflicts", KeyConditionExpression="#r = :r AND id > :i", ExpressionAttributeNames=key,
                              ExpressionAttributeValues={":r": {"S": "us-east-1"}, ":i": items[1]["id"]}, ScanIndexForward=False)
        self.assertEqual([item["id"] for item in newest["Items"]], [items[3]["id"], items[2]["id"]])
        filtered = client.scan(TableName="everwrite.conflicts", FilterExpression="#k.pk = :k AND loser.#i.v = :v",
                               ExpressionAttributeNames={"#k": "key", "#i": "item"},
                               ExpressionAttributeValues={":k": {"S": "k0"}, ":v": {"S": "us 2"}})
        self.assertEqual((filtered["Count"], filtered["ScannedCount"]), (1, 4))
        one = client.get_item(TableName="everwrite.conflicts", Key={"region": {"S": "us-east-1"}, "id": items[2]["id"]})["Item"]
        self.assertEqual(one, items[2])
        both = client.transact_get_items(TransactItems=[
            {"Get": {"TableName": "notes", "Key": {"pk": {"S": "k0"}}}},
            {"Get": {"TableName": "everwrite.conflicts", "Key": {"region": {"S": "us-east-1"}, "id": items[0]["id"]}}}])["Responses"]
        self.assertEqual(both[1]["Item"], items[0])
        self.assertEqual(both[0]["Item"]["v"]["S"], "eu 2")
        rows = client.execute_statement(Statement='SELECT id FROM "everwrite.conflicts" WHERE region = ?', Parameters=[{"S": "us-east-1"}])
        self.assertEqual(len(rows["Items"]), 4)
        self.assertEqual(self.clients[1].scan(TableName="everwrite.conflicts")["Count"], 4)

    def test_as_a_stream(self):
        described = self.clients[0].describe_table(TableName="everwrite.conflicts")["Table"]
        self.assertEqual(described["StreamSpecification"], {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"})
        client = boto3.client("dynamodbstreams", region_name="us-east-1", endpoint_url="http://" + self.us.endpoint,
                              aws_access_key_id="x", aws_secret_access_key="x")
        self.assertNotIn("everwrite.conflicts", [s["TableName"] for s in client.list_streams()["Streams"]])
        listed = client.list_streams(TableName="everwrite.conflicts")["Streams"]
        self.assertEqual([s["StreamArn"] for s in listed], [described["LatestStreamArn"]])
        shards = client.describe_stream(StreamArn=listed[0]["StreamArn"])["StreamDescription"]["Shards"]
        iterator = client.get_shard_iterator(StreamArn=listed[0]["StreamArn"], ShardId=shards[0]["ShardId"], ShardIteratorType="TRIM_HORIZON")
        records = client.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
        self.assertEqual([r["eventName"] for r in records], ["INSERT"] * 4)
        images = [r["dynamodb"]["NewImage"] for r in records]
        self.assertEqual([i["loser"]["M"]["item"]["M"]["v"]["S"] for i in images], ["us 0", "us 1", "us 2", "us 3"])
        items = self.clients[0].scan(TableName="everwrite.conflicts")["Items"]
        self.assertEqual(sorted(images, key=lambda i: i["id"]["S"]), sorted(items, key=lambda i: i["id"]["S"]))
        for record in records:
            self.assertEqual(record["dynamodb"]["Keys"], {k: record["dynamodb"]["NewImage"][k] for k in ("region", "id")})

    def test_it_can_only_be_read(self):
        client, key = self.clients[0], {"region": {"S": "us-east-1"}, "id": {"S": "x"}}
        writes = [
            lambda: client.put_item(TableName="everwrite.conflicts", Item=key),
            lambda: client.delete_item(TableName="everwrite.conflicts", Key=key),
            lambda: client.update_item(TableName="everwrite.conflicts", Key=key, UpdateExpression="SET a = :a", ExpressionAttributeValues={":a": {"S": "x"}}),
            lambda: client.batch_write_item(RequestItems={"everwrite.conflicts": [{"PutRequest": {"Item": key}}]}),
            lambda: client.transact_write_items(TransactItems=[{"Put": {"TableName": "everwrite.conflicts", "Item": key}}]),
            lambda: client.delete_table(TableName="everwrite.conflicts"),
            lambda: client.update_table(TableName="everwrite.conflicts", BillingMode="PAY_PER_REQUEST"),
            lambda: client.update_time_to_live(TableName="everwrite.conflicts", TimeToLiveSpecification={"Enabled": True, "AttributeName": "a"}),
            lambda: client.create_table(TableName="everwrite.conflicts", BillingMode="PAY_PER_REQUEST",
                                        AttributeDefinitions=[{"AttributeName": "a", "AttributeType": "S"}],
                                        KeySchema=[{"AttributeName": "a", "KeyType": "HASH"}]),
        ]
        for i, write in enumerate(writes):
            with self.assertRaises(ClientError, msg=i) as caught:
                write()
            self.assertIn(caught.exception.response["Error"]["Code"], ("ValidationException", "ResourceInUseException"), i)
        self.assertEqual(client.describe_table(TableName="everwrite.conflicts")["Table"]["ItemCount"], 4)

    def test_counters_equal_the_ledger(self):
        metrics = dict(line.rsplit(" ", 1) for line in self.us.admin_get("/metrics")[1].splitlines() if line and line[0] != "#")
        self.assertEqual(float(metrics["everwrite_conflicts_total"]), 4)
        self.assertEqual(float(metrics["everwrite_ledger_entries"]), 4)
        self.assertGreater(float(metrics["everwrite_ledger_bytes"]), 400)


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
