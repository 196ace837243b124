"""From a real session to a file and back: what `attunectl analyze` makes of `attunectl export` is
the report that the node made, number for number; and nobody gets beats that are not for them."""

import csv
import json
import subprocess
import unittest

from attune.v1 import measure_pb2, session_pb2

from tests.integration import harness

C = session_pb2
SECOND = 1_000_000
RATE = 20
LENGTH_S = 240
CONSENT = "measure,group,pair:partner,pair:facilitator,individual:facilitator,report"


class ExportTest(harness.IntegrationTest):

    def heart(self, name):
        return f"replay:{harness.NSR2DB / name}.rr,at=2,seconds={LENGTH_S - 5}"

    def closed(self, session):
        def is_closed():
            state = session.call("GetSession", C.GetSessionRequest()).session.state
            return state == C.SESSION_STATE_CLOSED
        harness.eventually(is_closed, 40, "the session closes")

    def ctl(self, node, *arguments, code=0):
        """What attunectl prints; `code` is how it has to end."""
        done = subprocess.run([harness.CTL, *arguments, f"--server={node.address}"],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, code, f"{arguments}: {done.stdout}{done.stderr}")
        return done.stdout if code == 0 else done.stderr

    def analyze(self, path, *flags):
        done = subprocess.run([harness.CTL, "analyze", path, *flags], capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_an_export_analysed_is_the_report(self):
        node = self.start_node(None, "--allow-lab", rate=RATE)
        session = harness.Session(node, C.SESSION_KIND_LAB, title="Export",
                                  planned_end_session_us=LENGTH_S * SECOND,
                                  measures=[measure_pb2.MEASURE_SDNN_MS])
        self.start_agent(node, session, "couple",
                         [("Ana", self.heart("nsr001"), "us"), ("Ben", self.heart("nsr005"), "us")],
                         consent=CONSENT)
        self.start_agent(node, session, "single", [("Cleo", self.heart("nsr010"), "")],
                         consent=CONSENT)
        token = f"--token={session.token}"
        harness.eventually(lambda: len(session.history().frames) > 60, 20, "a minute of frames")
        self.ctl(node, "mark", "second half", "--phase", token)
        self.ctl(node, "practice", "start", "--kind=paced-breathing", "--pacer=4,6",
                 "--minutes=0.5", token)
        # While it is open, an export goes up to the last tick.
        part = node.folder / "part.csv"
        self.ctl(node, "export", token, f"--out={part}")
        self.assertIn("heart rate", self.analyze(part))
        self.closed(session)

        path = node.folder / "session.csv"
        self.assertIn(" beats of 3 people", self.ctl(node, "export", token, f"--out={path}"))
        report = json.loads(self.ctl(node, "report", "--format=json", token))["report"]
        self.assertEqual(len(report["people"]), 3)
        self.assertEqual(len(report["pairs"]), 3)
        self.assertEqual(len(report["phases"]), 2)
        self.assertIn("value", report["pairs"][0]["phases"][1]["r_mean_windowed"])
        self.assertEqual(json.loads(self.analyze(path, "--format=json"))["report"], report)

        # Anybody's CSV reader finds the beats that the report counts.
        lines = [line for line in path.read_text(encoding="utf-8").splitlines()
                 if not line.startswith("#")]
        beats = {}
        for row in csv.DictReader(lines):
            if int(row["t_session_us"]) <= int(report["length_us"]):
                beats[row["participant"]] = beats.get(row["participant"], 0) + 1
        self.assertEqual({str(p["participant"]): int(p["quality"]["beats"])
                          for p in report["people"]}, beats)

        # Somebody who only watches gets nothing.
        observer = node.make_token("--role=observer", f"--session={session.id}")
        self.assertIn("only participants and facilitators",
                      self.ctl(node, "export", f"--token={observer}", code=1))

        # After a restart the same file comes out.
        self.assertEqual(node.stop(), 0)
        node.start()
        again = node.folder / "again.csv"
        self.ctl(node, "export", token, f"--out={again}")
        self.assertEqual(again.read_bytes(), path.read_bytes())

    def test_couples_get_their_own_and_teams_nothing_after_the_report(self):
        node = self.start_node(rate=RATE)
        for kind in (C.SESSION_KIND_COUPLES, C.SESSION_KIND_TEAM):
            couples = kind == C.SESSION_KIND_COUPLES
            session = harness.Session(node, kind, planned_end_session_us=20 * SECOND)
            ana = session.join("Ana", "us" if couples else "")
            self.start_agent(node, session, f"ben-{kind}",
                             [("Ben", self.heart("nsr005"), "us" if couples else "")],
                             consent="measure,group,report" + (",pair:partner" if couples else ""))
            ben = node.make_token("--role=participant", f"--session={session.id}",
                                  "--participant=2")
            self.closed(session)
            self.assertIn("nobody but a participant" if couples else "deleted",
                          self.ctl(node, "export", f"--token={session.token}", code=1))
            if not couples:
                self.assertIn("deleted", self.ctl(node, "export", f"--token={ben}", code=1))
                continue
            beats = [line.split(",")[0] for line in
                     self.ctl(node, "export", f"--token={ben}").splitlines() if line[:1].isdigit()]
            self.assertGreater(len(beats), 10)
            self.assertEqual(set(beats), {"2"})
            partner = self.ctl(node, "export", f"--token={ana.token}")
            self.assertFalse([line for line in partner.splitlines() if line[:1].isdigit()])
            self.assertNotIn("Ben", partner)


if __name__ == "__main__":
    unittest.main()
