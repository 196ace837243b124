"""deploy/systemd/attune-agent.service: what it names exists, and systemd understands it."""

import configparser
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).absolute().parents[2]
UNIT = ROOT / "deploy/systemd/attune-agent.service"
AGENT = ROOT / "edge/agent/attune-agent"


def parse():
    parser = configparser.ConfigParser(strict=True, interpolation=None, delimiters=("=",),
                                       comment_prefixes=("#",))
    parser.optionxform = str
    parser.read(UNIT, encoding="utf-8")
    return parser


def help_text():
    return subprocess.run([AGENT, "--help"], capture_output=True, text=True, check=True).stdout


class UnitTest(unittest.TestCase):

    def test_flags_exist_and_no_value_goes_to_the_journal(self):
        command = parse()["Service"]["ExecStart"].split()
        self.assertEqual(command[0], "%h/.local/bin/attune-agent")
        for flag in command[1:]:
            self.assertIn(flag.split("=")[0] + "=", help_text())
        self.assertIn("--config=%E/attune/agent.conf", command)
        self.assertIn("--format=notes", command)
        self.assertNotIn("--yes", command, "consent is the user's to give, in the file")

    def test_exit_codes_that_trying_again_cannot_mend(self):
        service = parse()["Service"]
        self.assertEqual(service["Restart"], "on-failure")
        told = dict(re.findall(r"^  (\d)  (.*)$", help_text(), re.MULTILINE))
        self.assertEqual(set(service["RestartPreventExitStatus"].split()), {"2", "3", "4", "5"})
        for code in "0234567":
            self.assertIn(code, told)
        with tempfile.TemporaryDirectory() as folder:
            config = pathlib.Path(folder) / "agent.conf"
            config.write_text("sorce = simulate\n", encoding="utf-8")
            done = subprocess.run([AGENT, f"--config={config}"], capture_output=True, text=True,
                                  check=False, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 2)
        self.assertIn("agent.conf:1: sorce", done.stderr)

    def test_systemd_understands_it(self):
        analyze = shutil.which("systemd-analyze")
        if analyze is None:  # A machine without systemd: the two tests above must do.
            self.assertEqual(set(parse().sections()), {"Unit", "Service", "Install"})
            return
        with tempfile.TemporaryDirectory() as folder:
            unit = pathlib.Path(folder) / "attune-agent.service"
            unit.write_text(UNIT.read_text(encoding="utf-8").replace(
                "%h/.local/bin/attune-agent", str(AGENT.resolve())), encoding="utf-8")
            environment = dict(os.environ, XDG_RUNTIME_DIR=folder, HOME=folder)
            done = subprocess.run([analyze, "verify", "--user", unit], capture_output=True,
                                  text=True, check=False, env=environment)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            broken = unit.read_text(encoding="utf-8").replace("Restart=", "Restat=")
            unit.write_text(broken, encoding="utf-8")
            done = subprocess.run([analyze, "verify", "--user", unit], capture_output=True,
                                  text=True, check=False, env=environment)
            self.assertIn("Restat", done.stderr, "what is asked here would notice")


if __name__ == "__main__":
    unittest.main()
