"""deploy/demo ends well, and its report is worth something: on copies of the data, each with one thing gone, it ends badly
and names what is gone."""

import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("STREETLOG_BIN", ROOT / "build/release/bin"))
TIMEOUT_S = 300


def run(*command):
    return subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=TIMEOUT_S)


class DemoTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="streetlog-demo-test-")
        cls.data = pathlib.Path(cls.folder.name) / "data"
        cls.demo = run(ROOT / "deploy/demo", "--exit", "--no-build", "--bin", BIN, "--data", cls.data)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def setUp(self):
        self.assertEqual(self.demo.returncode, 0, self.demo.stdout)

    def report(self, data, *more):
        return run(sys.executable, ROOT / "deploy/story/report.py", "--bin", BIN, "--data", data, *more)

    def damaged(self, file, *statements):
        """A copy of the data with `statements` run on one of its databases; each must change something."""
        copy = pathlib.Path(tempfile.mkdtemp(dir=self.folder.name))
        shutil.copytree(self.data, copy, dirs_exist_ok=True)
        db = sqlite3.connect(copy / file)
        for statement in statements:
            self.assertGreater(db.execute(statement).rowcount, 0, statement)
        db.commit()
        db.close()
        return copy

    def assert_named(self, report, *names):
        self.assertEqual(report.returncode, 1, report.stdout)
        differences = " ".join(report.stdout[report.stdout.index("NOT SO"):].split())
        for name in names:
            self.assertIn(name, differences)

    def test_ends_well_and_says_what_it_found(self):
        self.assertIn("EVERYTHING IS SO", self.demo.stdout)
        self.assertIn("ALL CLOCKS ARE SIMULATED", self.demo.stdout)
        self.assertIn("KILLED (SIGKILL)", self.demo.stdout)
        for line in self.demo.stdout.splitlines():
            if str(self.data) not in line:  # a long path may be what it is
                self.assertLessEqual(len(line), 80, line)

    def test_reads_the_same_a_second_time(self):
        report = self.report(self.data)
        self.assertEqual(report.returncode, 0, report.stdout)
        self.assertIn(report.stdout[report.stdout.index("1. "):report.stdout.index("9. ")], self.demo.stdout)

    def test_names_a_record_that_is_missing_on_a_device(self):
        copy = self.damaged("ben/agent.db", "DELETE FROM own WHERE seq = 5")
        self.assert_named(self.report(copy), "record 5 of ben is missing on the device", "the check of ben's own log fails")

    def test_names_records_that_are_missing_at_the_hub(self):
        copy = self.damaged("hub/hub.db", "DELETE FROM log_run WHERE first_hub = (SELECT max(first_hub) FROM log_run l "
                                          "JOIN replica r ON r.no = l.replica JOIN device d ON d.id = r.device "
                                          "WHERE d.name = 'dina')")
        self.assert_named(self.report(copy), "record 10 of dina is missing at the hub", "the hub's check of its own log fails")

    def test_names_a_record_whose_bytes_changed_at_the_hub(self):
        copy = self.damaged("hub/hub.db", "UPDATE log_run SET body = "
                                          "CAST(substr(body, 1, 40) || x'ffff' || substr(body, 43) AS BLOB) WHERE n > 8 AND replica = (SELECT no FROM replica r JOIN device d ON d.id = r.device "
                                          "WHERE d.name = 'ana')")
        self.assert_named(self.report(copy), "the hub's check of its own log fails")

    def test_names_a_missing_receipt(self):
        copy = self.damaged("cora/agent.db", "DELETE FROM receipt WHERE last_seq = 11")
        self.assert_named(self.report(copy), "cora has no receipt for its record 11")

    def test_names_a_missing_link(self):
        for where, file in (("the hub", "hub/projection.db"), ("dina", "dina/agent.db")):
            copy = self.damaged(file, "DELETE FROM link WHERE a = (SELECT min(a) FROM link)")
            self.assert_named(self.report(copy), f"are one person is missing on {where}")

    def test_names_people_who_are_no_longer_one(self):
        copy = self.damaged("hub/projection.db", "DELETE FROM canon")
        self.assert_named(self.report(copy), "rosa of ben and rosa of ana are not shown as one person on the hub",
                          "juniper and juniper again are not shown as one person on the hub")

    def test_names_a_missing_verdict_and_a_wrong_one(self):
        of_dina = "replica_no = (SELECT r.no FROM replica r WHERE hex(r.device) = '%s')" % self.device("dina")
        copy = self.damaged("hub/projection.db", f"DELETE FROM verdict WHERE seq = 10 AND {of_dina}",
                            f"UPDATE verdict SET verdict = 1 WHERE seq = 9 AND {of_dina}",
                            f"UPDATE verdict SET cause = 1 WHERE seq = 8 AND {of_dina}")
        self.assert_named(self.report(copy), "the verdict on record 10 of dina (Mon 15:00, exit: bo) is missing",
                          "record 9 of dina (Mon 14:10, contact: bo) is judged on time; by the script it is late",
                          "late by entry; by the script it is by sync")

    def test_names_a_missing_conflict(self):
        for where, file in (("the hub", "hub/projection.db"), ("ana", "ana/agent.db")):
            copy = self.damaged(file, "DELETE FROM conflict")
            self.assert_named(self.report(copy), f"the conflict on client.dob of cedar is missing on {where}")

    def test_names_a_person_who_is_not_in_a_list(self):
        copy = self.damaged("dina/agent.db", "UPDATE client_read SET dob = '1958-12-02' WHERE last_name = 'Finch'")
        self.assert_named(self.report(copy), "otis is not in the list of clients of dina")

    def test_names_what_the_script_has_and_the_databases_do_not(self):
        script = json.loads((ROOT / "deploy/story/script.json").read_text())
        contact = next(s for s in script["steps"] if s["do"] == "contact" and s["who"] == "ana" and "note" in s)
        contact["note"] += " Twice."
        script["steps"].insert(-1, {"at": "Tue 20:50", "who": "ana", "do": "contact", "with": ["elm"], "situation": 116})
        file = pathlib.Path(self.folder.name) / "script.json"
        file.write_text(json.dumps(script))
        self.assert_named(self.report(self.data, "--script", file), "record 14 of ana is missing on the device",
                          "record 14 of ana is missing at the hub", "the verdict on record 14 of ana", "the note is missing")

    def test_names_a_hub_that_was_never_killed(self):
        copy = self.damaged("hub/hub.db", "UPDATE setting SET value = 'real' WHERE name = 'clock'")
        log = copy / "hub.log"
        lines = log.read_text().splitlines(keepends=True)
        started = [i for i, line in enumerate(lines) if '"hub_started"' in line]
        del lines[started[1]]
        log.write_text("".join(lines))
        self.assert_named(self.report(copy), "the hub's log shows 0 kills; the script has 1",
                          "not every program is marked as living by a simulated clock")

    def test_refuses_a_directory_that_is_not_empty(self):
        again = run(ROOT / "deploy/demo", "--exit", "--no-build", "--bin", BIN, "--data", self.data)
        self.assertEqual(again.returncode, 1)
        self.assertIn("is not an empty directory", again.stdout)
        self.assertTrue((self.data / "hub/hub.db").exists())

    def device(self, name):
        db = sqlite3.connect(f"file:{self.data}/hub/hub.db?mode=ro", uri=True)
        try:
            return db.execute("SELECT hex(id) FROM device WHERE name = ?", [name]).fetchone()[0]
        finally:
            db.close()


if __name__ == "__main__":
    unittest.main()
