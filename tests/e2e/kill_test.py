"""Kill -9 under load. A kill counts only when it lands between append and ack: the killed program had a record on its
disk that it had not acknowledged to whoever handed it over.

  agent: the record was appended in the run that was killed, and the device does not know yet that the hub has it
         (how often the person's own answer was lost on the way is printed, too);
  hub:   the record is in the hub's log, and the device that sent it has not stored the ack.

After every kill: nothing that was acknowledged is missing. In the end: every record once, whole, in order and equal
everywhere. STREETLOG_KILLS asks for more than the 350 of the default lane, three fifths of them of the agent. Together with
those of bootstrap_test.py and migration_test.py they are more than 500."""

import collections
import os
import random
import re
import threading
import time
import unittest

from harness import Control, World, wait_for

KILLS = int(os.environ.get("STREETLOG_KILLS", "350"))
OF_AGENT, OF_HUB = KILLS * 3 // 5, KILLS * 2 // 5
# Ops of an intake by flags: household, client with its three groups, enrollment with its household; of a contact: the
# living situation and the note.
WHOLE = (set(range(7)), {0, 1})
SEED = int(os.environ.get("STREETLOG_SEED", "20261123"))


class Load:
    """People at one device: each saves, and again a `pause` after the answer, until the program goes away."""

    def __init__(self, agent, project, people=3, pause=0.0):
        self.agent = agent
        self.project = project
        self.people = people
        self.pause = pause
        self.acked = {}  # record number -> ids it made
        self.enrollments = []
        self.threads = []
        self.stopping = threading.Event()
        self.random = random.Random(SEED)

    def start(self):
        self.stopping.clear()
        self.threads = [threading.Thread(target=self._person, daemon=True) for _ in range(self.people)]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopping.set()
        self.join()

    def join(self):
        for thread in self.threads:
            thread.join(timeout=60)

    def _person(self):
        while not self.stopping.wait(self.pause):
            if self.enrollments and self.random.random() < 0.7:
                command, form = "contact", {"enrollment": self.random.choice(self.enrollments), "situation": "116",
                                            "note": "n" * self.random.randrange(1, 400)}
            else:
                name = "".join(self.random.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(12))
                command, form = "intake", {"first": "Kay", "last": name, "project": self.project}
            answer = Control.ask(self.agent, command, {"form": form})
            if answer is None:
                return  # killed; whether this one was saved is not known
            assert "ok" in answer, answer
            made = [row["id"] for row in answer["ok"]["created"]]
            self.acked[answer["ok"]["record"]] = made
            if command == "intake":
                self.enrollments.append(next(
                    row["id"] for row in answer["ok"]["created"] if row["table"] == "Enrollment"))


class KillTest(World):
    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        self.hub = self.make_hub().serve()

    def make_loaded(self, name, **load):
        agent = self.make_agent(self.hub, name)
        agent.sync()
        return agent, Load(agent, self.project_of(agent), **load)

    def assert_whole_and_once(self, loads):
        """Everything arrives; the hub has each record once and whole; devices hold the same."""
        for agent, _ in loads:
            wait_for("everything to be sent", lambda a=agent: a.sync()["unsent"] == 0, patience=120)
        file = self.root / "dump.txt"
        verified = self.hub.run("verify", "--dump-hash", "--dump", file)
        self.assertTrue(verified["verified"])
        dump = file.read_text()
        entities = set(re.findall(r"^entity ([0-9a-f]{32}) ", dump, re.MULTILINE))
        for agent, load in loads:
            agent.sync()
            saved = agent.status()["saved"]
            self.assertEqual(self.hub.records_of(agent.device), saved)
            self.assertEqual(agent.dump_hash(), verified["dump_hash"])
            ops = self.ops_by_record(dump, agent.device)
            self.assertEqual(sorted(ops), list(range(1, saved + 1)))
            torn = [seq for seq, numbers in ops.items() if numbers not in WHOLE]
            self.assertEqual(torn, [])
            acked = {one for made in load.acked.values() for one in made}
            self.assertEqual(acked - entities, set(), "what was acknowledged is missing")

    @staticmethod
    def ops_by_record(dump, device):
        """The ops of each record of one device, from the writes ("sib device.incarnation:record/op ...") of a dump."""
        ops = collections.defaultdict(set)
        for seq, op in re.findall(rf"^sib {device}\.\d+:(\d+)/(\d+) ", dump, re.MULTILINE):
            ops[int(seq)].add(int(op))
        return ops

    def test_a_killed_agent_loses_and_doubles_nothing(self):
        agent, load = self.make_loaded("a")
        counted = kills = saved = unanswered = 0
        started = time.monotonic()
        while counted < OF_AGENT:
            self.assertLess(kills, OF_AGENT * 6, f"only {counted} kills landed between append and ack")
            agent.serve()
            load.start()
            time.sleep(self.random.uniform(0.01, 0.1))
            agent.kill()
            load.join()
            kills += 1
            before, status = saved, agent.status()
            saved = status["saved"]
            self.assertGreaterEqual(saved, max(load.acked, default=0), "a save that was answered is gone")
            unanswered += any(seq not in load.acked for seq in range(before + 1, saved + 1))
            counted += saved > before and status["unsent"] > 0
        took = time.monotonic() - started
        sent = saved - status["unsent"]
        self.assertTrue(agent.run("verify")["verified"])
        self.assert_whole_and_once([(agent, load)])
        print(f"agent: {kills} kills in {took:.0f} s, {counted} between append and the hub's ack, {unanswered} between append "
              f"and the person's answer; {len(load.acked)} answered saves; of {saved} saved the hub had {sent} before the "
              f"last sync; in the end 0 lost, 0 torn, 0 twice")

    def test_a_killed_hub_loses_and_doubles_nothing(self):
        loads = [self.make_loaded(name, people=2, pause=0.03) for name in ("a", "b")]
        for agent, load in loads:
            agent.serve()
            load.start()
        counted = kills = 0
        started = time.monotonic()
        while counted < OF_HUB:
            self.assertLess(kills, OF_HUB * 6, f"only {counted} kills landed between append and ack")
            wait_for("a connection", lambda: any(self.connected(a) for a, _ in loads))
            time.sleep(self.random.uniform(0, 0.02))
            self.wait_for_a_write()
            time.sleep(self.random.uniform(0, 0.001))
            self.hub.kill()
            kills += 1
            landed = False
            acked = {}
            for agent, _ in loads:
                status = wait_for("the device to notice", lambda a=agent: self.disconnected(a))
                acked[agent] = status["saved"] - status["unsent"]
            for row in self.hub.run("device", "list")["devices"]:
                agent = next(a for a, _ in loads if a.device == row["device"])
                self.assertGreaterEqual(row["records"], acked[agent], "the hub lost what it had acknowledged")
                landed = landed or row["records"] > acked[agent]
            counted += landed
            self.hub.serve()
        took = time.monotonic() - started
        for agent, load in loads:
            load.stop()
        self.assert_whole_and_once(loads)
        print(f"hub: {kills} kills in {took:.0f} s, {counted} between append and ack; {sum(len(load.acked) for _, load in loads)} "
              f"answered saves; 0 lost, 0 torn, 0 twice")

    def wait_for_a_write(self):
        """Until the hub's log grows: an append is under way or just done, and its ack is not."""
        log = self.hub.data / "hub.db-wal"
        def state():
            try:
                found = log.stat()
                return found.st_size, found.st_mtime_ns
            except FileNotFoundError:
                return None
        before, deadline = state(), time.monotonic() + 1
        while state() == before and time.monotonic() < deadline:
            pass

    @staticmethod
    def connected(agent):
        return Control.ask(agent, "status", {})["ok"]["sync"] == "connected"

    @staticmethod
    def disconnected(agent):
        """Its status, once it knows that the hub is gone: then no ack is on its way any more."""
        status = Control.ask(agent, "status", {})["ok"]
        return status if status["sync"] != "connected" else None


if __name__ == "__main__":
    unittest.main()
