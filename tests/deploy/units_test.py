"""The units of deploy/systemd: what they name exists, systemd understands them, they are locked."""

import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).absolute().parents[2]
SYSTEMD = ROOT / "deploy/systemd"
ATTUNED = ROOT / "services/attuned/attuned"
# systemd-analyze's own measure, 0 (best) to 10.
MOST_EXPOSURE = 2.0

UNITS = ["attuned.service", "attuned@.service"]


def text_of(name):
    return (SYSTEMD / name).read_text(encoding="utf-8")


def setting(name, key):
    return re.findall(rf"^{key}=(.*)$", text_of(name), re.MULTILINE)


class UnitsTest(unittest.TestCase):

    def test_flags_exist(self):
        told = subprocess.run([ATTUNED, "--help"], capture_output=True, text=True,
                              check=False).stdout
        for name in UNITS:
            [command] = setting(name, "ExecStart")
            words = command.split()
            self.assertEqual(words[0], "/usr/local/bin/attuned")
            flags = [word for word in words[1:] if word.startswith("--")]
            self.assertGreaterEqual(len(flags), 3)
            # Also those that the head of the file talks about.
            told_about = "grpc|http|tls-\\w+|durability|journal|plaintext-redis|allow-lab"
            flags += re.findall(rf"(?<![\w-])--(?:{told_about})\b", text_of(name))
            for flag in flags:
                name_of_flag = flag.split("=")[0][2:].replace("-", "_")
                self.assertIn(f"--{name_of_flag} ", told + " ", flag)

    def test_wrong_settings_are_not_tried_again(self):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([ATTUNED, "--clock-rate=0"], capture_output=True, text=True,
                                  check=False, cwd=folder)
        for name in UNITS:
            self.assertEqual(setting(name, "RestartPreventExitStatus"), [str(done.returncode)])
            self.assertEqual(setting(name, "Restart"), ["on-failure"])

    def test_the_user_is_the_one_that_is_made(self):
        [line] = [line for line in text_of("attune.sysusers").splitlines()
                  if line.startswith("u ")]
        user = line.split()[1]
        for name in UNITS:
            self.assertEqual(setting(name, "User"), [user])

    def verify(self, folder, name, text):
        unit = pathlib.Path(folder) / name.replace("@.", "@node-1.")
        unit.write_text(text.replace("/usr/local/bin/attuned", str(ATTUNED.resolve())),
                        encoding="utf-8")
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit],
                              capture_output=True, text=True, check=False)
        # A machine that does not run systemd may lack units of others (network-online.target).
        said = [line for line in done.stderr.splitlines() if unit.name in line]
        return unit, done.returncode, said

    def test_systemd_understands_them(self):
        if shutil.which("systemd-analyze") is None:
            # A machine without systemd: sections and settings must do.
            for name in UNITS:
                self.assertEqual(re.findall(r"^\[(\w+)\]$", text_of(name), re.MULTILINE),
                                 ["Unit", "Service", "Install"])
            return
        with tempfile.TemporaryDirectory() as folder:
            for name in UNITS:
                unit, code, said = self.verify(folder, name, text_of(name))
                self.assertEqual((code, said), (0, []))
                _, _, said = self.verify(folder, name, text_of(name).replace("\nUser=", "\nUsr="))
                self.assertIn("Usr", "".join(said), "what is asked here would notice")
                unit, _, _ = self.verify(folder, name, text_of(name))
                done = subprocess.run(
                    ["systemd-analyze", "security", "--offline=yes", "--no-pager",
                     f"--threshold={int(MOST_EXPOSURE * 10)}", unit],
                    capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, 0, done.stdout[-2000:] + done.stderr)


if __name__ == "__main__":
    unittest.main()
