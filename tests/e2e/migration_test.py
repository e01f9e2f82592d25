"""Kill -9 in the middle of a migration: the file is at one version or the next, with everything in it, never in between.

Twice: the real programs on databases of earlier versions, and a program that takes a grown copy some heavy steps beyond
what any version knows. A kill counts when it lands after the program has begun and before it is done."""

import contextlib
import os
import random
import shutil
import sqlite3
import subprocess
import time
import unittest

from harness import BIN, PATIENCE, World, die_with_parent
from stores import FILES, LOGS, VERSIONS, ask, log_of, put, said, schema_of

KILLS = int(os.environ.get("STREETLOG_MIGRATION_KILLS", "30"))
SEED = int(os.environ.get("STREETLOG_SEED", "20261127"))
STEPS = 3
GROWN = 1_000  # rows


class MigrationTest(World):
    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)

    def run_and_kill(self, line, after):
        """Whether it was killed before it ended."""
        with subprocess.Popen([str(part) for part in line], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              preexec_fn=die_with_parent) as process:
            try:
                process.wait(timeout=after)
            except subprocess.TimeoutExpired:
                process.kill()
            error = process.communicate(timeout=PATIENCE)[1].decode()
            self.assertIn(process.returncode, (0, -9), error)
            return process.returncode != 0

    def seconds_of(self, line):
        began = time.monotonic()
        self.assertFalse(self.run_and_kill(line, PATIENCE))
        return time.monotonic() - began

    def grow(self, file, kind):
        """More rows, copies of those that are there but for the key: the weight of a year."""
        table = LOGS[kind]
        with contextlib.closing(sqlite3.connect(file)) as db, db:
            names = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
            key = next(row[1] for row in db.execute(f"PRAGMA table_info({table})") if row[5])
            if kind == "hub":
                db.execute("DROP INDEX run_of")
            while (rows := db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]) < GROWN:
                top = db.execute(f"SELECT max({key}) FROM {table}").fetchone()[0]
                columns = ", ".join(f"{key} + {top}" if name == key else name for name in names)
                db.execute(f"INSERT INTO {table} SELECT {columns} FROM {table} LIMIT {GROWN - rows}")

    def heavy_steps(self, kind):
        program = put(VERSIONS[-1], kind, self.root / f"grown-{kind}")
        file = program.data / FILES[kind]
        self.grow(file, kind)
        line = [BIN / "migrate_steps", kind, program.data, STEPS]
        self.seconds_of([*line[:-1], 0])  # from the version of then to that of now
        before, content = schema_of(file), log_of(file, kind)
        original = self.root / f"original-{kind}"
        shutil.copytree(program.data, original)
        whole = self.seconds_of(line)
        counted, landed = 0, {}
        while counted < KILLS:
            shutil.rmtree(program.data)
            shutil.copytree(original, program.data)
            killed = True
            while killed and counted < KILLS:
                killed = self.run_and_kill(line, self.random.uniform(0.2, 0.8) * whole)
                counted += killed
                done = schema_of(file) - before
                landed[done] = landed.get(done, 0) + killed
                self.assertEqual(log_of(file, kind), content, f"the log after {done} steps")
                self.assertEqual(ask(file, "PRAGMA quick_check")[0], "ok")
                columns = ask(file, f"SELECT count(*) FROM pragma_table_info('{LOGS[kind]}') WHERE name LIKE 'step_%'")[0]
                self.assertEqual(columns, done, "version and tables agree")
                self.assertEqual(ask(file, "SELECT count(*) FROM sqlite_schema WHERE name = 'fresh'")[0], 0)
        self.seconds_of(line)
        self.assertEqual(schema_of(file) - before, STEPS)
        self.assertEqual(log_of(file, kind), content)
        self.assertGreaterEqual(len([done for done in landed if done < STEPS]), 2, "kills landed at more than one step")
        print(f"{kind}: {counted} kills in migrations of {STEPS} steps over {content[0]} rows, {content[1] / 2**20:.0f} MiB, "
              f"{whole * 1000:.0f} ms undisturbed; steps done at the kill {dict(sorted(landed.items()))}; 0 in between, 0 lost",
              flush=True)

    def test_a_database_killed_in_a_heavy_migration(self):
        self.heavy_steps("agent")
        self.heavy_steps("hub")

    def test_the_programs_killed_while_they_open_an_older_database(self):
        for version in VERSIONS:
            for kind, command in (("agent", ["status"]), ("hub", ["device", "list"])):
                with self.subTest(version=version.name, kind=kind):
                    self.kill_program(version, kind, command)

    def kill_program(self, version, kind, command):
        then = said(version)
        program = put(version, kind, self.root / f"{version.name}-{kind}")
        file = program.data / FILES[kind]
        first, content = then[f"{kind}_schema"], log_of(file, kind)
        line = [program.binary, "--data", program.data, "--json", *command]
        whole = self.seconds_of(line)
        last = schema_of(file)
        content_after = log_of(file, kind)
        self.assertEqual(content_after, content)
        counted, seen = 0, {}
        while counted < KILLS // 3:
            shutil.rmtree(program.data)
            put(version, kind, program.data)
            counted += self.run_and_kill(line, self.random.uniform(0.1, 0.9) * whole)
            now = schema_of(file)
            seen[now] = seen.get(now, 0) + 1
            self.assertTrue(first <= now <= last)
            self.assertEqual(log_of(file, kind), content)
            self.assertEqual(ask(file, "PRAGMA quick_check")[0], "ok")
        self.seconds_of(line)
        self.assertEqual((schema_of(file), log_of(file, kind)), (last, content))
        print(f"{kind} of {version.name}: {counted} kills on the way from schema {first} to {last}; found after a kill "
              f"{dict(sorted(seen.items()))}; 0 lost", flush=True)


if __name__ == "__main__":
    unittest.main()
