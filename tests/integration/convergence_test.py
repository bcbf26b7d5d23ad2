#!/usr/bin/env python3
"""The proof of convergence between real regions: no alarm under load; a flipped bit is found and put right."""
import http.client
import json
import os
import threading
import time
import unittest

os.environ["EVERWRITE_TEST_HOOKS"] = "1"
from world import World, make_table, until


class Writers:
    """One a region, on keys that they share, until stopped."""

    def __init__(self, world, keys):
        self.stopping, self.written, self.errors = False, 0, []
        self.threads = [threading.Thread(target=self.write, args=(region.another(), keys)) for region in world.regions.values()]

    def write(self, region, keys):
        i = 0
        while not self.stopping:
            i += 1
            try:
                region.call("PutItem", {"TableName": "proof", "Item": {"pk": {"S": "load%d" % (i % keys)}, "v": {"S": "%s %d" % (region.name, i)}}})
                self.written += 1
            except Exception as error:
                self.errors.append(error)
            time.sleep(0.004)
        region.close()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *exc):
        self.stopping = True
        for thread in self.threads:
            thread.join()


class Convergence(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World(regions=3, latency_ms=20)
        cls.world.start()
        make_table(cls.world.region("us-east-1"), "proof")
        cls.world.wait_for_table("proof")
        for i in range(200):
            cls.world.region("us-east-1").call("PutItem", {"TableName": "proof", "Item": {"pk": {"S": "k%d" % i}, "v": {"S": "right"}}})
        cls.world.wait_until_converged()

    @classmethod
    def tearDownClass(cls):
        cls.world.stop()
        cls.world.remove()

    def report(self, name):
        return json.loads(self.world.region(name).admin_get("/convergence")[1])

    def damage(self, name):
        connection = http.client.HTTPConnection(self.world.region(name).admin, timeout=10)
        connection.request("POST", "/test/damage?table=proof")
        response = connection.getresponse()
        body = json.loads(response.read())
        self.assertEqual(response.status, 200, body)
        connection.close()
        return body["damaged"]

    def test_under_load_and_partitions_nothing_is_found_and_all_is_proven(self):
        found = {name: self.report(name)["found"] for name in self.world.names}
        proven = {name: self.report(name)["compared_equal"] for name in self.world.names}
        with Writers(self.world, keys=40) as writers:
            time.sleep(1)
            self.world.command("link", "cut", "us-east-1", "eu-west-1")
            time.sleep(2)
            self.world.command("link", "heal")
            time.sleep(1)
            # While they write: each bucket is proven at some moment.
            verdict = json.loads(self.world.command("verify", str(self.world.topology), "--json", "--wait", "60", check=False).stdout)
        self.assertEqual(writers.errors, [])
        self.assertGreater(writers.written, 500)
        self.assertEqual(verdict["differences"], [])
        self.world.wait_until_converged()
        for name in self.world.names:
            report = self.report(name)
            self.assertEqual(report["found"], found[name])
            self.assertGreater(report["compared_equal"], proven[name] + 100)
        self.assertEqual(self.world.command("verify", str(self.world.topology), "--full").returncode, 0)

    def test_a_flipped_bit_is_found_within_seconds_under_load_and_put_right(self):
        with Writers(self.world, keys=40):
            time.sleep(0.5)
            begin = time.monotonic()
            key = self.damage("eu-west-1")
            until(lambda: any(key in finding["keys"] for finding in self.report("eu-west-1")["findings"]), 30, "the damage to be repaired")
            seconds = time.monotonic() - begin
        print("found and repaired after %.1f s" % seconds)
        until(lambda: all(self.report(name)["open"] == 0 for name in self.world.names), 30, "all findings to be closed")
        self.world.wait_until_converged()
        self.assertEqual(self.world.command("verify", str(self.world.topology), "--full").returncode, 0)
        conflicts = json.loads(self.world.region("eu-west-1").admin_get("/conflicts?limit=1000")[1])
        self.assertTrue(any(c["reason"] == "repaired" for c in conflicts["conflicts"]))
        metrics = self.world.region("eu-west-1").admin_get("/metrics")[1]
        self.assertIn("everwrite_repaired_rows_total 1", metrics)

    def test_what_nobody_can_repair_verify_names(self):
        with World(regions=1) as lone:
            region = lone.region("us-east-1")
            make_table(region, "proof")
            region.call("PutItem", {"TableName": "proof", "Item": {"pk": {"S": "k"}, "v": {"S": "right"}}})
            connection = http.client.HTTPConnection(region.admin, timeout=10)
            connection.request("POST", "/test/damage?table=proof")
            self.assertEqual(connection.getresponse().status, 200)
            connection.close()
            until(lambda: json.loads(region.admin_get("/convergence")[1])["open"] == 1, 20, "the damage to be found")
            done = lone.command("verify", str(lone.topology), check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("diverged", done.stdout)
            self.assertIn("table proof bucket", done.stdout)
            status = lone.command("status", str(lone.topology), "--check", check=False)
            self.assertEqual(status.returncode, 1)
            self.assertIn("may differ", status.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
