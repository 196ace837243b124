"""What stands in front of the nodes in the chaos test: takes connections on one port, gives each to
a node that takes it, and can cut all of them. It knows nothing of what it carries."""

import random
import socket
import threading

import grpc


class Front:
    def __init__(self, addresses, seed):
        self.targets = [(a.rsplit(":", 1)[0], int(a.rsplit(":", 1)[1])) for a in addresses]
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        self.links = set()
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(128)
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(near,), daemon=True).start()

    def serve(self, near):
        with self.lock:
            order = self.random.sample(self.targets, len(self.targets))
        far = None
        for target in order:
            try:
                far = socket.create_connection(target, timeout=2)
                break
            except OSError:
                continue
        if far is None:
            near.close()
            return
        far.settimeout(None)
        with self.lock:
            self.links |= {near, far}
        back = threading.Thread(target=self.carry, args=(far, near), daemon=True)
        back.start()
        self.carry(near, far)
        back.join()
        with self.lock:
            self.links -= {near, far}
        near.close()
        far.close()

    @staticmethod
    def carry(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        """Ends every connection; new ones are taken at once."""
        with self.lock:
            links = list(self.links)
        for link in links:
            try:
                link.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        return len(links) // 2

    def close(self):
        self.listener.close()
        self.cut()

    def channel(self):
        return grpc.insecure_channel(self.address, options=[
            ("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 500),
            ("grpc.use_local_subchannel_pool", 1)])


class Door:
    """The front as tests/integration/harness sees a node: where to call, and whose keys."""

    def __init__(self, front, cluster):
        self.address = front.address
        self.channel = front.channel
        self.folder = cluster.folder
        self.operator_token = cluster.operator_token
        self.session = lambda kind, **wish: type(cluster).session(self, kind, **wish)
