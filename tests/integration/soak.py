#!/usr/bin/env python3
"""Memory under a steady load: resident megabytes of each process, before, during and after.

    soak.py [--minutes 10] [--regions 1|3] [--rate 300] [--keys 20000] [--every 10] [--check]

The rate is of writes a second in all regions together; beside them goes a third as many reads. The keys
are a fixed set, so that the items' own size settles; what grows on disk is the change log. The first line
of the table is of processes that were never asked for anything. With --check the exit status is 1 when a
process is idle above 100 MB, or its peak grows by more than 15 % and 16 MB from the middle third of the
run to the last. By hand, not in CI: flat is a word about minutes.
"""
import argparse
import os
import pathlib
import random
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from world import World, make_table

IDLE_MB_MAX = 100
GROWTH_MAX = 0.15
GROWTH_MB_MIN = 16


def resident_mb(pid):
    for line in pathlib.Path("/proc/%d/status" % pid).read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


class Load:
    def __init__(self, world, rate, keys):
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.writes = self.reads = self.errors = 0
        self.busy = 0.0  # seconds in writes
        self.keys = keys
        per_region = 2
        self.pause = per_region * len(world.names) / rate
        self.threads = [threading.Thread(target=self.run, args=(region.another(), random.Random("%s %d" % (name, n))))
                        for name, region in world.regions.items() for n in range(per_region)]
        for thread in self.threads:
            thread.start()

    def run(self, region, chance):
        due = time.monotonic() + chance.random() * self.pause
        while not self.stopping.is_set():
            time.sleep(max(0.0, due - time.monotonic()))
            due = max(due + self.pause, time.monotonic() - 1)  # after a stall no more than a second is made up for
            key = {"pk": {"S": "key%06d" % chance.randrange(self.keys)}}
            write, read, error, begin = 1, 0, 0, time.monotonic()
            try:
                region.call("PutItem", {"TableName": "soak", "Item": dict(
                    key, n={"N": str(chance.randrange(10 ** 9))}, text={"S": "x" * chance.randrange(20, 800)})})
                took = time.monotonic() - begin
                if chance.random() < 1 / 3:
                    region.call("GetItem", {"TableName": "soak", "Key": key})
                    read = 1
            except Exception:
                write, error, took = 0, 1, 0.0
                time.sleep(0.1)
            with self.lock:
                self.writes += write
                self.reads += read
                self.errors += error
                self.busy += took

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()


def processes(world):
    """[(heading, pid)]: a column each."""
    out = [("up", world.process.pid)]
    for region in world.status()["regions"]:
        for role in ("region", "replicator", "nats"):
            out.append(("%s %s" % (region["name"], role), region["pids"][role]))
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--regions", type=int, default=3)
    parser.add_argument("--rate", type=float, default=300)
    parser.add_argument("--keys", type=int, default=20000)
    parser.add_argument("--every", type=float, default=10, help="seconds between samples")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    with World(regions=options.regions, latency_ms=20) as world:
        time.sleep(3)
        columns = processes(world)
        print("| s | writes | mean write ms | " + " | ".join(name for name, _ in columns) + " |")
        print("|" + "---:|" * (len(columns) + 3), flush=True)
        samples = []

        def sample(seconds, load):
            row = [resident_mb(pid) for _, pid in columns]
            samples.append(row)
            writes, busy = (load.writes, load.busy) if load else (0, 0.0)
            print("| %d | %d | %.2f | " % (seconds, writes, 1000 * busy / writes if writes else 0) +
                  " | ".join("%.0f" % mb for mb in row) + " |", flush=True)

        sample(0, None)
        make_table(world.region(world.names[0]), "soak")
        world.wait_for_table("soak")
        load = Load(world, options.rate, options.keys)
        begin = time.monotonic()
        try:
            while time.monotonic() - begin < options.minutes * 60:
                time.sleep(options.every)
                sample(time.monotonic() - begin, load)
        finally:
            load.stop()
        world.wait_until_converged(60)
        assert processes(world) == columns, "a process was started again: %s -> %s" % (columns, processes(world))
        print("%d writes, %d reads, %d errors in %.0f s; all regions equal" %
              (load.writes, load.reads, load.errors, time.monotonic() - begin))
    # Memory goes up and down with the store's memtables: the peaks of two thirds are compared.
    third = max(1, len(samples) // 3)
    middle, last = ([max(column) for column in zip(*part)] for part in (samples[third:2 * third] or samples, samples[-third:]))
    bad = ["%s: %.0f MB idle" % (name, mb) for (name, _), mb in zip(columns, samples[0]) if mb > IDLE_MB_MAX]
    bad += ["%s: %.0f MB at most in the middle, %.0f MB at the end" % (name, a, b) for (name, _), a, b in zip(columns, middle, last)
            if b - a > max(GROWTH_MB_MIN, a * GROWTH_MAX)]
    for line in bad:
        print("GROWS or is LARGE: " + line)
    if options.check and (bad or load.errors):
        sys.exit(1)


if __name__ == "__main__":
    main()
