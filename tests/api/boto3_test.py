#!/usr/bin/env python3
"""The API as boto3 sees it, theme by theme, against one region: what a program that worked with DynamoDB relies on."""
import decimal
import pathlib
import sys
import unittest

import boto3
from boto3.dynamodb.conditions import Attr, Key
from boto3.dynamodb.types import Binary
from botocore.config import Config
from botocore.exceptions import ClientError

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))
from world import LoneRegion

D = decimal.Decimal


class Api(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = LoneRegion()
        cls.server.start()
        options = dict(region_name="us-east-1", endpoint_url="http://" + cls.server.region.endpoint, aws_access_key_id="test",
                       aws_secret_access_key="test", config=Config(retries={"max_attempts": 1}, read_timeout=10))
        cls.client = boto3.client("dynamodb", **options)
        cls.resource = boto3.resource("dynamodb", **options)
        cls.simple = cls.make("simple", [("pk", "HASH", "S")])
        cls.sorted = cls.make("sorted", [("pk", "HASH", "S"), ("sk", "RANGE", "N")])

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    @classmethod
    def make(cls, name, keys):
        table = cls.resource.create_table(
            TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": n, "KeyType": k} for n, k, _ in keys],
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": t} for n, _, t in keys])
        table.wait_until_exists()
        return table

    def fails(self, code, call, **parameters):
        with self.assertRaises(ClientError) as caught:
            call(**parameters)
        self.assertEqual(caught.exception.response["Error"]["Code"], code)
        return caught.exception.response

    # --- tables

    def test_tables_are_described_listed_in_pages_changed_and_deleted(self):
        names = ["list-%02d" % i for i in range(7)]
        for name in names:
            self.make(name, [("k", "HASH", "N")])
        self.fails("ResourceInUseException", self.client.create_table, TableName=names[0], BillingMode="PAY_PER_REQUEST",
                   KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}], AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "N"}])
        listed = [n for page in self.client.get_paginator("list_tables").paginate(PaginationConfig={"PageSize": 3}) for n in page["TableNames"]]
        self.assertEqual(listed, sorted(listed))
        self.assertLessEqual(set(names), set(listed))
        described = self.client.describe_table(TableName=names[0])["Table"]
        self.assertEqual((described["TableStatus"], described["KeySchema"], described["ItemCount"]),
                         ("ACTIVE", [{"AttributeName": "k", "KeyType": "HASH"}], 0))
        self.assertIn(":table/" + names[0], described["TableArn"])
        self.client.update_table(TableName=names[0], BillingMode="PROVISIONED", ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 6})
        self.client.get_waiter("table_exists").wait(TableName=names[0])
        throughput = self.client.describe_table(TableName=names[0])["Table"]["ProvisionedThroughput"]
        self.assertEqual((throughput["ReadCapacityUnits"], throughput["WriteCapacityUnits"]), (5, 6))
        for name in names:
            self.client.delete_table(TableName=name)
            self.client.get_waiter("table_not_exists").wait(TableName=name)
        self.fails("ResourceNotFoundException", self.client.describe_table, TableName=names[0])

    # --- items

    def test_every_type_comes_back_as_it_went(self):
        item = {"pk": "types", "s": "\u00fc\u4e2d\U0001f600", "empty": "", "n": D("-1.5E-20"), "big": D("9" * 38), "b": Binary(b"\x00\xff"), "t": True, "f": False,
                "null": None, "ss": {"a", "b"}, "ns": {D(1), D("2.5")}, "bs": {Binary(b"x"), Binary(b"y")}, "l": ["x", D(1), [None, {}]],
                "m": {"a": {"b": {"c": [True]}}}}
        self.simple.put_item(Item=item)
        self.assertEqual(self.simple.get_item(Key={"pk": "types"})["Item"], item)

    def test_numbers_are_normal_and_equal_by_value(self):
        for written, read in [("1.00", "1"), ("0.0", "0"), ("-0", "0"), ("1e2", "100"), ("00012", "12"), ("1E-3", "0.001")]:
            self.client.put_item(TableName="simple", Item={"pk": {"S": "number"}, "n": {"N": written}})
            self.assertEqual(self.client.get_item(TableName="simple", Key={"pk": {"S": "number"}})["Item"]["n"]["N"], read)
        for key in ("1", "1.0", "10e-1"):
            self.client.put_item(TableName="sorted", Item={"pk": {"S": "one"}, "sk": {"N": key}})
        self.assertEqual(self.sorted.query(KeyConditionExpression=Key("pk").eq("one"))["Count"], 1)

    def test_return_values(self):
        self.simple.put_item(Item={"pk": "rv", "a": 1, "b": 2})
        old = self.simple.put_item(Item={"pk": "rv", "a": 3, "b": 4}, ReturnValues="ALL_OLD")["Attributes"]
        self.assertEqual(old, {"pk": "rv", "a": 1, "b": 2})
        update = dict(Key={"pk": "rv"}, UpdateExpression="SET a = a + :one", ExpressionAttributeValues={":one": 1})
        for kind, expected in [("NONE", None), ("UPDATED_OLD", {"a": 4}), ("UPDATED_NEW", {"a": 6}), ("ALL_OLD", {"pk": "rv", "a": 6, "b": 4}),
                               ("ALL_NEW", {"pk": "rv", "a": 8, "b": 4})]:
            self.assertEqual(self.simple.update_item(ReturnValues=kind, **update).get("Attributes"), expected, kind)
        self.assertEqual(self.simple.delete_item(Key={"pk": "rv"}, ReturnValues="ALL_OLD")["Attributes"], {"pk": "rv", "a": 8, "b": 4})
        self.assertNotIn("Attributes", self.simple.delete_item(Key={"pk": "rv"}, ReturnValues="ALL_OLD"))

    def test_the_four_clauses_of_an_update(self):
        self.simple.put_item(Item={"pk": "u", "n": 5, "l": [1, 2, 3], "s": {"a", "b"}, "m": {"x": 1}, "gone": True})
        got = self.simple.update_item(
            Key={"pk": "u"}, ReturnValues="ALL_NEW",
            UpdateExpression="SET l[1] = :v, m.y = if_not_exists(m.y, :v), l2 = list_append(l, :list) REMOVE gone, l[0] ADD n :v, fresh :v DELETE s :a",
            ExpressionAttributeValues={":v": 10, ":list": [4], ":a": {"a"}})["Attributes"]
        self.assertEqual(got, {"pk": "u", "n": 15, "fresh": 10, "l": [10, 3], "l2": [1, 2, 3, 4], "s": {"b"}, "m": {"x": 1, "y": 10}})
        got = self.simple.update_item(Key={"pk": "u-new"}, UpdateExpression="ADD #c :one", ExpressionAttributeNames={"#c": "count"},
                                      ExpressionAttributeValues={":one": 1}, ReturnValues="ALL_NEW")["Attributes"]
        self.assertEqual(got, {"pk": "u-new", "count": 1})
        self.simple.update_item(Key={"pk": "u-bare"})
        self.assertEqual(self.simple.get_item(Key={"pk": "u-bare"})["Item"], {"pk": "u-bare"})

    def test_conditions(self):
        item = {"pk": "c", "n": 5, "s": "hello", "l": [1, 2], "set": {"x", "y"}, "m": {"k": "v"}}
        self.simple.put_item(Item=item)
        true = [Attr("n").between(5, 6), Attr("s").begins_with("hel"), Attr("s").contains("ell"), Attr("set").contains("x"), Attr("l").contains(2),
                Attr("m.k").eq("v"), Attr("l[1]").eq(2), Attr("s").size().eq(5), Attr("n").is_in([4, 5]), Attr("none").not_exists(),
                Attr("n").attribute_type("N"), ~Attr("n").lt(5), Attr("n").eq(1) | Attr("s").exists() & Attr("n").gte(5), Attr("n").ne("5")]
        false = [Attr("n").gt(5), Attr("none").eq(1), Attr("s").begins_with("x"), Attr("set").contains("z"), Attr("pk").not_exists(), Attr("n").is_in([1]),
                 Attr("n").lt("a")]
        for condition in true:
            self.simple.put_item(Item=item, ConditionExpression=condition)
        for condition in false:
            self.fails("ConditionalCheckFailedException", self.simple.put_item, Item={"pk": "c"}, ConditionExpression=condition)
        self.assertEqual(self.simple.get_item(Key={"pk": "c"})["Item"], item)

    def test_projections(self):
        self.simple.put_item(Item={"pk": "p", "a": {"b": [1, 2, {"c": 3}], "d": 4}, "size": 5})
        got = self.simple.get_item(Key={"pk": "p"}, ProjectionExpression="a.b[2].c, a.d, #s, absent", ExpressionAttributeNames={"#s": "size"})["Item"]
        self.assertEqual(got, {"a": {"b": [{"c": 3}], "d": 4}, "size": 5})

    def test_consumed_capacity(self):
        put = self.simple.put_item(Item={"pk": "cap", "x": "y" * 3000}, ReturnConsumedCapacity="TOTAL")["ConsumedCapacity"]
        self.assertEqual((put["TableName"], put["CapacityUnits"]), ("simple", 3.0))
        get = dict(Key={"pk": "cap"}, ReturnConsumedCapacity="TOTAL")
        self.assertEqual(self.simple.get_item(**get)["ConsumedCapacity"]["CapacityUnits"], 0.5)
        self.assertEqual(self.simple.get_item(ConsistentRead=True, **get)["ConsumedCapacity"]["CapacityUnits"], 1.0)

    # --- batches, queries, scans

    def test_batches(self):
        with self.simple.batch_writer() as batch:
            for i in range(60):
                batch.put_item(Item={"pk": "batch%d" % i, "n": i})
        with self.simple.batch_writer() as batch:
            batch.delete_item(Key={"pk": "batch59"})
        got = self.resource.batch_get_item(RequestItems={"simple": {"Keys": [{"pk": "batch%d" % i} for i in range(60)], "ProjectionExpression": "n"}})
        self.assertEqual(sorted(i["n"] for i in got["Responses"]["simple"]), list(range(59)))
        self.assertEqual(got["UnprocessedKeys"], {})
        self.fails("ValidationException", self.resource.batch_get_item, RequestItems={"simple": {"Keys": [{"pk": "a"}, {"pk": "a"}]}})
        large = {"simple": [{"PutRequest": {"Item": {"pk": "large%d" % i, "x": "y" * 390000}}} for i in range(25)]}
        while large:
            large = self.resource.batch_write_item(RequestItems=large)["UnprocessedItems"]
        keys, found = {"simple": {"Keys": [{"pk": "large%d" % i} for i in range(50)]}}, 0
        while keys:  # an answer ends at 16 MB
            page = self.resource.batch_get_item(RequestItems=keys)
            found, keys = found + len(page["Responses"].get("simple", [])), page["UnprocessedKeys"]
        self.assertEqual(found, 25)
        for i in range(25):
            self.simple.delete_item(Key={"pk": "large%d" % i})

    def test_queries(self):
        with self.sorted.batch_writer() as batch:
            for i in range(-20, 20):
                batch.put_item(Item={"pk": "q", "sk": D(i) / 2, "even": i % 2 == 0, "pad": "x" * 100})
        def keys(condition, **more):
            return [i["sk"] for i in self.sorted.query(KeyConditionExpression=Key("pk").eq("q") & condition if condition else Key("pk").eq("q"), **more)["Items"]]
        everything = [D(i) / 2 for i in range(-20, 20)]
        self.assertEqual(keys(None), everything)
        self.assertEqual(keys(None, ScanIndexForward=False, Limit=3), [D("9.5"), 9, D("8.5")])
        for condition, expected in [(Key("sk").lt(-9), [-10, D("-9.5")]), (Key("sk").lte(-9), [-10, D("-9.5"), -9]), (Key("sk").gt(9), [D("9.5")]),
                                    (Key("sk").gte(9), [9, D("9.5")]), (Key("sk").eq(0), [0]), (Key("sk").between(-1, 1), [-1, D("-0.5"), 0, D("0.5"), 1])]:
            self.assertEqual(keys(condition), expected)
        page = self.sorted.query(KeyConditionExpression=Key("pk").eq("q"), FilterExpression=Attr("even").eq(True), Limit=10)
        self.assertEqual((page["Count"], page["ScannedCount"], page["LastEvaluatedKey"]), (5, 10, {"pk": "q", "sk": D("-5.5")}))
        pages = list(self.client.get_paginator("query").paginate(TableName="sorted", KeyConditionExpression="pk = :p", ExpressionAttributeValues={":p": {"S": "q"}},
                                                               PaginationConfig={"PageSize": 7}))
        self.assertEqual([D(i["sk"]["N"]) for p in pages for i in p["Items"]], everything)
        self.assertEqual(self.sorted.query(KeyConditionExpression=Key("pk").eq("q"), Select="COUNT")["Count"], 40)
        self.assertEqual(self.sorted.query(KeyConditionExpression=Key("pk").eq("nobody"))["Items"], [])

    def test_scans_in_pages_and_segments(self):
        table = self.make("scanned", [("pk", "HASH", "S")])
        with table.batch_writer() as batch:
            for i in range(300):
                batch.put_item(Item={"pk": "s%d" % i, "n": i})
        def whole(**more):
            found, start = [], {}
            while True:
                page = table.scan(**more, **start)
                found += [int(i["n"]) for i in page["Items"]]
                if "LastEvaluatedKey" not in page:
                    return found
                start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
        self.assertEqual(sorted(whole(Limit=37)), list(range(300)))
        segments = [whole(Segment=i, TotalSegments=4) for i in range(4)]
        self.assertEqual(sorted(sum(segments, [])), list(range(300)))
        self.assertTrue(all(segments))
        self.assertEqual(sorted(whole(FilterExpression=Attr("n").lt(5))), list(range(5)))
        large = [{"pk": "large%d" % i, "n": 1000 + i, "x": "y" * 300000} for i in range(8)]
        for item in large:
            table.put_item(Item=item)
        first = table.scan()
        self.assertIn("LastEvaluatedKey", first)  # a page ends at 1 MB
        self.assertEqual(len(whole()), 308)

    # --- errors

    def test_errors_have_codes_messages_and_request_ids(self):
        response = self.fails("ResourceNotFoundException", self.client.get_item, TableName="nowhere", Key={"pk": {"S": "a"}})
        self.assertEqual(response["ResponseMetadata"]["HTTPStatusCode"], 400)
        self.assertRegex(response["ResponseMetadata"]["RequestId"], "^[A-Z0-9]{52}$")
        self.fails("ValidationException", self.client.get_item, TableName="simple", Key={"wrong": {"S": "a"}})
        self.fails("ValidationException", self.simple.update_item, Key={"pk": "x"}, UpdateExpression="SET pk = :v", ExpressionAttributeValues={":v": "y"})
        self.fails("UnknownOperationException", self.client.list_backups)


if __name__ == "__main__":
    unittest.main(warnings="ignore")
