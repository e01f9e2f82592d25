"""SIGTERM in the middle of things. The programs end by themselves, with 0, in a moment; what was answered is there, and the
write-ahead log lies in the database, so that a copy of the file alone is whole. STREETLOG_STOPS asks for more than 100."""

import contextlib
import os
import random
import shutil
import sqlite3
import time
import unittest

from harness import OK, Control, World, wait_for
from kill_test import Load

STOPS = int(os.environ.get("STREETLOG_STOPS", "100"))
SEED = int(os.environ.get("STREETLOG_SEED", "20261127"))
SECONDS_MAX = 10


class StopTest(World):
    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        self.hub = self.make_hub().serve()
        self.loads = []
        for name in ("a", "b"):
            agent = self.make_agent(self.hub, name)
            agent.sync()
            load = Load(agent, self.project_of(agent), people=2, pause=0.01)
            agent.serve()
            load.start()
            self.loads.append((agent, load))

    def stop(self, program):
        began = time.monotonic()
        self.assertEqual(program.stop(), OK, f"{program.binary.name} after SIGTERM")
        return time.monotonic() - began

    def rows_without_the_log(self, file, table):
        """How much of a table is in the database file itself."""
        copy = self.root / "copy.db"
        shutil.copyfile(file, copy)
        with contextlib.closing(sqlite3.connect(copy)) as db:
            self.assertEqual(db.execute("PRAGMA integrity_check").fetchone()[0], "ok")
            return db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]

    def test_a_hub_that_is_asked_to_stop_under_load(self):
        slowest, checked = 0.0, 0
        for number in range(STOPS):
            wait_for("a device to be served", lambda: self.served() > 0)
            time.sleep(self.random.uniform(0, 0.05))
            slowest = max(slowest, self.stop(self.hub))
            if number % 10 == 0:
                checked += self.rows_without_the_log(self.hub.data / "hub.db", "log_run") > 0
                self.assert_empty_log(self.hub.data / "hub.db-wal")
            self.hub.serve()
        for _, load in self.loads:
            load.stop()
        self.assert_all_there()
        self.assertLess(slowest, SECONDS_MAX)
        print(f"hub: {STOPS} stops under load, the slowest {slowest:.2f} s, each with 0; {checked} times the file alone was "
              f"whole; {sum(len(load.acked) for _, load in self.loads)} answered saves, 0 lost", flush=True)

    def test_a_device_that_is_asked_to_stop_under_load(self):
        agent, load = self.loads[0]
        slowest = 0.0
        for number in range(STOPS):
            time.sleep(self.random.uniform(0.01, 0.1))
            slowest = max(slowest, self.stop(agent))
            load.join()
            if number % 10 == 0:
                self.assertEqual(self.rows_without_the_log(agent.data / "agent.db", "own"), agent.status()["saved"])
                self.assert_empty_log(agent.data / "agent.db-wal")
            self.assertGreaterEqual(agent.status()["saved"], max(load.acked, default=0), "a save that was answered is gone")
            agent.serve()
            load.start()
        for _, each in self.loads:
            each.stop()
        self.assert_all_there()
        self.assertLess(slowest, SECONDS_MAX)
        print(f"agent: {STOPS} stops under load, the slowest {slowest:.2f} s, each with 0; {len(load.acked)} answered saves, "
              f"0 lost", flush=True)

    def served(self):
        """Devices that are connected."""
        return sum(Control.ask(agent, "status", {})["ok"]["sync"] == "connected" for agent, _ in self.loads)

    def assert_empty_log(self, file):
        size = file.stat().st_size if file.exists() else 0
        self.assertEqual(size, 0, f"{file.name} after a stop")

    def assert_all_there(self):
        for agent, load in self.loads:
            wait_for("everything to be sent", lambda a=agent: a.status()["unsent"] == 0, patience=60)
            saved = agent.status()["saved"]
            self.assertGreaterEqual(saved, max(load.acked, default=0))
            self.assertEqual(self.hub.records_of(agent.device), saved)
        self.assertTrue(self.hub.run("verify")["verified"])


if __name__ == "__main__":
    unittest.main()
