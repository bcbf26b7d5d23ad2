#!/usr/bin/env python3
"""Bad input against real processes: a clear error each, the process alive, nothing written before lost.

One region serves all the tests of requests; after each of them it must be the same process, answer a
good request, and still hold the item that was written first. The tests of start-up want the process to
end before it serves, with status 78 and a message that says what is wrong and what to do.

Standard library only.
"""
import base64
import fcntl
import http.client
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from world import BINARY, ApiError, LoneRegion, World, described, free_ports, make_table, until

CONFIGURATION = 78  # EX_CONFIG of sysexits.h: no start can succeed until a person mends something

GOOD_HEAD = ("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.0\r\n"
             "X-Amz-Target: DynamoDB_20120810.ListTables\r\nX-Amz-Date: 20260101T000000Z\r\n"
             "Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, "
             "SignedHeaders=host;x-amz-date;x-amz-target, Signature=" + "0" * 64 + "\r\n")


def talk(endpoint, data, half_close=False, limit=1 << 20):
    """Sends bytes as they are; returns everything that is answered until the other side closes or pauses."""
    host, port = endpoint.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=10) as s:
        try:
            s.sendall(data)
            if half_close:
                s.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # refused in the middle: the answer may still be there
        s.settimeout(1.5)
        answer = b""
        try:
            while len(answer) < limit:
                part = s.recv(65536)
                if not part:
                    break
                answer += part
        except OSError:
            pass
        return answer


class Requests(unittest.TestCase):
    """Requests to one region that stays up through all of them."""

    @classmethod
    def setUpClass(cls):
        cls.server = LoneRegion()
        cls.server.start()
        cls.region = cls.server.region
        make_table(cls.region, "kept")
        cls.region.call("PutItem", {"TableName": "kept", "Item": {"pk": {"S": "first"}, "v": {"N": "1"}}})
        cls.region.call("CreateTable", {
            "TableName": "numbers", "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "n", "AttributeType": "N"},
                                     {"AttributeName": "b", "AttributeType": "B"}],
            "KeySchema": [{"AttributeName": "n", "KeyType": "HASH"},
                          {"AttributeName": "b", "KeyType": "RANGE"}]})
        cls.pid = cls.server.process.pid

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def tearDown(self):
        self.assertIsNone(self.server.process.poll(), "the region ended")
        fresh = self.region.another()
        got = fresh.call("GetItem", {"TableName": "kept", "Key": {"pk": {"S": "first"}}, "ConsistentRead": True})
        fresh.close()
        self.assertEqual(got["Item"], {"pk": {"S": "first"}, "v": {"N": "1"}})

    def refused(self, operation, body, error, *words):
        """The request is answered with this error, and the message has these words."""
        with self.assertRaises(ApiError) as caught:
            self.region.call(operation, body)
        self.assertEqual(caught.exception.type, error, caught.exception)
        self.assertEqual(caught.exception.status, 400)
        text = caught.exception.body.get("message", caught.exception.body.get("Message", ""))
        for word in words:
            self.assertIn(word.lower(), text.lower())
        return text

    def raw(self, body, target="DynamoDB_20120810.PutItem"):
        """A body that is sent as it is. Returns (status, parsed answer)."""
        if isinstance(body, str):
            body = body.encode()
        head = GOOD_HEAD.replace("DynamoDB_20120810.ListTables", target)
        answer = talk(self.region.endpoint, head.encode() +
                      b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        head, _, rest = answer.partition(b"\r\n\r\n")
        status = int(head.split()[1])
        return status, json.loads(rest)

    # --- bodies that are not what they should be

    def test_malformed_json_is_a_serialization_error(self):
        for body in ["{", "", "nonsense", "[]", "null", "3", '"x"', '{"TableName":}', '{"TableName":"kept"',
                     '{"TableName":"kept"}}', "{'TableName':'kept'}", "\x00\x01\x02", '{"TableName":"\\ud800"}',
                     b'{"TableName":"\xff\xfe"}', '{"a":' * 2000 + "1" + "}" * 2000, "[" * 100000]:
            status, answer = self.raw(body)
            self.assertEqual(status, 400, body[:40])
            self.assertIn(answer["__type"].split("#")[1], ("SerializationException", "ValidationException"), body[:40])

    def test_wrong_types_are_refused(self):
        for body in [{"TableName": 7, "Item": {"pk": {"S": "a"}}}, {"TableName": ["kept"], "Item": {"pk": {"S": "a"}}},
                     {"TableName": "kept", "Item": "text"}, {"TableName": "kept", "Item": []},
                     {"TableName": "kept", "Item": {"pk": "a"}}, {"TableName": "kept", "Item": {"pk": {"S": 5}}},
                     {"TableName": "kept", "Item": {"pk": {"S": "a"}, "v": {"N": 5}}},
                     {"TableName": "kept", "Item": {"pk": {"S": "a"}, "v": {"BOOL": "maybe"}}},
                     {"TableName": "kept", "Item": {"pk": {"S": "a"}, "v": {"L": {}}}},
                     {"TableName": "kept", "Item": {"pk": {"S": "a"}, "v": {"B": "not base64!"}}}]:
            with self.assertRaises(ApiError) as caught:
                self.region.call("PutItem", body)
            self.assertEqual(caught.exception.status, 400, body)
            self.assertIn(caught.exception.type, ("SerializationException", "ValidationException"), body)
        self.refused("PutItem", {"TableName": "kept", "Item": {"pk": {"S": "a"}, "v": {"X": "1"}}}, "ValidationException")
        self.refused("PutItem", {"TableName": "kept", "Item": {"pk": {"S": "a"}, "v": {"S": "1", "N": "1"}}},
                     "ValidationException")
        self.refused("PutItem", {"TableName": "kept", "Item": {"pk": {"S": "a"}, "v": {"SS": []}}}, "ValidationException")
        self.refused("PutItem", {"TableName": "kept", "Item": {"pk": {"S": "a"}, "v": {"SS": ["x", "x"]}}},
                     "ValidationException", "duplicates")

    def test_unknown_table_and_unknown_operation(self):
        self.refused("GetItem", {"TableName": "nowhere", "Key": {"pk": {"S": "a"}}}, "ResourceNotFoundException", "not found")
        self.refused("DescribeTable", {"TableName": "nowhere"}, "ResourceNotFoundException", "nowhere")
        self.refused("MakeCoffee", {}, "UnknownOperationException")
        self.assertEqual(self.raw("{}", target="DynamoDB_20120810")[0], 400)
        self.assertEqual(self.raw("{}", target="Something.Else")[0], 400)

    # --- sizes

    def test_oversize_items_and_keys_are_refused_with_the_limit(self):
        # 400 KB counts names too: 2 ("pk") + 1 + 1 ("v") + the rest.
        exact = 400 * 1024 - 4
        self.region.call("PutItem", {"TableName": "kept", "Item": {"pk": {"S": "k"}, "v": {"S": "x" * exact}}})
        self.refused("PutItem", {"TableName": "kept", "Item": {"pk": {"S": "k"}, "v": {"S": "x" * (exact + 1)}}},
                     "ValidationException", "size")
        self.refused("UpdateItem", {"TableName": "kept", "Key": {"pk": {"S": "k"}}, "UpdateExpression": "SET w = :w",
                                    "ExpressionAttributeValues": {":w": {"S": "more"}}}, "ValidationException", "size")
        got = self.region.call("GetItem", {"TableName": "kept", "Key": {"pk": {"S": "k"}}})["Item"]
        self.assertEqual((len(got["v"]["S"]), "w" in got), (exact, False))

        self.region.call("PutItem", {"TableName": "kept", "Item": {"pk": {"S": "k" * 2048}}})
        self.refused("PutItem", {"TableName": "kept", "Item": {"pk": {"S": "k" * 2049}}}, "ValidationException", "2048")
        self.refused("GetItem", {"TableName": "kept", "Key": {"pk": {"S": "k" * 2049}}}, "ValidationException", "2048")
        self.refused("PutItem", {"TableName": "kept", "Item": {"pk": {"S": ""}}}, "ValidationException", "empty")
        sort = base64.b64encode(b"x" * 1025).decode()
        self.refused("PutItem", {"TableName": "numbers", "Item": {"n": {"N": "1"}, "b": {"B": sort}}},
                     "ValidationException", "1024")

    def test_a_missing_or_mistyped_key_is_refused(self):
        self.refused("PutItem", {"TableName": "kept", "Item": {"v": {"S": "a"}}}, "ValidationException", "pk")
        self.refused("PutItem", {"TableName": "kept", "Item": {"pk": {"N": "1"}}}, "ValidationException", "pk")
        self.refused("GetItem", {"TableName": "kept", "Key": {"pk": {"S": "a"}, "x": {"S": "b"}}}, "ValidationException",
                     "schema")

    def test_bad_numbers_are_refused_and_38_digits_are_kept(self):
        for text in ["", "abc", "1e", "0x10", "NaN", "Infinity", "1,5", "--1", "1.2.3", "9" * 39,
                     "1" + "0" * 37 + "1", "1e126", "-1e126", "1e-131", "1e99999999999999999999"]:
            with self.subTest(text=text):
                self.refused("PutItem", {"TableName": "kept", "Item": {"pk": {"S": "n"}, "v": {"N": text}}},
                             "ValidationException")
        for text in ["9" * 38, "-" + "9" * 38, "0." + "1" * 38, "1e125", "1e-130"]:
            self.region.call("PutItem", {"TableName": "kept", "Item": {"pk": {"S": "n"}, "v": {"N": text}}})
        self.region.call("PutItem", {"TableName": "kept", "Item": {"pk": {"S": "n"}, "v": {"N": "9" * 38}}})
        got = self.region.call("GetItem", {"TableName": "kept", "Key": {"pk": {"S": "n"}}})["Item"]
        self.assertEqual(got["v"]["N"], "9" * 38)

    def test_bad_expressions_are_refused_with_the_name_of_the_expression(self):
        key = {"TableName": "kept", "Key": {"pk": {"S": "first"}}}
        self.refused("UpdateItem", dict(key, UpdateExpression="SET"), "ValidationException", "UpdateExpression")
        self.refused("UpdateItem", dict(key, UpdateExpression="SET v = :missing"), "ValidationException", ":missing")
        self.refused("UpdateItem", dict(key, UpdateExpression="SET pk = :v", ExpressionAttributeValues={":v": {"S": "x"}}),
                     "ValidationException", "pk")
        self.refused("GetItem", dict(key, ProjectionExpression="a..b"), "ValidationException", "ProjectionExpression")
        self.refused("UpdateItem", dict(key, UpdateExpression="SET v = " + "(" * 5000), "ValidationException")
        self.refused("Query", {"TableName": "kept", "KeyConditionExpression": "v = :v",
                               "ExpressionAttributeValues": {":v": {"S": "x"}}}, "ValidationException")

    def test_a_batch_with_one_bad_write_writes_nothing(self):
        self.refused("BatchWriteItem", {"RequestItems": {"kept": [
            {"PutRequest": {"Item": {"pk": {"S": "batch-1"}}}}, {"PutRequest": {"Item": {"v": {"S": "no key"}}}}]}},
            "ValidationException")
        self.assertNotIn("Item", self.region.call("GetItem", {"TableName": "kept", "Key": {"pk": {"S": "batch-1"}}}))
        many = [{"PutRequest": {"Item": {"pk": {"S": "batch-%d" % i}}}} for i in range(26)]
        self.refused("BatchWriteItem", {"RequestItems": {"kept": many}}, "ValidationException", "25")

    # --- HTTP

    def test_a_body_above_16_mb_is_413_and_the_connection_ends(self):
        answer = talk(self.region.endpoint, GOOD_HEAD.encode() + b"Content-Length: %d\r\n\r\n" % (17 << 20))
        self.assertIn(b" 413 ", answer.split(b"\r\n")[0])
        answer = talk(self.region.endpoint, GOOD_HEAD.encode() + b"Content-Length: %d\r\n\r\n" % (17 << 20) + b"x" * (17 << 20))
        self.assertTrue(answer == b"" or b" 413 " in answer.split(b"\r\n")[0], answer[:80])
        chunks = (b"100000\r\n" + b"x" * 0x100000 + b"\r\n") * 17 + b"0\r\n\r\n"
        answer = talk(self.region.endpoint, GOOD_HEAD.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
        self.assertTrue(answer == b"" or b" 413 " in answer.split(b"\r\n")[0], answer[:80])

    def test_garbage_instead_of_http_is_400_or_a_closed_connection(self):
        for data in [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)), b"hello\r\n\r\n", b"\x00" * 4096,
                     b"GET\r\n\r\n", b"POST / HTTP/9.9\r\n\r\n", b"\r\n" * 100, b"A" * 100000,
                     b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
                     b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                     b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzzzz\r\n\r\n"]:
            with self.subTest(data=data[:50]):
                answer = talk(self.region.endpoint, data, half_close=True)
                self.assertTrue(answer == b"" or answer.startswith(b"HTTP/1.1 4") or answer.startswith(b"HTTP/1.1 501"),
                                answer[:100])
        long_head = GOOD_HEAD.encode() + b"X-Long: " + b"y" * 20000 + b"\r\n\r\n"
        self.assertIn(b" 431 ", talk(self.region.endpoint, long_head).split(b"\r\n")[0])
        many = GOOD_HEAD.encode() + b"".join(b"X-%d: 1\r\n" % i for i in range(200)) + b"\r\n"
        self.assertIn(b" 431 ", talk(self.region.endpoint, many).split(b"\r\n")[0])

    def test_half_requests_hold_nobody_up(self):
        host, port = self.region.endpoint.rsplit(":", 1)
        halves = []
        for i in range(200):
            s = socket.create_connection((host, int(port)), timeout=5)
            s.sendall((GOOD_HEAD + "Content-Length: 1000\r\n\r\n{").encode()[:10 + i * 4])
            halves.append(s)
        fresh = self.region.another()
        self.assertEqual(fresh.call("ListTables", {})["TableNames"], ["kept", "numbers"])
        fresh.close()
        for i, s in enumerate(halves):
            if i % 2:  # half of them with a reset
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            s.close()

    def test_other_methods_paths_and_missing_signatures_are_answered(self):
        self.assertTrue(talk(self.region.endpoint, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 "))
        unsigned = b"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: DynamoDB_20120810.ListTables\r\n" \
                   b"Content-Type: application/x-amz-json-1.0\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
        answer = talk(self.region.endpoint, unsigned)
        self.assertIn(b" 400 ", answer.split(b"\r\n")[0])
        self.assertIn(b"MissingAuthenticationToken", answer)
        broken = unsigned.replace(b"Host: x", b"Host: x\r\nAuthorization: AWS4-HMAC-SHA256 nonsense")
        self.assertIn(b"IncompleteSignature", talk(self.region.endpoint, broken))
        untyped = unsigned.replace(b"Content-Type: application/x-amz-json-1.0\r\n", b"")
        self.assertIn(b" 404 ", talk(self.region.endpoint, untyped).split(b"\r\n")[0])

    def test_bad_admin_requests_are_answered(self):
        for path, status in [("/nowhere", 404), ("/conflicts/nonsense", 400), ("/items?after=zz", 400),
                             ("/conflicts?table=nowhere", 404), ("/conflicts?limit=abc", 200), ("/healthz", 200)]:
            self.assertEqual(self.region.admin_get(path)[0], status, path)
        self.assertIn(b" 400 ", talk(self.region.admin, b"nonsense\r\n\r\n", half_close=True).split(b"\r\n")[0])

    def test_garbage_on_the_replicators_socket_is_refused(self):
        for data in [b"\x00" * 64, b"\xff" * 64, os.urandom(4096), b"GET / HTTP/1.1\r\n\r\n"]:
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(5)
                s.connect(str(self.server.socket))
                try:
                    s.sendall(data)
                    s.shutdown(socket.SHUT_WR)
                    while s.recv(4096):
                        pass
                except OSError:
                    pass
        self.region.call("PutItem", {"TableName": "kept", "Item": {"pk": {"S": "after garbage"}}})


# What is wrong, what the good file has, what the bad one has instead, and how the message begins behind the file's name.
BAD_TOPOLOGIES = [
    ("an unknown key", "cluster: test", "clustre: test", ':1:1: unknown key "clustre" in the file; did you mean "cluster"?'),
    ("an unknown key in a region", "    id: 2", "    idd: 2", ':10:5: unknown key "idd" in a region; did you mean "id"?'),
    ("an id twice", "    id: 2", "    id: 1", ":10:9: the id 1 is used on line 4 already; "),
    ("a name twice", "name: eu-west-1", "name: us-east-1", ':9:11: the name "us-east-1" is used on line 3 already; '),
    ("an id that is no number", "    id: 2", "    id: two", ':10:9: "two" must be a whole number from 1 to 65535; '),
    ("an address without a port", "endpoint: 127.0.0.1:8200", "endpoint: 127.0.0.1", ':11:15: "127.0.0.1" is not host:port'),
    ("a port twice", "admin: 127.0.0.1:8201", "admin: 127.0.0.1:8200", ":12:12: the address 127.0.0.1:8200 is used on line 11 already; "),
    ("a nats URL without scheme", "nats://127.0.0.1:8202", "127.0.0.1:8202", ':13:11: "127.0.0.1:8202" does not start with nats://; '),
    ("a link to nowhere", "[us-east-1, eu-west-1]", "[us-east-1, mars]", ':16:26: there is no region "mars"; the regions are '),
    ("a link that is missing", "  - between: [us-east-1, eu-west-1]\n    latency: 40ms\n", "  []\n", ": the link between us-east-1 and eu-west-1 is missing; add "),
    ("a duration without unit", "40ms", "40", ':17:14: "40" has no unit; '),
    ("an unknown durability", "durability: durable", "durability: fast", ':18:13: "fast" is not known; use durable or relaxed'),
    ("a key twice", "    id: 2", "    id: 2\n    id: 3", ':11:5: "id" is given twice; remove one'),
    ("a tab", "    id: 2", "\tid: 2", ":10:1: a tab in the indentation; "),
    ("YAML that does not parse", "[us-east-1, eu-west-1]", "[us-east-1, eu-west-1", ":17:"),
    ("a YAML anchor", "cluster: test", "cluster: &x test", ":1:10: anchors (&name) are not allowed; "),
]

GOOD_TOPOLOGY = """cluster: test
regions:
  - name: us-east-1
    id: 1
    endpoint: 127.0.0.1:8100
    admin: 127.0.0.1:8101
    nats: nats://127.0.0.1:8102
    data: a
  - name: eu-west-1
    id: 2
    endpoint: 127.0.0.1:8200
    admin: 127.0.0.1:8201
    nats: nats://127.0.0.1:8202
    data: b
links:
  - between: [us-east-1, eu-west-1]
    latency: 40ms
durability: durable
"""


class StartUp(unittest.TestCase):
    """Starts that cannot succeed: status 78, a message on standard error, nothing left running or spoilt."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="everwrite-bad-"))
        self.environment = dict(os.environ, XDG_RUNTIME_DIR=str(self.folder))

    def tearDown(self):
        shutil.rmtree(self.folder)

    def run_everwrite(self, *arguments):
        return subprocess.run([BINARY, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=60, env=self.environment)

    def refused(self, done, *words):
        self.assertEqual(done.returncode, CONFIGURATION, done.stdout + done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertNotIn("ready", done.stdout)

    def test_the_good_file_is_good(self):
        file = self.folder / "topology.yaml"
        file.write_text(GOOD_TOPOLOGY)
        done = self.run_everwrite("topology", "check", file)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("2 regions", done.stdout)

    def test_bad_topology_files_are_refused_by_every_command_with_place_and_mend(self):
        file = self.folder / "topology.yaml"
        for what, good, bad, message in BAD_TOPOLOGIES:
            self.assertIn(good, GOOD_TOPOLOGY)
            file.write_text(GOOD_TOPOLOGY.replace(good, bad, 1))
            for command in (["topology", "check", file], ["up", file, "--data", self.folder / "data"],
                            ["region", "--topology", file, "--region", "us-east-1", "--data", self.folder / "data"],
                            ["replicator", "--topology", file, "--region", "us-east-1", "--data", self.folder / "data"],
                            ["status", file]):
                with self.subTest(what=what, command=command[0]):
                    self.refused(self.run_everwrite(*command), "topology.yaml" + message if message.count(":") > 2 or
                                 message.startswith(":1") else message)
        self.assertFalse((self.folder / "data").exists(), "a refused start left something behind")

    def test_files_that_are_no_topology(self):
        for name, content in [("empty.yaml", b""), ("binary.yaml", os.urandom(512)), ("list.yaml", b"- a\n- b\n"),
                              ("huge.yaml", b"# " + b"x" * (2 << 20)),
                              ("escapes.yaml", b'cluster: "\x1b[2J\x07"\n'), ("deep.yaml", b"[" * 100000),
                              ("bomb.yaml", b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n")]:
            file = self.folder / name
            file.write_bytes(content)
            with self.subTest(name=name):
                done = self.run_everwrite("topology", "check", file)
                self.refused(done, name)
                self.assertTrue(done.stderr.strip().isprintable(), done.stderr)
        self.refused(self.run_everwrite("topology", "check", self.folder / "missing.yaml"), "missing.yaml: no such file")
        self.refused(self.run_everwrite("topology", "check", self.folder), str(self.folder))
        self.refused(self.run_everwrite("up", self.folder / "missing.yaml"), "missing.yaml")

    def test_a_region_that_the_file_does_not_name(self):
        file = self.folder / "topology.yaml"
        file.write_text(GOOD_TOPOLOGY)
        for role in ("region", "replicator"):
            self.refused(self.run_everwrite(role, "--topology", file, "--region", "mars"), "us-east-1, eu-west-1")

    def test_a_port_in_use(self):
        for which in ("endpoint", "admin"):
            with socket.socket() as taken:
                taken.bind(("127.0.0.1", 0))
                taken.listen()
                port = taken.getsockname()[1]
                server = LoneRegion(ports={which: port})
                self.refused(server.run(), "cannot listen on 127.0.0.1:%d" % port, "in use")
                self.refused(self.run_everwrite("up", server.topology, "--data", server.folder / "data"),
                             "127.0.0.1:%d" % port, "in use", "change the port")
                server.remove()
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            server = LoneRegion()
            self.refused(self.run_everwrite("up", server.topology, "--data", server.folder / "data", "--gateway",
                                            taken.getsockname()[1]), "gateway", "in use")
            server.remove()

    def with_data(self):
        """A region that was started once and holds one item; ended."""
        server = LoneRegion()
        server.start()
        make_table(server.region, "kept")
        server.region.call("PutItem", {"TableName": "kept", "Item": {"pk": {"S": "a"}}})
        server.stop(keep=True)
        return server

    def still_holds_its_item(self, server):
        server.start()
        got = server.region.call("GetItem", {"TableName": "kept", "Key": {"pk": {"S": "a"}}})
        server.stop()
        self.assertEqual(got["Item"], {"pk": {"S": "a"}})

    def test_data_folders_that_cannot_be_used(self):
        server = self.with_data()
        good = server.topology.read_text()
        with self.subTest("of another cluster"):
            server.topology.write_text(good.replace("cluster: test", "cluster: other"))
            self.refused(server.run(), "belongs to cluster 'test', not to 'other'")
        with self.subTest("of another region"):
            server.topology.write_text(good.replace("id: 1", "id: 2"))
            self.refused(server.run(), "belongs to region 1 (us-east-1), not to region 2", "own folder")
            done = self.run_everwrite("up", server.topology, "--data", server.data.parent)
            self.refused(done, "belongs to region 1")
        server.topology.write_text(good)
        identity = server.data / "everwrite.identity"
        text = identity.read_bytes()
        for what, damaged in [("empty", b""), ("random", os.urandom(200)), ("cut", text[:len(text) // 2])]:
            with self.subTest("identity " + what):
                identity.write_bytes(damaged)
                self.refused(server.run(), "everwrite.identity", "damaged", "move the folder away")
        with self.subTest("identity of a later format"):
            identity.write_bytes(text.replace(b"format 1", b"format 99"))
            self.refused(server.run(), "data format 99")
        with self.subTest("identity gone"):
            identity.unlink()
            self.refused(server.run(), "holds a database but no everwrite.identity")
        identity.write_bytes(text)
        with self.subTest("locked by another process"), open(server.data / "everwrite.lock", "rb+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.refused(server.run(), "is in use by another process")
        self.still_holds_its_item(server)

    def test_a_running_region_keeps_its_folder_to_itself(self):
        server = self.with_data()
        server.start()
        done = server.run()
        self.refused(done, "is in use by another process (pid %d)" % server.process.pid)
        got = server.region.call("GetItem", {"TableName": "kept", "Key": {"pk": {"S": "a"}}})
        self.assertEqual(got["Item"], {"pk": {"S": "a"}})
        server.stop()

    def test_a_file_where_the_folder_should_be(self):
        server = LoneRegion()
        server.data.parent.mkdir(parents=True, exist_ok=True)
        server.data.write_text("not a folder")
        self.refused(server.run(), str(server.data))
        self.refused(self.run_everwrite("up", server.topology, "--data", server.data.parent), str(server.data))
        self.assertEqual(server.data.read_text(), "not a folder")
        server.remove()

    def test_a_database_that_cannot_be_opened(self):
        server = self.with_data()
        current = server.data / "db" / "CURRENT"
        text = current.read_bytes()
        current.write_bytes(b"MANIFEST-999999\n")
        self.refused(server.run(), str(server.data))
        current.write_bytes(text)
        self.still_holds_its_item(server)

    def test_usage_errors_are_status_2(self):
        for arguments in ([], ["nonsense"], ["up"], ["region", "--region", "x"], ["link", "cut", "a"],
                          ["conflicts", "show", "--region", "x"], ["demo", "--port", "70000"], ["verify", "--wait", "soon"]):
            with self.subTest(arguments=arguments):
                self.assertEqual(self.run_everwrite(*arguments).returncode, 2)

    def test_commands_without_anything_running_say_so(self):
        for arguments in (["status"], ["verify"], ["link", "cut", "a", "b"], ["conflicts", "list", "--region", "a"]):
            done = self.run_everwrite(*arguments)
            self.assertEqual(done.returncode, 69, arguments)
            self.assertNotEqual(done.stderr, "")


class Disk(unittest.TestCase):
    def test_a_disk_that_is_full_ends_the_region_with_70_and_loses_nothing_acknowledged(self):
        server = LoneRegion()
        server.start(file_bytes_max=2 << 20)
        make_table(server.region, "kept")
        acknowledged = []
        with self.assertRaises((ApiError, OSError, http.client.HTTPException)):
            for i in range(1000):
                server.region.call("PutItem", {"TableName": "kept", "Item": {"pk": {"S": "k%d" % i}, "v": {"S": "x" * 10000}}})
                acknowledged.append("k%d" % i)
        self.assertEqual(server.process.wait(20), 70)
        self.assertGreater(len(acknowledged), 20)
        self.assertIn("writing has failed; the process ends", (server.folder / "region.log").read_text())
        server.region.close()
        server.start()  # there is room again
        for name in acknowledged:
            self.assertIn("Item", server.region.call("GetItem", {"TableName": "kept", "Key": {"pk": {"S": name}}}), name)
        server.region.call("PutItem", {"TableName": "kept", "Item": {"pk": {"S": "again"}}})
        server.stop()


if __name__ == "__main__":
    unittest.main()
