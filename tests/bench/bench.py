"""What a request costs Everwrite, as ratios to the reference floor measured beside it.

    ./dev bench                                   everything, about 20 minutes
    ./dev bench --quick                           short rounds: a first look
    ./dev bench --only get,put --rounds 9         some workloads, more rounds
    ./dev bench --only attached,lag,idle          the parts that are no workloads
    ./dev bench --only delays,catchup             replication over links with delays, and after a cut
    ./dev bench --only hot                        replication beside clients that stand in line for ten items

Figures are user+system CPU microseconds of the server process a request, at 16 connections of one load
generator (load/run), items of 1 KB. The machine's mood is kept out by interleaving: each round runs every
server in turn, and medians of rounds are compared. docs/benchmarks.md has the method and figures.

Needs g++, wrk, nats-server and a release build (build/everwrite, or --everwrite FILE).
"""
import argparse
import json
import os
import pathlib
import platform
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

import disk_probe
import hot

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WORKLOADS = ["get", "put", "update", "query", "batchget", "batchwrite", "ycsb-a"]
PARTS = WORKLOADS + ["cache", "relaxed", "attached", "lag", "idle", "delays", "catchup", "hot"]
REGIONS = ["us-east-1", "eu-west-1", "ap-northeast-1"]
GOALS = {"get": 2.0, "put": 2.0, "update": 1.75, "query": 2.0, "batchget": 1.75, "batchwrite": 1.5,
         "durable/relaxed": 1.25, "attached/alone": 1.5, "lag_p50_ms": 5.0, "lag_p99_ms": 50.0, "idle_mib": 100.0}
LAG_RATE = 2000
DELAYS_MS = [0, 40, 150]
DELAY_RATES = [1000, 5000]
CATCH_UP_RATE = 1000
HOT_DELAY_MS = 10
HOT_CONNECTIONS = [64, 400]
HOT_SECONDS = 10
START_SECONDS = 30


class Failed(Exception):
    pass


def free_ports(count):
    """Ports nobody listens on now. Held open together, so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in sockets]
    finally:
        for s in sockets:
            s.close()


def wait_for(what, ready):
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if time.monotonic() > deadline:
            raise Failed("%s did not start" % what)
        time.sleep(0.05)


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def answers(port, path):
    try:
        with urllib.request.urlopen("http://127.0.0.1:%d%s" % (port, path), timeout=2) as r:
            return r.status == 200
    except OSError:
        return False


def cpu_seconds(pids):
    """User and system time of the processes, all their threads included."""
    ticks = 0
    for pid in pids:
        with open("/proc/%d/stat" % pid) as f:
            fields = f.read().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def resident_mib(pid):
    with open("/proc/%d/status" % pid) as f:
        for text in f:
            if text.startswith("VmRSS:"):
                return int(text.split()[1]) / 1024
    raise Failed("process %d has gone" % pid)


class Server:
    """One process that answers DynamoDB requests, in a folder of its own, stopped by its pid."""

    def __init__(self, command, folder, port):
        self.port = port
        self.log = open(folder / "stderr.log", "ab")
        self.process = subprocess.Popen([str(x) for x in command], stdout=subprocess.DEVNULL,
                                        stderr=self.log, cwd=folder)
        self.pids = [self.process.pid]
        wait_for(command[0], lambda: listens(port) or self.process.poll() is not None)
        if self.process.poll() is not None:
            raise Failed("%s ended; see %s" % (command[0], self.log.name))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


class Cluster:
    """`everwrite up` of three regions."""

    def __init__(self, everwrite, folder, latency_ms=0):
        ports = free_ports(9)
        self.folder = folder
        self.ports = dict(zip(REGIONS, ports[0:3]))
        self.file = folder / "topology.yaml"
        write_topology(self.file, "durable",
                       [(name, ports[i], ports[3 + i], ports[6 + i])
                        for i, name in enumerate(REGIONS)], latency_ms)
        self.everwrite = everwrite
        # Commands find what runs by this folder: nothing of the user's own is met.
        self.environment = dict(os.environ, XDG_RUNTIME_DIR=str(folder))
        self.log = open(folder / "up.log", "ab")
        self.process = subprocess.Popen(
            [everwrite, "up", str(self.file), "--data", str(folder / "data")],
            stdout=self.log, stderr=self.log, env=self.environment)
        try:
            wait_for("everwrite up", self.ready)
        except Failed:
            self.stop()
            raise

    def ready(self):
        if self.process.poll() is not None:
            raise Failed("everwrite up ended; see %s" % self.log.name)
        with open(self.log.name) as f:
            return any(line.startswith("ready") for line in f)

    def status(self):
        out = subprocess.run([self.everwrite, "status", str(self.file), "--json"],
                             env=self.environment, stdout=subprocess.PIPE, text=True).stdout
        return json.loads(out)

    def command(self, *arguments):
        subprocess.run([self.everwrite, *arguments], env=self.environment, stdout=subprocess.DEVNULL, check=True)

    def pids(self, region):
        """{"region": pid, "replicator": pid} of one region."""
        for r in self.status()["regions"]:
            if r["name"] == region:
                return r["pids"]
        raise Failed("status does not name %s" % region)

    def vectors(self):
        return [json.dumps(r.get("vector"), sort_keys=True) for r in self.status()["regions"]]

    def sent_bytes(self, region):
        """Put on the bus by this region for the others, {region: bytes}; told each second."""
        return {x["to"]: x["sent_bytes"] for x in self.status()["links"] if x["from"] == region}

    def settle(self):
        """Waits until all regions have applied the same."""
        deadline = time.monotonic() + 300
        while len(set(self.vectors())) != 1:
            if time.monotonic() > deadline:
                raise Failed("the regions did not catch up")
            time.sleep(0.2)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


def write_topology(file, durability, regions, latency_ms=0):
    text = ["cluster: bench", "durability: " + durability, "regions:"]
    for i, (name, endpoint, admin, nats) in enumerate(regions):
        text += ["  - name: " + name, "    id: %d" % (i + 1),
                 "    endpoint: 127.0.0.1:%d" % endpoint, "    admin: 127.0.0.1:%d" % admin,
                 "    nats: nats://127.0.0.1:%d" % nats, "    data: " + name]
    if len(regions) > 1:
        text += ["links:", "  - between: others", "    latency: %dms" % latency_ms]
    file.write_text("\n".join(text) + "\n")


class Bench:
    def __init__(self, options, folder):
        self.options = options
        self.folder = folder
        self.everwrite = str(pathlib.Path(options.everwrite).resolve())
        self.servers = {}
        self.cluster = None
        self.rows = {}       # (workload, server) -> [median of a run]
        self.result = {"lag": None, "idle_mib": None, "idle_attached_mib": None}

    # --- what runs -------------------------------------------------------------------------------

    def compile(self, name, *libraries):
        out = self.folder / name
        subprocess.run(["g++", "-O2", "-std=c++20", str(HERE / (name + ".cc")), "-o", str(out),
                        *libraries, "-lpthread"], check=True)
        return out

    def start_floor(self):
        binary = self.compile("floor", "-lrocksdb", "-lsimdjson", "-lcrypto")
        folder = self.folder / "floor.d"
        folder.mkdir()
        port = free_ports(1)[0]
        # One thread; a batch per loop turn, synced: the durable floor.
        self.servers["floor"] = Server([binary, port, 1, folder / "db", 2], folder, port)

    def start_region(self, name, durability):
        folder = self.folder / name
        folder.mkdir()
        endpoint, admin, nats = free_ports(3)
        file = folder / "topology.yaml"
        write_topology(file, durability, [(REGIONS[0], endpoint, admin, nats)])
        server = Server([self.everwrite, "region", "--topology", file, "--region", REGIONS[0],
                         "--data", folder / "data"], folder, endpoint)
        self.servers[name] = server
        wait_for(name, lambda: answers(admin, "/readyz"))

    def start_cluster(self, latency_ms=0):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="cluster-", dir=self.folder))
        self.cluster = Cluster(self.everwrite, folder, latency_ms)

    def stop_cluster(self):
        self.cluster.stop()
        self.cluster = None

    def stop(self):
        if self.cluster:
            self.cluster.stop()
            self.cluster = None
        for server in self.servers.values():
            server.stop()
        self.servers.clear()

    # --- measuring -------------------------------------------------------------------------------

    def load(self, server, workload, pids, port, seconds, settle=None):
        """One run of the load generator; the figures of that run. With `settle`, CPU time is counted
        until that returns: what the requests left to be done belongs to them, and to no later run."""
        before = cpu_seconds(pids)
        file = self.folder / "run.json"
        command = [sys.executable, str(HERE / "load/run"), "http://127.0.0.1:%d" % port, workload,
                   "--pid", ",".join(str(p) for p in pids), "-c", str(self.options.connections),
                   "-n", "1", "-w", "0", "-d", str(seconds), "--items", str(self.options.items),
                   "--json", str(file)]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise Failed("%s on %s: %s" % (workload, server, done.stdout[-500:]))
        figures = json.loads(file.read_text())["results"][0]["median"]
        if settle:
            settle()
            figures["cpu_us"] = (cpu_seconds(pids) - before) * 1e6 / (figures["req_s"] * seconds)
        self.rows.setdefault((workload, server), []).append(figures)
        return figures

    def interleave(self, workloads, targets, settle=None):
        """targets: {name: (pids, port)}. All of them in each round, one after the other."""
        for name, (pids, port) in targets.items():   # loads the table; not counted
            say("warming up %s" % name)
            self.load(name, workloads[0], pids, port, 2, settle)
            self.rows[(workloads[0], name)].pop()
        for n in range(self.options.rounds):
            for workload in workloads:
                text = []
                for name, (pids, port) in targets.items():
                    row = self.load(name, workload, pids, port, self.options.seconds, settle)
                    text.append("%s %.1f us" % (name, row["cpu_us"]))
                say("round %d/%d  %-11s %s" % (n + 1, self.options.rounds, workload, ", ".join(text)))

    def median(self, workload, server, what="cpu_us"):
        return statistics.median(x[what] for x in self.rows[(workload, server)])

    def ratio(self, workload, server, base):
        """The median of the rounds' own ratios: neighbours in time are compared, nothing else."""
        return statistics.median(
            a["cpu_us"] / b["cpu_us"]
            for a, b in zip(self.rows[(workload, server)], self.rows[(workload, base)]))

    # --- the parts -------------------------------------------------------------------------------

    def run(self):
        only = self.options.only
        workloads = [w for w in WORKLOADS if w in only]
        need_durable = workloads or "cache" in only or "relaxed" in only or "attached" in only or "idle" in only
        if need_durable:
            self.start_region("durable", "durable")
        if "idle" in only:
            self.measure_idle()
        if workloads:
            self.start_floor()
            self.interleave(workloads, self.targets("floor", "durable"))
            self.servers.pop("floor").stop()
        if "cache" in only:
            self.measure_cache()
        if "relaxed" in only:
            self.start_region("relaxed", "relaxed")
            self.measure_put("relaxed", self.targets("durable", "relaxed"))
            self.servers.pop("relaxed").stop()
        if "attached" in only or "lag" in only or "idle" in only:
            self.start_cluster()
        if "idle" in only:
            time.sleep(5)
            pids = self.cluster.pids(REGIONS[0])
            self.result["idle_attached_mib"] = {k: round(resident_mib(v), 1) for k, v in pids.items()}
        if "attached" in only:
            self.measure_attached()
        if "lag" in only:
            self.measure_lag()
        if self.cluster:
            self.stop_cluster()
        for server in self.servers.values():  # what follows has the machine to itself
            server.stop()
        self.servers.clear()
        if "delays" in only:
            self.measure_delays()
        if "catchup" in only:
            self.measure_catch_up()
        if "hot" in only:
            self.measure_hot()

    def targets(self, *names):
        return {n: (self.servers[n].pids, self.servers[n].port) for n in names}

    def measure_put(self, part, targets, settle=None):
        """put alone among `targets`; kept apart from the rows measured beside the floor."""
        kept, self.rows = self.rows, {}
        self.interleave(["put"], targets, settle)
        for (_, name), rows in self.rows.items():
            kept[(part, name)] = rows
        self.rows = kept

    def measure_cache(self):
        """Updates whose texts repeat beside updates whose texts never do: what is kept of parsing."""
        kept, self.rows = self.rows, {}
        self.interleave(["update", "updatenew"], self.targets("durable"))
        kept[("cache", "repeated")] = self.rows[("update", "durable")]
        kept[("cache", "new")] = self.rows[("updatenew", "durable")]
        self.rows = kept

    def measure_idle(self):
        time.sleep(5)
        self.result["idle_mib"] = round(resident_mib(self.servers["durable"].pids[0]), 1)
        say("idle: %.1f MiB resident" % self.result["idle_mib"])

    def measure_attached(self):
        a = self.cluster.pids(REGIONS[0])
        port = self.cluster.ports[REGIONS[0]]
        durable = self.servers["durable"]
        # CPU of the region process, and of the region with its replicator: two rows of one kind of run.
        for name, pids in (("region", [a["region"]]),
                           ("region+replicator", [a["region"], a["replicator"]])):
            self.measure_put("attached " + name,
                             {"alone": (durable.pids, durable.port), "attached": (pids, port)},
                             self.cluster.settle)

    def measure_lag(self):
        binary = self.compile("lag")
        ports = [self.cluster.ports[r] for r in REGIONS]
        # The generator makes the table when "attached" has not; either way all regions have it then.
        self.load("lag", "get", [os.getpid()], ports[0], 1)
        self.rows.pop(("get", "lag"))
        self.cluster.settle()
        runs = []
        for _ in range(max(1, min(3, self.options.rounds))):
            out = subprocess.run([str(binary), str(LAG_RATE), str(self.options.lag_seconds), "usertable"]
                                 + [str(p) for p in ports], stdout=subprocess.PIPE, text=True)
            if out.returncode:
                raise Failed("the lag could not be measured")
            runs.append(json.loads(out.stdout))
            for region, r in zip(REGIONS[1:], runs[-1]["readers"]):
                r["region"] = region
                say("lag at %d writes/s: %s p50 %.2f ms, p99 %.2f ms, max %.1f ms (%d samples)" % (
                    runs[-1]["writes_s"], region, r["p50_ms"], r["p99_ms"], r["max_ms"], r["samples"]))
            self.cluster.settle()
        self.result["lag"] = runs

    def lag_run(self, binary, rate, seconds, readers=REGIONS[1:]):
        """Writes at `rate` in the first region, read in `readers`: the process."""
        ports = [self.cluster.ports[r] for r in [REGIONS[0], *readers]]
        return subprocess.Popen([str(binary), str(rate), str(seconds), "usertable"] + [str(p) for p in ports],
                                stdout=subprocess.PIPE, text=True)

    def make_table(self):
        self.load("table", "get", [os.getpid()], self.cluster.ports[REGIONS[0]], 1)
        self.rows.pop(("get", "table"))
        self.cluster.settle()

    def measure_delays(self):
        """Lag by the links' delay and the rate, and what a change costs on the bus."""
        binary = self.compile("lag")
        self.result["delays"] = []
        for delay in DELAYS_MS:
            self.start_cluster(delay)
            self.make_table()
            for rate in DELAY_RATES:
                # What was written before, by whomever, would be written back in the middle: half a GB
                # of copied files, half a minute old, stopped every sync for 0.2 s.
                os.sync()
                time.sleep(2)
                before = self.cluster.sent_bytes(REGIONS[0])
                with disk_probe.DiskProbe(self.folder) as disk:
                    process = self.lag_run(binary, rate, self.options.lag_seconds)
                    out = process.communicate()[0]
                if process.returncode:
                    raise Failed("the lag could not be measured")
                self.cluster.settle()
                time.sleep(2)
                sent = self.cluster.sent_bytes(REGIONS[0])
                run = json.loads(out)
                writes = run["writes"]
                run.update(delay_ms=delay, rate=rate, disk=disk.figures(),
                           bytes_per_change={r: round((sent[r] - before[r]) / writes) for r in sent})
                for region, r in zip(REGIONS[1:], run["readers"]):
                    r["region"] = region
                    say("links of %d ms, %d writes/s (%d reached, sent %.1f ms late at p99): %s p50 %.1f ms, p99 %.1f ms, max %.1f ms; %d bytes a change" % (
                        delay, rate, run["writes_s"], run["late_p99_ms"], region, r["p50_ms"], r["p99_ms"], r["max_ms"],
                        run["bytes_per_change"][region]))
                say("    the disk meanwhile: a sync took %(p50_ms).2f ms at p50, %(p99_ms).2f at p99, %(max_ms).0f at most" % run["disk"])
                self.result["delays"].append(run)
            self.stop_cluster()

    def measure_catch_up(self):
        """A region cut off from all others for some time, under writes that go on: how fast it makes up for it."""
        binary = self.compile("lag")
        self.start_cluster(DELAYS_MS[1])
        self.make_table()
        behind = REGIONS[1]
        for other in REGIONS:
            if other != behind:
                self.cluster.command("link", "cut", other, behind)
        process = self.lag_run(binary, CATCH_UP_RATE, self.options.cut_seconds + 60, [])
        time.sleep(2 + self.options.cut_seconds)

        def numbers():
            vectors = {r["name"]: r["vector"] for r in self.cluster.status()["regions"]}
            log = max(vectors[REGIONS[0]], key=lambda x: vectors[REGIONS[0]][x])
            return vectors[REGIONS[0]][log], vectors[behind].get(log, 0)
        start_written, start_applied = numbers()
        self.cluster.command("link", "heal")
        begin = time.monotonic()
        while True:
            time.sleep(0.05)
            written, applied = numbers()
            took = time.monotonic() - begin
            if written - applied < CATCH_UP_RATE / 4 or took > 50:
                break
        process.communicate()
        row = {"cut_s": self.options.cut_seconds, "behind": start_written - start_applied, "took_s": round(took, 2),
               "rate": CATCH_UP_RATE, "applied_s": round((applied - start_applied) / took),
               "written_s": round((written - start_written) / took)}
        row["times"] = round(row["applied_s"] / row["rate"], 1)
        say("cut off for %(cut_s)d s, %(behind)d changes behind, writes going on at %(written_s)d/s: caught up after "
            "%(took_s).1f s, %(applied_s)d changes/s, %(times).1f times the rate" % row)
        self.cluster.settle()
        self.stop_cluster()
        self.result["catchup"] = row

    def measure_hot(self):
        """Another region's items, beside clients that all put the same ten."""
        self.start_cluster(HOT_DELAY_MS)
        self.make_table()
        self.result["hot"] = []
        for connections in HOT_CONNECTIONS:
            try:
                row = hot.measure(*[self.cluster.ports[r] for r in REGIONS[:2]], connections, HOT_SECONDS)
            except hot.Failed as e:
                raise Failed(str(e))
            say("%(connections)d connections put ten items: another region's items are seen after p50 %(p50_ms).0f ms, p90 %(p90_ms).0f, "
                "longest %(max_ms).0f (%(samples)d items); the clients' own p99 %(clients_p99_ms).0f ms" % row)
            self.result["hot"].append(row)
            self.cluster.settle()
        self.stop_cluster()

    # --- reporting -------------------------------------------------------------------------------

    def summary(self):
        out = dict(self.result, machine=machine(), connections=self.options.connections,
                   items=self.options.items, rounds=self.options.rounds, seconds=self.options.seconds,
                   workloads=[], pairs=[])
        for workload in WORKLOADS:
            if (workload, "durable") in self.rows:
                out["workloads"].append(self.compare(workload, "durable", "floor", workload))
        if ("update", "durable") in self.rows and ("put", "floor") in self.rows:
            # The floor syncs before each read, so its update is none; its put is the least of a write.
            self.rows[("update/put", "durable")] = self.rows[("update", "durable")]
            self.rows[("update/put", "floor")] = self.rows[("put", "floor")]
            out["pairs"].append(self.compare("update/put", "durable", "floor", None))
        for part, server, base, goal in (
                ("cache", "repeated", "new", None),
                ("relaxed", "durable", "relaxed", "durable/relaxed"),
                ("attached region", "attached", "alone", "attached/alone"),
                ("attached region+replicator", "attached", "alone", None)):
            if (part, base) in self.rows:
                out["pairs"].append(self.compare(part, server, base, goal))
        return out

    def compare(self, workload, server, base, goal):
        return {"name": workload, "server": server, "base": base,
                "cpu_us": round(self.median(workload, server), 1),
                "base_cpu_us": round(self.median(workload, base), 1),
                "ratio": round(self.ratio(workload, server, base), 2), "goal": GOALS.get(goal),
                "req_s": round(self.median(workload, server, "req_s")),
                "base_req_s": round(self.median(workload, base, "req_s")),
                "p50_us": round(self.median(workload, server, "p50_us")),
                "p99_us": round(self.median(workload, server, "p99_us")),
                "runs": self.rows[(workload, server)], "base_runs": self.rows[(workload, base)]}


def machine():
    with open("/proc/cpuinfo") as f:
        cpu = next((x.split(":", 1)[1].strip() for x in f if x.startswith("model name")), "unknown")
    compiler = subprocess.run(["g++", "-dumpfullversion"], stdout=subprocess.PIPE, text=True).stdout.strip()
    return {"cpus": os.cpu_count(), "cpu": cpu, "kernel": platform.release(), "g++": compiler,
            "load": round(os.getloadavg()[0], 1)}


PAIR_TITLES = {"update/put": "update with a condition / the floor's put",
               "cache": "update with a condition: texts that repeat / that never do",
               "relaxed": "put: durable / relaxed",
               "attached region": "put: both other regions attached / alone, region process",
               "attached region+replicator": "put: the same, with region A's replicator counted"}


def markdown(s):
    m = s["machine"]
    out = ["%d CPUs (%s), kernel %s, g++ %s, load average %.1f at the end; %d connections, %d items, %d "
           "rounds of %d s." % (m["cpus"], m["cpu"], m["kernel"], m["g++"], m["load"], s["connections"],
                                s["items"], s["rounds"], s["seconds"]), ""]
    head = "| %s | CPU-us | %s CPU-us | ratio | goal | req/s | p50 us | p99 us |"
    for title, rows, base in (("workload, durable", s["workloads"], "floor"),
                              ("pair", s["pairs"], "base")):
        if not rows:
            continue
        out += [head % (title, base), "| --- |" + " ---: |" * 7]
        for r in rows:
            out.append("| %s | %.1f | %.1f | **%.2f** | %s | %d | %d | %d |" % (
                PAIR_TITLES.get(r["name"], r["name"]), r["cpu_us"], r["base_cpu_us"], r["ratio"],
                "%.2f" % r["goal"] if r["goal"] else "", r["req_s"], r["p50_us"], r["p99_us"]))
        out.append("")
    if s["lag"]:
        out += ["| lag at %d writes/s, from us-east-1 | p50 ms | p99 ms | max ms | samples |" % LAG_RATE,
                "| --- | ---: | ---: | ---: | ---: |"]
        for run in s["lag"]:
            for r in run["readers"]:
                out.append("| to %s (%d writes/s) | %.2f | %.2f | %.1f | %d |" % (
                    r["region"], run["writes_s"], r["p50_ms"], r["p99_ms"], r["max_ms"], r["samples"]))
        out.append("")
    if s.get("delays"):
        out += ["| links | writes/s | reached | to | p50 ms | p99 ms | goal | max ms | bytes a change | disk p50, p99, max ms |",
                "| ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |"]
        for run in s["delays"]:
            for r in run["readers"]:
                out.append("| %d ms | %d | %d | %s | %.1f | %.1f | %d | %.1f | %d | %.2f, %.2f, %.0f |" % (
                    run["delay_ms"], run["rate"], run["writes_s"], r["region"], r["p50_ms"], r["p99_ms"],
                    50 + run["delay_ms"], r["max_ms"], run["bytes_per_change"][r["region"]],
                    *run["disk"].values()))
        out.append("")
    if s.get("catchup"):
        out += ["| cut off for | behind | caught up after | changes/s | of the live rate | goal |",
                "| ---: | ---: | ---: | ---: | ---: | ---: |",
                "| %(cut_s)d s | %(behind)d changes | %(took_s).1f s | %(applied_s)d | **%(times).1f** | 5.0 |" % s["catchup"], ""]
    if s.get("hot"):
        out += ["| connections that put ten items | items of another region | p50 ms | p90 ms | longest ms | the clients' p99 ms |",
                "| ---: | ---: | ---: | ---: | ---: | ---: |"]
        out += ["| %(connections)d | %(samples)d | %(p50_ms).0f | %(p90_ms).0f | %(max_ms).0f | %(clients_p99_ms).0f |" % row for row in s["hot"]]
        out.append("")
    if s["idle_mib"] is not None:
        out.append("Idle region, resident: %.1f MiB alone; in a cluster of three: %s." % (
            s["idle_mib"], ", ".join("%s %.1f MiB" % kv for kv in s["idle_attached_mib"].items())))
    return "\n".join(out) + "\n"


def say(text):
    print(text, file=sys.stderr, flush=True)


def parse(arguments):
    p = argparse.ArgumentParser(prog="./dev bench", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--quick", action="store_true", help="2 rounds of 2 s, 20,000 items, 5 s of lag")
    p.add_argument("--rounds", type=int, help="of each workload on each server (5)")
    p.add_argument("--seconds", type=int, help="of each run (6)")
    p.add_argument("--items", type=int, help="in the table (100000)")
    p.add_argument("--lag-seconds", type=int, help="of each run of the lag (60)")
    p.add_argument("--cut-seconds", type=int, help="for which catchup cuts a region off (60)")
    p.add_argument("--connections", type=int, default=16)
    p.add_argument("--only", help="of " + ",".join(PARTS))
    p.add_argument("--everwrite", default=str(ROOT / "build/everwrite"), help="the executable")
    p.add_argument("--out", default=str(ROOT / "build/bench"),
                   help="folder for bench.json and bench.md")
    o = p.parse_args(arguments)
    short = {"rounds": 2, "seconds": 2, "items": 20000, "lag_seconds": 5, "cut_seconds": 10}
    full = {"rounds": 5, "seconds": 6, "items": 100000, "lag_seconds": 60, "cut_seconds": 60}
    for name, value in (short if o.quick else full).items():
        if getattr(o, name) is None:
            setattr(o, name, value)
    o.only = o.only.split(",") if o.only else PARTS
    for x in o.only:
        if x not in PARTS:
            p.error("no such part: %s" % x)
    if not os.access(o.everwrite, os.X_OK):
        p.error("there is no %s: build it (./dev build)" % o.everwrite)
    return o


def main():
    options = parse(sys.argv[1:])
    for tool in ("wrk", "g++"):
        if not shutil.which(tool):
            raise Failed("%s is not installed" % tool)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="everwrite-bench-"))
    bench = Bench(options, folder)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # through the finally below
    try:
        bench.run()
        summary = bench.summary()
    finally:
        bench.stop()
        shutil.rmtree(folder, ignore_errors=True)
    out = pathlib.Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "bench.json").write_text(json.dumps(summary, indent=1) + "\n")
    text = markdown(summary)
    (out / "bench.md").write_text(text)
    print(text)
    say("written: %s and bench.json beside it" % (out / "bench.md"))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except (Failed, OSError, subprocess.CalledProcessError) as e:
        sys.exit("bench: %s" % e)
