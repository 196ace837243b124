"""A really full disk under the journal: acknowledgements stop and the reason is visible, nothing is
lost, and when there is room again it goes on by itself."""

import json
import time
import unittest

from attune.v1 import edge_pb2, session_pb2

from tests.integration import disk, harness, streams

RATE = 10
LENGTH_S = 200
SOURCE_S = 170
DISK_BYTES = 12 << 20


class FullDiskTest(harness.IntegrationTest):

    def health(self, node):
        status, text = node.get("/healthz")
        return status, json.loads(text)

    def test_stops_acknowledging_keeps_everything_and_recovers(self):
        folder = self.folder_for("disk")
        small = disk.Disk(folder, DISK_BYTES)
        self.addCleanup(small.unmount)
        node = self.start_node(rate=RATE, journal=folder / "attune.db")
        session = harness.Session(node, session_pb2.SESSION_KIND_COUPLES,
                                  planned_end_session_us=LENGTH_S * 1_000_000)
        people = ["nsr003", "nsr008"]
        agent = self.start_agent(node, session, "couple", [
            (p, f"replay:{harness.NSR2DB / p}.rr,at=5,seconds={SOURCE_S}", "us") for p in people])
        watcher = self.start_watcher(node, session.token)
        harness.eventually(lambda: agent.people() and
                           all(int(p["beats_durable"]) > 10 for p in agent.people()), 15,
                           "beats that are durable")
        self.assertEqual(self.health(node)[0], 200)
        # Somebody whose every message the test decides.
        hand = session.join("by hand")
        stream = streams.EdgeStream(node)
        welcome = stream.welcome(hand.token)

        small.fill()
        status, said = harness.eventually(
            lambda: self.health(node)[0] == 503 and self.health(node), 15, "health says 503")
        self.assertEqual(status, 503)
        self.assertIn("full", json.dumps(said))
        self.assertEqual(node.metric("attune_journal_degraded"), 1)
        # Nothing is acknowledged or shown that could be lost; credit ends where it was given.
        time.sleep(1.2)  # the agents tell their state each second
        durable = [int(p["beats_durable"]) for p in agent.people()]
        sent = [int(p["beats_sent"]) for p in agent.people()]
        shown = max(watcher.frames)
        batteries = edge_pb2.Batteries(time_session_us=[1] * 512, percent=[50] * 512)
        for first in range(1, welcome.credit + 1, 512):
            stream.send(observations=edge_pb2.Observations(first_seq=first, batteries=batteries))
        stream.send(observations=edge_pb2.Observations(first_seq=welcome.credit + 1,
                                                       batteries=batteries))
        reason, words = stream.refusal()
        self.assertEqual(reason, "REFUSAL_REASON_BAD_MESSAGE")
        self.assertIn("credit", words)
        time.sleep(2)
        self.assertEqual([int(p["beats_durable"]) for p in agent.people()], durable)
        self.assertTrue(all(int(p["beats_sent"]) > s for p, s in zip(agent.people(), sent)))
        self.assertLessEqual(max(watcher.frames), shown + 1)
        self.assertEqual(self.health(node)[0], 503)
        self.assertTrue(node.alive())

        small.make_room()
        harness.eventually(lambda: self.health(node)[0] == 200, 10, "health is back")
        self.assertEqual(node.metric("attune_journal_degraded"), 0)
        harness.eventually(lambda: all(int(p["beats_durable"]) > d
                                       for p, d in zip(agent.people(), durable)), 10,
                           "beats become durable again")
        # What was taken before the refusal is there.
        welcome = stream.welcome(hand.token, next_seq=1_000_000)
        self.assertGreater(welcome.resume_seq, 1)
        stream.send(bye=edge_pb2.Bye(finished=True))
        self.assertTrue(watcher.closed.wait(60), "the session did not close\n" + node.log())
        self.assertEqual(agent.wait(20), 0, agent.text())
        wanted = [harness.beats_in(p, SOURCE_S) for p in people]
        for person, beats in zip(agent.summary(), wanted):
            self.assertAlmostEqual(int(person["beats_sent"]), beats, delta=1)
            self.assertEqual(int(person["beats_durable"]), int(person["beats_sent"]))
            self.assertEqual(int(person["beats_lost"]), 0)
        self.assertEqual(watcher.changed, [])
        before = session.report()
        self.assertEqual(len(before.report.pairs), 1)

        # All of it is in the journal.
        self.assertEqual(node.stop(), 0, node.log())
        node.start()
        self.assertEqual(session.report().report, before.report)
        self.assertEqual(node.stop(), 0, node.log())
        found, _, _ = node.recompute(session)
        self.assertEqual(found["beats"], sum(int(p["beats_sent"]) for p in agent.summary()))
        self.assertEqual((found["gaps"], found["reports_different"]), (0, 0))


if __name__ == "__main__":
    disk.with_own_mounts()
    unittest.main()
