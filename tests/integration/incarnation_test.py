"""Data older than what the peers have seen of it, and two processes of one region.

No number is given twice, nothing that was acknowledged is lost, and the second process does not serve. The data is
rolled back in ways that a region cannot see itself: its files are overwritten in place, as a snapshot of the machine
that is put back would; the end of its write-ahead log is cut off.
"""
import os
import shutil
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from world import BINARY, World, end_with_parent, free_ports, make_table, refuse_reports, until


def put(region, prefix, count):
    for i in range(count):
        region.call("PutItem", {"TableName": "items", "Item": {"pk": {"S": "%s%d" % (prefix, i)}}})
    return ["%s%d" % (prefix, i) for i in range(count)]


def overwrite(copy, folder):
    """`folder` becomes as `copy` is; files that are in both keep their inodes."""
    for here, folders, files in os.walk(folder):
        for name in files:
            path = os.path.join(here, name)
            if os.path.isfile(path) and not os.path.exists(os.path.join(copy, os.path.relpath(path, folder))):
                os.unlink(path)
    for here, folders, files in os.walk(copy):
        for name in files:
            source = os.path.join(here, name)
            target = os.path.join(folder, os.path.relpath(source, copy))
            with open(source, "rb") as old, open(target, "r+b" if os.path.exists(target) else "wb") as new:
                new.write(old.read())
                new.truncate()


class Incarnation(unittest.TestCase):
    def check(self, world, expected):
        world.wait_until_converged()
        for region in world.regions.values():
            found = [i["pk"]["S"] for i in region.call("Scan", {"TableName": "items"})["Items"]]
            self.assertEqual(sorted(found), sorted(expected), region.name)

    def check_own(self, expected):
        """As soon as it answers, a region has what it has ever acknowledged: its peers had it."""
        answer = self.a.call("Scan", {"TableName": "items", "ConsistentRead": True})
        self.assertEqual(sorted(i["pk"]["S"] for i in answer["Items"]), sorted(expected))

    def log_of(self, world, name):
        return [r["log"] for r in world.status()["regions"] if r["name"] == name][0]

    def region_log(self, world, name):
        return (world.folder / "data" / name / "run" / "region.log").read_text(errors="replace")

    def started(self, regions=3):
        world = World(regions=regions, latency_ms=5)
        world.start()
        self.addCleanup(self.finish, world)
        self.name = world.names[0]
        self.a = world.regions[self.name]
        make_table(self.a, "items")
        world.wait_for_table("items")
        return world

    def finish(self, world):
        if world.process is not None:
            world.stop()
        world.remove()

    def test_a_plain_restart_goes_on_with_its_log_and_quickly(self):
        world = self.started()
        put(self.a, "x", 5)
        first = self.log_of(world, self.name)
        world.stop()
        world.start()
        self.assertEqual(self.log_of(world, self.name), first)
        self.assertLess(world.ready_seconds, 6)
        # One region alone, killed: its peers remember the former process, and hear that it has ended.
        pid = world.pid(self.name, "region")
        os.kill(pid, signal.SIGKILL)
        self.a.close()
        until(lambda: world.pid(self.name, "region") not in (0, pid) and world.is_ready(self.name), 20, "the region")
        self.assertEqual(self.log_of(world, self.name), first)
        expected = ["x%d" % i for i in range(5)] + put(self.a, "y", 5)
        self.check(world, expected)

    def test_files_overwritten_in_place_with_an_old_copy(self):
        world = self.started()
        expected = put(self.a, "before", 10)
        world.wait_until_converged()
        first = self.log_of(world, self.name)
        world.stop()
        folder, copy = world.folder / "data" / self.name, world.folder / "copy"
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("run", "*.sock"))
        world.start()
        expected += put(self.a, "tail", 10)
        world.wait_until_converged()
        world.stop()
        identity = os.stat(folder / "everwrite.identity")
        overwrite(copy, folder)
        self.assertEqual(os.stat(folder / "everwrite.identity").st_ino, identity.st_ino)
        world.start()
        self.check_own(expected)
        expected += put(self.a, "after", 5)
        self.check(world, expected)
        self.assertNotEqual(self.log_of(world, self.name), first)
        log = self.region_log(world, self.name)
        self.assertIn("changes of our log, we", log)
        self.assertIn("own changes is here", log)

    def test_the_end_of_the_write_ahead_log_is_lost(self):
        world = self.started()
        expected = put(self.a, "x", 40)
        world.wait_until_converged()
        first = self.log_of(world, self.name)
        world.stop()
        wals = sorted((world.folder / "data" / self.name / "db").glob("*.log"))
        wal = max(wals, key=lambda path: path.stat().st_size)
        os.truncate(wal, wal.stat().st_size * 3 // 4)
        world.start()
        self.check_own(expected)
        expected += put(self.a, "after", 5)
        self.check(world, expected)
        self.assertNotEqual(self.log_of(world, self.name), first)

    def test_with_a_peer_away_nothing_can_be_proven_and_a_new_log_is_begun(self):
        world = self.started()
        expected = put(self.a, "x", 5)
        world.wait_until_converged()
        first = self.log_of(world, self.name)
        world.command("link", "cut", world.names[0], world.names[2])
        pid = world.pid(self.name, "region")
        os.kill(pid, signal.SIGKILL)
        self.a.close()
        until(lambda: world.pid(self.name, "region") not in (0, pid) and world.is_ready(self.name), 20, "the region")
        self.assertNotEqual(self.log_of(world, self.name), first)
        expected += put(self.a, "y", 5)
        world.command("link", "heal", world.names[0], world.names[2])
        self.check(world, expected)

    def test_of_two_processes_of_a_region_the_second_does_not_serve(self):
        world = self.started()
        expected = put(self.a, "x", 10)
        world.wait_until_converged()
        # A copy of the folder, with the ports of another machine and the same regions.
        other = world.folder / "elsewhere"
        shutil.copytree(world.folder / "data" / self.name, other / self.name,
                        ignore=shutil.ignore_patterns("run", "*.sock", "everwrite.lock"))
        endpoint, admin = free_ports(2)
        text = world.topology.read_text()
        text = text.replace(self.a.endpoint, "127.0.0.1:%d" % endpoint).replace(self.a.admin, "127.0.0.1:%d" % admin)
        topology = world.folder / "elsewhere.yaml"
        topology.write_text(text)
        arguments = ["--topology", str(topology), "--region", self.name, "--data", str(other)]
        with open(world.folder / "second-replicator.log", "ab") as log:
            replicator = subprocess.Popen([BINARY, "replicator", *arguments], stdout=log, stderr=log,
                                          preexec_fn=end_with_parent)
            try:
                expected += put(self.a, "meanwhile", 10)
                second = subprocess.run([BINARY, "region", *arguments], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, timeout=60, preexec_fn=end_with_parent)
                expected += put(self.a, "on", 10)
            finally:
                replicator.terminate()
                replicator.wait(20)
        self.assertEqual(second.returncode, 78, second.stderr)
        self.assertIn("another process serves this region: process %d " % world.pid(self.name, "region"),
                      second.stderr)
        self.check(world, expected)
        refuse_reports([world.folder / "second-replicator.log"])

    def test_the_same_folder_is_held_by_its_lock(self):
        world = self.started(regions=2)
        arguments = ["--topology", str(world.topology), "--region", self.name, "--data", str(world.folder / "data")]
        second = subprocess.run([BINARY, "region", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, timeout=60)
        self.assertEqual(second.returncode, 78)
        self.assertIn("is in use by another process", second.stderr)


if __name__ == "__main__":
    unittest.main()
