"""kill -9 of the node, three times in a running session: nothing acknowledged is lost, and what
people saw is byte for byte what they would have seen without the kills."""

import time
import unittest

from attune.v1 import session_pb2

from tests.integration import harness

RATE = 10
LENGTH_S = 240       # of session time
FIRST_BEAT_S = 6
# Sources end well before the session, so that all they have is in when it closes.
SOURCE_S = LENGTH_S - FIRST_BEAT_S - 10
KILLS_AT_S = (6.0, 12.0, 18.0)  # real time after the first beat


def source(person):
    return f"replay:{harness.NSR2DB / person}.rr,at={FIRST_BEAT_S},seconds={SOURCE_S}"


class KillNodeTest(harness.IntegrationTest):

    def run_session(self, name, kills):
        node = self.start_node(self.folder_for(name), rate=RATE)
        session = harness.Session(node, session_pb2.SESSION_KIND_COUPLES,
                                  planned_end_session_us=LENGTH_S * 1_000_000)
        # One after the other: numbers are given in the order of joining, and frames name numbers.
        partner = session.join("partner who only looks")
        agents = []
        for couple, people in enumerate([("nsr003", "nsr008"), ("nsr010", "nsr013")]):
            agent = self.start_agent(node, session, f"couple{couple}", [
                (person, source(person), f"couple-{couple}") for person in people])
            agents.append(agent)
            wanted = 1 + 2 * (couple + 1)
            harness.eventually(
                lambda: session.call("GetSession", session_pb2.GetSessionRequest())
                .session.people >= wanted, 10, f"{wanted} people joined")
        watcher = harness.Watcher(node, session.token)
        watcher.start()
        self.addCleanup(watcher.over.set)

        start = time.monotonic()
        unacknowledged = 0
        for at_s in kills:
            time.sleep(max(0, start + at_s - time.monotonic()))
            node.kill9()
            states = [[e for e in agent.events() if "people" in e][-1:] for agent in agents]
            unacknowledged += sum(
                int(p["beats_sent"]) - int(p["beats_acknowledged"])
                for state in states for event in state for p in event["people"])
            node.start()
        self.assertTrue(watcher.closed.wait(120), "the session did not close\n" + node.log())
        for agent in agents:
            self.assertEqual(agent.wait(20), 0, agent.text())
        report = session.report()
        result = {
            "watcher": watcher,
            "report": report.report.SerializeToString(deterministic=True),
            "envelope": report.envelope,
            "parsed": report.report,
            "partner": session.report(partner.token).report,
            "people": [p for agent in agents for p in agent.summary()],
        }
        self.assertEqual(node.stop(), 0, node.log())
        return result

    def test_three_kills_change_no_byte(self):
        calm = self.run_session("calm", ())
        killed = self.run_session("killed", KILLS_AT_S)

        # The comparison means something: frames and report hold values.
        ticks = calm["watcher"].frames
        self.assertGreater(len(ticks), LENGTH_S * 0.8)
        self.assertTrue(any(
            pair.r_mean_windowed.WhichOneof("outcome") == "value"
            for envelope in calm["watcher"].envelopes.values() for pair in envelope.frame.pairs))
        self.assertEqual(len(calm["parsed"].pairs), 2)
        self.assertEqual(calm["watcher"].by_lateness, 0)
        self.assertEqual(calm["watcher"].epochs, [1])
        self.assertEqual(killed["envelope"].epochs, 4)
        self.assertEqual(killed["watcher"].by_lateness, 0, "a tick did not wait for somebody")

        # Same beats.
        for run in (calm, killed):
            for person in run["people"]:
                self.assertGreater(int(person["beats_sent"]), 100)
                self.assertEqual(int(person["beats_durable"]), int(person["beats_sent"]))
                self.assertEqual(int(person["beats_lost"]), 0)
        self.assertEqual([p["beats_sent"] for p in calm["people"]],
                         [p["beats_sent"] for p in killed["people"]])

        # Same bytes.
        for run in (calm, killed):
            self.assertEqual(run["watcher"].changed, [], "a tick was shown with two faces")
        common = sorted(set(ticks) & set(killed["watcher"].frames))
        self.assertGreater(len(common), LENGTH_S * 0.6)
        different = [t for t in common if ticks[t] != killed["watcher"].frames[t]]
        self.assertEqual(different, [])
        self.assertEqual(calm["report"], killed["report"])
        self.assertGreater(len(calm["report"]), 200)


if __name__ == "__main__":
    unittest.main()
