"""A data folder that is put back from an old copy: no number is given twice, nothing is lost."""
import os
import shutil
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from world import World, make_table


class Restore(unittest.TestCase):
    def test_an_old_copy_fetches_its_tail_from_the_peer_and_starts_a_new_log(self):
        with World(regions=2, latency_ms=5) as world:
            name = world.names[0]
            a, b = (world.regions[n] for n in world.names)
            make_table(a, "items")
            world.wait_for_table("items")

            def put(prefix, count):
                for i in range(count):
                    a.call("PutItem", {"TableName": "items", "Item": {"pk": {"S": "%s%d" % (prefix, i)}}})

            def log():
                return [r["log"] for r in world.status()["regions"] if r["name"] == name][0]

            put("before", 10)
            world.wait_until_converged()
            first = log()
            world.stop()
            folder, copy = world.folder / "data" / name, world.folder / "copy"
            shutil.copytree(folder, copy)
            world.start()
            self.assertEqual(log(), first, "a plain restart goes on with its log")
            put("tail", 10)
            world.wait_until_converged()
            world.stop()
            # The copy knows nothing of the tail, whose numbers the peer has.
            shutil.rmtree(folder)
            shutil.copytree(copy, folder)
            world.start()
            put("after", 5)
            world.wait_until_converged()
            self.assertNotEqual(log(), first)
            expected = sorted("before%d" % i for i in range(10))
            expected += ["tail%d" % i for i in range(10)] + ["after%d" % i for i in range(5)]
            for region in (a, b):
                found = [i["pk"]["S"] for i in region.call("Scan", {"TableName": "items"})["Items"]]
                self.assertEqual(sorted(found), sorted(expected), region.name)


if __name__ == "__main__":
    unittest.main()
