"""Stopping and starting as an operator does it: SIGTERM while agents stream, and a second start on
a journal that is in use."""

import subprocess
import time
import unittest

from attune.v1 import session_pb2

from tests.integration import harness

RATE = 10
LENGTH_S = 120
SOURCE_S = 95
STOPS_WITHIN_S = 5


class StopTest(harness.IntegrationTest):

    def test_stops_within_seconds_and_loses_nothing(self):
        node = self.start_node(rate=RATE)
        session = harness.Session(node, session_pb2.SESSION_KIND_COUPLES,
                                  planned_end_session_us=LENGTH_S * 1_000_000)
        people = ["nsr003", "nsr008"]
        agent = self.start_agent(node, session, "couple", [
            (p, f"replay:{harness.NSR2DB / p}.rr,at=5,seconds={SOURCE_S}", "us") for p in people])
        watcher = self.start_watcher(node, session.token)
        harness.eventually(lambda: len(watcher.frames) > 20, 20, "frames")

        # In use: the second one goes away by itself, the first does not notice.
        second = subprocess.run(
            [harness.ATTUNED, "--grpc=127.0.0.1:0", "--http=127.0.0.1:0",
             f"--journal=sqlite:{node.journal}", f"--keys={node.keys}"],
            capture_output=True, text=True, check=False, timeout=20)
        self.assertNotEqual(second.returncode, 0)
        self.assertIn("another process has it open", second.stderr)
        seen = max(watcher.frames)
        harness.eventually(lambda: max(watcher.frames) > seen + 5, 5, "frames go on")

        # Several times, while beats are on their way.
        for _ in range(3):
            start = time.monotonic()
            self.assertEqual(node.stop(), 0, node.log())
            self.assertLess(time.monotonic() - start, STOPS_WITHIN_S)
            node.start()
            seen = max(watcher.frames)
            harness.eventually(lambda: max(watcher.frames) > seen + 3, 15, "frames go on")

        self.assertTrue(watcher.closed.wait(60), "the session did not close\n" + node.log())
        self.assertEqual(agent.wait(20), 0, agent.text())
        for person, name in zip(agent.summary(), people):
            self.assertAlmostEqual(int(person["beats_sent"]), harness.beats_in(name, SOURCE_S),
                                   delta=1)
            self.assertEqual(int(person["beats_durable"]), int(person["beats_sent"]))
            self.assertEqual(int(person["beats_lost"]), 0)
        self.assertEqual(watcher.changed, [])
        self.assertEqual(len(session.report().report.pairs), 1)
        self.assertEqual(node.stop(), 0, node.log())
        found, _, _ = node.recompute(session)
        self.assertEqual(found["beats"], sum(int(p["beats_sent"]) for p in agent.summary()))
        self.assertEqual((found["gaps"], found["reports_different"]), (0, 0))


if __name__ == "__main__":
    unittest.main()
