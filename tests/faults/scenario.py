"""What happens to one agent, its network and its node in ten minutes of a session: drawn from a
seed, so that it can be drawn again.

The same seed gives the same people, the same faults and the same moments. Which message a fault
meets depends on the machine as well: a seed that failed on a busy one may pass on another.
"""

import dataclasses
import random

SESSION_S = 600  # of session time; beats of the sources lie within


@dataclasses.dataclass
class Event:
    at_s: float       # real seconds after the start
    what: str         # "proxy", "agent", "node" or "disk"
    command: str = ""  # for the proxy
    for_s: float = 0  # how long a killed program stays away, or the disk full


@dataclasses.dataclass
class Scenario:
    seed: int
    network: str  # "tls", "plain": faults of bytes; "messages": faults of messages
    sources: list
    events: list
    small_disk: bool

    def __str__(self):
        lines = [f"seed {self.seed}: {self.network}, {len(self.sources)} people"
                 + (", a small disk" if self.small_disk else "")]
        for event in self.events:
            away = f" for {event.for_s:.2f} s" if event.for_s else ""
            lines.append(f"  {event.at_s:6.2f} s  {event.what} {event.command}{away}")
        return "\n".join(lines)


KINDS = [("up", "hello"), ("up", "observations"), ("up", "progress"), ("up", "probe"),
         ("up", "bye"), ("down", "welcome"), ("down", "ack"), ("down", "probe_reply"),
         ("down", "refusal")]


def source(draw, number):
    every_s = draw.choice([0, 40, 60, 120])
    dropout = f",dropout_every_s={every_s},dropout_s={draw.randint(3, 12)}" if every_s else ""
    return (f"simulate:seed={draw.randrange(1, 10 ** 6) * 10 + number},at={draw.randint(2, 9)},"
            f"seconds={SESSION_S - 15},missed={draw.choice([0, 0.01])},"
            f"ectopic={draw.choice([0, 0.02])}{dropout}")


def make(seed, real_s):
    """`real_s`: how long the sources give beats, in real seconds."""
    draw = random.Random(f"attune faults {seed}")
    network = ["messages", "plain", "messages", "tls"][seed % 4]
    people = draw.choice([1, 1, 2, 3])
    events = []

    def at(upto=0.85):
        return draw.uniform(0.03, upto) * real_s

    def passing(on, off, seconds):
        begin = at()
        events.append(Event(begin, "proxy", on))
        events.append(Event(begin + seconds, "proxy", off))

    way = lambda: draw.choice(["up", "down", "both"])  # noqa: E731
    for _ in range(draw.randint(2, 4)):
        kind = draw.choice(["delay", "delay", "rate", "hold"])
        word = {"delay": f"delay={draw.randint(1, 120)} jitter={draw.randint(0, 80)}",
                "rate": f"rate={draw.randint(400, 4000)}", "hold": "hold"}[kind]
        one = way()
        passing(f"wire {one} {word}", "wire both", draw.uniform(0.1, 0.12 * real_s))
    for _ in range(draw.randint(1, 4)):
        how = ["reset", "end"] + (["stream"] if network == "messages" else [])
        events.append(Event(at(0.95), "proxy", f"cut {draw.choice(how)}"))
    if draw.random() < 0.5:
        passing("refuse on", "refuse off", draw.uniform(0.1, 1.0))
    if draw.random() < 0.15:  # longer than the agent's patience
        begin = draw.uniform(0.05, 0.2) * real_s
        events.append(Event(begin, "proxy", f"wire {way()} hold"))
        events.append(Event(begin + 16, "proxy", "wire both"))
    if network == "tls":
        for _ in range(draw.randint(1, 5)):
            events.append(Event(at(), "proxy", f"flip {draw.choice(['up', 'down'])} 1"))
    if network == "messages":
        rates = " ".join(f"{action}={draw.choice([0, 0.003, 0.01, 0.03])}"
                         for action in ("drop", "double", "spoil", "cut"))
        begin = at(0.5)
        events.append(Event(begin, "proxy", f"messages {way()} {rates}"))
        events.append(Event(begin + draw.uniform(0.1, 0.5) * real_s, "proxy", "messages both"))
        for _ in range(draw.randint(2, 6)):
            direction, kind = draw.choice(KINDS)
            action = draw.choice(["drop", "drop", "double", "spoil", "cut"])
            events.append(Event(at(0.97), "proxy", f"next {direction} {kind} {action}"))
    for _ in range(draw.choice([0, 1, 1, 2])):
        events.append(Event(at(), "agent", for_s=draw.uniform(0.05, 1.5)))
    for _ in range(draw.choice([0, 0, 1, 1, 2])):
        events.append(Event(at(), "node", for_s=draw.uniform(0.05, 1.5)))
    small_disk = seed % 10 == 7
    if small_disk:
        events.append(Event(at(0.6), "disk", for_s=draw.uniform(0.1, 0.25) * real_s))
    events.sort(key=lambda event: event.at_s)
    return Scenario(seed, network, [source(draw, i) for i in range(people)], events, small_disk)
