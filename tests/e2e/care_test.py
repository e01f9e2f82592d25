"""What an operator does for the data's sake: backup while the hub works, restore, doctor."""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import threading
import time
import unittest

from harness import (CONFLICT, DAMAGED, NOT_FOUND, NOT_PERMITTED, OK, STORAGE, UNAVAILABLE, WRONG_DATABASE, Hub, World,
                     wait_for)

SEED = int(os.environ.get("STREETLOG_SEED", "20261124"))


class Traffic:
    """A device whose worker saves and whose program syncs until told to stop."""

    def __init__(self, agent, project):
        self.agent = agent
        self.project = project
        self.stopping = threading.Event()
        self.saved = 0
        self.thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self):
        self.agent.serve()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join(timeout=60)
        self.agent.stop()

    def _work(self):
        while not self.stopping.is_set():
            self.agent.intake("--first", "Ba", "--last", f"Ck{self.saved}", "--project", self.project)
            self.saved += 1


class BackupTest(World):
    def setUp(self):
        super().setUp()
        self.hub = self.make_hub().serve()
        self.agent = self.make_agent(self.hub, "a")
        self.agent.sync()
        self.project = self.project_of(self.agent)

    def restored(self, backup, name):
        hub = Hub(self.root / name)
        self.programs.append(hub)
        answer = hub.run("restore", "--from", backup)
        return hub, answer

    def test_a_backup_of_a_hub_at_work_is_whole_and_becomes_a_hub(self):
        with Traffic(self.agent, self.project) as traffic:
            made = []
            for number in range(5):
                wait_for("traffic", lambda: traffic.saved >= (number + 1) * 3)
                made.append(self.hub.run("backup", "--out", self.root / f"backup{number}"))
        records = [one["records"] for one in made]
        self.assertEqual(records, sorted(records))
        self.assertLess(records[0], records[-1], "the hub did take in records meanwhile")
        self.assertTrue(all(one["verified"] and one["noted"] == "in the hub" for one in made))
        self.assertEqual(self.hub.run("status")["last_backup"]["records"], records[-1])
        self.hub.stop()
        for number, one in enumerate(made):
            hub, answer = self.restored(self.root / f"backup{number}", f"hub{number}")
            self.assertEqual((answer["records"], answer["head"]), (one["records"], one["head"]))
            self.assertIn("may_be_missing", answer)
            self.assertEqual(hub.run("verify")["head"], one["head"])
            self.assertEqual(hub.run("doctor")["fine"], True)
        hub.port = self.hub.port
        hub.serve()
        self.agent.sync()  # what came after the backup is sent again
        self.assertEqual(hub.records_of(self.agent.device), self.agent.status()["saved"])
        self.assertTrue(hub.run("verify")["verified"])

    def test_a_backup_of_a_stopped_hub_has_the_same_content(self):
        self.hub.stop()
        before = self.hub.dump_hash()
        self.hub.run("backup", "--out", self.root / "backup")
        hub, _ = self.restored(self.root / "backup", "again")
        self.assertEqual(hub.dump_hash(), before)

    def test_a_killed_backup_is_never_taken_for_a_good_one(self):
        rng = random.Random(SEED)
        began = time.monotonic()
        self.hub.run("backup", "--out", self.root / "whole")
        length = time.monotonic() - began
        killed = finished = 0
        out = self.root / "backup"
        for _ in range(40):
            shutil.rmtree(out, ignore_errors=True)
            process = subprocess.Popen(
                [str(self.hub.binary), "--data", str(self.hub.data), "--json", "backup", "--out", str(out)],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(rng.uniform(0, length))
            process.kill()
            process.wait()
            if not out.exists():
                killed += 1
                self.assert_no_backup_or_a_whole_one(self.root / "backup.unfinished")
                continue
            finished += 1
            hub, _ = self.restored(out, f"r{finished}")
            self.assertTrue(hub.run("verify")["verified"])
        print(f"{killed} backups killed unfinished, {finished} that were whole already", flush=True)
        self.assertGreater(killed, 5)
        shutil.rmtree(out, ignore_errors=True)
        self.assertEqual(self.hub.run("backup", "--out", out)["verified"], True)
        self.assertTrue(self.hub.run("verify")["verified"])

    def assert_no_backup_or_a_whole_one(self, directory):
        """Killed between the last check and the rename it is whole, if without its name."""
        hub = Hub(self.root / "maybe")
        code, _, error = hub.call("restore", "--from", directory)
        self.assertIn(code, (OK, NOT_FOUND), error)
        if code == OK:
            self.assertTrue(hub.run("verify")["verified"])
        else:
            self.assertFalse(hub.data.exists())
        shutil.rmtree(hub.data, ignore_errors=True)

    def test_restore_touches_nothing_that_is_there(self):
        self.hub.run("backup", "--out", self.root / "backup")
        self.assertEqual(self.hub.call("restore", "--from", self.root / "backup")[0], CONFLICT)
        self.assertEqual(self.hub.call("backup", "--out", self.root / "backup")[0], CONFLICT)
        self.assertEqual(Hub(self.root / "x").call("restore", "--from", self.root / "none")[0], NOT_FOUND)
        self.assertEqual(Hub(self.root / "x").call("backup", "--out", self.root / "y")[0], NOT_FOUND)
        self.assertFalse((self.root / "x").exists())

    def test_a_full_disk_leaves_no_backup(self):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))

        code, _, error = self.hub.call("backup", "--out", self.root / "backup", limit=limit)
        self.assertEqual(code, STORAGE, error)
        self.assertFalse((self.root / "backup").exists())
        self.assertFalse((self.root / "backup.unfinished").exists())


class DoctorTest(World):
    def setUp(self):
        super().setUp()
        self.hub = self.make_hub().serve()
        self.agent = self.make_agent(self.hub, "a")
        self.agent.sync()
        self.agent.intake("--first", "Do", "--last", "Ctor", "--project", self.project_of(self.agent))

    def doctor(self, program, *arguments, **options):
        code, answer, error = program.call("doctor", *arguments, **options)
        self.assertIn("checks", answer, error)
        return code, {row["check"]: row for row in answer["checks"]}

    def test_running_programs_are_fine(self):
        self.agent.serve()
        for program in (self.hub, self.agent):
            for arguments in ([], ["--full"]):
                code, checks = self.doctor(program, *arguments)
                self.assertEqual(code, OK, checks)
                self.assertIn(str(program.process.pid), checks["program"]["found"])
                self.assertEqual(checks["log"]["state"], "fine")
        self.assertIn("no verified backup", self.doctor(self.hub)[1]["backup"]["found"])
        self.hub.run("backup", "--out", self.root / "backup")
        self.assertEqual(self.doctor(self.hub)[1]["backup"]["state"], "fine")

    def test_killed_programs_are_fine(self):
        self.agent.serve().kill()
        self.hub.kill()
        for program in (self.hub, self.agent):
            code, checks = self.doctor(program)
            self.assertEqual(code, OK, checks)
            self.assertIn("no ", checks["program"]["found"])

    def test_text_output_is_for_people(self):
        done = subprocess.run([str(self.hub.binary), "--data", str(self.hub.data), "doctor"], capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, OK)
        for word in ("permissions", "log", "clock", "backup", "fine"):
            self.assertIn(word, done.stdout)

    def test_damaged_files_are_named_with_what_to_do(self):
        self.hub.stop()
        for program, name in ((self.hub, "hub.db"), (self.agent, "agent.db")):
            file = program.data / name
            whole = file.read_bytes()
            file.write_bytes(whole[:len(whole) // 2])
            code, checks = self.doctor(program)
            self.assertEqual(code, DAMAGED, checks)
            bad = [row for row in checks.values() if row["state"] == "trouble"]
            self.assertTrue(all(row["todo"] for row in bad), bad)
            self.assertTrue(any(name in row["where"] for row in bad), bad)
            file.write_bytes(b"no database at all, but long enough to be looked at" * 30)
            self.assertEqual(self.doctor(program)[0], WRONG_DATABASE)
            file.unlink()
            self.assertEqual(self.doctor(program)[0], NOT_FOUND)
            file.write_bytes(whole)
            file.chmod(0o600)
            self.assertEqual(self.doctor(program)[0], OK)

    def test_flipped_bytes_never_break_it(self):
        self.hub.stop()
        rng = random.Random(SEED)
        for program, name in ((self.hub, "hub.db"), (self.agent, "agent.db")):
            file = program.data / name
            whole = file.read_bytes()
            seen = 0
            for _ in range(40):
                changed = bytearray(whole)
                for _ in range(4):
                    changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
                file.write_bytes(changed)
                code, _ = self.doctor(program)
                self.assertIn(code, (OK, DAMAGED, WRONG_DATABASE, STORAGE))
                seen += code != OK
            print(f"{name}: {seen} of 40 files with four flipped bits noticed", flush=True)
            self.assertGreater(seen, 0)
            file.write_bytes(whole)

    def test_others_access_and_a_directory_one_may_not_write_in(self):
        self.hub.stop()
        self.hub.data.chmod(0o755)
        self.assertEqual(self.doctor(self.hub)[0], NOT_PERMITTED)
        self.root.chmod(0o755)
        # The tree may lie where nobody but its owner may look.
        self.hub.binary = shutil.copy(self.hub.binary, self.root)
        for file in self.hub.data.iterdir():
            file.chmod(0o444)
        self.hub.data.chmod(0o555)

        def nobody():
            if os.geteuid() == 0:
                os.setgid(65534)
                os.setuid(65534)

        code, checks = self.doctor(self.hub, limit=nobody)
        self.hub.data.chmod(0o700)
        self.assertEqual(checks["directory"]["state"], "trouble", checks)
        self.assertIn(code, (STORAGE, NOT_PERMITTED))

    def test_a_hub_that_hangs_is_noticed(self):
        os.kill(self.hub.process.pid, signal.SIGSTOP)
        try:
            code, checks = self.doctor(self.hub)
        finally:
            os.kill(self.hub.process.pid, signal.SIGCONT)
        self.assertEqual(checks["log"]["state"], "fine")
        self.assertIn(code, (OK, UNAVAILABLE))

    def test_a_directory_that_is_not_there(self):
        code, checks = self.doctor(Hub(self.root / "nowhere"))
        self.assertEqual(code, NOT_FOUND)
        self.assertEqual(json.dumps(checks).count("trouble"), 1)


if __name__ == "__main__":
    unittest.main()
