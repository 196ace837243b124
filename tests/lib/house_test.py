#!/usr/bin/python3
"""Tests of what tests everything else: counting of cases, the judges of demo and benchmarks, the
suites' runner, and deploy/setup on machines that lack something. Prints a line per case."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
LIB = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(LIB))
sys.path.insert(0, LIB)

import check_bench  # pylint: disable=wrong-import-position
import check_demo_summary  # pylint: disable=wrong-import-position
import count_cases  # pylint: disable=wrong-import-position

XML = """<testsuites><testsuite><testcase name="a" status="run"/><testcase name="b" status="run">
<failure message="x"/></testcase><testcase name="c" status="notrun"/></testsuite></testsuites>"""


def run(command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, **options)


class CountCases(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def write(self, name, text):
        path = os.path.join(self.folder.name, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def count(self, log, status):
        result = run([sys.executable, os.path.join(LIB, "count_cases.py"), self.write("log", log),
                      self.folder.name, str(status)])
        return result.stdout.strip()

    def events(self, status, xml):
        output = [{"name": "test.xml", "uri": "file://" + self.write("test.xml", xml)}]
        result = {"id": {"testResult": {"label": "//a:b", "run": 1, "shard": 1}},
                  "testResult": {"status": status, "testActionOutput": output}}
        return self.write("events.1", json.dumps(result) + "\n{\"cut")

    def test_lines(self):
        self.assertEqual(self.count("ok a\nnot ok b - why\nok c\nnoise\n", 1), "2 1")

    def test_nothing_tested_is_a_failure(self):
        self.assertEqual(self.count("", 0), "0 1")

    def test_failed_suite_without_failed_case_is_a_failure(self):
        self.assertEqual(self.count("ok a\n", 124), "1 1")

    def test_cases_of_bazel_tests(self):
        self.assertEqual(count_cases.count_events(self.events("FAILED", XML)), (1, 1))

    def test_crashed_bazel_test_is_a_failure(self):
        self.assertEqual(count_cases.count_events(self.events("FAILED", "")), (0, 1))
        self.assertEqual(count_cases.count_events(self.events("TIMEOUT", "")), (0, 1))

    def test_target_that_does_not_build_is_a_failure(self):
        path = self.write("events.1", json.dumps({"testSummary": {"overallStatus": "NO_STATUS"}}))
        self.assertEqual(count_cases.count_events(path), (0, 1))


class Runner(unittest.TestCase):
    """tests/run with suites of this test."""

    def run_suites(self, suites, table, *arguments):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("tests/lib", "deploy"):
                os.makedirs(os.path.join(folder, name))
            for name in ("tests/run", "tests/lib/suites.sh", "tests/lib/count_cases.py"):
                with open(os.path.join(ROOT, name), encoding="utf-8") as source:
                    text = source.read()
                if name.endswith("suites.sh"):
                    text += f"\nlist_suites() {{ echo '{table}'; }}\n{suites}\n"
                with open(os.path.join(folder, name), "w", encoding="utf-8") as target:
                    target.write(text)
            setup = os.path.join(folder, "deploy/setup")
            with open(setup, "w", encoding="utf-8") as target:
                target.write("#!/bin/bash\n")
            os.chmod(setup, 0o755)
            result = run(["bash", os.path.join(folder, "tests/run"), *arguments],
                         env={**os.environ, "TMPDIR": folder, "ATTUNE_TEST_LOGS": ""})
        return result.returncode, result.stdout.splitlines()

    def test_goes_on_after_a_failure(self):
        code, lines = self.run_suites("suite_a() { echo 'not ok x'; return 1; }\n"
                                      "suite_b() { echo 'ok y'; }", "a 5 A\nb 5 B")
        self.assertEqual((code, lines[-1]), (1, "1 passed, 1 failed"))

    def test_green(self):
        code, lines = self.run_suites("suite_a() { echo 'ok x'; echo 'ok y'; }", "a 5 A")
        self.assertEqual((code, lines[-1]), (0, "2 passed, 0 failed"))

    def test_overrun_budget_is_a_failure(self):
        code, lines = self.run_suites("suite_a() { echo 'ok x'; sleep 20; }", "a 1 A")
        self.assertEqual((code, lines[-1]), (1, "1 passed, 1 failed"))

    def test_missing_suite_is_a_failure(self):
        code, lines = self.run_suites("", "a 5 A")
        self.assertEqual((code, lines[-1]), (1, "0 passed, 1 failed"))

    def test_only(self):
        code, lines = self.run_suites("suite_a() { return 1; }\nsuite_b() { echo 'ok y'; }",
                                      "a 5 A\nb 5 B", "--only=b")
        self.assertEqual((code, lines[-1]), (0, "1 passed, 0 failed"))

    def test_unknown_suite_is_refused(self):
        code, lines = self.run_suites("suite_a() { echo 'ok x'; }", "a 5 A", "--only=nope")
        self.assertEqual((code, lines), (2, []))


class DemoJudge(unittest.TestCase):
    GOOD = {
        "beats_sent": 5000, "beats_acknowledged": 5000, "beats_durable": 5000, "beats_lost": 0,
        "frames_seen": 600,
        "sessions": [
            {"kind": "couples", "group": {"order_parameter": {"absent": "ABSENCE_TOO_FEW_PEOPLE"}},
             "pairs": [{"a": "Ada", "b": "Ben", "value": 0.5, "above_chance": True},
                       {"a": "Cleo", "b": "Dan", "value": 0.1, "above_chance": False}]},
            {"kind": "team", "group": {"order_parameter": {"value": 0.2}}, "pairs": []},
        ],
    }

    def judge(self, change=lambda summary: None):
        summary = json.loads(json.dumps(self.GOOD))
        change(summary)
        with open(os.devnull, "w", encoding="utf-8") as nowhere:
            stdout, sys.stdout = sys.stdout, nowhere
            try:
                return check_demo_summary.judge(summary)
            finally:
                sys.stdout = stdout

    def test_good(self):
        self.assertTrue(self.judge())

    def test_each_lie_is_seen(self):
        for key, value in (("beats_sent", 0), ("beats_lost", 1), ("beats_durable", 4999),
                           ("beats_acknowledged", 1), ("frames_seen", 0), ("sessions", [])):
            self.assertFalse(self.judge(lambda s, k=key, v=value: s.update({k: v})), key)

    def test_contrast(self):
        def uncoupled(summary):
            summary["sessions"][0]["pairs"][0]["above_chance"] = False

        def strangers(summary):
            summary["sessions"][0]["pairs"][1]["above_chance"] = True

        def team_pairs(summary):
            summary["sessions"][1]["pairs"] = summary["sessions"][0]["pairs"]

        for change in (uncoupled, strangers, team_pairs):
            self.assertFalse(self.judge(change), change.__name__)


class BenchJudge(unittest.TestCase):
    def test_figures(self):
        good = {"figure": "f", "value": 2, "unit": "x", "floor": 1, "floor_is": "y", "ratio": 2,
                "bar": 1, "holds": True}
        self.assertEqual(check_bench.judge(json.dumps(good)), ("f", ""))
        for change in ({"holds": None}, {"value": None}, {"value": float("nan")}):
            self.assertTrue(check_bench.judge(json.dumps({**good, **change}))[1], change)
        self.assertIn("lacks unit", check_bench.judge(json.dumps(
            {k: v for k, v in good.items() if k != "unit"}))[1])
        self.assertTrue(check_bench.judge("{")[1])


class Setup(unittest.TestCase):
    """deploy/setup with package tools of this test, which know no package but those named."""

    def setup_run(self, installed, *arguments, apt_get="exit 0"):
        """Runs it; returns (exit code, standard error, what apt-get was asked for)."""
        with tempfile.TemporaryDirectory() as folder:
            record = os.path.join(folder, "record")
            have = os.path.join(folder, "have")
            with open(have, "w", encoding="utf-8") as file:
                file.write("\n".join(installed) + "\n")
            tools = {
                "dpkg-query": f'grep -qx -- "${{@: -1}}" {have} && printf installed',
                "dpkg": "exit 0",
                "apt-get": f'echo "$1" >>{record}\n{apt_get.format(have=have)}',
                "tee": '[[ "$1" != /usr/sbin/* ]] || set -- /dev/null\n/usr/bin/tee "$@"',
                "chmod": "exit 0",
                "rm": 'if [[ "$*" != */usr/sbin/* ]]; then /bin/rm "$@"; fi',
                "sudo": '[[ "$1" != -n ]] || shift\n"$@"',
            }
            for name, body in tools.items():
                path = os.path.join(folder, name)
                with open(path, "w", encoding="utf-8") as file:
                    file.write(f"#!/bin/bash\n{body}\n")
                os.chmod(path, 0o755)
            result = run(["deploy/setup", *arguments], stdin=subprocess.DEVNULL,
                         env={**os.environ, "PATH": f"{folder}:/usr/bin:/bin"})
            asked = ""
            if os.path.exists(record):
                with open(record, encoding="utf-8") as file:
                    asked = file.read()
            return result.returncode, result.stderr, asked.split()

    def all_packages(self):
        return [line.split()[0] for line in run(["deploy/setup", "--list"]).stdout.splitlines()]

    def test_silent_when_nothing_is_missing(self):
        self.assertEqual(self.setup_run(self.all_packages()), (0, "", []))
        self.assertEqual(self.setup_run(self.all_packages(), "--check"), (0, "", []))

    def test_check_says_what_is_missing_and_why_and_touches_nothing(self):
        packages = self.all_packages()
        packages.remove("libsqlite3-dev")
        code, error, asked = self.setup_run(packages, "--check")
        self.assertEqual((code, asked), (1, []))
        self.assertRegex(error, r"libsqlite3-dev +the embedded journal")
        self.assertNotIn("libjwt-dev", error)

    def test_installs_what_is_missing_with_one_update(self):
        packages = self.all_packages()
        missing = {"libsqlite3-dev", "prometheus"}
        code, error, asked = self.setup_run(
            [p for p in packages if p not in missing],
            apt_get='for name in "$@"; do echo "$name" >>{have}; done')
        self.assertEqual((code, asked), (0, ["update", "install"]))
        self.assertIn("All packages are installed", error)

    def test_failed_installation_is_explained(self):
        code, error, asked = self.setup_run([], apt_get='echo "E: no route"; exit 100')
        self.assertEqual((code, asked), (1, ["update", "install"]))
        self.assertIn("E: no route", error)
        self.assertIn("Is there a network", error)

    def test_installation_that_did_not_happen_is_noticed(self):
        code, error, _ = self.setup_run([])
        self.assertEqual(code, 1)
        self.assertIn("still missing", error)

    def test_bad_option(self):
        self.assertEqual(self.setup_run([], "--nope")[0], 2)


class Lines(unittest.TextTestResult):
    """One line per case, as tests/run counts them."""

    def addSuccess(self, test):
        print(f"ok house: {test.id()}")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        print(f"not ok house: {test.id()}")

    addError = addFailure


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    unittest.main(testRunner=unittest.TextTestRunner(resultclass=Lines, stream=sys.stdout))
