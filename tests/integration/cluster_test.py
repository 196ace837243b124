"""Many nodes as real processes on one Redis: a node may be killed, stopped, drained, and Redis
frozen, restarted, emptied; people notice a pause, not a loss."""

import time
import unittest

from attune.v1 import node_pb2, node_pb2_grpc, session_pb2

from tests.integration import cluster, harness

RATE = 10
LENGTH_S = 200       # of session time
FIRST_BEAT_S = 6
SOURCE_S = LENGTH_S - FIRST_BEAT_S - 10
# A lease and what follows it: 6 s + 1.5 s is what is promised; the rest is for a busy machine.
BACK_WITHIN_S = 15


def fixed(person):
    return f"replay:{harness.NSR2DB / person}.rr,at={FIRST_BEAT_S},seconds={SOURCE_S}"


class ClusterTest(harness.IntegrationTest):

    def begin(self, many, name="one"):
        """A session with a couple whose beats have fixed stamps, and a watcher."""
        session = many.session(session_pb2.SESSION_KIND_COUPLES,
                               planned_end_session_us=LENGTH_S * 1_000_000)
        agent = self.start_agent(many, session, name, [
            (person, fixed(person), "couple") for person in ("nsr003", "nsr008")],
                                 flags=many.servers())
        watcher = self.start_watcher(many, session.token)
        harness.eventually(lambda: watcher.frames, 20, "a first frame\n" + many.log())
        return session, agent, watcher

    def finish(self, many, session, agent, watcher):
        """The report's bytes, when the session has closed by itself with everything in."""
        self.assertTrue(watcher.closed.wait(90), "the session did not close\n" + many.log())
        self.assertEqual(agent.wait(30), 0, agent.text())
        for person in agent.summary():
            self.assertGreater(int(person["beats_sent"]), 100)
            self.assertEqual(int(person["beats_durable"]), int(person["beats_sent"]))
            self.assertEqual(int(person["beats_lost"]), 0)
        self.assertEqual(watcher.changed, [], "a tick was shown with two faces")
        self.assertEqual(watcher.epochs, sorted(watcher.epochs), "an epoch went back")
        self.assertEqual(watcher.by_lateness, 0, "a tick did not wait for somebody")
        report = session.report().report
        report.created_utc_us = 0
        return report.SerializeToString(deterministic=True)

    def back_after(self, watcher, epochs, since, many):
        """Seconds until somebody else's frame came."""
        harness.eventually(lambda: len(watcher.epochs) > epochs, BACK_WITHIN_S,
                           "a frame of the next owner\n" + many.log())
        return time.monotonic() - since

    def test_kill_9_of_the_owner_changes_no_byte(self):
        many = cluster.Cluster(self)
        calm = self.begin(many, "calm")
        while True:
            hit = self.begin(many, f"hit{many.turn}")
            if many.owner(hit[0]) is not many.owner(calm[0]):
                break
        session, _, watcher = hit
        time.sleep(3)
        killed = many.owner(session)
        killed.kill9()
        took = self.back_after(watcher, len(watcher.epochs), time.monotonic(), many)
        print(f"first frame of the next owner after {took:.2f} s")
        self.assertIsNot(many.owner(session), killed)
        self.assertEqual(self.finish(many, *calm), self.finish(many, *hit))
        self.assertEqual(calm[2].epochs, [1])
        self.assertGreater(len(watcher.epochs), 1)
        both = set(calm[2].frames) & set(watcher.frames)
        self.assertGreater(len(both), LENGTH_S * 0.4)
        self.assertEqual([t for t in both if calm[2].frames[t] != watcher.frames[t]], [])

    def test_drained_under_load_nothing_is_lost(self):
        many = cluster.Cluster(self)
        runs = [self.begin(many, f"run{i}") for i in range(4)]
        drained = many.owner(runs[0][0])
        with many.nodes[(many.nodes.index(drained) + 1) % 3].channel() as channel:
            node_pb2_grpc.NodeServiceStub(channel).DrainNode(
                node_pb2.DrainNodeRequest(node_id=drained.name,
                                          request_id=harness.request_id().ljust(8, "-")),
                metadata=harness.bearer(many.operator_token()), timeout=10)
        self.assertEqual(drained.process.wait(timeout=30), 0, drained.log())
        for run in runs:
            self.assertIsNot(many.owner(run[0]), drained)
        reports = {self.finish(many, *run) for run in runs}
        self.assertEqual(len(reports), 1, "the same people, the same report, moved or not")
        for _, _, watcher in runs:
            missed = set(range(min(watcher.frames), max(watcher.frames) + 1)) - set(watcher.frames)
            self.assertLess(len(missed), 40)

    def test_redis_frozen_restarted_emptied(self):
        many = cluster.Cluster(self, count=2)
        session, agent, watcher = self.begin(many)
        many.redis.freeze()
        time.sleep(8)  # past the lease
        many.redis.thaw()
        self.back_after(watcher, 1, time.monotonic(), many)
        for start in (many.redis.start, many.redis.start_empty):
            frames = len(watcher.frames)
            many.redis.kill9()
            start()
            harness.eventually(
                lambda: len(watcher.frames) > frames + 2,  # pylint: disable=cell-var-from-loop
                30, "frames again\n" + many.log())
        self.finish(many, session, agent, watcher)


if __name__ == "__main__":
    unittest.main()
