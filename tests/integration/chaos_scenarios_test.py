#!/usr/bin/env python3
"""`everwrite chaos run`: short scenarios hold, their reports say so, planted lies are seen, and nothing is left behind."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from world import BINARY, SLOWNESS, free_ports

CHECKS = ["end_state", "read_your_writes", "monotonic_reads", "fresh_reads", "session_tokens", "causality", "transactions",
          "counters", "resurrection", "conditions", "integrity", "scans", "converged"]


class ChaosScenarios(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="everwrite-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        # A run's own folder lies in here too: nothing else may be in it in the end.
        self.temporary = self.folder / "tmp"
        self.temporary.mkdir()
        self.environment = dict(os.environ, XDG_RUNTIME_DIR=str(self.folder), TMPDIR=str(self.temporary))

    def scenario(self, text):
        path = self.folder / "scenario.yaml"
        path.write_text(text)
        return str(path)

    def chaos(self, *arguments):
        done = subprocess.run([BINARY, "chaos", *arguments], env=self.environment, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=150 * SLOWNESS)
        return done.returncode, done.stdout

    def nothing_left(self):
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                self.assertNotIn(str(self.folder), path.read_bytes().decode(errors="replace"))
            except OSError:
                pass  # it has ended
        self.assertEqual(list(self.temporary.iterdir()), [])

    def test_faults_of_all_kinds_hold_and_a_lie_is_seen(self):
        page, figures, history = (self.folder / name for name in ("r.html", "r.json", "h.txt"))
        data = self.folder / "run"
        status, output = self.chaos(
            "run", self.scenario("name: short\nwarmup: 2s\nrecovery: 1s\nduration: 9s\nworkload: {clients: 2, rate: 30}\nfaults:\n"
                                 "  - {at: 0s, for: 2s, isolate: any}\n"
                                 "  - {at: 2s, kill: any, of: any, every: 1s, times: 2}\n"
                                 "  - {at: 4s, for: 1s, pause: region, of: any}\n"
                                 "  - {at: 5s, reset: all}\n"
                                 "  - {at: 5s, for: 2s, clock: any, jump: 3s}\n"
                                 "  - {at: 6s, kill: everything}\n"
                                 "expect: {converged_within: 60s}\n"),
            "--seed", "5", "--report", str(page), "--json", str(figures), "--history", str(history), "--data", str(data))
        self.assertEqual(status, 0, output)
        self.assertIn("short: everything holds", output)
        self.assertIn("seed 5", output)
        self.nothing_left()

        report = json.loads(figures.read_text())
        self.assertTrue(report["passed"])
        self.assertEqual([verdict["check"] for verdict in report["verdicts"]], CHECKS)
        self.assertEqual(len(report["faults"]), 7)
        self.assertGreater(report["figures"]["acknowledged_writes"], 300 / SLOWNESS)
        self.assertEqual(len(report["lag_ms"]), 6)
        for verdict in report["verdicts"][:-1]:
            if SLOWNESS == 1:
                self.assertNotEqual(verdict["says"], "nothing to judge", verdict["check"])
        html = page.read_text()
        self.assertLess(html.index("Everything holds"), html.index("<svg"))
        self.assertIsNone(re.search(r"https?://|src=|<script", html))

        folders = [str(data / "data" / name) for name in ("us-east-1", "eu-west-1", "ap-northeast-1")]
        status, output = self.chaos("check", "--history", str(history), *folders)
        self.assertEqual(status, 0, output)
        true = history.read_text()

        def sees(check, lie, *folders):
            history.write_text(lie)
            status, output = self.chaos("check", "--history", str(history), *folders)
            self.assertEqual(status, 1, output)
            self.assertRegex(output, "VIOLATED +%s" % check)
        put = "put s=9 r=us-east-1 k=hot1 id=99999999 order=0 b=1 e=2 ok\n"
        sees("end_state", true + put, *folders)
        own = re.search(r"^put (s=\d+ r=\S+ k=once\d+) id=(\d+).* e=(\d+) ok", true, re.M)
        end = int(own.group(3))
        sees("read_your_writes", true + "get %s saw=0 b=%d e=%d ok\n" % (own.group(1), end + 10, end + 20))
        sees("integrity", true + "get s=9 r=us-east-1 k=hot1 saw=88888888 b=1 e=2 ok\n")
        sees("scans", re.sub(r"^(scan .*)( i=once\S+)", r"\g<1>\g<2>\g<2>", true, flags=re.M))
        last = max(int(number) for number in re.findall(r"^get .* k=count-us-east-1 .* n=(\d+) last", true, re.M))
        sees("counters", re.sub(r"( k=count-us-east-1 .* n=)%d last" % last, r"\g<1>0 last", true))

    def test_a_disk_is_lost_in_a_topology_of_ones_own(self):
        ports = free_ports(6)
        (self.folder / "own.yaml").write_text(
            "cluster: own\nregions:\n"
            "  - {name: left, id: 7, endpoint: '127.0.0.1:%d', admin: '127.0.0.1:%d', nats: 'nats://127.0.0.1:%d', data: l}\n"
            "  - {name: right, id: 8, endpoint: '127.0.0.1:%d', admin: '127.0.0.1:%d', nats: 'nats://127.0.0.1:%d', data: r}\n"
            "links:\n  - {between: others, latency: 10ms}\n" % tuple(ports))
        status, output = self.chaos("run", self.scenario(
            "name: own\ntopology: own.yaml\nwarmup: 2s\nrecovery: 1s\nduration: 7s\nfaults:\n  - {at: 1s, lose_disk: left}\n"
            "  - {at: 1s, for: 5s, slow: [left, right], delay: 60ms}\nexpect: {converged_within: 60s}\n"))
        self.assertEqual(status, 0, output)
        self.assertRegex(output, r"holds +end_state")
        self.nothing_left()

    def short(self, faults, *arguments, expect="expect: {converged_within: 60s}\n", seconds=8, topology=""):
        """Runs a scenario of these faults; the verdicts by name."""
        figures = self.folder / "r.json"
        status, output = self.chaos(
            "run", self.scenario("name: short\n%swarmup: 2s\nrecovery: 1s\nduration: %ds\nworkload: {clients: 2, rate: 30}\nfaults:\n"
                                 % (topology, seconds) + "".join("  - {%s}\n" % fault for fault in faults) + expect),
            "--seed", "7", "--json", str(figures), *arguments)
        verdicts = {one["check"]: one for one in json.loads(figures.read_text())["verdicts"]} if figures.exists() else {}
        return status, output, verdicts

    def holds(self, faults, *arguments, **options):
        status, output, verdicts = self.short(faults, *arguments, **options)
        self.assertEqual(status, 0, output)
        self.nothing_left()
        return verdicts

    def test_power_cuts_lose_nothing_that_was_acknowledged(self):
        verdicts = self.holds(["at: 1s, power_cut: any, every: 1s, times: 3", "at: 5s, power_cut: all"])
        self.assertRegex(verdicts["disks"]["says"], r"^6 power cuts took [1-9]\d* bytes")

    def test_a_disk_that_lies_is_found_out(self):
        status, output, verdicts = self.short(["at: 3s, power_cut: all"], "--lying-disk", seconds=5)
        self.assertEqual(status, 1, output)
        self.assertFalse(verdicts["end_state"]["holds"], output)

    def test_failing_disks_lose_nothing_that_was_acknowledged(self):
        verdicts = self.holds(["at: 1s, for: 1s, disk_error: us-east-1, sync: 1", "at: 1s, for: 1s, disk_error: eu-west-1, write: 3, error: no_space",
                               "at: 3s, for: 1s, disk_error: us-east-1, sync: 4, once: true, from_start: true",
                               "at: 4s, for: 1s, disk_hang: ap-northeast-1", "at: 5s, power_cut: us-east-1",
                               "at: 6s, for: 1s, disk_slow: all, sync_delay: 30ms"])
        self.assertRegex(verdicts["disks"]["says"], r"; [1-9]\d* errors given")

    def test_a_damaged_file_is_noticed_and_the_region_filled_anew(self):
        verdicts = self.holds(["at: 1s, damage: us-east-1, file: wal, how: flip", "at: 4s, damage: us-east-1, file: current, how: delete"])
        self.assertRegex(verdicts["damage"]["says"], r"^[12] damaged files?, [12] refused")

    def test_a_table_is_made_again_in_a_partition(self):
        verdicts = self.holds(["for: 5s, isolate: us-east-1", "at: 1s, remake_table: us-east-1"])
        self.assertRegex(verdicts["remade_table"]["says"], r"^[1-9]\d* rows of the new table, [1-9]\d* of old ones; made again 1 times")

    def test_versions_are_mixed(self):
        verdicts = self.holds(["at: 1s, upgrade: us-east-1", "at: 4s, upgrade: us-east-1", "at: 5s, upgrade: eu-west-1"],
                              "--other", BINARY + "_future")
        self.assertRegex(verdicts["versions"]["says"], r"[1-9]\d* of them with fields of a later version")

    def test_packets_vanish_clocks_stand_still_and_processors_are_slow(self):
        faults = ["at: 1s, for: 3s, black_hole: all, over: 600B", "at: 1s, for: 5s, clock: any, grain: 500ms",
                  "at: 2s, for: 3s, clock: any, frozen: true", "at: 4s, for: 3s, cpu: any, share: 30%"]
        self.holds(faults)
        status, output, _ = self.short(["for: 3s, packets: all, loss: 3%, duplicate: 1%"], seconds=4)
        if status == 78:  # no root, no namespaces of users, or no nft
            self.assertRegex(output, "loses packets: .*(nft|namespaces of users)")
        else:
            self.assertEqual(status, 0, output)
        self.nothing_left()

    def test_a_bad_scenario_is_refused_with_the_place(self):
        path = self.scenario("name: bad\nfaults:\n  - {at: 2s, cut: [us-east-1, mars]}\n")
        status, output = self.chaos("run", path)
        self.assertEqual(status, 78)
        self.assertIn(path + ":3:", output)
        self.assertIn("there is no region \"mars\"", output)
        self.assertEqual(self.chaos("run", str(self.folder / "absent.yaml"))[0], 78)
        self.assertEqual(self.chaos("run")[0], 2)
        self.nothing_left()

    def test_those_that_are_shipped_are_listed_and_shown(self):
        status, output = self.chaos("list")
        self.assertEqual(status, 0)
        self.assertIn("f01-partition", output)
        status, output = self.chaos("show", "f01")
        self.assertEqual(status, 0)
        self.assertIn("name: f01-partition", output)

    def test_an_interrupt_leaves_nothing_behind(self):
        run = subprocess.Popen([BINARY, "chaos", "run", self.scenario("name: long\nduration: 60s\n")], env=self.environment,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertIn("long: seed", run.stdout.readline())
        time.sleep(2 * SLOWNESS)
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=30 * SLOWNESS)
        self.assertEqual(run.returncode, 130)
        self.nothing_left()


if __name__ == "__main__":
    unittest.main()
