"""A primary, a replica and three Sentinels: real processes on loopback, each in its own folder."""

import pathlib
import signal
import socket
import subprocess
import time

from tests.integration import harness

MASTER = "attune"


class Server:
    def __init__(self, folder, name, lines, sentinel=False):
        self.folder = pathlib.Path(folder) / name
        self.folder.mkdir()
        self.port = harness.free_port()
        self.sentinel = sentinel
        self.config = self.folder / "redis.conf"
        self.config.write_text("\n".join(
            ["bind 127.0.0.1", f"port {self.port}", f"dir {self.folder}",
             f"logfile {self.folder / 'log'}", *lines]) + "\n", encoding="utf-8")
        self.process = None

    def start(self):
        command = ["redis-server", str(self.config)] + (["--sentinel"] if self.sentinel else [])
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        harness.eventually(lambda: self.ask("PING"), 20, f"{self.folder.name} answers")
        return self

    def ask(self, *words):
        """The first line of an answer, or of a bulk answer; None when there is none."""
        request = f"*{len(words)}\r\n" + "".join(
            f"${len(str(word))}\r\n{word}\r\n" for word in words)
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as link:
                link.sendall(request.encode())
                answer = link.makefile("rb")
                first = answer.readline()
                if first.startswith(b"*"):  # an array of bulk strings
                    return [self.bulk(answer, answer.readline())
                            for _ in range(max(0, int(first[1:])))]
                return self.bulk(answer, first)
        except OSError:
            return None

    @staticmethod
    def bulk(answer, first):
        if not first.startswith(b"$"):
            return first.decode().strip()
        return answer.read(int(first[1:]) + 2)[:-2].decode()

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def send(self, what):
        self.process.send_signal(what)

    def kill9(self):
        if self.alive():
            self.send(signal.SIGKILL)
            self.process.wait()


class RedisGroup:
    """Starts everything; `url` is what attuned's --cluster takes."""

    def __init__(self, folder):
        keep = ["appendonly yes", "appendfsync everysec", 'save ""', "maxmemory-policy noeviction"]
        self.servers = [Server(folder, "redis-1", keep).start()]
        self.servers.append(
            Server(folder, "redis-2",
                   keep + [f"replicaof 127.0.0.1 {self.servers[0].port}"]).start())
        harness.eventually(
            lambda: "master_link_status:up" in (self.servers[1].ask("INFO", "replication") or ""),
            20, "the replica follows")
        self.sentinels = [Server(folder, f"sentinel-{i}", [
            f"sentinel monitor {MASTER} 127.0.0.1 {self.servers[0].port} 2",
            f"sentinel down-after-milliseconds {MASTER} 1000",
            f"sentinel failover-timeout {MASTER} 4000"], sentinel=True).start() for i in (1, 2, 3)]
        # A failover needs Sentinels that know of each other and of the replica.
        for sentinel in self.sentinels:
            harness.eventually(
                lambda s=sentinel: "slaves=1,sentinels=3" in (s.ask("INFO", "sentinel") or ""),
                30, "the Sentinels know each other")
        addresses = ",".join(f"127.0.0.1:{s.port}" for s in self.sentinels)
        self.url = f"redis+sentinel://{addresses}/{MASTER}"

    def primary(self):
        """The server that is the primary now; None while there is none."""
        answer = self.sentinels[0].ask("SENTINEL", "get-master-addr-by-name", MASTER)
        if not isinstance(answer, list) or len(answer) != 2:
            return None
        found = [s for s in self.servers if str(s.port) == answer[1] and s.alive()]
        return found[0] if found else None

    def fail_over(self, seconds=40):
        """kill -9 of the primary; it comes back as a replica once another one leads."""
        old = harness.eventually(self.primary, seconds, "there is a primary")
        old.kill9()
        harness.eventually(lambda: self.primary() not in (None, old), seconds, "another one leads")
        old.start()

    def pause(self, seconds):
        server = harness.eventually(self.primary, 20, "there is a primary")
        server.send(signal.SIGSTOP)
        time.sleep(seconds)
        server.send(signal.SIGCONT)

    def stop(self):
        for server in [*self.sentinels, *self.servers]:
            server.kill9()
