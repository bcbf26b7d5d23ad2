#!/usr/bin/env python3
"""Real processes under faults: nothing acknowledged is lost, and all regions end equal.

Writers in every region put items, half of them to a few hot keys that all regions fight for, half to
keys that are written once. Meanwhile a link is cut and healed, and a region, a replicator and a
nats-server are killed (SIGKILL) in turn. Then everything is healed; the regions must become equal; and
`everwrite chaos check` holds the stores against what the writers were told: every acknowledged write is
in every region's log, and is the stored version, overwritten knowingly, or in the ledger.

    chaos_run.py [--rounds 1] [--seconds 5] [--writers 2] [--fault all|link|region|replicator|nats|freeze|everything]
"""
import argparse
import os
import random
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from world import ApiError, World, alive, make_table, until

FAULTS = ["link", "region", "replicator", "nats", "freeze", "everything"]


class Writers:
    """Threads that write until stopped, and remember what they were told."""

    def __init__(self, world, per_region, seed):
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.next_id = 0
        self.once = 0
        self.outcomes = []  # (id, key, outcome)
        self.threads = [threading.Thread(target=self.run, args=(region.another(), random.Random(seed * 100 + i * 10 + n)))
                        for i, region in enumerate(world.regions.values()) for n in range(per_region)]

    def start(self):
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def run(self, region, chance):
        while not self.stopping.is_set():
            with self.lock:
                self.next_id += 1
                write = self.next_id
                if chance.random() < 0.5:
                    key = "hot%d" % chance.randrange(8)
                else:
                    self.once += 1
                    key = "once%d" % self.once
            outcome = "unknown"
            try:
                region.call("PutItem", {"TableName": "world",
                                        "Item": {"pk": {"S": key}, "id": {"S": str(write)}}})
                outcome = "acknowledged"
            except ApiError as error:
                if error.status < 500:
                    raise
                time.sleep(0.1)
            except OSError:
                time.sleep(0.1)
            except Exception:  # a connection that was reset in the middle of an answer
                time.sleep(0.1)
            with self.lock:
                self.outcomes.append((write, key, outcome))
            time.sleep(chance.random() * 0.01)

    def acknowledged(self):
        with self.lock:
            return sum(1 for o in self.outcomes if o[2] == "acknowledged")


def pids_of(world, name):
    for region in world.status()["regions"]:
        if region["name"] == name:
            return region["pids"]
    raise AssertionError("status does not name " + name)


def inject(world, fault, chance, seconds):
    names = world.names
    if fault == "link":
        a, b = chance.sample(names, 2)
        print("  cut %s - %s for %.0f s" % (a, b, seconds), flush=True)
        world.command("link", "cut", a, b)
        time.sleep(seconds)
        world.command("link", "heal", a, b)
        return
    if fault == "everything":
        print("  SIGKILL everything", flush=True)
        pids = [pid for region in world.status()["regions"] for pid in region["pids"].values()]
        world.process.kill()
        world.process.wait()
        world.ended()
        until(lambda: not any(alive(pid) for pid in pids), 10, "the kernel to end what `up` had started")
        world.start()
        time.sleep(seconds)
        return
    name = chance.choice(names)
    if fault == "freeze":
        role = chance.choice(["region", "replicator", "nats"])
        pid = pids_of(world, name)[role]
        print("  freeze the %s of %s (pid %d) for %.0f s" % (role, name, pid, seconds), flush=True)
        os.kill(pid, signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            os.kill(pid, signal.SIGCONT)
        return
    pid = pids_of(world, name)[fault]
    print("  SIGKILL the %s of %s (pid %d)" % (fault, name, pid), flush=True)
    os.kill(pid, signal.SIGKILL)
    # `up` starts it again: another pid under the same name.
    until(lambda: pids_of(world, name).get(fault) not in (None, 0, pid), 20, "the %s of %s to be restarted" % (fault, name), 0.2)
    time.sleep(seconds)


def run(seed, faults, seconds, writers_per_region):
    chance = random.Random("chaos %d" % seed)  # small numbers as seeds choose alike at first
    with World(regions=3, latency_ms=15) as world:
        make_table(world.region(world.names[0]), "world")
        world.wait_for_table("world")
        writers = Writers(world, writers_per_region, seed)
        writers.start()
        try:
            time.sleep(1)
            for fault in faults:
                before = writers.acknowledged()
                inject(world, fault, chance, seconds)
                assert writers.acknowledged() > before, "nobody could write during the fault"
        finally:
            writers.stop()
        begin = time.monotonic()
        world.wait_until_converged(60)
        print("  %d writes, %d acknowledged; equal %.1f s after the last" %
              (len(writers.outcomes), writers.acknowledged(), time.monotonic() - begin), flush=True)
        history = world.folder / "history.tsv"
        history.write_text("".join("%d\t%s\t%s\n" % o for o in sorted(writers.outcomes)))
        conflicts = sum(r.get("conflicts", 0) for r in world.status()["regions"])
        world.stop()
        checked = world.command("chaos", "check", "--history", str(history),
                                *[str(world.folder / "data" / name) for name in world.names])
        print("  " + checked.stdout.strip().replace("\n", "\n  "), flush=True)
        # The checker itself: a write that was acknowledged and never made must be missed.
        with open(history, "a") as more:
            more.write("%d\thot0\tacknowledged\n" % (len(writers.outcomes) + 1))
        missed = world.command("chaos", "check", "--history", str(history),
                               *[str(world.folder / "data" / name) for name in world.names], check=False)
        assert missed.returncode == 1, "the checker missed a lost write: " + missed.stdout
        assert conflicts > 0, "three regions fought for eight keys without one conflict"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=3, help="how long each fault lasts")
    parser.add_argument("--writers", type=int, default=2, help="a region")
    parser.add_argument("--fault", choices=["all"] + FAULTS, default="all")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    faults = FAULTS if options.fault == "all" else [options.fault]
    for i in range(options.rounds):
        print("round %d (seed %d)" % (i + 1, options.seed + i), flush=True)
        run(options.seed + i, faults, options.seconds, options.writers)
    print("%d passed, 0 failed" % options.rounds)


if __name__ == "__main__":
    main()
