#!/usr/bin/env python3
"""A long run of the proof of convergence: writes of all kinds, partitions and killed processes, and not one false alarm.

Writers in every region put, update, delete and transact, on hot keys that all fight for and on keys of their own, some
with a time to live. Links are cut and healed all the time, alone and together; now and then a replicator or a region is
killed. What the regions' digests find is asked for every second: they may never differ. In the end all is healed, and
`verify --full` reads every item.

    proof_soak.py [--minutes 60] [--rate 150] [--seed 1]

Ends with 0 when there was no alarm and all regions were equal in the end. Not among the quick tests.
"""
import argparse
import collections
import itertools
import json
import os
import random
import signal
import sys
import threading
import time

from world import ApiError, World, make_table, until

TABLE = "soak"


class Writer(threading.Thread):
    """Writes at a pace until stopped; refusals and lost connections of killed regions are counted, not feared."""

    def __init__(self, region, seed, pace):
        super().__init__()
        self.region, self.chance, self.pace = region.another(), random.Random(seed), pace
        self.stopping = False
        self.done = collections.Counter()

    def key(self):
        if self.chance.random() < 0.4:
            return {"pk": {"S": "hot%d" % self.chance.randrange(20)}}
        return {"pk": {"S": "%s-%d" % (self.region.name, self.chance.randrange(3000))}}

    def item(self):
        item = dict(self.key(), v={"S": "x" * self.chance.randrange(300)}, n={"N": str(self.chance.randrange(1000))})
        if self.chance.random() < 0.1:
            item["gone"] = {"N": str(int(time.time()) + self.chance.randrange(60))}
        return item

    def write(self):
        kind = self.chance.choice(["put", "put", "update", "delete", "transact"])
        if kind == "put":
            self.region.call("PutItem", {"TableName": TABLE, "Item": self.item()})
        elif kind == "update":
            self.region.call("UpdateItem", {"TableName": TABLE, "Key": self.key(), "UpdateExpression": "ADD hits :one",
                                            "ExpressionAttributeValues": {":one": {"N": "1"}}})
        elif kind == "delete":
            self.region.call("DeleteItem", {"TableName": TABLE, "Key": self.key()})
        else:
            items = {json.dumps(item["pk"]): item for item in (self.item() for _ in range(3))}
            self.region.call("TransactWriteItems", {"TransactItems": [{"Put": {"TableName": TABLE, "Item": item}} for item in items.values()]})
        return kind

    def run(self):
        while not self.stopping:
            begin = time.monotonic()
            try:
                self.done[self.write()] += 1
            except ApiError as error:
                self.done[error.type] += 1
            except OSError as error:
                self.done[type(error).__name__] += 1
            time.sleep(max(0, self.pace - (time.monotonic() - begin)))
        self.region.close()


class Guard(threading.Thread):
    """Asks each region every second what its digests have found."""

    def __init__(self, world):
        super().__init__()
        self.regions = [region.another() for region in world.regions.values()]
        self.stopping = False
        self.alarms, self.equal, self.asked = set(), collections.Counter(), 0

    def run(self):
        while not self.stopping:
            for region in self.regions:
                try:
                    report = json.loads(region.admin_get("/convergence")[1])
                except (OSError, ValueError):
                    continue  # killed just now
                self.asked += 1
                self.equal[region.name] = max(self.equal[region.name], report["compared_equal"])
                for finding in report["findings"]:
                    alarm = (region.name, json.dumps(finding, sort_keys=True))
                    if alarm not in self.alarms:
                        print("ALARM in %s: %s" % (region.name, finding), flush=True)
                    self.alarms.add(alarm)
            time.sleep(1)


def disturb(world, chance, begin, seconds):
    """One fault after another until the time is over; yields what was done."""
    pairs = list(itertools.combinations(world.names, 2))
    while time.monotonic() - begin < seconds:
        fault = chance.choice(["cut", "cut", "cut", "isolate", "isolate", "reset", "replicator", "region"])
        lasting = chance.uniform(1, 15)
        if fault == "cut":
            world.command("link", "cut", *chance.choice(pairs))
        elif fault == "isolate":
            alone = chance.choice(world.names)
            for a, b in pairs:
                if alone in (a, b):
                    world.command("link", "cut", a, b)
        elif fault == "reset":
            world.command("link", "reset", *chance.choice(pairs))
        else:
            pid = world.pid(chance.choice(world.names), fault)
            if pid:  # none while `up` starts it again
                os.kill(pid, signal.SIGKILL)
        yield fault
        time.sleep(lasting)
        world.command("link", "heal")
        time.sleep(chance.uniform(0.5, 8))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=float, default=150, help="writes a second, all regions together")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with World(regions=3, latency_ms=20) as world:
        make_table(world.region(world.names[0]), TABLE)
        world.wait_for_table(TABLE)
        world.region(world.names[0]).call("UpdateTimeToLive", {"TableName": TABLE, "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "gone"}})
        writers = [Writer(region, options.seed * 100 + i, 3 / options.rate) for i, region in enumerate(world.regions.values())]
        guard = Guard(world)
        for thread in [*writers, guard]:
            thread.start()
        faults, told = collections.Counter(), 0
        begin = time.monotonic()
        try:
            for fault in disturb(world, chance, begin, options.minutes * 60):
                faults[fault] += 1
                minutes = (time.monotonic() - begin) / 60
                if minutes >= told + 5:
                    told = int(minutes)
                    print("%3d min: %s; %d alarms; compared equal %s" % (told, dict(faults), len(guard.alarms), dict(guard.equal)), flush=True)
        finally:
            for thread in [*writers, guard]:
                thread.stopping = True
            for thread in [*writers, guard]:
                thread.join()
        world.command("link", "heal")
        healed = time.monotonic()
        world.wait_until_converged()
        print("equal %.1f s after the last fault was healed" % (time.monotonic() - healed))
        until(lambda: all(json.loads(region.admin_get("/convergence")[1])["open"] == 0 for region in world.regions.values()), 30, "nothing to be open")
        full = world.command("verify", str(world.topology), "--full", check=False)
        print(full.stdout.strip())
        done = sum((w.done for w in writers), collections.Counter())
        print("writes and refusals: %s" % dict(done))
        print("faults: %s" % dict(faults))
        print("%.0f minutes, %d reports read, buckets compared equal %s: %d alarms" %
              (options.minutes, guard.asked, dict(guard.equal), len(guard.alarms)))
        return 0 if not guard.alarms and full.returncode == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
