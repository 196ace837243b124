"""Runs the demo with built binaries; `deploy/demo` builds them first and then calls this.

One attuned with an embedded journal in a scratch folder, two sessions (couples and team), agents
that replay recordings of real people (independent of each other) and simulate one coupled couple.
What the demo shows is the contrast: the simulated couple comes out coupled, the strangers do not.
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

DATA = pathlib.Path("tests/data/nsr2db")
# Recordings of good quality; any two of them are strangers to each other.
PEOPLE = ["nsr003", "nsr008", "nsr010", "nsr013", "nsr021", "nsr023", "nsr004", "nsr027",
          "nsr028", "nsr001", "nsr002", "nsr006", "nsr007", "nsr009", "nsr011", "nsr012"]
NAMES = ["Ada", "Ben", "Cleo", "Dan", "Edda", "Finn", "Gerd", "Hana",
         "Ivo", "Jule", "Kim", "Lars", "Mila", "Nils", "Olga", "Paul"]
START_S = 5  # session second of the first beat: everybody has joined by then


class Failed(Exception):
    """Something the demo cannot go on without."""


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="deploy/demo",
        description="Starts a node, streams real and simulated hearts into it and shows them live.",
        epilog="Without --headless the live view of the couples session is shown in real time; "
               "q leaves it. Significance needs minutes, so --headless runs ten times as fast.")
    add_demo_arguments(parser)
    return check_demo_arguments(parser, parser.parse_args())


def add_demo_arguments(parser):
    """What deploy/cluster has, too."""
    parser.add_argument("--seconds", type=int, default=None, metavar="N",
                        help="real seconds to run (default: 60 headless, 600 with the live view)")
    parser.add_argument("--rate", type=float, default=None, metavar="R",
                        help="session seconds in a real second, 1..20 "
                             "(default: 10 headless, 1 otherwise)")
    parser.add_argument("--kind", choices=["team", "couples", "lab"], default=None,
                        help="only this kind of session "
                             "(default: one couples and one team session)")
    parser.add_argument("--people", type=int, default=None, metavar="N",
                        help="people in each session, 2..16 (default: 6; couples: an even number)")
    parser.add_argument("--seed", type=int, default=1, metavar="S",
                        help="of the simulated couple (default: 1)")
    parser.add_argument("--headless", action="store_true",
                        help="no live view; progress in a line every few seconds")
    parser.add_argument("--summary", metavar="FILE", default=None,
                        help="write what happened as JSON")
    parser.add_argument("--keep", metavar="DIR", default=None,
                        help="keep journal, logs and frames in this new folder")
    parser.add_argument("--bin", default="bazel-bin", help=argparse.SUPPRESS)


def check_demo_arguments(parser, arguments):
    """Fills in what depends on other arguments; ends the program when something is wrong."""
    if not arguments.headless and not sys.stdout.isatty():
        arguments.headless = True
    if arguments.seconds is None:
        arguments.seconds = 60 if arguments.headless else 600
    if arguments.rate is None:
        arguments.rate = 10 if arguments.headless else 1
    people = 6 if arguments.people is None else arguments.people
    if not 2 <= people <= 16:
        parser.error("--people must be 2..16")
    if arguments.kind in (None, "couples") and people % 2:
        parser.error("--people must be even for couples")
    if not 1 <= arguments.rate <= 20:
        parser.error("--rate must be 1..20")
    if arguments.seconds * arguments.rate < 30:
        parser.error("--seconds times --rate must be at least 30: a session is no shorter")
    arguments.people = people
    return arguments


class Demo:
    def __init__(self, arguments, folder):
        self.arguments = arguments
        self.folder = folder
        self.bin = pathlib.Path(arguments.bin)
        self.length_s = int(arguments.seconds * arguments.rate)
        self.processes = []  # (name, Popen), stopped in reverse order
        self.address = None
        self.sessions = []

    # ---- processes

    def start(self, name, command, **popen):
        log = open(self.folder / f"{name}.log", "wb")
        popen.setdefault("stdout", log)
        process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL,
                                   stderr=log, **popen)
        self.processes.append((name, process))
        return process

    def stop(self):
        for name, process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(timeout=10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def ctl(self, *command):
        result = subprocess.run(
            [self.bin / "edge/ctl/attunectl", *command, f"--server={self.address}"],
            capture_output=True, text=True, check=False)
        if result.returncode != 0:
            said = result.stderr.strip() or result.stdout.strip()
            raise Failed(f"attunectl {command[0]}: {said}")
        return result.stdout

    def tail(self, name):
        text = (self.folder / f"{name}.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-5:])

    # ---- steps

    def start_node(self):
        process = self.start(
            "attuned",
            [self.bin / "services/attuned/attuned", "--grpc=127.0.0.1:0", "--http=127.0.0.1:0",
             f"--journal=sqlite:{self.folder / 'attune.db'}", f"--keys={self.folder / 'keys'}",
             f"--clock-rate={self.arguments.rate}", "--allow-lab"],
            stdout=subprocess.PIPE)
        line = process.stdout.readline()
        if not line:
            raise Failed("attuned did not start:\n" + self.tail("attuned"))
        serving = json.loads(line)
        self.address = serving["grpc"]
        say(f"node at {self.address}, metrics at http://{serving['http']}/metrics")

    def create(self, kind, title):
        answer = json.loads(self.ctl(
            "create", f"--kind={kind}", f"--title={title}", f"--planned-end-s={self.length_s}",
            f"--keys={self.folder / 'keys'}", "--format=json"))
        session = {"kind": kind, "title": title, "code": answer["join_code"],
                   "token": answer["facilitator_token"], "agents": []}
        self.sessions.append(session)
        return session

    def agent(self, session, name, people):
        """people: list of (alias, source, dyad key or None)."""
        # Everything a person can agree to in this kind of session: the demo shows the whole of it.
        consent = {"team": "measure,group,report",
                   "couples": "measure,group,pair:partner,pair:facilitator,report",
                   "lab": "measure,group,pair:partner,pair:facilitator,"
                          "individual:facilitator,report"}
        command = [self.bin / "edge/agent/attune-agent", f"--server={self.address}",
                   f"--join={session['code']}", f"--spool={self.folder / ('spool-' + name)}",
                   f"--consent={consent[session['kind']]}", "--yes", "--format=json"]
        for alias, source, dyad in people:
            command += [f"--source={source}", f"--name={alias}"]
            if dyad:
                command.append(f"--dyad={dyad}")
        self.start(name, command)
        session["agents"].append(name)

    def replay(self, index):
        return f"replay:{DATA / (PEOPLE[index] + '.rr')},at={START_S}"

    def start_couples(self, kind):
        session = self.create(kind, "Couples workshop" if kind == "couples" else "Lab group")
        seed = 100 * self.arguments.seed
        # The second follows the first by a quarter of a second; 0.9 is the correlation of what
        # drives the two hearts.
        pair = [(NAMES[0], f"simulate:seed={seed + 1},hr=64,at={START_S}", "couple-1"),
                (NAMES[1], f"simulate:seed={seed + 2},hr=70,couple_seed={seed + 1},strength=0.9,"
                           f"lag_ms=250,at={START_S}", "couple-1")]
        self.agent(session, f"{kind}-1", pair)
        for couple in range(1, self.arguments.people // 2):
            first = 2 * couple
            self.agent(session, f"{kind}-{couple + 1}",
                       [(NAMES[i], self.replay(i), f"couple-{couple + 1}")
                        for i in (first, first + 1)])
        return session

    def start_team(self):
        session = self.create("team", "Team check-in")
        self.agent(session, "team-1", [(NAMES[i], self.replay(i), None)
                                       for i in range(self.arguments.people)])
        return session

    def watch(self, session):
        frames = open(self.folder / f"frames-{session['kind']}.jsonl", "wb")
        self.start(f"watch-{session['kind']}",
                   [self.bin / "edge/ctl/attunectl", "watch", f"--server={self.address}",
                    f"--token={session['token']}", "--format=jsonl", "--until-closed"],
                   stdout=frames)

    def run(self):
        self.start_node()
        kinds = [self.arguments.kind] if self.arguments.kind else ["couples", "team"]
        for kind in kinds:
            session = self.start_team() if kind == "team" else self.start_couples(kind)
            self.watch(session)
            say(f"{session['title']}: {self.arguments.people} people stream")
        self.began()
        if self.arguments.headless:
            self.wait_headless()
        else:
            self.wait_with_view()
        self.await_close()

    def began(self):
        """Everybody streams; for those who want to do something then."""

    def guests(self):
        """The processes that end by themselves when the sessions are closed."""
        return [(name, process) for name, process in self.processes if name != "attuned"]

    def check_alive(self):
        for name, process in self.processes:
            code = process.poll()
            if code not in (None, 0):
                raise Failed(f"{name} stopped with exit code {code}:\n{self.tail(name)}")

    def wait_headless(self):
        start = time.monotonic()
        while (elapsed := time.monotonic() - start) < self.arguments.seconds:
            self.check_alive()
            say(f"  {elapsed:4.0f} of {self.arguments.seconds} s"
                f" (session second {elapsed * self.arguments.rate:.0f})")
            time.sleep(min(10, self.arguments.seconds - elapsed))

    def wait_with_view(self):
        session = self.sessions[0]
        subprocess.run(
            [str(self.bin / "edge/ctl/attunectl"), "watch", f"--server={self.address}",
             f"--token={session['token']}", f"--seconds={self.arguments.seconds}"], check=False)
        # Left early: the session ends now.
        for session in self.sessions:
            try:
                self.ctl("end", f"--token={session['token']}")
            except Failed:
                pass  # it had ended by itself

    def await_close(self):
        """Watchers and agents end by themselves when the sessions are closed."""
        deadline = time.monotonic() + 90
        waiting = self.guests()
        while any(p.poll() is None for _, p in waiting):
            if time.monotonic() > deadline:
                late = [n for n, p in waiting if p.poll() is None]
                raise Failed("still running 90 s after the end: " + ", ".join(late))
            time.sleep(0.2)
        self.check_alive()

    # ---- results

    def summary(self):
        totals = {key: 0 for key in
                  ("beats_sent", "beats_acknowledged", "beats_durable", "beats_lost")}
        result = {"seconds": self.arguments.seconds, "rate": self.arguments.rate,
                  **totals, "frames_seen": 0, "sessions": []}
        for session in self.sessions:
            for agent in session["agents"]:
                for person in last_summary(self.folder / f"{agent}.log")["people"]:
                    for key in totals:
                        result[key] += int(person[key])
            aliases, frames, last = read_frames(self.folder / f"frames-{session['kind']}.jsonl")
            result["frames_seen"] += frames
            result["sessions"].append({
                "kind": session["kind"],
                "people": len(aliases),
                "frames": frames,
                "group": {key: number_json(last["group"].get(key))
                          for key in ("order_parameter", "r_mean_pairwise")},
                "pairs": [{"a": aliases.get(pair["a"], "?"), "b": aliases.get(pair["b"], "?"),
                           **number_json(pair.get("r_mean_windowed"))}
                          for pair in last["pairs"]],
            })
        return result

    def print_reports(self):
        for session in self.sessions:
            print(f"\n==== Report: {session['title']} ({session['kind']}) ====")
            print(self.ctl("report", f"--token={session['token']}"))


def number_json(number):
    """A protobuf-JSON Number as the summary tells it."""
    if not number:
        return {"absent": "ABSENCE_UNSPECIFIED"}
    out = {}
    if "value" in number:
        out["value"] = number["value"]
    else:
        out["absent"] = number.get("absent", "ABSENCE_UNSPECIFIED")
    chance = number.get("chance")
    if chance:
        out["chance_band"] = [chance.get("low", 0.0), chance.get("high", 0.0)]
        out["above_chance"] = chance.get("above", False)
    elif "chance_absent" in number:
        out["chance_absent"] = number["chance_absent"]
    return out


def read_frames(path):
    """Aliases of the participants, number of frames, and the newest value of every kind.

    The very last frames of a session may be empty of people (sources end a little before the
    session does), so the last frame with data counts."""
    aliases, frames = {}, 0
    last = {"group": {}, "pairs": []}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            event = json.loads(line)
            people = []
            if "snapshot" in event:
                people = event["snapshot"].get("people", [])
            elif "entry" in event and "joined" in event["entry"]:
                people = [event["entry"]["joined"]]
            elif "frame" in event:
                frames += 1
                people = event["frame"].get("people", [])
                frame = event["frame"].get("frame", {})
                if any("value" in frame.get("group", {}).get(key, {})
                       for key in ("order_parameter", "r_mean_pairwise")) or not last["group"]:
                    last["group"] = frame.get("group", {})
                if any("value" in p.get("r_mean_windowed", {}) for p in frame.get("pairs", [])) \
                        or not last["pairs"]:
                    last["pairs"] = frame.get("pairs", [])
            for person in people:
                if not person.get("viewer") and person.get("participant"):
                    aliases[person["participant"]] = person.get("alias", "")
    return aliases, frames, last


def last_summary(path):
    found = None
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.startswith("{") and '"summary"' in line:
                event = json.loads(line)
                if event.get("event") == "summary":
                    found = event
    if found is None:
        raise Failed(f"no summary in {path.name}:\n" + path.read_text(errors="replace")[-500:])
    return found


def print_contrast(summary):
    print("\n==== What came out ====")
    print(f"beats sent {summary['beats_sent']}, acknowledged {summary['beats_acknowledged']}, "
          f"durable {summary['beats_durable']}, lost {summary['beats_lost']}; "
          f"frames seen {summary['frames_seen']}")
    for session in summary["sessions"]:
        for pair in session["pairs"]:
            who = f"{pair['a']} and {pair['b']}"
            if "value" not in pair:
                print(f"  {who:18} no value ({pair['absent']})")
                continue
            band = pair.get("chance_band", [0, 0])
            verdict = "above chance" if pair.get("above_chance") else "within chance"
            print(f"  {who:18} r = {pair['value']:+.2f}   chance {band[0]:+.2f} .. {band[1]:+.2f}"
                  f"   {verdict}")
        for key, number in session["group"].items():
            value = f"{number['value']:+.2f}" if "value" in number else number["absent"]
            print(f"  {session['kind']} group, {key}: {value}")


def say(text):
    print(text, file=sys.stderr, flush=True)


def main():
    arguments = parse_arguments()
    if arguments.keep:
        folder = pathlib.Path(arguments.keep)
        folder.mkdir(parents=True)
    else:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="attune-demo-"))
    demo = Demo(arguments, folder)
    # A signal must stop what was started, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        demo.run()
        summary = demo.summary()
        demo.print_reports()
        print_contrast(summary)
        if arguments.summary:
            pathlib.Path(arguments.summary).write_text(json.dumps(summary, indent=2) + "\n",
                                                       encoding="utf-8")
    except Failed as problem:
        print(f"demo: {problem}", file=sys.stderr)
        print(f"demo: logs are in {folder}", file=sys.stderr)
        arguments.keep = str(folder)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        demo.stop()
        if not arguments.keep:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
