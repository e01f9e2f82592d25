"""A tunnel with a mobile link: 30 kbit/s, 800 ms there and back, cut again and again. A backlog arrives all the same, and
what the hub acknowledged before a cut is not sent again. STREETLOG_BACKLOG=5000 is the long lane, a quarter of an hour."""

import os
import queue
import threading
import time
import unittest
from concurrent import futures

from harness import Control, Network, World, wait_for

RECORDS = int(os.environ.get("STREETLOG_BACKLOG", "500"))
BITS_PER_SECOND = 30_000
ROUND_TRIP = 0.8
# Two batches of two seconds each under way, and what the link itself keeps.
AGAIN_BYTES_MAX = 2 * 2 * BITS_PER_SECOND // 8 + 16 * 1024 + 8 * 1024


class SlowNetwork(Network):
    """From `begin` on it carries `BITS_PER_SECOND` each way, all connections together, delivers after half a round trip,
    and cuts everything every `cut_after` seconds; `at_cut` is called in between."""

    QUEUE_BYTES = 16 * 1024  # what the mast keeps; more makes the sender wait
    PIECE = 1024

    def __init__(self, port):
        self.bytes = [0, 0]
        self.free_at = [0.0, 0.0]
        self.pace = threading.Lock()
        self.slow = False
        self.ended = threading.Event()
        super().__init__(port)

    def begin(self, cut_after, at_cut):
        self.slow = True
        threading.Thread(target=self._cut, args=(cut_after, at_cut), daemon=True).start()

    def close(self):
        self.ended.set()
        super().close()

    def _cut(self, cut_after, at_cut):
        while not self.ended.wait(cut_after):
            self.down()
            at_cut()
            self.restore()

    def _carry(self, source, sink):
        if not self.slow:
            super()._carry(source, sink)
            return
        way = 0 if sink.getpeername()[1] == self.target else 1
        waiting = queue.Queue(maxsize=self.QUEUE_BYTES // self.PIECE)
        threading.Thread(target=self._deliver, args=(waiting, sink), daemon=True).start()
        try:
            while data := source.recv(self.PIECE):
                with self.pace:
                    self.free_at[way] = max(time.monotonic(), self.free_at[way]) + len(data) * 8 / BITS_PER_SECOND
                    through = self.free_at[way]
                    self.bytes[way] += len(data)
                time.sleep(max(0.0, through - time.monotonic()))
                waiting.put((through + ROUND_TRIP / 2, data))
        except OSError:
            pass
        waiting.put((0, b""))
        self._close(source)

    def _deliver(self, waiting, sink):
        try:
            while True:
                arrives, data = waiting.get()
                if not data:
                    break
                time.sleep(max(0.0, arrives - time.monotonic()))
                sink.sendall(data)
        except OSError:
            pass
        self._close(sink)


class SlowLinkTest(World):
    def setUp(self):
        super().setUp()
        self.hub = self.make_hub().serve()

    def backlog(self, name, link):
        """A device that recorded offline."""
        agent = self.make_agent(self.hub, name, port=link.port)
        agent.sync()
        project = self.project_of(agent)
        link.down()
        agent.serve()
        for number in range(RECORDS):
            answer = Control.ask(agent, "intake", {"form": {
                "first": f"Sl{chr(97 + number % 26)}", "last": f"Ow{chr(97 + number // 26 % 26)}", "project": project}})
            self.assertTrue(answer["ok"]["saved"], answer)
        agent.stop()
        self.assertEqual(agent.status()["unsent"], RECORDS)
        return agent

    def arrives(self, name, cut_after, patience):
        """How many cuts there were, at the hub before each, and bytes a record sent in all."""
        link = SlowNetwork(self.hub.port)
        self.networks.append(link)
        agent = self.backlog(name, link)
        at_hub, at_device = [], []

        def at_cut():
            status = agent.status()
            at_device.append(status["saved"] - status["unsent"])
            at_hub.append(self.hub.records_of(agent.device))

        link.restore()
        link.begin(cut_after, at_cut)
        began = time.monotonic()
        agent.serve()
        wait_for("the backlog to arrive", lambda: self.hub.records_of(agent.device) == RECORDS, patience=patience)
        seconds = time.monotonic() - began
        up, down = link.bytes
        cuts = len(at_hub)
        wait_for("the device to know", lambda: agent.status()["unsent"] == 0, patience=patience)
        agent.stop()
        link.close()
        self.assertEqual(at_hub, sorted(at_hub), "the hub's word is never taken back")
        self.assertEqual(at_device, sorted(at_device), "nor forgotten by the device")
        for known, there in zip(at_device, at_hub):
            self.assertLessEqual(known, there)
        self.assertEqual(self.hub.records_of(agent.device), RECORDS)
        print(f"{RECORDS} records over {BITS_PER_SECOND // 1000} kbit/s and {ROUND_TRIP * 1000:.0f} ms, cut every "
              f"{cut_after} s: {seconds:.0f} s, {cuts} cuts, at the hub before each {at_hub[:cuts]}, known to the device "
              f"{at_device[:cuts]}; {up / RECORDS:.0f} B up and {down / RECORDS:.0f} B down a record, handshakes and what was "
              f"sent twice included", flush=True)
        return at_hub[:cuts], up

    def test_a_backlog_arrives_over_a_link_that_is_cut_every_minute_and_four_times_as_often(self):
        """In real time, so both at once, each over a link of its own. What a cut costs is the difference between the two."""
        with futures.ThreadPoolExecutor() as at_once:
            first, second = at_once.submit(self.arrives, "a", 60, 300), at_once.submit(self.arrives, "b", 15, 600)
        (seldom, bytes_up), (often, bytes_again) = first.result(), second.result()
        self.assertLess(bytes_up / RECORDS, 600)
        self.assertGreaterEqual(len(often), 2, "the backlog takes several lives of the link")
        grown = sum(after > before for before, after in zip([0, *often], [*often, RECORDS]))
        self.assertGreaterEqual(grown, 2, "more than one of them made progress")
        again = (bytes_again - bytes_up) / (len(often) - len(seldom))
        print(f"a cut costs {again / 1024:.1f} KiB: what was under way, and another handshake", flush=True)
        self.assertLess(again, AGAIN_BYTES_MAX)
        self.assertTrue(self.hub.run("verify")["verified"])


if __name__ == "__main__":
    unittest.main()
