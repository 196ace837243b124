"""Bad input of every kind against one living node: each is answered clearly, nobody else notices,
and at the end a whole session runs on the same node."""

import pathlib
import subprocess
import tempfile
import time
import unittest

import grpc

from attune.v1 import edge_pb2, live_pb2, session_pb2

from tests.integration import harness, streams, tokens

C = session_pb2
SECOND = 1_000_000
WRONG_CODES = 10_000
HELLO_TIMEOUT_S = 10
LETS_GO_AFTER_S = 20     # of a reader that does not read
SILENT_WATCHERS = 20
MEMORY_BYTES = 200 << 20


class BadInputTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(prefix="attune-test-")
        cls.addClassCleanup(scratch.cleanup)
        cls.folder = pathlib.Path(scratch.name)
        cls.node = harness.Node(cls.folder, rate=10).start()
        cls.addClassCleanup(lambda: cls.node.alive() and cls.node.kill9())
        cls.session = harness.Session(cls.node, C.SESSION_KIND_COUPLES)
        cls.other = harness.Session(cls.node, C.SESSION_KIND_COUPLES)
        cls.ada = cls.session.join("Ada", dyad_key="us")
        cls.ben = cls.session.join("Ben", dyad_key="us")
        # What takes its time, beside everything else: judged in the last tests.
        cls.begun = time.monotonic()
        cls.silent = streams.EdgeStream(cls.node)
        cls.start_watchers_that_never_read()

    @classmethod
    def start_watchers_that_never_read(cls):
        """A session with much to tell, and watchers who never take any of it."""
        cls.crowd = harness.Session(cls.node, C.SESSION_KIND_COUPLES)
        cls.crowd_agent = harness.Agent(cls.node, cls.crowd, "crowd", [
            (f"Person with a rather long alias {i:05d}", f"simulate:seed={i + 1}", f"pair{i // 2}")
            for i in range(16)]).start()
        cls.addClassCleanup(lambda: cls.crowd_agent.process.poll() is None
                            and cls.crowd_agent.kill9())
        cls.memory_before = cls.node.resident_bytes()
        cls.unread = []
        for _ in range(SILENT_WATCHERS):
            # gRPC itself would read ahead by megabytes.
            channel = grpc.insecure_channel(cls.node.address, options=[
                ("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 16384),
                ("grpc.use_local_subchannel_pool", 1)])
            call = channel.unary_stream("/attune.v1.LiveService/Watch", lambda data: data,
                                        lambda data: data)
            cls.unread.append((channel, call(b"", metadata=harness.bearer(cls.crowd.token))))

    def tearDown(self):
        self.assertTrue(self.node.alive(), self.node.log())
        self.assertEqual(self.node.get("/healthz")[0], 200)

    def stream(self):
        stream = streams.EdgeStream(self.node)
        self.addCleanup(stream.close)
        return stream

    def assert_fails(self, code, words, call):
        with self.assertRaises(grpc.RpcError) as caught:
            call()
        self.assertEqual(caught.exception.code(), code, caught.exception.details())
        self.assertRegex(caught.exception.details(), words)

    def assert_invalid(self, words, call):
        self.assert_fails(grpc.StatusCode.INVALID_ARGUMENT, words, call)

    def raw_call(self, method, data, metadata=None):
        with self.node.channel() as channel:
            return channel.unary_unary("/attune.v1." + method, lambda d: d, lambda d: d)(
                data, metadata=metadata or harness.bearer(self.session.token), timeout=5)

    def raw_watch(self, data):
        channel = self.node.channel()
        self.addCleanup(channel.close)
        return channel.unary_stream("/attune.v1.LiveService/Watch", lambda d: d, lambda d: d)(
            data, metadata=harness.bearer(self.session.token), timeout=5)

    # ---- Streams.

    def test_bytes_that_are_no_message(self):
        stream = self.stream()
        stream.send_bytes(b"\xff\xff\xff\xff")
        end = stream.receive()
        self.assertEqual(end.code(), grpc.StatusCode.INVALID_ARGUMENT)
        self.assertIn("EdgeUp", end.details())

    def test_message_beyond_the_limit(self):
        stream = self.stream()
        stream.welcome(self.ada.token, boot=b"l" * 16)
        stream.send(observations=streams.beats(1, [1] * 100_000, [800] * 100_000))
        end = stream.receive("closed")
        self.assertEqual(end.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
        self.assertIn("larger than max", end.details())
        with self.assertRaises(grpc.RpcError) as caught:
            self.raw_call("SessionService/JoinSession", b"\x0a" + b"\xff" * 200_000)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)

    def test_observations_that_break_the_rules(self):
        stream = self.stream()
        boot = b"r" * 16
        cases = [
            (([SECOND], [0]), "rr_1024 0"),
            (([SECOND], [65536]), r"rr_1024 65536.*1\.\.65535"),
            (([SECOND], [65 * 1024]), "rr_1024 66560"),
            (([-5], [800]), "before the session"),
            (([SECOND, SECOND // 2], [800, 800]), "less than that of the value before"),
            (([SECOND, SECOND], [800]), "equally long"),
            (([3600 * 24 * SECOND], [800]), "beyond the latest time"),
            (([SECOND] * 513, [800] * 513), r"1\.\.512"),
            (([], []), "512|kind|empty"),
        ]
        for (times, rr), words in cases:
            stream.welcome(self.ada.token, boot=boot)
            stream.send(observations=streams.beats(1, times, rr))
            reason, said = stream.refusal()
            self.assertEqual(reason, "REFUSAL_REASON_BAD_MESSAGE", said)
            self.assertRegex(said, words)
        wrong = {
            "first_seq": dict(observations=streams.beats(0, [SECOND], [800])),
            "kind": dict(observations=edge_pb2.Observations(first_seq=1)),
            "60 s": dict(observations=edge_pb2.Observations(
                first_seq=1, timing=edge_pb2.Timing(jitter_us=1 << 31),
                beats=edge_pb2.Beats(time_session_us=[1], rr_1024=[800]))),
            "finite": dict(observations=edge_pb2.Observations(
                first_seq=1, motions=edge_pb2.Motions(time_session_us=[1], rms_g=[float("nan")]))),
            "percent": dict(observations=edge_pb2.Observations(
                first_seq=1, batteries=edge_pb2.Batteries(time_session_us=[1], percent=[101]))),
            "negative": dict(observations=streams.beats(1, [SECOND], [800], -1)),
            "reason": dict(gap=edge_pb2.Gap(first_seq=1, last_seq=2)),
            "empty": {},
        }
        for words, message in wrong.items():
            stream.welcome(self.ada.token, boot=boot)
            stream.send(**message)
            reason, said = stream.refusal()
            self.assertEqual(reason, "REFUSAL_REASON_BAD_MESSAGE", said)
            self.assertIn(words, said)
        # All of them went nowhere: the very first number is still free.
        self.assertEqual(stream.welcome(self.ada.token, boot=boot).resume_seq, 1)

    def test_hello_that_breaks_the_rules(self):
        stream = self.stream()
        stream.send(observations=streams.beats(1, [SECOND], [800]))
        self.assertEqual(stream.refusal(), ("REFUSAL_REASON_BAD_MESSAGE",
                                            "say Hello first on this handle"))
        for words, wrong in {"boot_id": dict(boot=b"short"), "next_seq": dict(next_seq=0),
                             "agent": dict(agent="x" * 65), "handle": dict(handle=1001)}.items():
            stream.hello(self.ada.token, **wrong)
            reason, said = stream.refusal()
            self.assertEqual(reason, "REFUSAL_REASON_BAD_MESSAGE")
            self.assertIn(words, said)
        silent = self.session.join("No consent", consents=[])
        stream.hello(silent.token)
        self.assertEqual(stream.refusal()[0], "REFUSAL_REASON_NO_CONSENT")

    def test_one_bad_person_of_a_hub_does_not_touch_the_other(self):
        stream = self.stream()
        stream.welcome(self.ada.token, handle=1, boot=b"h" * 16)
        stream.welcome(self.ben.token, handle=2, boot=b"h" * 16)
        stream.send(handle=1, observations=streams.beats(1, [SECOND], [0]))
        self.assertEqual(stream.receive("refusal").handle, 1)
        stream.send(handle=2, observations=streams.beats(1, [SECOND], [800]))
        stream.ack_through(1)

    # ---- Tokens.

    def test_tokens_that_are_none(self):
        stream = self.stream()
        for what, token in tokens.forgeries(self.ada.token, self.node.keys).items():
            with self.subTest(what):
                stream.hello(token)
                reason, said = stream.refusal()
                self.assertEqual(reason, "REFUSAL_REASON_TOKEN_INVALID", said)
                self.assertTrue(said)
                if what != "binary":  # not to be had in metadata
                    self.assert_fails(
                        grpc.StatusCode.UNAUTHENTICATED, ".", lambda t=token:
                        self.raw_call("SessionService/GetSession", b"", harness.bearer(t)))
        for metadata in ([("authorization", "Basic YTpi")], [("other", "x")]):
            self.assert_fails(grpc.StatusCode.UNAUTHENTICATED, ".", lambda m=metadata:
                              self.raw_call("LiveService/History", b"", m))

    def test_expired_token(self):
        short = self.node.make_token("--role=participant", f"--session={self.session.id}",
                                     "--participant=1", "--ttl=1s")
        time.sleep(1.2)
        for token in (short, tokens.expired(self.ada.token, self.node.keys)):
            stream = self.stream()
            stream.hello(token)
            reason, said = stream.refusal()
            self.assertEqual(reason, "REFUSAL_REASON_TOKEN_EXPIRED")
            self.assertIn("join again", said)
            self.assert_fails(grpc.StatusCode.UNAUTHENTICATED, "expired",
                              lambda token=token: self.session.report(token))

    def test_token_expires_on_a_live_stream(self):
        short = self.node.make_token("--role=participant", f"--session={self.session.id}",
                                     "--participant=2", "--ttl=2s")
        stream = self.stream()
        stream.welcome(short, boot=b"e" * 16)
        self.assertEqual(stream.refusal()[0], "REFUSAL_REASON_TOKEN_EXPIRED")

    def test_tokens_of_others(self):
        # Another session's token reaches only that session, whatever it is about.
        stranger = self.other.join("Stranger")
        info = self.session.call("GetSession", C.GetSessionRequest(), stranger.token)
        self.assertEqual(info.session.session_id, self.other.id)
        stream = self.stream()
        stream.welcome(stranger.token, boot=b"s" * 16)
        refreshed = edge_pb2.TokenRefresh(token=self.ada.token)
        stream.send(token=refreshed)
        self.assertEqual(stream.refusal()[0], "REFUSAL_REASON_TOKEN_INVALID")
        # Another participant's token on one's own stream.
        stream.welcome(self.ben.token, boot=b"s" * 16)
        stream.send(token=refreshed)
        self.assertEqual(stream.refusal()[0], "REFUSAL_REASON_TOKEN_INVALID")
        # Nobody sends as somebody who is not there, or as somebody other than a participant.
        ghost = self.node.make_token("--role=participant", f"--session={self.session.id}",
                                     "--participant=900")
        for token, wanted in ((ghost, "LEFT"), (self.session.token, "TOKEN_INVALID")):
            stream.hello(token)
            self.assertEqual(stream.refusal()[0], f"REFUSAL_REASON_{wanted}")
        nowhere = self.node.make_token("--role=participant", "--session=" + "0" * 32,
                                       "--participant=1")
        stream.hello(nowhere)
        self.assertEqual(stream.refusal()[0], "REFUSAL_REASON_UNKNOWN_SESSION")

    def test_role_does_not_reach_further(self):
        denied = grpc.StatusCode.PERMISSION_DENIED
        observer = self.session.join("", role=C.ROLE_OBSERVER, consents=[]).token
        rid = harness.request_id
        for token, calls in {
            self.ada.token: [("EndSession", C.EndSessionRequest(request_id=rid())),
                             ("Annotate", C.AnnotateRequest(request_id=rid(), label="x")),
                             ("DissolveDyad", C.DissolveDyadRequest(request_id=rid(), dyad=1)),
                             ("RevokeToken", C.RevokeTokenRequest(request_id=rid(), token_id="x")),
                             ("ListSessions", C.ListSessionsRequest()),
                             ("CreateSession", C.CreateSessionRequest(request_id=rid(), kind=2))],
            self.session.token: [("SetConsent", C.SetConsentRequest(request_id=rid())),
                                 ("EraseParticipant",
                                  C.EraseParticipantRequest(request_id=rid())),
                                 ("CreateSession", C.CreateSessionRequest(request_id=rid()))],
            observer: [("EndSession", C.EndSessionRequest(request_id=rid())),
                       ("SubmitMeasure", C.SubmitMeasureRequest(request_id=rid(), scale="x"))],
            self.node.operator_token(): [("EndSession", C.EndSessionRequest(request_id=rid()))],
        }.items():
            for method, request in calls:
                self.assert_fails(denied, "role", lambda m=method, r=request, t=token:
                                  self.session.call(m, r, t))
        with self.assertRaises(grpc.RpcError) as caught:
            self.session.join("x", role=C.ROLE_FACILITATOR)
        self.assertEqual(caught.exception.code(), denied)

    # ---- Calls.

    def test_sessions_that_cannot_be(self):
        def create(**wish):
            return lambda: harness.Session(self.node, **wish)
        couples = C.SESSION_KIND_COUPLES
        self.assert_invalid("kind", create(kind=C.SESSION_KIND_UNSPECIFIED))
        self.assert_invalid("title", create(kind=couples, title="x" * 81))
        self.assert_invalid("tick", create(kind=couples, tick_ms=17))
        self.assert_invalid("k_min", create(kind=C.SESSION_KIND_TEAM, k_min=2))
        self.assert_invalid("planned end", create(kind=couples, planned_end_session_us=SECOND))
        self.assert_fails(grpc.StatusCode.PERMISSION_DENIED, "lab",
                          create(kind=C.SESSION_KIND_LAB))

    def test_names_that_cannot_be(self):
        for alias in ("", "x" * 41, "\u0000", "line\nbreak"):
            self.assert_invalid("alias", lambda alias=alias: self.session.join(alias))
        self.assert_invalid("dyad_key", lambda: self.session.join("Ada", dyad_key="x" * 1000))
        self.assert_invalid("decision|consent|purpose", lambda: self.session.join(
            "Ada", consents=[C.Consent(purpose=1, audience=4, granted=True, text_version="1")]))
        # Valid but for its alias, which is not UTF-8.
        code = self.session.code.encode()
        request = (b"\x0a\x0areq-0000-a" + b"\x12" + bytes([len(code)]) + code
                   + b"\x22\x03\xff\xfe\xfd")
        self.assert_invalid("not a valid request", lambda: self.raw_call(
            "SessionService/JoinSession", request))
        self.assert_invalid("not a valid request", lambda: self.raw_call(
            "SessionService/EndSession", b"\xff\xff"))
        self.assert_invalid("not a valid request", lambda: next(iter(
            self.raw_watch(b"\xff\xff"))))

    def test_request_ids(self):
        def annotate(request_id, label):
            return self.session.call("Annotate", C.AnnotateRequest(request_id=request_id,
                                                                   label=label))
        first = annotate("intention-1", "a mark")
        self.assertEqual(annotate("intention-1", "a mark"), first)
        self.assert_invalid("request_id", lambda: annotate("intention-1", "another mark"))
        self.assert_invalid("request_id", lambda: annotate("short", "x"))
        self.assert_invalid("request_id", lambda: annotate("x" * 65, "x"))
        # An id that somebody else used for something else opens no door.
        with self.node.channel() as channel:
            join = channel.unary_unary(
                "/attune.v1.SessionService/JoinSession",
                C.JoinSessionRequest.SerializeToString, C.JoinSessionResponse.FromString)
            self.assert_invalid("request_id", lambda: join(C.JoinSessionRequest(
                request_id="intention-1", join_code=self.session.code, alias="Eve"), timeout=5))
        withdraw = C.SetConsentRequest(request_id="intention-2", consents=[
            C.Consent(purpose=C.PURPOSE_GROUP, audience=C.AUDIENCE_SESSION, granted=False,
                      text_version="1")])
        self.session.call("SetConsent", withdraw, self.ada.token)
        # Taken for a repetition of Ada's, Ben's withdrawal would be lost without a word.
        self.assert_invalid("request_id", lambda: self.session.call("SetConsent", withdraw,
                                                                    self.ben.token))

    # ---- Files.

    def test_recordings_that_are_none(self):
        def play(text):
            path = self.folder / "bad.rr"
            path.write_text(text, encoding="ascii")
            agent = harness.Agent(self.node, self.other, f"file{hash(text)}", [
                ("File", f"replay:{path},at=1", "")])
            agent.command.append("--exit-when-done")
            agent.start()
            return agent, agent.wait(20)
        good = "800\n" * 10
        for bad in ("nan", "inf", "12abc", "1e9"):
            agent, code = play(good + bad + "\n" + good)
            self.assertEqual(code, 2, agent.text())
            self.assertIn("line 11", agent.text())
        # A number that is no interval is a gap, and said so.
        for gap in ("0", "-800", "65000"):
            agent, code = play(good + gap + "\n" + good)
            self.assertEqual(code, 0, agent.text())
            self.assertRegex(agent.text(), "line 11.*gap")
            self.assertEqual([int(p["beats_durable"]) for p in agent.summary()], [20])
        self.assertEqual(play("")[1], 2)

    # ---- The long ones: by name the last.

    def test_y1_stream_that_never_says_hello(self):
        wait = HELLO_TIMEOUT_S + 5 - (time.monotonic() - self.begun)
        end = self.silent.receive(seconds=max(1, wait))
        self.assertEqual(end.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
        self.assertIn("say Hello", end.details())

    def test_y2_wrong_codes(self):
        codes = {}
        begun = time.monotonic()
        with self.node.channel() as channel:
            join = channel.unary_unary(
                "/attune.v1.SessionService/JoinSession",
                C.JoinSessionRequest.SerializeToString, C.JoinSessionResponse.FromString)
            for first in range(0, WRONG_CODES, 200):
                calls = [join.future(C.JoinSessionRequest(
                    request_id=harness.request_id(), join_code=f"{i:08d}", alias="Eve"), timeout=20)
                    for i in range(first, first + 200)]
                for call in calls:
                    error = call.exception()
                    codes.setdefault(error.code(), error)
        self.assertLess(time.monotonic() - begun, 30)
        self.assertEqual(set(codes), {grpc.StatusCode.NOT_FOUND,
                                      grpc.StatusCode.RESOURCE_EXHAUSTED})
        self.assertIn("join code", codes[grpc.StatusCode.NOT_FOUND].details())
        self.assertRegex(codes[grpc.StatusCode.RESOURCE_EXHAUSTED].details(), r"try again in \d+ s")
        self.assertGreater(self.node.metric("attune_join_attempts_total"), WRONG_CODES)
        # Even the right code has to wait now, and then works.
        self.assert_fails(grpc.StatusCode.RESOURCE_EXHAUSTED, "try again",
                          lambda: self.session.join("Late"))

        def join_again():
            time.sleep(0.5)
            try:
                return self.session.join("Late")
            except grpc.RpcError as error:
                self.assertEqual(error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
                return None
        late = harness.eventually(join_again, 15, "a right join after the cool-down")
        self.assertTrue(late.token)

    def test_y3_watchers_that_never_read(self):
        wait = LETS_GO_AFTER_S + 15 - (time.monotonic() - self.begun)
        harness.eventually(
            lambda: (self.node.metric("attune_streams_let_go_total") or 0) >= SILENT_WATCHERS,
            max(1, wait), "the node lets go of who does not read")
        self.assertLess(self.node.resident_bytes() - self.memory_before, MEMORY_BYTES)
        for channel, call in self.unread:
            call.cancel()
            channel.close()
        self.crowd.end()
        self.assertEqual(self.crowd_agent.wait(20), 0, self.crowd_agent.text())

    def test_z_everything_still_works(self):
        session = harness.Session(self.node, C.SESSION_KIND_COUPLES,
                                  planned_end_session_us=50 * SECOND)
        watcher = harness.Watcher(self.node, session.token)
        watcher.start()
        agent = harness.Agent(self.node, session, "healthy", [
            (p, f"replay:{harness.NSR2DB / p}.rr,at=3,seconds=40", "us")
            for p in ("nsr003", "nsr008")]).start()
        self.assertTrue(watcher.closed.wait(30), self.node.log())
        self.assertEqual(agent.wait(20), 0, agent.text())
        self.assertGreater(len(watcher.frames), 30)
        self.assertEqual([int(p["beats_lost"]) for p in agent.summary()], [0, 0])
        self.assertEqual(len(session.report().report.pairs), 1)
        self.assertEqual(self.node.stop(), 0, self.node.log())
        self.node.start()


if __name__ == "__main__":
    unittest.main()
