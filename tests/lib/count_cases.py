"""Counts the cases of one suite of tests/run: prints `PASSED FAILED`.

Usage: count_cases.py LOG SUITE_DIR STATUS

Cases come from Bazel's event files in SUITE_DIR (each test's test.xml, GoogleTest cases counted one
by one) and from lines `ok ...` / `not ok ...` in LOG. A suite whose STATUS is not 0, or that tested
nothing, has failed at least once.
"""

import glob
import json
import os
import sys
import urllib.parse
import xml.etree.ElementTree


def count_xml(path):
    """Passed and failed cases of one test.xml; (0, 0) when it cannot be read."""
    passed = failed = 0
    try:
        root = xml.etree.ElementTree.parse(path).getroot()
    except (OSError, xml.etree.ElementTree.ParseError):
        return 0, 0
    for case in root.iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.get("status") != "notrun":
            passed += 1
    return passed, failed


def count_events(path):
    """Passed and failed cases of one `bazel test`, from its file of build events."""
    passed = failed = 0
    with open(path, encoding="utf-8", errors="replace") as lines:
        events = []
        for line in lines:
            try:
                events.append(json.loads(line))
            except ValueError:  # The last line of a Bazel that was stopped.
                continue
    last_attempt = {}
    for event in events:
        key = event.get("id", {}).get("testResult")
        if key and "testResult" in event:
            last_attempt[(key["label"], key.get("run"), key.get("shard"))] = event["testResult"]
        summary = event.get("testSummary")
        if summary and summary.get("overallStatus") in ("NO_STATUS", "FAILED_TO_BUILD"):
            failed += 1
    for result in last_attempt.values():
        ok = bad = 0
        for output in result.get("testActionOutput", []):
            if output["name"] == "test.xml":
                path = urllib.parse.unquote(urllib.parse.urlparse(output["uri"]).path)
                ok, bad = count_xml(path)
        good = result.get("status") in ("PASSED", "FLAKY")
        passed += max(ok, 1) if good else ok
        failed += bad if good else max(bad, 1)
    return passed, failed


def main():
    log, suite_dir, status = sys.argv[1], sys.argv[2], int(sys.argv[3])
    passed = failed = 0
    for path in glob.glob(os.path.join(suite_dir, "events.*")):
        ok, bad = count_events(path)
        passed += ok
        failed += bad
    with open(log, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            passed += line.startswith("ok ")
            failed += line.startswith("not ok ")
    if failed == 0 and (status != 0 or passed == 0):
        failed = 1
    print(passed, failed)


if __name__ == "__main__":
    main()
