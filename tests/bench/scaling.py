#!/usr/bin/env python3
"""Plots what a tick costs as people and sessions grow: writes cost.md and cost.svg.

    bazel build //services/synchrony:engine_bench //services/synchrony/kernel:kernel_bench
    tests/bench/scaling.py [--out=FOLDER] [--short]

Takes some minutes and up to half of the memory that is free; a cell that needs more is left out.
"""

import argparse
import json
import math
import pathlib
import subprocess
import sys

PEOPLE = (2, 4, 8, 16, 30, 64, 100, 300)  # who all see one another
HALL = (*PEOPLE, 1000)  # couples see each other only
SESSIONS = (1, 10, 100, 1000, 10000)
KIB_PER_PERSON, KIB_PER_PAIR = 24, 3  # to know beforehand what fits, not a result


def free_kib():
    for line in pathlib.Path("/proc/meminfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1])
    return 0


def measure(binaries, short, people, sessions=1, couples=False):
    """One line of engine_bench; None when it would not fit."""
    pairs = people // 2 if couples else people * (people - 1) // 2
    if people <= 64:
        pairs = people * (people - 1) // 2
    if sessions * (people * KIB_PER_PERSON + pairs * KIB_PER_PAIR) > free_kib() / 2:
        print(f"left out: {sessions} sessions of {people} people", file=sys.stderr)
        return None
    command = [binaries / "services/synchrony/engine_bench", "--json", f"--people={people}",
               f"--sessions={sessions}", *(["--couples"] if couples else []),
               *(["--short"] if short else [])]
    row = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(json.dumps(row), file=sys.stderr, flush=True)
    return row


def kernel(binaries, short):
    out = subprocess.run([binaries / "services/synchrony/kernel/kernel_bench", "--json",
                          *(["--short"] if short else [])],
                         check=True, capture_output=True, text=True).stdout
    rows = [json.loads(line) for line in out.splitlines()]
    rows = [row for row in rows if row["what"] == "all_pairs"]
    path = rows[-1]["path"]
    return path, [(row["people"], row["us"]) for row in rows if row["path"] == path]


class Plot:
    """A log-log plot in a part of an SVG."""

    WIDTH, HEIGHT = 330, 250

    def __init__(self, left, title, x_label, y_label, x_range, y_range):
        self.left, self.top = left, 44
        self.x_range, self.y_range = x_range, y_range
        self.lines = 0
        self.parts = [
            f'<text class="title" x="{left}" y="20">{title}</text>',
            f'<text x="{left + self.WIDTH / 2}" y="{self.top + self.HEIGHT + 34}" '
            f'text-anchor="middle">{x_label}</text>',
            f'<text x="{left - 6}" y="{self.top - 10}" text-anchor="end">{y_label}</text>']
        for axis, (low, high) in (("x", x_range), ("y", y_range)):
            for power in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1):
                self._grid(axis, 10.0 ** power)

    def x(self, value):
        low, high = map(math.log10, self.x_range)
        return self.left + self.WIDTH * (math.log10(value) - low) / (high - low)

    def y(self, value):
        low, high = map(math.log10, self.y_range)
        return self.top + self.HEIGHT * (1 - (math.log10(value) - low) / (high - low))

    def _grid(self, axis, value):
        text = f"{value:,.0f}" if value >= 1 else f"{value:g}"
        right, bottom = self.left + self.WIDTH, self.top + self.HEIGHT
        if axis == "x":
            at = f"{self.x(value):.1f}"
            ends = f'x1="{at}" x2="{at}" y1="{self.top}" y2="{bottom}"'
            label = f'x="{at}" y="{bottom + 16}" text-anchor="middle"'
        else:
            at = f"{self.y(value):.1f}"
            ends = f'x1="{self.left}" x2="{right}" y1="{at}" y2="{at}"'
            label = f'x="{self.left - 6}" y="{float(at) + 4:.1f}" text-anchor="end"'
        self.parts.append(f'<line class="grid" {ends}/><text {label}>{text}</text>')

    def line(self, points, style, label):
        path = " ".join(f"{self.x(a):.1f},{self.y(b):.1f}" for a, b in points)
        self.parts.append(f'<polyline class="{style}" points="{path}"/>')
        for a, b in points:
            self.parts.append(f'<circle class="{style}" cx="{self.x(a):.1f}" cy="{self.y(b):.1f}" '
                              f'r="2.5"><title>{label}: {a:,} - {b:,.3g} us</title></circle>')
        self.lines += 1
        self.parts.append(f'<text class="{style}" x="{self.left + 12}" '
                          f'y="{self.top + 16 * self.lines}">{label}</text>')


STYLE = """
  text { font: 11px system-ui, sans-serif; fill: #444; stroke: none; }
  text.title { font-weight: 600; font-size: 13px; }
  .grid { stroke: #8884; }
  polyline { fill: none; stroke-width: 2; }
  .a { stroke: #1769aa; fill: #1769aa; } text.a { fill: #1769aa; stroke: none; }
  .b { stroke: #b3541e; fill: #b3541e; } text.b { fill: #b3541e; stroke: none; }
  .c { stroke: #4b7f2b; fill: #4b7f2b; } text.c { fill: #4b7f2b; stroke: none; }
  polyline.a, polyline.b, polyline.c { fill: none; }
  @media (prefers-color-scheme: dark) {
    text { fill: #ccc; }
    .a { stroke: #6db3ee; fill: #6db3ee; } text.a { fill: #6db3ee; }
    .b { stroke: #f0a06c; fill: #f0a06c; } text.b { fill: #f0a06c; }
    .c { stroke: #9ccf74; fill: #9ccf74; } text.c { fill: #9ccf74; }
    polyline.a, polyline.b, polyline.c { fill: none; }
  }
"""


def svg(everybody, hall, path, products, couples, rooms):
    one = Plot(70, "One session, hot", "people", "us a tick", (1.8, 1100), (1, 3e6))
    one.line([(row["people"], row["us"]) for row in everybody], "a", "every pair shown")
    one.line([(row["people"], row["us"]) for row in hall], "b", "couples shown")
    one.line(products, "c", f"41 lags of every pair ({path})")
    many = Plot(490, "Many sessions, each tick once through all", "sessions",
                "us a session and tick", (0.9, 11000), (1, 1000))
    many.line([(row["sessions"], row["us"]) for row in rooms], "a", "rooms of 8")
    many.line([(row["sessions"], row["us"]) for row in couples], "b", "couples")
    return ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 850 340" role="img" '
            'aria-label="Cost of a tick by people and by sessions">\n'
            f'<style>{STYLE}</style>\n' + "\n".join(one.parts + many.parts) + "\n</svg>\n")


def table(everybody, hall, path, products, couples, rooms):
    by_people = {row["people"]: [row["us"], None, None] for row in everybody}
    for row in hall:
        by_people.setdefault(row["people"], [None] * 3)[1] = row["us"]
    for people, us in products:
        by_people.setdefault(people, [None] * 3)[2] = us

    def cell(us):
        return "" if us is None else f"{us:,.0f} us" if us < 1e4 else f"{us / 1000:,.1f} ms"

    lines = [f"| people | every pair shown | couples shown | 41 lags of every pair ({path}) |",
             "|---|---|---|---|"]
    lines += [f"| {people:,} | " + " | ".join(map(cell, values)) + " |"
              for people, values in sorted(by_people.items())]
    lines += ["", "| sessions | couple | room of 8 |", "|---|---|---|"]
    by_sessions = {row["sessions"]: [row["us"], None] for row in couples}
    for row in rooms:
        by_sessions.setdefault(row["sessions"], [None, None])[1] = row["us"]
    lines += [f"| {sessions:,} | " + " | ".join(map(cell, values)) + " |"
              for sessions, values in sorted(by_sessions.items())]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--out", default=".", help="folder of cost.md and cost.svg")
    parser.add_argument("--short", action="store_true", help="fewer ticks a figure")
    parser.add_argument("--bin", default="bazel-bin", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    binaries, short = pathlib.Path(arguments.bin), arguments.short

    def there(rows):
        return [row for row in rows if row is not None]

    everybody = there(measure(binaries, short, n) for n in PEOPLE)
    hall = there(measure(binaries, short, n, couples=True) for n in HALL)
    couples = there(measure(binaries, short, 2, s) for s in SESSIONS)
    rooms = there(measure(binaries, short, 8, s) for s in SESSIONS)
    path, products = kernel(binaries, short)
    out = pathlib.Path(arguments.out)
    results = (everybody, hall, path, products, couples, rooms)
    (out / "cost.md").write_text(table(*results), encoding="utf-8")
    (out / "cost.svg").write_text(svg(*results), encoding="utf-8")
    print((out / "cost.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
