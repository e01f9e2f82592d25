"""A device is told of its projects and of no others; what it records elsewhere arrives all the same."""

import unittest

from harness import NOT_FOUND, USAGE, World, wait_for


class ScopeTest(World):
    def setUp(self):
        super().setUp()
        self.hub = self.make_hub(seeded=True)
        self.hub.serve()
        self.north, self.south, self.office = (self.make_agent(self.hub, name) for name in ("north", "south", "office"))
        self.office.sync()
        projects = [row["project"] for row in self.office.run("projects")["projects"]]
        self.here, self.there = projects[:2]
        self.hub.run("scope", "set", "--device", "north", "--project", self.here)
        self.hub.run("scope", "set", "--device", "south", "--project", self.there)
        for agent in (self.north, self.south):
            agent.sync()

    def intake(self, agent, name, project):
        made = agent.intake("--first", name, "--last", "Scopewright", "--project", project)
        agent.sync()
        return made

    def seen(self, agent):
        """Those it is told of in their own right."""
        agent.sync()
        return len([row for row in agent.find("scopew") if not row["from_index"]])

    def test_each_device_knows_its_projects_clients_and_the_office_knows_all(self):
        self.intake(self.north, "Nora", self.here)
        self.intake(self.south, "Saul", self.there)
        wait_for("the hub to have read its log", lambda: self.seen(self.office) == 2)
        self.assertEqual([self.seen(self.north), self.seen(self.south)], [1, 1])
        # Every device still knows what the office says to everyone.
        for agent in (self.north, self.south):
            self.assertEqual(len(agent.run("projects")["projects"]), len(self.office.run("projects")["projects"]))
            self.assertEqual(agent.run("user", "Dana")["name"], "Dana Field")

    def test_a_client_is_told_to_a_second_project_with_the_first_stay_there(self):
        made = self.intake(self.north, "Nora", self.here)
        self.hub.run("scope", "set", "--device", "office", "--project", self.here, "--project", self.there)
        wait_for("the office to have it", lambda: self.seen(self.office) == 1)
        self.assertEqual(self.seen(self.south), 0)
        self.office.run("intake", "--client", made["Client"], "--project", self.there)
        self.office.sync()
        wait_for("the second project to have it", lambda: self.seen(self.south) == 1)

    def test_what_is_out_of_scope_goes_and_comes_back(self):
        made = self.intake(self.north, "Nora", self.here)
        self.assertEqual(self.seen(self.north), 1)
        answer = self.hub.run("scope", "set", "--device", "north", "--project", self.there)
        self.assertEqual([row["ProjectID"] for row in answer["projects"]], [self.there])
        # Recorded before it hears of that, so out of its scope when it arrives: taken all the same.
        self.north.run("contact", "--client", made["Client"], "--situation", "116")
        self.north.sync()
        self.assertEqual(self.north.status()["unsent"], 0)
        self.north.sync()
        self.assertEqual(self.seen(self.north), 0)
        stay = self.hub.run("show", made["Enrollment"])
        self.assertEqual(len(stay["contacts"]), 1)
        self.hub.run("scope", "set", "--device", "north", "--everything")
        self.assertEqual(self.seen(self.north), 1)
        self.assertEqual(self.north.dump_hash(), self.hub.dump_hash())

    def test_wrong_names_are_said_to_be(self):
        for arguments, code in ((("--device", "nobody", "--everything"), NOT_FOUND),
                                (("--device", "north", "--project", "no such project"), NOT_FOUND),
                                (("--device", "north"), USAGE),
                                (("--device", "north", "--project", self.here, "--everything"), USAGE)):
            got, _, error = self.hub.call("scope", "set", *arguments)
            self.assertEqual(got, code, error)
        told = {row["name"]: row["told"] for row in self.hub.run("scope")["devices"]}
        self.assertEqual(told, {"north": "its projects", "south": "its projects", "office": "everything"})


if __name__ == "__main__":
    unittest.main()
