"""Judges the summary of `deploy/demo --headless`: prints `ok ...` or `not ok ...` per statement.

Usage: check_demo_summary.py FILE
"""

import json
import sys


def expect(good, statement, found):
    print(f"ok demo: {statement}" if good else f"not ok demo: {statement} (found: {found})")
    return good


def judge(summary):
    """Whether what the README promises of the demo is in the summary."""
    sent = summary["beats_sent"]
    good = expect(sent > 1000, "beats were sent", sent)
    for key in ("beats_acknowledged", "beats_durable"):
        good &= expect(summary[key] == sent, f"{key} equals beats_sent", [summary[key], sent])
    good &= expect(summary["beats_lost"] == 0, "no beat was lost", summary["beats_lost"])
    good &= expect(summary["frames_seen"] > 100, "frames were seen", summary["frames_seen"])

    sessions = {session["kind"]: session for session in summary["sessions"]}
    good &= expect(set(sessions) == {"couples", "team"}, "a couples and a team session ran",
                   sorted(sessions))
    for kind, session in sorted(sessions.items()):
        group = session["group"]
        grounded = bool(group) and all("value" in n or "absent" in n for n in group.values())
        good &= expect(grounded, f"{kind}: each group number has a value or a reason", group)
    pairs = sessions.get("couples", {}).get("pairs", [])
    good &= expect(len(pairs) >= 2, "couples: pairs are visible", pairs)
    coupled = [pair for pair in pairs if {pair["a"], pair["b"]} == {"Ada", "Ben"}]
    good &= expect(bool(coupled) and coupled[0].get("above_chance") is True,
                   "the coupled couple is above chance", coupled)
    strangers = [pair for pair in pairs if pair not in coupled and pair.get("above_chance")]
    good &= expect(not strangers, "no pair of strangers is above chance", strangers)
    good &= expect(not sessions.get("team", {}).get("pairs"), "team: no pairs are shown",
                   sessions.get("team", {}).get("pairs"))
    return good


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        return 0 if judge(json.load(file)) else 1


if __name__ == "__main__":
    sys.exit(main())
