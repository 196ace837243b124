"""Edges driven by hand: streams of which a test decides every message."""

import math
import queue
import threading
import time

import grpc

from attune.v1 import edge_pb2, edge_pb2_grpc

REFUSAL = edge_pb2.RefusalReason
STREAM = "/attune.v1.EdgeService/Stream"


class EdgeStream:
    """One stream; several people may share it, each by a handle."""

    def __init__(self, node):
        self.channel = node.channel()
        self.outgoing = queue.Queue()
        self.incoming = queue.Queue()
        # Bytes pass through unjudged, so that a test can send what is no message at all.
        call = self.channel.stream_stream(
            STREAM, lambda up: up if isinstance(up, bytes) else up.SerializeToString(),
            edge_pb2.EdgeDown.FromString)
        self.call = call(iter(self.outgoing.get, None))
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        try:
            for down in self.call:
                self.incoming.put(down)
            self.incoming.put(None)
        except grpc.RpcError as error:
            self.incoming.put(error)

    def send(self, **what):
        self.outgoing.put(edge_pb2.EdgeUp(**{"handle": 1, **what}))

    def send_bytes(self, data):
        self.outgoing.put(data)

    def hello(self, token, handle=1, boot=b"0123456789abcdef", next_seq=1, **more):
        self.send(handle=handle, hello=edge_pb2.Hello(
            token=token, boot_id=boot, next_seq=next_seq, oldest_retained_seq=1, **more))

    def welcome(self, token, **more):
        self.hello(token, **more)
        down = self.receive("welcome")
        assert isinstance(down, edge_pb2.EdgeDown), down
        return down.welcome

    def receive(self, field=None, seconds=5):
        """The next message with this field (any when None). When the stream ends instead: None, or
        the error it ended with."""
        deadline = time.monotonic() + seconds
        seen = []
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(f"no {field or 'message'} within {seconds} s; but {seen[-3:]}")
            try:
                down = self.incoming.get(timeout=left)
            except queue.Empty:
                continue
            if down is None or isinstance(down, grpc.RpcError):
                return down
            if field is None or down.WhichOneof("what") == field:
                return down
            seen.append(str(down)[:300])

    def refusal(self, seconds=5):
        """The next refusal as (reason, words)."""
        down = self.receive("refusal", seconds)
        assert isinstance(down, edge_pb2.EdgeDown), f"the stream ended: {down}"
        return REFUSAL.Name(down.refusal.reason), down.refusal.message

    def ack_through(self, seq, seconds=5):
        """Waits until everything up to `seq` is durable; the acknowledgement."""
        deadline = time.monotonic() + seconds
        while True:
            down = self.receive("ack", max(0.01, deadline - time.monotonic()))
            assert isinstance(down, edge_pb2.EdgeDown), f"the stream ended: {down}"
            if down.ack.durable_seq >= seq:
                return down.ack

    def close(self):
        self.outgoing.put(None)
        self.call.cancel()
        self.channel.close()


def beats(first_seq, times_us, rr_1024, complete_through_us=0):
    return edge_pb2.Observations(
        first_seq=first_seq, complete_through_session_us=complete_through_us,
        timing=edge_pb2.Timing(jitter_us=5000, offset_bound_us=50000),
        beats=edge_pb2.Beats(time_session_us=times_us, rr_1024=rr_1024))


class Heart:
    """A made-up heart with fixed stamps: beat i (from 0) has the number i + 1."""

    def __init__(self, start_us, seconds, phase=0.0):
        self.rr_1024 = []
        self.times_us = []
        ticks = start_us * 1024 // 1_000_000
        while ticks * 1_000_000 // 1024 < start_us + seconds * 1_000_000:
            k = len(self.rr_1024)
            rr = round(860 + 45 * math.sin(k / 2.3 + phase) + 30 * math.sin(k / 7.1 + 2 * phase))
            ticks += rr
            self.rr_1024.append(rr)
            self.times_us.append(ticks * 1_000_000 // 1024)

    def through(self, time_us):
        """How many beats are at or before this time."""
        return sum(t <= time_us for t in self.times_us)

    def observations(self, first_seq, last_seq, complete_through_us=0):
        return beats(first_seq, self.times_us[first_seq - 1:last_seq],
                     self.rr_1024[first_seq - 1:last_seq], complete_through_us)


class SessionTime:
    """Session time as a Welcome or Snapshot tells it; good enough to send by."""

    def __init__(self, info):
        self.at = time.monotonic()
        self.now = info.now_session_us
        self.rate = info.clock_rate

    def now_us(self):
        return self.now + int((time.monotonic() - self.at) * 1e6 * self.rate)

    def sleep_until(self, time_us):
        time.sleep(max(0, (time_us - self.now_us()) / 1e6 / self.rate))
