"""A device that keeps running finds the hub again by itself: after the hub died, after the network was cut, after it
froze. Nobody presses anything, nothing is lost, nothing arrives twice."""

import unittest

from harness import Control, World, wait_for


class OutageTest(World):
    def setUp(self):
        super().setUp()
        self.hub = self.make_hub().serve()
        self.network = self.make_network(self.hub.port)
        self.agent = self.make_agent(self.hub, "a", port=self.network.port)
        self.agent.sync()
        self.project = self.project_of(self.agent)
        self.agent.serve()
        self.saved = 0

    def save(self, times):
        for _ in range(times):
            self.saved += 1
            answer = Control.ask(self.agent, "intake", {"form": {
                "first": "Out", "last": f"Age{chr(96 + self.saved)}", "project": self.project}})
            self.assertTrue(answer["ok"]["saved"], answer)

    def wait_until_sent(self):
        wait_for("everything to reach the hub", lambda: self.agent.status()["unsent"] == 0, patience=60)
        self.assertEqual(self.hub.records_of(self.agent.device), self.saved)

    def wait_until_alone(self):
        wait_for("the device to notice", lambda: self.agent.status()["sync"] != "connected", patience=60)

    def test_keeps_recording_through_every_outage_and_everything_arrives(self):
        self.save(3)
        self.wait_until_sent()

        self.hub.kill()
        self.wait_until_alone()
        self.save(5)
        status = self.agent.status()
        self.assertEqual((status["saved"], status["unsent"]), (8, 5))
        self.assertNotEqual(status["sync_problem"], "")
        self.assertFalse(status["sync_needs_a_person"])
        self.hub.serve()
        self.wait_until_sent()

        self.network.down()
        self.wait_until_alone()
        self.save(5)
        self.assertEqual(self.agent.status()["unsent"], 5)
        self.network.restore()
        self.wait_until_sent()

        self.network.freeze()
        self.save(5)
        self.assertEqual(self.agent.status()["saved"], 18)
        self.network.restore()
        self.wait_until_sent()

        status = self.agent.status()
        self.assertGreaterEqual(status["sync_sessions"], 3)
        self.assertEqual(status["sync_problem"], "")
        self.assertTrue(self.hub.run("verify")["verified"])
        wait_for("the hub's own additions", lambda: self.agent.dump_hash() == self.hub.dump_hash())

    def test_the_program_dies_with_unsent_records_and_its_successor_sends_them(self):
        self.network.down()
        self.wait_until_alone()
        self.save(4)
        self.agent.kill()
        self.network.restore()
        self.agent.serve()
        self.wait_until_sent()

    def test_another_devices_records_arrive_without_asking(self):
        other = self.make_agent(self.hub, "b")
        other.sync()
        self.network.down()
        self.wait_until_alone()
        other.intake("--first", "Far", "--last", "Awayperson", "--project", self.project)
        other.sync()
        self.assertEqual(self.agent.find("awayperson"), [])
        self.network.restore()
        wait_for("the other's client", lambda: self.agent.find("awayperson"), patience=60)

    def test_a_sync_that_is_asked_for_says_what_is_wrong_and_then_works(self):
        self.hub.kill()
        self.wait_until_alone()
        code, _, error = self.agent.call("sync", "--once")
        self.assertEqual(code, 9)
        self.assertIn("Nothing is lost", error["hint"])
        self.save(1)
        self.hub.serve()
        answer = wait_for("the hub", lambda: self.agent.run("sync", "--once"))
        self.assertEqual(answer["unsent"], 0)


if __name__ == "__main__":
    unittest.main()
