"""A hub that comes back from a backup, and a device whose disk was copied: nothing is lost or doubled, no record changes
the time it was received, everybody ends with the same, and a person hears of it."""

import json
import shutil
import unittest

from harness import Agent, Hub, NOT_FOUND, World, wait_for


class RecoveryTest(World):
    def setUp(self):
        super().setUp()
        self.hub = self.make_hub().serve()

    def device(self, name):
        agent = self.make_agent(self.hub, name)
        agent.sync()
        return agent

    def save(self, agent, last):
        return agent.intake("--first", "Zoe", "--last", last, "--project", self.project_of(agent))["Client"]

    def copy_of(self, agent, name, whole=True):
        """Another machine with the same disk; `whole`: with what is kept outside of the database as well."""
        shutil.copytree(agent.data, self.root / name, ignore=shutil.ignore_patterns("control", "lock"))
        if not whole:
            (self.root / name / "install").unlink()
        copy = Agent(self.root / name, agent.device)
        copy.typed = agent.typed
        self.programs.append(copy)
        return copy

    def received(self, hub):
        """When each record was received, by what it is of."""
        rows = hub.run("late", "all", "--limit", "10000")["records"]
        return {(row["subject"], row["kind"], row["occurred"]): row["received"] for row in rows if "subject" in row}

    def assert_in_step(self, hub, agents, clients):
        for _ in range(2):
            for agent in agents:
                agent.sync()
        expected = hub.dump_hash()
        for agent in agents:
            self.assertEqual(agent.dump_hash(), expected, agent.data.name)
            for client in clients:
                self.assertEqual(agent.run("show", client)["id"], client, agent.data.name)
            self.assertTrue(agent.run("verify")["verified"])

    def newest_mark(self, records):
        """The mark is written at most once a second."""
        def mark():
            text = (self.hub.data / "highwater").read_text(encoding="ascii")
            return text if int(text.split()[2]) >= records else None

        return wait_for("the newest mark", mark)

    def alarms(self, hub):
        return [alarm["kind"] for alarm in hub.run("alarms")["alarms"]]

    def test_a_hub_restored_from_a_backup_gets_everything_back_as_it_was(self):
        a, b = self.device("a"), self.device("b")
        clients = [self.save(a, f"Before{n}") for n in range(3)]
        a.sync()
        b.sync()
        self.hub.run("backup", "--out", self.root / "backup")
        clients += [self.save(a, f"After{n}") for n in range(3)]
        clients.append(self.save(b, "Also"))
        self.hub.run("user", "add", "--name", "Nadia New")
        late = self.device("late")
        clients.append(self.save(late, "Newcomer"))
        for agent in (a, b, late, a):
            agent.sync()
        clients.append(self.save(a, "Unsent"))
        before = self.received(self.hub)
        records = self.hub.run("status")["records"]
        mark = self.newest_mark(records)
        self.hub.kill()

        restored = Hub(self.root / "restored")
        restored.port = self.hub.port
        self.programs.append(restored)
        answer = restored.run("restore", "--from", self.root / "backup")
        self.assertLess(answer["records"], records)
        self.assertFalse((restored.data / "highwater").exists(), "a mark that comes back vouches for a loss")
        (restored.data / "highwater").write_text(mark, encoding="ascii")
        restored.serve()
        self.assertEqual(self.alarms(restored), ["hub_fell_back"])
        loss = restored.run("recovery")["losses"]
        self.assertEqual(len(loss), 1)
        self.assertGreaterEqual(loss[0]["log_was_at"], records)

        self.assert_in_step(restored, [a, b, late], clients)
        after = self.received(restored)
        self.assertEqual({key: after.get(key) for key in before}, before)
        self.assertIn("Nadia New", [row["name"] for row in restored.run("user", "list")["users"]])
        self.assertEqual(self.alarms(restored), ["hub_fell_back"])
        report = restored.run("recovery")
        self.assertEqual(report["open_gaps"], 0)
        self.assertTrue(report["gaps"])
        self.assertEqual({gap["missing"] for gap in report["gaps"]}, {0})
        self.assertTrue(restored.run("verify")["verified"])
        number = restored.run("alarms", "list")["alarms"][0]["alarm"]
        restored.run("alarms", "close", str(number), "--note", "the disk was replaced")
        self.assertEqual(self.alarms(restored), [])
        self.assertEqual(restored.run("alarms", "show", str(number))["note"], "the disk was replaced")
        self.assertEqual(restored.call("alarms", "close", str(number), "--note", "again")[0], NOT_FOUND)

    def test_a_copied_device_loses_and_doubles_nothing_whoever_comes_first(self):
        for original_first in (True, False):
            with self.subTest(original_first=original_first):
                name = f"twin{original_first}"
                agent = self.device(name)
                clients = [self.save(agent, "Shared")]
                agent.sync()
                clients.append(self.save(agent, "Unsent"))
                copy = self.copy_of(agent, name + "-copy")
                first, second = (agent, copy) if original_first else (copy, agent)
                clients += [self.save(first, f"First{n}") for n in range(3)]
                clients += [self.save(second, f"Second{n}") for n in range(2)]
                for one in (first, second, first):
                    one.sync()
                clients.append(self.save(first, "Later"))
                clients.append(self.save(second, "Later"))
                self.assert_in_step(self.hub, [first, second], clients)
                self.assertEqual(self.hub.records_of(agent.device), len(clients))
                alarms = self.hub.run("alarms")["alarms"]
                self.assertEqual([(one["kind"], one["device"]) for one in alarms],
                                 [("possible_copy", agent.device)])
                self.hub.run("alarms", "close", str(alarms[0]["alarm"]), "--note", "a test")

    def test_a_database_on_another_machine_takes_a_number_of_its_own(self):
        agent = self.device("a")
        clients = [self.save(agent, "Shared")]
        agent.sync()
        clients.append(self.save(agent, "Unsent"))
        copy = self.copy_of(agent, "elsewhere", whole=False)
        clients.append(self.save(copy, "Elsewhere"))
        copy.sync()
        self.assertEqual(self.alarms(self.hub), ["possible_copy"])
        clients.append(self.save(agent, "Here"))
        self.assert_in_step(self.hub, [agent, copy], clients)
        self.assertEqual(self.hub.records_of(agent.device), len(clients))

    def test_an_older_image_of_a_device_gets_its_own_records_back(self):
        agent = self.device("a")
        clients = [self.save(agent, "Old")]
        agent.sync()
        image = self.copy_of(agent, "image")
        clients += [self.save(agent, f"Young{n}") for n in range(4)]
        agent.sync()
        clients.append(self.save(image, "Typed on the image"))
        self.assert_in_step(self.hub, [image], clients)
        self.assertEqual(self.hub.records_of(agent.device), len(clients))
        self.assertEqual(self.alarms(self.hub), ["possible_copy"])
        self.assertIn("alarms", json.dumps(self.hub.run("doctor")))


if __name__ == "__main__":
    unittest.main()
