"""Three nodes, Redis with a replica and Sentinels, twenty agents, and everything that goes wrong:
kill -9, SIGSTOP past the lease, drains, cut links, Redis paused and failed over. What must hold all
the same is checked on what people saw and on what is kept (the invariants of the README here).

ATTUNE_CHAOS_SEED picks another run, ATTUNE_FULL=1 a long one.
"""

import csv
import json
import os
import random
import subprocess
import time
import unittest

from attune.v1 import session_pb2

from tests.chaos import redis_group
from tests.chaos.front import Door, Front
from tests.integration import cluster, harness

C = session_pb2
SECOND = 1_000_000
FULL = os.environ.get("ATTUNE_FULL", "0") == "1"
SEED = int(os.environ.get("ATTUNE_CHAOS_SEED", "1"))
RATE = 5
FAULTS = 40 if FULL else 6
SESSIONS, PEOPLE = 4, 5
FIRST_BEAT_S = 10
# After the last fault every session must show frames again within this.
HEALED_WITHIN_S = 30
LEASE_S = 6
HEARTS = ["nsr001", "nsr002", "nsr003", "nsr004", "nsr006", "nsr007", "nsr008", "nsr009", "nsr010",
          "nsr011", "nsr012", "nsr013"]
CONSENT = "measure,group,individual:facilitator,report"


class ChaosCluster(cluster.Cluster):
    """Three nodes on a Redis that is there already."""

    # Patient: a tick that is closed by lateness is another tick.
    FLAGS = ("--allow-lab", "--lateness-ms=60000")

    def __init__(self, test, redis):
        self.folder = test.folder_for("cluster")
        self.keys = self.folder / "keys"
        subprocess.run([harness.CTL, "token", f"--create-keys={self.keys}"], check=True,
                       capture_output=True)
        self.redis = redis
        self.rate = RATE
        self.nodes = []
        self.turn = 0
        for _ in range(3):
            node = self.add(test)
            test.addCleanup(self.wake, node)

    @staticmethod
    def wake(node):
        if node.alive():
            node.thaw()


class ChaosTest(harness.IntegrationTest):

    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        self.redis = redis_group.RedisGroup(self.folder_for("redis"))
        self.addCleanup(self.redis.stop)
        self.cluster = ChaosCluster(self, self.redis)
        self.nodes = self.cluster.nodes
        self.front = Front([node.address for node in self.nodes], SEED)
        self.addCleanup(self.front.close)
        self.door = Door(self.front, self.cluster)

    # ---- what goes wrong; each returns what it did

    def kill_node(self, node):
        node.kill9()
        time.sleep(self.random.uniform(0.5, 3))
        node.start()
        return "killed and started again"

    def stop_node(self, node):
        seconds = LEASE_S + self.random.uniform(0.5, 3)
        node.hold()
        time.sleep(seconds)
        node.thaw()
        return f"stood still for {seconds:.1f} s"

    def drain_node(self, node):
        self.assertEqual(node.stop(), 0, node.log())
        node.start()
        return "drained and started again"

    def cut_links(self, _):
        return f"{self.front.cut()} links cut"

    def fail_over(self, _):
        self.redis.fail_over()
        return "Redis failed over"

    def pause_redis(self, _):
        seconds = self.random.uniform(1, LEASE_S + 2)
        self.redis.pause(seconds)
        return f"Redis stood still for {seconds:.1f} s"

    def make_trouble(self):
        kinds = [self.kill_node, self.stop_node, self.drain_node, self.cut_links, self.fail_over,
                 self.pause_redis]
        plan = []
        while len(plan) < FAULTS:
            plan += self.random.sample(kinds, len(kinds))
        for fault in plan[:FAULTS]:
            node = self.random.choice(self.nodes)
            print(f"{fault.__name__} {node.folder.name}: {fault(node)}", flush=True)
            time.sleep(self.random.uniform(1, 4))

    # ---- the run

    def start_session(self, number):
        session = self.door.session(C.SESSION_KIND_LAB, title=f"Chaos {number}")
        agents = []
        for person in range(PEOPLE):
            heart = HEARTS[(number * PEOPLE + person) % len(HEARTS)]
            agents.append(self.start_agent(
                self.door, session, f"agent-{number}-{person}",
                [(heart, f"replay:{harness.NSR2DB / heart}.rr,at={FIRST_BEAT_S}", "")],
                consent=CONSENT))
            # One after the other: numbers are given in the order of joining.
            harness.eventually(
                lambda wanted=person + 1: session.call(
                    "GetSession", C.GetSessionRequest()).session.people >= wanted,
                20, f"{person + 1} people joined")
        return session, agents

    def test_whatever_happens_nothing_is_lost_and_nobody_speaks_twice(self):
        print(f"ATTUNE_CHAOS_SEED={SEED}", flush=True)
        runs = [self.start_session(number) for number in range(SESSIONS)]
        # Two watch each session: what one tick was must not depend on who looked.
        watchers = [[self.start_watcher(self.door, session.token) for _ in range(2)]
                    for session, _ in runs]
        for pair in watchers:
            for watcher in pair:
                harness.eventually(lambda w=watcher: w.frames, 30, "frames")
        self.make_trouble()
        healed_s = time.monotonic()
        before = [[max(w.frames, default=0) for w in pair] for pair in watchers]
        for pair, last in zip(watchers, before):
            for watcher, tick in zip(pair, last):
                harness.eventually(lambda w=watcher, t=tick: max(w.frames, default=0) > t + RATE,
                                   HEALED_WITHIN_S, "frames again after the last fault")
        print(f"healed within {time.monotonic() - healed_s:.1f} s", flush=True)
        time.sleep(3)
        for session, agents in runs:
            self.end(session)
        for (session, agents), pair in zip(runs, watchers):
            for watcher in pair:
                self.assertTrue(watcher.closed.wait(60), "the session did not close")
            self.check_seen(pair)
            self.check_kept(session, agents)

    def end(self, session):
        def ended():
            try:
                session.end()
                return True
            except harness.grpc.RpcError:
                return False
        harness.eventually(ended, 20, "the session takes its end")

    # ---- the invariants

    def check_seen(self, pair):
        one, two = pair
        for watcher in pair:
            self.assertEqual(watcher.changed, [], "a tick was published with two values")
            self.assertEqual(watcher.epochs, sorted(watcher.epochs), "an epoch went back")
        common = set(one.frames) & set(two.frames)
        self.assertGreater(len(common), 30)
        differing = [tick for tick in common if one.frames[tick] != two.frames[tick]]
        self.assertEqual(differing, [], "two people saw different values of one tick")

    def ctl(self, session, *arguments):
        done = subprocess.run(
            [harness.CTL, *arguments, f"--server={self.door.address}", f"--token={session.token}"],
            capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def check_kept(self, session, agents):
        sent = {}
        for number, agent in enumerate(agents, start=1):
            self.assertEqual(agent.wait(60), 0, agent.text())
            (person,) = agent.summary()
            self.assertEqual(int(person["beats_lost"]), 0, person)
            self.assertEqual(int(person["beats_durable"]), int(person["beats_sent"]), person)
            # What came after the end may have been taken, or not: nobody waits for it.
            sent[str(number)] = (int(person["beats_sent"]),
                                 int(person["beats_sent"]) + int(person["beats_after_end"]))
        path = self.folder / f"{session.id}.csv"
        self.ctl(session, "export", f"--out={path}")
        report = json.loads(self.ctl(session, "report", "--format=json"))["report"]
        beats = {}
        lines = [line for line in path.read_text(encoding="utf-8").splitlines()
                 if not line.startswith("#")]
        for row in csv.DictReader(lines):
            beats.setdefault(row["participant"], []).append(row)
        self.assertEqual(set(beats), set(sent))
        for participant, rows in beats.items():
            low, high = sent[participant]
            self.assertTrue(low <= len(rows) <= high, f"{low} to {high} sent, {len(rows)} kept")
            # Recordings without a hole: each interval ends where the next beat begins.
            for one, two in zip(rows, rows[1:]):
                passed_us = int(two["t_session_us"]) - int(one["t_session_us"])
                rr_us = int(two["rr_1024"]) * 1_000_000 / 1024
                self.assertLess(abs(passed_us - rr_us), 2000, "a beat is missing, or there twice")
        analysed = subprocess.run([harness.CTL, "analyze", path, "--format=json"],
                                  capture_output=True, text=True, check=False)
        self.assertEqual(analysed.returncode, 0, analysed.stderr)
        self.assertEqual(json.loads(analysed.stdout)["report"], report,
                         "the report is not what the beats give")


if __name__ == "__main__":
    unittest.main()
