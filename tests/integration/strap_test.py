"""A strap over Bluetooth: the real agent finds it through BlueZ's interfaces (a stand-in on a
private bus), its beats arrive in the journal, and what a broken link lost is a gap."""

import csv
import os
import subprocess
import threading
import time
import unittest

from attune.v1 import session_pb2

from edge.source.bluez.testing import steer
from tests.integration import harness

C = session_pb2
FAKE = harness.RUNFILES / "edge/source/bluez/testing/fake_bluez_bin"
ADDRESS = "A0:9E:1A:00:00:01"
RATE = 10  # session seconds per second
RR_1024 = [1000, 1010, 1020, 1030, 1040]
CONSENT = "measure,group,individual:facilitator,report"


class Heart(threading.Thread):
    """Beats as a strap tells them: each interval when it is over, in session time."""

    def __init__(self, fake):
        super().__init__(daemon=True)
        self.fake = fake
        self.told = []       # the intervals that somebody listened to
        self.over = threading.Event()
        self.pause = threading.Lock()

    def run(self):
        due = time.monotonic()
        number = 0
        while not self.over.is_set():
            rr = RR_1024[number % len(RR_1024)]
            number += 1
            due += rr / 1024 / RATE
            time.sleep(max(0.0, due - time.monotonic()))
            with self.pause:
                due = max(due, time.monotonic() - 0.02)  # a pause is not caught up
                if self.fake.do("rr", ADDRESS, rr) == "ok":
                    self.told.append(rr)


class StrapTest(harness.IntegrationTest):

    def setUp(self):
        super().setUp()
        self.fake = steer.FakeBluez(FAKE)
        self.addCleanup(self.fake.stop)
        os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = self.fake.address
        self.addCleanup(os.environ.pop, "DBUS_SYSTEM_BUS_ADDRESS")

    def exported(self, node, session):
        path = node.folder / "session.csv"
        subprocess.run([harness.CTL, "export", f"--token={session.token}", f"--out={path}",
                        f"--server={node.address}"], capture_output=True, check=True)
        lines = [line for line in path.read_text(encoding="utf-8").splitlines()
                 if not line.startswith("#")]
        return [(int(row["rr_1024"]), int(row["gap_before"]), int(row["t_session_us"]))
                for row in csv.DictReader(lines)]

    def test_beats_arrive_and_a_lost_link_is_a_gap(self):
        node = self.start_node(None, "--allow-lab", rate=RATE)
        session = harness.Session(node, C.SESSION_KIND_LAB)
        self.fake.do("strap", ADDRESS, "Polar H10 00000001")
        agent = self.start_agent(node, session, "strap", [("Ana", "bluez:h10", "")],
                                 consent=CONSENT)
        self.fake.until("yes", "notifying", ADDRESS)
        heart = Heart(self.fake)
        heart.start()
        self.addCleanup(heart.over.set)
        harness.eventually(lambda: len(heart.told) > 60, 30, "a minute of beats")
        with heart.pause:
            first = len(heart.told)
            self.fake.do("drop", ADDRESS)
            self.fake.until("2", "connects", ADDRESS)
            time.sleep(3 / RATE)  # three seconds in which nobody listened
        harness.eventually(lambda: len(heart.told) > first + 60, 30, "beats after the lost link")
        heart.over.set()
        heart.join()
        told = len(heart.told)

        harness.eventually(lambda: int(agent.people()[0]["beats_acknowledged"]) >= told, 30,
                           "every beat in the journal")
        session.end()
        self.assertEqual(agent.wait(30), 0, agent.text())
        self.fake.until("no", "connected", ADDRESS, seconds=5)  # it leaves the strap
        beats = self.exported(node, session)
        self.assertEqual([rr for rr, _, _ in beats], heart.told)
        self.assertEqual([i for i, (_, gap, _) in enumerate(beats) if gap], [0, first])
        # Within one link times are sums of intervals; nothing was bridged over the gap.
        for start, end in ((0, first), (first, told)):
            for (_, _, before), (rr, _, at) in zip(beats[start:end], beats[start + 1:end]):
                self.assertAlmostEqual(at - before, rr * 1e6 / 1024, delta=500)
        rr_after, _, after = beats[first]
        self.assertGreater(after - beats[first - 1][2], rr_after * 1e6 / 1024 + 100_000)

    def test_an_agent_killed_while_a_link_settles_loses_nothing(self):
        node = self.start_node(None, "--allow-lab", rate=RATE)
        session = harness.Session(node, C.SESSION_KIND_LAB)
        self.fake.do("strap", ADDRESS, "Polar H10 00000001")
        agent = self.start_agent(node, session, "strap", [("Ana", "bluez:h10", "")],
                                 consent=CONSENT)
        self.fake.until("yes", "notifying", ADDRESS)
        heart = Heart(self.fake)
        with heart.pause:
            heart.start()
            # Before it has joined, what the strap says waits in memory only.
            harness.eventually(lambda: agent.people() and agent.people()[0]["state"] == "live", 20,
                               "joined")
        self.addCleanup(heart.over.set)
        harness.eventually(lambda: len(heart.told) >= 10, 30, "ten seconds of beats")
        with heart.pause:
            first = len(heart.told)
            time.sleep(0.2)  # the last one is on its way through the bus
            self.assertEqual(int(agent.people()[0]["beats_sent"]), 0, "it has not settled")
            agent.kill9()
            agent.start()
            harness.eventually(lambda: agent.people() and
                               agent.people()[0].get("link") == "connected", 20, "connected again")
        harness.eventually(lambda: len(heart.told) > first + 40, 30, "beats after the kill")
        heart.over.set()
        heart.join()
        harness.eventually(lambda: int(agent.people()[0]["beats_acknowledged"]) >= len(heart.told),
                           30, "every beat in the journal")
        session.end()
        self.assertEqual(agent.wait(30), 0, agent.text())
        beats = self.exported(node, session)
        self.assertEqual([rr for rr, _, _ in beats], heart.told)
        self.assertEqual([i for i, (_, gap, _) in enumerate(beats) if gap], [0, first])
        self.assertEqual(list(agent.spool.rglob("*.held")), [], "nothing stays behind")


if __name__ == "__main__":
    unittest.main()
