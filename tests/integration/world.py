"""A running `everwrite up`, for tests: started on free ports, stopped without leaving a process.

    with World(regions=3) as world:
        world.region("us-east-1").call("ListTables", {})

Standard library only; the tests that are about a client (boto3, the CLI, the JavaScript SDK) bring it.
"""
import ctypes
import http.client
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("EVERWRITE", str(ROOT / "build/dev/everwrite"))
SLOWNESS = float(os.environ.get("EVERWRITE_SLOWNESS", "1"))  # above 1 for sanitizers' builds: deadlines are so much longer
NAMES = ["us-east-1", "eu-west-1", "ap-northeast-1", "sa-east-1", "us-west-2"]


def free_ports(count):
    """Ports nobody listens on now. Held open together, so that they differ.

    Below the range from which the kernel takes ports of outgoing connections: another test's client must not
    get one before the server does, nor a client that dials a dead server be connected to itself.
    """
    sockets = []
    try:
        while len(sockets) < count:
            s = socket.socket()
            try:
                s.bind(("127.0.0.1", random.SystemRandom().randrange(10000, 32768)))
                sockets.append(s)
            except OSError:
                s.close()
        return [s.getsockname()[1] for s in sockets]
    finally:
        for s in sockets:
            s.close()


def end_with_parent():
    """In a new child: a test that is killed leaves no process behind (PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def refuse_reports(logs):
    """What a sanitizer or a CHECK said in a daemon that went on, or was started again."""
    for log in logs:
        text = log.read_text(errors="replace")
        for word in ("Sanitizer", "runtime error:", "check failed at"):
            assert word not in text, "%s in %s:\n%s" % (word, log, text[text.index(word):][:3000])


class ApiError(Exception):
    def __init__(self, status, body):
        super().__init__("%s %s" % (status, body))
        self.status = status
        self.type = body.get("__type", "").split("#")[-1] if isinstance(body, dict) else ""
        self.body = body


class Region:
    """One region's endpoints, over one kept connection a thread; not thread-safe."""

    def __init__(self, name, endpoint, admin, timeout=10):
        self.name, self.endpoint, self.admin, self.timeout = name, endpoint, admin, timeout
        self.connection = None

    def another(self):
        return Region(self.name, self.endpoint, self.admin, self.timeout)

    def call(self, operation, body):
        return self.call_with_headers(operation, body)[0]

    def call_with_headers(self, operation, body):
        """The answer, and its header fields by their names in lower case."""
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": "DynamoDB_20120810." + operation,
            "X-Amz-Date": "20260101T000000Z",
            "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/%s/dynamodb/aws4_request, "
                             "SignedHeaders=host;x-amz-date;x-amz-target, Signature=%s"
                             % (self.name, "0" * 64),
        }
        try:
            if self.connection is None:
                host, port = self.endpoint.rsplit(":", 1)
                self.connection = http.client.HTTPConnection(host, int(port), timeout=self.timeout)
            self.connection.request("POST", "/", json.dumps(body), headers)
            response = self.connection.getresponse()
            text = response.read()
        except Exception:
            self.close()
            raise
        answer = json.loads(text) if text else {}
        if response.status != 200:
            raise ApiError(response.status, answer)
        return answer, {name.lower(): value for name, value in response.getheaders()}

    def admin_get(self, path):
        host, port = self.admin.rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=self.timeout)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None


class World:
    """`everwrite up` with so many regions on free ports; with `gateway`, at `self.gateway` (host:port)."""

    def __init__(self, regions=3, latency_ms=20, durability="durable", data=None, keep=False, gateway=False,
                 extra=""):
        self.names = NAMES[:regions]
        self.folder = pathlib.Path(data or tempfile.mkdtemp(prefix="everwrite-test-"))
        self.keep = keep or data is not None
        self.with_gateway, self.gateway = gateway, None
        ports = free_ports(3 * regions)
        lines = ["cluster: test", "durability: " + durability, "regions:"]
        self.regions = {}
        for i, name in enumerate(self.names):
            endpoint, admin, nats = ("127.0.0.1:%d" % p for p in ports[3 * i:3 * i + 3])
            self.regions[name] = Region(name, endpoint, admin)
            lines += ["  - name: " + name, "    id: %d" % (i + 1), "    endpoint: " + endpoint,
                      "    admin: " + admin, "    data: " + name, "    nats: nats://" + nats]
        if regions > 1:
            lines.append("links:")
        for i in range(regions):
            for j in range(i + 1, regions):
                lines += ["  - between: [%s, %s]" % (self.names[i], self.names[j]),
                          "    latency: %dms" % latency_ms]
        self.topology = self.folder / "topology.yaml"
        self.topology.write_text("\n".join(lines) + "\n" + extra)
        self.process = None
        # Commands find this world, and no other, by this folder.
        self.environment = dict(os.environ, XDG_RUNTIME_DIR=str(self.folder))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc):
        self.stop()
        if not self.keep and exc[0] is None:
            self.remove()

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, deadline=60):
        self.log = open(self.folder / "up.log", "ab")
        begin = time.monotonic()
        self.process = subprocess.Popen(
            [BINARY, "up", str(self.topology), "--data", str(self.folder / "data")] +
            (["--gateway", "0"] if self.with_gateway else []),
            stdout=subprocess.PIPE, stderr=self.log, env=self.environment, text=True,
            preexec_fn=end_with_parent)
        for line in self.process.stdout:
            if line.startswith("ready"):
                self.ready_line, self.ready_seconds = line.strip(), time.monotonic() - begin
                for word in self.ready_line.split():
                    if word.startswith("gateway="):
                        self.gateway = word.split("=", 1)[1].replace("http://", "")
                return
            if time.monotonic() - begin > deadline:
                break
        raise AssertionError("not ready: see %s" % (self.folder / "up.log"))

    def stop(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            assert self.process.wait(30 * SLOWNESS) == 0, "`everwrite up` ended with %d" % self.process.returncode
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("`everwrite up` did not end within 30 s of SIGTERM")
        finally:
            self.ended()

    def ended(self):
        """After the end of the process, however it came."""
        for region in self.regions.values():
            region.close()
        self.process.stdout.close()
        self.log.close()
        self.process = None
        refuse_reports(self.folder.glob("data/*/run/*.log"))
        refuse_reports([self.folder / "up.log"])

    def region(self, name):
        return self.regions[name]

    def pid(self, name, role):
        for region in self.status()["regions"]:
            if region["name"] == name:
                return region["pids"].get(role, 0)
        return 0

    def region_status(self, name):
        return json.loads(self.regions[name].admin_get("/status")[1])

    def is_ready(self, name):
        try:
            return self.regions[name].admin_get("/readyz")[0] == 200
        except OSError:
            return False

    def lose_disk(self, name):
        """A running region's data is gone, and it is killed; `up` starts it again, empty."""
        folder = self.folder / "data" / name
        pid = self.pid(name, "region")
        for part in ("db", "everwrite.identity"):
            (folder / part).rename(folder / (part + ".lost-%d" % pid))
        os.kill(pid, signal.SIGKILL)
        until(lambda: self.pid(name, "region") not in (0, pid), 20, name + " to be started again")

    def command(self, *arguments, check=True):
        done = subprocess.run([BINARY, *arguments], env=self.environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
        if check and done.returncode != 0:
            raise AssertionError("everwrite %s: %d\n%s" % (" ".join(arguments), done.returncode, done.stdout))
        return done

    def status(self):
        return json.loads(self.command("status", str(self.topology), "--json", check=False).stdout)

    def wait_for_table(self, table, deadline=20):
        for region in self.regions.values():
            until(lambda: described(region, table), deadline, "%s in %s" % (table, region.name))

    def wait_until_converged(self, deadline=60):
        def equal():
            return self.command("verify", str(self.topology), check=False).returncode == 0
        until(equal, deadline, "the regions to be equal", pause=0.5)


class LoneRegion:
    """One `everwrite region` process and nothing else: no replicator, no nats-server."""

    def __init__(self, ports=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="everwrite-lone-"))
        self.data = self.folder / "data" / "us-east-1"
        self.socket = self.data / "region.sock"
        free = dict(zip(("endpoint", "admin", "nats"), free_ports(3)), **(ports or {}))
        self.topology = self.folder / "topology.yaml"
        self.topology.write_text(
            "cluster: test\nregions:\n  - name: us-east-1\n    id: 1\n    endpoint: 127.0.0.1:%(endpoint)d\n"
            "    admin: 127.0.0.1:%(admin)d\n    nats: nats://127.0.0.1:%(nats)d\n    data: us-east-1\n" % free)
        self.region = Region("us-east-1", "127.0.0.1:%d" % free["endpoint"], "127.0.0.1:%d" % free["admin"])
        self.command = [BINARY, "region", "--topology", str(self.topology), "--region", "us-east-1",
                        "--data", str(self.folder / "data")]
        self.process = None

    def run(self):
        """For starts that are expected to fail: waits for the end."""
        return subprocess.run(self.command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)

    def start(self, file_bytes_max=None):
        """With `file_bytes_max`, writing a file beyond that fails, as on a disk that is full."""
        def prepare():
            end_with_parent()
            if file_bytes_max is not None:
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # an error instead of the end
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes_max, file_bytes_max))
        with open(self.folder / "region.log", "ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, preexec_fn=prepare)

        def serves():
            if self.process.poll() is not None:
                raise AssertionError("ended with %d: see %s" % (self.process.returncode, self.folder / "region.log"))
            try:
                return self.region.admin_get("/readyz")[0] == 200 and "TableNames" in self.region.call("ListTables", {})
            except OSError:
                return False
        until(serves, 30, "the region to serve")

    def stop(self, keep=False):
        if self.process is not None:
            self.region.close()
            self.process.terminate()
            status, self.process = self.process.wait(30 * SLOWNESS), None
            assert status == 0, "the region ended with %d: see %s" % (status, self.folder / "region.log")
            refuse_reports([self.folder / "region.log"])
        if not keep:
            self.remove()

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def alive(pid):
    """Running and no zombie."""
    try:
        return pathlib.Path("/proc/%d/stat" % pid).read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def described(region, table):
    try:
        return region.call("DescribeTable", {"TableName": table})["Table"]["TableStatus"] == "ACTIVE"
    except (ApiError, OSError):
        return False


def until(condition, deadline, what, pause=0.05):
    end = time.monotonic() + deadline * SLOWNESS
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("waited %d s for %s" % (deadline, what))
        time.sleep(pause)


def make_table(region, name):
    region.call("CreateTable", {
        "TableName": name, "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}]})
