"""What a viewer may not see never leaves the node: everything that real watchers receive is taken
apart, event by event."""

import unittest

import grpc

from attune.v1 import live_pb2, session_pb2

from tests.integration import harness

C = session_pb2
SECOND = 1_000_000
RATE = 20
ALL_WITHHELD = {live_pb2.ABSENCE_TOO_FEW_PEOPLE, live_pb2.ABSENCE_NOT_ENOUGH_DATA}


def pair_consent(audience, granted):
    return C.Consent(purpose=C.PURPOSE_PAIR, audience=audience, granted=granted, text_version="1")


def consents(*audiences_of_pair):
    return [C.Consent(purpose=purpose, audience=audience, granted=True, text_version="1")
            for purpose, audience in
            [(C.PURPOSE_MEASURE, C.AUDIENCE_SELF), (C.PURPOSE_GROUP, C.AUDIENCE_SESSION),
             (C.PURPOSE_REPORT, C.AUDIENCE_SELF)]
            + [(C.PURPOSE_PAIR, audience) for audience in audiences_of_pair]]


def has_value(number):
    return number.WhichOneof("outcome") == "value"


def open_pairs(frame):
    """Pairs of a frame of which anything but the refusal is told."""
    refused = live_pb2.Number(absent=live_pb2.ABSENCE_NO_CONSENT)
    return [(p.a, p.b) for p in frame.pairs
            if any(n != refused for n in (p.r_mean_windowed, p.r_zero_lag, p.r_peak, p.lag_ms))]


def frames_of(watcher):
    return [e.frame.frame for e in watcher.events if e.HasField("frame")]


class VisibilityTest(harness.IntegrationTest):

    def start_people(self, node, session, people):
        """Joins through the contract and sends with a real agent; tokens by order."""
        joined = [session.join(alias, dyad_key=dyad, consents=agreed)
                  for alias, _, dyad, agreed in people]
        agent = harness.Agent(node, session, "people", [])
        agent.command = [c for c in agent.command if not c.startswith(("--join=", "--consent="))]
        for person, (_, source, _, _) in zip(joined, people):
            agent.command += [f"--source={source}", f"--token={person.token}"]
        agent.start()
        self.addCleanup(lambda: agent.process.poll() is None and agent.kill9())
        return [person.token for person in joined], agent

    def set_consent(self, session, token, *decisions):
        session.call("SetConsent", C.SetConsentRequest(
            request_id=harness.request_id(), consents=decisions), token)

    def test_couples(self):
        node = self.start_node(rate=RATE)
        session = harness.Session(node, C.SESSION_KIND_COUPLES,
                                  planned_end_session_us=240 * SECOND)
        partner, facilitator = C.AUDIENCE_PARTNER, C.AUDIENCE_FACILITATOR
        recorded = [f"replay:{harness.NSR2DB / p}.rr,at=4,seconds=220"
                    for p in ("nsr003", "nsr008", "nsr010", "nsr013")]
        tokens, agent = self.start_people(node, session, [
            ("Ada", recorded[0], "c1", consents(partner, facilitator)),
            ("Ben", recorded[1], "c1", consents(partner)),
            ("Cleo", recorded[2], "c2", consents(partner, facilitator)),
            ("Dan", recorded[3], "c2", consents(partner, facilitator))])
        ada, ben, cleo, _ = tokens
        observer = session.join("", role=C.ROLE_OBSERVER, consents=[]).token
        watchers = {name: self.start_watcher(node, token) for name, token in
                    {"ada": ada, "ben": ben, "cleo": cleo, "facilitator": session.token,
                     "observer": observer}.items()}

        def seen(name):
            return {pair for frame in frames_of(watchers[name]) for pair in open_pairs(frame)}

        harness.eventually(lambda: any(has_value(p.r_mean_windowed)
                                       for f in frames_of(watchers["ada"]) for p in f.pairs),
                           20, "a value of the own pair")
        self.assertEqual(seen("ada"), {(1, 2)})
        self.assertEqual(seen("cleo"), {(3, 4)})
        self.assertEqual(seen("facilitator"), {(3, 4)})

        # Ben agrees: from now on, and not backwards.
        agreed_at = session.history(ada).frames[-1].tick
        self.set_consent(session, ben, pair_consent(facilitator, True))
        harness.eventually(lambda: (1, 2) in seen("facilitator"), 5, "the facilitator sees them")
        for frame in session.history().frames:
            if frame.tick <= agreed_at:
                self.assertNotIn((1, 2), open_pairs(frame), "shown backwards")

        # Ben withdraws: nothing that holds the pair leaves any more, older ticks included.
        entries = len([e for e in watchers["ada"].events if e.HasField("entry")])
        self.set_consent(session, ben, pair_consent(facilitator, False),
                         pair_consent(partner, False))
        for token in (session.token, ada, ben):
            for frame in session.history(token).frames:
                self.assertNotIn((1, 2), open_pairs(frame), "history still tells")
        withdrawn_at = session.history(ada).frames[-1].tick
        harness.eventually(lambda: watchers["ada"].newest().frame.tick > withdrawn_at + 10
                           and watchers["facilitator"].newest().frame.tick > withdrawn_at + 10,
                           10, "frames go on")
        for name in ("ada", "ben", "facilitator"):
            for frame in frames_of(watchers[name]):
                if frame.tick > withdrawn_at:
                    self.assertNotIn((1, 2), open_pairs(frame), f"{name} at tick {frame.tick}")
        # The partner reads "not shared", and nothing that tells who it was.
        newest = watchers["ada"].newest().frame
        self.assertEqual([(p.a, p.b) for p in newest.pairs], [(1, 2)])
        self.assertEqual(newest.pairs[0].r_mean_windowed.absent, live_pb2.ABSENCE_NO_CONSENT)
        self.assertEqual(newest.pairs, watchers["ben"].newest().frame.pairs)
        self.assertEqual(
            len([e for e in watchers["ada"].events if e.HasField("entry")]), entries)
        self.assertEqual(open_pairs(watchers["cleo"].newest().frame), [(3, 4)])

        self.assertTrue(watchers["ada"].closed.wait(30), node.log())
        self.assertEqual(agent.wait(20), 0, agent.text())
        # Over the whole session.
        self.assertEqual(seen("cleo"), {(3, 4)})
        self.assertEqual(seen("observer"), set())
        for name, own in {"ada": [1], "ben": [2], "cleo": [3], "facilitator": [],
                          "observer": []}.items():
            watcher = watchers[name]
            self.assertGreater(len(watcher.events), 50)
            for event in watcher.events:
                if event.HasField("snapshot"):
                    self.assertEqual({c.text_version for c in event.snapshot.consents},
                                     {"1"} if own else set())
                people = {p.participant for p in event.frame.frame.people}
                self.assertLessEqual(people, set(own), f"{name} sees {people}")
                if name == "observer":
                    self.assertEqual(len(event.frame.people) + len(event.snapshot.people), 0)
                    self.assertFalse(event.frame.frame.pairs)
                    self.assertNotIn(event.entry.WhichOneof("what"), ("joined", "left", "dyad"))
        reports = {name: session.report(token).report for name, token in
                   {"ada": ada, "cleo": cleo, "facilitator": session.token,
                    "observer": observer}.items()}
        self.assertEqual({n: [(p.a, p.b) for p in r.pairs] for n, r in reports.items()},
                         {"ada": [], "cleo": [(3, 4)], "facilitator": [(3, 4)], "observer": []})
        self.assertEqual({n: [p.participant for p in r.people] for n, r in reports.items()},
                         {"ada": [1], "cleo": [3], "facilitator": [], "observer": []})

    def check_team_event(self, name, own, event):
        """Nothing of anybody else, and group values only as the rules release them."""
        envelope = event.frame
        frame = envelope.frame
        self.assertLessEqual({p.participant for p in frame.people}, own, name)
        self.assertFalse(frame.pairs, name)
        self.assertEqual(envelope.late_beats, 0)
        for presence in list(envelope.people) + list(event.snapshot.people):
            if presence.participant not in own:
                self.assertEqual(presence.data_age_us, -1, name)
                self.assertNotEqual(presence.link, live_pb2.LINK_STATE_PAUSED, name)
        if name == "observer":
            self.assertFalse(envelope.people)
        for number in (frame.group.order_parameter, frame.group.r_mean_pairwise):
            if has_value(number):
                self.assertGreaterEqual(frame.group.people, 5)
                chance = number.chance
                for value in (number.value, number.coverage, chance.mean, chance.low, chance.high):
                    self.assertAlmostEqual(value * 20, round(value * 20), places=9)
                self.assertEqual((chance.p, chance.shifts), (0, 0))
            elif event.HasField("frame"):
                self.assertIn(number.absent, ALL_WITHHELD)
                self.assertEqual(number.coverage, 0)

    def test_team(self):
        node = self.start_node(rate=RATE)
        session = harness.Session(node, C.SESSION_KIND_TEAM, planned_end_session_us=420 * SECOND)
        tokens, agent = self.start_people(node, session, [
            (f"Person {i}", f"simulate:seed={i},at=3,seconds=400", "", consents())
            for i in range(1, 7)])
        observer = session.join("", role=C.ROLE_OBSERVER, consents=[]).token
        watchers = {"facilitator": (set(), self.start_watcher(node, session.token)),
                    "participant": ({1}, self.start_watcher(node, tokens[0])),
                    "withdrawer": ({6}, self.start_watcher(node, tokens[5])),
                    "observer": (set(), self.start_watcher(node, observer))}

        def group(name):
            newest = watchers[name][1].newest()
            return newest and newest.frame.group

        harness.eventually(lambda: all(
            group(n) and has_value(group(n).order_parameter) for n in watchers), 40,
            "group values for everybody")
        self.assertEqual(group("observer").people, 6)
        # One of six withdraws: five are left. Whoever counts among them sees four others.
        withdrawn_at = max(f.tick for f in frames_of(watchers["facilitator"][1]))
        self.set_consent(session, tokens[5], C.Consent(
            purpose=C.PURPOSE_GROUP, audience=C.AUDIENCE_SESSION, granted=False, text_version="1"))
        harness.eventually(
            lambda: all(w.newest().frame.tick > withdrawn_at + 20 for _, w in watchers.values()),
            10, "frames go on")
        self.assertEqual(group("participant").order_parameter.absent,
                         live_pb2.ABSENCE_TOO_FEW_PEOPLE)
        for name in ("facilitator", "observer"):
            self.assertEqual(group(name).order_parameter.absent,
                             live_pb2.ABSENCE_NOT_ENOUGH_DATA, "a new window has not passed")
        # And the older ticks, of which the one who withdrew was a part, are closed too.
        for frame in session.history().frames:
            self.assertFalse(has_value(frame.group.order_parameter), f"tick {frame.tick}")

        self.assertTrue(watchers["facilitator"][1].closed.wait(40), node.log())
        self.assertEqual(agent.wait(20), 0, agent.text())
        for name, (own, watcher) in watchers.items():
            self.assertGreater(len(frames_of(watcher)), 100)
            for event in watcher.events:
                self.check_team_event(name, own, event)
        for token, own in ((session.token, []), (tokens[0], [1]), (observer, [])):
            report = session.report(token).report
            self.assertEqual([p.participant for p in report.people], own)
            self.assertEqual(len(report.pairs), 0)
        # What was raw is gone: from the edges at once, from the node with its keys.
        kept = [p for p in agent.spool.rglob("*") if p.is_file() and p.stat().st_size > 4096]
        self.assertEqual(kept, [])

    def test_team_below_k(self):
        node = self.start_node(rate=RATE)
        session = harness.Session(node, C.SESSION_KIND_TEAM, planned_end_session_us=60 * SECOND)
        tokens, agent = self.start_people(node, session, [
            (f"Person {i}", f"simulate:seed={i},at=3,seconds=50", "", consents())
            for i in range(1, 5)])
        watchers = [self.start_watcher(node, token) for token in (session.token, tokens[0])]
        self.assertTrue(watchers[0].closed.wait(20), node.log())
        agent.wait(20)
        for watcher in watchers:
            self.assertGreater(len(frames_of(watcher)), 20)
            for frame in frames_of(watcher):
                self.assertFalse(has_value(frame.group.order_parameter))
                self.assertFalse(has_value(frame.group.r_mean_pairwise))
                self.assertEqual(frame.group.people, 0)
        with self.assertRaises(grpc.RpcError):
            session.report(node.operator_token())


if __name__ == "__main__":
    unittest.main()
