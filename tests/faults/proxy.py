"""The fault proxy as a test holds it: commands in, `ok` out."""

import json
import os
import pathlib
import subprocess
import threading

RUNFILES = pathlib.Path(__file__).absolute().parents[2]
FAULT_PROXY = RUNFILES / "tests/faults/fault_proxy"


class FaultProxy:
    """A bad network before `target` (IPv4:PORT). What commands there are: fault_proxy.cc."""

    def __init__(self, target, seed=1, messages=False, log=None):
        command = [FAULT_PROXY, f"--to={target}", f"--seed={seed}"]
        if messages:
            command.append("--messages")
        if log is not None:
            command.append(f"--log={log}")
        self.lock = threading.Lock()
        with open(os.devnull if log is None else f"{log}.words", "wb") as words:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=words, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError("fault_proxy did not start")
        self.address = json.loads(line)["listen"]

    def ask(self, command):
        with self.lock:
            try:
                self.process.stdin.write(command + "\n")
                self.process.stdin.flush()
            except BrokenPipeError:
                raise AssertionError(f"fault_proxy is gone ({self.process.wait()})") from None
            return self.process.stdout.readline().strip()

    def do(self, command):
        answer = self.ask(command)
        assert answer == "ok", f"fault_proxy, {command}: {answer}"

    def counters(self):
        return json.loads(self.ask("counters"))

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
