#!/usr/bin/env python3
"""PartiQL as boto3 sends it: statements, batches and transactions of them, on tables and indexes, against one region."""
import decimal
import pathlib
import sys
import unittest

import boto3
from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer
from botocore.config import Config
from botocore.exceptions import ClientError

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))
from world import LoneRegion

D = decimal.Decimal
to_wire = TypeSerializer().serialize
from_wire = TypeDeserializer().deserialize


def plain(item):
    return {name: from_wire(value) for name, value in item.items()}


class Partiql(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = LoneRegion()
        cls.server.start()
        cls.client = boto3.client("dynamodb", region_name="us-east-1", endpoint_url="http://" + cls.server.region.endpoint, aws_access_key_id="test",
                                  aws_secret_access_key="test", config=Config(retries={"max_attempts": 1}, read_timeout=10))
        attributes = [("pk", "S"), ("sk", "N"), ("g", "S"), ("l", "S")]
        cls.client.create_table(
            TableName="music", BillingMode="PAY_PER_REQUEST", AttributeDefinitions=[{"AttributeName": n, "AttributeType": t} for n, t in attributes],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            GlobalSecondaryIndexes=[{"IndexName": "by-g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
                                     "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["n"]}}],
            LocalSecondaryIndexes=[{"IndexName": "by-l", "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "l", "KeyType": "RANGE"}],
                                    "Projection": {"ProjectionType": "KEYS_ONLY"}}])
        cls.client.get_waiter("table_exists").wait(TableName="music")

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def run_(self, statement, *parameters, **more):
        if parameters:
            more["Parameters"] = [to_wire(p) for p in parameters]
        return self.client.execute_statement(Statement=statement, **more)

    def items(self, statement, *parameters, **more):
        return [plain(item) for item in self.run_(statement, *parameters, **more)["Items"]]

    def fails(self, code, message, call, *arguments, **parameters):
        with self.assertRaises(ClientError) as caught:
            call(*arguments, **parameters)
        error = caught.exception.response["Error"]
        self.assertEqual((error["Code"], error["Message"]), (code, message))
        return caught.exception.response

    def test_an_item_lives_and_dies(self):
        item = {"pk": "life", "sk": 1, "s": "it's", "n": D("1.5"), "t": True, "none": None, "l_": [1, "a", {"x": D(2)}], "ss": {"a", "b"}, "ns": {D(1), D(2)}}
        self.run_("INSERT INTO music VALUE {'pk': 'life', 'sk': 1, 's': 'it''s', 'n': 1.50, 't': true, 'none': null, 'l_': [1, 'a', {'x': 2}], "
                  "'ss': <<'b', 'a'>>, 'ns': <<2, 1>>}")
        self.assertEqual(self.items("SELECT * FROM \"music\" WHERE pk = 'life' AND sk = 1"), [item])
        self.fails("DuplicateItemException", "Duplicate primary key exists in table", self.run_, "INSERT INTO music VALUE {'pk': 'life', 'sk': 1}")
        got = self.items("UPDATE music SET n = n + ? SET l_ = list_append(l_, ['z']), ss = set_delete(ss, <<'a'>>) REMOVE t, none "
                         .replace("REMOVE t, none", "REMOVE t REMOVE none") + "WHERE pk = 'life' AND sk = 1 RETURNING ALL NEW *", 2)
        self.assertEqual(got, [{"pk": "life", "sk": 1, "s": "it's", "n": D("3.5"), "l_": [1, "a", {"x": D(2)}, "z"], "ss": {"b"}, "ns": {D(1), D(2)}}])
        self.assertEqual(self.items("UPDATE music SET l_[2].x = 9 WHERE pk = 'life' AND sk = 1 RETURNING MODIFIED OLD *"), [{"l_": [{"x": 2}]}])
        self.assertEqual(self.items("SELECT l_[2].x, s FROM music WHERE pk = 'life'"), [{"x": 9, "s": "it's"}])
        self.assertEqual(self.items("FROM music WHERE pk = 'life' AND sk = 1 SET s = 'new' RETURNING MODIFIED NEW *"), [{"s": "new"}])
        self.assertEqual(len(self.items("DELETE FROM music WHERE pk = 'life' AND sk = 1 RETURNING ALL OLD *")), 1)
        self.assertEqual(self.items("DELETE FROM music WHERE pk = 'life' AND sk = 1"), [])

    def test_conditions_guard_writes(self):
        self.run_("INSERT INTO music VALUE {'pk': 'guard', 'sk': 1, 'n': 5}")
        where = " WHERE pk = 'guard' AND sk = 1"
        refused = "ConditionalCheckFailedException", "The conditional request failed"
        for condition in ("n = 6", "attribute_not_exists(n)", "n IS MISSING", "n IN [1, 2]", "NOT n = 5", "n BETWEEN 6 AND 7", "size(pk) = 1"):
            self.fails(*refused, self.run_, "UPDATE music SET n = 0" + where + " AND " + condition)
            self.fails(*refused, self.run_, "DELETE FROM music" + where + " AND " + condition)
        for condition in ("n = 5", "attribute_exists(n)", "n IS NOT MISSING", "n IS NUMERIC", "n > 4 AND n < 6", "(n = 1 OR n = 5)", "begins_with(pk, 'gu')"):
            self.run_("UPDATE music SET n = 5" + where + " AND " + condition)
        self.fails(*refused, self.run_, "UPDATE music SET n = 0 WHERE pk = 'guard' AND sk = 2")

    def test_selects_read_partitions_or_all(self):
        for i in range(12):
            self.run_("INSERT INTO music VALUE {'pk': ?, 'sk': ?, 'n': ?, 'g': ?, 'l': ?}", "read-%d" % (i % 2), i, i % 3, "g%d" % (i % 2), "l%02d" % (12 - i))
        keys = lambda rows: [int(row["sk"]) for row in rows]
        self.assertEqual(keys(self.items("SELECT sk FROM music WHERE pk = 'read-0'")), [0, 2, 4, 6, 8, 10])
        self.assertEqual(keys(self.items("SELECT sk FROM music WHERE pk = 'read-0' AND sk BETWEEN 3 AND 8 ORDER BY sk DESC")), [8, 6, 4])
        self.assertEqual(keys(self.items("SELECT sk FROM music WHERE pk IN ['read-1', 'read-0'] AND sk < 3")), [1, 0, 2])
        self.assertEqual(keys(self.items("SELECT sk FROM music WHERE pk = 'read-0' AND n = 0")), [0, 6])
        self.assertEqual(sorted(keys(self.items("SELECT sk FROM music WHERE n = 1 AND begins_with(pk, 'read-')"))), [1, 4, 7, 10])
        self.assertEqual(keys(self.items("SELECT sk FROM music.\"by-g\" WHERE g = 'g1' AND sk > 4")), [5, 7, 9, 11])
        self.assertEqual(keys(self.items("SELECT sk FROM \"music\".\"by-l\" WHERE pk = 'read-1' ORDER BY l")), [11, 9, 7, 5, 3, 1])
        self.assertEqual(self.items("SELECT n FROM music.\"by-l\" WHERE pk = 'read-1' AND l = 'l01'"), [{"n": 2}])
        self.assertEqual(set(self.items("SELECT * FROM music.\"by-g\" WHERE g = 'g1' AND sk = 1")[0]), {"pk", "sk", "g", "n"})
        invalid = "One or more parameter values were invalid: "
        for message, statement in [
                (invalid + "Global secondary index by-g does not project [l]", "SELECT l FROM music.\"by-g\" WHERE g = 'g1'"),
                (invalid + "Secondary index by-g does not project one or more filter attributes: [l]", "SELECT n FROM music.\"by-g\" WHERE g = 'g1' AND l = 'x'"),
                ("The table does not have the specified index", "SELECT * FROM music.\"none\""),
                ("This operation is not supported on an index", "DELETE FROM music.\"by-g\" WHERE pk = 'x' AND sk = 1"),
                ("Aliasing is not supported", "SELECT * FROM music m WHERE m.pk = 'x'"),
                ("Must have WHERE clause in the statement when using ORDER BY clause.", "SELECT * FROM music ORDER BY sk"),
                ("Where clause does not contain a mandatory equality on all key attributes", "DELETE FROM music WHERE pk = 'x'"),
                ("Statement wasn't well formed, can't be processed: Unexpected token after expression", "SELECT * FROM music WHERE pk = 'x' foo"),
                ("Number of parameters in request and statement don't match.", "SELECT * FROM music WHERE pk = ?")]:
            self.fails("ValidationException", message, self.run_, statement)
        self.fails("ValidationException", "Strongly consistent read is not supported on Global Secondary Indexes", self.run_,
                   "SELECT * FROM music.\"by-g\" WHERE g = 'g1'", ConsistentRead=True)
        self.fails("ResourceNotFoundException", "Requested resource not found", self.run_, "SELECT * FROM nosuch WHERE pk = 'x'")

    def test_pages(self):
        for i in range(10):
            self.run_("INSERT INTO music VALUE {'pk': ?, 'sk': ?, 'g': 'page'}", "page-%d" % (i % 2), i)
        for statement, expected in [("SELECT sk FROM music WHERE pk IN ['page-0', 'page-1']", [0, 2, 4, 6, 8, 1, 3, 5, 7, 9]),
                                    ("SELECT sk FROM music.\"by-g\" WHERE g = 'page'", list(range(10))),
                                    ("SELECT sk FROM music WHERE pk = 'page-1' AND sk > 2 ORDER BY sk DESC", [9, 7, 5, 3])]:
            seen, more = [], {}
            while True:
                page = self.run_(statement, Limit=3, **more)
                self.assertLessEqual(len(page["Items"]), 3)
                seen += [int(item["sk"]["N"]) for item in page["Items"]]
                if "NextToken" not in page:
                    break
                more = {"NextToken": page["NextToken"]}
            self.assertEqual(seen, expected)
        self.fails("ValidationException", "NextToken does not match request", self.run_, "SELECT * FROM music WHERE pk = 'page-1'", **more)

    def test_batches(self):
        answers = self.client.batch_execute_statement(Statements=[
            {"Statement": "INSERT INTO music VALUE {'pk': 'batch', 'sk': ?}", "Parameters": [to_wire(i)]} for i in range(25)])["Responses"]
        self.assertEqual(answers, [{"TableName": "music"}] * 25)
        answers = self.client.batch_execute_statement(Statements=[
            {"Statement": "SELECT sk FROM music WHERE pk = 'batch' AND sk = 3"}, {"Statement": "SELECT sk FROM music WHERE pk = 'batch' AND sk = 99"},
            {"Statement": "SELECT * FROM music WHERE pk = 'batch'"}, {"Statement": "SELEC"}])["Responses"]
        self.assertEqual([plain(answers[0]["Item"]), "Item" in answers[1], answers[2]["Error"]["Code"], answers[3]["Error"]["Code"]],
                         [{"sk": 3}, False, "ValidationError", "ValidationError"])
        answers = self.client.batch_execute_statement(Statements=[
            {"Statement": "INSERT INTO music VALUE {'pk': 'batch', 'sk': 1}"},
            {"Statement": "UPDATE music SET n = 1 WHERE pk = 'batch' AND sk = 2 AND n = 7"},
            {"Statement": "DELETE FROM music WHERE pk = 'batch' AND sk = 3 RETURNING ALL OLD *"},
            {"Statement": "DELETE FROM nosuch WHERE pk = 'batch'"}])["Responses"]
        self.assertEqual([answer.get("Error", {}).get("Code") for answer in answers], ["DuplicateItem", "ConditionalCheckFailed", None, "ResourceNotFound"])
        self.assertEqual(plain(answers[2]["Item"]), {"pk": "batch", "sk": 3})
        self.fails("ValidationException", "Read and write requests together in the same batch is not supported.", self.client.batch_execute_statement,
                   Statements=[{"Statement": "SELECT * FROM music WHERE pk = 'x' AND sk = 1"}, {"Statement": "DELETE FROM music WHERE pk = 'x' AND sk = 1"}])

    def test_transactions(self):
        transact = lambda *statements, **more: self.client.execute_transaction(TransactStatements=[{"Statement": s} for s in statements], **more)
        self.assertEqual(transact("INSERT INTO music VALUE {'pk': 'tx', 'sk': 1, 'n': 1}", "INSERT INTO music VALUE {'pk': 'tx', 'sk': 2, 'n': 2}")["Responses"], [])
        with self.assertRaises(self.client.exceptions.TransactionCanceledException) as caught:
            transact("UPDATE music SET n = 9 WHERE pk = 'tx' AND sk = 1", "INSERT INTO music VALUE {'pk': 'tx', 'sk': 2}",
                     "EXISTS(SELECT * FROM music WHERE pk = 'tx' AND sk = 3 AND n = 1)")
        self.assertEqual([reason["Code"] for reason in caught.exception.response["CancellationReasons"]], ["None", "DuplicateItem", "ConditionalCheckFailed"])
        got = transact("SELECT n FROM music WHERE pk = 'tx' AND sk = 1", "SELECT * FROM music WHERE pk = 'tx' AND sk = 9")["Responses"]
        self.assertEqual([plain(answer.get("Item", {})) for answer in got], [{"n": 1}, {}])
        for _ in range(2):
            transact("UPDATE music SET n = n + 1 WHERE pk = 'tx' AND sk = 1", ClientRequestToken="once")
        self.assertEqual(self.items("SELECT n FROM music WHERE pk = 'tx' AND sk = 1"), [{"n": 2}])
        self.fails("IdempotentParameterMismatchException", "The request uses the same client token as a previous, but non-identical request.", transact,
                   "UPDATE music SET n = n + 2 WHERE pk = 'tx' AND sk = 1", ClientRequestToken="once")
        self.fails("ValidationException", "Validation failed in TransactStatements[0]: Select statements within ExecuteTransaction must specify the primary key "
                   "in the where clause.", transact, "SELECT * FROM music WHERE pk = 'tx'")

    def test_binary_and_nested_parameters(self):
        value = {"b": Binary(b"\x00\xff"), "bs": {Binary(b"x")}, "deep": [{"l": [D(1)]}]}
        self.run_("INSERT INTO music VALUE {'pk': 'bin', 'sk': 1, 'v': ?}", value)
        self.assertEqual(self.items("SELECT v FROM music WHERE pk = 'bin' AND v = ?", value), [{"v": value}])
        self.assertEqual(self.items("SELECT v FROM music WHERE pk = 'bin' AND v.b = ?", Binary(b"\x00")), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
