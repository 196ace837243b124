"""kill -9 of the node in a running session: nothing acknowledged is lost, and what people saw is
what they would have seen without the kills: to the byte for input with fixed stamps, and as the
journal tells it for live clocks."""

import concurrent.futures
import time
import unittest

from attune.v1 import edge_pb2, live_pb2, report_pb2, session_pb2

from tests.integration import harness, streams

SECOND = 1_000_000
RATE = 10
LENGTH_S = 240       # of session time
FIRST_BEAT_S = 6
# Sources end well before the session, so that all they have is in when it closes.
SOURCE_S = LENGTH_S - FIRST_BEAT_S - 10
# Real time after the first beat. Before the first and last kill the node is held until beats have
# left the agents that it cannot acknowledge any more; the second finds it in full flight.
KILLS = ((6.0, True), (12.0, False), (18.0, True))


def fixed(person):
    return f"replay:{harness.NSR2DB / person}.rr,at={FIRST_BEAT_S},seconds={SOURCE_S}"


def live(person):
    return f"replay:{harness.NSR2DB / person}.rr,seconds=130"


class KillNodeTest(harness.IntegrationTest):

    def start_session(self, name, couples, source, length_s):
        # Patient, so that a busy machine closes no tick by lateness: that would be another session.
        node = self.start_node(self.folder_for(name), "--lateness-ms=20000", rate=RATE)
        session = harness.Session(node, session_pb2.SESSION_KIND_COUPLES,
                                  planned_end_session_us=length_s * 1_000_000)
        # One after the other: numbers are given in the order of joining, and frames name numbers.
        agents = []
        for couple, people in enumerate(couples):
            agents.append(self.start_agent(node, session, f"couple{couple}", [
                (person, source(person), f"couple-{couple}") for person in people]))
            wanted = 2 * (couple + 1)
            harness.eventually(
                lambda: session.call("GetSession", session_pb2.GetSessionRequest())
                .session.people >= wanted, 10, f"{wanted} people joined")
        return node, session, agents

    def kill(self, node, agents, hold):
        """Kills and restarts; how many beats were sent and not acknowledged at that moment."""
        if hold:
            node.hold()
            harness.eventually(lambda: sum(a.unacknowledged() for a in agents) > 0, 5,
                               "beats that are not acknowledged")
        node.kill9()
        unacknowledged = sum(agent.unacknowledged() for agent in agents)
        node.start()
        return unacknowledged

    def run_fixed(self, name, kills):
        node, session, agents = self.start_session(
            name, [("nsr003", "nsr008"), ("nsr010", "nsr013")], fixed, LENGTH_S)
        watcher = self.start_watcher(node, session.token)
        start = time.monotonic()
        unacknowledged = []
        for at_s, hold in kills:
            time.sleep(max(0, start + at_s - time.monotonic()))
            unacknowledged.append(self.kill(node, agents, hold))
        self.assertTrue(watcher.closed.wait(60), "the session did not close\n" + node.log())
        for agent in agents:
            self.assertEqual(agent.wait(20), 0, agent.text())
        report = session.report()
        report.report.created_utc_us = 0  # Two sessions are not created at the same moment.
        self.assertEqual(node.stop(), 0, node.log())
        found, frames, _ = node.recompute(session)
        return {
            "watcher": watcher,
            "report": report.report.SerializeToString(deterministic=True),
            "envelope": report.envelope,
            "parsed": report.report,
            "people": [p for agent in agents for p in agent.summary()],
            "unacknowledged": unacknowledged,
            "found": found,
            "recomputed": frames,
        }

    def test_three_kills_change_no_byte(self):
        # Side by side, to save time.
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            runs = [pool.submit(self.run_fixed, "calm", ()),
                    pool.submit(self.run_fixed, "killed", KILLS)]
            calm, killed = (run.result() for run in runs)

        # The kills hit what they should: beats on their way, and ticks that held beats.
        self.assertGreaterEqual(sum(n > 0 for n in killed["unacknowledged"]), 2)
        self.assertEqual([o["epoch"] for o in killed["found"]["owners"]], [1, 2, 3, 4])
        for owner in killed["found"]["owners"][1:]:
            self.assertGreater(owner["beats_in_open_ticks"], 0, owner)

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
        self.assertEqual(calm["found"]["beats"], killed["found"]["beats"])

        # Same bytes: live, in the journal, in the report.
        for run in (calm, killed):
            self.assertEqual(run["watcher"].changed, [], "a tick was shown with two faces")
        self.assertEqual(calm["recomputed"], killed["recomputed"])
        seen = killed["watcher"].frames
        self.assertGreater(len(set(ticks) & set(seen)), LENGTH_S * 0.6)
        for run in (calm, killed):
            different = [t for t, frame in run["watcher"].frames.items()
                         if frame != calm["recomputed"][t]]
            self.assertEqual(different, [])
        self.assertEqual(calm["report"], killed["report"])
        for pair in calm["parsed"].pairs:
            self.assertEqual(pair.phases[0].r_mean_windowed.WhichOneof("outcome"), "value")
            self.assertGreater(pair.phases[0].ticks, 100)
        # And what nobody may see: everybody's own values, unrounded group values.
        self.assertEqual(calm["found"]["truth"], killed["found"]["truth"])

    def test_what_was_acknowledged_is_in_the_journal(self):
        """The edge could send it again; the journal alone must have it."""
        node = self.start_node(rate=RATE)
        session = harness.Session(node, session_pb2.SESSION_KIND_COUPLES)
        person = session.join("Ada")
        acknowledged = 0
        for _ in range(8):
            stream = streams.EdgeStream(node)
            welcome = stream.welcome(person.token, next_seq=1_000_000)
            self.assertGreaterEqual(welcome.durable_seq, acknowledged)
            self.assertEqual(welcome.resume_seq, welcome.durable_seq + 1)
            first = welcome.resume_seq
            for seq in range(first, first + 40):
                stream.send(observations=streams.beats(seq, [SECOND + seq], [800]))
            stream.ack_through(first)
            node.kill9()  # with the first acknowledgement in hand, the others under way
            while True:
                down = stream.receive("ack")
                if not isinstance(down, edge_pb2.EdgeDown):
                    break
                acknowledged = max(acknowledged, down.ack.durable_seq)
            acknowledged = max(acknowledged, first)
            stream.close()
            node.start()
        self.assertGreaterEqual(acknowledged, 8)
        self.assertEqual(node.stop(), 0)
        found, _, _ = node.recompute(session)
        self.assertGreaterEqual(found["beats"], acknowledged)

    def test_live_clock_is_what_its_journal_tells(self):
        node, session, agents = self.start_session("live", [("nsr021", "nsr023")], live, 160)
        watcher = self.start_watcher(node, session.token)
        time.sleep(7)
        self.assertGreater(self.kill(node, agents, hold=True), 0)
        self.assertTrue(watcher.closed.wait(60), "the session did not close\n" + node.log())
        self.assertEqual(agents[0].wait(20), 0, agents[0].text())
        for person in agents[0].summary():
            self.assertGreater(int(person["beats_sent"]), 100)
            self.assertEqual(int(person["beats_lost"]), 0)
        report = session.report()
        self.assertEqual(node.stop(), 0, node.log())
        found, frames, recomputed = node.recompute(session)
        self.assertEqual(len(found["owners"]), 2)
        # The unprojected report against the digest in the journal, and what left against both.
        self.assertEqual((found["reports"], found["reports_different"]), (1, 0))
        self.assertEqual(report.report, report_pb2.Report.FromString(recomputed))
        self.assertEqual(len(report.report.pairs), 1)
        self.assertGreater(len(watcher.frames), 80)
        for tick, frame in watcher.frames.items():
            self.assertEqual(live_pb2.Frame.FromString(frame),
                             live_pb2.Frame.FromString(frames[tick]), f"tick {tick}")


if __name__ == "__main__":
    unittest.main()
