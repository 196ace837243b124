"""A disk of its own for a test, small enough to be filled."""

import errno
import os
import subprocess
import sys

INSIDE = "ATTUNE_TEST_OWN_MOUNTS"


class Disk:
    """A tmpfs of limited size; mounts made here are only seen by this process and its children."""

    def __init__(self, folder, size_bytes):
        self.folder = folder
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "none", folder],
                       check=True)

    def fill(self):
        """Writes until not a byte is free."""
        with open(self.folder / "ballast", "wb", buffering=0) as ballast:
            for size in (1 << 16, 1):
                try:
                    while True:
                        ballast.write(b"x" * size)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise

    def make_room(self):
        (self.folder / "ballast").unlink()

    def unmount(self):
        subprocess.run(["umount", "-l", self.folder], check=True)


def with_own_mounts():
    """Runs the test again where it may mount: as root, or as root of a user namespace."""
    if INSIDE in os.environ:
        return
    for unshare in (["unshare", "-m"], ["unshare", "-Urm"]):
        if subprocess.run([*unshare, "true"], check=False, capture_output=True).returncode == 0:
            os.environ[INSIDE] = "1"
            os.execvp("unshare", [*unshare, sys.executable, *sys.argv])
    sys.exit("A disk cannot be filled here: neither `unshare -m` (root) nor `unshare -Urm` (user "
             "namespaces) is allowed. Run as root, or allow user namespaces "
             "(sysctl kernel.unprivileged_userns_clone=1).")
