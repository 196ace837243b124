"""What the node sends to one person alone reaches that person's terminal and programs, through a
crash of the node too, and holds nothing of anybody else."""

import json
import os
import socket
import stat
import tempfile
import threading
import unittest

from attune.v1 import session_pb2

from tests.integration import harness

C = session_pb2
RATE = 20
LENGTH_S = 480
STUB = harness.RUNFILES / "edge/lsl/liblsl_stub.so"


class Reader(threading.Thread):
    """A program that reads an agent's socket."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(str(path))
        self.lines = []
        self.ended = threading.Event()
        self.start()

    def run(self):
        with self.socket.makefile(encoding="utf-8") as stream:
            for line in stream:
                self.lines.append(json.loads(line))
        self.ended.set()

    def of(self, event):
        return [line for line in self.lines if line["event"] == event]

    def labels(self):
        return [line["entry"]["annotation"]["label"] for line in self.of("entry")
                if "annotation" in line["entry"]]


class PrivateTest(harness.IntegrationTest):

    def setUp(self):
        super().setUp()
        short = tempfile.TemporaryDirectory(prefix="at-", dir="/tmp")  # paths of sockets are short
        self.addCleanup(short.cleanup)
        self.path = os.path.join(short.name, "ana")

    def annotate(self, session, label):
        session.call("Annotate",
                     C.AnnotateRequest(request_id=harness.request_id(), label=label))

    def test_one_person_s_things_reach_that_person(self):
        node = self.start_node(rate=RATE)
        session = harness.Session(node, C.SESSION_KIND_COUPLES,
                                  planned_end_session_us=LENGTH_S * 1_000_000)
        simulate = "simulate:at=0,seconds=440,seed="
        ana = self.start_agent(node, session, "ana", [("Ana", simulate + "1", "us")],
                               flags=[f"--socket={self.path}", "--lsl", f"--lsl-library={STUB}"])
        others = self.start_agent(node, session, "others", [
            ("Ben", simulate + "2,couple_seed=1", "us"),
            ("Cleo", simulate + "3", "them"), ("Dan", simulate + "4", "them")])
        harness.eventually(lambda: os.path.exists(self.path), 10, "the socket")
        self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o600)
        reader = Reader(self.path)
        harness.eventually(lambda: reader.of("hello"), 10, "hello")
        mine = reader.of("hello")[0]["participant"]

        session.call("StartPractice", C.StartPracticeRequest(
            request_id=harness.request_id(), kind=C.PRACTICE_KIND_PACED_BREATHING,
            pacer=C.Pacer(inhale_ms=4000, exhale_ms=6000)))
        self.annotate(session, "before the crash")
        harness.eventually(lambda: "before the crash" in reader.labels(), 10, "a mark")
        harness.eventually(lambda: len(reader.of("frame")) > 30, 20, "frames")

        node.kill9()
        harness.eventually(lambda: reader.of("link")[-1]["connected"] is False, 20, "link lost")
        node.start()
        harness.eventually(lambda: reader.of("link")[-1]["connected"] is True, 20, "link back")
        self.annotate(session, "after the crash")
        harness.eventually(lambda: "after the crash" in reader.labels(), 10, "the next mark")

        # A light that is switched on late knows how to breathe at once.
        late = Reader(self.path)
        harness.eventually(lambda: late.of("frame"), 10, "a frame for the late one")
        practice = late.of("entry")[0]["entry"]["practice"]
        self.assertEqual(practice["pacer"], {"inhale_ms": 4000, "exhale_ms": 6000})
        self.assertLessEqual(int(practice["started_session_us"]), late.lines[0]["session_us"])

        self.assertEqual(ana.wait(60), 0, ana.text())
        self.assertEqual(others.wait(30), 0, others.text())
        self.assertTrue(reader.ended.wait(5))
        self.assertEqual(reader.lines[-1]["event"], "over")
        self.assertFalse(os.path.exists(self.path), "the socket is removed")

        # Each thing once, in order.
        self.assertEqual(reader.labels(), ["before the crash", "after the crash"])
        cursors = [int(line["entry"]["cursor"]) for line in reader.of("entry")]
        self.assertEqual(cursors, sorted(set(cursors)))
        times = [line["beat"]["time_session_us"] for line in reader.of("beat")]
        self.assertEqual(times, sorted(times))
        self.assertGreater(len(times), 0.9 * int(ana.summary()[0]["beats_sent"]))

        # Own values, own pair, nobody else's.
        pairs, values = set(), 0
        for line in reader.of("frame"):
            frame = line["frame"]["frame"]
            self.assertEqual({p["participant"] for p in frame.get("people", [])}, {mine})
            values += "value" in frame["people"][0]["hr_bpm"]
            pairs |= {(p["a"], p["b"]) for p in frame.get("pairs", [])}
        self.assertGreater(values, 100)
        self.assertEqual(len(pairs), 1)
        self.assertIn(mine, next(iter(pairs)))

        # The terminal says cues in words, without a value of the heart.
        notes = [e["text"] for e in ana.events() if e["event"] == "note"]
        self.assertIn("Ana: paced breathing started: breathe in 4 s, out 6 s", notes)
        self.assertEqual(sum("before the crash" in note for note in notes), 1)
        self.assertFalse([note for note in notes if "bpm" in note or "RMSSD" in note])
        self.assertFalse([e for e in others.events()
                          if e["event"] == "note" and "before the crash" in e["text"]],
                         "the terminal of a hub is nobody's own")

    def test_says_what_is_wrong_with_socket_and_library(self):
        node = self.start_node()
        session = harness.Session(node, C.SESSION_KIND_COUPLES)
        for flags, words in [
                ([f"--socket={self.path}/nowhere/s"], "No such file"),
                (["--lsl", "--lsl-library=/nowhere.so"], "install liblsl"),
                (["--socket=" + "x" * 200], "shorter")]:
            agent = self.start_agent(node, session, "wrong", [("Ana", "simulate", "")],
                                     flags=flags)
            self.assertEqual(agent.wait(10), 2)
            self.assertIn(words, agent.text())


if __name__ == "__main__":
    unittest.main()
