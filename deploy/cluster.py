"""Runs a cluster on loopback with built binaries; `deploy/cluster` builds them first.

Redis (append-only file, no eviction), three `attuned`, HAProxy in front of them, and the demo's
agents and watchers, which know nothing but the load balancer's address. While it runs it listens on
a socket for `kill`, `drain`, `start` and `status`, so that a node can be taken away from another
terminal while the live view goes on.
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from demo import Demo, Failed, add_demo_arguments, check_demo_arguments, print_contrast, say

NODES = 3
COMMANDS = ("kill", "drain", "start", "status", "stop")
STARTED_WITHIN_S = 20
STOPPED_WITHIN_S = 30

HAPROXY = """\
global
  maxconn 4096
defaults
  mode tcp
  timeout connect 2s
  timeout client 1h
  timeout server 1h
frontend grpc
  bind {front}
  default_backend nodes
backend nodes
  balance roundrobin
  option httpchk GET /healthz
  default-server check inter 500ms fall 2 rise 1 on-marked-down shutdown-sessions
{servers}
"""


def control_path():
    """Of the cluster that this user runs."""
    folder = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    return pathlib.Path(folder) / f"attune-cluster-{os.getuid()}.sock"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def moment(text):
    """"20:kill:2" -> (20.0, "kill", 2)"""
    parts = text.split(":")
    try:
        at_s, what, number = float(parts[0]), parts[1], int(parts[2])
        if what not in ("kill", "drain", "start") or not 1 <= number <= NODES or len(parts) != 3:
            raise ValueError
    except (ValueError, IndexError):
        raise argparse.ArgumentTypeError(
            f"{text!r}: want SECOND:kill|drain|start:NODE, for example 20:kill:2") from None
    return at_s, what, number


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="deploy/cluster",
        description="Starts Redis, three nodes and a load balancer on loopback, and the demo's "
                    "sessions on them.",
        epilog="From another terminal, while it runs: `deploy/cluster status`, `deploy/cluster "
               "kill 2` (kill -9), `deploy/cluster drain 2` (hands its sessions over and stops), "
               "`deploy/cluster start 2`, `deploy/cluster stop`.")
    parser.add_argument("--at", type=moment, action="append", default=[],
                        metavar="SECOND:WHAT:NODE",
                        help="kill, drain or start NODE (1 to "
                             f"{NODES}) at that real second; may be given several times")
    add_demo_arguments(parser)
    return check_demo_arguments(parser, parser.parse_args())


class Cluster(Demo):
    def __init__(self, arguments, folder):
        super().__init__(arguments, folder)
        self.nodes = {}  # number -> {"process", "grpc", "http", "ever"}
        self.infrastructure = {"redis", "haproxy"}
        self.lock = threading.RLock()
        self.happened = []

    # ---- parts

    def start_node(self):
        """What the demo calls: here it is the whole cluster."""
        self.start_redis()
        subprocess.run([self.bin / "edge/ctl/attunectl", "token",
                        f"--create-keys={self.folder / 'keys'}"], check=True, capture_output=True)
        for number in range(1, NODES + 1):
            self.nodes[number] = {"grpc": f"127.0.0.1:{free_port()}",
                                  "http": f"127.0.0.1:{free_port()}", "process": None, "starts": 0}
            self.start_number(number)
        self.start_haproxy()

    def start_redis(self):
        port = free_port()
        data = self.folder / "redis"
        data.mkdir()
        self.start("redis", ["redis-server", "--bind", "127.0.0.1", "--port", port,
                             "--dir", data, "--appendonly", "yes", "--appendfsync", "everysec",
                             "--maxmemory-policy", "noeviction", "--save", ""])
        self.redis = f"redis://127.0.0.1:{port}"
        await_port(port, "redis-server")
        say(f"Redis at {self.redis}")

    def start_number(self, number):
        node = self.nodes[number]
        node["starts"] += 1
        name = f"node-{number}" + (f"-start-{node['starts']}" if node["starts"] > 1 else "")
        process = self.start(
            name,
            [self.bin / "services/attuned/attuned", f"--grpc={node['grpc']}",
             f"--http={node['http']}", f"--cluster={self.redis}", f"--node-id=node-{number}",
             f"--keys={self.folder / 'keys'}", f"--clock-rate={self.arguments.rate}",
             "--allow-lab"],
            stdout=subprocess.PIPE)
        self.infrastructure.add(name)
        if not process.stdout.readline():
            raise Failed(f"{name} did not start:\n" + self.tail(name))
        node["process"] = process
        say(f"node-{number} at {node['grpc']}, metrics at http://{node['http']}/metrics")

    def create(self, kind, title):
        """A Redis that has just started lets nobody own anything for one lease."""
        deadline = time.monotonic() + STARTED_WITHIN_S
        while True:
            try:
                return super().create(kind, title)
            except Failed:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def start_haproxy(self):
        front = free_port()
        servers = "\n".join(
            f"  server node-{number} {node['grpc']} port {node['http'].rsplit(':', 1)[1]}"
            for number, node in self.nodes.items())
        config = self.folder / "haproxy.cfg"
        config.write_text(HAPROXY.format(front=f"127.0.0.1:{front}", servers=servers),
                          encoding="utf-8")
        self.start("haproxy", [shutil.which("haproxy") or "/usr/sbin/haproxy", "-db", "-f", config])
        await_port(front, "haproxy")
        self.address = f"127.0.0.1:{front}"
        say(f"load balancer at {self.address}: agents and watchers know only this one")

    # ---- trouble

    def do(self, what, number=0):
        """Carries one command out; says what came of it in a line."""
        with self.lock:
            if what == "status":
                return self.status()
            node = self.nodes.get(number)
            if node is None:
                return f"there is no node {number}: 1 to {NODES}"
            alive = node["process"].poll() is None
            if what == "start":
                if alive:
                    return f"node-{number} runs already"
                self.start_number(number)
                return self.note(f"node-{number} is back")
            if not alive:
                return f"node-{number} does not run: deploy/cluster start {number}"
            begun = time.monotonic()
            node["process"].send_signal(signal.SIGKILL if what == "kill" else signal.SIGTERM)
            try:
                node["process"].wait(timeout=STOPPED_WITHIN_S)
            except subprocess.TimeoutExpired:
                return self.note(f"node-{number} still drains after {STOPPED_WITHIN_S} s")
            took_s = time.monotonic() - begun
            if what == "kill":
                return self.note(f"node-{number} was killed")
            return self.note(f"node-{number} handed its sessions over and stopped "
                             f"in {took_s:.1f} s")

    def note(self, text):
        self.happened.append(text)
        return text

    def status(self):
        try:
            return self.ctl("node", "list", f"--keys={self.folder / 'keys'}").rstrip()
        except Failed as problem:
            return str(problem)

    def listen(self):
        """Serves the commands of other terminals until the process ends."""
        path = control_path()
        path.unlink(missing_ok=True)
        server = socket.socket(socket.AF_UNIX)
        old = os.umask(0o077)
        server.bind(str(path))
        os.umask(old)
        server.listen(4)

        def serve():
            while True:
                connection, _ = server.accept()
                with connection:
                    connection.settimeout(5)
                    try:
                        words = connection.recv(256).decode(errors="replace").split()
                        if words == ["stop"]:
                            connection.sendall(b"stopping\n")
                            os.kill(os.getpid(), signal.SIGINT)
                            continue
                        number = int(words[1]) if len(words) > 1 else 0
                        answer = self.do(words[0], number)
                        connection.sendall((answer + "\n").encode())
                    except (OSError, ValueError, IndexError, Failed) as problem:
                        say(f"cluster: {problem}")
        threading.Thread(target=serve, daemon=True).start()

    def schedule(self):
        begun = time.monotonic()

        def run():
            for at_s, what, number in sorted(self.arguments.at):
                time.sleep(max(0.0, begun + at_s - time.monotonic()))
                say(f"  at {at_s:g} s: {self.do(what, number)}")
        threading.Thread(target=run, daemon=True).start()

    # ---- the demo's own steps, with nodes that may be gone on purpose

    def run(self):
        self.listen()
        super().run()

    def began(self):
        self.schedule()

    def guests(self):
        return [(name, process) for name, process in self.processes
                if name not in self.infrastructure]

    def check_alive(self):
        for name, process in self.processes:
            if name.startswith("node-"):
                continue
            if process.poll() not in (None, 0):
                raise Failed(f"{name} stopped with exit code {process.poll()}:\n"
                             + self.tail(name))

    def summary(self):
        return {**super().summary(), "nodes": NODES, "happened": self.happened}


def await_port(port, what):
    deadline = time.monotonic() + STARTED_WITHIN_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise Failed(f"{what} did not start within {STARTED_WITHIN_S} s") from None
            time.sleep(0.05)


def tell_running(words):
    """A command for the cluster that runs in another terminal."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(control_path()))
        except OSError:
            print("no cluster runs: start one with ./deploy/cluster", file=sys.stderr)
            return 1
        client.sendall(" ".join(words).encode())
        client.settimeout(STOPPED_WITHIN_S + 10)
        answer = b""
        while chunk := client.recv(4096):
            answer += chunk
    print(answer.decode(errors="replace"), end="")
    return 0


def main():
    if len(sys.argv) > 1 and sys.argv[1] in COMMANDS:
        if len(sys.argv) != (2 if sys.argv[1] in ("status", "stop") else 3):
            print(f"Usage: deploy/cluster {sys.argv[1]}"
                  + ("" if sys.argv[1] in ("status", "stop") else f" NODE   (1 to {NODES})"),
                  file=sys.stderr)
            return 2
        return tell_running(sys.argv[1:])
    arguments = parse_arguments()
    if arguments.keep:
        folder = pathlib.Path(arguments.keep)
        folder.mkdir(parents=True)
    else:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="attune-cluster-"))
    cluster = Cluster(arguments, folder)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        cluster.run()
        summary = cluster.summary()
        cluster.print_reports()
        print_contrast(summary)
        for line in cluster.happened:
            print(f"  {line}")
        if arguments.summary:
            pathlib.Path(arguments.summary).write_text(json.dumps(summary, indent=2) + "\n",
                                                       encoding="utf-8")
    except Failed as problem:
        print(f"cluster: {problem}", file=sys.stderr)
        print(f"cluster: logs are in {folder}", file=sys.stderr)
        arguments.keep = str(folder)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        cluster.stop()
        control_path().unlink(missing_ok=True)
        if not arguments.keep:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
