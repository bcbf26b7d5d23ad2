#!/usr/bin/env python3
"""Clocks that are wrong, in real regions: the majority corrects one; stamps from the future are held; nobody loses a write."""
import http.client
import os
import signal
import time
import unittest

os.environ["EVERWRITE_TEST_HOOKS"] = "1"
from world import SLOWNESS, World, make_table, until

HOUR = 3600 * 1000
US, EU, AP = "us-east-1", "eu-west-1", "ap-northeast-1"


def put(region, key, value):
    region.call("PutItem", {"TableName": "clocks", "Item": {"pk": {"S": key}, "v": {"S": value}}})


def value_of(region, key):
    item = region.call("GetItem", {"TableName": "clocks", "Key": {"pk": {"S": key}}}).get("Item")
    return item and item["v"]["S"]


class Clocks(unittest.TestCase):
    def world(self, clocks, **options):
        os.environ["EVERWRITE_TEST_CLOCK"] = clocks
        world = World(latency_ms=20, **options)
        world.start()
        self.addCleanup(world.remove)
        self.addCleanup(world.stop)
        return world

    def reaches(self, world, key, value, seconds=5):
        for region in world.regions.values():
            until(lambda: value_of(region, key) == value, seconds * SLOWNESS, "%s=%s in %s" % (key, value, region.name))

    def corrected(self, world, name, by):
        def right():
            return abs(world.region_status(name)["clock_correction_ms"] - by) < 500
        until(right, 10 * SLOWNESS, "the clock of %s to be corrected by %d ms" % (name, by))

    def an_hour_off(self, off):
        world = self.world("%s=%d" % (EU, off))
        us, eu = world.region(US), world.region(EU)
        self.corrected(world, EU, -off)
        for name in (US, AP):
            self.assertEqual(world.region_status(name)["clock_correction_ms"], 0, name)
        self.assertEqual(world.region_status(EU)["stamps_ahead_ms"], 0)
        status = world.status()
        self.assertEqual(status["verdict"], "degraded")
        self.assertTrue(any("the clock of eu-west-1 is off" in reason for reason in status["reasons"]), status["reasons"])
        make_table(us, "clocks")
        world.wait_for_table("clocks")
        # Whoever writes last wins, wherever.
        put(us, "a", "us 1")
        self.reaches(world, "a", "us 1")
        put(eu, "a", "eu 2")
        self.reaches(world, "a", "eu 2")
        put(us, "a", "us 3")
        self.reaches(world, "a", "us 3")
        world.wait_until_converged()
        return world

    def test_a_region_an_hour_ahead_is_put_right_and_wins_nothing(self):
        world = self.an_hour_off(HOUR)
        # Started again it hears nobody, and yet does not stamp ahead.
        us, eu = world.region(US), world.region(EU)
        for other in (US, AP):
            world.command("link", "cut", EU, other)
        pid = world.pid(EU, "region")
        os.kill(pid, signal.SIGKILL)
        until(lambda: world.pid(EU, "region") not in (0, pid), 20 * SLOWNESS, "the region to be started again")
        until(lambda: world.is_ready(EU), 30 * SLOWNESS, "the region to be back")
        self.assertEqual(round(world.region_status(EU)["clock_correction_ms"] / HOUR), -1)
        eu.close()
        put(eu, "a", "eu alone")
        time.sleep(1)  # more than clocks of regions differ that are right
        put(us, "a", "us last")
        world.command("link", "heal")
        self.reaches(world, "a", "us last", 20)
        self.assertEqual(world.region_status(EU)["stamps_ahead_ms"], 0)
        world.wait_until_converged()

    def test_a_region_an_hour_behind_is_put_right_and_loses_nothing(self):
        self.an_hour_off(-HOUR)

    def test_a_clock_that_jumps_while_its_region_runs_is_put_right(self):
        world = self.world("")
        self.corrected(world, EU, 0)
        host, port = world.region(EU).admin.rsplit(":", 1)

        def jump(offset):
            connection = http.client.HTTPConnection(host, int(port), timeout=10)
            connection.request("POST", "/test/clock?offset_ms=%s" % offset)
            status = connection.getresponse().status
            connection.close()
            return status
        self.assertEqual(jump(-HOUR), 200)
        self.corrected(world, EU, HOUR)
        self.assertEqual(jump(0), 200)
        self.corrected(world, EU, 0)
        self.assertEqual(jump("soon"), 400)
        self.assertEqual(jump(25 * HOUR), 400)

    def test_of_two_regions_the_stamps_of_the_one_ahead_are_held_and_kept(self):
        world = self.world("%s=%d" % (EU, 4000), regions=2)
        us, eu = world.region(US), world.region(EU)
        make_table(us, "clocks")
        world.wait_for_table("clocks")
        put(us, "a", "us")
        self.reaches(world, "a", "us")
        begin = time.monotonic()
        put(eu, "a", "eu")
        put(eu, "b", "eu")

        def held():
            return max([link["held_ahead_ms"] for link in world.region_status(US)["links"] if link["to"] == US] or [0])
        until(lambda: held() > 500, 3 * SLOWNESS, "the change to be held")
        self.assertEqual(value_of(us, "a"), "us")
        self.assertTrue(any("stamped" in reason for reason in world.status()["reasons"]))
        self.reaches(world, "b", "eu", 10)
        self.assertGreater(time.monotonic() - begin, 2)
        self.assertEqual(value_of(us, "a"), "eu")
        self.assertEqual(world.region_status(US)["clock_correction_ms"], 0)
        self.assertEqual(world.region_status(EU)["clock_correction_ms"], 0)
        world.wait_until_converged()


if __name__ == "__main__":
    unittest.main()
