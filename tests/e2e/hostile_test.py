"""Strangers who mean it ill: ten thousand connections that say nothing, frames of 100 MB, fragments without end, floods of
pings, readers who never read. Whatever they do, a device that was let in syncs on, and the hub's memory stays where it was.
They come from an address of their own, 127.0.0.2."""

import itertools
import os
import pathlib
import resource
import socket
import struct
import threading
import time
import unittest

from harness import Control, Network, World, tls_context, wait_for

WANTED = int(os.environ.get("STREETLOG_HALF_OPEN", "10000"))
STRANGER = ("127.0.0.2", 0)
MIB = 1024 * 1024


def connect(port, timeout=20):
    """How a stranger reaches the port: the one place that knows what lies under WebSocket."""
    line = socket.create_connection(("127.0.0.1", port), timeout=timeout, source_address=STRANGER)
    return line


def secured(port, shown, timeout=20):
    """As a device that was let in once and means it ill now."""
    return tls_context(shown).wrap_socket(connect(port, timeout))


def upgraded(port, shown):
    line = secured(port, shown)
    line.sendall(b"GET /sync HTTP/1.1\r\nHost: hub\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
                 b"Sec-WebSocket-Protocol: hmis-sync#1-1\r\n\r\n")
    answer = b""
    while b"\r\n\r\n" not in answer:
        part = line.recv(4096)
        if not part:
            raise ConnectionError(answer)
        answer += part
    if not answer.startswith(b"HTTP/1.1 101"):
        raise ConnectionError(answer)
    return line


def frame(opcode, payload, final=True, length=None):
    """A masked frame whose mask is zero; `length` may lie."""
    size = len(payload) if length is None else length
    head = bytes([opcode | (0x80 if final else 0)])
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 65536:
        head += bytes([0x80 | 126]) + struct.pack(">H", size)
    else:
        head += bytes([0x80 | 127]) + struct.pack(">Q", size)
    return head + bytes(4) + payload


def send_until_cut(line, pieces, seconds=30):
    """MiB the other side took before it ended the connection, and how long that took."""
    sent = 0
    began = time.monotonic()
    try:
        for piece in pieces:
            line.sendall(piece)
            sent += len(piece)
            if time.monotonic() - began > seconds:
                break
    except OSError:
        pass
    return sent / MIB, time.monotonic() - began


def close_code(line):
    """What the hub closed with: 0 when it just hung up."""
    try:
        line.settimeout(10)
        data = b""
        while part := line.recv(65536):
            data += part
    except OSError:
        pass
    at = data.rfind(b"\x88")
    return struct.unpack(">H", data[at + 2:at + 4])[0] if 0 <= at <= len(data) - 4 else 0


class DeafNetwork(Network):
    """What the hub says stops on the way after the first few KiB of each connection, until `hear`."""

    def __init__(self, port):
        self.hearing = threading.Event()
        super().__init__(port)

    def hear(self):
        self.hearing.set()

    def close(self):
        self.hearing.set()
        super().close()

    def _carry(self, source, sink):
        if source.getpeername()[1] == self.target:
            try:
                for _ in range(4):
                    sink.sendall(source.recv(1024))
            except OSError:
                pass
            self.hearing.wait()
        super()._carry(source, sink)


class HostileTest(World):
    def setUp(self):
        super().setUp()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        self.hub = self.make_hub().serve()
        self.agent = self.make_agent(self.hub, "good")
        self.agent.sync()
        self.project = self.project_of(self.agent)
        self.agent.serve()
        self.evil = self.make_agent(self.hub, "evil").data
        self.saved = 0
        self.good_device_syncs()
        self.quiet = self.rss()

    def rss(self, peak=False):
        """MiB of the hub's memory."""
        for line in pathlib.Path(f"/proc/{self.hub.process.pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:" if peak else "VmRSS:"):
                return int(line.split()[1]) / 1024
        raise AssertionError("the hub is gone")

    def open_files(self):
        return len(os.listdir(f"/proc/{self.hub.process.pid}/fd"))

    def good_device_syncs(self, times=1):
        """Seconds from a Save to the hub's acknowledgement, the slowest of some."""
        slowest = 0.0
        for _ in range(times):
            self.saved += 1
            began = time.monotonic()
            answer = Control.ask(self.agent, "intake", {"form": {
                "first": "Go", "last": f"Od{self.saved}", "project": self.project}})
            self.assertTrue(answer["ok"]["saved"], answer)
            wait_for("the good device to be served",
                     lambda: Control.ask(self.agent, "status", {})["ok"]["unsent"] == 0, patience=20)
            slowest = max(slowest, time.monotonic() - began)
        return slowest

    def times(self, count=40):
        """p50 and p99 of what the good device waits for an acknowledgement, in ms."""
        waits = sorted(self.good_device_syncs() for _ in range(count))
        return waits[count // 2] * 1000, waits[min(count - 1, count * 99 // 100)] * 1000

    def assert_unharmed(self, before, during):
        """Not slower than twice as slow, with room for a machine that does other things."""
        self.assertLess(during[0], 2 * before[0] + 100)
        self.assertLess(during[1], 2 * before[1] + 1000)

    def end_well(self, what, growth_mib):
        self.assertEqual(self.hub.records_of(self.agent.device), self.saved)
        self.assertTrue(self.hub.run("verify")["verified"])
        self.assertIsNone(self.hub.process.poll())
        peak = self.rss(peak=True)
        print(f"{what}; hub {self.quiet:.0f} MiB before, {peak:.0f} MiB at most, {self.rss():.0f} MiB after", flush=True)
        self.assertLess(peak - self.quiet, growth_mib)

    def test_connections_that_say_nothing(self):
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        count = min(WANTED, limit - 500)
        files = self.open_files()
        before = self.times()
        lines = []
        began = time.monotonic()
        for _ in range(count):
            lines.append(connect(self.hub.port, timeout=5))
        opened = time.monotonic() - began
        ended, letting_in = threading.Event(), []

        def keep_coming():
            """The place of one that is sent away is taken by the next, all the while."""
            for number in itertools.count():
                if ended.is_set():
                    return
                lines[number % count].close()
                try:
                    lines[number % count] = connect(self.hub.port, timeout=5)
                except OSError:
                    pass
                time.sleep(0.001)

        flood = threading.Thread(target=keep_coming, daemon=True)
        flood.start()
        during = self.times()
        held = self.open_files() - files
        for number in range(3):  # come while they are there
            late = self.make_agent(self.hub, f"late{number}")
            began = time.monotonic()
            late.sync()
            letting_in.append(time.monotonic() - began)
        ended.set()
        flood.join()
        for line in lines:
            line.close()
        wait_for("the hub to let go", lambda: self.open_files() <= files + 5)
        self.end_well(f"{count} of {WANTED} connections that say nothing, opened in {opened:.1f} s (file limit {limit}), {held} "
                      f"held by the hub; the good device's ack p50 / p99 {before[0]:.0f} / {before[1]:.0f} ms before, "
                      f"{during[0]:.0f} / {during[1]:.0f} ms meanwhile; three devices that came then were done within "
                      f"{max(letting_in):.1f} s", 100)
        self.assert_unharmed(before, during)
        self.assertLess(max(letting_in), 4, "a device that comes during the flood is let in before the flood's time is up")
        log = self.hub.log.read_text().count("connection_limit_reached")
        self.assertTrue(1 <= log <= 20, f"{log} lines about it in the log")

    def test_connections_that_shake_hands_and_then_say_nothing(self):
        files, count = self.open_files(), 900
        before = self.times()
        quiet = self.rss()
        lines = [upgraded(self.hub.port, self.evil) for _ in range(count)]
        weight = (self.rss() - quiet) * 1024 / count
        during = self.times()
        began = time.monotonic()
        wait_for("the hub to send them away", lambda: self.open_files() <= files + 5, patience=60)
        gone = time.monotonic() - began
        for line in lines:
            line.close()
        self.end_well(f"{count} connections idle after the handshake, {weight:.0f} KiB each, sent away within {gone:.0f} s; the "
                      f"good device's ack p50 / p99 {before[0]:.0f} / {before[1]:.0f} ms before, {during[0]:.0f} / "
                      f"{during[1]:.0f} ms meanwhile", 100)
        self.assert_unharmed(before, during)
        self.assertLess(weight, 64)

    def test_half_a_request_is_cut_off(self):
        """As it stands, and when a byte comes every now and then; and bytes that are no request at all."""
        before = self.times()
        halves = [secured(self.hub.port, self.evil) for _ in range(50)]
        drips = [secured(self.hub.port, self.evil) for _ in range(50)]
        junk = [connect(self.hub.port) for _ in range(50)]
        began = time.monotonic()
        for line in halves:
            line.sendall(b"GET /sync HTT")
        for number, line in enumerate(junk):
            line.sendall(bytes((number * 37 + i * 101) % 256 for i in range(2000)))
        open_drips, ended = set(drips), {}
        while open_drips and time.monotonic() - began < 30:
            for line in list(open_drips):
                try:
                    line.sendall(b"G")
                except OSError:
                    open_drips.discard(line)
            ended["drips"] = time.monotonic() - began
            time.sleep(0.2)
        for name, lines in (("halves", halves), ("junk", junk)):
            for line in lines:
                line.settimeout(30)
                try:
                    while line.recv(4096):
                        pass
                except OSError:
                    pass
            ended[name] = time.monotonic() - began
        for line in halves + drips + junk:
            line.close()
        during = self.times(10)
        self.end_well(f"50 each: a byte every 0.2 s, cut off within {ended['drips']:.1f} s; halves of a request, "
                      f"{ended['halves']:.1f} s; junk, {ended['junk']:.1f} s", 50)
        self.assert_unharmed(before, during)
        self.assertLess(max(ended.values()), 20)

    def test_a_frame_of_100_megabytes(self):
        ends = []
        for _ in range(5):
            line = upgraded(self.hub.port, self.evil)
            head = frame(2, b"", length=100 * MIB)
            taken, seconds = send_until_cut(line, [head] + [bytes(65536)] * 1600)
            ends.append((close_code(line), taken, seconds))
            line.close()
        served = self.good_device_syncs(3)
        self.assertIn(1009, {code for code, _, _ in ends})
        self.assertLess(max(seconds for _, _, seconds in ends), 20)
        self.end_well(f"frames of 100 MB: closed with {sorted({code for code, _, _ in ends})}, at most "
                      f"{max(taken for _, taken, _ in ends):.0f} MiB read and thrown away after that; the good device "
                      f"served within {served * 1000:.0f} ms", 50)

    def test_fragments_without_end(self):
        ends = {}

        def feed(name, first, rest):
            line = upgraded(self.hub.port, self.evil)
            ends[name] = send_until_cut(line, itertools.chain([first], rest), 90)
            line.close()

        def trickle():
            while True:
                time.sleep(0.5)
                yield frame(9, b"still here")

        threads = [threading.Thread(target=feed, args=("bytes", frame(2, bytes(1), final=False),
                                                       itertools.repeat(frame(0, bytes(1), final=False) * 100))),
                   threading.Thread(target=feed, args=("KiB", frame(2, bytes(1024), final=False),
                                                       itertools.repeat(frame(0, bytes(1024), final=False) * 100))),
                   threading.Thread(target=feed, args=("nothing but pings", frame(9, b"here"), trickle()))]
        for thread in threads:
            thread.start()
        served = self.good_device_syncs(3)
        for thread in threads:
            thread.join()
        for name, (_, seconds) in ends.items():
            self.assertLess(seconds, 45, f"a peer that never says who it is, with {name}, is cut off")
        self.end_well("without end: " + "; ".join(f"{name}, {taken:.1f} MiB in {seconds:.1f} s before the cut"
                                                  for name, (taken, seconds) in ends.items()) +
                      f"; the good device served within {served * 1000:.0f} ms", 50)

    def test_a_flood_of_pings(self):
        lines = [upgraded(self.hub.port, self.evil) for _ in range(5)]
        sent = [0] * len(lines)

        def flood(number):
            sent[number], _ = send_until_cut(lines[number], [frame(9, b"x" * 125) * 100] * 2000)

        threads = [threading.Thread(target=flood, args=(number,), daemon=True) for number in range(len(lines))]
        for line in lines:
            line.settimeout(10)  # nobody reads the pongs, so the hub stops reading at some point
        for thread in threads:
            thread.start()
        served = self.good_device_syncs(5)
        for thread in threads:
            thread.join(timeout=60)
        for line in lines:
            line.close()
        self.end_well(f"{sum(sent):.0f} MiB of pings from {len(lines)} connections; the good device served within "
                      f"{served * 1000:.0f} ms", 50)

    def test_a_storm_of_comings_and_goings(self):
        count = 0
        began = time.monotonic()
        while time.monotonic() - began < 5:
            line = connect(self.hub.port)
            if count % 3 == 0:
                line.sendall(b"\x16\x03\x01\x02\x00")  # a TLS hello begins
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, not an end
            line.close()
            count += 1
        served = self.good_device_syncs(3)
        self.end_well(f"{count} connections opened and reset in 5 s; the good device served within {served * 1000:.0f} ms",
                      50)

    def test_devices_that_never_read(self):
        for _ in range(200):
            self.saved += 1
            Control.ask(self.agent, "intake", {"form": {"first": "Mu", "last": "Ch", "project": self.project}})
        self.good_device_syncs()
        slow = []
        for number in range(10):
            network = DeafNetwork(self.hub.port)
            self.networks.append(network)
            agent = self.make_agent(self.hub, f"slow{number}", port=network.port)
            agent.serve()
            slow.append((network, agent))
        served = self.good_device_syncs(5)
        self.end_well(f"10 devices that stopped reading; the good device served within {served * 1000:.0f} ms", 100)
        for network, agent in slow:
            network.hear()
            wait_for("a slow device to catch up", lambda a=agent: a.status()["sync_in_step"], patience=60)


if __name__ == "__main__":
    unittest.main()
