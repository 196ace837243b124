"""What an agent costs in real time: processor, memory and wire, of one strap and of a hub of 50."""

import json
import os
import pathlib
import subprocess
import tempfile
import threading
import time

RR_MS = (812, 830, 795, 845, 780, 860)  # a strap at about 73 per minute
HUB = 50


class Proxy:
    """Counts bytes between an agent and its node."""

    def __init__(self, binaries, to):
        self.process = subprocess.Popen([binaries / "tests/faults/fault_proxy", f"--to={to}"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.address = json.loads(self.process.stdout.readline())["listen"]

    def bytes(self):
        self.process.stdin.write("counters\n")
        self.process.stdin.flush()
        counters = json.loads(self.process.stdout.readline())
        return counters["up_bytes"] + counters["down_bytes"]

    def stop(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class Agent:
    def __init__(self, binaries, address, tokens, sources, folder):
        command = [binaries / "edge/agent/attune-agent", f"--server={address}",
                   f"--spool={folder}", "--yes", "--format=json"]
        for token, source in zip(tokens, sources):
            command += [f"--token={token}", f"--source={source}"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)

    def cpu_s(self):
        stat = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text()
        fields = stat.rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_mb(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) * 1024 / 1e6

    def feed(self, over):
        """Writes intervals as they pass, as a program that reads a strap would."""
        beat = 0
        while not over.wait(RR_MS[beat % len(RR_MS)] / 1000):
            try:
                self.process.stdin.write(f"{RR_MS[beat % len(RR_MS)]}\n".encode())
                self.process.stdin.flush()
            except BrokenPipeError:
                return
            beat += 1

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdin.close()


def measure(binaries, node, seconds):
    """{"one": {...}, "hub": {...}}: cpu (share of a core), resident_mb, bytes_per_s."""
    over = threading.Event()
    with tempfile.TemporaryDirectory(prefix="attune-bench-") as scratch:
        agents, proxies = {}, {}
        for name, sources in (("one", ["stdin"]),
                              ("hub", [f"simulate:seed={i + 1}" for i in range(HUB)])):
            proxies[name] = Proxy(binaries, node.serving["grpc"])
            agents[name] = Agent(binaries, proxies[name].address, node.session(len(sources))[1],
                                 sources, pathlib.Path(scratch) / name)
        threading.Thread(target=agents["one"].feed, args=(over,), daemon=True).start()
        try:
            time.sleep(5)  # the start is not what a session costs
            before = {name: (agent.cpu_s(), proxies[name].bytes())
                      for name, agent in agents.items()}
            began = time.monotonic()
            time.sleep(seconds)
            took_s = time.monotonic() - began
            return {name: {"cpu": (agent.cpu_s() - before[name][0]) / took_s,
                           "bytes_per_s": (proxies[name].bytes() - before[name][1]) / took_s,
                           "resident_mb": agent.resident_mb()} for name, agent in agents.items()}
        finally:
            over.set()
            for name, agent in agents.items():
                agent.stop()
                proxies[name].stop()
