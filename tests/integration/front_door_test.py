"""One TLS port for everybody: the load balancers' configurations of deploy/, as real processes.

An agent streams, a watcher follows and a page asks for health through HAProxy and through nginx,
with certificates that live for one run. The node behind is killed and started again: everybody
comes back by themselves, and nothing is lost.
"""

import os
import re
import shutil
import signal
import ssl
import subprocess
import unittest
import urllib.error
import urllib.request

import grpc

from attune.v1 import node_pb2, node_pb2_grpc, session_pb2

from tests.integration import harness

RATE = 10
SECONDS = 60  # of beats, in session time
PERSON = "nsr003"
HAPROXY = harness.RUNFILES / "deploy/haproxy/haproxy.cfg"
NGINX = harness.RUNFILES / "deploy/nginx/attune.conf"


def make_certificates(folder):
    """A throw-away authority (ca.crt) and a certificate for localhost (attune.crt, .key, .pem)."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *curve, "-days", "1", "-subj", "/CN=throw-away authority",
            "-keyout", "ca.key", "-out", "ca.crt")
    openssl("req", *curve, "-subj", "/CN=localhost", "-keyout", "attune.key", "-out", "attune.csr")
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n", encoding="ascii")
    openssl("x509", "-req", "-in", "attune.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
            "-CAcreateserial", "-days", "1", "-extfile", "names", "-out", "attune.crt")
    (folder / "attune.pem").write_bytes(
        (folder / "attune.crt").read_bytes() + (folder / "attune.key").read_bytes())


def program(name):
    """Servers live in sbin, which is not on everybody's path."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    assert found, f"{name} is not installed: run deploy/setup"
    return found


class Door:
    """What the harness needs of a node, by way of a load balancer's one TLS port."""

    def __init__(self, node, folder, address):
        self.node = node
        self.folder = folder
        self.address = address
        self.ca = folder / "ca.crt"

    def channel(self):
        return grpc.secure_channel(
            self.address, grpc.ssl_channel_credentials(self.ca.read_bytes()),
            options=[("grpc.initial_reconnect_backoff_ms", 100),
                     ("grpc.max_reconnect_backoff_ms", 500),
                     ("grpc.use_local_subchannel_pool", 1)])

    def operator_token(self):
        return self.node.operator_token()

    def get(self, path):
        context = ssl.create_default_context(cafile=str(self.ca))
        try:
            with urllib.request.urlopen(f"https://{self.address}{path}", timeout=10,
                                        context=context) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except (urllib.error.URLError, OSError) as error:
            return 0, str(error)


class FrontDoorTest(harness.IntegrationTest):

    def spawn(self, command, folder, **environment):
        log = folder / "balancer.log"
        with open(log, "wb") as out:
            process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=out,
                                       stderr=subprocess.STDOUT,
                                       env={**os.environ, **environment})
        def stop():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(timeout=10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        self.addCleanup(stop)
        return process

    def start_haproxy(self, node, folder):
        address = f"localhost:{harness.free_port()}"
        nowhere = f"127.0.0.1:{harness.free_port()}"
        environment = {
            "ATTUNE_LISTEN": address.replace("localhost", "127.0.0.1"),
            "ATTUNE_PEM": str(folder / "attune.pem"),
            "ATTUNE_NODE_1_GRPC": node.address, "ATTUNE_NODE_1_HTTP": node.http,
            # Two nodes that are down.
            "ATTUNE_NODE_2_GRPC": nowhere, "ATTUNE_NODE_2_HTTP": nowhere,
            "ATTUNE_NODE_3_GRPC": nowhere, "ATTUNE_NODE_3_HTTP": nowhere}
        checked = subprocess.run([program("haproxy"), "-c", "-f", HAPROXY], capture_output=True,
                                 text=True, check=False, env={**os.environ, **environment})
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        self.assertNotIn("WARNING", checked.stderr)
        return Door(node, folder, address), self.spawn(
            [program("haproxy"), "-db", "-f", str(HAPROXY)], folder, **environment)

    def start_nginx(self, node, folder):
        address = f"localhost:{harness.free_port()}"
        nowhere = f"127.0.0.1:{harness.free_port()}"
        text = NGINX.read_text(encoding="ascii")
        for written, here in (("127.0.0.1:7443", address.replace("localhost", "127.0.0.1")),
                              ("127.0.0.1:7400", node.address), ("127.0.0.1:7480", node.http),
                              ("127.0.0.1:7401", nowhere), ("127.0.0.1:7402", nowhere),
                              ("127.0.0.1:7481", nowhere), ("127.0.0.1:7482", nowhere)):
            self.assertIn(written, text)
            text = text.replace(written, here)
        text = re.sub(r"worker_rlimit_nofile[^\n]*", "", text)  # needs root
        config = folder / "attune.conf"
        config.write_text("daemon off;\n" + text, encoding="ascii")
        command = [program("nginx"), "-p", str(folder), "-c", str(config), "-e", "stderr"]
        checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        return Door(node, folder, address), self.spawn(command, folder)

    def people_through(self, start):
        folder = self.folder
        make_certificates(folder)
        node = self.start_node(folder, "--lateness-ms=20000", rate=RATE)
        door, balancer = start(node, folder)
        harness.eventually(lambda: door.get("/healthz")[0] == 200, 20, "health through the door")
        self.assertEqual(door.get("/metrics")[0] // 100, 4, "internals are shown to the street")

        session = harness.Session(door, session_pb2.SESSION_KIND_COUPLES)
        watcher = self.start_watcher(door, session.token)
        source = f"replay:{harness.NSR2DB / PERSON}.rr,seconds={SECONDS}"
        agent = self.start_agent(door, session, "anna", [("Anna", source, "")],
                                 consent="measure,group,report",
                                 flags=("--tls", f"--ca={door.ca}"))
        harness.eventually(lambda: len(watcher.frames) >= 10, 30, "frames through the door")
        node.kill9()
        harness.eventually(lambda: watcher.refused is not None, 20, "the watcher notices")
        # A balancer resets the stream of a node that died; it has no status of gRPC's to give.
        self.assertIn(watcher.refused.code(), (
            grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN))
        before = max(watcher.frames)
        node.start()
        harness.eventually(lambda: max(watcher.frames) > before + 5, 40, "frames after the restart")
        wanted = harness.beats_in(PERSON, SECONDS)
        harness.eventually(lambda: sum(int(p["beats_durable"]) for p in agent.people()) >= wanted,
                           40, "all beats")
        session.end()
        self.assertTrue(watcher.closed.wait(40), "the watcher sees the end")
        self.assertEqual(agent.wait(40), 0, agent.text())
        person = agent.summary()[0]
        self.assertIn(int(person["beats_sent"]), (wanted, wanted + 1))  # where the cut falls
        self.assertEqual(int(person["beats_durable"]), int(person["beats_sent"]))
        self.assertEqual(int(person["beats_lost"]), 0)
        self.assertEqual(watcher.changed, [])
        self.assertEqual(session.report().envelope.epochs, 2)
        self.assertIsNone(balancer.poll())

        # A node that stops says so, and the door knows within seconds.
        self.assertEqual(node.stop(), 0, node.log())
        harness.eventually(lambda: door.get("/healthz")[0] >= 500, 20, "the door knows")
        with door.channel() as channel, self.assertRaises(grpc.RpcError) as refused:
            node_pb2_grpc.NodeServiceStub(channel).GetNodeStatus(
                node_pb2.GetNodeStatusRequest(), metadata=harness.bearer(door.operator_token()),
                timeout=20)
        self.assertEqual(refused.exception.code(), grpc.StatusCode.UNAVAILABLE)

    def test_haproxy(self):
        self.people_through(self.start_haproxy)

    def test_nginx(self):
        self.people_through(self.start_nginx)


if __name__ == "__main__":
    unittest.main()
