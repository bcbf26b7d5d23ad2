#!/usr/bin/env python3
"""Session tokens between real regions, with the examples of docs/sessions.md."""
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docs/examples"))
from everwrite_session import EverwriteSession
from world import World, make_table, until

LATENCY_MS = 150
ITEM = {"pk": {"S": "x"}}


class Sessions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World(regions=3, latency_ms=LATENCY_MS, gateway=True)
        cls.world.start()
        make_table(cls.world.region("us-east-1"), "notes")
        cls.world.wait_for_table("notes")

    @classmethod
    def tearDownClass(cls):
        cls.world.stop()
        cls.world.remove()

    def client(self, name, through_gateway=False):
        endpoint = self.world.gateway if through_gateway else self.world.region(name).endpoint
        return boto3.client("dynamodb", region_name=name, endpoint_url="http://" + endpoint, aws_access_key_id="a",
                            aws_secret_access_key="b", config=Config(retries={"total_max_attempts": 1}))

    def value_read_in(self, client, key):
        item = client.get_item(TableName="notes", Key={"pk": {"S": key}}).get("Item")
        return item and item["v"]["N"]

    def test_a_roaming_client_reads_what_it_wrote(self):
        session = EverwriteSession()
        clients = [session.attach(self.client(name, gateway)) for name in self.world.names for gateway in (False, True)]
        for i in range(24):
            writer, reader = clients[i % 6], clients[(i * 5 + 2) % 6]
            writer.put_item(TableName="notes", Item={"pk": {"S": "roam"}, "v": {"N": str(i)}})
            self.assertEqual(self.value_read_in(reader, "roam"), str(i))
            self.assertEqual(len(session.tokens), 1)

    def test_without_a_token_it_would_not(self):
        us, eu = self.client("us-east-1"), self.client("eu-west-1")
        stale = 0
        for i in range(5):
            us.put_item(TableName="notes", Item={"pk": {"S": "bare"}, "v": {"N": str(i)}})
            stale += self.value_read_in(eu, "bare") != str(i)
        self.assertGreater(stale, 0)

    def test_a_session_goes_on_elsewhere_with_what_it_has_read(self):
        reading = EverwriteSession()
        us, eu = self.client("us-east-1"), reading.attach(self.client("eu-west-1"))
        us.put_item(TableName="notes", Item={"pk": {"S": "seen"}, "v": {"N": "1"}})
        until(lambda: self.value_read_in(eu, "seen") == "1", 10, "the item in eu-west-1")
        # eu-west-1 has it from us-east-1; whoever has read it there must see it in ap-northeast-1 too.
        later = EverwriteSession(reading.tokens)
        self.assertEqual(self.value_read_in(later.attach(self.client("ap-northeast-1")), "seen"), "1")

    def test_a_cut_link_ends_the_wait_with_a_retryable_error(self):
        session = EverwriteSession()
        us, eu = session.attach(self.client("us-east-1")), session.attach(self.client("eu-west-1"))
        for other in ("eu-west-1", "ap-northeast-1"):  # nobody else may bring it
            self.world.command("link", "cut", "us-east-1", other)
        try:
            us.put_item(TableName="notes", Item={"pk": {"S": "cut"}, "v": {"N": "1"}})
            begin = time.monotonic()
            with self.assertRaises(ClientError) as caught:
                self.value_read_in(eu, "cut")
            self.assertGreater(time.monotonic() - begin, 0.9)
            error = caught.exception.response
            self.assertEqual(error["Error"]["Code"], "RegionBehindException")
            self.assertEqual(error["ResponseMetadata"]["HTTPStatusCode"], 503)
            self.assertIn("Region eu-west-1 has not caught up with the session: it still misses 1 change of us-east-1",
                          error["Error"]["Message"])
            self.assertEqual(self.value_read_in(self.client("eu-west-1"), "cut"), None)  # without a token: what is there
        finally:
            for other in ("eu-west-1", "ap-northeast-1"):
                self.world.command("link", "heal", "us-east-1", other)
        def reached():
            try:
                return self.value_read_in(eu, "cut") == "1"
            except ClientError as error:
                self.assertEqual(error.response["Error"]["Code"], "RegionBehindException")
                return False
        until(reached, 20, "the session in eu-west-1")
        metrics = self.world.region("eu-west-1").admin_get("/metrics")[1]
        for line in metrics.splitlines():
            if line.startswith("everwrite_session_timeouts_total"):
                self.assertGreaterEqual(float(line.split()[-1]), 1)
                break
        else:
            self.fail("no everwrite_session_timeouts_total")

    def test_a_token_outlives_the_region_that_gave_it(self):
        session = EverwriteSession()
        us = session.attach(self.client("us-east-1"))
        us.put_item(TableName="notes", Item={"pk": {"S": "killed"}, "v": {"N": "1"}})
        pids = {r["name"]: r["pids"] for r in self.world.status()["regions"]}
        os.kill(pids["us-east-1"]["region"], signal.SIGKILL)
        eu = session.attach(self.client("eu-west-1"))
        def reached():
            try:
                return self.value_read_in(eu, "killed") == "1"
            except ClientError:
                return False
        until(reached, 20, "the item in eu-west-1")
        def back():
            try:
                return self.world.region("us-east-1").admin_get("/readyz")[0] == 200
            except OSError:
                return False
        until(back, 20, "us-east-1 to be back")
        self.world.region("us-east-1").close()
        us = session.attach(self.client("us-east-1"))
        self.assertEqual(self.value_read_in(us, "killed"), "1")

    def test_what_is_no_token_is_refused(self):
        with self.assertRaises(ClientError) as caught:
            self.value_read_in(EverwriteSession(["forged"]).attach(self.client("us-east-1")), "x")
        self.assertEqual(caught.exception.response["Error"]["Code"], "ValidationException")

    def test_the_example_for_curl(self):
        run = lambda region, operation, body: subprocess.run(
            [str(ROOT / "docs/examples/everwrite-session.sh"), "http://" + self.world.region(region).endpoint, operation, body],
            env=dict(os.environ, EVERWRITE_SESSION=str(self.world.folder / "session")), check=True, text=True,
            stdout=subprocess.PIPE).stdout.strip()
        for i in range(3):
            run("us-east-1", "PutItem", '{"TableName":"notes","Item":{"pk":{"S":"curl"},"v":{"N":"%d"}}}' % i)
            answer = run("ap-northeast-1", "GetItem", '{"TableName":"notes","Key":{"pk":{"S":"curl"}}}')
            self.assertIn('"v":{"N":"%d"}' % i, answer)


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
