#!/usr/bin/env python3
"""Write receipts: for a write, a session token or a key, any region says where it is visible and what became of it."""
import json
import unittest

from world import SLOWNESS, World, make_table, until

US, EU, AP = "us-east-1", "eu-west-1", "ap-northeast-1"


class Where(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World(regions=3, latency_ms=10)
        cls.world.start()
        make_table(cls.world.region(US), "where")
        cls.world.wait_for_table("where")

    @classmethod
    def tearDownClass(cls):
        cls.world.stop()
        cls.world.remove()

    def put(self, name, key, value):
        """The answer's receipt and token."""
        _, headers = self.world.region(name).call_with_headers("PutItem", {
            "TableName": "where", "Item": {"pk": {"S": key}, "v": {"S": value}}})
        return headers["x-everwrite-receipt"], headers["x-everwrite-session"]

    def where(self, region, *arguments):
        return json.loads(self.world.command("where", *arguments, "--region", region, "--topology", str(self.world.topology), "--json").stdout)

    def states(self, answer):
        return {one["region"]: one["state"] for one in answer["regions"]}

    def test_a_write_is_followed_from_one_region_to_all(self):
        world = self.world
        world.command("link", "cut", US, AP)
        world.command("link", "cut", EU, AP)
        try:
            receipt, token = self.put(US, "a", "one")
            for region in (US, EU):
                until(lambda: self.states(self.where(region, receipt)) == {US: "applied", EU: "applied", AP: "pending"},
                      5 * SLOWNESS, "%s to know who has the write" % region)
                answer = self.where(region, receipt)
                self.assertEqual(answer["write"]["fate"], "current")
                self.assertEqual((answer["write"]["table"], answer["write"]["key"]), ("where", {"pk": {"S": "a"}}))
                self.assertEqual(self.states(self.where(region, "--session", token))[AP], "pending")
            self.assertEqual(self.where(AP, receipt)["write"]["fate"], "pending")
            self.assertEqual(self.states(self.where(AP, receipt))[AP], "pending")
        finally:
            world.command("link", "heal", US, AP)
            world.command("link", "heal", EU, AP)
        for region in (US, EU, AP):
            until(lambda: set(self.states(self.where(region, receipt)).values()) == {"applied"}, 10 * SLOWNESS, "all to have it")
            self.assertEqual(self.where(region, receipt)["write"]["fate"], "current")
        later, _ = self.put(AP, "a", "two")
        until(lambda: self.where(EU, receipt)["write"]["fate"] == "superseded", 5 * SLOWNESS, "the write to be overwritten")
        self.assertEqual(self.where(EU, receipt)["write"]["by"]["write"], later)

    def test_of_two_at_once_the_loser_names_its_winner_everywhere(self):
        world = self.world
        world.command("link", "cut", US, EU)
        world.command("link", "cut", AP, EU)
        try:
            loser, _ = self.put(US, "b", "loses")
            winner, _ = self.put(EU, "b", "wins")
        finally:
            world.command("link", "heal", US, EU)
            world.command("link", "heal", AP, EU)
        for region in (US, EU, AP):
            until(lambda: self.where(region, loser)["write"]["fate"] == "lost", 10 * SLOWNESS, "the loser to be known in " + region)
            answer = self.where(region, loser)["write"]
            self.assertEqual((answer["by"]["write"], answer["conflict"]), (winner, loser))
            by_key = self.where(region, "--table", "where", "--key", '{"pk":{"S":"b"}}')
            self.assertEqual(by_key["stands"]["write"], winner)
            self.assertEqual([(one["write"], one["to"]["write"]) for one in by_key["lost"]], [(loser, winner)])
        text = world.command("where", loser, "--topology", str(world.topology)).stdout
        self.assertIn("lost to a concurrent one: write %s of eu-west-1" % winner, text)
        world.command("conflicts", "show", loser, "--region", AP, "--topology", str(world.topology))

    def test_a_transaction_a_statement_and_a_read(self):
        us = self.world.region(US)
        _, headers = us.call_with_headers("TransactWriteItems", {"TransactItems": [
            {"ConditionCheck": {"TableName": "where", "Key": {"pk": {"S": "none"}}, "ConditionExpression": "attribute_not_exists(pk)"}},
            {"Put": {"TableName": "where", "Item": {"pk": {"S": "t1"}}}}, {"Put": {"TableName": "where", "Item": {"pk": {"S": "t2"}}}}]})
        self.assertEqual(self.where(US, headers["x-everwrite-receipt"])["write"]["key"], {"pk": {"S": "t1"}})
        _, headers = us.call_with_headers("ExecuteStatement", {"Statement": "INSERT INTO \"where\" VALUE {'pk':'s1'}"})
        self.assertEqual(self.where(US, headers["x-everwrite-receipt"])["write"]["key"], {"pk": {"S": "s1"}})
        _, headers = us.call_with_headers("GetItem", {"TableName": "where", "Key": {"pk": {"S": "s1"}}})
        self.assertNotIn("x-everwrite-receipt", headers)

    def test_what_nobody_wrote_is_said_so(self):
        done = self.world.command("where", "nonsense", "--topology", str(self.world.topology), check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("not a write's receipt", done.stdout)
        done = self.world.command("where", "--table", "nope", "--key", '{"pk":{"S":"b"}}', "--topology", str(self.world.topology), check=False)
        self.assertIn("no table is named nope", done.stdout)
        answer = self.where(US, "--table", "where", "--key", '{"pk":{"S":"never"}}')
        self.assertNotIn("stands", answer)


if __name__ == "__main__":
    unittest.main()
