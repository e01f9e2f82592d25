"""A new device gets a snapshot of the hub instead of its log. Kill -9 of the device and of the hub at random moments of it,
damage on either side, another snapshot in the middle, a full disk, a link that is cut: the device shows what it had or all
of the snapshot, never a part; goes on where it stopped; loses nothing a person saved; and ends with what the hub holds.

A kill counts when it leaves a device with a snapshot that is begun and not yet shown. STREETLOG_BOOTSTRAP_KILLS asks for
more than the 80 of the default lane, and a quarter as many of the hub."""

import contextlib
import itertools
import os
import pathlib
import random
import resource
import shutil
import signal
import sqlite3
import tempfile
import threading
import time
import unittest

from harness import OK, STORAGE, Control, Hub, Network, World, wait_for
from stores import ask

KILLS = int(os.environ.get("STREETLOG_BOOTSTRAP_KILLS", "80"))
SEED = int(os.environ.get("STREETLOG_SEED", "20261128"))
CLIENTS = 600
PHASES = {1: "load", 2: "ids", 3: "keys", 4: "runs", 5: "own", 6: "clear"}


class ThrottledNetwork(Network):
    """Carries so many bytes a second each way, so that a snapshot takes a while."""

    RATE = 400_000
    PIECE = 4096

    def _carry(self, source, sink):
        try:
            while data := source.recv(self.PIECE):
                time.sleep(len(data) / self.RATE)
                self.flowing.wait()
                sink.sendall(data)
        except OSError:
            pass
        self._close(source)
        self._close(sink)


class BootstrapTest(World):
    town = None  # the hub that every test begins with a copy of, and what is known of it

    @classmethod
    def tearDownClass(cls):
        if cls.town is not None:
            shutil.rmtree(cls.town["data"].parent)

    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        self.devices = 0
        if self.town is None:
            type(self).town = self.make_town()
        self.project, self.empty_project, self.whole = (
            self.town[name] for name in ("project", "empty project", "clients"))
        shutil.copytree(self.town["data"], self.root / "hub")
        self.hub = Hub(self.root / "hub")
        self.programs.append(self.hub)
        self.snapshot_file = self.hub.data / "scope-1.snapshot"
        self.serve_hub()
        wait_for("a snapshot", self.snapshot_file.exists, patience=120)
        self.link = ThrottledNetwork(self.hub.port)
        self.networks.append(self.link)

    def make_town(self):
        hub = Hub(pathlib.Path(tempfile.mkdtemp(prefix="slog-town-")) / "hub")
        self.programs.append(hub)
        self.found(hub)
        author = self.make_agent(hub.serve(), "author")
        author.sync()
        projects = author.run("projects")["projects"]
        project = self.project_of(author)
        author.serve()
        self.intakes(author, project, CLIENTS)
        wait_for("the town to be at the hub", lambda: self.asked(author, "status")["unsent"] == 0, patience=120)
        author.stop()
        hub.stop()
        return {"data": hub.data, "project": project, "clients": self.clients_of(author),
                "empty project": next(row["project"] for row in projects
                                      if row["project"] != project and row["type"] != "Street Outreach")}

    def serve_hub(self):
        self.hub.serve("--snapshot-after", 50)

    def asked(self, agent, command, **arguments):
        answer = Control.ask(agent, command, arguments)
        return answer["ok"] if answer else {}

    def intakes(self, agent, project, count):
        def person():
            for _ in range(count // 3):
                name = "".join(self.random.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(12))
                answer = Control.ask(agent, "intake", {"form": {"first": "Tow", "last": name, "project": project}})
                self.assertTrue(answer["ok"]["saved"], answer)
        people = [threading.Thread(target=person) for _ in range(3)]
        for one in people:
            one.start()
        for one in people:
            one.join()

    def newcomer(self):
        """A device that knows the projects, and recorded two people before it is told of the town."""
        self.devices += 1
        name = f"new{self.devices}"
        agent = self.make_agent(self.hub, name, port=self.link.port)
        self.hub.run("scope", "set", "--device", name, "--project", self.empty_project)
        agent.sync()
        self.of_elsewhere = self.clients_of(agent)  # gone again at the next contact
        self.hub.run("scope", "set", "--device", name, "--everything")
        for last in ("Before", "Again"):
            agent.intake("--first", "Own", "--last", last, "--project", self.project)
        return agent

    @staticmethod
    def file_of(agent):
        return agent.data / "agent.db"

    def phase_of(self, agent):
        row = ask(self.file_of(agent), "SELECT phase FROM bootstrap")
        return row[0] if row else 0

    def clients_of(self, agent):
        return ask(self.file_of(agent), "SELECT count(*) FROM client_read")[0]

    def is_shown(self, agent):
        return ask(self.file_of(agent), "SELECT count(*) FROM base")[0] == 1

    def assert_all_or_nothing(self, agent, saved):
        self.assertEqual(ask(self.file_of(agent), "SELECT count(*) FROM own")[0], saved)
        clients = self.clients_of(agent)
        if self.is_shown(agent):
            self.assertGreaterEqual(clients, self.whole + saved)
        else:
            self.assertIn(clients, (saved, saved + self.of_elsewhere), "a part of a snapshot is shown")

    def assert_ends_well(self, agent, saved):
        wait_for("everything to be there", lambda: agent.sync()["unsent"] == 0, patience=60)
        self.assertEqual(agent.dump_hash(), self.hub.dump_hash())
        self.assertTrue(agent.run("verify")["verified"])
        self.assertEqual(agent.status()["saved"], saved)
        self.assertEqual(self.hub.records_of(agent.device), saved)
        self.assertEqual(ask(self.file_of(agent), "PRAGMA integrity_check")[0], "ok")
        left = ask(self.file_of(agent), "SELECT count(*) FROM sqlite_schema WHERE name LIKE '%_next' OR name LIKE '%_old'")
        self.assertEqual(left[0], 0)
        self.assertEqual(self.phase_of(agent), 0)

    def seconds_of_one(self):
        agent = self.newcomer()
        began = time.monotonic()
        agent.serve()
        wait_for("the snapshot to be shown", lambda: self.is_shown(agent), patience=60)
        seconds = time.monotonic() - began
        agent.stop()
        self.assert_ends_well(agent, 2)
        return seconds

    def lives(self, whole):
        """Seconds to each kill of one device, or of the hub while it loads. Half of them short, so that one snapshot sees
        several; the others long enough for all of its phases, and longer each time, so that it ends on a slow day, too."""
        for life in itertools.count():
            longest = self.random.choice((0.3, 1.2)) + 0.1 * life
            yield self.random.uniform(0, whole * longest)

    def test_a_device_killed_while_it_loads_a_snapshot(self):
        whole = self.seconds_of_one()
        counted = kills = ended = 0
        found = {}
        began = time.monotonic()
        while counted < KILLS:
            agent, saved, lives = self.newcomer(), 2, self.lives(whole)
            while not self.is_shown(agent) or self.phase_of(agent) != 0:
                agent.serve()
                time.sleep(next(lives))
                if self.random.random() < 0.3:
                    answer = Control.ask(agent, "intake", {"form": {
                        "first": "Own", "last": "While", "project": self.project}})
                    saved += answer is not None and "ok" in answer
                agent.kill()
                kills += 1
                phase = self.phase_of(agent)
                landed = phase != 0 and not self.is_shown(agent)
                counted += landed
                found[PHASES.get(phase, "none")] = found.get(PHASES.get(phase, "none"), 0) + 1
                self.assert_all_or_nothing(agent, saved)
            self.assert_ends_well(agent, saved)
            ended += 1
        print(f"device: {kills} kills in {time.monotonic() - began:.0f} s, {counted} of them in the middle of {ended} snapshots "
              f"({whole * 1000:.0f} ms each undisturbed); found after a kill {dict(sorted(found.items()))}; 0 lost, 0 in part",
              flush=True)
        self.assertIn("load", found)
        self.assertTrue(found.keys() - {"load", "none"}, "no kill landed after the last piece")

    def test_a_hub_killed_while_a_device_loads_a_snapshot(self):
        whole = self.seconds_of_one()
        counted = kills = ended = 0
        began = time.monotonic()
        while counted < KILLS // 4:
            if self.random.random() < 0.3:
                self.hub.kill()
                self.snapshot_file.unlink(missing_ok=True)  # the hub is also killed while it makes one
                self.serve_hub()
            agent, lives = self.newcomer(), self.lives(whole)
            agent.serve()
            while not self.is_shown(agent):
                time.sleep(next(lives))
                self.hub.kill()
                kills += 1
                counted += self.phase_of(agent) == 1 and not self.is_shown(agent)
                self.serve_hub()
                Control.ask(agent, "sync", {}, timeout=0.02)  # do not wait for the back-off
            agent.stop()
            self.assert_ends_well(agent, 2)
            ended += 1
        print(f"hub: {kills} kills in {time.monotonic() - began:.0f} s, {counted} in the middle of {ended} snapshots; 0 lost",
              flush=True)

    def part_loaded(self):
        """A device that was killed while the pieces came."""
        agent = self.newcomer()
        for _ in range(50):
            agent.serve()
            with contextlib.suppress(AssertionError):
                wait_for("a piece", lambda: ask(self.file_of(agent), "SELECT count(*) FROM snapshot_piece")[0] > 1,
                         patience=10)
            agent.kill()
            if self.phase_of(agent) == 1:
                return agent
            if self.is_shown(agent):
                agent = self.newcomer()
        self.fail("no kill landed while the pieces came")

    def test_damage_on_either_side_is_noticed_and_made_good(self):
        agent = self.part_loaded()
        with contextlib.closing(sqlite3.connect(self.file_of(agent))) as db, db:
            db.execute("UPDATE snapshot_piece SET body = zeroblob(length(body)) WHERE id = (SELECT max(id) FROM snapshot_piece)")
        for _ in range(3):
            agent.call("sync", "--once")
        self.assert_ends_well(agent, 2)

        self.hub.stop()
        content = bytearray(self.snapshot_file.read_bytes())
        content[len(content) // 3] ^= 0xff
        self.snapshot_file.write_bytes(content)
        self.serve_hub()
        agent = self.newcomer()
        wait_for("a good snapshot", lambda: agent.call("sync", "--once")[0] == OK, patience=60)
        self.assertTrue(self.is_shown(agent))
        self.assert_ends_well(agent, 2)

        self.hub.stop()
        self.snapshot_file.write_bytes(b"not one")
        self.serve_hub()
        agent = self.newcomer()
        agent.sync()
        self.assertTrue(self.is_shown(agent))
        self.assert_ends_well(agent, 2)

    def test_another_snapshot_in_the_middle_is_begun_anew(self):
        agent = self.part_loaded()
        before = ask(self.file_of(agent), "SELECT manifest FROM bootstrap")[0]
        self.hub.stop()
        self.snapshot_file.unlink()
        other = self.make_agent(self.hub, "other", port=self.hub.port)
        self.serve_hub()
        other.sync()
        other.intake("--first", "Late", "--last", "Comer", "--project", self.project)
        other.sync()
        wait_for("another snapshot", self.snapshot_file.exists, patience=60)
        agent.serve()
        wait_for("the snapshot to be shown", lambda: self.is_shown(agent), patience=60)
        agent.stop()
        self.assertNotEqual(ask(self.file_of(agent), "SELECT manifest FROM base")[0], before)
        self.assert_ends_well(agent, 2)

    def test_a_full_disk_stops_it_and_nothing_else(self):
        agent = self.newcomer()
        size = self.file_of(agent).stat().st_size

        def full():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + 200_000, size + 200_000))

        code, _, error = agent.call("sync", "--once", limit=full)
        self.assertEqual(code, STORAGE, error)
        self.assert_all_or_nothing(agent, 2)
        agent.intake("--first", "Own", "--last", "Full", "--project", self.project)
        agent.sync()
        self.assertTrue(self.is_shown(agent))
        self.assert_ends_well(agent, 3)

    def test_a_link_that_is_cut_again_and_again(self):
        agent = self.newcomer()
        agent.serve()
        places, cuts = [], 0
        while not self.is_shown(agent):
            time.sleep(self.random.uniform(0.05, 0.3))
            self.link.down()
            cuts += 1
            places.append(ask(self.file_of(agent), "SELECT coalesce(max(id), 0) FROM snapshot_piece")[0])
            self.link.restore()
            Control.ask(agent, "sync", {}, timeout=0.02)
        agent.stop()
        self.assertEqual(places, sorted(places), "what came before a cut does not come again")
        self.assert_ends_well(agent, 2)
        print(f"{cuts} cuts of the link in one snapshot", flush=True)


if __name__ == "__main__":
    unittest.main()
