#!/usr/bin/env python3
"""A consumer of a table's stream goes from region to region while all of them write and are killed, and sees all, once.

Three regions of real processes. In each, writers put items: some keys are one writer's own, others all writers fight for,
with deletions. A consumer (docs/examples/everwrite_stream.py) reads; now and then the region that it reads from is killed
with SIGKILL, or cut off, and the consumer goes on at once in another; often in the middle of a page. In the end:

  no change was seen twice;
  of a writer's own keys every acknowledged write was seen, in the order of writing;
  of the others the last that was seen is what the table holds.

And once more after the region that it reads from has lost its disk.

    stream_failover_test.py [--seconds 12] [--seed 1]
"""
import argparse
import os
import pathlib
import random
import signal
import sys
import threading
import time

import boto3
from botocore.config import Config

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docs/examples"))
from chaos_run import pids_of
from everwrite_stream import StreamConsumer
from world import World, until


def client_of(region, service):
    return boto3.client(service, region_name=region.name, endpoint_url="http://" + region.endpoint, aws_access_key_id="test",
                        aws_secret_access_key="test", config=Config(retries={"max_attempts": 0}, connect_timeout=2, read_timeout=5))


class Writer(threading.Thread):
    """Writes 1, 2, 3 … to its own keys in turn, and now and then to the shared ones."""

    def __init__(self, region, name, chance, stopping):
        super().__init__()
        self.client, self.own, self.chance, self.stopping = client_of(region, "dynamodb"), name, chance, stopping
        self.acknowledged, self.tried = set(), 0

    def run(self):
        while not self.stopping.is_set():
            try:
                if self.chance.random() < 0.6:
                    self.tried += 1
                    value = self.tried
                    self.client.put_item(TableName="orders", Item={"pk": {"S": "%s/%d" % (self.own, value % 3)}, "v": {"N": str(value)}})
                    self.acknowledged.add(value)
                else:
                    key = {"pk": {"S": "shared%d" % self.chance.randrange(4)}}
                    if self.chance.random() < 0.2:
                        self.client.delete_item(TableName="orders", Key=key)
                    else:
                        self.client.put_item(TableName="orders", Item=dict(key, v={"N": str(self.chance.randrange(5))}))
            except Exception:
                time.sleep(0.05)
            time.sleep(self.chance.random() * 0.01)


class Reader:
    """Where the consumer is, and what it has had."""

    def __init__(self, world, chance):
        self.chance = chance
        self.clients = {name: client_of(region, "dynamodbstreams") for name, region in world.regions.items()}
        self.at = world.names[0]
        self.consumer = StreamConsumer(self.clients[self.at], "orders")
        self.records, self.moves = [], 0

    def read(self):
        """A little, and sometimes not to the end of the page."""
        stop = self.chance.randrange(1, 400)
        try:
            for record in self.consumer.poll(limit=self.chance.choice([5, 50, 1000])):
                self.records.append(record)
                stop -= 1
                if stop == 0:
                    break  # what has been given out counts; the rest of the page comes again
        except Exception as error:
            if "Trimmed" in str(error):
                raise
            time.sleep(0.05)

    def move(self, name):
        self.consumer.move_to(self.clients[name])
        self.at, self.moves = name, self.moves + 1


def disturb(world, reader, chance):
    name = reader.at
    others = [other for other in world.names if other != name]
    if chance.random() < 0.6:
        os.kill(pids_of(world, name)["region"], signal.SIGKILL)
        reader.move(chance.choice(others))
    else:
        for other in others:
            world.command("link", "cut", name, other)
        for _ in range(10):
            reader.read()
        reader.move(chance.choice(others))
        for _ in range(5):
            reader.read()  # it may be told nothing yet
        for other in others:
            world.command("link", "heal", name, other)


def check(world, reader, writers):
    events = [record["eventID"] for record in reader.records]
    assert len(set(events)) == len(events), "%d records were seen twice" % (len(events) - len(set(events)))
    by_key, last = {}, {}
    for record in reader.records:
        data = record["dynamodb"]
        pk = data["Keys"]["pk"]["S"]
        last[pk] = data.get("NewImage")
        if "/" in pk:
            by_key.setdefault(pk, []).append(int(data["NewImage"]["v"]["N"]))
    for writer in writers:
        for i in range(3):
            seen = by_key.get("%s/%d" % (writer.own, i), [])
            assert seen == sorted(set(seen)), "%s/%d out of order: %s" % (writer.own, i, seen)
            missing = {value for value in writer.acknowledged if value % 3 == i} - set(seen)
            assert not missing, "%s/%d: never seen: %s" % (writer.own, i, sorted(missing)[:10])
    table = {entry["pk"]["S"]: entry for page in client_of(world.region(reader.at), "dynamodb").get_paginator("scan").paginate(TableName="orders")
             for entry in page["Items"]}
    for pk in set(table) | set(last):
        assert last.get(pk) == table.get(pk), "%s: seen last %s, in the table %s" % (pk, last.get(pk), table.get(pk))


def check_the_check(world, reader, writers):
    """A record too many, and one too few, must be found."""
    whole = reader.records
    own = next(i for i, record in enumerate(whole) if "/" in record["dynamodb"]["Keys"]["pk"]["S"])
    for records in (whole + whole[:1], whole[:own] + whole[own + 1:]):
        reader.records = records
        try:
            check(world, reader, writers)
        except AssertionError:
            continue
        finally:
            reader.records = whole
        raise AssertionError("the check misses a record that was seen twice, or never")


def read_to_end(reader):
    def at_end():
        before = len(reader.records)
        for _ in range(20):
            reader.read()
        return len(reader.records) == before
    until(at_end, 60, "the consumer to come to the end")


def lose_disk_under(world, reader):
    """The region that it reads from loses its disk and is filled: what the consumer had not had is not in the new stream."""
    client = client_of(world.region(reader.at), "dynamodb")
    reader.consumer, reader.records = StreamConsumer(reader.clients[reader.at], "orders"), []  # one that never was elsewhere
    read_to_end(reader)
    for i in range(50):
        client.put_item(TableName="orders", Item={"pk": {"S": "late%d" % i}})
    world.wait_until_converged(60)
    reader.records += reader.consumer.poll(limit=20)
    world.lose_disk(reader.at)
    until(lambda: world.is_ready(reader.at), 60, "the region to be filled")
    client.put_item(TableName="orders", Item={"pk": {"S": "behind"}})
    try:
        had = [record for _ in range(5) for record in reader.consumer.poll()]
    except Exception as error:
        assert "TrimmedDataAccess" in str(error), error
    else:
        raise AssertionError("went on with %d records, though the new stream lacks some" % len(had))
    reader.move(next(name for name in world.names if name != reader.at))
    world.wait_until_converged(60)
    read_to_end(reader)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=12)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random("failover %d" % options.seed)
    with World(regions=3, latency_ms=25) as world:
        client_of(world.region(world.names[0]), "dynamodb").create_table(
            TableName="orders", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
        world.wait_for_table("orders")
        stopping = threading.Event()
        writers = [Writer(world.region(name), "%s-%d" % (name, i), random.Random("%s %d" % (name, i)), stopping)
                   for name in world.names for i in range(2)]
        reader = Reader(world, chance)
        for writer in writers:
            writer.start()
        try:
            end, next_fault = time.monotonic() + options.seconds, time.monotonic() + 1.5
            while time.monotonic() < end:
                reader.read()
                if time.monotonic() > next_fault:
                    disturb(world, reader, chance)
                    next_fault = time.monotonic() + 1 + chance.random() * 1.5
                elif chance.random() < 0.05:
                    reader.move(chance.choice(world.names))
        finally:
            stopping.set()
            for writer in writers:
                writer.join()
        world.wait_until_converged(60)
        acknowledged = sum(len(writer.acknowledged) for writer in writers)
        read_to_end(reader)
        check(world, reader, writers)
        check_the_check(world, reader, writers)
        lose_disk_under(world, reader)
        check(world, reader, writers)
        print("%d records in %d moves; %d acknowledged writes of own keys, none missing, none twice"
              % (len(reader.records), reader.moves, acknowledged))
        assert reader.moves > 5 and acknowledged > 300


if __name__ == "__main__":
    main()
