"""Partial connectivity: what two regions cannot tell each other goes by a third; what a dead region has told anybody
spreads; who has been away for longer than the change log reaches is told so and filled anew."""
import os
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from world import SLOWNESS, ApiError, World, make_table, until

US, EU, AP = "us-east-1", "eu-west-1", "ap-northeast-1"


def put(region, prefix, count, size=10):
    for first in range(0, count, 25):
        region.call("BatchWriteItem", {"RequestItems": {"items": [
            {"PutRequest": {"Item": {"pk": {"S": "%s%d" % (prefix, i)}, "v": {"S": "x" * size}}}}
            for i in range(first, min(first + 25, count))]}})


def has(region, key):
    return "Item" in region.call("GetItem", {"TableName": "items", "Key": {"pk": {"S": key}}})


def count(region):
    """Of all items; None while the region does not answer."""
    try:
        total, page = 0, {"LastEvaluatedKey": None}
        while "LastEvaluatedKey" in page:
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]} if page["LastEvaluatedKey"] else {}
            page = region.call("Scan", {"TableName": "items", "Select": "COUNT", **start})
            total += page["Count"]
        return total
    except (ApiError, OSError):
        return None


class Relay(unittest.TestCase):
    def test_a_cut_link_between_two_regions_costs_a_hop_and_nothing_else(self):
        latency = 30
        with World(regions=3, latency_ms=latency) as world:
            us, eu, ap = (world.regions[name] for name in (US, EU, AP))
            make_table(us, "items")
            world.wait_for_table("items")
            put(us, "before", 10)
            world.wait_until_converged()
            world.command("link", "cut", US, EU)
            # Written while nobody has noticed yet.
            put(us, "at once", 50)
            put(eu, "back", 50)
            begin = time.monotonic()
            until(lambda: has(eu, "at once49") and has(us, "back49"), 15, "the relay to be found")
            print("a relay was found %.1f s after the cut" % (time.monotonic() - begin))
            # From now on it is a hop more: two latencies and what two regions need.
            lags = []
            for i in range(20):
                begin = time.monotonic()
                put(us, "later%d-" % i, 1)
                until(lambda: has(eu, "later%d-0" % i), 5, "the change to arrive", pause=0.002)
                lags.append(1000 * (time.monotonic() - begin))
            lags.sort()
            print("by a relay, links of %d ms: median %.0f ms, longest %.0f ms" % (latency, lags[10], lags[-1]))
            self.assertLess(lags[10], (2 * latency + 100) * SLOWNESS)
            world.wait_until_converged()
            self.assertEqual(count(eu), 130)
            world.command("link", "heal", US, EU)
            put(us, "healed", 10)
            world.wait_until_converged()

    def test_the_last_changes_of_a_dead_region_come_from_whoever_has_them(self):
        with World(regions=3, latency_ms=10) as world:
            us, eu, ap = (world.regions[name] for name in (US, EU, AP))
            make_table(us, "items")
            world.wait_for_table("items")
            world.command("link", "cut", US, EU)
            world.command("link", "cut", AP, EU)
            put(us, "last", 100)
            until(lambda: count(ap) == 100, 10, "the third region to have them")
            self.assertEqual(count(eu), 0)
            # Dead: killed, and whatever starts in its place speaks to nobody.
            pids = [world.pid(US, "region"), world.pid(US, "replicator")]
            world.command("link", "cut", US, AP)
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            us.close()
            world.command("link", "heal", AP, EU)
            until(lambda: count(eu) == 100, 20, "the changes of the dead region")
            world.command("link", "heal")

    def test_who_is_away_for_longer_than_the_log_reaches_is_told_so_and_filled_anew(self):
        limits = "limits:\n  change_log_bytes: 1MiB\n  change_log_hours: 0\n"
        with World(regions=3, latency_ms=5, extra=limits) as world:
            us, eu, ap = (world.regions[name] for name in (US, EU, AP))
            make_table(us, "items")
            world.wait_for_table("items")
            put(us, "before", 100)
            world.wait_until_converged()
            world.command("link", "cut", US, EU)
            world.command("link", "cut", AP, EU)
            put(eu, "alone", 20)
            put(us, "away", 4000, size=1000)
            until(lambda: EU in world.region_status(US)["change_log"]["cut_loose"], 30, "the region to be cut loose")
            told = [reason for reason in world.status()["reasons"] if "has cut %s loose" % EU in reason]
            self.assertTrue(told)
            print(told[0])
            until(lambda: EU in world.region_status(AP)["change_log"]["cut_loose"], 30, "the other one to do the same")
            world.command("link", "heal")
            until(lambda: count(eu) == 4120, 60, "the region to be filled")
            world.wait_until_converged()
            for region in (us, ap):
                self.assertEqual(count(region), 4120)
            log = (world.folder / "data" / EU / "run" / "replicator.log").read_text(errors="replace")
            self.assertIn("the region begins to be filled", log)
            until(lambda: not world.region_status(US)["change_log"]["cut_loose"], 30, "it to be back")


if __name__ == "__main__":
    unittest.main()
