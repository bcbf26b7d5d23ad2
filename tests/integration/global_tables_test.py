#!/usr/bin/env python3
"""Global tables between real regions, by boto3: replicas that come and go, tables that live in some of the regions, what
the others see of them, and what is refused."""
import os
import signal
import sys
import threading
import time
import unittest

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from world import ApiError, World, until


def client(world, name, service="dynamodb"):
    return boto3.client(service, endpoint_url="http://" + world.region(name).endpoint, region_name=name,
                        aws_access_key_id="test", aws_secret_access_key="test",
                        config=Config(retries={"max_attempts": 8}))


def make(db, table):
    db.create_table(TableName=table, BillingMode="PAY_PER_REQUEST",
                    AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
                    KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}])


def put(db, table, key, **more):
    db.put_item(TableName=table, Item=dict({"pk": {"S": key}}, **{k: {"S": v} for k, v in more.items()}))


def load(db, table, items, text="x" * 200):
    for begin in range(0, items, 25):
        answer = db.batch_write_item(RequestItems={table: [
            {"PutRequest": {"Item": {"pk": {"S": "item%d" % i}, "text": {"S": text}}}}
            for i in range(begin, min(begin + 25, items))]})
        assert not answer["UnprocessedItems"]


def scan(db, table):
    items, start = {}, {}
    while True:
        page = db.scan(TableName=table, **start)
        items.update((i["pk"]["S"], i) for i in page["Items"])
        if "LastEvaluatedKey" not in page:
            return items
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def replicas(db, table):
    """{region: status} of the others, or None when the table is no global one."""
    described = db.describe_table(TableName=table)["Table"]
    if "Replicas" not in described:
        assert "GlobalTableVersion" not in described
        return None
    assert described["GlobalTableVersion"] == "2019.11.21"
    return {r["RegionName"]: r["ReplicaStatus"] for r in described["Replicas"]}


def update(db, table, action, region, **more):
    return db.update_table(TableName=table, ReplicaUpdates=[{action: dict(RegionName=region, **more)}])


class Explicit(unittest.TestCase):
    """A topology whose tables live where they were made, until they are given replicas."""

    @classmethod
    def setUpClass(cls):
        cls.world = World(regions=3, latency_ms=10, extra="replication: {replicate: explicit, bootstrap_rate: 1500KB/s}\n")
        cls.world.start()
        cls.a, cls.b, cls.c = cls.world.names
        cls.db = {name: client(cls.world, name) for name in cls.world.names}

    @classmethod
    def tearDownClass(cls):
        cls.world.stop()
        cls.world.remove()

    def fails(self, code, text, call, *arguments, **more):
        with self.assertRaises(ClientError) as raised:
            call(*arguments, **more)
        self.assertEqual(raised.exception.response["Error"]["Code"], code)
        self.assertIn(text, raised.exception.response["Error"]["Message"])

    def wait_for(self, table, region, expected, deadline=60):
        until(lambda: replicas(self.db[region], table) == expected, deadline,
              "replicas of %s in %s to be %s" % (table, region, expected), pause=0.1)

    def add(self, table, by, region, expected):
        update(self.db[by], table, "Create", region)
        self.wait_for(table, by, expected)

    def is_unknown(self, table, region):
        db = self.db[region]
        self.fails("ResourceNotFoundException", "not found", db.describe_table, TableName=table)
        self.fails("ResourceNotFoundException", "not found", db.get_item, TableName=table, Key={"pk": {"S": "item1"}})
        self.fails("ResourceNotFoundException", "not found", put, db, table, "k")
        self.assertNotIn(table, db.list_tables()["TableNames"])

    def test_a_table_is_in_the_region_that_made_it_alone(self):
        make(self.db[self.a], "lonely")
        put(self.db[self.a], "lonely", "k")
        self.assertIsNone(replicas(self.db[self.a], "lonely"))
        self.world.wait_until_converged()
        for name in (self.b, self.c):
            self.is_unknown("lonely", name)
            # Its name is taken all the same.
            self.fails("ResourceInUseException", "Table already exists: lonely", make, self.db[name], "lonely")
        self.db[self.a].delete_table(TableName="lonely")
        self.world.wait_until_converged()
        make(self.db[self.b], "lonely")
        self.assertEqual(scan(self.db[self.b], "lonely"), {})

    def test_a_new_replica_is_filled_under_writes_and_a_kill_and_nobody_else_sees_anything(self):
        make(self.db[self.a], "shared")
        load(self.db[self.a], "shared", 3000, text="x" * 2000)
        stopping, written = threading.Event(), []

        def write():
            db = client(self.world, self.a)
            while not stopping.is_set():
                key = "item%d" % (len(written) * 7 % 3000)
                put(db, "shared", key, by="%d" % len(written))
                written.append(key)
                time.sleep(0.002)
        writer = threading.Thread(target=write)
        writer.start()
        seen, killed = set(), False
        try:
            answer = update(self.db[self.a], "shared", "Create", self.b)["TableDescription"]
            self.assertEqual(answer["TableStatus"], "UPDATING")
            self.assertEqual(replicas(self.db[self.a], "shared"), {self.b: "CREATING"})
            self.fails("ResourceInUseException", "is in use", update, self.db[self.a], "shared", "Create", self.c)

            def filled():
                nonlocal killed
                try:
                    table = self.db[self.b].describe_table(TableName="shared")["Table"]
                except ClientError:
                    return False
                if table["TableStatus"] == "ACTIVE":
                    return True
                own = [r for r in table["Replicas"] if r["RegionName"] == self.b]
                self.assertEqual((table["TableStatus"], own[0]["ReplicaStatus"]), ("CREATING", "CREATING"))
                percent = int(own[0]["ReplicaStatusPercentProgress"])
                seen.add(percent)
                try:
                    found = self.db[self.b].get_item(TableName="shared", Key={"pk": {"S": "item1"}})
                    self.assertIn("Item", found, "what is answered is whole: it was filled between the two calls")
                except ClientError as error:
                    self.assertEqual(error.response["Error"]["Code"], "ResourceNotFoundException")
                if percent > 30 and not killed:
                    killed = True
                    os.kill(self.world.pid(self.b, "region"), signal.SIGKILL)
                return False
            until(filled, 90, "the new replica to be filled", pause=0.05)
        finally:
            stopping.set()
            writer.join()
        self.assertTrue(killed)
        self.assertGreater(len(seen), 3)
        self.wait_for("shared", self.a, {self.b: "ACTIVE"})
        self.wait_for("shared", self.b, {self.a: "ACTIVE"})
        put(self.db[self.b], "shared", "from b")
        self.world.wait_until_converged()
        self.assertEqual(scan(self.db[self.a], "shared"), scan(self.db[self.b], "shared"))
        self.assertEqual(len(scan(self.db[self.b], "shared")), 3001)
        self.is_unknown("shared", self.c)
        # The stream that replication needs at the service is on in both.
        for name in (self.a, self.b):
            table = self.db[name].describe_table(TableName="shared")["Table"]
            self.assertEqual(table["StreamSpecification"]["StreamViewType"], "NEW_AND_OLD_IMAGES")
            self.fails("ValidationException", "Disabling Stream is not allowed for a Global Table replica", self.db[name].update_table,
                       TableName="shared", StreamSpecification={"StreamEnabled": False})
        # Definitions are shared by those who hold the table.
        self.db[self.b].update_time_to_live(TableName="shared", TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"})
        until(lambda: self.db[self.a].describe_time_to_live(TableName="shared")["TimeToLiveDescription"]["TimeToLiveStatus"] == "ENABLED",
              20, "TTL to be on everywhere")
        # Nothing of it has ever been in c: neither rows nor images in its log.
        self.assertEqual(self.world.region_status(self.c)["region"], self.c)
        for path, _, files in os.walk(self.world.folder / "data" / self.c / "db"):
            for name in files:
                with open(os.path.join(path, name), "rb") as file:
                    self.assertNotIn(b"x" * 200, file.read(), name)

    def test_replicas_come_and_go(self):
        make(self.db[self.a], "moving")
        put(self.db[self.a], "moving", "one")
        self.add("moving", self.a, self.b, {self.b: "ACTIVE"})
        self.add("moving", self.b, self.c, {self.a: "ACTIVE", self.c: "ACTIVE"})
        put(self.db[self.c], "moving", "two")
        self.world.wait_until_converged()
        for name in self.world.names:
            self.assertEqual(set(scan(self.db[name], "moving")), {"one", "two"})
        update(self.db[self.c], "moving", "Delete", self.b)
        self.wait_for("moving", self.c, {self.a: "ACTIVE"})
        self.is_unknown("moving", self.b)
        put(self.db[self.a], "moving", "three")
        self.world.wait_until_converged()
        self.assertEqual(set(scan(self.db[self.c], "moving")), {"one", "two", "three"})
        # A region leaves by DeleteTable; the last one stays, with its stream.
        self.db[self.a].delete_table(TableName="moving")
        self.is_unknown("moving", self.a)
        until(lambda: replicas(self.db[self.c], "moving") is None, 20, "the table to be no global one")
        self.assertEqual(len(scan(self.db[self.c], "moving")), 3)
        self.assertIn("StreamSpecification", self.db[self.c].describe_table(TableName="moving")["Table"])
        self.db[self.c].update_table(TableName="moving", StreamSpecification={"StreamEnabled": False})
        # And back: what it had before is not what it gets.
        self.add("moving", self.c, self.b, {self.b: "ACTIVE"})
        self.assertEqual(set(scan(self.db[self.b], "moving")), {"one", "two", "three"})
        self.db[self.b].delete_table(TableName="moving")
        until(lambda: replicas(self.db[self.c], "moving") is None, 20, "the table to be no global one")
        self.db[self.c].delete_table(TableName="moving")
        for name in self.world.names:
            until(lambda: "moving" not in self.db[name].list_tables()["TableNames"], 20, "the table to be gone")

    def test_a_region_leaves_with_its_data(self):
        """And `verify --full` compares tables where they live."""
        make(self.db[self.a], "shared-no-more")
        load(self.db[self.a], "shared-no-more", 200)
        self.add("shared-no-more", self.a, self.b, {self.b: "ACTIVE"})
        self.add("shared-no-more", self.a, self.c, {self.b: "ACTIVE", self.c: "ACTIVE"})
        self.world.wait_until_converged()
        # The SDK at hand does not know the action.
        leaving = self.world.region(self.c).another()
        leave = {"TableName": "shared-no-more", "ReplicaUpdates": [
            {"Disassociate": {"RegionName": self.c, "DisassociationMode": "WAIT_FOR_REPLICATION"}}]}
        with self.assertRaises(ApiError) as caught:
            leaving.call("UpdateTable", leave)
        self.assertIn("protection", caught.exception.body["message"])
        leaving.call("UpdateTable", {"TableName": "shared-no-more", "DisassociationProtectionEnabled": False})
        described = leaving.call("UpdateTable", leave)["TableDescription"]
        leaving.close()
        self.assertNotIn("Replicas", described)
        os.kill(self.world.pid(self.c, "region"), signal.SIGKILL)
        self.wait_for("shared-no-more", self.a, {self.b: "ACTIVE"})
        until(lambda: self.world.is_ready(self.c), 60, "the region to serve", pause=0.2)
        put(self.db[self.c], "shared-no-more", "c's own")
        put(self.db[self.a], "shared-no-more", "the others'")
        self.db[self.b].delete_item(TableName="shared-no-more", Key={"pk": {"S": "item7"}})
        self.world.wait_until_converged()
        self.assertEqual(scan(self.db[self.a], "shared-no-more"), scan(self.db[self.b], "shared-no-more"))
        self.assertEqual(len(scan(self.db[self.a], "shared-no-more")), 200)
        ours = scan(self.db[self.c], "shared-no-more")
        self.assertEqual(len(ours), 201)
        self.assertIn("item7", ours)
        self.assertNotIn("the others'", ours)
        self.assertIsNone(replicas(self.db[self.c], "shared-no-more"))
        self.assertEqual(self.world.command("verify", str(self.world.topology), "--full", "--wait", "30").returncode, 0)
        self.fails("ValidationException", "already existed as tables", update, self.db[self.a], "shared-no-more", "Create", self.c)
        # Each goes by itself.
        self.db[self.c].delete_table(TableName="shared-no-more")
        self.world.wait_until_converged()
        self.assertEqual(len(scan(self.db[self.b], "shared-no-more")), 200)
        self.add("shared-no-more", self.a, self.c, {self.b: "ACTIVE", self.c: "ACTIVE"})
        self.assertEqual(scan(self.db[self.c], "shared-no-more"), scan(self.db[self.a], "shared-no-more"))

    def test_verify_full_compares_a_table_where_it_lives(self):
        make(self.db[self.a], "partly")
        load(self.db[self.a], "partly", 60)
        self.add("partly", self.a, self.b, {self.b: "ACTIVE"})
        self.world.wait_until_converged()
        self.assertEqual(self.world.command("verify", str(self.world.topology), "--full", "--wait", "30").returncode, 0)

    def test_a_region_that_lost_its_disk_gets_each_table_from_who_holds_it(self):
        make(self.db[self.a], "of-a-and-c")
        make(self.db[self.b], "of-b-and-c")
        self.add("of-a-and-c", self.a, self.c, {self.c: "ACTIVE"})
        self.add("of-b-and-c", self.b, self.c, {self.c: "ACTIVE"})
        load(self.db[self.a], "of-a-and-c", 300)
        load(self.db[self.b], "of-b-and-c", 200)
        self.world.wait_until_converged()
        self.world.lose_disk(self.c)
        until(lambda: self.world.is_ready(self.c), 60, "the region to serve", pause=0.2)

        def whole(table):
            try:
                return self.db[self.c].describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE"
            except ClientError:
                return False
        for table, items in (("of-a-and-c", 300), ("of-b-and-c", 200)):
            until(lambda: whole(table), 60, table + " to be whole", pause=0.1)
            self.assertEqual(len(scan(self.db[self.c], table)), items)
        self.world.wait_until_converged()

    def test_the_old_version_and_auto_scaling_are_answered(self):
        db = self.db[self.a]
        make(db, "modern")
        self.fails("ValidationException", "version 2017.11.29 is not supported", db.create_global_table,
                   GlobalTableName="modern", ReplicationGroup=[{"RegionName": self.a}])
        self.fails("GlobalTableNotFoundException", "does not exist", db.describe_global_table, GlobalTableName="modern")
        self.fails("GlobalTableNotFoundException", "does not exist", db.describe_global_table_settings, GlobalTableName="modern")
        self.assertEqual(db.list_global_tables()["GlobalTables"], [])
        self.fails("ResourceNotFoundException", "Global table with name: modern does not exist", db.describe_table_replica_auto_scaling, TableName="modern")
        self.add("modern", self.a, self.b, {self.b: "ACTIVE"})
        scaling = db.describe_table_replica_auto_scaling(TableName="modern")["TableAutoScalingDescription"]
        self.assertEqual([r["RegionName"] for r in scaling["Replicas"]], sorted([self.a, self.b]))
        for text, region in (("already existed as tables", self.b), ("local region", self.a), ("is not supported", "mars-1")):
            self.fails("ValidationException", text, update, db, "modern", "Create", region)
        self.fails("ValidationException", "were not part of the global table", update, db, "modern", "Delete", self.c)
        update(db, "modern", "Update", self.b, KMSMasterKeyId="alias/theirs")
        described = db.describe_table(TableName="modern")["Table"]["Replicas"][0]
        self.assertEqual(described["KMSMasterKeyId"], "alias/theirs")


class Everywhere(unittest.TestCase):
    def test_a_table_is_in_all_regions_until_one_is_taken_out(self):
        with World(regions=3, latency_ms=10) as world:
            a, b, c = world.names
            db = {name: client(world, name) for name in world.names}
            make(db[a], "all")
            world.wait_for_table("all")
            self.assertEqual(replicas(db[a], "all"), {b: "ACTIVE", c: "ACTIVE"})
            self.assertNotIn("StreamSpecification", db[a].describe_table(TableName="all")["Table"])
            load(db[b], "all", 50)
            world.wait_until_converged()
            update(db[a], "all", "Delete", c)
            until(lambda: replicas(db[a], "all") == {b: "ACTIVE"}, 30, "c to have left")
            self.assertNotIn("all", db[c].list_tables()["TableNames"])
            put(db[b], "all", "after")
            world.wait_until_converged()
            self.assertEqual(scan(db[a], "all"), scan(db[b], "all"), "all regions had just been found equal")
            self.assertEqual(len(scan(db[a], "all")), 51)
            update(db[b], "all", "Create", c)
            until(lambda: replicas(db[b], "all") == {a: "ACTIVE", c: "ACTIVE"}, 60, "c to be back")
            self.assertEqual(scan(db[c], "all"), scan(db[a], "all"))


if __name__ == "__main__":
    unittest.main(verbosity=1)
