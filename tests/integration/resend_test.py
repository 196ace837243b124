"""The same beats twice, out of order over a reconnect, late, or missing for good: what was not yet
published comes out the same, and what was published does not change."""

import concurrent.futures
import unittest

from attune.v1 import edge_pb2, session_pb2

from tests.integration import harness, streams

RATE = 10
SECOND = 1_000_000
LENGTH_S = 150


def steps(seconds, every_us=SECOND // 2):
    return range(2 * SECOND, seconds * SECOND, every_us)


class Sender:
    """Sends a heart's beats as they become due, well-behaved."""

    def __init__(self, node, token, heart, boot):
        self.node, self.token, self.heart, self.boot = node, token, heart, boot
        self.next_seq = 1
        self.connect()

    def connect(self):
        self.stream = streams.EdgeStream(self.node)
        self.at_welcome = self.stream.welcome(self.token, boot=self.boot, next_seq=self.next_seq)

    def step(self, number, through_us):
        del number
        last = self.heart.through(through_us)
        if last < self.next_seq:
            self.stream.send(progress=edge_pb2.Progress(complete_through_session_us=through_us))
            return
        self.send(self.next_seq, last, through_us)
        self.next_seq = last + 1

    def send(self, first, last, through_us):
        self.stream.send(observations=self.heart.observations(first, last, through_us))

    def finish(self):
        self.stream.ack_through(self.next_seq - 1)
        self.stream.send(bye=edge_pb2.Bye(finished=True))


class MessySender(Sender):
    """Sends everything twice; now and then reconnects and begins again too early."""

    def step(self, number, through_us):
        if number % 7 == 3:
            # Old beats, then a range that overlaps what is known, after a reconnect.
            self.stream.close()
            self.connect()
            old = max(1, self.next_seq - 12)
            if self.next_seq > old:
                self.send(old, max(old, self.next_seq - 6), 0)
                last = self.heart.through(through_us)
                self.send(max(1, self.next_seq - 9), last, through_us)
                self.next_seq = last + 1
                self.send(old, last, 0)
                return
        before = self.next_seq
        super().step(number, through_us)
        if self.next_seq > before:
            self.send(before, self.next_seq - 1, through_us)


class ResendTest(harness.IntegrationTest):

    def run_session(self, name, sender_class):
        # Patient, so that a busy machine closes no tick by lateness.
        node = self.start_node(self.folder_for(name), "--lateness-ms=20000", rate=RATE)
        session = harness.Session(node, session_pb2.SESSION_KIND_COUPLES,
                                  planned_end_session_us=LENGTH_S * SECOND)
        people = [session.join(alias, dyad_key="us") for alias in ("Ada", "Ben")]
        hearts = [streams.Heart(3 * SECOND, LENGTH_S - 8, phase) for phase in (0.0, 0.7)]
        watchers = [self.start_watcher(node, person.token) for person in people]
        senders = [sender_class(node, person.token, heart, bytes([65 + i]) * 16)
                   for i, (person, heart) in enumerate(zip(people, hearts))]
        clock = streams.SessionTime(senders[0].at_welcome.session)
        for number, through_us in enumerate(steps(LENGTH_S)):
            clock.sleep_until(through_us)
            for sender in senders:
                sender.step(number, through_us)
        for sender in senders:
            sender.finish()
        for watcher in watchers:
            self.assertTrue(watcher.closed.wait(20), "the session did not close\n" + node.log())
        report = session.report()
        report.report.created_utc_us = 0
        admitted = node.metric("attune_beats_admitted_total")
        self.assertEqual(admitted, sum(len(heart.times_us) for heart in hearts))
        return watchers, report

    def test_twice_and_out_of_order(self):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            runs = [pool.submit(self.run_session, "clean", Sender),
                    pool.submit(self.run_session, "messy", MessySender)]
            (clean, clean_report), (messy, messy_report) = (run.result() for run in runs)
        self.assertTrue(any(
            pair.r_mean_windowed.WhichOneof("outcome") == "value"
            for envelope in clean[0].envelopes.values() for pair in envelope.frame.pairs))
        for one, other in zip(clean, messy):
            self.assertEqual((one.by_lateness, other.by_lateness), (0, 0),
                             "a tick did not wait: nothing can be compared")
            common = set(one.frames) & set(other.frames)
            self.assertGreater(len(common), LENGTH_S * 0.7)
            self.assertEqual([t for t in sorted(common) if one.frames[t] != other.frames[t]], [])
            self.assertEqual((one.changed, other.changed), ([], []))
        self.assertEqual(clean_report.report, messy_report.report)
        self.assertEqual(len(clean_report.report.pairs), 1)
        self.assertEqual(messy_report.envelope.late_beats, 0)

    def test_late_beats_change_nothing_that_was_shown(self):
        node = self.start_node(rate=RATE)
        session = harness.Session(node, session_pb2.SESSION_KIND_COUPLES,
                                  planned_end_session_us=60 * SECOND)
        early, late = (session.join(alias, dyad_key="us") for alias in ("Ada", "Ben"))
        hearts = [streams.Heart(3 * SECOND, 50, phase) for phase in (0.0, 0.7)]
        watcher = self.start_watcher(node, session.token)
        own = self.start_watcher(node, late.token)
        one = Sender(node, early.token, hearts[0], b"A" * 16)
        two = Sender(node, late.token, hearts[1], b"B" * 16)
        clock = streams.SessionTime(one.at_welcome.session)
        before = None
        for number, through_us in enumerate(steps(50)):
            clock.sleep_until(through_us)
            one.step(number, through_us)
            if through_us <= 15 * SECOND:
                two.step(number, through_us)
            elif through_us == 40 * SECOND:
                # Connected and silent for 25 s: ticks did not wait for ever.
                before = session.history(late.token)
                known = two.next_seq - 1
                two.send(two.next_seq, hearts[1].through(39 * SECOND), 39 * SECOND)
                two.next_seq = hearts[1].through(39 * SECOND) + 1
                two.stream.ack_through(two.next_seq - 1)
        newest = before.frames[-1].tick
        self.assertGreater(newest, 20)
        self.assertGreater(watcher.by_lateness, 5)
        after = session.history(late.token)
        kept = {frame.tick: frame for frame in after.frames}
        for frame in before.frames:
            self.assertEqual(kept[frame.tick], frame, "a published tick changed")
        late_beats = sum(t <= newest * SECOND for t in hearts[1].times_us[known:])
        self.assertGreater(late_beats, 5)
        # Those between the newest tick and its horizon may or may not count.
        told = harness.eventually(lambda: node.metric("attune_beats_late_total"), 5, "late beats")
        self.assertAlmostEqual(told, late_beats, delta=8)
        two.send(two.next_seq, len(hearts[1].times_us), 60 * SECOND)
        two.next_seq = len(hearts[1].times_us) + 1
        one.finish()
        two.finish()
        self.assertTrue(watcher.closed.wait(20), node.log())
        self.assertGreaterEqual(watcher.newest().late_beats, told)
        self.assertEqual((watcher.changed, own.changed), ([], []))
        # The report has every beat, on time or late.
        mine = session.report(late.token)
        self.assertEqual(mine.report.people[0].quality.beats, len(hearts[1].times_us))
        self.assertEqual(mine.report.people[0].quality.gaps, 0)
        self.assertGreaterEqual(mine.envelope.late_beats, told)
        self.assertGreater(mine.envelope.ticks_by_lateness, 5)

    def test_gaps_and_broken_numbering(self):
        node = self.start_node(rate=RATE)
        session = harness.Session(node, session_pb2.SESSION_KIND_COUPLES)
        person = session.join("Ada")
        heart = streams.Heart(SECOND, 20)
        boot = b"G" * 16
        stream = streams.EdgeStream(node)
        clock = streams.SessionTime(stream.welcome(person.token, boot=boot).session)
        clock.sleep_until(12 * SECOND)
        stream.send(observations=heart.observations(1, 5))
        stream.send(gap=edge_pb2.Gap(first_seq=6, last_seq=8,
                                     reason=edge_pb2.GAP_REASON_EVICTED))
        stream.send(observations=heart.observations(9, 12))
        self.assertEqual(stream.ack_through(12).received_seq, 12)
        # A jump, and what the person reads about it.
        stream.send(observations=heart.observations(15, 16))
        reason, words = stream.refusal()
        self.assertEqual(reason, "REFUSAL_REASON_SEQUENCE")
        self.assertIn("the next number is 13, not 15", words)
        # A spool that counts backwards: same identity, numbers that are taken.
        stream.hello(person.token, boot=boot, next_seq=5)
        reason, words = stream.refusal()
        self.assertEqual(reason, "REFUSAL_REASON_SEQUENCE")
        self.assertIn("went back", words)
        # Said properly it goes on where it stopped, on the same stream.
        welcome = stream.welcome(person.token, boot=boot, next_seq=13)
        self.assertEqual((welcome.resume_seq, welcome.durable_seq), (13, 12))
        stream.send(observations=heart.observations(13, 14))
        stream.ack_through(14)
        stream.send(bye=edge_pb2.Bye(finished=True))
        clock.sleep_until(heart.times_us[13] + SECOND)
        session.end()
        closed = stream.receive("closed", 20)
        self.assertEqual(closed.closed.report_revision, 1)
        quality = session.report(person.token).report.people[0].quality
        self.assertEqual((quality.beats, quality.gaps), (11, 1))


if __name__ == "__main__":
    unittest.main()
