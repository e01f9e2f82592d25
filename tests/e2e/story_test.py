"""What two workers and an office see: saved offline, found by the other, carried on there, seen by the first."""

import json
import unittest

from harness import CONFLICT, INVALID, NOT_FOUND, World, wait_for


class StoryTest(World):
    def setUp(self):
        super().setUp()
        self.hub = self.make_hub().serve()
        self.a = self.make_agent(self.hub, "a")
        self.b = self.make_agent(self.hub, "b")

    def assert_in_step(self, *agents):
        expected = self.hub.dump_hash()
        for agent in agents:
            agent.sync()
            self.assertEqual(agent.dump_hash(), expected, agent.data.name)

    def test_a_client_saved_offline_is_carried_on_by_another_device(self):
        self.a.sync()
        project = self.project_of(self.a)
        self.a.run("user", "Dana")
        self.hub.stop()

        made = self.a.intake("--first", "Zoe", "--last", "Quillfeather", "--dob", "1980-04-04", "--ssn", "6789",
                             "--project", project, "VeteranStatus=0")
        self.assertEqual(set(made), {"Client", "Household", "Enrollment"})
        status = self.a.status()
        self.assertEqual((status["saved"], status["unsent"], status["hours_left"]), (1, 1, 23))
        self.assertTrue(status["hours_left_verified"])
        self.assertEqual([row["client"] for row in self.a.find("qui", "zo")], [made["Client"]])

        self.hub.serve()
        self.assertEqual(self.a.sync()["sent"], 1)
        self.assertEqual(self.b.find("qui"), [])
        self.b.sync()
        self.assertEqual(len(self.b.find("qui", "zo")), 1)
        self.assertEqual(len(self.b.find("6789", "1980-04-04")), 1)
        self.b.run("contact", "--client", made["Client"], "--situation", "116", "--note", "has a new phone")
        self.b.run("exit", "--enrollment", made["Enrollment"], "--destination", "435")
        self.b.sync()

        self.a.sync()
        seen = self.a.run("show", made["Enrollment"])
        fields = {row["field"]: row["value"] for row in seen["fields"]}
        self.assertEqual(fields["Destination"], "435")
        self.assertEqual([row["text"] for row in seen["notes"]], ["has a new phone"])
        self.assertEqual(len(seen["contacts"]), 1)
        client = self.a.run("show", made["Client"])
        self.assertEqual([row["exit"] != "" for row in client["enrollments"]], [True])
        self.assert_in_step(self.a, self.b)

    def test_two_workers_changing_one_field_lose_nothing(self):
        self.a.sync()
        made = self.a.intake("--first", "Uma", "--last", "Vale", "--project", self.project_of(self.a))
        self.a.sync()
        self.b.sync()
        self.a.run("update", "--client", made["Client"], "FirstName=Una")
        self.b.run("update", "--client", made["Client"], "FirstName=Ulma")
        for agent in (self.a, self.b, self.a):
            agent.sync()
        shown = [self.shown_names(agent, made["Client"]) for agent in (self.a, self.b)]
        self.assertEqual(shown[0], shown[1])
        self.assertEqual(shown[0][0] | shown[0][1], {"Una", "Ulma"})
        self.assertEqual(self.a.run("show", made["Client"])["conflicts"], [{"group": "Name"}])
        self.assert_in_step(self.a, self.b)

    def test_one_person_met_by_two_devices_becomes_one_profile_under_either_id(self):
        person = ["--first", "Ivo", "--last", "Doppelganger", "--dob", "1971-03-09", "--ssn", "512-44-9172"]
        ids = []
        for agent in (self.a, self.b):
            agent.sync()
            ids.append(agent.intake(*person, "--project", self.project_of(agent))["Client"])
            agent.sync()
        def is_one(agent, client):
            agent.sync()
            same = agent.run("show", client).get("same_person", [])
            return {row["client"] for row in same} == set(ids)
        for agent in (self.a, self.b):
            for client in ids:
                wait_for("the hub to see that they are one", lambda a=agent, c=client: is_one(a, c))
        found = self.a.find("doppelganger")
        self.assertEqual({row["client"] for row in found}, set(ids))
        self.assertEqual(len([row for row in found if row["same_person_as"]]), 1)
        # An edit of the other device's entry is an edit of the person.
        self.a.run("update", "--client", ids[1], "VeteranStatus=1")
        self.a.sync()
        self.b.sync()
        for client in ids:
            fields = {row["field"]: row["value"] for row in self.b.run("show", client)["fields"]}
            self.assertEqual(fields["VeteranStatus"], "1")
        code, _, error = self.a.call("contact", "--client", ids[0], "--situation", "116")
        self.assertEqual(code, INVALID)
        self.assertEqual([one["rule"] for one in error["problems"]], ["enrollment.several_open"])
        self.assert_in_step(self.a, self.b)

    @staticmethod
    def shown_names(agent, client):
        shown = agent.run("show", client)
        def names(rows):
            return {row["value"] for row in rows if row["field"] == "FirstName"}
        return names(shown["fields"]), names(shown["other_values"])

    def test_a_document_may_hold_a_family_and_is_one_record(self):
        self.a.sync()
        document = {"ProjectID": self.project_of(self.a), "EntryDate": "2026-01-05", "interaction": "now", "clients": [
            {"FirstName": "Ana", "LastName": "Ruizfamily", "NameDataQuality": 1, "RelationshipToHoH": 1},
            {"FirstName": "Ben", "NameDataQuality": 2, "RelationshipToHoH": 2}]}
        saved = self.a.run("intake", "--file", "-", text=json.dumps(document))
        self.assertEqual([row["table"] for row in saved["created"]].count("Client"), 2)
        self.assertEqual(self.a.status()["saved"], 1)
        self.a.sync()
        self.assertEqual(self.hub.records_of(self.a.device), 1)

    def test_a_voided_client_can_no_longer_be_met(self):
        self.a.sync()
        made = self.a.intake("--first", "Wren", "--last", "Typo", "--project", self.project_of(self.a))
        self.a.run("void", "--client", made["Client"], "--reason", "entered twice")
        self.assertEqual(self.a.find("typo"), [])
        code, _, _ = self.a.call("contact", "--client", made["Client"], "--situation", "116")
        self.assertEqual(code, NOT_FOUND)
        code, _, _ = self.a.call("void", "--client", made["Client"], "--reason", "again")
        self.assertEqual(code, CONFLICT)

    def test_a_command_finding_its_program_running_goes_over_the_socket(self):
        self.a.sync()
        project = self.project_of(self.a)
        self.a.serve()
        made = self.a.intake("--first", "Kit", "--last", "Socket", "--project", project)
        status = self.a.status()
        self.assertTrue(status["serving"])
        self.assertEqual(status["saved"], 1)
        self.assertEqual([row["client"] for row in self.a.find("socket")], [made["Client"]])
        wait_for("the record to be pushed without being asked", lambda: self.a.status()["unsent"] == 0)
        code, _, error = self.a.call("contact", "--client", made["Client"], "--situation", "9999999")
        self.assertEqual(code, INVALID)
        self.assertEqual([one["path"] for one in error["problems"]], ["CurrentLivingSituation"])
        self.b.sync()
        self.b.run("contact", "--client", made["Client"], "--situation", "116")
        self.b.sync()
        wait_for("the other device's contact", lambda: self.a.run("show", made["Client"])["contacts"])
        self.assertEqual(self.a.sync()["unsent"], 0)
        self.assertEqual(self.a.dump_hash(), self.hub.dump_hash())
        self.assertFalse(self.a.run("rebuild")["changed"])
        self.assertEqual(self.a.stop(), 0)
        self.assertFalse((self.a.data / "control").exists())
        self.assertEqual(self.a.status()["saved"], 1)

    def test_users_come_from_the_hub_and_the_choice_is_kept(self):
        code, _, _ = self.a.call("user", "Dana")
        self.assertEqual(code, NOT_FOUND)
        self.assertIn("warning", self.a.run("user"))
        self.a.sync()
        self.assertEqual(self.a.run("user", "dana field")["user"], 1)
        self.assertEqual(self.a.run("user", "Dario")["user"], 2)
        code, _, _ = self.a.call("user", "da")
        self.assertEqual(code, CONFLICT)
        self.assertEqual(self.a.run("user")["name"], "Dario Fields")
        saved = self.a.run("intake", "--first", "Al", "--last", "So", "--project", self.project_of(self.a))
        self.assertEqual(saved["warnings"], [])
        self.assertEqual(self.a.run("user", "none")["user"], 0)
        saved = self.a.run("intake", "--first", "Al", "--last", "Two", "--project", self.project_of(self.a))
        self.assertEqual([row["rule"] for row in saved["warnings"]], ["device.no_user"])

    def test_a_simulated_device_is_marked_and_follows_its_clock_file(self):
        shift = self.root / "shift"
        shift.write_text("wall_offset_ms = -108000000\nboot_id = 00000000000000a1\n")
        c = self.make_agent(self.hub, "c", "--simulated-clock", shift)
        shift.unlink()
        status = c.status()
        self.assertTrue(status["clock_simulated"])
        self.assertFalse(status["clock_verified"])
        c.sync()
        status = c.status()
        self.assertTrue(status["clock_verified"])
        self.assertLess(status["device_time"], status["hub_time"])
        c.intake("--first", "Sim", "--last", "Ulated", "--project", self.project_of(c))
        (c.data / "clock").write_text("wall_offset_ms = 0\nboottime_offset_ms = 72000000\nboot_id = 00000000000000a1\n")
        self.assertEqual(c.status()["hours_left"], 3)  # 20 of the 24 hours have passed on the boot clock
        (c.data / "clock").unlink()
        code, _, _ = c.call("status")
        self.assertEqual(code, NOT_FOUND)


if __name__ == "__main__":
    unittest.main()
