"""Erasing: afterwards no byte of what was planted is in any file of the node, the report knows the
person no more, and nothing is taken from them again."""

import random
import shutil
import sqlite3
import struct
import unittest

import grpc

from attune.v1 import edge_pb2, session_pb2

from tests.integration import harness, streams

SECOND = 1_000_000
ALIASES = ["Zanzibar-Quetzal-77", "Marmalade-Ocelot-42", "Obsidian-Heron-19"]


def plant(seed):
    """A pattern of intervals that is nowhere by chance."""
    return [random.Random(seed * 1000 + i).randrange(700, 1100) for i in range(64)]


def patterns_of(rr_1024):
    """How the intervals might lie in a file: as protobuf packs them, and as fixed-width numbers."""
    part = rr_1024[8:24]
    return {
        "packed": edge_pb2.Beats(rr_1024=part).SerializeToString()[2:],
        "uint16": struct.pack(f"<{len(part)}H", *part),
        "uint32": struct.pack(f"<{len(part)}I", *part),
        "float64 ms": struct.pack(f"<{len(part)}d", *(rr * 1000 / 1024 for rr in part)),
    }


class EraseTest(harness.IntegrationTest):

    def files(self, node):
        """All files that the node wrote: database, write-ahead log, keys and theirs, logs."""
        return {path.name: path.read_bytes() for path in node.folder.iterdir()
                if path.is_file() and path.name != "keys"}

    def sealed(self, node):
        """{subject: [stored payloads]} as a copy of the running journal shows them."""
        copy = self.folder_for(f"copy{random.random()}")
        for path in node.folder.glob("attune.db*"):
            shutil.copy(path, copy)
        database = sqlite3.connect(copy / "attune.db")
        self.addCleanup(database.close)
        found = {}
        for subject, payload in database.execute("SELECT subject, payload FROM entries "
                                                 "UNION ALL SELECT subject, bytes FROM blobs"):
            if len(payload) >= 32:
                found.setdefault(bytes(subject), []).append(bytes(payload))
        return found

    def assert_gone(self, node, what, needles):
        for name, data in self.files(node).items():
            for label, needle in needles:
                self.assertNotIn(needle, data, f"{what}: {label} in {name}")

    def test_erased_is_gone(self):
        node = self.start_node(None, "--log-level=debug", rate=10)
        session = harness.Session(node, session_pb2.SESSION_KIND_COUPLES)
        joined = [session.join(alias, dyad_key=word)
                  for alias, word in zip(ALIASES, ["us", "us", ""])]
        planted = [plant(i) for i in range(len(ALIASES))]
        edges = [streams.EdgeStream(node) for _ in joined]
        clock = None
        for i, (edge, person) in enumerate(zip(edges, joined)):
            welcome = edge.welcome(person.token, boot=bytes([65 + i]) * 16)
            clock = clock or streams.SessionTime(welcome.session)
        times = [2 * SECOND + sum(planted[0][:i + 1]) * SECOND // 1024 for i in range(64)]
        clock.sleep_until(times[-1])
        for edge, rr in zip(edges, planted):
            edge.send(observations=streams.beats(1, times, rr, times[-1]))
        for edge in edges:
            edge.ack_through(64)
        watcher = self.start_watcher(node, session.token)
        harness.eventually(lambda: len(watcher.frames) > 3, 10, "frames")

        # Sealed from the first day: what is planted cannot be read in the files even before.
        for i, alias in enumerate(ALIASES):
            needles = [("alias", alias.encode()), *patterns_of(planted[i]).items()]
            self.assert_gone(node, "sealed", needles)
        before = self.sealed(node)
        self.assertEqual(len([s for s in before if s]), 3)
        subjects = [s for s in before if s]  # in the order of joining: that of the records

        # While the session is open.
        def erase(person):
            return session.call("EraseParticipant", session_pb2.EraseParticipantRequest(
                request_id=harness.request_id()), person.token).report_revision
        self.assertEqual(erase(joined[0]), 0)
        reason, _ = edges[0].refusal()
        self.assertEqual(reason, "REFUSAL_REASON_ERASED")
        self.assert_erased(node, before, subjects, 0)
        self.assert_refused_later(node, session, joined[0])

        # After it is closed.
        for edge in edges[1:]:
            edge.send(bye=edge_pb2.Bye(finished=True))
        session.end()
        self.assertTrue(watcher.closed.wait(20), node.log())
        first = session.report(joined[2].token).report
        self.assertEqual((first.revision, [p.alias for p in first.people]), (1, [ALIASES[2]]))
        self.assertEqual(session.report(joined[1].token).report.people[0].quality.beats, 64)
        before = self.sealed(node)
        self.assertEqual(erase(joined[1]), 2)
        self.assert_erased(node, before, subjects, 1)
        self.assert_refused_later(node, session, joined[1])
        second = session.report(joined[2].token).report
        self.assertEqual((second.revision, [p.alias for p in second.people]), (2, [ALIASES[2]]))
        self.assertEqual(second.people, first.people)
        self.assertEqual(len(session.report().report.pairs), 0)

        # And after a restart it is still so.
        self.assertEqual(node.stop(), 0)
        node.start()
        self.assert_erased(node, before, subjects, 1)
        self.assertEqual(session.report(joined[2].token).report, second)
        self.assert_refused_later(node, session, joined[0])

    def assert_erased(self, node, before, subjects, index):
        """No byte of this person's in the files; the third person's are there, so looking works."""
        self.assert_gone(node, ALIASES[index],
                         [("sealed payload", p[8:32]) for p in before[subjects[index]]]
                         + [("alias", ALIASES[index].encode())])
        everything = b"".join(self.files(node).values())
        self.assertTrue(any(p[8:32] in everything for p in before[subjects[2]]))

    def assert_refused_later(self, node, session, person):
        late = streams.EdgeStream(node)
        self.addCleanup(late.close)
        late.hello(person.token, boot=b"late" * 4)
        self.assertEqual(late.refusal()[0], "REFUSAL_REASON_ERASED")
        with self.assertRaises(grpc.RpcError) as caught:
            session.call("SetConsent", session_pb2.SetConsentRequest(
                request_id=harness.request_id(),
                consents=harness.ALL_OF_COUPLES), person.token)
        self.assertIn("erased", caught.exception.details())


if __name__ == "__main__":
    unittest.main()
