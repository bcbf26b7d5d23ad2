#!/usr/bin/env python3
"""Transactions as boto3 sees them: all or nothing under contention, reasons, tokens across a crash, and whole in every region."""
import os
import pathlib
import signal
import sys
import threading
import time
import unittest
import uuid

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))
from world import LoneRegion, World, until


def client_of(region):
    return boto3.client("dynamodb", region_name="us-east-1", endpoint_url="http://" + region.endpoint, aws_access_key_id="test",
                        aws_secret_access_key="test", config=Config(retries={"max_attempts": 1}, read_timeout=20))


def make(client, name):
    client.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
                        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}])
    client.get_waiter("table_exists").wait(TableName=name)


def put(table, pk, n, **more):
    return {"Put": dict({"TableName": table, "Item": {"pk": {"S": pk}, "n": {"N": str(n)}}}, **more)}


def add(table, pk, amount, least=0):
    return {"Update": {"TableName": table, "Key": {"pk": {"S": pk}}, "UpdateExpression": "ADD n :a", "ConditionExpression": "n >= :least",
                       "ExpressionAttributeValues": {":a": {"N": str(amount)}, ":least": {"N": str(least)}}}}


def get(table, pk):
    return {"Get": {"TableName": table, "Key": {"pk": {"S": pk}}}}


class Transactions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = LoneRegion()
        cls.server.start()
        cls.client = client_of(cls.server.region)
        for table in ("one", "two"):
            make(cls.client, table)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def read(self, *names):
        answer = self.client.transact_get_items(TransactItems=[get(t, pk) for t, pk in names])["Responses"]
        return [int(r["Item"]["n"]["N"]) if "Item" in r else None for r in answer]

    def cancelled(self, **request):
        with self.assertRaises(self.client.exceptions.TransactionCanceledException) as caught:
            self.client.transact_write_items(**request)
        return caught.exception.response

    def test_several_tables_change_together_or_not_at_all(self):
        self.client.transact_write_items(TransactItems=[put("one", "a", 1), put("two", "a", 2)])
        self.assertEqual(self.read(("one", "a"), ("two", "a"), ("two", "none")), [1, 2, None])
        response = self.cancelled(TransactItems=[
            put("one", "a", 10), put("two", "a", 20, ConditionExpression="attribute_not_exists(pk)",
                                     ReturnValuesOnConditionCheckFailure="ALL_OLD")])
        self.assertEqual([r["Code"] for r in response["CancellationReasons"]], ["None", "ConditionalCheckFailed"])
        self.assertEqual(response["CancellationReasons"][1]["Item"], {"pk": {"S": "a"}, "n": {"N": "2"}})
        self.assertEqual(response["Error"]["Message"], "Transaction cancelled, please refer cancellation reasons for specific reasons "
                                                       "[None, ConditionalCheckFailed]")
        self.assertEqual(self.read(("one", "a"), ("two", "a")), [1, 2])
        self.client.transact_write_items(TransactItems=[
            {"ConditionCheck": {"TableName": "one", "Key": {"pk": {"S": "a"}}, "ConditionExpression": "n = :n",
                                "ExpressionAttributeValues": {":n": {"N": "1"}}}},
            {"Delete": {"TableName": "two", "Key": {"pk": {"S": "a"}}}}])
        self.assertEqual(self.read(("one", "a"), ("two", "a")), [1, None])

    def test_a_hundred_actions_are_the_most(self):
        actions = [put("one", "many%d" % i, i) for i in range(100)]
        self.client.transact_write_items(TransactItems=actions)
        names = [("one", "many%d" % i) for i in range(100)]
        self.assertEqual(self.read(*names), list(range(100)))
        with self.assertRaises(ClientError) as caught:
            self.client.transact_write_items(TransactItems=actions + [put("one", "more", 1)])
        self.assertEqual(caught.exception.response["Error"]["Code"], "ValidationException")

    def test_money_is_neither_made_nor_lost_by_many_clients_at_once(self):
        accounts = ["account%d" % i for i in range(4)]
        self.client.transact_write_items(TransactItems=[put("one", name, 100) for name in accounts])
        stop, errors, totals, done = threading.Event(), [], [], []

        def transfer(seed):
            client, i = client_of(self.server.region), seed
            while not stop.is_set():
                i += 7
                source, target, amount = accounts[i % 4], accounts[(i + 1 + i // 4 % 3) % 4], 1 + i % 50
                try:
                    client.transact_write_items(TransactItems=[add("one", source, -amount, amount), add("one", target, amount)])
                    done.append(amount)
                except client.exceptions.TransactionCanceledException as e:
                    codes = [r["Code"] for r in e.response["CancellationReasons"]]
                    if codes != ["ConditionalCheckFailed", "None"]:
                        errors.append(codes)
                except Exception as e:  # anything else ends the test
                    errors.append(e)

        def watch():
            client = client_of(self.server.region)
            while not stop.is_set():
                answer = client.transact_get_items(TransactItems=[get("one", name) for name in accounts])["Responses"]
                totals.append(sum(int(r["Item"]["n"]["N"]) for r in answer))

        def disturb():  # plain writes of the same items wait for the transactions, and are seen by them
            client = client_of(self.server.region)
            while not stop.is_set():
                client.update_item(TableName="one", Key={"pk": {"S": accounts[0]}}, UpdateExpression="ADD writes :one",
                                   ExpressionAttributeValues={":one": {"N": "1"}})

        threads = [threading.Thread(target=transfer, args=(seed,)) for seed in range(5)]
        threads += [threading.Thread(target=watch), threading.Thread(target=disturb)]
        for thread in threads:
            thread.start()
        time.sleep(3)
        stop.set()
        for thread in threads:
            thread.join()
        self.assertEqual(errors, [])
        self.assertGreater(len(done), 50)
        self.assertGreater(len(totals), 20)
        self.assertEqual(set(totals), {400})

    def test_a_token_is_good_for_one_request_also_across_a_crash(self):
        self.client.transact_write_items(TransactItems=[put("one", "counter", 0)])
        token = str(uuid.uuid4())
        request = dict(TransactItems=[add("one", "counter", 1)], ClientRequestToken=token, ReturnConsumedCapacity="TOTAL")
        first = self.client.transact_write_items(**request)["ConsumedCapacity"]
        self.assertEqual(first, [{"TableName": "one", "CapacityUnits": 2.0, "WriteCapacityUnits": 2.0}])
        again = self.client.transact_write_items(**request)["ConsumedCapacity"]
        self.assertEqual(again, [{"TableName": "one", "CapacityUnits": 2.0, "ReadCapacityUnits": 2.0}])
        self.server.process.kill()
        self.server.process.wait()
        self.server.start()
        self.client.transact_write_items(**request)
        self.assertEqual(self.read(("one", "counter")), [1])
        with self.assertRaises(self.client.exceptions.IdempotentParameterMismatchException):
            self.client.transact_write_items(TransactItems=[add("one", "counter", 2)], ClientRequestToken=token)

    def test_what_is_wrong_with_an_action_is_a_reason(self):
        response = self.cancelled(TransactItems=[put("one", "x", 1), {"Put": {"TableName": "two", "Item": {"pk": {"N": "1"}}}}])
        self.assertEqual(response["CancellationReasons"][1], {
            "Code": "ValidationError", "Message": "One or more parameter values were invalid: Type mismatch for key pk expected: S actual: N"})
        self.client.put_item(TableName="one", Item={"pk": {"S": "text"}, "n": {"S": "no number"}})
        response = self.cancelled(TransactItems=[{"Update": {
            "TableName": "one", "Key": {"pk": {"S": "text"}}, "UpdateExpression": "SET n = n + :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}}}}])
        self.assertEqual(response["CancellationReasons"][0], {
            "Code": "ValidationError", "Message": "An operand in the update expression has an incorrect data type"})


class Regions(unittest.TestCase):
    def test_no_region_ever_shows_half_of_a_transaction(self):
        with World(regions=2, latency_ms=5) as world:
            here, there = (client_of(world.regions[name]) for name in world.names)
            make(here, "pairs")
            world.wait_for_table("pairs")
            names, stop, torn, seen = ["p%d" % i for i in range(20)], threading.Event(), [], set()

            def watch():
                while not stop.is_set():
                    answer = there.transact_get_items(TransactItems=[get("pairs", name) for name in names])["Responses"]
                    values = {r["Item"]["n"]["N"] if "Item" in r else None for r in answer}
                    seen.update(values)
                    if len(values) != 1:
                        torn.append(values)

            watcher = threading.Thread(target=watch)
            watcher.start()
            for n in range(60):
                here.transact_write_items(TransactItems=[put("pairs", name, n) for name in names])
            until(lambda: "59" in seen, 20, "the last transaction in the other region")
            stop.set()
            watcher.join()
            self.assertEqual(torn, [])
            self.assertGreater(len(seen), 5)

    def test_transactions_of_4_mb_arrive_whole_over_cuts_and_crashes_and_before_what_follows_them(self):
        """The largest there are: 100 items, 4 MB. Each is followed by a small write that names it: never seen before it."""
        with World(regions=3, latency_ms=20) as world:
            here, there, third = (client_of(world.regions[name]) for name in world.names)
            make(here, "large")
            world.wait_for_table("large")
            names = ["p%d" % i for i in range(100)]
            stop, wrong, seen = threading.Event(), [], set()

            def watch(client):
                while not stop.is_set():
                    try:
                        # Whole images would be 4 MB an answer: the numbers are enough, of one moment.
                        effect = client.get_item(TableName="large", Key={"pk": {"S": "effect"}}).get("Item", {}).get("n", {}).get("N", "-1")
                        answer = client.transact_get_items(TransactItems=[
                            {"Get": dict(get("large", name)["Get"], ProjectionExpression="n")} for name in names])["Responses"]
                    except (ClientError, BotoCoreError):
                        continue  # it was killed just now
                    values = {r["Item"]["n"]["N"] if "Item" in r else "-1" for r in answer}
                    seen.update((client, value) for value in values)
                    if len(values) != 1 or int(min(values)) < int(effect):
                        wrong.append((effect, values))

            watchers = [threading.Thread(target=watch, args=(client,)) for client in (there, third)]
            for watcher in watchers:
                watcher.start()
            size = (4 << 20) // 100 - 100
            for n in range(8):
                here.transact_write_items(TransactItems=[
                    {"Put": {"TableName": "large", "Item": {"pk": {"S": name}, "n": {"N": str(n)},
                                                            "v": {"B": os.urandom(size)}}}} for name in names])
                here.put_item(TableName="large", Item={"pk": {"S": "effect"}, "n": {"N": str(n)}})
                if n == 2:
                    world.command("link", "cut", world.names[0], world.names[1])
                if n == 3:
                    os.kill(world.pid(world.names[2], "region"), signal.SIGKILL)
                if n == 4:
                    world.command("link", "heal")
                    os.kill(world.pid(world.names[0], "replicator"), signal.SIGKILL)
            until(lambda: {(there, "7"), (third, "7")} <= seen, 40, "the last transaction in the other regions")
            stop.set()
            for watcher in watchers:
                watcher.join()
            self.assertEqual(wrong, [])
            world.wait_until_converged()
            with self.assertRaises(ClientError) as caught:  # and a byte more than that is refused
                here.transact_write_items(TransactItems=[
                    {"Put": {"TableName": "large", "Item": {"pk": {"S": name}, "v": {"B": bytes(size + 200)}}}} for name in names])
            self.assertIn("cannot exceed 4MB", str(caught.exception))


if __name__ == "__main__":
    unittest.main()
