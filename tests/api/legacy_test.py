#!/usr/bin/env python3
"""The legacy parameters (before expressions) as boto3 sends them: Expected, AttributeUpdates, KeyConditions, QueryFilter, ScanFilter,
ConditionalOperator and AttributesToGet."""
import decimal
import pathlib
import sys
import unittest

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))
from world import LoneRegion

D = decimal.Decimal


def is_(operator, *values):
    return {"ComparisonOperator": operator, "AttributeValueList": list(values)}


class Legacy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = LoneRegion()
        cls.server.start()
        cls.resource = boto3.resource("dynamodb", region_name="us-east-1", endpoint_url="http://" + cls.server.region.endpoint,
                                      aws_access_key_id="test", aws_secret_access_key="test",
                                      config=Config(retries={"max_attempts": 1}, read_timeout=10))
        cls.table = cls.resource.create_table(
            TableName="legacy", BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "N"}])
        cls.table.wait_until_exists()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def fails(self, code, message, call, **parameters):
        with self.assertRaises(ClientError) as caught:
            call(**parameters)
        error = caught.exception.response["Error"]
        self.assertEqual(error["Code"], code)
        self.assertIn(message, error["Message"])

    def test_every_operator_of_expected(self):
        item = {"pk": "e", "sk": 1, "n": 5, "s": "hello", "ss": {"x", "y"}, "l": ["a", 1], "t": True}
        self.table.put_item(Item=item)
        true = [("n", is_("EQ", 5)), ("n", is_("NE", 6)), ("absent", is_("NE", 6)), ("n", is_("LE", 5)), ("n", is_("LT", 6)), ("n", is_("GE", 5)),
                ("n", is_("GT", 4)), ("n", {"ComparisonOperator": "NOT_NULL"}), ("absent", {"ComparisonOperator": "NULL"}),
                ("ss", is_("CONTAINS", "x")), ("l", is_("CONTAINS", "a")), ("s", is_("CONTAINS", "ell")), ("ss", is_("NOT_CONTAINS", "z")),
                ("s", is_("BEGINS_WITH", "hel")), ("n", is_("IN", 4, 5)), ("n", is_("BETWEEN", 5, 6)), ("n", {"Value": 5}),
                ("n", {"Value": 5, "Exists": True}), ("absent", {"Exists": False}), ("n", {"ComparisonOperator": "LT", "Value": 6})]
        false = [("n", is_("EQ", "5")), ("n", is_("NE", 5)), ("n", is_("LT", 5)), ("absent", is_("LT", 5)), ("absent", {"ComparisonOperator": "NOT_NULL"}),
                 ("n", {"ComparisonOperator": "NULL"}), ("ss", is_("CONTAINS", "z")), ("absent", is_("NOT_CONTAINS", "z")),
                 ("s", is_("BEGINS_WITH", "ello")), ("n", is_("IN", 4, 6)), ("n", is_("BETWEEN", 6, 7)), ("n", {"Exists": False}), ("absent", {"Value": 5})]
        for name, condition in true:
            self.table.put_item(Item=item, Expected={name: condition})
        for name, condition in false:
            for call in (lambda **p: self.table.put_item(Item=item, **p), lambda **p: self.table.delete_item(Key={"pk": "e", "sk": 1}, **p),
                         lambda **p: self.table.update_item(Key={"pk": "e", "sk": 1}, AttributeUpdates={"n": {"Value": 9}}, **p)):
                self.fails("ConditionalCheckFailedException", "The conditional request failed", call, Expected={name: condition})
        self.assertEqual(self.table.get_item(Key={"pk": "e", "sk": 1})["Item"], item)
        self.table.delete_item(Key={"pk": "e", "sk": 1}, ConditionalOperator="OR", Expected={"n": {"Value": 5}, "s": {"Value": "no"}})
        self.assertNotIn("Item", self.table.get_item(Key={"pk": "e", "sk": 1}))

    def test_attribute_updates(self):
        key = {"pk": "u", "sk": 1}
        self.table.put_item(Item={**key, "n": 5, "s": {"a", "b"}, "l": [1], "gone": "x"})
        got = self.table.update_item(Key=key, ReturnValues="ALL_NEW", AttributeUpdates={
            "n": {"Action": "ADD", "Value": 2}, "fresh": {"Action": "ADD", "Value": 1}, "s": {"Action": "DELETE", "Value": {"a"}},
            "l": {"Action": "ADD", "Value": ["two"]}, "gone": {"Action": "DELETE"}, "put": {"Value": {"m": [None]}}})["Attributes"]
        self.assertEqual(got, {**key, "n": 7, "fresh": 1, "s": {"b"}, "l": [1, "two"], "put": {"m": [None]}})
        got = self.table.update_item(Key=key, ReturnValues="UPDATED_OLD", AttributeUpdates={"n": {"Value": 0}, "none": {"Value": 1}})["Attributes"]
        self.assertEqual(got, {"n": 7})
        self.fails("ValidationException", "Type mismatch for attribute to update", self.table.update_item, Key=key,
                   AttributeUpdates={"put": {"Action": "ADD", "Value": 1}})
        self.table.update_item(Key={"pk": "u", "sk": 2}, AttributeUpdates={"x": {"Action": "DELETE"}})
        self.assertNotIn("Item", self.table.get_item(Key={"pk": "u", "sk": 2}))
        self.table.update_item(Key={"pk": "u", "sk": 2}, AttributeUpdates={"x": {"Action": "ADD", "Value": {1, 2}}})
        self.assertEqual(self.table.get_item(Key={"pk": "u", "sk": 2})["Item"]["x"], {D(1), D(2)})

    def test_query_and_scan(self):
        with self.table.batch_writer() as batch:
            for i in range(20):
                batch.put_item(Item={"pk": "q", "sk": i, "half": i // 2, "odd": bool(i % 2)})
        mine = {"pk": is_("EQ", "q")}
        numbers = lambda answer: [int(item["sk"]) for item in answer["Items"]]
        self.assertEqual(numbers(self.table.query(KeyConditions=mine)), list(range(20)))
        for condition, expected in [(is_("EQ", 3), [3]), (is_("LT", 3), [0, 1, 2]), (is_("LE", 1), [0, 1]), (is_("GT", 17), [18, 19]),
                                    (is_("GE", 18), [18, 19]), (is_("BETWEEN", 4, 6), [4, 5, 6])]:
            self.assertEqual(numbers(self.table.query(KeyConditions={**mine, "sk": condition})), expected)
        got = self.table.query(KeyConditions=mine, QueryFilter={"odd": is_("EQ", True), "half": is_("LT", 3)})
        self.assertEqual((numbers(got), got["ScannedCount"]), ([1, 3, 5], 20))
        got = self.table.query(KeyConditions=mine, ConditionalOperator="OR", ScanIndexForward=False, AttributesToGet=["sk"],
                               QueryFilter={"half": is_("IN", 1, 2), "sk_": is_("EQ", 1)})
        self.assertEqual(got["Items"], [{"sk": D(i)} for i in (5, 4, 3, 2)])
        pages, start = [], {}
        while True:
            page = self.table.query(KeyConditions=mine, Limit=7, AttributesToGet=["sk"], **start)
            pages += numbers(page)
            if "LastEvaluatedKey" not in page:
                break
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
        self.assertEqual(pages, list(range(20)))
        got = self.table.scan(ScanFilter={"pk": is_("EQ", "q"), "sk": is_("GE", 15)}, AttributesToGet=["sk"])
        self.assertEqual(sorted(numbers(got)), [15, 16, 17, 18, 19])
        self.fails("ValidationException", "QueryFilter can only contain non-primary key attributes: Primary key attribute: sk", self.table.query,
                   KeyConditions=mine, QueryFilter={"sk": is_("EQ", 1)})
        self.fails("ValidationException", "Query condition missed key schema element: pk", self.table.query, KeyConditions={"sk": is_("EQ", 1)})
        self.fails("ValidationException", "Query key condition not supported", self.table.query, KeyConditions={"pk": is_("GT", "q")})
        self.fails("ValidationException", "Attempted conditional constraint is not an indexable operation", self.table.query,
                   KeyConditions={**mine, "sk": is_("NE", 1)})

    def test_attributes_to_get_are_whole_names(self):
        key = {"pk": "a", "sk": 1}
        self.table.put_item(Item={**key, "a.b": 1, "a": {"b": 2}, "size": 3})
        self.assertEqual(self.table.get_item(Key=key, AttributesToGet=["a.b", "size", "none"])["Item"], {"a.b": 1, "size": 3})
        got = self.resource.batch_get_item(RequestItems={"legacy": {"Keys": [key], "AttributesToGet": ["a"]}})["Responses"]["legacy"]
        self.assertEqual(got, [{"a": {"b": 2}}])
        self.fails("ValidationException", "Duplicate value in attribute name: a", self.table.get_item, Key=key, AttributesToGet=["a", "a"])

    def test_they_do_not_mix_with_expressions(self):
        key = {"pk": "m", "sk": 1}
        self.fails("ValidationException", "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: "
                   "{AttributeUpdates, Expected} Expression parameters: {UpdateExpression}", self.table.update_item, Key=key,
                   AttributeUpdates={}, Expected={}, UpdateExpression="SET a = :a", ExpressionAttributeValues={":a": 1})
        self.fails("ValidationException", "{QueryFilter} Expression parameters: {KeyConditionExpression}", self.table.query,
                   KeyConditionExpression="pk = :p", ExpressionAttributeValues={":p": "x"}, QueryFilter={})
        self.assertEqual(self.table.query(KeyConditions={"pk": is_("EQ", "m")}, ProjectionExpression="sk")["Count"], 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
