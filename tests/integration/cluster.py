"""Many nodes on one Redis, as real processes on loopback."""

import pathlib
import signal
import subprocess
import time

import grpc

from tests.integration import harness


class Redis:
    """A redis-server of the test's own that writes everything to its file at once."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.port = harness.free_port()
        self.process = None

    def start(self):
        with open(self.folder / "redis.log", "ab") as log:
            self.process = subprocess.Popen(
                ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir",
                 str(self.folder), "--appendonly", "yes", "--appendfsync", "always", "--save", ""],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        harness.eventually(self.answers, 20, "redis-server answers")
        return self

    def answers(self):
        done = subprocess.run(["redis-cli", "-p", str(self.port), "ping"], capture_output=True,
                              text=True, check=False, timeout=10)
        return done.stdout.strip() == "PONG"

    def kill9(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def start_empty(self):
        for path in (self.folder / "appendonlydir").glob("*"):
            path.unlink()
        return self.start()

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}"


class Node(harness.Node):
    """One of many."""

    def __init__(self, cluster, name, rate):
        folder = cluster.folder / name
        folder.mkdir()
        super().__init__(folder, f"--node-id={name}", *cluster.FLAGS, rate=rate)
        self.name = name
        self.keys = cluster.keys
        self.redis = cluster.redis

    def where(self):
        return [f"--cluster={self.redis.url}"]

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)


class Cluster:
    """Some nodes; used in place of one: calls go to any that answers."""

    FLAGS = ("--lateness-ms=20000",)  # of every node

    def __init__(self, test, count=3, rate=10, name="cluster"):
        self.folder = test.folder_for(name)
        self.keys = self.folder / "keys"
        subprocess.run([harness.CTL, "token", f"--create-keys={self.keys}"], check=True,
                       capture_output=True)
        self.redis = Redis(self.folder).start()
        test.addCleanup(lambda: self.redis.process.poll() is None and self.redis.kill9())
        self.rate = rate
        self.nodes = []
        self.turn = 0
        for _ in range(count):
            self.add(test)

    def add(self, test):
        node = Node(self, f"node-{len(self.nodes) + 1}", self.rate)
        node.start()
        test.addCleanup(lambda: node.process.poll() is None and node.kill9())
        self.nodes.append(node)
        return node

    def alive(self):
        return [node for node in self.nodes if node.alive()]

    @property
    def address(self):
        return self.alive()[0].address

    def channel(self):
        self.turn += 1
        alive = self.alive()
        return alive[self.turn % len(alive)].channel()

    def operator_token(self):
        return self.alive()[0].operator_token()

    def log(self):
        return "\n".join(f"== {node.name}\n{node.log()}" for node in self.nodes)

    def servers(self):
        """Flags for an agent: all nodes, so that it finds another one when its own is gone."""
        return [f"--server={node.address}" for node in self.nodes[1:]]

    def session(self, kind, **wish):
        """A session; tried again while a Redis that has just started lets nobody take one."""
        deadline = time.monotonic() + 20
        while True:
            try:
                return harness.Session(self, kind, **wish)
            except grpc.RpcError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def owner(self, session):
        """The node that has it now; None when nobody has."""
        done = subprocess.run(
            ["redis-cli", "-p", str(self.redis.port), "hget", f"{{{session.id}}}:own", "address"],
            capture_output=True, text=True, check=False, timeout=10)
        for node in self.nodes:
            if node.address == done.stdout.strip():
                return node
        return None
