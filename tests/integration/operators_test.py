"""What operators go by: metrics of the alerts and dashboards are there; calls leave a trace."""

import json
import os
import re
import subprocess
import unittest

import grpc

from attune.v1 import session_pb2, session_pb2_grpc

from tests.deploy import expressions
from tests.integration import harness

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


class OperatorsTest(harness.IntegrationTest):

    def serve_with_traffic(self, *flags):
        node = self.start_node(None, *flags, rate=10)
        session = harness.Session(node, session_pb2.SESSION_KIND_COUPLES)
        watcher = self.start_watcher(node, session.token)
        agent = self.start_agent(node, session, "two", [
            (f"Person {seed}", f"simulate:seed={seed},seconds=40", "word") for seed in (1, 2)])
        harness.eventually(lambda: len(watcher.frames) > 5, 20, "frames")
        return node, session, watcher, agent

    def scrape_of_tls(self):
        """The metrics of a node that has a certificate."""
        folder = self.folder_for("tls")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=localhost",
             "-keyout", folder / "tls.key", "-out", folder / "tls.crt"],
            check=True, capture_output=True)
        node = self.start_node(folder, f"--tls-cert={folder}/tls.crt",
                               f"--tls-key={folder}/tls.key")
        return node.get("/metrics")[1]

    def test_every_metric_asked_for_is_exposed(self):
        node, *_ = self.serve_with_traffic()
        scrape = expressions.exposed(node.get("/metrics")[1])
        for name, series in expressions.exposed(self.scrape_of_tls()).items():
            scrape.setdefault(name, series)
        asked = expressions.all_expressions()
        self.assertGreater(len(asked), 80)
        problems = {where: found for where, expression in asked
                    if (found := expressions.missing(expression, scrape))}
        self.assertEqual(problems, {})

    def test_a_node_by_itself_raises_no_alarm(self):
        node, *_ = self.serve_with_traffic()
        value = node.metric
        self.assertEqual(value("attune_clustered"), 0)
        self.assertEqual(value("attune_sessions_suspended"), 0)
        self.assertEqual(value("attune_session_opens_total"), 1)
        self.assertLess(value("attune_limit_used_ratio"), 0.1)
        text = node.get("/metrics")[1]
        self.assertIn('attune_node_state{state="serving"} 1\n', text)
        self.assertIn('attune_node_state{state="draining"} 0\n', text)

    def test_group_synchrony_appears_ten_sessions_at_once(self):
        node = self.start_node(None, rate=60)
        sessions = [harness.Session(node, session_pb2.SESSION_KIND_TEAM) for _ in range(10)]
        watchers = [self.start_watcher(node, session.token) for session in sessions]
        for number, session in enumerate(sessions):
            self.start_agent(node, session, f"team-{number}", [
                (f"P{seed}", f"simulate:seed={100 * number + seed},seconds=1200", "")
                for seed in range(6)], consent="measure,group,report")

        def released(watcher):
            return any(envelope.frame.group.r_mean_pairwise.HasField("value")
                       for envelope in list(watcher.envelopes.values()))
        for watcher in watchers:
            harness.eventually(lambda w=watcher: released(w), 60, "a group value in each session")
        count = "attune_closed_sessions_group_synchrony_count"
        before = [line for line in node.get("/metrics")[1].splitlines() if "synchrony" in line]
        for session in sessions[:9]:
            session.end()
        harness.eventually(lambda: node.metric("attune_sessions_closed_total") == 9, 30, "nine")
        after = [line for line in node.get("/metrics")[1].splitlines() if "synchrony" in line]
        self.assertEqual(before, after)
        self.assertEqual(node.metric(count), 0)
        sessions[9].end()
        harness.eventually(lambda: node.metric(count) == 10, 30, "ten at once")

    def calls(self, node, method):
        """Lines of the log about calls of a method."""
        log = (node.folder / "attuned-1.log").read_text(encoding="utf-8")
        lines = [json.loads(line) for line in log.splitlines()]
        return [line for line in lines if line["event"] == "call"
                and line["method"] == f"/attune.v1.{method}"]

    def test_calls_leave_their_trace(self):
        node, session, watcher, agent = self.serve_with_traffic("--log-level=debug")
        with node.channel() as channel:
            stub = session_pb2_grpc.SessionServiceStub(channel)
            for header in (f"00-{TRACE}-{PARENT}-01", f"00-{TRACE.upper()}-{PARENT}-01",
                           f"00-{'0' * 32}-{PARENT}-01", "x" * 1000):
                stub.GetSession(session_pb2.GetSessionRequest(), timeout=10, metadata=[
                    *harness.bearer(session.token), ("traceparent", header)])
        harness.eventually(lambda: len(self.calls(node, "SessionService/GetSession")) == 4, 10,
                           "four lines")
        lines = self.calls(node, "SessionService/GetSession")
        self.assertEqual([line.get("trace_id") for line in lines], [TRACE, None, None, None])
        self.assertEqual({line["code"] for line in lines}, {"OK"})

        # A control program's calls belong to the trace that it is told.
        environment = dict(os.environ, TRACEPARENT=f"00-{TRACE}-{PARENT}-01")
        subprocess.run([harness.CTL, "node", f"--server={node.address}", f"--keys={node.keys}"],
                       check=True, capture_output=True, env=environment)
        harness.eventually(lambda: self.calls(node, "NodeService/GetNodeStatus"), 10, "a line")
        self.assertEqual(self.calls(node, "NodeService/GetNodeStatus")[0]["trace_id"], TRACE)

        # An agent's calls each have a trace of their own.
        session.end()
        self.assertTrue(watcher.closed.wait(30), node.log())
        self.assertEqual(agent.wait(20), 0, agent.text())
        harness.eventually(lambda: self.calls(node, "EdgeService/Stream"), 10, "the stream's end")
        traces = [line["trace_id"] for method in ("EdgeService/Stream",
                                                  "SessionService/JoinSession")
                  for line in self.calls(node, method)]
        self.assertGreaterEqual(len(traces), 3)
        self.assertEqual(len(traces), len(set(traces)))
        for trace in traces:
            self.assertRegex(trace, "^[0-9a-f]{32}$")
        log = (node.folder / "attuned-1.log").read_text(encoding="utf-8")
        for secret in (session.id, session.token, session.code, "Person"):
            self.assertNotIn(secret, log)

    def test_what_the_node_could_not_do_is_a_warning_with_its_trace(self):
        node = self.start_node()
        codes = set()
        with node.channel() as channel:
            stub = session_pb2_grpc.SessionServiceStub(channel)
            for number in range(200):
                try:
                    stub.JoinSession(
                        session_pb2.JoinSessionRequest(
                            request_id=harness.request_id(), join_code=f"WRNG{number:04}"),
                        metadata=[("traceparent", f"00-{TRACE}-{PARENT}-00")], timeout=10)
                except grpc.RpcError as error:
                    codes.add(error.code().name)
                if "RESOURCE_EXHAUSTED" in codes:
                    break
        self.assertIn("RESOURCE_EXHAUSTED", codes)
        harness.eventually(lambda: self.calls(node, "SessionService/JoinSession"), 10, "a line")
        lines = self.calls(node, "SessionService/JoinSession")
        # What the caller did wrong is no news at this level.
        self.assertEqual({line["code"] for line in lines}, {"RESOURCE_EXHAUSTED"})
        self.assertEqual({line["severity"] for line in lines}, {"warning"})
        self.assertEqual({line["trace_id"] for line in lines}, {TRACE})
        self.assertFalse(any(re.search("WRNG", json.dumps(line)) for line in lines))


if __name__ == "__main__":
    unittest.main()
