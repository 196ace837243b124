"""What the integration tests share: real processes on loopback and an independent gRPC client.

Nothing here knows how the services are built: binaries are run as a user would run them, and the
client side is Python's own gRPC with stubs generated from the contract.
"""

import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

import grpc

from attune.v1 import live_pb2, live_pb2_grpc, report_pb2, report_pb2_grpc, session_pb2
from attune.v1 import session_pb2_grpc

RUNFILES = pathlib.Path(__file__).absolute().parents[2]
ATTUNED = RUNFILES / "services/attuned/attuned"
AGENT = RUNFILES / "edge/agent/attune-agent"
CTL = RUNFILES / "edge/ctl/attunectl"
RECOMPUTE = RUNFILES / "tests/integration/recompute"
NSR2DB = RUNFILES / "tests/data/nsr2db"

C = session_pb2
ALL_OF_COUPLES = [
    C.Consent(purpose=purpose, audience=audience, granted=True, text_version="test-1")
    for purpose, audience in [
        (C.PURPOSE_MEASURE, C.AUDIENCE_SELF), (C.PURPOSE_GROUP, C.AUDIENCE_SESSION),
        (C.PURPOSE_PAIR, C.AUDIENCE_PARTNER), (C.PURPOSE_PAIR, C.AUDIENCE_FACILITATOR),
        (C.PURPOSE_REPORT, C.AUDIENCE_SELF)]]


def free_port(host="127.0.0.1"):
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def eventually(condition, seconds, what):
    """The first true value of condition(); fails the test when none comes in time."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def beats_in(person, seconds):
    """Beats that a replay of the first `seconds` of a recording holds."""
    total_ms, count = 0.0, 0
    for line in (NSR2DB / f"{person}.rr").read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        total_ms += float(line)
        if total_ms > seconds * 1000:
            break
        count += 1
    return count


class Node:
    """One attuned on fixed ports, so that it can be killed and started again in its place."""

    # While a node is down, its port may become the near end of somebody's connection; only that of
    # 127.0.0.1, so where many are killed each gets a `host` of its own.
    def __init__(self, folder, *flags, rate=1, journal=None, host="127.0.0.1"):
        self.folder = pathlib.Path(folder)
        self.keys = self.folder / "keys"
        self.journal = journal or self.folder / "attune.db"
        self.address = f"{host}:{free_port(host)}"
        self.http = f"{host}:{free_port(host)}"
        self.flags = [f"--clock-rate={rate}", *flags]
        self.process = None
        self.starts = 0

    def start(self):
        self.starts += 1
        with open(self.folder / f"attuned-{self.starts}.log", "wb") as log:
            self.process = subprocess.Popen(
                [ATTUNED, f"--grpc={self.address}", f"--http={self.http}",
                 f"--keys={self.keys}", *self.where(), *self.flags],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError("attuned did not start:\n" + self.log())
        assert json.loads(line)["event"] == "serving", line
        return self

    def where(self):
        """Flags that say what it stands on."""
        return [f"--journal=sqlite:{self.journal}"]

    def log(self):
        return (self.folder / f"attuned-{self.starts}.log").read_text(errors="replace")[-4000:]

    def kill9(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def hold(self):
        """Stops the process where it stands (SIGSTOP): it answers nothing, and is not gone."""
        self.process.send_signal(signal.SIGSTOP)

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=15)
        self.process.stdout.close()
        return code

    def alive(self):
        return self.process.poll() is None

    def get(self, path):
        """(status, text) of an HTTP path."""
        try:
            with urllib.request.urlopen(f"http://{self.http}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metric(self, name):
        """Sum of a metric over its labels; None when it is not there."""
        values = [float(line.rsplit(" ", 1)[1]) for line in self.get("/metrics")[1].splitlines()
                  if line.split("{")[0].split(" ")[0] == name]
        return sum(values) if values else None

    def resident_bytes(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(status.split("VmRSS:")[1].split()[0]) * 1024

    def make_token(self, *flags):
        return subprocess.run(
            [CTL, "token", f"--keys={self.keys}", *flags],
            capture_output=True, text=True, check=True).stdout.split()[-1]

    def operator_token(self):
        return self.make_token("--role=operator")

    def recompute(self, session):
        """What the journal of this stopped node gives: (findings, frames by tick, report bytes)."""
        frames, report = self.folder / "recomputed.frames", self.folder / "recomputed.report"
        done = subprocess.run(
            [RECOMPUTE, f"--journal={self.journal}", f"--keys={self.keys}",
             f"--session={session.id}", f"--frames={frames}", f"--report={report}"],
            capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError("recomputation failed: " + done.stdout + done.stderr)
        by_tick = {}
        for line in frames.read_text(encoding="ascii").splitlines():
            tick, data = line.split(" ")
            by_tick[int(tick)] = bytes.fromhex(data)
        return json.loads(done.stdout), by_tick, report.read_bytes()

    def channel(self):
        return grpc.insecure_channel(self.address, options=[
            ("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 500),
            ("grpc.use_local_subchannel_pool", 1)])


def bearer(token):
    return [("authorization", f"Bearer {token}")]


_request = iter(range(1, 1 << 62))


def request_id():
    return f"test-{os.getpid()}-{next(_request)}"


class Session:
    """A session made through the contract."""

    def __init__(self, node, kind, **wish):
        self.node = node
        with node.channel() as channel:
            answer = session_pb2_grpc.SessionServiceStub(channel).CreateSession(
                C.CreateSessionRequest(request_id=request_id(), kind=kind, **wish),
                metadata=bearer(node.operator_token()), timeout=10)
        self.id = answer.session.session_id
        self.code = answer.join_code
        self.token = answer.facilitator_token

    def join(self, alias, dyad_key="", consents=None, role=C.ROLE_PARTICIPANT):
        with self.node.channel() as channel:
            return session_pb2_grpc.SessionServiceStub(channel).JoinSession(
                C.JoinSessionRequest(
                    request_id=request_id(), join_code=self.code, role=role, alias=alias,
                    dyad_key=dyad_key, consents=ALL_OF_COUPLES if consents is None else consents),
                timeout=10)

    def call(self, method, request, token=None):
        with self.node.channel() as channel:
            stub = session_pb2_grpc.SessionServiceStub(channel)
            return getattr(stub, method)(request, metadata=bearer(token or self.token), timeout=10)

    def end(self, at_us=0):
        return self.call("EndSession",
                         C.EndSessionRequest(request_id=request_id(), at_session_us=at_us))

    def history(self, token=None):
        """All frames that the node still holds, as the bearer may see them."""
        with self.node.channel() as channel:
            return live_pb2_grpc.LiveServiceStub(channel).History(
                live_pb2.HistoryRequest(), metadata=bearer(token or self.token), timeout=10)

    def report(self, token=None):
        with self.node.channel() as channel:
            return report_pb2_grpc.ReportServiceStub(channel).GetReport(
                report_pb2.GetReportRequest(), metadata=bearer(token or self.token), timeout=10)


class Watcher(threading.Thread):
    """Follows a session through crashes of the node; keeps the bytes of every frame."""

    def __init__(self, node, token):
        super().__init__(daemon=True)
        self.node = node
        self.token = token
        self.events = []       # all of them
        self.frames = {}       # tick -> bytes of the Frame
        self.envelopes = {}    # tick -> FrameEnvelope
        self.changed = []      # ticks that came twice with different bytes
        self.by_lateness = 0
        self.epochs = []
        self.refused = None    # the last error of the call
        self.closed = threading.Event()
        self.over = threading.Event()

    def run(self):
        cursor = 0
        ticket = None
        while not self.over.is_set():
            request = live_pb2.WatchRequest(after_cursor=cursor)
            if ticket is not None:
                request.epoch_ticket.CopyFrom(ticket)
            try:
                with self.node.channel() as channel:
                    for event in live_pb2_grpc.LiveServiceStub(channel).Watch(
                            request, metadata=bearer(self.token)):
                        self.events.append(event)
                        if event.HasField("snapshot"):
                            ticket = event.snapshot.epoch_ticket
                        elif event.HasField("entry"):
                            cursor = event.entry.cursor
                        elif event.HasField("frame"):
                            self.keep(event.frame)
                        elif event.HasField("closed"):
                            if event.closed.state == C.SESSION_STATE_CLOSED:
                                self.closed.set()
                                return
                        if self.over.is_set():
                            return
            except grpc.RpcError as error:
                self.refused = error
            time.sleep(0.1)

    def newest(self):
        """The newest envelope; None before the first."""
        return self.envelopes[max(self.envelopes)] if self.envelopes else None

    def keep(self, envelope):
        tick = envelope.frame.tick
        frame = envelope.frame.SerializeToString(deterministic=True)
        if self.frames.setdefault(tick, frame) != frame:
            self.changed.append(tick)
        self.envelopes[tick] = envelope
        self.by_lateness += envelope.closed_by_lateness
        if not self.epochs or self.epochs[-1] != envelope.epoch:
            self.epochs.append(envelope.epoch)


class Agent:
    """A real attune-agent; people: list of (alias, source, dyad key or '')."""

    def __init__(self, node, session, name, people,
                 consent="measure,group,pair:partner,pair:facilitator,report", flags=()):
        self.folder = node.folder
        self.name = name
        self.starts = 0
        self.spool = node.folder / ("spool-" + name)
        self.command = [str(AGENT), f"--server={node.address}", f"--join={session.code}",
                        f"--spool={self.spool}", f"--consent={consent}", "--yes", "--format=json"]
        for alias, source, dyad in people:
            self.command += [f"--source={source}", f"--name={alias}"]
            if dyad:
                self.command.append(f"--dyad={dyad}")
        self.command += flags
        self.process = None

    def start(self):
        self.starts += 1
        self.out = self.folder / f"{self.name}-{self.starts}.log"
        with open(self.out, "wb") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT)
        return self

    def kill9(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def wait(self, seconds):
        try:
            return self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{self.name} did not end:\n" + self.text()) from None

    def text(self):
        return self.out.read_text(errors="replace")[-3000:]

    def events(self):
        """What it said so far; a line that is being written is left out."""
        lines = self.out.read_text(errors="replace").split("\n")[:-1]
        return [json.loads(line) for line in lines if line.startswith("{")]

    def people(self):
        """The newest status of its people; empty before the first."""
        found = [e["people"] for e in self.events() if "people" in e]
        return found[-1] if found else []

    def unacknowledged(self):
        return sum(int(p["beats_sent"]) - int(p["beats_acknowledged"]) for p in self.people())

    def summary(self):
        found = [e for e in self.events() if e.get("event") == "summary"]
        assert found, "no summary:\n" + self.text()
        return found[-1]["people"]


class IntegrationTest(unittest.TestCase):
    """A scratch folder and a list of things to stop."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="attune-test-")
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)

    def folder_for(self, name):
        path = self.folder / name
        path.mkdir()
        return path

    def start_node(self, folder=None, *flags, **more):
        node = Node(folder or self.folder, *flags, **more).start()
        self.addCleanup(lambda: node.process.poll() is None and node.kill9())
        return node

    def start_watcher(self, node, token):
        watcher = Watcher(node, token)
        watcher.start()
        self.addCleanup(watcher.over.set)
        return watcher

    def start_agent(self, *arguments, **more):
        agent = Agent(*arguments, **more).start()
        self.addCleanup(lambda: agent.process.poll() is None and agent.kill9())
        return agent
