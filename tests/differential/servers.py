"""The servers that are compared: one region of Everwrite, AWS's DynamoDB Local, and dynalite as the arbiter.

DynamoDB Local is not the service: it words many refusals in its own way. dynalite's were recorded from the service,
for the operations that it has (no transactions, PartiQL or TTL). Where the two differ, and ours is dynalite's, all is well.
"""
import http.client
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))
from world import LoneRegion, end_with_parent, free_ports

PACKAGES = ["amplify-dynamodb-simulator",  # carries DynamoDBLocal.jar and its native libraries
            "dynalite"]


class Answer:
    """Status, error name and message, and the document."""

    def __init__(self, status, text):
        self.status, self.text = status, text
        try:
            self.body = json.loads(text) if text else None
        except ValueError:
            self.body = None
        self.type = self.message = ""
        if status != 200 and isinstance(self.body, dict):
            self.type = str(self.body.get("__type", "")).split("#")[-1]
            self.message = self.body.get("message", self.body.get("Message")) or ""

    @property
    def ok(self):
        return self.status == 200

    def __str__(self):
        return self.text[:600] if self.ok else "%d %s: %s" % (self.status, self.type, self.message)


class Server:
    def __init__(self, address):
        self.address, self.connection = address, None

    def ask(self, operation, body):
        """`body`: a document, or bytes that are sent as they are."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810." + operation,
                   "X-Amz-Date": "20260101T000000Z",
                   "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, "
                                    "SignedHeaders=host;x-amz-date;x-amz-target, Signature=" + "0" * 64}
        for attempt in (1, 2):
            if self.connection is None:
                self.connection = http.client.HTTPConnection(*self.address, timeout=60)
            try:
                self.connection.request("POST", "/", data, headers)
                response = self.connection.getresponse()
                return Answer(response.status, response.read().decode())
            except (http.client.HTTPException, OSError):  # a kept connection that was closed meanwhile
                self.connection.close()
                self.connection = None
                if attempt == 2:
                    raise

    def close(self):
        if self.connection is not None:
            self.connection.close()


class Everwrite(Server):
    def __init__(self):
        self.region = LoneRegion()
        self.region.start()
        host, port = self.region.region.endpoint.rsplit(":", 1)
        super().__init__((host, int(port)))

    def stop(self):
        self.close()
        self.region.stop()


class Started(Server):
    """A server in a process of ours, all in memory."""

    def __init__(self, name, folder, command):
        self.name, self.folder, self.command = name, folder, command
        self.log = tempfile.NamedTemporaryFile(prefix=name + "-", suffix=".log")
        self.start()

    def start(self):
        name, port = self.name, free_ports(1)[0]
        self.process = subprocess.Popen([word.replace("PORT", str(port)) for word in self.command], cwd=self.folder,
                                        stdout=self.log, stderr=self.log, preexec_fn=end_with_parent)
        super().__init__(("127.0.0.1", port))
        deadline = time.monotonic() + 60
        while True:
            try:
                if self.ask("ListTables", {}).ok:
                    break
            except OSError:
                pass
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("%s did not start: %s" % (name, pathlib.Path(self.log.name).read_text()[-500:]))
            time.sleep(0.2)

    def stop(self):
        self.close()
        self.process.terminate()
        self.process.wait()


def local(modules):
    return Started("dynamodb-local", modules / PACKAGES[0] / "emulator",
                   ["java", "-Xmx600m", "-Djava.library.path=./DynamoDBLocal_lib", "-jar", "DynamoDBLocal.jar", "-inMemory", "-port",
                    "PORT"])


def dynalite(modules):
    return Started("dynalite", modules, ["node", "dynalite/cli.js", "--host", "127.0.0.1", "--port", "PORT", "--createTableMs", "0",
                                         "--deleteTableMs", "0", "--updateTableMs", "0"])


def installed():
    """The node_modules with both; npm brings them once."""
    for tool in ("java", "node", "npm"):
        if not shutil.which(tool):
            raise SystemExit("the comparison needs %s: apt-get install openjdk-17-jre-headless nodejs npm" % tool)
    base = pathlib.Path(os.environ.get("EVERWRITE_CACHE") or os.path.join(tempfile.gettempdir(), "everwrite-test-cache"))
    folder = base / "differential"
    modules = folder / "node_modules"
    if not all((modules / package).exists() for package in PACKAGES):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}')
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", *PACKAGES],
                       cwd=folder, check=True, timeout=600)
    return modules
