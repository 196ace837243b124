"""The fake_bluez program from Python: a private bus with straps, steered line by line."""

import subprocess
import threading
import time


class FakeBluez:
    """Starts with a bus of its own; `address` is for DBUS_SYSTEM_BUS_ADDRESS."""

    def __init__(self, binary):
        self.process = subprocess.Popen([binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        self.lock = threading.Lock()
        self.address = self.process.stdout.readline().strip()
        assert self.address, "fake_bluez did not start"

    def do(self, *words):
        """One command; its answer. Any thread."""
        with self.lock:
            self.process.stdin.write(" ".join(str(word) for word in words) + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline().strip()
        assert answer and not answer.startswith("error"), f"{words}: {answer}"
        return answer

    def until(self, wanted, *words, seconds=20):
        """Asks until the answer is `wanted`."""
        deadline = time.monotonic() + seconds
        while True:
            answer = self.do(*words)
            if answer == wanted:
                return
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds} s: {words} -> {wanted}, but {answer}")
            time.sleep(0.02)

    def stop(self):
        self.process.stdin.close()
        self.process.wait(timeout=10)
        self.process.stdout.close()
