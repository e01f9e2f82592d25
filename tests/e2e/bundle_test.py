"""Records on a stick: a device that meets no network exports what it has, somebody carries it, the hub takes it in and
answers with receipts. The carrier can neither read nor alter it, and until the receipts are back nothing counts as sent."""

import unittest

from harness import CONFLICT, NOT_FOUND, NOT_PERMITTED, OK, World, wait_for

MALFORMED = 7


class StickWorld(World):
    def setUp(self):
        super().setUp()
        self.hub = self.make_hub().serve()
        self.agent = self.make_agent(self.hub, "far")
        self.agent.sync()
        self.project = self.project_of(self.agent)
        self.stick = self.root / "stick"
        self.stick.mkdir()

    def record(self, times, last="Stickley"):
        return [self.agent.intake("--first", f"Na{chr(97 + n)}", "--last", last, "--project", self.project)
                for n in range(times)]

    def export(self, name="a.bundle"):
        return self.agent.run("export-bundle", self.stick / name)

    def take(self, name="a.bundle", hub=None):
        return (hub or self.hub).run("import-bundle", self.stick / name)

    def refused(self, program, code, *command):
        found, _, error = program.call(*command)
        self.assertEqual(found, code, error)
        return error["message"]


class BundleTest(StickWorld):
    def test_what_was_recorded_far_from_any_network_arrives_on_a_stick(self):
        self.hub.stop()
        people = self.record(3)
        made = self.export()
        self.assertEqual((made["records"], made["first_record"], made["last_record"], made["not_in_it"]), (3, 1, 3, 0))
        status = self.agent.status()
        self.assertEqual(status["unsent"], 3, "an export sends nothing")
        self.assertEqual(status["hours_left"], 23)
        content = (self.stick / "a.bundle").read_bytes()
        for planted in (b"Stickley", self.agent.device.encode(), bytes.fromhex(self.agent.device)):
            self.assertNotIn(planted, content)

        self.hub.serve()
        taken = self.take()
        self.assertEqual((taken["device"], taken["records"], taken["new"], taken["set_aside"]), (self.agent.device, 3, 3, 0))
        self.assertEqual(self.hub.records_of(self.agent.device), 3)
        other = self.make_agent(self.hub, "near")
        other.sync()
        self.assertEqual({row["client"] for row in other.find("stickley")}, {made["Client"] for made in people})

        self.assertEqual(self.agent.status()["unsent"], 3, "the device cannot know yet")
        back = self.agent.run("import-bundle", self.stick / "a.bundle.reply")
        self.assertEqual((back["received_by_hub"], back["unsent"]), (3, 0))
        status = self.agent.status()
        self.assertEqual((status["unsent"], status["hours_left"]), (0, None))
        self.assertIsNotNone(status["last_receipt"])
        rows = self.hub.run("late", "all")["records"]
        self.assertEqual({row["verdict"] for row in rows if row["device"] == self.agent.device}, {"on_time"})

        self.assertTrue(self.agent.run("verify")["verified"], "receipts from a file are as good as others")
        self.assertEqual(self.take()["new"], 0, "again is harmless")
        self.assertEqual(self.agent.run("import-bundle", self.stick / "a.bundle.reply")["received_by_hub"], 0)
        self.agent.sync()
        other.sync()
        self.assertTrue(self.hub.run("verify")["verified"])
        self.assertEqual({self.agent.dump_hash(), other.dump_hash()}, {self.hub.dump_hash()})

    def test_bundles_may_overlap_with_each_other_and_with_the_network(self):
        self.record(2)
        self.export("first.bundle")
        self.record(2)
        self.export("second.bundle")
        self.hub.stop()  # the command does it itself
        self.assertEqual(self.take("second.bundle")["new"], 4)
        self.assertEqual(self.take("first.bundle")["new"], 0)
        self.agent.run("import-bundle", self.stick / "first.bundle.reply")
        self.assertEqual(self.agent.status()["unsent"], 0, "the hub says how far it has come, not what was in the file")
        self.record(1)
        self.export("third.bundle")
        self.hub.serve()
        self.agent.sync()
        self.assertEqual(self.take("third.bundle")["new"], 0)
        self.assertEqual(self.agent.run("import-bundle", self.stick / "third.bundle.reply")["unsent"], 0)
        self.assertEqual(self.hub.records_of(self.agent.device), 5)
        self.assertEqual(self.refused(self.agent, NOT_FOUND, "export-bundle", self.stick / "fourth.bundle"),
                         "there is nothing to send: the hub has everything that was saved here")

    def test_a_hub_that_lost_nothing_says_which_records_are_missing(self):
        self.record(1)
        self.export("first.bundle")
        self.take("first.bundle")
        before = self.hub.data.with_name("hub-before")
        self.hub.run("backup", "--out", before)
        self.record(2)
        self.export("second.bundle")
        self.take("second.bundle")
        self.agent.run("import-bundle", self.stick / "second.bundle.reply")
        self.record(1)
        self.export("third.bundle")
        restored = type(self.hub)(self.root / "restored")
        self.programs.append(restored)
        restored.run("restore", "--from", before)
        self.assertEqual(self.refused(restored, NOT_FOUND, "import-bundle", self.stick / "third.bundle"),
                         "records 2 to 3 of this device are not here yet")

    def test_what_is_no_bundle_of_ours_is_refused(self):
        self.record(2)
        self.export()
        whole = (self.stick / "a.bundle").read_bytes()
        self.assertIn("a.bundle", self.refused(self.agent, CONFLICT, "export-bundle", self.stick / "a.bundle"))
        for name, content in (("cut", whole[:-9]), ("altered", whole[:300] + bytes([whole[300] ^ 4]) + whole[301:]),
                              ("empty", b""), ("text", b"Dear hub, take this.\n" * 40), ("longer", whole + b"x")):
            (self.stick / name).write_bytes(content)
            with self.subTest(name):
                self.refused(self.hub, MALFORMED, "import-bundle", self.stick / name)
                self.assertFalse((self.stick / f"{name}.reply").exists())
        self.refused(self.hub, NOT_FOUND, "import-bundle", self.stick / "nothing")
        self.assertEqual(self.hub.records_of(self.agent.device), 0)

        self.take()
        reply = (self.stick / "a.bundle.reply").read_bytes()
        for name, content, codes in (("cut", reply[:-8], {MALFORMED, NOT_PERMITTED}),
                                     ("altered", reply[:200] + bytes([reply[200] ^ 4]) + reply[201:],
                                      {MALFORMED, NOT_PERMITTED}),
                                     ("bundle", whole, {MALFORMED})):
            (self.stick / f"{name}.back").write_bytes(content)
            with self.subTest(f"reply {name}"):
                code, _, error = self.agent.call("import-bundle", self.stick / f"{name}.back")
                self.assertIn(code, codes, error)
        self.assertEqual(self.agent.status()["unsent"], 2)
        other = self.make_agent(self.hub, "other")
        self.assertEqual(self.refused(other, NOT_PERMITTED, "import-bundle", self.stick / "a.bundle.reply"),
                         "the reply is for another device")
        self.assertEqual(self.agent.call("import-bundle", self.stick / "a.bundle.reply")[0], OK)

    def test_a_bundle_for_one_hub_says_nothing_to_another(self):
        self.record(1)
        self.export()
        stranger = type(self.hub)(self.root / "stranger")
        self.programs.append(stranger)
        stranger.run("init")
        self.assertEqual(self.refused(stranger, MALFORMED, "import-bundle", self.stick / "a.bundle"),
                         "it is sealed for somebody else, or damaged")

    def test_a_running_device_and_a_running_hub_do_it_as_well(self):
        self.agent.serve()
        network_is_there = wait_for("a connection", lambda: self.agent.status()["sync"] == "connected")
        self.assertTrue(network_is_there)
        self.hub.kill()
        self.record(2)
        self.export()
        self.hub.serve()
        wait_for("the network to be first", lambda: self.agent.status()["unsent"] == 0)
        self.assertEqual(self.take()["new"], 0)
        self.assertEqual(self.agent.run("import-bundle", self.stick / "a.bundle.reply")["received_by_hub"], 0)
        self.record(1)
        wait_for("the session to go on", lambda: self.agent.status()["unsent"] == 0)
        self.assertEqual(self.hub.records_of(self.agent.device), 3)


class CarriedTest(StickWorld):
    """The stick is given to another device, which hands the bundle over when it meets the hub."""

    def setUp(self):
        super().setUp()
        self.carrier = self.make_agent(self.hub, "near")
        self.carrier.sync()

    def carried(self):
        return self.carrier.status()["carried"]

    def test_another_device_brings_it_and_the_hub_says_so_to_the_one_it_is_of(self):
        self.hub.stop()
        people = self.record(3)
        self.export()
        taken = self.carrier.run("carry", self.stick / "a.bundle")
        self.assertEqual((taken["file"], taken["refused"]), ("a.bundle", False))
        self.carrier.run("carry", self.stick / "a.bundle")
        self.assertEqual([row["file"] for row in self.carried()], ["a.bundle"])
        for file in self.carrier.data.glob("agent.db*"):
            self.assertNotIn(b"Stickley", file.read_bytes(), "the carrier cannot read it")
        (self.stick / "a.bundle").unlink()

        self.hub.serve()
        self.carrier.sync()
        self.assertEqual(self.carried(), [])
        self.assertEqual(self.hub.records_of(self.agent.device), 3)
        self.carrier.sync()
        self.assertEqual({row["client"] for row in self.carrier.find("stickley")}, {made["Client"] for made in people})

        self.assertEqual(self.agent.status()["unsent"], 3, "the device cannot know yet")
        self.agent.sync()
        self.assertEqual(self.agent.status()["unsent"], 0)
        rows = self.hub.run("late", "all")["records"]
        self.assertEqual({row["verdict"] for row in rows if row["device"] == self.agent.device}, {"on_time"})
        self.assertTrue(self.agent.run("verify")["verified"])
        self.carrier.sync()
        self.assertEqual({self.agent.dump_hash(), self.carrier.dump_hash()}, {self.hub.dump_hash()})

    def test_an_altered_one_is_refused_and_stays_until_somebody_has_seen_it(self):
        self.record(2)
        self.export()
        whole = (self.stick / "a.bundle").read_bytes()
        (self.stick / "bent.bundle").write_bytes(whole[:300] + bytes([whole[300] ^ 4]) + whole[301:])
        (self.stick / "letter").write_bytes(b"Dear hub, take this.\n" * 40)
        self.assertEqual(self.refused(self.carrier, MALFORMED, "carry", self.stick / "letter"),
                         "letter is not a bundle of a device")
        self.refused(self.carrier, NOT_FOUND, "carry", self.stick / "nothing")
        self.carrier.run("carry", self.stick / "bent.bundle")
        self.carrier.intake("--first", "Own", "--last", "Carrier", "--project", self.project)
        self.assertEqual(self.carrier.sync()["unsent"], 0, "its own records go their way")
        self.assertEqual(self.hub.records_of(self.agent.device), 0)
        (row,) = self.carried()
        self.assertEqual((row["file"], row["refused"]), ("bent.bundle", True))
        (found,) = [check for check in self.carrier.run("doctor")["checks"] if check["check"] == "carried"]
        self.assertEqual(found["state"], "attention")
        self.assertIn("bent.bundle", found["found"])

        self.carrier.run("carry", self.stick / "a.bundle")
        self.carrier.sync()
        self.assertEqual(self.hub.records_of(self.agent.device), 2)
        self.assertEqual([row["file"] for row in self.carried()], ["bent.bundle"])
        self.carrier.run("drop-carried", row["bundle"])
        self.assertEqual(self.carried(), [])

    def test_programs_that_run_do_it_at_once(self):
        self.carrier.serve()
        wait_for("a connection", lambda: self.carrier.status()["sync_in_step"])
        self.record(2)
        self.export()
        self.carrier.run("carry", self.stick / "a.bundle")
        wait_for("the hub to have it", lambda: not self.carried())
        self.assertEqual(self.hub.records_of(self.agent.device), 2)
        self.assertEqual(self.take()["new"], 0)


if __name__ == "__main__":
    unittest.main()
