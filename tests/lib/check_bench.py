"""Judges `tests/bench/run --json` (standard input): prints `ok ...` or `not ok ...` per figure.

A figure is wrong when its line lacks a field or its value is no number. Bars are shown, not judged:
a test on a busy machine must not fail over speed; `tests/bench/run` without --short judges them.
"""

import json
import math
import sys

FIELDS = {"figure", "value", "unit", "floor", "floor_is", "ratio", "bar", "holds"}


def judge(line):
    """Name of the figure, and what is wrong with its line, or ''."""
    try:
        figure = json.loads(line)
    except ValueError:
        return line.strip()[:60], "is not JSON"
    name = str(figure.get("figure", "?"))
    missing = FIELDS - set(figure)
    if missing:
        return name, f"lacks {', '.join(sorted(missing))}"
    if not isinstance(figure["value"], (int, float)) or not math.isfinite(figure["value"]):
        return name, f"value is {figure['value']}"
    if figure["bar"] is not None and not isinstance(figure["holds"], bool):
        return name, f"has a bar, but holds is {figure['holds']}"
    return name, ""


def main():
    figures = barred = 0
    good = True
    for line in sys.stdin:
        if not line.startswith("{"):
            print(line, end="")
            continue
        name, wrong = judge(line)
        print(f"not ok bench: {name}: {wrong}" if wrong else f"ok bench: {name}")
        print("    " + line, end="")
        figures += 1
        barred += not wrong and json.loads(line)["bar"] is not None
        good &= not wrong
    print("ok bench: bars were measured" if barred else "not ok bench: no bar was measured")
    return 0 if good and figures and barred else 1


if __name__ == "__main__":
    sys.exit(main())
