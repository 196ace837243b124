"""The PromQL of deploy/: alert rules, dashboards, and what each expression asks for."""

import json
import pathlib
import re
import subprocess
import tempfile

import yaml

DEPLOY = pathlib.Path(__file__).absolute().parents[2] / "deploy"
RULES = DEPLOY / "prometheus/attune.rules.yml"
RULES_TEST = DEPLOY / "prometheus/attune.rules_test.yml"
DASHBOARDS = [DEPLOY / f"grafana/{name}.json" for name in ("fleet", "node", "sessions")]

# What Grafana puts in before it asks.
VARIABLES = {"$__rate_interval": "1m", "$__range": "1h", "$node": "10.0.0.1:7480"}
# What Prometheus adds to everything it scrapes.
ADDED = {"instance", "job"}


def alerts():
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels(path):
    return json.loads(path.read_text(encoding="utf-8"))["panels"]


def dashboard_expressions():
    """(where, expression) of everything that a dashboard asks, variables filled in."""
    found = []
    for path in DASHBOARDS:
        for panel in panels(path):
            for target in panel.get("targets", []):
                expression = target["expr"]
                for name, value in VARIABLES.items():
                    expression = expression.replace(name, value)
                found.append((f"{path.name}: {panel['title']}", expression))
    return found


def all_expressions():
    return [(rule["alert"], rule["expr"]) for rule in alerts()] + dashboard_expressions()


def check(expressions):
    """promtool's exit code and words about rules made of these expressions."""
    rules = {"groups": [{"name": "all", "rules": [
        {"record": f"check:{number}", "expr": expression}
        for number, (_, expression) in enumerate(expressions)]}]}
    with tempfile.NamedTemporaryFile("w", suffix=".yml", encoding="utf-8") as file:
        yaml.safe_dump(rules, file)
        file.flush()
        done = subprocess.run(["promtool", "check", "rules", "--lint=none", file.name],
                              capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


SELECTOR = re.compile(r"\b(attune_\w+|up)\b(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
GROUPING = re.compile(r"\b(?:by|without)\s*\(([^)]*)\)")


def asked(expression):
    """([(metric, [(label, operator, value)])], labels grouped by) of an expression."""
    metrics = [(name, MATCHER.findall(inside)) for name, inside in SELECTOR.findall(expression)]
    grouped = {label.strip() for inside in GROUPING.findall(expression)
               for label in inside.split(",") if label.strip()}
    return metrics, grouped


SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? \S+$")


def exposed(text):
    """{metric: [labels of a series, as a dict]} of a scrape."""
    found = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        name, labels = SAMPLE.match(line).groups()
        found.setdefault(name, []).append(dict(re.findall(r'(\w+)="([^"]*)"', labels or "")))
    return found


def _selects(series, label, operator, value):
    if label in ADDED:
        return True
    has = series.get(label, "")
    if operator in ("=", "!="):
        return (has == value) == (operator == "=")
    return (re.fullmatch(value, has) is not None) == (operator == "=~")


def missing(expression, scrape):
    """What an expression asks for and a scrape (see exposed) does not have; empty: nothing."""
    problems = []
    metrics, grouped = asked(expression)
    labels = set(ADDED)
    for name, matchers in metrics:
        if name == "up":  # made by Prometheus itself
            continue
        series = scrape.get(name, [])
        if not series:
            problems.append(f"{name} is not exposed")
            continue
        for one in series:
            labels |= set(one)
        # A regular expression names alternatives: each must be there.
        for label, operator, value in matchers:
            for alternative in value.split("|") if operator == "=~" else [value]:
                if not any(_selects(one, label, operator, alternative) for one in series):
                    problems.append(f"{name} has no series with {label}{operator}{alternative}")
    problems += [f"no metric has the label {label}" for label in grouped - labels]
    return problems
