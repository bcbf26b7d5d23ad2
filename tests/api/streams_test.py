#!/usr/bin/env python3
"""DynamoDB Streams as boto3 sees them: records and views, beginnings and ends, all of them once over crashes, and every region's."""
import pathlib
import sys
import threading
import time
import unittest

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))
sys.path.insert(0, str(ROOT / "docs/examples"))
from everwrite_stream import StreamConsumer
from world import LoneRegion, World, until


def client_of(region, service, retries=1):
    return boto3.client(service, region_name=region.name, endpoint_url="http://" + region.endpoint, aws_access_key_id="test",
                        aws_secret_access_key="test", config=Config(retries={"max_attempts": retries}, read_timeout=20))


def make(client, name, view="NEW_AND_OLD_IMAGES", **more):
    client.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
                        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
                        **({"StreamSpecification": {"StreamEnabled": True, "StreamViewType": view}} if view else {}), **more)
    return client.describe_table(TableName=name)["Table"].get("LatestStreamArn")


def item(pk, **values):
    return dict({"pk": {"S": pk}}, **{name: {"N": str(value)} for name, value in values.items()})


def drain(consumer):
    """All there is: a child's records come after its parent's."""
    records = []
    while True:
        more = list(consumer.poll())
        if not more and not any(i not in consumer.iterators for i in consumer.ended):
            return records
        records += more


def short(record):
    """("INSERT", key, old, new): of the images the attribute v."""
    data = record["dynamodb"]
    images = [data[name].get("v", {}).get("N") if name in data else None for name in ("OldImage", "NewImage")]
    return (record["eventName"], data["Keys"]["pk"]["S"], *images)


class Streams(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = LoneRegion()
        cls.server.start()
        cls.dynamo = client_of(cls.server.region, "dynamodb", 3)
        cls.streams = client_of(cls.server.region, "dynamodbstreams", 3)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def read(self, table):
        return drain(StreamConsumer(self.streams, table))

    def refused(self, code, call, **parameters):
        with self.assertRaises(ClientError) as caught:
            call(**parameters)
        self.assertEqual(caught.exception.response["Error"]["Code"], code)
        return caught.exception.response["Error"]["Message"]

    def test_every_kind_of_write_and_every_view(self):
        expected = [("INSERT", "a", None, "1"), ("MODIFY", "a", "1", "2"), ("REMOVE", "a", "2", None), ("INSERT", "a", None, "3"),
                    ("INSERT", "b", None, "1"), ("REMOVE", "a", "3", None), ("MODIFY", "b", "1", "2"), ("INSERT", "c", None, "1")]
        for view in ("KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"):
            table = "view-" + view
            make(self.dynamo, table, view)
            self.dynamo.put_item(TableName=table, Item=item("a", v=1))
            self.dynamo.put_item(TableName=table, Item=item("a", v=1))  # nothing changes: no record
            self.dynamo.update_item(TableName=table, Key=item("a"), UpdateExpression="SET v = :v", ExpressionAttributeValues={":v": {"N": "2"}})
            self.dynamo.update_item(TableName=table, Key=item("a"), UpdateExpression="SET v = v")
            self.dynamo.delete_item(TableName=table, Key=item("a"))
            self.dynamo.delete_item(TableName=table, Key=item("a"))
            self.dynamo.batch_write_item(RequestItems={table: [{"PutRequest": {"Item": item("a", v=3)}}]})
            self.dynamo.transact_write_items(TransactItems=[{"Put": {"TableName": table, "Item": item("b", v=1)}},
                                                            {"Delete": {"TableName": table, "Key": item("a")}}])
            self.dynamo.execute_statement(Statement='UPDATE "%s" SET v = 2 WHERE pk = \'b\'' % table)
            self.dynamo.execute_statement(Statement='INSERT INTO "%s" VALUE {\'pk\': \'c\', \'v\': 1}' % table)
            records = self.read(table)
            shows_new, shows_old = "NEW" in view, "OLD" in view
            self.assertEqual([short(r) for r in records],
                             [(name, pk, old if shows_old else None, new if shows_new else None) for name, pk, old, new in expected])
            for record in records:
                self.assertEqual((record["eventVersion"], record["eventSource"], record["awsRegion"]), ("1.1", "aws:dynamodb", "us-east-1"))
                data = record["dynamodb"]
                self.assertEqual(data["StreamViewType"], view)
                self.assertEqual("NewImage" in data, shows_new and record["eventName"] != "REMOVE")
                self.assertEqual("OldImage" in data, shows_old and record["eventName"] != "INSERT")
                self.assertLess(abs(data["ApproximateCreationDateTime"].timestamp() - time.time()), 60)
                self.assertNotIn("userIdentity", record)
            numbers = [r["dynamodb"]["SequenceNumber"] for r in records]
            self.assertEqual(numbers, sorted(numbers, key=int))
            self.assertEqual(len({r["eventID"] for r in records}), len(records))

    def test_a_stream_is_turned_on_off_and_on(self):
        self.assertIsNone(make(self.dynamo, "toggled", None))
        self.dynamo.put_item(TableName="toggled", Item=item("a", v=1))

        def turn(on, **view):
            spec = {"StreamEnabled": on, **view}
            return self.dynamo.update_table(TableName="toggled", StreamSpecification=spec)["TableDescription"].get("LatestStreamArn")
        first = turn(True, StreamViewType="NEW_AND_OLD_IMAGES")
        self.dynamo.put_item(TableName="toggled", Item=item("a", v=2))
        self.assertEqual([short(r) for r in self.read("toggled")], [("MODIFY", "a", "1", "2")])
        turn(False)
        self.dynamo.put_item(TableName="toggled", Item=item("a", v=3))
        description = self.streams.describe_stream(StreamArn=first)["StreamDescription"]
        self.assertEqual(description["StreamStatus"], "DISABLED")
        self.assertTrue(all("EndingSequenceNumber" in s["SequenceNumberRange"] for s in description["Shards"]))
        consumer = StreamConsumer(self.streams, "toggled")
        self.assertEqual([short(r) for r in drain(consumer)], [("MODIFY", "a", "1", "2")])
        self.assertEqual(len(consumer.ended), 1, "a closed shard says that it has ended")
        second = turn(True, StreamViewType="KEYS_ONLY")
        self.assertNotEqual(first, second)
        self.dynamo.delete_table(TableName="toggled")
        self.assertEqual({s["StreamArn"] for s in self.streams.list_streams(TableName="toggled")["Streams"]}, {first, second})

    def test_refusals(self):
        arn = make(self.dynamo, "refusals", "KEYS_ONLY")
        shard = self.streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]
        ids = dict(StreamArn=arn, ShardId=shard["ShardId"])
        start = shard["SequenceNumberRange"]["StartingSequenceNumber"]
        self.assertTrue(start.isdecimal() and 21 <= len(start) <= 40)
        iterator = self.streams.get_shard_iterator
        for kind in ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"):
            self.assertTrue(iterator(ShardIteratorType=kind, SequenceNumber=start, **ids)["ShardIterator"])
            self.refused("ValidationException", iterator, ShardIteratorType=kind, **ids)
        for kind in ("LATEST", "TRIM_HORIZON"):
            self.assertTrue(iterator(ShardIteratorType=kind, **ids)["ShardIterator"])
            self.refused("ValidationException", iterator, ShardIteratorType=kind, SequenceNumber=start, **ids)
        self.refused("ValidationException", iterator, ShardIteratorType="bulle", SequenceNumber=start, **ids)
        self.refused("ResourceNotFoundException", iterator, ShardIteratorType="LATEST", StreamArn=arn,
                     ShardId="adfasdasdasdasdasdasdasdasdasasdasd")
        self.refused("ValidationException", self.streams.describe_stream, StreamArn="x" * 50)
        self.refused("ResourceNotFoundException", self.streams.describe_stream, StreamArn=arn[:-1] + ("1" if arn[-1] != "1" else "2"))
        self.assertEqual(self.refused("ValidationException", self.streams.get_records, ShardIterator="sdfsdfsgagaddafgagasgasgasdf"),
                         "Invalid ShardIterator")
        self.refused("ValidationException", self.streams.list_streams, Limit=101)
        self.assertEqual(self.streams.list_streams(TableName="nonesuch")["Streams"], [])

    def test_what_expires_is_deleted_by_the_service(self):
        make(self.dynamo, "expiring", "OLD_IMAGE")
        self.dynamo.update_time_to_live(TableName="expiring", TimeToLiveSpecification={"Enabled": True, "AttributeName": "exp"})
        self.dynamo.put_item(TableName="expiring", Item=item("a", exp=int(time.time()) - 10))
        self.dynamo.put_item(TableName="expiring", Item=item("b"))
        self.dynamo.delete_item(TableName="expiring", Key=item("b"))
        until(lambda: len(self.read("expiring")) == 4, 15, "the item to expire")
        identities = {(r["eventName"], r["dynamodb"]["Keys"]["pk"]["S"]): r.get("userIdentity") for r in self.read("expiring")}
        self.assertEqual(identities[("REMOVE", "a")], {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"})
        self.assertIsNone(identities[("REMOVE", "b")])

    def test_all_of_it_once_over_crashes(self):
        """A consumer reads while four clients write and the process is killed again and again."""
        make(self.dynamo, "crashes", "NEW_IMAGE")
        stopping, acknowledged, tried = threading.Event(), [[] for _ in range(4)], [0] * 4

        def write(who):
            client = client_of(self.server.region, "dynamodb", 0)
            while not stopping.is_set():
                tried[who] += 1
                try:
                    client.put_item(TableName="crashes", Item=item("k%d" % who, v=tried[who]))
                    acknowledged[who].append(tried[who])
                except Exception:
                    time.sleep(0.05)

        threads = [threading.Thread(target=write, args=(who,)) for who in range(4)]
        for thread in threads:
            thread.start()
        consumer, records = StreamConsumer(self.streams, "crashes"), []

        def read():
            try:
                records.extend(consumer.poll(limit=50))
            except Exception:
                time.sleep(0.05)
        try:
            for crash in range(3):
                for _ in range(8):
                    read()
                    time.sleep(0.05)
                self.server.process.kill()
                self.server.process.wait()
                read()
                self.server.start()
        finally:
            stopping.set()
            for thread in threads:
                thread.join()
        records += drain(consumer)
        seen = [[int(r["dynamodb"]["NewImage"]["v"]["N"]) for r in records if r["dynamodb"]["Keys"]["pk"]["S"] == "k%d" % who]
                for who in range(4)]
        for who in range(4):
            self.assertEqual(seen[who], sorted(set(seen[who])), "in order, none twice")
            self.assertFalse(set(acknowledged[who]) - set(seen[who]), "none is missing")
            self.assertGreater(len(seen[who]), 50)
        again = [r["eventID"] for r in self.read("crashes")]
        self.assertEqual(sorted(again), sorted(r["eventID"] for r in records), "what was read is what is there")


class Regions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World(regions=3, latency_ms=20)
        cls.world.start()
        cls.names = cls.world.names
        cls.dynamo = {name: client_of(cls.world.region(name), "dynamodb", 3) for name in cls.names}
        cls.streams = {name: client_of(cls.world.region(name), "dynamodbstreams", 3) for name in cls.names}

    @classmethod
    def tearDownClass(cls):
        cls.world.stop()
        cls.world.remove()

    def make(self, table, view="NEW_AND_OLD_IMAGES"):
        make(self.dynamo[self.names[0]], table, view)
        self.world.wait_for_table(table)

    def read(self, name, table):
        return drain(StreamConsumer(self.streams[name], table))

    def test_every_region_shows_every_change_with_its_origin_and_one_name(self):
        self.make("everywhere")
        for i, name in enumerate(self.names):
            for n in range(5):
                self.dynamo[name].put_item(TableName="everywhere", Item=item("%s-%d" % (name, n), v=n))
        until(lambda: all(len(self.read(name, "everywhere")) == 15 for name in self.names), 15, "15 records everywhere")
        events = {}
        for name in self.names:
            records = self.read(name, "everywhere")
            for record in records:
                pk = record["dynamodb"]["Keys"]["pk"]["S"]
                self.assertEqual(record["awsRegion"], pk.rsplit("-", 1)[0], "the region where it was made")
                self.assertEqual(events.setdefault(pk, record["eventID"]), record["eventID"], "the same in every region")
            arn = self.dynamo[name].describe_table(TableName="everywhere")["Table"]["LatestStreamArn"]
            self.assertEqual(arn.split(":")[3], name)
            self.assertEqual(self.streams[name].list_streams(TableName="everywhere")["Streams"][0]["StreamArn"], arn)

    def test_what_expired_elsewhere_is_an_ordinary_deletion(self):
        self.make("expires", "KEYS_ONLY")
        first, second = self.names[:2]
        self.dynamo[first].update_time_to_live(TableName="expires", TimeToLiveSpecification={"Enabled": True, "AttributeName": "exp"})
        self.dynamo[first].put_item(TableName="expires", Item=item("a", exp=int(time.time()) - 10))
        until(lambda: all(len(self.read(name, "expires")) == 2 for name in (first, second)), 20, "the deletion in both regions")
        here, there = self.read(first, "expires")[1], self.read(second, "expires")[1]
        self.assertEqual((here["eventName"], there["eventName"]), ("REMOVE", "REMOVE"))
        self.assertEqual(here["userIdentity"], {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"})
        self.assertNotIn("userIdentity", there)
        self.assertEqual(here["eventID"], there["eventID"])

    def test_a_position_is_text_that_any_region_understands(self):
        self.make("carried")
        first, second, third = self.names
        for n in range(10):
            self.dynamo[first].put_item(TableName="carried", Item=item("a%d" % n, v=n))
        until(lambda: len(self.read(second, "carried")) == 10, 10, "the records in the second region")
        consumer = StreamConsumer(self.streams[first], "carried")
        seen = []
        for record in consumer.poll(limit=4):  # stops in the middle of a page
            seen.append(record)
            if len(seen) == 3:
                break
        place = consumer.place()
        self.assertLess(len(place), 500)
        elsewhere = StreamConsumer(self.streams[second], "carried", place)
        until(lambda: seen.extend(elsewhere.poll()) or len(seen) >= 10, 10, "the rest")
        self.assertEqual(sorted(r["dynamodb"]["Keys"]["pk"]["S"] for r in seen), ["a%d" % n for n in range(10)])
        self.assertFalse(list(elsewhere.poll()))
        # And what is no position is refused.
        with self.assertRaises(ClientError) as caught:
            list(StreamConsumer(self.streams[third], "carried", place[:-3] + "AAA").poll())
        self.assertEqual(caught.exception.response["Error"]["Code"], "ValidationException")
        with self.assertRaises(ClientError) as caught:
            self.streams[third].get_records(ShardIterator=next(iter(elsewhere.iterators.values())))
        self.assertIn("of another region", caught.exception.response["Error"]["Message"])


if __name__ == "__main__":
    unittest.main()
