#!/usr/bin/env python3
"""The round trip: written with a real client in one region, read in the others; a conflict made, found, restored.

One `everwrite up` with three regions and the gateway serves all tests; each has tables of its own. The
clients are Debian's boto3 and AWS CLI, through the gateway (which takes the region from the signature) and
directly at each region.
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

import boto3
from boto3.dynamodb.conditions import Key
from botocore.config import Config
from botocore.exceptions import ClientError

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from world import BINARY, NAMES, SLOWNESS, World, alive, described, make_table, until

AWS = "/usr/bin/aws"  # Debian's; another may come first on PATH
CREDENTIALS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
KEY = {"KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
       "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}], "BillingMode": "PAY_PER_REQUEST"}


def client(region, endpoint):
    return boto3.client("dynamodb", region_name=region, endpoint_url="http://" + endpoint, **CREDENTIALS,
                        config=Config(retries={"max_attempts": 1}, read_timeout=10))


class RoundTrip(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World(regions=3, latency_ms=20, gateway=True)
        cls.world.start()
        cls.names = cls.world.names

    @classmethod
    def tearDownClass(cls):
        cls.world.stop()
        cls.world.remove()

    def through_gateway(self, name):
        return client(name, self.world.gateway)

    def directly(self, name):
        return client(name, self.world.region(name).endpoint)

    def eventually(self, clients, table, key, item):
        for name, c in clients.items():
            until(lambda: c.get_item(TableName=table, Key=key).get("Item") == item, 10, "the item in " + name)

    def test_ready_in_time_and_says_where(self):
        self.assertLess(self.world.ready_seconds, 5 * SLOWNESS)
        for name in self.names:
            self.assertIn("%s=http://%s" % (name, self.world.region(name).endpoint), self.world.ready_line)
        self.assertIn("gateway=", self.world.ready_line)

    def test_boto3_writes_in_one_region_and_reads_in_the_others(self):
        for way in (self.through_gateway, self.directly):
            table = "notes-" + way.__name__.replace("_", "-")
            clients = {name: way(name) for name in self.names}
            first = clients[self.names[0]]
            first.create_table(TableName=table, **KEY)
            self.world.wait_for_table(table)
            item = {"pk": {"S": "1"}, "text": {"S": "h\u00e9llo \U0001f30d"}, "n": {"N": "12345678901234567890.123456789"},
                    "b": {"B": b"\x00\xff"}, "set": {"SS": ["a", "b"]}, "map": {"M": {"list": {"L": [{"NULL": True}, {"BOOL": False}]}}}}
            first.put_item(TableName=table, Item=item)
            self.assertEqual(first.get_item(TableName=table, Key={"pk": {"S": "1"}}, ConsistentRead=True)["Item"], item)
            self.eventually(clients, table, {"pk": {"S": "1"}}, item)

            # Changed where it was read, by a condition on what came from there.
            second = clients[self.names[1]]
            second.update_item(TableName=table, Key={"pk": {"S": "1"}}, UpdateExpression="SET n = n + :one REMOVE b, #m",
                               ConditionExpression="attribute_exists(pk) AND contains(#s, :a)",
                               ExpressionAttributeNames={"#s": "set", "#m": "map"},
                               ExpressionAttributeValues={":one": {"N": "1"}, ":a": {"S": "a"}})
            changed = {"pk": {"S": "1"}, "text": item["text"], "n": {"N": "12345678901234567891.123456789"}, "set": item["set"]}
            self.eventually(clients, table, {"pk": {"S": "1"}}, changed)
            with self.assertRaises(ClientError) as caught:
                clients[self.names[2]].put_item(TableName=table, Item={"pk": {"S": "1"}}, ConditionExpression="attribute_not_exists(pk)")
            self.assertEqual(caught.exception.response["Error"]["Code"], "ConditionalCheckFailedException")

            clients[self.names[2]].delete_item(TableName=table, Key={"pk": {"S": "1"}})
            self.eventually(clients, table, {"pk": {"S": "1"}}, None)
            first.delete_table(TableName=table)
            for name, c in clients.items():
                until(lambda: table not in c.list_tables()["TableNames"], 10, "the table to go in " + name)

    def test_boto3_tables_with_batches_queries_and_scans(self):
        def resource(name):
            return boto3.resource("dynamodb", region_name=name, endpoint_url="http://" + self.world.gateway, **CREDENTIALS)
        table = resource(self.names[0]).create_table(
            TableName="orders", BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "customer", "KeyType": "HASH"}, {"AttributeName": "number", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": "customer", "AttributeType": "S"}, {"AttributeName": "number", "AttributeType": "N"}])
        table.wait_until_exists()
        with table.batch_writer() as batch:
            for i in range(120):
                batch.put_item(Item={"customer": "c%d" % (i % 3), "number": i, "text": "x" * 100})
        there = resource(self.names[2]).Table("orders")
        self.world.wait_for_table("orders")
        until(lambda: there.scan(Select="COUNT")["Count"] == 120, 10, "120 orders")
        found = there.query(KeyConditionExpression=Key("customer").eq("c1") & Key("number").between(10, 40), ScanIndexForward=False)
        self.assertEqual([int(i["number"]) for i in found["Items"]], [40, 37, 34, 31, 28, 25, 22, 19, 16, 13, 10])
        pages, start = [], {}
        while True:
            page = there.query(KeyConditionExpression=Key("customer").eq("c2"), Limit=7, **start)
            pages += [int(i["number"]) for i in page["Items"]]
            if "LastEvaluatedKey" not in page:
                break
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
        self.assertEqual(pages, list(range(2, 120, 3)))

    def test_the_aws_cli_through_the_gateway_and_directly(self):
        environment = dict(os.environ, AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_PAGER="", HOME=str(self.world.folder))

        def aws(region, endpoint, *arguments):
            done = subprocess.run([AWS, "dynamodb", "--region", region, "--endpoint-url", "http://" + endpoint, "--output", "json",
                                   *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, env=environment)
            self.assertEqual(done.returncode, 0, done.stderr)
            return json.loads(done.stdout) if done.stdout.strip() else {}

        a, b, c = self.names
        made = aws(a, self.world.gateway, "create-table", "--table-name", "cli", "--billing-mode", "PAY_PER_REQUEST",
                   "--attribute-definitions", "AttributeName=id,AttributeType=S", "--key-schema", "AttributeName=id,KeyType=HASH")
        self.assertEqual(made["TableDescription"]["TableName"], "cli")
        self.world.wait_for_table("cli")
        aws(a, self.world.gateway, "put-item", "--table-name", "cli", "--item", '{"id":{"S":"1"},"text":{"S":"hello"}}')
        self.eventually({b: self.through_gateway(b), c: self.directly(c)}, "cli", {"id": {"S": "1"}},
                        {"id": {"S": "1"}, "text": {"S": "hello"}})
        key = ("get-item", "--table-name", "cli", "--key", '{"id":{"S":"1"}}')
        self.assertEqual(aws(b, self.world.gateway, *key)["Item"]["text"], {"S": "hello"})
        self.assertEqual(aws(c, self.world.region(c).endpoint, *key)["Item"]["text"], {"S": "hello"})
        self.assertEqual(aws(b, self.world.gateway, "scan", "--table-name", "cli")["Count"], 1)

    def test_a_cut_link_both_sides_write_one_wins_and_the_loser_can_be_restored(self):
        a, b, c = self.names
        region = {name: self.world.region(name).another() for name in self.names}
        make_table(region[a], "fought")
        self.world.wait_for_table("fought")
        key = {"TableName": "fought", "Key": {"pk": {"S": "k"}}}

        # c is cut off from both: with only one link cut, the third region would relay.
        self.world.command("link", "cut", a, c)
        self.world.command("link", "cut", b, c)
        state = {(l["from"], l["to"]): l["state"] for l in self.world.status()["links"]}
        self.assertEqual({pair for pair, s in state.items() if s == "cut"}, {(a, c), (c, a), (b, c), (c, b)})
        self.assertEqual(self.world.status()["verdict"], "degraded")
        region[a].call("PutItem", {"TableName": "fought", "Item": {"pk": {"S": "k"}, "who": {"S": a}}})
        until(lambda: "Item" in region[b].call("GetItem", key), 10, "the write to cross the link that is up")
        time.sleep(0.05)
        region[c].call("PutItem", {"TableName": "fought", "Item": {"pk": {"S": "k"}, "who": {"S": c}}})
        time.sleep(1)
        self.assertEqual(region[a].call("GetItem", key)["Item"]["who"], {"S": a})
        self.assertEqual(region[c].call("GetItem", key)["Item"]["who"], {"S": c})

        self.world.command("link", "heal")
        for name in self.names:
            until(lambda: region[name].call("GetItem", key)["Item"]["who"] == {"S": c}, 15, "the last writer to win in " + name)
        self.world.wait_until_converged(15)
        until(lambda: self.world.status()["verdict"] == "healthy", 15, "a healthy verdict", 0.2)

        # Every region that saw the losing write has it in its ledger.
        for name in self.names:
            listed = json.loads(self.world.command("conflicts", "list", "--region", name, "--topology", str(self.world.topology),
                                                   "--table", "fought", "--json").stdout)["conflicts"]
            self.assertEqual([(l["loser"]["item"]["who"], l["winner"]["item"]["who"]) for l in listed], [({"S": a}, {"S": c})], name)
            lost = listed[0]
            self.assertEqual((lost["table"], lost["kind"], lost["reason"]), ("fought", "item", "concurrent write"))
            shown = json.loads(self.world.command("conflicts", "show", "--region", name, "--json", lost["name"]).stdout)
            self.assertEqual(shown, lost)
        self.world.command("conflicts", "restore", "--region", b, lost["name"])
        for name in self.names:
            until(lambda: region[name].call("GetItem", key)["Item"]["who"] == {"S": a}, 10, "the restored value in " + name)
        missing = self.world.command("conflicts", "show", "--region", a, "nonsense", check=False)
        self.assertNotEqual(missing.returncode, 0)
        self.assertIn("not the name of a conflict", missing.stdout)
        for r in region.values():
            r.close()

    def test_one_cut_link_delays_nobody_for_the_third_region_relays(self):
        a, b, _ = self.names
        region = {name: self.world.region(name).another() for name in self.names}
        make_table(region[a], "relayed")
        self.world.wait_for_table("relayed")
        self.world.command("link", "cut", a, b)
        try:
            region[a].call("PutItem", {"TableName": "relayed", "Item": {"pk": {"S": "k"}}})
            until(lambda: "Item" in region[b].call("GetItem", {"TableName": "relayed", "Key": {"pk": {"S": "k"}}}), 15,
                  "the write to come by way of the third region")
        finally:
            self.world.command("link", "heal", a, b)
        for r in region.values():
            r.close()

    def test_status_and_verify_have_the_documented_fields(self):
        status = self.world.status()
        self.assertEqual([r["name"] for r in status["regions"]], self.names)
        for r in status["regions"]:
            known = self.world.region(r["name"])
            self.assertEqual((r["endpoint"], r["admin"], r["state"]), (known.endpoint, known.admin, "serving"))
            self.assertEqual(set(r["pids"]), {"nats", "region", "replicator"})
            self.assertTrue(all(alive(pid) for pid in r["pids"].values()))
            self.assertTrue(all(number >= 0 for number in r["vector"].values()))
            for field in ("id", "log", "durable", "conflicts", "clock_ms", "replicator_connected"):
                self.assertIn(field, r)
        self.assertEqual(len(status["links"]), 6)
        for link in status["links"]:
            for field in ("from", "to", "state", "lag_ms", "pending", "clock_offset_ms", "delay_ms", "cut"):
                self.assertIn(field, link)
        self.world.wait_until_converged(20)
        done = self.world.command("verify", str(self.world.topology), "--json")
        self.assertEqual(json.loads(done.stdout)["verdict"], "equal")
        for name in self.names:
            code, text = self.world.region(name).admin_get("/metrics")
            self.assertEqual(code, 200)
            for metric in ("everwrite_requests_total", "everwrite_request_seconds_bucket", "everwrite_commits_total",
                           "everwrite_replication_latency_seconds", "everwrite_replication_pending", "everwrite_conflicts_total",
                           "everwrite_commit_queue", "everwrite_clock_offset_seconds", "everwrite_log_position"):
                self.assertIn("\n" + metric, text)
            self.assertEqual([self.world.region(name).admin_get(path)[0] for path in ("/healthz", "/readyz", "/status")], [200] * 3)

    def test_an_unknown_region_in_the_signature_is_refused_naming_the_known(self):
        with self.assertRaises(ClientError) as caught:
            self.through_gateway("mars-north-1").list_tables()
        for name in self.names:
            self.assertIn(name, str(caught.exception))


class Ending(unittest.TestCase):
    """However `up` ends, no process is left and what was acknowledged is there again."""

    def test_signals_leave_no_process_and_data_survives(self):
        world = World(regions=2, latency_ms=5)
        first = True
        for how in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL, signal.SIGTERM):
            world.start()
            region = world.region(NAMES[0]).another()
            if first:
                make_table(region, "kept")
            region.call("PutItem", {"TableName": "kept", "Item": {"pk": {"S": how.name}}})
            region.close()
            pids = [pid for r in world.status()["regions"] for pid in r["pids"].values()] + [world.process.pid]
            self.assertEqual(len(pids), 7)
            begin = time.monotonic()
            world.process.send_signal(how)
            status = world.process.wait(20)
            until(lambda: not any(alive(pid) for pid in pids), 5, "the end of every process")
            self.assertLess(time.monotonic() - begin, 12 * SLOWNESS)
            if how != signal.SIGKILL:
                self.assertEqual(status, 0)
            world.ended()
            first = False
        world.start()
        got = {i["pk"]["S"] for i in world.region(NAMES[0]).call("Scan", {"TableName": "kept"})["Items"]}
        self.assertEqual(got, {"SIGTERM", "SIGINT", "SIGKILL"})
        world.region(NAMES[0]).close()
        world.stop()
        world.remove()


class Rebuild(unittest.TestCase):
    """What a damaged folder's message says: move the folder away and start again."""

    def test_a_region_whose_folder_is_gone_gets_everything_back_from_its_peers(self):
        with World(regions=3, latency_ms=5) as world:
            a, b, _ = world.names
            make_table(world.region(a), "kept")
            world.wait_for_table("kept")
            for i in range(50):
                world.region(NAMES[i % 3]).call("PutItem", {"TableName": "kept", "Item": {"pk": {"S": "k%d" % i}}})
            world.wait_until_converged(20)
            world.stop()
            (world.folder / "data" / a).rename(world.folder / "moved-away")
            world.start()
            # Its own earlier writes come back too, and new ones are told from them.
            until(lambda: described(world.region(a), "kept"), 20, "the table")
            world.region(a).call("PutItem", {"TableName": "kept", "Item": {"pk": {"S": "new"}}})
            world.region(b).call("PutItem", {"TableName": "kept", "Item": {"pk": {"S": "k1"}, "again": {"BOOL": True}}})
            world.wait_until_converged(30)
            for name in world.names:
                self.assertEqual(world.region(name).call("Scan", {"TableName": "kept"})["Count"], 51, name)


class Demo(unittest.TestCase):
    """`everwrite demo`: on its fixed ports for the regions, so this test is not run beside another of its kind."""

    def test_demo_is_ready_in_5_s_says_what_to_paste_and_leaves_nothing(self):
        folder = pathlib.Path(os.environ.get("TMPDIR", "/tmp"))
        before = set(folder.glob("everwrite-demo-*"))
        world = World(regions=3)  # for its folder and environment only
        begin = time.monotonic()
        process = subprocess.Popen([BINARY, "demo", "--port", "0"], stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, text=True, env=world.environment)
        text = ""
        try:
            for line in process.stdout:
                text += line
                if line.startswith("ready"):
                    break
            took = time.monotonic() - begin
            self.assertIn("ready us-east-1=http://127.0.0.1:8100", text)
            self.assertIn("ew put-item --region us-east-1", text)
            self.assertLess(took, 5 * SLOWNESS)
            gateway = next(w.split("=", 1)[1] for w in text.splitlines()[-1].split() if w.startswith("gateway="))
            client("us-east-1", gateway.replace("http://", "")).create_table(TableName="notes", **KEY)
            env = subprocess.run([BINARY, "env"], env=world.environment, stdout=subprocess.PIPE, text=True)
            self.assertIn("AWS_ENDPOINT_URL=http://" + gateway.replace("http://", ""), env.stdout)
        finally:
            process.terminate()
            self.assertEqual(process.wait(20), 0)
            process.stdout.close()
            world.remove()
        self.assertEqual(set(folder.glob("everwrite-demo-*")) - before, set())


if __name__ == "__main__":
    unittest.main(warnings="ignore")  # boto3 leaves closing its sockets to the collector
