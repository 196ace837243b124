"""What a reader would stumble over: one function per rule, each gives a list of problems.

Every check takes a Tree and says what is wrong as `path:line: problem` or `path: problem`. It looks
at the files that git knows or would add, so that a new file is judged before it is committed.
"""

import os
import re
import subprocess

MAX_LINES = 600
MAX_COLUMNS = 100

# Marks of unfinished work, and paths of somebody's machine.
FORBIDDEN = [
    (re.compile(r"\b(TODO|FIXME|XXX)\b"), "a mark of unfinished work"),
    (re.compile(r"\b(DISABLED_\w+|GTEST_SKIP)\b"), "a skipped test"),
    (re.compile(r"\bnot[ -]implemented\b|(?<!::)\bplaceholder\b(?!=)", re.I),
     "something pretended"),
    (re.compile(r"(?<![\w.~-])/(?:work|farm|root)/|/tmp/bash_jobs"), "a path of one machine"),
]

CPP = (".cc", ".h")


class Tree:
    """The project's files below `root`, with their text."""

    def __init__(self, root):
        self.root = root
        listed = subprocess.run(
            ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others",
             "--exclude-standard"],
            cwd=root, capture_output=True, check=True).stdout.decode()
        self.files = sorted({f for f in listed.split("\0") if f and os.path.isfile(self.path(f))})
        self._text = {}

    def path(self, name):
        return os.path.join(self.root, name)

    def text(self, name):
        """The file's text; empty for a binary file."""
        if name not in self._text:
            with open(self.path(name), "rb") as file:
                data = file.read()
            self._text[name] = "" if b"\0" in data else data.decode("utf-8", "replace")
        return self._text[name]

    def lines(self, name):
        return self.text(name).split("\n")

    def interpreter(self, name):
        """`bash` or `python3` for scripts without an ending, else the ending's language, or ''."""
        first = self.lines(name)[0]
        if re.match(r"#!.*\b(bash|sh)\b", first) or name.endswith(".sh"):
            return "bash"
        if re.match(r"#!.*\bpython3\b", first) or name.endswith(".py"):
            return "python3"
        return ""

    def written(self):
        """Files that people here wrote: no data, no licence text, no lock files."""
        return [f for f in self.files
                if not f.startswith("tests/data/") and f != "LICENSE"
                and not f.endswith("package-lock.json")]

    def code(self):
        """C++, Python, shell, TypeScript and protos."""
        return [f for f in self.written()
                if not f.startswith("third_party/bazel/")
                and (f.endswith(CPP + (".ts", ".tsx", ".proto")) or self.interpreter(f))]


def layout(tree):
    """C++ is laid out by clang-format."""
    files = [f for f in tree.files if f.endswith(CPP)]
    if not files:
        return []
    result = subprocess.run(["clang-format", "--dry-run", "-Werror"] + files,
                            cwd=tree.root, capture_output=True, text=True, check=False)
    wrong = sorted({line.split(":")[0] for line in result.stderr.splitlines() if "error:" in line})
    if result.returncode != 0 and not wrong:
        return ["clang-format: " + result.stderr.strip()[:200]]
    return [f"{f}: run clang-format -i on it" for f in wrong]


def length(tree):
    """Short files; lines of scripts that fit (clang-format sees to those of C++)."""
    problems = []
    for f in tree.code():
        lines = tree.lines(f)
        if len(lines) - 1 > MAX_LINES:
            problems.append(f"{f}: {len(lines) - 1} lines, at most {MAX_LINES}")
        for number, line in enumerate(lines, 1):
            if len(line) > MAX_COLUMNS and tree.interpreter(f) and "http" not in line:
                problems.append(f"{f}:{number}: {len(line)} columns, at most {MAX_COLUMNS}")
    return problems


def words(tree):
    """Nothing unfinished, nothing skipped, nothing of one machine."""
    problems = []
    for f in tree.written():
        if f.startswith("tests/tidy/"):
            continue  # These files name what they forbid.
        for number, line in enumerate(tree.lines(f), 1):
            for pattern, what in FORBIDDEN:
                if pattern.search(line):
                    problems.append(f"{f}:{number}: {what}: {line.strip()[:80]}")
    return problems


def whitespace(tree):
    """No trailing blanks, no carriage returns, one newline at the end."""
    problems = []
    for f in tree.written():
        text = tree.text(f)
        if not text:
            continue
        for number, line in enumerate(text.split("\n"), 1):
            if line != line.rstrip():
                problems.append(f"{f}:{number}: blanks at the end of the line")
        if not text.endswith("\n") or text.endswith("\n\n"):
            problems.append(f"{f}: should end with one newline")
    return problems


def header_guards(tree):
    """services/base/clock.h is guarded by ATTUNE_SERVICES_BASE_CLOCK_H_."""
    problems = []
    for f in tree.files:
        if not f.endswith(".h"):
            continue
        guard = "ATTUNE_" + re.sub(r"[^A-Za-z0-9]", "_", f).upper() + "_"
        directives = [line.strip() for line in tree.lines(f) if line.startswith("#")]
        right = (len(directives) >= 3 and directives[0] == "#ifndef " + guard
                 and directives[1] == "#define " + guard
                 and directives[-1] == "#endif  // " + guard)
        if not right:
            problems.append(f"{f}: the header guard should be {guard}")
    return problems


def built(tree):
    """Every C++ file is named by the BUILD file of its package: no dead files."""
    problems = []
    for f in tree.files:
        if not f.endswith(CPP):
            continue
        folder = os.path.dirname(f)
        while folder and not os.path.isfile(tree.path(os.path.join(folder, "BUILD"))):
            folder = os.path.dirname(folder)
        name = os.path.relpath(f, folder) if folder else f
        if f'"{name}"' not in tree.text(os.path.join(folder, "BUILD")):
            problems.append(f"{f}: no target of //{folder} names it")
    return problems


def readmes(tree):
    """Every top folder explains itself."""
    tops = sorted({f.split("/")[0] for f in tree.files if "/" in f and not f.startswith(".")})
    return [f"{top}: has no README.md" for top in tops if f"{top}/README.md" not in tree.files]


def links(tree):
    """Relative links in Markdown lead somewhere."""
    problems = []
    for f in tree.written():
        if not f.endswith(".md"):
            continue
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", tree.text(f)):
            if re.match(r"[a-z]+:", target):
                continue
            if not os.path.exists(tree.path(os.path.join(os.path.dirname(f), target))):
                problems.append(f"{f}: the link to {target} leads nowhere")
    return problems


def scripts(tree):
    """Shell and Python scripts parse; shellcheck finds nothing."""
    problems = []
    shell = []
    for f in tree.written():
        kind = tree.interpreter(f)
        if kind == "python3":
            try:
                compile(tree.text(f), f, "exec")
            except SyntaxError as error:
                problems.append(f"{f}:{error.lineno}: {error.msg}")
        elif kind == "bash" or tree.lines(f)[0].startswith("# shellcheck shell="):
            shell.append(f)
            result = subprocess.run(["bash", "-n", f], cwd=tree.root, capture_output=True,
                                    text=True, check=False)
            if result.returncode != 0:
                problems.append(f"{f}: {result.stderr.strip()[:200]}")
    if shell:
        result = subprocess.run(["shellcheck", "--severity=warning", "--format=gcc"] + shell,
                                cwd=tree.root, capture_output=True, text=True, check=False)
        problems += result.stdout.splitlines() + result.stderr.splitlines()
    return problems


def executable(tree):
    """What has a `#!` can be run, and nothing else pretends to."""
    problems = []
    for f in tree.files:
        runs = os.access(tree.path(f), os.X_OK)
        script = tree.text(f).startswith("#!")
        if script and not runs:
            problems.append(f"{f}: has a #! line but is not executable")
        if runs and not script:
            problems.append(f"{f}: is executable but has no #! line")
    return problems


ALL = [layout, length, words, whitespace, header_guards, built, readmes, links, scripts, executable]
