"""Whom the hub lets in, with the real programs: enrolment with and without a hub in reach, every wrong certificate
(testing.md, D5), clocks of 1970, certificates that lapse and renew, devices that are shut out."""

import json
import pathlib
import re
import socket
import ssl
import time
import unittest

from harness import (CONFLICT, INVALID, NOT_FOUND, NOT_PERMITTED, UNAVAILABLE, USAGE, Agent, Control, Hub, World,
                     tls_context, wait_for)

DAY_MS = 86_400_000
HUB_SAYS_NO = re.compile("alert|closed|reset|EOF|broken", re.IGNORECASE)


class SimulatedClock:
    """The clock file of one program; `shift` moves it while the program runs."""

    def __init__(self, file):
        self.file = file
        self.shift(0)

    def shift(self, ms):
        fresh = self.file.with_name(self.file.name + ".next")
        fresh.write_text(f"wall_offset_ms = {ms}\n")
        fresh.replace(self.file)


class TrustWorld(World):
    def make_simulated_hub(self):
        given = SimulatedClock(self.root / "hub-clock")
        hub = Hub(self.root / "hub")
        self.programs.append(hub)
        hub.run("init", "--simulated-clock", given.file)
        hub.clock = SimulatedClock(hub.data / "clock")
        return hub

    def make_simulated_agent(self, hub, name, ms=0):
        given = SimulatedClock(self.root / f"{name}-clock")
        given.shift(ms)
        agent = self.make_agent(hub, name, "--simulated-clock", given.file)
        agent.clock = SimulatedClock(agent.data / "clock")
        agent.clock.shift(ms)
        return agent

    def upgrade(self, port, context):
        """The first bytes the hub answers to an upgrade; empty when it refuses before HTTP."""
        request = (b"GET /sync HTTP/1.1\r\nHost: hub\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
                   b"Sec-WebSocket-Protocol: hmis-sync#1-1\r\n\r\n")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
                line = plain if context is None else context.wrap_socket(plain)
                line.sendall(request)
                return line.recv(100)
        except (OSError, ssl.SSLError) as refused:
            self.assertRegex(str(refused), HUB_SAYS_NO)
            return b""


class EnrolTest(TrustWorld):
    def test_a_device_is_set_up_without_a_hub_in_reach_and_enrols_at_its_first_sync(self):
        hub = self.make_hub().serve()
        file = self.enrolment(hub, "tablet")
        hub.stop()
        agent = Agent(self.root / "tablet", None)
        self.programs.append(agent)
        made = agent.run("init", "--enrolment", file)
        self.assertEqual((made["enrolled"], agent.status()["enrolled"]), (False, False))
        self.assertEqual(agent.call("sync", "--once")[0], UNAVAILABLE)
        hub.serve()
        self.assertEqual(agent.sync()["unsent"], 0)
        self.assertTrue(agent.status()["enrolled"])
        self.assertFalse((agent.data / "enrolment-code").exists())
        for name in ("device.key", "device.crt", "hub-ca.crt"):
            self.assertEqual((agent.data / name).stat().st_mode & 0o077, 0, name)

    def test_a_code_on_paper_needs_only_the_fingerprint(self):
        hub = self.make_hub().serve()
        given = hub.run("device", "add", "--name", "tablet", "--port", hub.port)
        agent = Agent(self.root / "tablet", None)
        self.programs.append(agent)
        by_code = ["init", "--hub", f"127.0.0.1:{hub.port}", "--code", given["code"].lower().replace("-", " ")]
        self.assertEqual(agent.call(*by_code)[0], USAGE)
        code, _, error = agent.call(*by_code, "--ca-fingerprint", "00" * 32)
        self.assertEqual(code, NOT_PERMITTED, error)
        self.assertIn("is not this device's hub", error["message"])
        made = agent.run(*by_code, "--ca-fingerprint", given["root_fingerprint"])
        self.assertEqual((made["device"], made["name"], made["enrolled"]), (given["device"], "tablet", True))
        self.assertEqual(agent.sync()["unsent"], 0)

    def test_a_wrong_code_is_refused_five_times_and_then_burnt_and_recording_goes_on(self):
        hub = self.make_hub().serve()
        file = self.enrolment(hub, "tablet")
        good = json.loads(file.read_text())
        wrong = {**good, "code": good["code"][:-1] + ("7" if good["code"][-1] != "7" else "8")}
        file.write_text(json.dumps(wrong))
        agent = Agent(self.root / "tablet", None)
        self.programs.append(agent)
        code, _, error = agent.call("init", "--enrolment", file)
        self.assertEqual(code, NOT_PERMITTED, error)
        self.assertNotIn(wrong["code"], json.dumps(error))
        for _ in range(4):
            self.assertEqual(agent.call("enrol", "--code", wrong["code"])[0], NOT_PERMITTED)
        code, _, error = agent.call("enrol", "--code", good["code"])
        self.assertEqual((code, "burnt" in error["message"]), (NOT_PERMITTED, True), error)
        agent.run("user")
        self.assertEqual(agent.status()["enrolled"], False)
        self.assertEqual(hub.run("device", "show", "tablet")["code_wrong_tries"], 5)
        fresh = self.root / "fresh.json"
        hub.run("device", "code", "tablet", "--port", hub.port, "--out", fresh)
        self.assertTrue(agent.run("enrol", "--enrolment", fresh)["enrolled"])
        self.assertEqual(agent.sync()["unsent"], 0)

    def test_a_used_code_lets_nobody_else_in(self):
        hub = self.make_hub().serve()
        file = self.enrolment(hub, "tablet")
        first, thief = Agent(self.root / "first", None), Agent(self.root / "thief", None)
        self.programs += [first, thief]
        first.run("init", "--enrolment", file)
        code, _, error = thief.call("init", "--enrolment", file)
        self.assertEqual((code, "used already" in error["message"]), (NOT_PERMITTED, True), error)
        self.assertEqual(thief.call("sync", "--once")[0], NOT_PERMITTED)
        self.assertEqual(first.sync()["unsent"], 0)

    def test_the_root_key_leaves_the_hub_and_nothing_is_overwritten(self):
        hub = Hub(self.root / "hub")
        made = hub.run("init")
        key = pathlib.Path(made["root_key"])
        self.assertEqual((key, key.stat().st_mode & 0o077), (self.root / "hub-root.key", 0))
        self.assertIn("off this machine", made["next"])
        secret = key.read_text().splitlines()[1]
        for file in hub.data.rglob("*"):
            if file.is_file():
                self.assertNotIn(secret.encode(), file.read_bytes(), file.name)
        other = Hub(self.root / "other")
        self.assertEqual(other.call("init", "--root-key", key)[0], CONFLICT)
        self.assertEqual(other.call("init", "--root-key", other.data / "root.key")[0], INVALID)
        self.assertFalse((other.data / "hub.db").exists())
        hub.run("ca", "renew", "--root-key", key)
        self.assertEqual(hub.call("ca", "init")[0], CONFLICT)

    def test_a_hub_whose_keys_are_lost_says_so(self):
        hub = self.make_hub(seeded=False)
        (hub.data / "issuer.key").unlink()
        code, _, error = hub.call("serve", "--port", "0")
        self.assertEqual(code, NOT_FOUND, error)
        self.assertIn("backup", error["hint"])


class WrongCertificateTest(TrustWorld):
    def test_every_one_is_refused_before_a_word_of_http(self):
        hub = self.make_simulated_hub().serve()
        good = self.make_agent(hub, "good")
        revoked, suspended = self.make_agent(hub, "revoked"), self.make_agent(hub, "suspended")
        hub.run("device", "revoke", "revoked")
        hub.run("device", "suspend", "suspended")
        stranger = Hub(self.root / "stranger")
        self.programs.append(stranger)
        stranger.run("init")
        foreign = self.make_agent(stranger.serve(), "foreign")
        hub_as_device = self.root / "hub-as-device"
        hub_as_device.mkdir()
        (hub_as_device / "device.crt").write_bytes((hub.data / "hub.crt").read_bytes() +
                                                   (hub.data / "issuer.crt").read_bytes())
        (hub_as_device / "device.key").write_bytes((hub.data / "hub.key").read_bytes())
        old = tls_context(good.data)
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_2
        refused = {"no certificate": tls_context(), "plain text": None, "TLS 1.2": old,
                   "another authority": tls_context(foreign.data), "revoked": tls_context(revoked.data),
                   "suspended": tls_context(suspended.data), "the hub's own": tls_context(hub_as_device),
                   "another protocol": tls_context(good.data, "h2")}
        for name, context in refused.items():
            with self.subTest(name):
                self.assertNotIn(b"HTTP", self.upgrade(hub.port, context))
        self.assertTrue(self.upgrade(hub.port, tls_context(good.data)).startswith(b"HTTP/1.1 101"))
        hub.clock.shift(-3 * DAY_MS)  # the device's certificate is of the future now
        self.assertEqual(self.upgrade(hub.port, tls_context(good.data)), b"")
        hub.clock.shift(0)
        for agent, why in ((revoked, "revoked"), (suspended, "suspended")):
            code, _, error = agent.call("sync", "--once")
            self.assertEqual((code, why in error["message"]), (NOT_PERMITTED, True), error)
        hub.run("device", "resume", "suspended")
        self.assertEqual(suspended.sync()["unsent"], 0)

    def test_a_device_does_not_speak_to_another_hub_at_its_hubs_address(self):
        hub = self.make_hub(seeded=False).serve()
        agent = self.make_agent(hub, "tablet")
        hub.stop()
        impostor = Hub(self.root / "impostor")
        self.programs.append(impostor)
        impostor.run("init")
        impostor.port = hub.port
        impostor.serve()
        code, _, error = agent.call("sync", "--once")
        self.assertEqual((code, "is not this device's hub" in error["message"]), (NOT_PERMITTED, True), error)
        impostor.stop()
        hub.serve()
        self.assertEqual(agent.sync()["unsent"], 0)


class ClockTest(TrustWorld):
    def save(self, agent):
        agent.run("intake", "--first", "Ana", "--last", "Ruizf", "--project", self.project_of(agent))

    def seeded(self):
        hub = self.make_simulated_hub()
        hub.run("import", pathlib.Path(__file__).resolve().parents[1] / "golden/hmis-synthetic", "--source", "sample")
        return hub.serve()

    def test_a_tablet_that_woke_in_1970_enrols_and_hands_over(self):
        hub = self.seeded()
        age = -round(time.time() * 1000)
        agent = self.make_simulated_agent(hub, "tablet", age)
        self.assertTrue(agent.status()["enrolled"])
        agent.sync()
        self.save(agent)
        self.assertEqual(agent.sync()["unsent"], 0)
        self.assertEqual(hub.records_of(agent.device), 1)
        agent.clock.shift(20 * 365 * DAY_MS)  # past the end of the root, so no more possible than 1970
        self.save(agent)
        self.assertEqual(agent.sync()["unsent"], 0)

    def test_certificates_renew_themselves_on_both_sides(self):
        hub = self.seeded()
        agent = self.make_simulated_agent(hub, "tablet")
        agent.sync()
        first = agent.status()["certificate_until"]
        own = (hub.data / "hub.crt").read_bytes()
        for clock in (hub.clock, agent.clock):
            clock.shift(61 * DAY_MS)
        agent.serve()
        wait_for("the device to renew", lambda: agent.status()["certificate_until"] > first)
        self.assertEqual(agent.status()["sync_custody_only"], False)
        wait_for("the hub to renew", lambda: (hub.data / "hub.crt").read_bytes() != own, patience=60)
        self.save(agent)
        wait_for("the record to arrive", lambda: agent.status()["unsent"] == 0)

    def test_the_issuer_is_renewed_while_the_hub_runs(self):
        hub = self.seeded()
        agent = self.make_simulated_agent(hub, "tablet")
        agent.serve()
        wait_for("the device to be in step", lambda: agent.status()["sync_in_step"])
        sessions = agent.status()["sync_sessions"]
        issuer, own = (hub.data / "issuer.crt").read_bytes(), (hub.data / "hub.crt").read_bytes()
        key = self.root / "hub-root.key"
        renewed = hub.run("ca", "renew", "--root-key", key)
        self.assertNotEqual((hub.data / "issuer.crt").read_bytes(), issuer)
        self.assertNotEqual((hub.data / "hub.crt").read_bytes(), own)
        self.assertIn("issuer_ends", renewed)
        self.save(agent)
        wait_for("the record to arrive", lambda: agent.status()["unsent"] == 0)
        self.assertEqual(agent.status()["sync_sessions"], sessions, "no connection was dropped")
        other = self.make_simulated_agent(hub, "other")  # the new issuer signs for it
        other.sync()
        strange = Hub(self.root / "strange")
        strange.run("init")
        self.assertEqual(hub.call("ca", "renew", "--root-key", self.root / "strange-root.key")[0], INVALID)
        self.save(other)
        self.assertEqual(other.sync()["unsent"], 0)
        hub.stop()
        hub.serve()
        self.save(other)
        self.assertEqual(other.sync()["unsent"], 0)

    def test_a_lapsed_device_hands_over_and_gets_nothing_until_it_is_approved(self):
        hub = self.seeded()
        away, other = self.make_simulated_agent(hub, "away"), self.make_simulated_agent(hub, "other")
        away.sync()
        other.sync()
        self.save(away)
        for clock in (hub.clock, away.clock, other.clock):
            clock.shift(60 * DAY_MS + 3600_000)
        own = (hub.data / "hub.crt").read_bytes()
        other.sync()  # renews
        wait_for("the hub to renew its own", lambda: (hub.data / "hub.crt").read_bytes() != own, patience=60)
        for clock in (hub.clock, away.clock, other.clock):
            clock.shift(100 * DAY_MS)
        self.save(other)
        other.sync()
        clients = away.status()["clients"]
        answer = away.sync()
        self.assertEqual((answer["unsent"], answer["custody_only"], away.status()["clients"]), (0, True, clients))
        self.assertEqual(hub.records_of(away.device), 1)
        hub.run("device", "approve", "away")
        answer = away.sync()
        self.assertEqual((answer["custody_only"], away.status()["clients"]), (False, clients + 1))


class ShutOutTest(TrustWorld):
    def test_a_device_is_out_within_seconds_while_it_is_connected(self):
        hub = self.make_hub().serve()
        for act, back in (("suspend", "resume"), ("revoke", None)):
            with self.subTest(act):
                agent = self.make_agent(hub, act)
                agent.serve()
                wait_for("the device to be in step", lambda a=agent: a.status()["sync_in_step"])
                began = time.monotonic()
                hub.run("device", act, act)
                wait_for("the device to be out", lambda a=agent: a.status()["sync_needs_a_person"])
                took = time.monotonic() - began
                self.assertLess(took, 10)
                print(f"{act}: out after {took * 1000:.0f} ms", flush=True)
                project = self.project_of(agent)
                saved = Control.ask(agent, "intake", {"form": {"first": "Re", "last": "Cords", "project": project}})
                self.assertTrue(saved["ok"]["saved"], "recording goes on")
                if back:
                    hub.run("device", back, act)
                    wait_for("the device to come back", lambda a=agent: a.status()["unsent"] == 0, patience=60)

    def test_an_openssl_of_somebody_else_agrees(self):
        """What we offer, as another program sees it."""
        hub = self.make_hub(seeded=False).serve()
        agent = self.make_agent(hub, "tablet")
        with socket.create_connection(("127.0.0.1", hub.port), timeout=10) as plain:
            context = tls_context(agent.data)
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(agent.data / "hub-ca.crt")
            line = context.wrap_socket(plain)
            self.assertEqual((line.version(), line.selected_alpn_protocol(), line.compression()),
                             ("TLSv1.3", "streetlog-sync", None))
            self.assertFalse(line.session_reused)
            self.assertFalse(line.session is not None and line.session.has_ticket)


if __name__ == "__main__":
    unittest.main()
