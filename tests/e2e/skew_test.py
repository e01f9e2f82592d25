"""Programs and databases of different ages. Today's programs open what earlier ones left (tests/golden/store-*), say the
same of it and carry on; a database that is newer than its program is refused and stays as it is, byte for byte."""

import contextlib
import hashlib
import sqlite3
import subprocess
import unittest

from harness import BIN, CONFLICT, WRONG_DATABASE, World, wait_for
from stores import FILES, VERSIONS, put, said, schema_of

# Follows from the day one asks.
PASSING = {"hours_left", "hours_left_verified", "overdue_hours"}


def lasting(answer):
    """Without what the passing of time changes."""
    if isinstance(answer, dict):
        return {key: lasting(value) for key, value in answer.items() if key not in PASSING}
    if isinstance(answer, list):
        return [lasting(value) for value in answer]
    return answer


class OlderStoreTest(World):
    def each(self):
        self.assertNotEqual(VERSIONS, [])
        for version in VERSIONS:
            with self.subTest(version=version.name):
                yield version, said(version)

    def assert_said(self, then, now, what):
        """All that was said then is said now; more may be."""
        then, now = lasting(then), lasting(now)
        if isinstance(then, dict):
            self.assertIsInstance(now, dict, what)
            for key, value in then.items():
                self.assertIn(key, now, what)
                self.assert_said(value, now[key], f"{what}.{key}")
        elif isinstance(then, list) and then and isinstance(then[0], dict):
            self.assertEqual(len(now), len(then), what)
            for number, (one, other) in enumerate(zip(then, now)):
                self.assert_said(one, other, f"{what}[{number}]")
        else:
            self.assertEqual(now, then, what)

    def test_a_device_of_an_earlier_version(self):
        for version, then in self.each():
            agent = put(version, "agent", self.root / f"agent-{version.name}")
            self.programs.append(agent)
            status = agent.status()
            self.assertEqual((status["saved"], status["unsent"]), (then["agent"]["saved"], then["agent"]["unsent"]))
            self.assertTrue(agent.run("verify")["verified"])
            for client, shown in then["agent"]["clients"].items():
                self.assert_said(shown, agent.run("show", client), f"client {client}")
            self.assert_said(then["agent"]["found"], agent.find("ruizf"), "found")
            self.assert_said(then["agent"]["users"], agent.run("user")["users"], "users")
            before = agent.dump_hash()
            agent.run("rebuild")
            self.assertEqual(agent.dump_hash(), before, "what is shown is what the log says")
            agent.intake("--first", "New", "--last", "Comer", "--project", self.project_of(agent))
            self.assertEqual(agent.status()["unsent"], then["agent"]["unsent"] + 1)

    def test_a_hub_of_an_earlier_version(self):
        for version, then in self.each():
            hub = put(version, "hub", self.root / f"hub-{version.name}")
            self.programs.append(hub)
            self.assertTrue(hub.run("verify")["verified"])
            self.assert_said(then["hub"]["late"], hub.run("late", "all"), "late")
            self.assert_said(then["hub"]["conflicts"], hub.run("conflicts"), "conflicts")
            self.assert_said(then["hub"]["devices"], hub.run("device", "list"), "devices")
            self.assert_said(then["hub"]["users"], hub.run("user", "list"), "users")
            hub.run("user", "add", "--name", "Nell Later")

    def test_what_an_earlier_version_had_not_sent_arrives(self):
        for version, then in self.each():
            hub = put(version, "hub", self.root / f"hub-{version.name}")
            agent = put(version, "agent", self.root / f"agent-{version.name}")
            self.programs += [hub, agent]
            device = self.rejoin(hub, agent)
            wait_for("what was not sent", lambda: agent.sync()["unsent"] == 0)
            self.assertEqual(hub.records_of(device), then["agent"]["saved"])
            wait_for("both to hold the same", lambda: (agent.sync(), agent.dump_hash() == hub.dump_hash())[1])

    def rejoin(self, hub, agent):
        """Brings the two together at the port the hub has today, with the keys they never had."""
        hub.run("ca", "init", "--root-key", hub.data.with_suffix(".key"))
        hub.serve()
        with contextlib.closing(sqlite3.connect(agent.data / FILES["agent"])) as db, db:
            device = db.execute("SELECT hex(device) FROM me").fetchone()[0].lower()
        document = agent.data.with_suffix(".json")
        hub.run("device", "code", device, "--port", hub.port, "--out", document)
        agent.run("enrol", "--enrolment", document)
        return device


class NewerDeviceTest(World):
    def test_a_device_newer_than_the_hub_hands_over_and_is_held(self):
        hub = self.make_hub().serve()
        newer, other = self.make_agent(hub, "newer"), self.make_agent(hub, "other")
        for agent in (newer, other):
            agent.sync()
        self.save_of_the_future(newer, "Futura")
        before = newer.intake("--first", "Ante", "--last", "Rior", "--project", self.project_of(newer))
        self.assertEqual(newer.sync()["unsent"], 0, "nothing is blocked")
        status = newer.status()
        self.assertEqual((status["saved"], status["unsent"], status["held_by_hub"]), (2, 0, 1))
        row, = hub.run("quarantine")["records"]
        self.assertEqual((row["device"], row["seq"], row["status"], row["code"], row["verdict"]),
                         (newer.device, 1, "held", "newer_schema", "open"))
        self.assertIn("waits until this hub is updated", row["why"])
        code, _, error = hub.call("quarantine", "release", row["hub_seq"])
        self.assertEqual(code, CONFLICT, error)

        other.sync()
        self.assertEqual(other.find("futura"), [], "half a Save is not shown")
        self.assertEqual([one["client"] for one in other.find("rior")], [before["Client"]])
        hub.stop()
        hub.serve()  # the same version: it goes on waiting
        self.assertEqual(hub.run("quarantine")["records"], [row])
        self.assertTrue(hub.run("verify")["verified"])
        for agent in (newer, other):
            wait_for("the same everywhere", lambda a=agent: (a.sync(), a.dump_hash() == hub.dump_hash())[1])
        self.assertEqual(hub.records_of(newer.device), 2)

    def save_of_the_future(self, agent, name):
        done = subprocess.run([BIN / "newer_device", agent.data, name], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return int(done.stdout)


class NewerStoreTest(World):
    def digests(self, program):
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest()
                for path in program.data.iterdir() if path.name.endswith(".db")}

    def assert_refused(self, program, file, *command):
        newer = schema_of(file) + 1
        with contextlib.closing(sqlite3.connect(file)) as db:
            db.execute("CREATE TABLE from_the_future(x)")
            db.execute(f"PRAGMA user_version = {newer}")
            db.commit()
        before = self.digests(program)
        code, _, error = program.call(*command)
        self.assertEqual(code, WRONG_DATABASE, error)
        self.assertIn("newer version", error["message"])
        self.assertIn("Install the newer version", error["hint"])
        self.assertEqual(self.digests(program), before, "the file was left as it is")

    def test_a_database_newer_than_its_program_is_refused_and_left_alone(self):
        hub = self.make_hub()
        hub.serve()
        agent = self.make_agent(hub, "a")
        agent.sync()
        hub.stop()
        self.assert_refused(agent, agent.data / "agent.db", "status")
        self.assert_refused(hub, hub.data / "hub.db", "device", "list")

    def test_a_projection_newer_than_its_program_is_made_again(self):
        hub = self.make_hub()
        before = hub.dump_hash()
        with contextlib.closing(sqlite3.connect(hub.data / "projection.db")) as db:
            db.execute("PRAGMA user_version = 999")
        self.assertEqual(hub.dump_hash(), before)
        self.assertLess(schema_of(hub.data / "projection.db"), 999)


if __name__ == "__main__":
    unittest.main()
