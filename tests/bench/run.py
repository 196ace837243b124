"""Runs the benchmarks with built binaries; `tests/bench/run` builds them first and calls this."""

import argparse
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import uuid

import edge


class Node:
    """An attuned of its own for one benchmark."""

    def __init__(self, binaries, durability):
        self.binaries = binaries
        self.scratch = tempfile.TemporaryDirectory(prefix="attune-bench-")
        folder = pathlib.Path(self.scratch.name)
        self.keys = folder / "keys"
        self.log = folder / "log"
        self.process = subprocess.Popen(
            [binaries / "services/attuned/attuned", "--grpc=127.0.0.1:0", "--http=127.0.0.1:0",
             f"--journal=sqlite:{folder / 'attune.db'}", f"--keys={self.keys}",
             f"--durability={durability}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=open(self.log, "wb"))
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("attuned did not start:\n" + self.log.read_text())
        self.serving = json.loads(line)
        self.folder = folder

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.scratch.cleanup()

    def ctl(self, *command):
        return subprocess.run(
            [self.binaries / "edge/ctl/attunectl", *command, f"--server={self.serving['grpc']}"],
            check=True, capture_output=True, text=True).stdout

    def session(self, people):
        """(facilitator token, participant tokens) of a new couples session."""
        created = json.loads(self.ctl("create", "--kind=couples", f"--keys={self.keys}",
                                      "--format=json"))
        tokens = [json.loads(self.ctl(
            "join", f"--code={created['join_code']}", f"--name=p{i}",
            "--consent=measure,group,pair:partner,pair:facilitator", f"--dyad=d{i // 2}", "--yes",
            "--format=json"))["token"] for i in range(people)]
        return created["facilitator_token"], tokens

    def metrics(self):
        import urllib.request
        with urllib.request.urlopen(f"http://{self.serving['http']}/metrics", timeout=5) as answer:
            return answer.read().decode()


def write_tokens(folder, tokens):
    path = pathlib.Path(folder) / f"tokens-{uuid.uuid4().hex}"
    path.write_text("\n".join(tokens) + "\n")
    return path


def ingest(binaries, address, tokens_file, beats, seconds, per_stream):
    result = subprocess.run(
        [binaries / "tests/bench/ingest", f"--address={address}", f"--tokens_file={tokens_file}",
         f"--beats_per_message={beats}", f"--seconds={seconds}",
         f"--beats_per_stream={per_stream}"],
        check=False, capture_output=True, text=True)
    if result.returncode != 0:
        raise RuntimeError(f"ingest: {result.stdout}{result.stderr}")
    return json.loads(result.stdout)["beats_per_s"]


def bench_ingest(binaries, short):
    """The full path against a bare server with the same messages."""
    seconds = 1.5 if short else 4
    streams, sessions = 64, 8
    for beats, bar in ((1, None), (64, 0.40)):
        with tempfile.TemporaryDirectory() as folder:
            bare = subprocess.Popen([binaries / "tests/bench/bare_server"],
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            address = json.loads(bare.stdout.readline())["grpc"]
            tokens = write_tokens(folder, [f"stream {i}" for i in range(streams)])
            floor = ingest(binaries, address, tokens, beats, seconds, 0)
            bare.stdin.close()
            bare.wait()
            for durability in ("process", "fsync"):
                with Node(binaries, durability) as node:
                    people = []
                    for _ in range(sessions):
                        people += node.session(streams // sessions)[1]
                    value = ingest(binaries, node.serving["grpc"], write_tokens(folder, people),
                                   beats, seconds, 190_000)
                yield figure(f"ingest_{beats}_per_message_{durability}", value, "beats/s", floor,
                             "bare gRPC server, same messages",
                             bar if durability == "process" else None)


def json_lines(command, **options):
    out = subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout
    return [json.loads(line) for line in out.splitlines()]


def bench_tick(binaries, short):
    """Computing one tick, by number of people, against the arithmetic of its pairs at N = 2; one
    whose data many other sessions have driven out of the caches; and what a hall of 1,000 takes of
    one core."""
    bench = [binaries / "services/synchrony/engine_bench", "--json",
             *(["--short"] if short else [])]
    floor = None
    for people in (2, 8, 30, 100):
        row = json_lines([*bench, f"--people={people}"])[0]
        value = row["us"]
        floor = floor or value
        yield figure(f"tick_{people}_people", value, "us", floor * people * (people - 1) / 2,
                     "N(N-1)/2 times the tick of two people", None)
        yield at_most(figure(f"engine_memory_per_person_of_{people}", row["kib_per_person"], "KiB",
                             4, "without what chance needs", None), 4)
    for name, people, sessions, bar in (("cold_room_of_8", 8, 1000, 40),
                                        ("cold_couple", 2, 4000, 8)):
        hot, cold = (json_lines([*bench, f"--people={people}", f"--sessions={count}"])[0]["us"]
                     for count in (1, sessions))
        yield at_most(figure(f"tick_{name}", cold, "us", hot,
                             f"the same hot; cold: {sessions:,} sessions in turn", None), bar)
    for name, tick_ms, more, bar in (("hall_1000_chance_1_per_s", 1000, [], 25),
                                     ("hall_1000_no_chance_4_per_s", 250, ["--common_cause"], 15)):
        row = json_lines([*bench, "--people=1000", "--couples", f"--tick_ms={tick_ms}", *more])[0]
        # us a tick over us between ticks.
        value = 100 * (row["us"] + row["feed_us"]) / (1000 * tick_ms)
        yield at_most(figure(name, value, "%", 100, "of one core", None), bar)


def bench_kernel(binaries, short):
    """All lagged correlations of N people: against the peak of the CPU's dot-product instruction,
    against NumPy and against the plain double form."""
    rows = json_lines([binaries / "services/synchrony/kernel/kernel_bench", "--json",
                       *(["--short"] if short else [])])
    us = {}
    for row in rows:
        us[row["what"], row["path"], row["people"]] = row["us"]
        if row["what"] == "all_pairs" and row["share_of_peak"]:
            yield {"figure": f"kernel_{row['path']}_{row['people']}_people", "value": row["us"],
                   "unit": "us", "floor": row["us"] * row["share_of_peak"],
                   "floor_is": f"its multiply-adds at the peak of {row['path']}, same run",
                   "ratio": row["share_of_peak"],
                   **judged(row["share_of_peak"], 0.75 if row["people"] >= 128 else None)}
    fastest = [path for path in ("portable", "avx2", "vnni") if ("all_pairs", path, 100) in us][-1]
    value = 4e-4 * us["all_pairs", fastest, 1000]
    yield at_most(figure("kernel_1000_people_4_per_s", value, "%", 100, "of one core", None), 15)
    for people, bar in ((8, 10), (100, 4)):
        value = us["all_pairs", fastest, people]
        peer = numpy_us(people, 0.1 if short else 1)
        floor, is_what = peer or (
            None, "NumPy is missing: apt-get install python3-numpy libopenblas0")
        ratio = floor / value if floor else None
        yield {"figure": f"kernel_{people}_people_vs_numpy", "value": value, "unit": "us",
               "floor": floor, "floor_is": is_what, "ratio": ratio, **judged(ratio, bar)}
    value, floor = us["all_pairs", fastest, 100], us["reference_double", "portable", 100]
    yield {"figure": "kernel_100_people_vs_double", "value": value, "unit": "us", "floor": floor,
           "floor_is": "plain double arithmetic (pair/reference), same run",
           "ratio": floor / value, **judged(floor / value, 30)}


def numpy_us(people, seconds):
    """(us, what it is) of the fastest NumPy form on one thread; None without NumPy."""
    result = subprocess.run(
        ["/usr/bin/python3", str(pathlib.Path(__file__).parent / "numpy_pairs.py"), str(people),
         str(seconds)],
        env={"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"},
        check=False, capture_output=True, text=True)
    if result.returncode != 0:
        if "No module named 'numpy'" in result.stderr:
            return None
        raise RuntimeError("numpy_pairs.py: " + result.stderr)
    row = json.loads(result.stdout)
    return row["best_us"], f"NumPy with {row['blas']}, {row['best']}, one thread"


def bench_frame(binaries, short):
    """From the message that closes a tick to its frame at the watcher; commit time beside it."""
    # A tick is a real second here: the short form is a look, not a measurement.
    ticks, skip = (16, 4) if short else (200, 10)
    for durability in ("process", "fsync"):
        with Node(binaries, durability) as node:
            watch, people = node.session(8)
            result = subprocess.run(
                [binaries / "tests/bench/frame_latency", f"--address={node.serving['grpc']}",
                 f"--tokens_file={write_tokens(node.folder, people)}", f"--watch_token={watch}",
                 f"--ticks={ticks}", f"--skip={skip}"],
                check=False, capture_output=True, text=True)
            if result.returncode != 0:
                raise RuntimeError("frame_latency: " + result.stdout + result.stderr)
            measured = json.loads(result.stdout)
            commit_ms = mean_commit_ms(node.metrics())
        for quantile in ("p50", "p99"):
            row = figure(f"frame_8_people_{durability}_{quantile}", measured[f"{quantile}_ms"],
                         "ms", commit_ms, "mean journal commit in the same run", None)
            yield at_most(row, 20) if quantile == "p99" and durability == "process" else row


def bench_edge(binaries, short):
    """An agent at the pace of life: one strap whose intervals come in lines, and a hub of 50
    simulated hearts, beside one core, and beside what intervals alone would take on the wire."""
    with Node(binaries, "process") as node:
        found = edge.measure(binaries, node, 20 if short else 60)
    for name, what, cpu_bar in (("one", "agent_1_strap", 1), ("hub", "agent_hub_50", 5)):
        cost = found[name]
        yield at_most(figure(f"{what}_cpu", 100 * cost["cpu"], "%", 100, "of one core", None),
                      cpu_bar)
        resident = figure(f"{what}_resident", cost["resident_mb"], "MB", None,
                          "libgrpc and what it needs are most of it", None)
        yield at_most(resident, 25) if name == "one" else resident
        beats = 1.2 * (edge.HUB if name == "hub" else 1)
        wire = figure(f"{what}_wire", cost["bytes_per_s"], "B/s", 2 * beats,
                      "two bytes a beat; measured: TCP payload, both ways", None)
        yield at_most(wire, 2000) if name == "one" else wire


def mean_commit_ms(metrics):
    values = {}
    for line in metrics.splitlines():
        for part in ("sum", "count"):
            if line.startswith(f"attune_commit_seconds_{part}"):
                values[part] = float(line.rsplit(" ", 1)[1])
    if not values.get("count"):
        return None
    return 1000 * values["sum"] / values["count"]


def figure(name, value, unit, floor, floor_is, bar):
    ratio = value / floor if floor else None
    return {"figure": name, "value": value, "unit": unit, "floor": floor, "floor_is": floor_is,
            "ratio": ratio, **judged(ratio, bar)}


def judged(ratio, bar):
    """Without a ratio - the peer is missing - there is no bar."""
    bar = None if ratio is None else bar
    return {"bar": bar, "holds": None if bar is None else ratio >= bar}


def at_most(row, bar):
    return {**row, "bar": bar, "bar_is": "value at most", "holds": row["value"] <= bar}


BENCHES = {"ingest": bench_ingest, "kernel": bench_kernel, "tick": bench_tick, "frame": bench_frame,
           "edge": bench_edge}


def main():
    parser = argparse.ArgumentParser(
        prog="tests/bench/run",
        description="Prints each figure beside its floor or peer, measured in the same run, and "
                    "their ratio. Exit code 1 when a bar does not hold (--short: never, it "
                    "runs too briefly to judge).")
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("--only", choices=sorted(BENCHES), help="only this group of figures")
    parser.add_argument("--short", action="store_true", help="seconds instead of minutes")
    parser.add_argument("--bin", default="bazel-bin", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    binaries = pathlib.Path(arguments.bin)
    held = True
    if not arguments.json:
        print(f"{'figure':36} {'value':>14} {'floor or peer':>14} {'ratio':>8}  {'bar':>6}")
    for name, bench in BENCHES.items():
        if arguments.only and name != arguments.only:
            continue
        for row in bench(binaries, arguments.short):
            held = held and row["holds"] is not False
            if arguments.json:
                print(json.dumps(row), flush=True)
            else:
                print(text_row(row), flush=True)
    return 0 if held or arguments.short else 1


def text_row(row):
    def number(value):
        if value is None:
            return "-"
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    bar = "" if row["bar"] is None else f"{row['bar']} {'holds' if row['holds'] else 'FAILS'}"
    return (f"{row['figure']:36} {number(row['value']):>8} {row['unit']:>5}"
            f" {number(row['floor']):>14} {number(row['ratio']):>8}  {bar:12} {row['floor_is']}")


if __name__ == "__main__":
    sys.exit(main())
