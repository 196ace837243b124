"""Three hours during which the node answers nothing: then everything is sent in under five seconds,
each beat once, and the spool is let go only when the journal has all of it."""

import os
import signal
import time
import unittest

from attune.v1 import session_pb2

from tests.integration import harness

RATE = 1000  # three hours in 10.8 s
HOURS_S = 3 * 3600
PEOPLE = int(os.environ.get("ATTUNE_RESEND_PEOPLE", "1"))  # more for a measurement by hand
BAR_S = 5 if PEOPLE == 1 else 60


class ResendHoursTest(harness.IntegrationTest):

    def test_a_whole_session_is_resent_in_seconds(self):
        node = self.start_node(rate=RATE)
        session = harness.Session(node, session_pb2.SESSION_KIND_COUPLES)
        # A hundred beats a minute.
        agent = self.start_agent(node, session, "hub", [
            (f"P{i}", f"simulate:seed={i},hr=100,at=60,seconds={HOURS_S}", "")
            for i in range(PEOPLE)], flags=["--exit-when-done"])
        harness.eventually(lambda: (node.metric("attune_beats_admitted_total") or 0) > 0, 20,
                           "the first beats")
        before = node.metric("attune_beats_admitted_total")
        node.hold()
        wanted = HOURS_S * 100 / 60 * 0.9 * 64  # bytes of a spool that holds nearly all
        harness.eventually(
            lambda: sum(f.stat().st_size for f in agent.spool.rglob("*.spool"))
            >= PEOPLE * wanted and time.sleep(2) is None, 90, "three hours in the spool")
        node.process.send_signal(signal.SIGCONT)
        began = time.monotonic()
        last, last_at = before, began

        def settled():
            nonlocal last, last_at
            now = node.metric("attune_beats_admitted_total")
            if now > last:
                last, last_at = now, time.monotonic()
            return agent.process.poll() is not None

        harness.eventually(settled, 90, "the end of the agent\n" + agent.text())
        took = time.monotonic() - began
        people = agent.summary()
        sent = sum(int(p["beats_sent"]) for p in people)
        print(f"{last - before:.0f} beats of {PEOPLE} people in {last_at - began:.2f} s; "
              f"durable, and the agent gone, after {took:.2f} s")
        self.assertGreater(last - before, PEOPLE * 15_000, "most of it was sent in one go")
        for person in people:
            self.assertEqual(int(person["beats_lost"]), 0)
            self.assertEqual(person["beats_durable"], person["beats_sent"])
        self.assertEqual(node.metric("attune_beats_admitted_total"), sent, "each exactly once")
        self.assertLess(took, BAR_S)


if __name__ == "__main__":
    unittest.main()
