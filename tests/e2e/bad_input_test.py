"""Wrong files, wrong documents, wrong ids, full disks: a message that names what and where, the documented exit code,
and nothing saved or half-written."""

import fcntl
import json
import os
import pathlib
import resource
import shutil
import signal
import sqlite3
import unittest

from harness import (CONFLICT, DAMAGED, INVALID, LOCKED, NOT_FOUND, NOT_PERMITTED, OK, STORAGE, TOO_LARGE, UNAVAILABLE,
                     USAGE, WRONG_DATABASE, Agent, World)

NOBODY = "0" * 31 + "1"


class EnrolmentTest(World):
    def setUp(self):
        super().setUp()
        self.hub = self.make_hub(seeded=False)
        self.hub.port = 4180
        self.file = self.enrolment(self.hub, "a")
        self.agent = Agent(self.root / "a", None)

    def init_with(self, text, *arguments):
        file = self.root / "changed.json"
        file.write_text(text)
        return self.agent.call("init", "--enrolment", file, *arguments)

    def test_a_directory_without_a_device_is_not_found(self):
        for command in (["status"], ["find", "an"], ["sync"], ["serve"], ["contact", "--client", NOBODY]):
            code, _, error = self.agent.call(*command)
            self.assertEqual(code, NOT_FOUND, command)
            self.assertIn("init", error["hint"])
        self.assertFalse(self.agent.data.exists())

    def test_a_wrong_enrolment_file_is_named_and_makes_nothing(self):
        good = json.loads(self.file.read_text())
        self.assertEqual(self.agent.call("init", "--enrolment", self.root / "missing")[0], NOT_FOUND)
        self.assertEqual(self.init_with("not json")[0], INVALID)
        self.assertEqual(self.init_with("[]")[0], INVALID)
        for field in ("device", "name", "code", "hub", "host", "port", "root", "time"):
            code, _, error = self.init_with(json.dumps({k: v for k, v in good.items() if k != field}))
            self.assertEqual(code, INVALID)
            self.assertIn(f"'{field}'", error["message"])
            self.assertNotIn(good["code"], json.dumps(error))
        self.assertEqual(self.init_with(json.dumps({**good, "root": "xyz"}))[0], INVALID)
        self.assertEqual(self.init_with(json.dumps({**good, "port": 70000}))[0], INVALID)
        self.assertEqual(self.init_with(json.dumps({**good, "host": "hub.example.org"}))[0], INVALID)
        self.assertEqual(self.init_with(json.dumps(good), "--coc", "ZZ-999")[0], INVALID)
        self.assertEqual(self.init_with(json.dumps(good), "--project", "12")[0], INVALID)
        self.assertEqual(self.init_with(json.dumps(good), "--simulated-clock", self.root / "no")[0], NOT_FOUND)
        self.assertFalse(self.agent.data.exists())

    def test_a_device_is_made_once(self):
        self.agent.run("init", "--enrolment", self.file)
        code, _, _ = self.agent.call("init", "--enrolment", self.enrolment(self.hub, "other"))
        self.assertEqual(code, CONFLICT)
        self.assertEqual(self.agent.status()["name"], "a")

    def test_the_keys_and_the_directory_are_their_owners_alone(self):
        self.agent.run("init", "--enrolment", self.file)
        self.assertEqual(self.agent.data.stat().st_mode & 0o077, 0)
        for file in self.agent.data.iterdir():
            self.assertEqual(file.stat().st_mode & 0o077, 0, file.name)


class BadDocumentTest(World):
    def setUp(self):
        super().setUp()
        self.hub = self.make_hub().serve()
        self.agent = self.make_agent(self.hub, "a")
        self.agent.sync()
        self.project = self.project_of(self.agent)

    def refused(self, *arguments, text=None):
        code, answer, error = self.agent.call(*arguments, text=text)
        self.assertNotEqual(code, OK, answer)
        self.assertEqual(self.agent.status()["saved"], 0)
        return code, error

    def document(self, **changes):
        client = {"FirstName": "Ana", "LastName": "Ruiz", "NameDataQuality": 1, "RelationshipToHoH": 1}
        document = {"ProjectID": self.project, "EntryDate": "2026-01-05", "interaction": "now", "clients": [client]}
        return {**document, **changes}

    def problems(self, document, code):
        text = document if isinstance(document, str) else json.dumps(document)
        got, error = self.refused("intake", "--file", "-", text=text)
        self.assertEqual(got, code, error)
        return {(one["path"], one["rule"]) for one in error["problems"]}

    def test_malformed_documents_are_refused_with_place_and_rule(self):
        self.assertEqual(self.problems('{"clients": [', USAGE), {("", "json.syntax")})
        self.assertEqual(self.problems('{"a": 1, "a": 2}', USAGE), {("a", "json.duplicate_key")})
        self.assertEqual(self.problems("[" * 40 + "]" * 40, TOO_LARGE), {("", "json.too_deep")})
        self.assertEqual(self.refused("intake", "--file", "-", text=" " * (1024 * 1024 + 1))[0], TOO_LARGE)
        self.assertEqual(self.refused("intake", "--file", self.root / "missing.json")[0], NOT_FOUND)

    def test_every_problem_of_a_document_is_named_at_once(self):
        document = self.document(EntryDate="2026-02-30", Nonsense=1)
        document["clients"][0].update({"DOB": "1980-13-01", "VeteranStatus": 7777, "SSN": 5})
        document["clients"].append("not an object")
        self.assertEqual(self.problems(document, INVALID), {
            ("EntryDate", "value.form"), ("Nonsense", "field.unknown"), ("clients[0].DOB", "value.form"),
            ("clients[0].VeteranStatus", "value.code"), ("clients[0].SSN", "field.type"),
            ("clients[1]", "field.type")})

    def test_nothing_that_was_typed_stands_in_the_error(self):
        document = self.document()
        document["clients"][0].update({"FirstName": "Verysecretname", "DOB": "19991399", "SSN": "987-65-4320-1"})
        _, error = self.refused("intake", "--file", "-", text=json.dumps(document))
        for typed in ("Verysecretname", "19991399", "4320"):
            self.assertNotIn(typed, json.dumps(error))

    def test_a_later_entry_and_a_time_without_a_zone_are_refused(self):
        self.assertEqual(self.problems(self.document(interaction="2026-01-05 12:00"), INVALID),
                         {("interaction", "value.form")})
        self.assertEqual(self.problems(self.document(interaction="2100-01-01T00:00:00Z"), INVALID),
                         {("interaction", "interaction.future")})
        self.assertEqual(self.problems(self.document(EntryDate="2100-01-01"), INVALID),
                         {("clients[0].EntryDate", "entry.after_interaction")})

    def test_unknown_ids_are_not_found_and_malformed_ones_invalid(self):
        for command in (["show", NOBODY], ["contact", "--client", NOBODY, "--situation", "116"],
                        ["contact", "--enrollment", NOBODY, "--situation", "116"],
                        ["exit", "--enrollment", NOBODY, "--destination", "116"],
                        ["update", "--client", NOBODY, "FirstName=A"],
                        ["void", "--enrollment", NOBODY, "--reason", "no"],
                        ["intake", "--first", "A", "--last", "B", "--project", NOBODY],
                        ["intake", "--client", NOBODY, "--project", self.project]):
            self.assertEqual(self.refused(*command)[0], NOT_FOUND, command)
        for command in (["show", "12"], ["contact", "--client", "zz", "--situation", "116"]):
            self.assertEqual(self.refused(*command)[0], INVALID, command)

    def test_wrong_flags_are_wrong_use(self):
        for command in (["fly"], [], ["contact", "--situation", "116"], ["exit"], ["find"], ["update"],
                        ["update", "--client", NOBODY], ["update", "--client", NOBODY, "no-equals"],
                        ["intake", "--first", "A"], ["intake", "--file", "x", "--first", "A"],
                        ["void", "--client", NOBODY, "--enrollment", NOBODY, "--reason", "x"]):
            self.assertEqual(self.refused(*command)[0], USAGE, command)

    def test_an_exit_before_the_entry_is_refused(self):
        made = self.agent.intake("--first", "A", "--last", "B", "--project", self.project)
        code, _, error = self.agent.call(
            "exit", "--enrollment", made["Enrollment"], "--destination", "116", "--date", "2020-01-01")
        self.assertEqual(code, INVALID)
        self.assertEqual([one["rule"] for one in error["problems"]], ["exit.before_entry"])
        self.assertEqual(self.agent.status()["saved"], 1)


class BadStorageTest(World):
    def setUp(self):
        super().setUp()
        self.hub = self.make_hub().serve()
        self.agent = self.make_agent(self.hub, "a")
        self.agent.sync()
        self.project = self.project_of(self.agent)
        self.agent.intake("--first", "Be", "--last", "Fore", "--project", self.project)
        self.database = self.agent.data / "agent.db"

    def intake(self, **options):
        return self.agent.call("intake", "--first", "Af", "--last", "Ter", "--project", self.project, **options)

    def test_a_foreign_file_is_refused_and_left_alone(self):
        keep = self.root / "keep.db"
        shutil.copy(self.database, keep)
        other = self.root / "other.db"
        with sqlite3.connect(other) as made:
            made.execute("CREATE TABLE t(x)")
            made.execute("PRAGMA application_id=77")
        made.close()
        for content in (b"this is no database at all, but long enough to be looked at" * 20, other.read_bytes(),
                        (self.hub.data / "hub.db").read_bytes()):
            self.database.write_bytes(content)
            for command in (["status"], ["sync"], ["find", "an"]):
                code, _, error = self.agent.call(*command)
                self.assertEqual(code, WRONG_DATABASE, error)
                self.assertIn("agent.db", error["message"])
            self.assertEqual(self.database.read_bytes(), content)
        shutil.copy(keep, self.database)
        self.assertEqual(self.agent.status()["saved"], 1)

    def test_a_cut_file_is_called_damaged(self):
        whole = self.database.read_bytes()
        self.database.write_bytes(whole[:len(whole) // 2])
        code, _, error = self.agent.call("verify", "--dump-hash")
        self.assertIn(code, (DAMAGED, WRONG_DATABASE, STORAGE), error)

    def test_a_full_disk_saves_whole_records_or_nothing_wherever_it_fills_up(self):
        def full_at(size):  # a write beyond it fails; the signal it would send is ignored
            def limit():
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
            return limit

        whole = self.database.stat().st_size
        saved = 1
        codes = set()
        for size in [*range(0, 160_000, 16_000), whole - 4096, whole, whole + 4096]:
            before = self.agent.dump_hash()
            code, _, error = self.intake(limit=full_at(size))
            codes.add(code)
            self.assertIn(code, (OK, STORAGE), error)
            saved += code == OK
            self.assertEqual(self.agent.status()["saved"], saved, size)
            self.assertEqual(self.agent.dump_hash() == before, code != OK, size)
        self.assertIn(STORAGE, codes)
        self.assertEqual(self.intake()[0], OK)
        self.assertTrue(self.agent.run("verify")["verified"])
        self.assertEqual(self.agent.sync()["unsent"], 0)
        self.assertEqual(self.agent.dump_hash(), self.hub.dump_hash())

    def test_a_directory_one_may_not_write_in_is_a_storage_error(self):
        root = os.geteuid() == 0
        self.root.chmod(0o755)
        # The tree may lie where nobody but its owner may look.
        self.agent.binary = shutil.copy(self.agent.binary, self.root)
        self.agent.data.chmod(0o555)
        for file in self.agent.data.iterdir():
            file.chmod(0o444)

        def nobody():
            if root:
                os.setgid(65534)
                os.setuid(65534)

        code, _, error = self.intake(limit=nobody)
        self.agent.data.chmod(0o700)
        for file in self.agent.data.iterdir():
            file.chmod(0o600)
        self.assertEqual(code, STORAGE, error)
        self.assertEqual(self.agent.status()["saved"], 1)

    def test_a_lock_whose_holder_does_not_answer_is_reported(self):
        with (self.agent.data / "lock").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            code, _, error = self.agent.call("status")
        self.assertEqual(code, LOCKED, error)

    def test_a_path_too_long_for_a_socket_is_named(self):
        deep = self.root / ("d" * 100)
        shutil.copytree(self.agent.data, deep)
        code, _, error = Agent(deep, None).call("serve")
        self.assertEqual(code, INVALID)
        self.assertIn("shorter path", error["hint"])

    def test_two_programs_never_serve_one_device(self):
        self.agent.serve()
        code, _, _ = Agent(self.agent.data, None).call("serve")
        self.assertEqual(code, LOCKED)


class BadHubTest(World):
    def test_no_hub_is_unavailable(self):
        hub = self.make_hub(seeded=False)
        hub.port = 1
        self.assertEqual(self.make_agent(hub, "a").call("sync", "--once")[0], UNAVAILABLE)

    def test_a_port_in_use_is_named(self):
        hub = self.make_hub(seeded=False).serve()
        other = type(hub)(self.root / "hub2")
        other.run("init")
        code, _, error = other.call("serve", "--port", hub.port)
        self.assertNotEqual(code, OK)
        self.assertIn(str(hub.port), error["message"])


if __name__ == "__main__":
    unittest.main()
