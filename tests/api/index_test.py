#!/usr/bin/env python3
"""Secondary indexes as boto3 sees them: queried and paged, added to a live table under writes, after a crash, and in every region."""
import pathlib
import random
import sys
import threading
import unittest

import boto3
from boto3.dynamodb.conditions import Key
from botocore.config import Config
from botocore.exceptions import ClientError

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))
from world import LoneRegion, World, until

ALL = {"ProjectionType": "ALL"}


def options_of(region):
    return dict(region_name="us-east-1", endpoint_url="http://" + region.endpoint, aws_access_key_id="test", aws_secret_access_key="test",
                config=Config(retries={"max_attempts": 1}, read_timeout=20))


def keys(*names):
    """("pk", "sk") or ("h1", "h2", "|", "r1"): HASH, then RANGE."""
    split = names.index("|") if "|" in names else 1
    return [{"AttributeName": n, "KeyType": "HASH" if i < split else "RANGE"} for i, n in enumerate(names) if n != "|"]


def attributes(**types):
    return [{"AttributeName": name, "AttributeType": kind} for name, kind in types.items()]


def index(name, *names, projection=ALL):
    return {"IndexName": name, "KeySchema": keys(*names), "Projection": projection}


def status_of(client, table, name):
    for one in client.describe_table(TableName=table)["Table"].get("GlobalSecondaryIndexes", []):
        if one["IndexName"] == name:
            return one["IndexStatus"]
    return "gone"


def pages(table, **request):
    """All items, and how many pages they came on."""
    items, count = [], 0
    while True:
        answer = table.query(**request)
        items += answer["Items"]
        count += 1
        if "LastEvaluatedKey" not in answer:
            return items, count
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


class Indexes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = LoneRegion()
        cls.server.start()
        cls.client = boto3.client("dynamodb", **options_of(cls.server.region))
        cls.resource = boto3.resource("dynamodb", **options_of(cls.server.region))
        cls.client.create_table(
            TableName="games", BillingMode="PAY_PER_REQUEST", KeySchema=keys("user", "game"),
            AttributeDefinitions=attributes(user="S", game="S", score="N", day="S", region="S"),
            LocalSecondaryIndexes=[index("by-score", "user", "score", projection={"ProjectionType": "KEYS_ONLY"})],
            GlobalSecondaryIndexes=[
                index("top", "game", "score", projection={"ProjectionType": "INCLUDE", "NonKeyAttributes": ["prize"]}),
                index("place", "game", "region", "|", "day", "score")])
        cls.client.get_waiter("table_exists").wait(TableName="games")
        cls.games = cls.resource.Table("games")
        chance = random.Random(5)
        cls.items = []
        with cls.games.batch_writer() as batch:
            for user in range(12):
                for game in ("go", "chess", "tag"):
                    item = {"user": "u%d" % user, "game": game, "score": chance.randrange(100), "prize": "p", "note": "n" * 50}
                    if user % 3:
                        item.update(region="north" if user % 2 else "south", day="d%d" % (user % 4))
                    cls.items.append(item)
                    batch.put_item(Item=item)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def fails(self, message, call, **request):
        with self.assertRaises(ClientError) as caught:
            call(**request)
        self.assertEqual(caught.exception.response["Error"]["Message"], message)

    def test_a_query_is_in_order_and_pages_meet(self):
        expected = sorted(i["score"] for i in self.items if i["game"] == "go")
        for limit in (1, 5, 100):
            for forward in (True, False):
                items, count = pages(self.games, IndexName="top", KeyConditionExpression=Key("game").eq("go"), Limit=limit, ScanIndexForward=forward)
                self.assertEqual([i["score"] for i in items], expected if forward else expected[::-1])
                self.assertEqual(len({i["user"] for i in items}), 12, "no item twice, none left out")
                self.assertGreaterEqual(count, 12 // limit)
        self.assertEqual(set(items[0]), {"user", "game", "score", "prize"})

    def test_keys_of_several_attributes_and_sparseness(self):
        wanted = sorted((i["day"], i["score"]) for i in self.items if i["game"] == "chess" and i.get("region") == "north")
        items, _ = pages(self.games, IndexName="place", KeyConditionExpression=Key("game").eq("chess") & Key("region").eq("north"), Limit=2)
        self.assertEqual([(i["day"], i["score"]) for i in items], wanted)
        condition = "game = :g AND #r = :r AND #d = :d AND score > :s"
        answer = self.client.query(TableName="games", IndexName="place", KeyConditionExpression=condition, ExpressionAttributeNames={"#r": "region", "#d": "day"},
                                   ExpressionAttributeValues={":g": {"S": "chess"}, ":r": {"S": "north"}, ":d": {"S": "d1"}, ":s": {"N": "-1"}})
        self.assertEqual(answer["Count"], sum(1 for day, _ in wanted if day == "d1"))
        self.fails("Query condition missed key schema element: region", self.games.query, IndexName="place", KeyConditionExpression=Key("game").eq("chess"))
        self.assertEqual(self.games.scan(IndexName="place", Select="COUNT")["Count"], sum(1 for i in self.items if "day" in i))

    def test_a_local_index_fetches_and_is_consistent(self):
        self.games.put_item(Item={"user": "x", "game": "go", "score": 7, "note": "here"})
        answer = self.games.query(IndexName="by-score", KeyConditionExpression=Key("user").eq("x"), Select="ALL_ATTRIBUTES", ConsistentRead=True,
                                  ReturnConsumedCapacity="INDEXES")
        self.assertEqual([i["note"] for i in answer["Items"]], ["here"])
        self.assertEqual(answer["ConsumedCapacity"]["LocalSecondaryIndexes"]["by-score"]["CapacityUnits"], 1.0)
        deleted = self.games.delete_item(Key={"user": "x", "game": "go"}, ReturnConsumedCapacity="INDEXES", ReturnItemCollectionMetrics="SIZE")
        self.assertEqual(set(deleted["ConsumedCapacity"]["GlobalSecondaryIndexes"]), {"top"})
        self.assertEqual(deleted["ItemCollectionMetrics"]["ItemCollectionKey"], {"user": "x"})
        self.assertEqual(self.games.query(IndexName="by-score", KeyConditionExpression=Key("user").eq("x"))["Count"], 0)

    def test_segments_are_a_partition_of_the_index(self):
        seen = []
        for segment in range(5):
            seen += [(i["user"], i["game"]) for i in self.games.scan(IndexName="top", Segment=segment, TotalSegments=5)["Items"]]
        self.assertEqual(sorted(seen), sorted((i["user"], i["game"]) for i in self.items))

    def test_what_is_refused(self):
        self.fails("Consistent reads are not supported on global secondary indexes", self.games.query, IndexName="top",
                   KeyConditionExpression=Key("game").eq("go"), ConsistentRead=True)
        self.fails("One or more parameter values were invalid: Type mismatch for Index Key score Expected: N Actual: S IndexName: top",
                   self.games.put_item, Item={"user": "y", "game": "go", "score": "7"})

    def test_an_index_on_a_live_table_under_writes_and_a_crash(self):
        client = self.client
        client.create_table(TableName="live", BillingMode="PAY_PER_REQUEST", KeySchema=keys("pk"), AttributeDefinitions=attributes(pk="S"))
        client.get_waiter("table_exists").wait(TableName="live")
        live = self.resource.Table("live")
        with live.batch_writer() as batch:
            for i in range(3000):
                batch.put_item(Item={"pk": "k%d" % i, "g": "old", "n": i})
        done, writes = threading.Event(), [0]

        def write():
            table = boto3.resource("dynamodb", **options_of(self.server.region)).Table("live")
            chance = random.Random(7)
            while not done.is_set():
                try:
                    table.put_item(Item={"pk": "k%d" % chance.randrange(3000), "g": "new", "n": writes[0]})
                    writes[0] += 1
                except Exception:  # the server is down for a moment
                    done.wait(0.05)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            until(lambda: writes[0] > 20, 20, "writes under way")
            client.update_table(TableName="live", AttributeDefinitions=attributes(g="S"), GlobalSecondaryIndexUpdates=[{"Create": index("by-g", "g")}])
            self.server.process.kill()
            self.server.process.wait()
            self.server.start()
            until(lambda: status_of(client, "live", "by-g") == "ACTIVE", 60, "the index is filled")
        finally:
            done.set()
            writer.join()
        rows = {}
        for page in client.get_paginator("scan").paginate(TableName="live"):
            rows.update({i["pk"]["S"]: i for i in page["Items"]})
        entries = {}
        for page in client.get_paginator("scan").paginate(TableName="live", IndexName="by-g"):
            entries.update({i["pk"]["S"]: i for i in page["Items"]})
        self.assertEqual(len(rows), 3000)
        self.assertEqual(rows, entries)
        described = client.describe_table(TableName="live")["Table"]["GlobalSecondaryIndexes"][0]
        self.assertEqual(described["ItemCount"], 3000)
        self.assertNotIn("Backfilling", described)
        client.update_table(TableName="live", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-g"}}])
        until(lambda: status_of(client, "live", "by-g") == "gone", 10, "the index is gone")
        client.delete_table(TableName="live")


class EveryRegion(unittest.TestCase):
    def test_an_index_added_in_one_region_is_filled_in_all(self):
        with World(regions=3, latency_ms=5) as world:
            clients = [boto3.client("dynamodb", **options_of(region)) for region in (world.regions[name] for name in world.names)]
            clients[0].create_table(TableName="table", BillingMode="PAY_PER_REQUEST", KeySchema=keys("pk"), AttributeDefinitions=attributes(pk="S"))
            for client in clients:
                until(lambda c=client: "table" in c.list_tables()["TableNames"], 20, "the table is everywhere")
            for i in range(300):
                clients[i % 3].put_item(TableName="table", Item={"pk": {"S": "k%d" % i}, "g": {"S": "g%d" % (i % 2)}})
            clients[1].update_table(TableName="table", AttributeDefinitions=attributes(g="S"), GlobalSecondaryIndexUpdates=[{"Create": index("by-g", "g")}])
            for i in range(300, 400):
                clients[i % 3].put_item(TableName="table", Item={"pk": {"S": "k%d" % i}, "g": {"S": "g%d" % (i % 2)}})

            def count(client):
                if status_of(client, "table", "by-g") != "ACTIVE":
                    return None
                return client.query(TableName="table", IndexName="by-g", KeyConditionExpression="g = :g", ExpressionAttributeValues={":g": {"S": "g1"}},
                                    Select="COUNT")["Count"]

            for client in clients:
                until(lambda c=client: count(c) == 200, 30, "every region's index has every item")


if __name__ == "__main__":
    unittest.main(verbosity=2)
