"""A region that is taken out of the topology file holds nothing back any more: tombstones go, and so does the change log."""
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from world import World, make_table, until

US, EU, AP = "us-east-1", "eu-west-1", "ap-northeast-1"


def tombstones(region):
    """Of users' tables: the first 16 digits of a line are the table, the last word says whether it is one."""
    found, after = 0, ""
    while True:
        for line in region.admin_get("/items" + ("?after=" + after if after else ""))[1].splitlines():
            words = line.split()
            if words[0] == "end":
                return found
            if words[0] == "next":
                after = words[1]
            elif words[-1] == "1" and int(words[0], 16) > 255:
                found += 1


class RemovedRegion(unittest.TestCase):
    def test_it_holds_back_neither_tombstones_nor_the_log(self):
        with World(regions=3, latency_ms=5, extra="limits:\n  change_log_hours: 0\n") as world:
            us, eu = world.regions[US], world.regions[EU]
            make_table(us, "items")
            world.wait_for_table("items")
            world.wait_until_converged()
            # One region is away for good, and nobody has said so yet.
            world.command("link", "cut", US, AP)
            world.command("link", "cut", EU, AP)
            for i in range(50):
                us.call("PutItem", {"TableName": "items", "Item": {"pk": {"S": "k%d" % i}}})
                eu.call("DeleteItem", {"TableName": "items", "Key": {"pk": {"S": "k%d" % i}}})
            for i in range(50):
                us.call("DeleteItem", {"TableName": "items", "Key": {"pk": {"S": "k%d" % i}}})
            until(lambda: tombstones(us) == tombstones(eu) >= 50, 10, "the deletions to be everywhere")
            time.sleep(12)  # two rounds of maintenance
            self.assertGreaterEqual(tombstones(us), 50)
            self.assertIn(AP, world.region_status(US)["change_log"]["held_for"])
            world.stop()

            lines, skip = [], False
            for line in world.topology.read_text().splitlines():
                if line.startswith("  - "):
                    skip = AP in line
                elif not line.startswith("   "):
                    skip = False
                if not skip:
                    lines.append(line)
            world.topology.write_text("\n".join(lines) + "\n")
            del world.regions[AP]
            world.start()
            until(lambda: tombstones(us) == 0 and tombstones(eu) == 0, 40, "the tombstones to be forgotten", pause=0.5)
            self.assertEqual(world.region_status(US)["change_log"]["held_for"], {})
            us.call("PutItem", {"TableName": "items", "Item": {"pk": {"S": "after"}}})
            world.wait_until_converged()


if __name__ == "__main__":
    unittest.main()
