"""attune-agent on a terminal, beside a real node: what is shown, how wide; what check leaves."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import unittest

from tests.integration import harness

ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, command, columns, **environment):
        self.master, slave = pty.openpty()
        self.resize(columns)
        variables = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS")}
        variables.update(TERM="xterm-256color", **environment)
        self.process = subprocess.Popen([str(part) for part in command], stdin=slave, stdout=slave,
                                        stderr=slave, env=variables, start_new_session=True)
        os.close(slave)
        self.text = ""

    def resize(self, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def read(self, seconds, until=None):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if until is not None and re.search(until, ESCAPE.sub("", self.text)):
                return True
            if select.select([self.master], [], [], 0.05)[0]:
                try:
                    got = os.read(self.master, 65536)
                except OSError:
                    return until is None
                if not got:
                    return until is None
                self.text += got.decode()
        return until is None

    def rows(self):
        """Everything that was ever on one row, each time it was written."""
        return [row for row in re.split(r"[\r\n]+", ESCAPE.sub("", self.text)) if row]

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.read(8)
        code = self.process.wait(timeout=10)
        os.close(self.master)
        return code


class TerminalTest(harness.IntegrationTest):

    def setUp(self):
        super().setUp()
        self.node = harness.Node(self.folder).start()
        self.addCleanup(self.node.stop)
        self.session = harness.Session(self.node, harness.C.SESSION_KIND_COUPLES,
                                       title="Evening")

    def command(self, *flags):
        return [harness.AGENT, *flags, f"--server={self.node.address}", "--config=/dev/null",
                f"--join={self.session.code}", f"--spool={self.folder}/spool"]

    def live(self, columns, *flags, **environment):
        terminal = Terminal(
            self.command("--yes", "--source=simulate:seed=3,hr=70", "--name=Ana", *flags), columns,
            **environment)
        self.assertTrue(terminal.read(15, until=r"Ana \d\d bpm.*\| live"), terminal.text)
        return terminal

    def test_the_live_line_fits_and_notes_stay(self):
        for columns in (60, 80, 120):
            terminal = self.live(columns, f"--spool={self.folder}/spool-{columns}", NO_COLOR="1")
            terminal.read(2.5)
            lines = [row for row in terminal.rows() if " bpm" in row]
            self.assertGreater(len(lines), 2)
            for row in lines:
                self.assertLess(len(row), columns, row)
            self.assertIn(" ago | ", lines[-1])
            self.assertIn("art", lines[-1])
            if columns == 120:
                self.assertRegex(lines[-1], r"clock \d+\.\d ms")
            self.assertIn("Ana takes part as number", "\n".join(terminal.rows()))
            self.assertNotIn("\x1b[3", terminal.text, "NO_COLOR")
            self.assertNotIn("\x1b[2J", terminal.text)
            self.assertEqual(terminal.stop(), 0)
            self.assertRegex(terminal.rows()[-1], r"^Ana: \w+, \d+ sent")

    def test_a_terminal_that_is_resized_and_one_that_is_stopped(self):
        terminal = self.live(120)
        terminal.resize(60)
        before = len(terminal.text)
        terminal.read(2.5)
        lines = re.split(r"\r", ESCAPE.sub("", terminal.text[before:]))
        newest = [line for line in lines if " bpm" in line][-1]
        self.assertLess(len(newest.strip()), 60)
        # Nobody reads for a while: the beats go on all the same.
        with self.node.channel():
            sent = self.ingested()
            time.sleep(3)
            self.assertGreater(self.ingested(), sent)
        self.assertEqual(terminal.stop(), 0)

    def ingested(self):
        return self.node.metric("attune_beats_admitted_total") or 0

    def test_check_looks_and_leaves_nothing(self):
        people = lambda: self.session.call("GetSession", harness.C.GetSessionRequest()).session
        terminal = Terminal(self.command("check", "--source=simulate:seed=3"), 80)
        self.assertTrue(terminal.read(20, until="All is well"), terminal.text)
        self.assertEqual(terminal.stop(), 0)
        shown = "\n".join(terminal.rows())
        for words in ("ok       beats: ", "ok       server: ",
                      "code: leads to 'Evening', a couples", "ok       clock: known to "):
            self.assertIn(words, shown)
        self.assertEqual(people().people, 0, "nobody joined")
        self.assertFalse(os.path.exists(f"{self.folder}/spool"))

        token = self.session.join("Ben").token
        token_file = os.path.join(str(self.folder), "ben.token")
        with open(token_file, "w", encoding="ascii", opener=lambda path, flags: os.open(
                path, flags, 0o600)) as file:
            file.write(token + "\n")
        done = subprocess.run(
            [harness.AGENT, "check", f"--server={self.node.address}", "--source=simulate",
             "--config=/dev/null", f"--token-file={token_file}"],
            capture_output=True, text=True, check=False, timeout=30)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(lines[-1], {"event": "checked", "outcome": "ok", "problems": 0,
                                     "unseen": 0})
        self.assertNotIn(token, done.stdout + done.stderr)
        self.assertEqual(people().people, 1)

        wrong = self.command("check", "--source=simulate")
        wrong = [part for part in wrong if not str(part).startswith("--join")]
        wrong.append("--join=0000-0000")
        done = subprocess.run(wrong, capture_output=True, text=True, check=False, timeout=30)
        self.assertEqual(done.returncode, 6)
        problem = [json.loads(line) for line in done.stdout.splitlines()
                   if '"problem"' in line and '"check"' in line]
        self.assertEqual([p["step"] for p in problem], ["code"])
        self.assertIn("read it again", problem[0]["remedy"])


if __name__ == "__main__":
    unittest.main()
