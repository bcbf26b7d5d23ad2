#!/usr/bin/env python3
"""Lag where people look: percentiles, changes and bytes behind, and the age of the oldest, per directed pair."""
import json
import time
import unittest

from world import SLOWNESS, World, make_table, until

US, EU, AP = "us-east-1", "eu-west-1", "ap-northeast-1"


class Lag(unittest.TestCase):
    def link(self, world, a, b):
        return [x for x in world.status()["links"] if (x["from"], x["to"]) == (a, b)][0]

    def metric(self, world, name, metric, **labels):
        text = world.region(name).admin_get("/metrics")[1]
        text = text.decode() if isinstance(text, bytes) else text
        for line in text.splitlines():
            if line.startswith(metric + "{") and all('%s="%s"' % label in line for label in labels.items()):
                return float(line.rsplit(" ", 1)[1])
        raise AssertionError("no %s %s in\n%s" % (metric, labels, text))

    def test_a_cut_link_shows_what_is_behind_and_for_how_long(self):
        with World(regions=3, latency_ms=30) as world:
            us = world.region(US)
            make_table(us, "lag")
            world.wait_for_table("lag")

            def put(count, size):
                for i in range(count):
                    us.call("PutItem", {"TableName": "lag", "Item": {"pk": {"S": "k%d" % i}, "v": {"S": "x" * size}}})
            put(100, 100)
            world.wait_until_converged()
            until(lambda: (self.link(world, US, EU)["lag_p50_ms"] or 0) >= 20, 5 * SLOWNESS, "the median to be told")
            link = self.link(world, US, EU)
            self.assertLess(link["lag_p50_ms"], 30 + 500 * SLOWNESS)
            self.assertGreaterEqual(link["lag_p99_ms"], link["lag_p50_ms"])
            self.assertGreaterEqual(link["lag_max_ms"], link["lag_p99_ms"])
            until(lambda: self.link(world, US, EU)["pending"] == 0, 5 * SLOWNESS, "nothing to be pending")
            until(lambda: self.link(world, US, EU)["oldest_ms"] == 0, 5 * SLOWNESS, "nothing to be old")
            self.assertEqual(self.link(world, US, EU)["pending_bytes"], 0)

            # Cut off from both, it is behind.
            world.command("link", "cut", US, EU)
            world.command("link", "cut", AP, EU)
            begin = time.monotonic()
            put(50, 1000)
            until(lambda: self.link(world, US, EU)["pending"] == 50, 5 * SLOWNESS, "50 changes to be pending")
            time.sleep(1)
            behind = self.link(world, US, EU)
            self.assertGreater(behind["pending_bytes"], 50 * 1000)
            self.assertLess(behind["pending_bytes"], 50 * 1400)
            self.assertGreaterEqual(behind["oldest_ms"], 1000)
            self.assertLessEqual(behind["oldest_ms"], 1000 * (time.monotonic() - begin) + 100)
            for metric in ("everwrite_replication_pending", "everwrite_replication_pending_bytes",
                           "everwrite_replication_oldest_pending_seconds"):
                # `from` is a word of Python's.
                self.assertGreater(self.metric(world, US, metric, **{"from": US, "to": EU}), 0.9)
            self.assertEqual(self.link(world, US, AP)["pending"], 0)
            sent = self.link(world, US, AP)["sent_bytes"]
            self.assertGreater(sent, 0)
            until(lambda: self.metric(world, US, "everwrite_replication_sent_bytes", **{"from": US, "to": AP}) > sent,
                  5 * SLOWNESS, "heartbeats to be counted")

            world.command("link", "heal", US, EU)
            world.command("link", "heal", AP, EU)
            world.wait_until_converged()
            until(lambda: self.link(world, US, EU)["oldest_ms"] == 0, 5 * SLOWNESS, "nothing to be behind")
            # What waited for the link counts with its whole age.
            until(lambda: self.link(world, US, EU)["lag_max_ms"] >= 1000, 5 * SLOWNESS, "the longest lag to be told")
            self.assertGreaterEqual(
                self.metric(world, EU, "everwrite_replication_latency_quantile_seconds", quantile="1", **{"from": US, "to": EU}), 1)
            print(json.dumps(self.link(world, US, EU)))


if __name__ == "__main__":
    unittest.main()
