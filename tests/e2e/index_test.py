"""Two devices of different projects: the second finds the first one's client without a network, and nobody is entered twice."""

import unittest

from harness import NOT_FOUND, USAGE, World, wait_for


class IndexTest(World):
    def setUp(self):
        super().setUp()
        self.hub = self.make_hub(seeded=True)
        self.hub.serve()
        self.north, self.south = (self.make_agent(self.hub, name) for name in ("north", "south"))
        self.north.sync()
        projects = [row["project"] for row in self.north.run("projects")["projects"]]
        self.here, self.there = projects[:2]
        self.hub.run("scope", "set", "--device", "north", "--project", self.here)
        self.hub.run("scope", "set", "--device", "south", "--project", self.there)
        for agent in (self.north, self.south):
            agent.sync()
        made = self.north.intake("--first", "Indira", "--last", "Indexley", "--ssn", "219-09-1234", "--project", self.here)
        self.client = made["Client"]
        self.north.sync()
        wait_for("the index to have her", lambda: self.known(self.south))

    def known(self, agent, words="indexl"):
        agent.sync()
        return agent.find(words)

    def test_who_is_found_offline_is_not_entered_again(self):
        self.hub.stop()
        (row,) = self.south.find("indi indexl")
        self.assertEqual(row["client"], self.client)
        self.assertTrue(row["from_index"])
        self.assertRegex(row["known"], r"^known to the CoC, last seen \d{4}-\d\d-\d\d$")
        self.assertEqual(row["ssn"], "*****1234")
        self.assertEqual([one["client"] for one in self.south.find("219-09-1234")], [self.client])
        shown = self.south.run("show", self.client)
        self.assertEqual(shown["table"], "Client")
        self.assertTrue(shown["from_index"])
        self.assertEqual(shown["enrollments"], [])
        self.assertIn({"field": "LastName", "value": "Indexley", "meaning": ""}, shown["fields"])

        self.south.run("intake", "--client", self.client, "--project", self.there)
        self.south.run("contact", "--client", self.client, "--situation", "116")
        self.assertEqual(len(self.south.find("indexl")), 1)
        self.assertEqual(len(self.south.run("show", self.client)["contacts"]), 1)

        self.hub.serve()
        self.south.sync()
        self.assertEqual(self.south.status()["unsent"], 0)
        wait_for("her whole record", lambda: self.known(self.south) and not self.south.find("indexl")[0]["from_index"])
        at_hub = self.hub.run("show", self.client)
        self.assertEqual(len(at_hub["enrollments"]), 2)
        self.assertNotIn("profile", at_hub)
        self.assertEqual(self.south.find("indexl")[0]["ssn"], "*****1234")
        self.assertEqual(len(self.south.run("show", self.client)["enrollments"]), 1)

    def test_a_client_who_is_restricted_is_known_to_nobody_else(self):
        self.assertEqual(self.hub.run("restrict", self.client, "--reason", "asked for it")["restricted"], True)
        wait_for("her to be gone", lambda: not self.known(self.south))
        self.assertEqual(len(self.known(self.north)), 1)
        code, _, _ = self.south.call("show", self.client)
        self.assertEqual(code, NOT_FOUND)
        self.hub.run("unrestrict", self.client)
        wait_for("her to be back", lambda: self.known(self.south))
        code, _, error = self.hub.call("restrict", "0" * 31 + "1")
        self.assertEqual(code, NOT_FOUND, error)

    def test_the_site_says_what_is_known_of_a_number(self):
        self.assertEqual(self.hub.run("policy"), {"ssn": "last4"})
        for policy, shown in (("full", "*****1234"), ("keyed", "")):
            self.assertEqual(self.hub.run("policy", "ssn", policy), {"ssn": policy})
            self.assertEqual(self.hub.run("policy", "ssn"), {"ssn": policy})
            wait_for(policy, lambda shown=shown: self.known(self.south)[0]["ssn"] == shown)
            (row,) = self.south.find("219-09-1234")
            self.assertEqual(row["matched"], "whole SSN")
            self.assertEqual(self.south.find("219-09-4321"), [])
        code, _, error = self.hub.call("policy", "ssn", "none")
        self.assertEqual(code, USAGE, error)


if __name__ == "__main__":
    unittest.main()
