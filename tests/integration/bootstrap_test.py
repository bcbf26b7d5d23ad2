#!/usr/bin/env python3
"""A region is filled from its peers: its disk was lost, or it was added to the topology file; while all others are
written to, and while source, receiver and replicators are killed.

    bootstrap_test.py                                  the quick tests
    bootstrap_test.py --items 1000000 [--rate 50MB/s]  one long run that prints how fast it went
"""
import http.client
import json
import os
import signal
import sys
import threading
import time
import unittest

import boto3
from botocore.config import Config

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from world import SLOWNESS, ApiError, World, make_table, until

TABLE = "filled"


def load(region, items, threads=4, text="x" * 60):
    """Writes item0 .. itemN with BatchWriteItem."""
    def run(part):
        own = region.another()
        for begin in range(part * 25, items, threads * 25):
            requests = [{"PutRequest": {"Item": {"pk": {"S": "item%d" % i}, "text": {"S": text}}}}
                        for i in range(begin, min(begin + 25, items))]
            answer = own.call("BatchWriteItem", {"RequestItems": {TABLE: requests}})
            assert not answer["UnprocessedItems"], answer
        own.close()
    workers = [threading.Thread(target=run, args=(part,)) for part in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def count(region):
    """All items of the table, page by page."""
    region = region.another()  # the connection of before may be of a process that was killed
    total, start = 0, {}
    while True:
        page = region.call("Scan", dict({"TableName": TABLE, "Select": "COUNT"}, **start))
        total += page["Count"]
        if "LastEvaluatedKey" not in page:
            region.close()
            return total
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def readyz(region):
    try:
        return region.admin_get("/readyz")
    except OSError:
        return 0, ""


class Writers:
    """One thread a region: puts, some deletes of loaded items; remembers what was acknowledged."""

    def __init__(self, regions, items, pause=0.002):
        self.stopping = threading.Event()
        self.state = {}  # key -> id of the last acknowledged write, or None: deleted
        self.items, self.pause, self.errors = items, pause, []
        self.threads = [threading.Thread(target=self.run, args=(region.another(), n))
                        for n, region in enumerate(regions)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *exc):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def run(self, region, number):
        i = 0
        while not self.stopping.is_set():
            i += 1
            # Each thread has keys of its own, so that the last word on a key is known.
            new, old = "new%d-%d" % (number, i), "item%d" % ((i * 7 + number) * 10 % self.items + number)
            try:
                region.call("PutItem", {"TableName": TABLE, "Item": {"pk": {"S": new}, "id": {"N": str(i)}}})
                self.state[new] = i
                if i % 3 == 0:
                    region.call("DeleteItem", {"TableName": TABLE, "Key": {"pk": {"S": old}}})
                    self.state[old] = None
                elif i % 3 == 1:
                    region.call("PutItem", {"TableName": TABLE, "Item": {"pk": {"S": old}, "id": {"N": str(i)}}})
                    self.state[old] = i
            except (ApiError, OSError, http.client.HTTPException) as error:  # its region was killed: nothing is known of this key
                self.errors.append(error)
                self.state.pop(new, None)
                self.state.pop(old, None)
                time.sleep(0.05)
            time.sleep(self.pause)

    def check(self, test, region):
        region = region.another()
        keys = list(self.state)
        for begin in range(0, len(keys), 100):
            part = keys[begin:begin + 100]
            answer = region.call("BatchGetItem", {"RequestItems": {TABLE: {"Keys": [{"pk": {"S": k}} for k in part]}}})
            found = {i["pk"]["S"]: i for i in answer["Responses"][TABLE]}
            for key in part:
                wanted = self.state[key]
                there = found.get(key)
                test.assertEqual(there and there.get("id", {}).get("N"), None if wanted is None else str(wanted),
                                 "%s in %s" % (key, region.name))


class Bootstrap(unittest.TestCase):
    ITEMS = 20000

    def equal_everywhere(self, world, writers):
        world.wait_until_converged(90)
        counts = {name: count(region) for name, region in world.regions.items()}
        self.assertEqual(len(set(counts.values())), 1, counts)
        for region in world.regions.values():
            writers.check(self, region)

    def test_a_lost_disk_is_filled_under_writes_and_kills_of_all_who_take_part(self):
        with World(regions=3, latency_ms=10, extra="replication: {bootstrap_rate: 450KB/s}\n") as world:
            a, b, c = world.names
            make_table(world.region(b), TABLE)
            world.wait_for_table(TABLE)
            load(world.region(b), self.ITEMS)
            world.wait_until_converged(60)
            with Writers([world.region(b), world.region(c)], self.ITEMS) as writers:
                world.lose_disk(a)
                seen, killed = [], set()

                def watch():
                    try:
                        status = world.region_status(a)
                    except OSError:
                        return False
                    if status["stage"] == "filling":
                        filling = status["filling"]
                        seen.append(filling["percent"])
                        self.refused(world.region(a))
                        # The source, early; the receiver later; and replicators of both.
                        for at, what in ((5, "source"), (20, "receiver"), (35, "its replicator"), (50, "the source's replicator")):
                            if filling["percent"] < at or what in killed or (at in (5, 50) and not filling["source"]):
                                continue
                            killed.add(what)
                            name, role = {"source": (filling["source"], "region"), "receiver": (a, "region"),
                                          "its replicator": (a, "replicator"),
                                          "the source's replicator": (filling["source"], "replicator")}[what]
                            os.kill(world.pid(name, role), signal.SIGKILL)
                            break
                    return status["ready"]
                until(watch, 120, "the region to be filled", pause=0.1)
                self.assertGreater(len([p for p in seen if 0 < p < 99]), 3, seen)
                self.assertEqual(seen, sorted(seen), "it never went back")
                self.assertEqual(killed, {"source", "receiver", "its replicator", "the source's replicator"})
            self.equal_everywhere(world, writers)
            # Filled means filled: it writes, and its writes are everywhere.
            world.region(a).another().call("PutItem", {"TableName": TABLE, "Item": {"pk": {"S": "by a"}}})
            world.wait_until_converged(30)

    def refused(self, region):
        """What clients are told meanwhile: something that SDKs try again."""
        host, port = region.endpoint.rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=10)
        try:
            connection.request("POST", "/", json.dumps({"TableName": TABLE, "Key": {"pk": {"S": "item1"}}}), {
                "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.GetItem",
                "X-Amz-Date": "20260101T000000Z",
                "Authorization": "AWS4-HMAC-SHA256 Credential=t/20260101/r/dynamodb/aws4_request, "
                                 "SignedHeaders=host, Signature=" + "0" * 64})
            response = connection.getresponse()
            body = json.loads(response.read())
        except (OSError, http.client.HTTPException):
            return  # just killed
        finally:
            connection.close()
        if response.status == 200:
            return  # just finished
        self.assertEqual(response.status, 503, body)
        self.assertEqual(response.headers["Retry-After"], "1")
        self.assertIn("ServiceUnavailable", body["__type"])
        # In the first moments of a process it asks its peers how far its own log had come.
        self.assertRegex(body["message"], "is being filled from its peers|makes sure with its peers")
        status, text = readyz(region)
        self.assertTrue(status in (0, 200) or "is being filled" in text or "makes sure" in text, text)

    def test_a_client_of_the_sdk_waits_for_a_region_that_is_filled(self):
        with World(regions=2, latency_ms=5, extra="replication: {bootstrap_rate: 500KB/s}\n") as world:
            a, b = world.names
            make_table(world.region(a), TABLE)
            world.wait_for_table(TABLE)
            load(world.region(a), 10000)
            world.wait_until_converged(60)
            world.lose_disk(b)
            until(lambda: readyz(world.region(b))[0] == 503, 20, "the region not to be ready")
            client = boto3.client("dynamodb", region_name=b, endpoint_url="http://" + world.region(b).endpoint,
                                  aws_access_key_id="t", aws_secret_access_key="t",
                                  config=Config(retries={"max_attempts": 30, "mode": "standard"}, read_timeout=10))
            item = client.get_item(TableName=TABLE, Key={"pk": {"S": "item4711"}}).get("Item")
            self.assertIsNotNone(item)
            world.wait_until_converged(30)

    def test_a_region_added_to_the_topology_file(self):
        first = World(regions=2, latency_ms=5)
        with first:
            first.keep = True
            make_table(first.region(first.names[0]), TABLE)
            first.wait_for_table(TABLE)
            load(first.region(first.names[0]), 5000)
            first.wait_until_converged(60)
        with World(regions=3, latency_ms=5, data=str(first.folder)) as world:
            added = world.names[2]
            with Writers([world.region(world.names[0]), world.region(world.names[1])], 5000) as writers:
                until(lambda: world.is_ready(added), 60, "the new region to be filled")
                status = json.loads(world.command("status", str(world.topology), "--json", check=False).stdout)
                self.assertEqual([r["state"] for r in status["regions"]], ["serving"] * 3)
            self.equal_everywhere(world, writers)
            world.keep = False

    def test_an_empty_region_alone_waits_for_a_word(self):
        with World(regions=2, latency_ms=5) as world:
            a, b = world.names
            make_table(world.region(a), TABLE)
            world.wait_for_table(TABLE)
            world.command("link", "cut", a, b)
            world.lose_disk(b)
            until(lambda: "waits for a word of " + a in readyz(world.region(b))[1], 20, "what it waits for")
            shown = world.command("status", check=False).stdout
            self.assertIn(b + " is empty and waits for a word of " + a, shown)
            world.command("link", "heal")
            until(lambda: world.is_ready(b), 30, "the region to serve")
            self.assertEqual(count(world.region(b)), 0)


def long_run(items, rate):
    with World(regions=3, latency_ms=20, extra="replication: {bootstrap_rate: %s}\n" % rate) as world:
        a, b, _ = world.names
        make_table(world.region(b), TABLE)
        world.wait_for_table(TABLE)
        begin = time.monotonic()
        load(world.region(b), items, threads=4, text="x" * 40)
        world.wait_until_converged(600)
        print("%d items loaded in %.0f s" % (items, time.monotonic() - begin), flush=True)
        with Writers([world.region(b), world.region(world.names[2])], items, pause=0.01) as writers:
            world.lose_disk(a)
            begin, last = time.monotonic(), 0

            def ready():
                nonlocal last
                try:
                    status = world.region_status(a)
                except OSError:
                    return False  # not started again yet
                if status["stage"] == "filling" and time.monotonic() - last > 5:
                    last = time.monotonic()
                    print("  %(percent)d %%, %(items)d of %(items_expected)d items, %(bytes)d bytes, %(seconds_left)d s left"
                          % status["filling"], flush=True)
                return status["ready"]
            until(ready, 3600, "the region to be filled", pause=0.5)
            took = time.monotonic() - begin
        print("filled in %.1f s: %.0f items/s" % (took, items / took), flush=True)
        print("%d writes were acknowledged meanwhile" % len(writers.state))
        begin = time.monotonic()
        world.wait_until_converged(600)
        test = unittest.TestCase()
        for region in world.regions.values():
            writers.check(test, region)
        print("all regions equal (%.0f s to compare); %s" % (time.monotonic() - begin, {n: count(r) for n, r in world.regions.items()}))


if __name__ == "__main__":
    if "--items" in sys.argv:
        arguments = dict(zip(sys.argv[1::2], sys.argv[2::2]))
        long_run(int(arguments["--items"]), arguments.get("--rate", "unlimited"))
    else:
        unittest.main(warnings="ignore")  # boto3 leaves closing its sockets to the collector
