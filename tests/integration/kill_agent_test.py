"""kill -9 of an agent: started again, it goes on from its spool; nothing lost, nothing twice."""

import time
import unittest

from attune.v1 import session_pb2

from tests.integration import harness

RATE = 10
LENGTH_S = 120
FIRST_BEAT_S = 5
SOURCE_S = 100


class KillAgentTest(harness.IntegrationTest):

    def test_resumes_from_its_spool(self):
        node = self.start_node(rate=RATE)
        session = harness.Session(node, session_pb2.SESSION_KIND_COUPLES,
                                  planned_end_session_us=LENGTH_S * 1_000_000)
        people = ["nsr003", "nsr008"]
        agent = self.start_agent(node, session, "couple", [
            (p, f"replay:{harness.NSR2DB / p}.rr,at={FIRST_BEAT_S},seconds={SOURCE_S}", "couple-1")
            for p in people])
        watcher = self.start_watcher(node, session.token)
        admitted = []
        for _ in range(3):
            time.sleep(2.2)
            agent.kill9()
            admitted.append(node.metric("attune_beats_admitted_total"))
            agent.start()
        self.assertTrue(watcher.closed.wait(60), "the session did not close\n" + node.log())
        self.assertEqual(agent.wait(20), 0, agent.text())
        # The kills lay between beats of the session, not before or after them.
        self.assertGreater(admitted[0], 0)
        self.assertLess(admitted[2], node.metric("attune_beats_admitted_total"))
        report = session.report()
        self.assertEqual([int(p["beats_lost"]) for p in agent.summary()], [0, 0])
        # One pair of two people: nobody joined a second time.
        self.assertEqual([(p.a, p.b) for p in report.report.pairs], [(1, 2)])
        self.assertEqual(node.stop(), 0, node.log())
        found, _, _ = node.recompute(session)
        # The first interval of a recording ends at its first beat; whether the file's first line
        # counts as a beat is the replay's business, hence one each.
        wanted = sum(harness.beats_in(p, SOURCE_S) for p in people)
        self.assertAlmostEqual(found["beats"], wanted, delta=2)
        self.assertEqual(found["gaps"], 0)


if __name__ == "__main__":
    unittest.main()
