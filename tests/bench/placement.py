#!/usr/bin/python3
"""What ownership costs Redis: a redis-server of its own, the shipped scripts, 10,000 sessions.

Prints one JSON object: memory of a session, sessions renewed per second of Redis's time, and what
that means for so many nodes and sessions. The last is a calculation, not a measurement.
"""

import argparse
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import time

LUA = pathlib.Path(__file__).resolve().parents[2] / "services/placement/lua"
TTL_MS, RENEW_EVERY_S, AT_ONCE, BUCKETS = 6000, 2.0, 64, 16


class Redis:
    def __init__(self, folder):
        self.path = os.path.join(folder, "socket")
        self.process = subprocess.Popen(
            ["/usr/bin/redis-server", "--port", "0", "--unixsocket", self.path, "--dir", folder,
             "--save", "", "--appendonly", "yes", "--appendfsync", "everysec"],
            stdout=subprocess.DEVNULL)
        for _ in range(1000):
            if os.path.exists(self.path):
                break
            time.sleep(0.01)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(self.path)
        self.file = self.socket.makefile("rb")

    def close(self):
        self.socket.close()
        self.process.kill()
        self.process.wait()

    def send(self, *arguments):
        parts = [a if isinstance(a, bytes) else str(a).encode() for a in arguments]
        self.socket.sendall(b"*%d\r\n" % len(parts)
                            + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))
        return self.read()

    def read(self):
        line = self.file.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise RuntimeError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return [self.read() for _ in range(int(rest))]
        return rest

    def info(self, section, field):
        for line in self.send("INFO", section).decode().splitlines():
            if line.startswith(field + ":"):
                return line.split(":", 1)[1]
        raise KeyError(field)

    def cpu_s(self):
        return float(self.info("cpu", "used_cpu_sys")) + float(self.info("cpu", "used_cpu_user"))


def measure(redis, sessions, rounds):
    quarantine = (LUA / "quarantine.lua").read_bytes()
    acquire = redis.send("SCRIPT", "LOAD", quarantine + (LUA / "acquire.lua").read_bytes())
    renew = redis.send("SCRIPT", "LOAD", quarantine + (LUA / "renew.lua").read_bytes())
    redis.send("HSET", "attune:server", "run_id", "r", "since_ms", 0)
    owner, address = "node-1#0123456789abcdef", "node-1.attune.example:7400"
    ids = [os.urandom(16).hex() for _ in range(sessions)]
    nonces = [os.urandom(16) for _ in ids]
    before = int(redis.info("memory", "used_memory"))
    for i, one in enumerate(ids):
        redis.send("EVALSHA", acquire, 3, "{%s}:own" % one, "attune:server",
                   "attune:due:%d" % (i % BUCKETS), "r", TTL_MS, owner, address, nonces[i], 0,
                   2 ** 32 - 1, one)
    after = int(redis.info("memory", "used_memory"))
    groups = []
    for bucket in range(BUCKETS):
        mine = range(bucket, sessions, BUCKETS)
        groups += [(bucket, mine[at:at + AT_ONCE]) for at in range(0, len(mine), AT_ONCE)]
    commands = int(redis.info("stats", "total_commands_processed"))
    cpu = redis.cpu_s()
    for _ in range(rounds):
        for bucket, group in groups:
            arguments = ["EVALSHA", renew, 2 + len(group), "attune:server",
                         "attune:due:%d" % bucket]
            arguments += ["{%s}:own" % ids[i] for i in group]
            arguments += ["r", TTL_MS, owner, address]
            for i in group:
                arguments += [ids[i], nonces[i], 1]
            if redis.send(*arguments) != [1] * len(group):
                raise RuntimeError("a lease was not renewed")
    cpu = redis.cpu_s() - cpu
    commands = int(redis.info("stats", "total_commands_processed")) - commands
    renewals = rounds * sessions
    return {
        "sessions": sessions,
        "redis_bytes_per_session": round((after - before) / sessions),
        "redis_us_per_renewal": round(cpu / renewals * 1e6, 2),
        "scripts_per_session_second": round(rounds * len(groups) / renewals / RENEW_EVERY_S, 4),
        "commands_with_those_in_scripts_per_session_second":
            round(commands / renewals / RENEW_EVERY_S, 3),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=10)
    settings = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="attune-bench-") as folder:
        redis = Redis(folder)
        try:
            result = measure(redis, settings.sessions, settings.rounds)
        finally:
            redis.close()
    million = 1_000_000
    result["calculated_for_1000000_sessions"] = {
        "redis_megabytes": round(result["redis_bytes_per_session"] * million / 1e6),
        "share_of_one_redis_core":
            round(result["redis_us_per_renewal"] * 1e-6 * million / RENEW_EVERY_S, 2),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
