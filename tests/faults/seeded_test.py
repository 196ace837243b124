"""Ten simulated minutes of real agents, a real node and a bad network, for many seeds at once: the
journal holds each person's beats exactly once, in order, with gaps exactly where beats were lost.

What should be there comes from the sources themselves, read without agent, network or node.

  bazel test //tests/faults:seeded_test                              the seeds of every day
  bazel test //tests/faults:seeded_test --test_arg=--seeds=17        one again
  bazel test //tests/faults:seeded_test --test_arg=--seeds=0-999     many
"""

import argparse
import concurrent.futures
import json
import subprocess
import sys
import threading
import time
import types
import unittest

from attune.v1 import session_pb2

from tests.faults import proxy, scenario
from tests.integration import disk, harness

JOURNAL_BEATS = proxy.RUNFILES / "tests/faults/journal_beats"
SOURCE_BEATS = proxy.RUNFILES / "tests/faults/source_beats"
MEASURE = [session_pb2.Consent(purpose=session_pb2.PURPOSE_MEASURE,
                               audience=session_pb2.AUDIENCE_SELF, granted=True,
                               text_version="test-1")]
SPOOL_BYTES = 256 << 10
PATIENCE_S = 60  # after the last fault

arguments = argparse.Namespace(seeds="0-49", rate=30.0, at_once=50)


def json_lines(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{command[0].name}: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def make_certificate(folder):
    """(certificate, key) for 127.0.0.1."""
    certificate, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=attune",
         "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    return certificate, key


class Run:
    """One seed."""

    def __init__(self, seed, folder, certificate):
        self.plan = scenario.make(seed, scenario.SESSION_S / arguments.rate)
        self.folder = folder
        self.certificate = certificate
        self.closing = []
        self.full = False

    def problems(self):
        """What is wrong, in words; empty: nothing."""
        try:
            self.play()
            return self.compare()
        except (AssertionError, OSError, subprocess.SubprocessError) as error:
            return [f"{type(error).__name__}: {error}"]
        finally:
            for close in reversed(self.closing):
                close()

    def play(self):
        plan = self.plan
        host = f"127.77.{plan.seed // 250 % 250}.{plan.seed % 250 + 1}"
        self.node = harness.Node(self.folder, "--workers=1", rate=arguments.rate, host=host).start()
        self.closing.append(lambda: self.node.process.poll() is None and self.node.kill9())
        self.session = harness.Session(self.node, session_pb2.SESSION_KIND_COUPLES)
        self.network = proxy.FaultProxy(self.node.address, plan.seed, plan.network == "messages",
                                        self.folder / "faults.log")
        self.closing.append(self.network.stop)
        spool = self.folder / "spool"
        if plan.small_disk:
            spool.mkdir()
            self.disk = disk.Disk(spool, SPOOL_BYTES)
            self.closing.append(self.disk.unmount)
        front = types.SimpleNamespace(folder=self.folder, address=self.network.address)
        self.agent = harness.Agent(front, self.session, "agent",
                                   [(f"P{i}", spec, "") for i, spec in enumerate(plan.sources)],
                                   consent="measure")
        self.agent.command += ["--exit-when-done", f"--spool={spool}"]
        if plan.network == "tls":
            certificate, key = self.certificate
            self.node.stop()
            self.node.flags += [f"--tls-cert={certificate}", f"--tls-key={key}"]
            self.node.start()
            self.agent.command += ["--tls", f"--ca={certificate}"]
        self.agent.start()
        self.closing.append(lambda: self.agent.process.poll() is None and self.agent.kill9())
        self.go_through_events()
        self.network.do("clear")
        left_s = self.began + scenario.SESSION_S / arguments.rate - time.monotonic()
        code = self.agent.wait(max(0, left_s) + PATIENCE_S)
        assert code == 0, f"the agent ended with {code}:\n{self.agent.text()}"
        assert self.node.stop() == 0, self.node.log()

    def go_through_events(self):
        self.began = time.monotonic()
        todo = [(event.at_s, number, event) for number, event in enumerate(self.plan.events)]
        while todo:
            at_s, _, event = todo.pop(0)
            time.sleep(max(0, self.began + at_s - time.monotonic()))
            if isinstance(event, scenario.Event):
                after = self.begin(event)
                if after is not None:
                    todo.append((at_s + event.for_s, len(todo) + 1000, after))
                    todo.sort(key=lambda entry: entry[:2])
            else:
                event()

    def begin(self, event):
        """Does it; what undoes it, if anything has to."""
        if event.what == "proxy":
            self.network.do(event.command)
        elif event.what == "agent" and self.agent.process.poll() is None:
            self.agent.kill9()
            return self.agent.start
        elif event.what == "node" and self.node.alive():
            self.node.kill9()
            return self.node.start
        elif event.what == "disk":
            self.disk.fill()
            return self.disk.make_room
        return None

    def compare(self):
        found = json_lines([JOURNAL_BEATS, f"--journal={self.node.journal}",
                            f"--keys={self.node.keys}", f"--session={self.session.id}"])
        wanted = json_lines([SOURCE_BEATS, *self.plan.sources])
        people = {person["alias"]: person for person in found}
        problems = []
        if len(people) != len(wanted) or len(found) != len(wanted):
            problems.append(f"{len(found)} people in the journal instead of {len(wanted)}")
        for number, beats in enumerate(wanted):
            person = people.get(f"P{number}")
            if person is None:
                problems.append(f"P{number} is not in the journal")
                continue
            problems += [f"P{number}: {words}" for words in differences(person, beats)]
        return problems


def differences(person, wanted):
    """How the journal's beats differ from the source's."""
    words = []
    numbers = [beat[0] for beat in person["beats"]]
    if numbers != list(range(1, len(wanted) + 1)):
        wrong = next((i for i, number in enumerate(numbers) if number != i + 1), len(numbers))
        words.append(f"{len(numbers)} beats instead of {len(wanted)}; after {wrong} comes number "
                     f"{numbers[wrong:wrong + 1] or 'none'}")
    beats = [beat[1:] for beat in person["beats"]]
    if beats != wanted:
        wrong = next((i for i, (one, other) in enumerate(zip(beats, wanted)) if one != other), None)
        if wrong is not None:
            words.append(f"beat {wrong + 1} is {beats[wrong]} instead of {wanted[wrong]} "
                         "(time, interval, gap before)")
    if person["gaps"]:
        words.append(f"numbers given up: {person['gaps'][:5]}")
    return words


class SeededFaultsTest(harness.IntegrationTest):

    def test_every_beat_once_and_in_order(self):
        first, _, last = arguments.seeds.partition("-")
        seeds = range(int(first), int(last or first) + 1)
        certificate = make_certificate(self.folder)
        failed, slowest = {}, 0.0
        gate = threading.Lock()

        def run(seed):
            nonlocal slowest
            folder = self.folder_for(f"seed-{seed}")
            one = Run(seed, folder, certificate)
            began = time.monotonic()
            problems = one.problems()
            with gate:
                slowest = max(slowest, time.monotonic() - began)
                if problems:
                    failed[seed] = f"{one.plan}\n" + "\n".join(problems)
                    print(f"FAILED seed {seed}: {problems[0]}\n  again: bazel test "
                          f"//tests/faults:seeded_test --test_arg=--seeds={seed}", flush=True)

        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(arguments.at_once) as pool:
            list(pool.map(run, seeds))
        print(f"{len(seeds)} seeds in {time.monotonic() - began:.0f} s, the slowest took "
              f"{slowest:.0f} s; {len(failed)} failed", flush=True)
        self.assertEqual(failed, {}, "\n\n".join(failed.values()))


if __name__ == "__main__":
    disk.with_own_mounts()
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", default=arguments.seeds, help="one, or FIRST-LAST")
    parser.add_argument("--rate", type=float, default=arguments.rate, help="of the session's clock")
    parser.add_argument("--at-once", type=int, default=arguments.at_once, help="how many seeds")
    arguments, rest = parser.parse_known_args(namespace=arguments)
    unittest.main(argv=[sys.argv[0], *rest])
