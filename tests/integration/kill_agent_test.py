"""kill -9 of an agent: started again, it goes on from its spool; nothing lost, nothing twice."""

import time
import unittest

from attune.v1 import session_pb2

from tests.integration import harness

RATE = 10
LENGTH_S = 120
FIRST_BEAT_S = 5
SOURCE_S = 100


def beats_of(person):
    """Beats that a replay of the first SOURCE_S seconds holds."""
    total_ms, count = 0.0, 0
    for line in open(harness.NSR2DB / f"{person}.rr", encoding="utf-8"):
        if not line.strip() or line.startswith("#"):
            continue
        total_ms += float(line)
        if total_ms > SOURCE_S * 1000:
            break
        count += 1
    return count


class KillAgentTest(harness.IntegrationTest):

    def test_resumes_from_its_spool(self):
        node = self.start_node(rate=RATE)
        session = harness.Session(node, session_pb2.SESSION_KIND_COUPLES,
                                  planned_end_session_us=LENGTH_S * 1_000_000)
        people = ["nsr003", "nsr008"]
        agent = self.start_agent(node, session, "couple", [
            (p, f"replay:{harness.NSR2DB / p}.rr,at={FIRST_BEAT_S},seconds={SOURCE_S}", "couple-1")
            for p in people])
        watcher = harness.Watcher(node, session.token)
        watcher.start()
        self.addCleanup(watcher.over.set)
        for _ in range(3):
            time.sleep(2.2)
            agent.kill9()
            agent.start()
        self.assertTrue(watcher.closed.wait(60), "the session did not close\n" + node.log())
        self.assertEqual(agent.wait(20), 0, agent.text())
        report = session.report().report
        self.assertEqual([p.alias for p in report.people], people, "nobody joined a second time")
        # Somebody may have died between a beat and its first acknowledgement: still exactly once.
        # The first interval of a recording ends at its first beat; whether the file's first line
        # counts as a beat is the replay's business, hence the one.
        for person in report.people:
            self.assertAlmostEqual(person.quality.beats, beats_of(person.alias), delta=1)
            self.assertEqual(person.quality.gaps, 0)


if __name__ == "__main__":
    unittest.main()
