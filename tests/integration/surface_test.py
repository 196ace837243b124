"""The surface that operators meet: flags, health, reflection, metrics, logs."""

import re
import subprocess
import unittest

from attune.v1 import edge_pb2, session_pb2

from tests.integration import harness, streams

# Lengths that appear nowhere by chance: 1024ths of a second, and the same in ms.
PLANTED_RR_1024 = 51237
PLANTED_TEXTS = [str(PLANTED_RR_1024), str(PLANTED_RR_1024 * 1000 // 1024), "70003"]
ALIAS = "Zanzibar Quetzal"
# What a label may be about: the build, outcomes, kinds, sizes. Never anybody.
LABELS = {"version", "engine", "outcome", "kind", "le", "reason", "state", "limit"}


def run(*flags):
    return subprocess.run([harness.ATTUNED, *flags], capture_output=True, text=True, check=False,
                          timeout=20)


class SurfaceTest(harness.IntegrationTest):

    def assert_refused(self, *flags, words):
        # Were it not refused, it would serve; these keep that out of the working folder.
        done = run(f"--journal=sqlite:{self.folder}/x.db", f"--keys={self.folder}/x.keys", *flags)
        self.assertNotEqual(done.returncode, 0, f"{flags} was accepted")
        for word in words:
            self.assertIn(word, done.stderr)

    def test_help_and_version(self):
        done = run("--help")
        self.assertIn(done.returncode, (0, 1))  # The flag library's own exit code is 1.
        for flag in ("grpc", "http", "journal", "keys", "clock_rate", "durability"):
            self.assertIn(f"--{flag}", done.stdout)
        done = run("--version")
        self.assertRegex(done.stdout, r"attuned \d+\.\d+")
        for program in (harness.AGENT, harness.CTL):
            done = subprocess.run([program, "--help"], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0)
            self.assertIn("attunectl COMMAND" if program == harness.CTL else "--join", done.stdout)

    def test_refusals_say_what_to_do(self):
        self.assert_refused("--jurnal=sqlite:x", words=["jurnal"])
        self.assert_refused("--grpc=0.0.0.0:0", words=["TLS", "--tls-cert", "127.0.0.1"])
        self.assert_refused("--grpc=0.0.0.0:0", "--plaintext-on-network", "--clock-rate=10",
                            words=["clock-rate", "loopback"])
        self.assert_refused("--cluster=redis://127.0.0.1:6379", words=["journal", "redis-wait"])
        self.assert_refused("--cluster=redis://10.1.2.3", words=["cluster", "--plaintext-redis"])
        self.assert_refused("--cluster=redis://127.0.0.1", "--journal=", "--grpc=127.0.0.1:0",
                            words=["--advertise=HOST:PORT"])
        self.assert_refused("--cluster=redis://127.0.0.1", "--journal=", "--grpc=127.0.0.1:7400",
                            "--keys=/nonexistent/keys", words=["share one keys file"])
        self.assert_refused("--journal=redis", words=["--cluster"])
        self.assert_refused("--plaintext-redis", words=["--cluster"])
        self.assert_refused("--clock-rate=0", words=["clock-rate"])
        self.assert_refused("--journal=redis:x", words=["sqlite:PATH"])
        self.assert_refused("--durability=hope", words=["process", "fsync"])
        self.assert_refused("extra", words=["extra"])
        done = run("--grpc=127.0.0.1:0", "--http=127.0.0.1:0", f"--keys={self.folder}/k",
                   "--journal=sqlite:/nonexistent/attune.db")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("/nonexistent/attune.db", done.stderr)

    def test_health_and_reflection_for_any_client(self):
        node = self.start_node()
        with node.channel() as channel:
            def raw(data):
                return data
            check = channel.unary_unary("/grpc.health.v1.Health/Check", raw, raw)
            # HealthCheckResponse{status: SERVING} is field 1, varint 1.
            self.assertEqual(check(b"", timeout=5), b"\x08\x01")
            reflect = channel.stream_stream(
                "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", raw, raw)
            # ServerReflectionRequest{list_services: "*"}.
            names = next(reflect(iter([b"\x3a\x01*"]), timeout=5))
            for service in (b"EdgeService", b"SessionService", b"LiveService", b"ReportService"):
                self.assertIn(b"attune.v1." + service, names)
        self.assertEqual(node.get("/healthz")[0], 200)
        self.assertEqual(node.get("/nothing")[0], 404)

    def test_metrics_and_logs_tell_of_nobody(self):
        node = self.start_node(None, "--log-level=debug", rate=10)
        session = harness.Session(node, session_pb2.SESSION_KIND_COUPLES, title="Secret title")
        person = session.join(ALIAS, dyad_key="secret word")
        stream = streams.EdgeStream(node)
        stream.welcome(person.token)
        stream.send(observations=streams.beats(1, [1_000_000], [PLANTED_RR_1024], 1_000_000))
        stream.ack_through(1)
        stream.send(observations=streams.beats(2, [1_100_000], [70003]))
        self.assertEqual(stream.refusal()[0], "REFUSAL_REASON_BAD_MESSAGE")
        watcher = self.start_watcher(node, session.token)
        agent = self.start_agent(node, session, "other", [
            (ALIAS + " 2", "simulate:seed=3,seconds=60", "")])
        harness.eventually(lambda: len(watcher.frames) > 10, 15, "frames")

        status, text = node.get("/metrics")
        self.assertEqual(status, 200)
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True,
                              text=True, check=False)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))
        names = set(re.findall(r'[{,](\w+)="', text))
        self.assertLessEqual(names, LABELS)
        self.assertNotIn(session.id, text)
        self.assertGreater(node.metric("attune_beats_admitted_total"), 10)

        session.call("EraseParticipant", session_pb2.EraseParticipantRequest(
            request_id=harness.request_id()), person.token)
        session.end()
        self.assertTrue(watcher.closed.wait(30), node.log())
        self.assertEqual(agent.wait(20), 0, agent.text())
        self.assertEqual(node.stop(), 0)
        logs = (self.folder / "attuned-1.log").read_text(encoding="utf-8")
        self.assertGreater(len(logs.splitlines()), 1)
        secrets = {"alias": ALIAS, "token": person.token, "facilitator's token": session.token,
                   "signature": person.token.rsplit(".", 1)[1], "join code": session.code,
                   "title": "Secret title", "word": "secret word"}
        for what, secret in secrets.items():
            self.assertNotIn(secret, logs, f"the node's log holds the {what}")
        for planted in PLANTED_TEXTS:
            self.assertNotRegex(logs, rf"\b{planted}\b", "the node's log holds an interval")
        for what in ("token", "signature"):
            self.assertNotIn(secrets[what], agent.text())


if __name__ == "__main__":
    unittest.main()
