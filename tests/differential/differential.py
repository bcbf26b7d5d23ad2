#!/usr/bin/env python3
"""Everwrite against AWS's DynamoDB Local: the same requests to both, and every answer compared.

    ./dev differential                         10,000 requests by chance, and the hand-picked ones
    ./dev differential --requests 100000 --seed 7
    ./dev differential --only cases            the hand-picked ones alone

Status, error name, message and document must be equal, but for what is each server's own (compare.py) and the
differences listed in known.py, each with the reason. Ends with 1 when another one is found. Needs Java 17 and,
the first time, npm.
"""
import argparse
import collections
import contextlib
import json
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import cases
import known
from compare import difference
from servers import Answer, Everwrite, dynalite, installed, local
from workload import TABLES, Workload, create


def until_gone(server, name):
    deadline = time.monotonic() + 30
    while server.ask("DescribeTable", {"TableName": name}).ok:
        server.ask("DeleteTable", {"TableName": name})
        if time.monotonic() > deadline:
            raise SystemExit("table %s does not go" % name)
        time.sleep(0.01)


def takes_away(body):
    """Updates after which an item may be there, or not: see known.py."""
    return '"REMOVE ' in json.dumps(body) or '"DELETE ' in json.dumps(body) or "AttributeUpdates" in body


class Run:
    def __init__(self, ours, theirs, arbiter, show):
        self.ours, self.theirs, self.arbiter, self.show = ours, theirs, arbiter, show
        self.all = (ours, theirs, arbiter)
        self.asked = self.same = 0
        self.known = collections.Counter()
        self.unknown = collections.OrderedDict()  # what kind of difference: [count, operation, body, ours, theirs]

    def ask(self, operation, body):
        a, b = self.ours.ask(operation, body), self.theirs.ask(operation, body)
        try:
            c = self.arbiter.ask(operation, body)
        except OSError:  # some requests end dynalite
            c = Answer(0, "")
            self.arbiter.stop()
            self.arbiter.start()
            self.make_tables([self.arbiter])
            self.equal_contents()
        self.asked += 1
        found = difference(operation, a, b)
        self.differed = found is not None
        if found is None:
            self.same += 1
            return a, b, c
        if a.type != "UnknownOperationException" and difference(operation, a, c) is None:
            reason = "dynalite, recorded from the service, answers as Everwrite does"
        else:
            reason = known.reason(operation, body, a, b)
        if reason:
            self.known[reason] += 1
        else:
            kind = (operation, a.status, a.type, known.shape(a.message), b.status, b.type, known.shape(b.message))
            entry = self.unknown.setdefault(kind, [0, operation, body, *found, str(c)])
            entry[0] += 1
        return a, b, c

    def make_tables(self, servers):
        for name in TABLES:
            for server in servers:
                answer = server.ask("CreateTable", create(name))
                if not answer.ok:
                    raise SystemExit("table %s: %s" % (name, answer))
        deadline = time.monotonic() + 30
        for name in TABLES:
            for server in servers:
                while server.ask("DescribeTable", {"TableName": name}).body["Table"]["TableStatus"] != "ACTIVE":
                    if time.monotonic() > deadline:
                        raise SystemExit("table %s does not become active" % name)
                    time.sleep(0.1)

    def equal_contents(self):
        """After a request that was answered differently the tables may differ, and all later answers with them."""
        for name in TABLES:
            contents = [server.ask("Scan", {"TableName": name}) for server in self.all]
            if any(difference("Scan", contents[0], other) is not None for other in contents[1:]):
                for server, answer in zip(self.all, contents):
                    for item in answer.body["Items"]:
                        key = {k: item[k] for k in ("pk", "sk") if k in item and not (k == "sk" and TABLES[name][1] is None)}
                        server.ask("DeleteItem", {"TableName": name, "Key": key})

    def equal_tables(self):
        names = [set(server.ask("ListTables", {}).body["TableNames"]) for server in self.all]
        for name in set.union(*names) - set(TABLES):
            described = [server.ask("DescribeTable", {"TableName": name}) for server in self.all]
            if difference("DescribeTable", *described[:2]) is None and described[2].ok:
                continue
            for server in self.all:
                server.ask("UpdateTable", {"TableName": name, "DeletionProtectionEnabled": False})
                until_gone(server, name)

    def random(self, count, seed):
        chance = random.Random(seed)
        workload = Workload(chance)
        for i in range(count):
            kind = chance.random()
            operation, body = workload.table_request() if kind < 0.1 else workload.valid()
            if kind < 0.05 or kind > 0.6:
                operation, body = workload.mutated(operation, body)
            a, b, c = self.ask(operation, body)
            if "Table" in operation and (a.ok or b.ok or c.ok):
                self.equal_tables()
            elif not a.ok == b.ok == c.ok or self.differed or takes_away(body) or i % 500 == 499:
                self.equal_contents()

    def report(self):
        for reason, count in self.known.most_common():
            print("known %6d x  %s" % (count, reason))
        entries = sorted(self.unknown.values(), key=lambda e: -e[0])
        for count, operation, body, ours, theirs, dynalites in entries[:self.show]:
            text = body.decode(errors="replace") if isinstance(body, bytes) else json.dumps(body)
            print("\n%d x %s %s\n  ours:     %s\n  Local:    %s\n  dynalite: %s" %
                  (count, operation, text[:700], ours, theirs, dynalites[:300]))
        if len(entries) > self.show:
            print("\n... and %d more kinds (--show)" % (len(entries) - self.show))
        different = self.asked - self.same - sum(self.known.values())
        print("\n%d requests: %d answered alike, %d differ for a known reason, %d differ (%d kinds)" %
              (self.asked, self.same, sum(self.known.values()), different, len(entries)))
        return 0 if different == 0 else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=10000, help="how many by chance")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=40, help="kinds of differences printed")
    parser.add_argument("--only", choices=["cases", "random"])
    options = parser.parse_args()
    modules = installed()
    with contextlib.ExitStack() as stack:
        servers = []
        for start in (Everwrite, lambda: local(modules), lambda: dynalite(modules)):
            servers.append(start())
            stack.callback(servers[-1].stop)
        run = Run(*servers, options.show)
        run.make_tables(run.all)
        if options.only != "random":
            for operation, body in cases.all_cases():
                run.ask(operation, body)
            run.equal_contents()
        if options.only != "cases":
            run.random(options.requests, options.seed)
        return run.report()


if __name__ == "__main__":
    sys.exit(main())
