"""Alerts, dashboards and the runbook: promtool's verdict, and each alert has its section."""

import json
import pathlib
import re
import subprocess
import tempfile
import unittest

import yaml

from tests.deploy import expressions as e

RUNBOOK = e.DEPLOY / "RUNBOOK.md"
SEVERITIES = {"page", "ticket"}
# What a section about an alert tells, in this order.
PARTS = ["**Means**", "**People notice**", "**Do**", "**Worry**"]


def promtool(*arguments):
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


class RulesTest(unittest.TestCase):

    def test_promtool_accepts_rules_and_configuration(self):
        code, said = promtool("check", "rules", e.RULES)
        self.assertEqual(code, 0, said)
        for path in (e.DEPLOY / "prometheus/prometheus.example.yml",
                     e.DEPLOY / "compose/prometheus.yml"):
            code, said = promtool("check", "config", "--syntax-only", path)
            self.assertEqual(code, 0, said)

    def test_the_rules_pass_their_tests(self):
        code, said = promtool("test", "rules", e.RULES_TEST)
        self.assertEqual(code, 0, said)

    def test_each_alert_is_shown_to_fire_and_to_stay_silent(self):
        fires, silent = set(), set()
        for test in yaml.safe_load(e.RULES_TEST.read_text(encoding="utf-8"))["tests"]:
            for case in test["alert_rule_test"]:
                (fires if case["exp_alerts"] else silent).add(case["alertname"])
        names = {rule["alert"] for rule in e.alerts()}
        self.assertEqual(fires, names)
        self.assertEqual(silent, names)

    def test_a_wrong_rule_fails_the_tests(self):
        text = e.RULES.read_text(encoding="utf-8")
        wrong = text.replace("attune_sessions_suspended > 0", "attune_sessions_suspended > 90")
        self.assertNotEqual(wrong, text)
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / e.RULES.name).write_text(wrong, encoding="utf-8")
            (folder / e.RULES_TEST.name).write_text(e.RULES_TEST.read_text(encoding="utf-8"),
                                                    encoding="utf-8")
            code, said = promtool("test", "rules", folder / e.RULES_TEST.name)
        self.assertNotEqual(code, 0)
        self.assertIn("AttuneSessionsSuspended fires", said)

    def test_each_alert_says_how_bad_it_is_and_where_to_read_on(self):
        for rule in e.alerts():
            self.assertIn(rule["labels"]["severity"], SEVERITIES, rule["alert"])
            self.assertTrue(rule["annotations"]["summary"], rule["alert"])
            self.assertEqual(rule["annotations"]["runbook"],
                             f"deploy/RUNBOOK.md#{rule['alert'].lower()}")


class RunbookTest(unittest.TestCase):

    def setUp(self):
        text = RUNBOOK.read_text(encoding="utf-8")
        self.sections = dict(re.findall(r"^## (Attune\w+)\n(.*?)(?=^## |\Z)", text, re.M | re.S))
        self.headings = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
                         for heading in re.findall(r"^#+ (.*)$", text, re.M)}
        self.text = text

    def test_each_alert_has_its_section_and_each_section_an_alert(self):
        self.assertEqual(sorted(self.sections), sorted(rule["alert"] for rule in e.alerts()))

    def test_each_section_tells_the_same_four_things(self):
        for name, body in self.sections.items():
            places = [body.find(part) for part in PARTS]
            self.assertNotIn(-1, places, f"{name}: {PARTS}")
            self.assertEqual(places, sorted(places), name)

    def test_links_within_lead_somewhere(self):
        links = re.findall(r"\]\(#([^)]+)\)", self.text)
        self.assertGreater(len(links), 3)
        for link in links:
            self.assertIn(link, self.headings)

    def test_metrics_that_it_names_are_asked_for_somewhere(self):
        known = {name for _, expression in e.all_expressions()
                 for name, _ in e.asked(expression)[0]}
        for name in re.findall(r"`(attune_\w+)`", self.text):
            self.assertIn(name, known)


class DashboardsTest(unittest.TestCase):

    def test_promtool_parses_every_expression(self):
        expressions = e.dashboard_expressions()
        self.assertGreater(len(expressions), 50)
        code, said = e.check(expressions)
        self.assertEqual(code, 0, said)
        code, said = e.check([("broken", "sum(rate(attune_ticks_total[5m])")])
        self.assertNotEqual(code, 0, "what is asked here would notice")

    def test_they_are_whole_and_name_nobody(self):
        uids = set()
        for path in e.DASHBOARDS:
            text = path.read_text(encoding="utf-8")
            board = json.loads(text)
            uids.add(board["uid"])
            ids = [panel["id"] for panel in board["panels"]]
            self.assertEqual(len(ids), len(set(ids)), path)
            self.assertNotRegex(text, r"\$__(?!rate_interval|range)", f"{path}: unknown variable")
            for panel in board["panels"]:
                where = panel["gridPos"]
                self.assertLessEqual(where["x"] + where["w"], 24, panel["title"])
                if panel["type"] != "row":
                    self.assertTrue(panel["targets"], panel["title"])
                    self.assertEqual(panel["datasource"]["uid"], "${datasource}")
            for what in ("session_id", "participant", "alias"):
                self.assertNotIn(what, text)
        self.assertEqual(len(uids), len(e.DASHBOARDS))

    def test_group_synchrony_is_only_in_the_histogram_of_closed_sessions(self):
        named = {name for _, expression in e.dashboard_expressions()
                 for name, _ in e.asked(expression)[0] if "synchrony" in name}
        self.assertEqual(named, {"attune_closed_sessions_group_synchrony_bucket",
                                 "attune_closed_sessions_group_synchrony_count"})

    def test_what_is_missing_is_noticed(self):
        scrape = e.exposed('attune_a_total{outcome="done",le="1"} 3\nattune_b 1\n')
        known = 'sum by (outcome) (rate(attune_a_total{job="x"}[1m]))'
        self.assertEqual(e.missing(known, scrape), [])
        self.assertEqual(e.missing('attune_a_total{outcome=~"done"} / attune_b', scrape), [])
        for expression in ("attune_c", 'attune_a_total{outcome="failed"}',
                           'attune_a_total{outcome=~"done|failed"}', 'attune_b{kind="x"}',
                           "sum by (kind) (attune_a_total)"):
            self.assertEqual(len(e.missing(expression, scrape)), 1, expression)


if __name__ == "__main__":
    unittest.main()
