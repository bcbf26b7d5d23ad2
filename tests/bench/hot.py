"""When another region's items are seen here, while this region's clients stand in line for ten items.

A put of one item waits for the one before to be on disk (docs/decisions/0004), so many clients of few items are a queue;
other regions' changes come in batches and go through the same items. The other region writes a hot item and then one of
its own, and the time is from that answer until a consistent read shows the second here. The table must be there.
"""

import argparse
import concurrent.futures
import importlib.machinery
import importlib.util
import pathlib
import time

HERE = pathlib.Path(__file__).resolve().parent
HOT_ITEMS = 10
START_S = 1  # until the clients stand in line


class Failed(Exception):
    pass


def generator():
    """load/run as a module: its client, and how it calls wrk."""
    loader = importlib.machinery.SourceFileLoader("load_run", str(HERE / "load/run"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("load_run", loader))
    loader.exec_module(module)
    return module


def seen_after(run, here, there, seconds):
    """Delays in ms, one after the other, for so long."""
    reader, writer = (run.Client(url, "us-east-1", "loadtest", "loadtestsecret") for url in (here, there))
    delays = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        n = len(delays)
        mark = {"pk": {"S": "mark"}, "sk": {"N": str(n)}}
        writer.call("PutItem", {"TableName": "usertable", "Item": dict(run.key(n % HOT_ITEMS), v={"N": str(n)})})
        writer.call("PutItem", {"TableName": "usertable", "Item": mark})
        begin = time.monotonic()
        while "Item" not in reader.call("GetItem", {"TableName": "usertable", "Key": mark, "ConsistentRead": True}):
            if time.monotonic() - begin > 30:
                raise Failed("an item was not seen in the other region for 30 s")
            time.sleep(0.001)
        delays.append((time.monotonic() - begin) * 1e3)
        reader.call("DeleteItem", {"TableName": "usertable", "Key": mark})  # the next run asks for it anew
    return sorted(delays)


def measure(here, there, connections, seconds):
    """`here` and `there`: ports of two regions. The delays in ms, and the p99 of the clients that stand in line."""
    run = generator()
    here, there = ("http://127.0.0.1:%d" % port for port in (here, there))
    options = argparse.Namespace(
        table="usertable", items=HOT_ITEMS, pool=500, consistent=False, region="us-east-1", access="loadtest",
        secret="loadtestsecret", threads=1, connections=connections, generator_cpu=None)
    with concurrent.futures.ThreadPoolExecutor(1) as other:
        try:
            clients = other.submit(run.wrk, here, "put", options, START_S + seconds + 1, 1)
            time.sleep(START_S)
            delays = seen_after(run, here, there, seconds)
            p99_us = clients.result()["p99_us"]
        except run.Failed as e:
            raise Failed(str(e))
    return {"connections": connections, "samples": len(delays), "p50_ms": delays[len(delays) // 2],
            "p90_ms": delays[len(delays) * 9 // 10], "max_ms": delays[-1], "clients_p99_ms": p99_us / 1e3}
