"""A tunnel with a mobile link: 30 kbit/s, 800 ms there and back, cut again and again. A backlog arrives all the same, and
what the hub acknowledged before a cut is not sent again."""

import os
import queue
import threading
import time
import unittest

from harness import Control, Network, World, wait_for

RECORDS = int(os.environ.get("STREETLOG_BACKLOG", "500"))
BITS_PER_SECOND = 30_000
ROUND_TRIP = 0.8


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
    def backlog_arrives(self, cut_after, patience):
        hub = self.make_hub().serve()
        link = SlowNetwork(hub.port)
        self.networks.append(link)
        agent = self.make_agent(hub, "a", port=link.port)
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

        before_cuts = []
        link.restore()
        link.begin(cut_after, lambda: before_cuts.append(hub.records_of(agent.device)))
        began = time.monotonic()
        agent.serve()
        wait_for("the backlog to arrive", lambda: hub.records_of(agent.device) == RECORDS, patience=patience)
        seconds = time.monotonic() - began
        up, down = link.bytes
        wait_for("the device to know", lambda: agent.status()["unsent"] == 0, patience=patience)
        self.assertEqual(before_cuts, sorted(before_cuts), "the hub's word is never taken back")
        self.assertTrue(hub.run("verify")["verified"])
        self.assertEqual(hub.records_of(agent.device), RECORDS)
        print(f"{RECORDS} records over {BITS_PER_SECOND // 1000} kbit/s and {ROUND_TRIP * 1000:.0f} ms, cut every "
              f"{cut_after} s: {seconds:.0f} s, {len(before_cuts)} cuts, at the hub before each {before_cuts}, "
              f"{up / RECORDS:.0f} B up and {down / RECORDS:.0f} B down a record, handshakes and what was sent twice "
              f"included", flush=True)
        return before_cuts, up / RECORDS

    def test_a_backlog_arrives_over_a_link_that_lives_a_minute(self):
        _, bytes_up = self.backlog_arrives(60, 300)
        self.assertLess(bytes_up, 600)

    def test_progress_is_kept_over_a_link_that_lives_a_quarter_of_that(self):
        before_cuts, _ = self.backlog_arrives(15, 600)
        self.assertGreaterEqual(len(before_cuts), 2, "the backlog takes several lives of the link")
        grown = sum(after > before for before, after in zip([0, *before_cuts], [*before_cuts, RECORDS]))
        self.assertGreaterEqual(grown, 2, "more than one of them made progress")


if __name__ == "__main__":
    unittest.main()
