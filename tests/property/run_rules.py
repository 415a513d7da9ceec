#!/usr/bin/env python3
"""Compares our auth rules and state resolution with Synapse's on random rooms.

    run_rules.py --oracle build/tests/property/oracle_rules [--seed 1] [--count 1000]
                 [--only v1|v2|v2.1|auth|auth_events] [--version 11]

The Synapse of synapse-requirements.txt is installed on first use (see tests/support/synapse.py);
where that is not possible, the program ends with 77, "skipped". Everything follows from the seed: a
difference is printed with the seed of its room, and `--seed N --count 1` shows it again.
"""

import argparse
import collections
import json
import logging
import os
import pathlib
import random
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def use_python_with_synapse():
    """Starts again in the virtual environment that has the wanted Synapse, if this is not it."""
    if os.environ.get("BEFFROI_RULES_PYTHON") == sys.executable:
        return
    sys.path.insert(0, str(HERE.parent / "support"))
    from synapse import virtual_environment  # the helper of that name, not Synapse

    try:
        python = str(virtual_environment(HERE / "synapse-requirements.txt"))
    except subprocess.CalledProcessError:
        print("matrix-synapse could not be installed; not compared.")
        sys.exit(77)
    os.environ["BEFFROI_RULES_PYTHON"] = python
    os.execv(python, [python, *sys.argv])


use_python_with_synapse()

from synapse import event_auth
from synapse.api.errors import AuthError, SynapseError
from synapse.api.room_versions import KNOWN_ROOM_VERSIONS
from synapse.events import make_event_from_dict
from synapse.state import v1, v2
from synapse.storage.databases.main.event_federation import StateDifference

logging.disable(logging.WARNING)

ALGORITHMS = {
    "v1": ["1"],
    "v2": ["2", "3", "4", "5", "6", "7", "8", "9", "10", "11"],
    "v2.1": ["12"],
}
ALL_VERSIONS = [str(number) for number in range(1, 13)]


def run(coroutine):
    """Runs a coroutine that never really waits."""
    try:
        while True:
            coroutine.send(None)
    except StopIteration as stop:
        return stop.value


def domain(user_id):
    return user_id.split(":", 1)[1]


class Clock:
    async def sleep(self, _duration):
        return None


class Store:
    """What Synapse's resolution asks its database for, answered from the definitions."""

    def __init__(self, events):
        self.events = events

    async def get_events(self, event_ids, allow_rejected=False, **_):
        return {i: self.events[i] for i in event_ids if i in self.events}

    def chain(self, event_ids):
        found, stack = set(), list(event_ids)
        while stack:
            event_id = stack.pop()
            if event_id not in found and event_id in self.events:
                found.add(event_id)
                stack.extend(self.events[event_id].auth_event_ids())
        return found

    async def get_auth_chain_difference(self, _room_id, state_sets, conflicted, _unpersisted):
        chains = [self.chain(state_set) for state_set in state_sets]
        difference = set.union(*chains) - set.intersection(*chains)
        subgraph = None
        if conflicted is not None:
            below = self.chain(conflicted)
            subgraph = {i for i in below if self.chain([i]) & conflicted}
        return StateDifference(difference, subgraph)


class Room:
    """A random room: a DAG of events, each with the state after it."""

    def __init__(self, version, rng):
        self.version = KNOWN_ROOM_VERSIONS[version]
        self.id = version
        self.rng = rng
        self.events = {}
        self.order = []
        self.after = {}
        self.number = 0
        self.users = ["@%s:%s" % (n, rng.choice(["one", "one", "two", "three"]))
                      for n in "abcdefg"[: rng.randint(3, 7)]]
        self.creator = self.users[0]
        self.lies = rng.random() < 0.4
        self.members_bias = rng.random()

    # Making events.

    def links(self, ids):
        if self.id in ("1", "2"):
            return [[i, {"sha256": "x"}] for i in ids]
        return list(ids)

    def build(self, sender, kind, state_key, content, prev, auth, rejected=False, **extra):
        self.number += 1
        depth = 1 + max((self.events[p].depth for p in prev), default=0)
        if self.lies and self.rng.random() < 0.1:
            depth = self.rng.randint(1, 12)
        pdu = {
            "type": kind, "sender": sender, "content": content, "room_id": "!r:one",
            "origin_server_ts": self.rng.randint(1, 1 + self.number),
            "depth": depth, "prev_events": self.links(prev), "auth_events": self.links(auth),
            "hashes": {"sha256": str(self.number)}, "signatures": {}, "unsigned": {},
        }
        pdu.update(extra)
        if self.id == "12":
            pdu["room_id"] = self.room_id
        if state_key is not None:
            pdu["state_key"] = state_key
        if kind == "m.room.create" and self.id == "12":
            del pdu["room_id"]
        if self.id in ("1", "2"):
            pdu["event_id"] = "$%d-%d:%s" % (self.rng.randint(0, 9), self.number,
                                             domain(sender))
        return make_event_from_dict(pdu, self.version, {}, "rejected" if rejected else None)

    room_id = "!r:one"
    is_closed = False

    def auth_ids(self, event, state):
        keys = event_auth.auth_types_for_event(self.version, event)
        ids = [state[key] for key in sorted(keys) if key in state]
        if self.id == "12":
            ids = [i for i in ids if self.events[i].type != "m.room.create"]
        return ids

    def draft(self, sender, kind, state_key, content, prev, state, **extra):
        rng_state, number = self.rng.getstate(), self.number
        bare = self.build(sender, kind, state_key, content, prev, [], **extra)
        self.rng.setstate(rng_state)
        self.number = number
        auth = self.auth_ids(bare, state)
        if self.lies and auth and self.rng.random() < 0.05:
            dropped = self.rng.choice(auth)
            if self.events[dropped].type != "m.room.create":
                auth.remove(dropped)
        return self.build(sender, kind, state_key, content, prev, auth, **extra)

    def is_acceptable(self, event, state):
        try:
            event_auth.check_state_dependent_auth_rules(
                event, [self.events[i] for i in state.values()])
            return True
        except AuthError:
            # Some servers let events pass that others refuse.
            return self.lies and self.rng.random() < 0.05
        except SynapseError:
            # Wrong in any state: Synapse does not expect to meet it in a resolution.
            return False

    def accept(self, event, state):
        self.events[event.event_id] = event
        self.order.append(event.event_id)
        self.after[event.event_id] = dict(state)
        if event.is_state():
            self.after[event.event_id][(event.type, event.state_key)] = event.event_id

    def start(self):
        content = {"room_version": self.id}
        if self.id not in ("11", "12"):
            content["creator"] = self.creator
        if self.id == "12" and self.rng.random() < 0.4:
            content["additional_creators"] = self.rng.sample(self.users[1:], 1)
        self.is_closed = self.rng.random() < 0.1
        if self.is_closed:
            content["m.federate"] = False
        create = self.build(self.creator, "m.room.create", "", content, [], [])
        if self.id == "12":
            self.room_id = create.room_id
        self.accept(create, {})
        self.step(self.creator, "m.room.member", self.creator, {"membership": "join"}, force=True)
        if self.rng.random() < 0.9:
            self.step(self.creator, "m.room.power_levels", "", self.power_levels({}))
        if self.rng.random() < 0.9:
            rule = self.rng.choice(["public", "public", "public", "invite", "restricted", "knock"])
            self.step(self.creator, "m.room.join_rules", "", {"join_rule": rule})

    # What happens in the room.

    def merged_state(self, prev):
        state = {}
        for event_id in prev:
            for key, value in self.after[event_id].items():
                if key not in state or self.rng.random() < 0.5:
                    state[key] = value
        return state

    def choose_prev(self):
        if self.rng.random() < 0.75:
            return [self.order[-1]]
        recent = self.order[-8:] if self.rng.random() < 0.8 else self.order
        return self.rng.sample(recent, min(len(recent), self.rng.choice([1, 1, 1, 2, 3])))

    def step(self, sender, kind, state_key, content, force=False, **extra):
        prev = [self.order[-1]] if force else self.choose_prev()
        state = self.merged_state(prev)
        event = self.draft(sender, kind, state_key, content, prev, state, **extra)
        if event.event_id in self.events:
            return
        if self.is_acceptable(event, state):
            self.accept(event, state)

    def level(self):
        value = self.rng.choice([0, 0, 10, 50, 50, 60, 75, 99, 100, 100, 101])
        if int(self.id) < 10 and self.rng.random() < 0.1:
            return self.rng.choice(["%d", " +%d ", "00%d"]) % value
        return value

    def power_levels(self, old):
        rng = self.rng
        content = json.loads(json.dumps(old))
        content.setdefault("users", {})
        if not old and self.id != "12":
            content["users"][self.creator] = 100
        for _ in range(rng.randint(1, 2)):
            choice = rng.random()
            if choice < 0.6:
                user = rng.choice(self.users)
                if self.id != "12" or user != self.creator or rng.random() < 0.1:
                    content["users"][user] = self.level()
                if rng.random() < 0.15:
                    content["users"].pop(user, None)
            elif choice < 0.8:
                content[rng.choice(["ban", "kick", "invite", "redact", "users_default",
                                    "events_default", "state_default"])] = self.level()
            else:
                group = rng.choice(["events", "events", "notifications"])
                kind = rng.choice(["m.room.topic", "m.room.power_levels", "m.room.join_rules",
                                   "m.room.name", "room"])
                content.setdefault(group, {})[kind] = self.level()
        return content

    def some_user(self):
        return self.rng.choice(self.users)

    def do_membership(self):
        sender, target = self.some_user(), self.some_user()
        kind = self.rng.choice(["join", "join", "join", "leave", "ban", "invite", "kick", "knock",
                                "unban"])
        content = {"membership": kind if kind not in ("kick", "unban") else "leave"}
        if kind in ("join", "leave", "knock"):
            target = sender
        if self.is_closed and domain(target) != domain(self.creator):
            target = sender  # see known_difference()
        if kind == "join" and self.rng.random() < 0.3:
            content["join_authorised_via_users_server"] = self.some_user()
        if kind == "invite" and self.rng.random() < 0.05:
            content["third_party_invite"] = {"display_name": "x", "signed": {
                "mxid": target, "token": "t", "signatures": {}}}
        self.step(sender, "m.room.member", target, content)

    def do_power(self):
        current = self.after[self.order[-1]].get(("m.room.power_levels", ""))
        old = self.events[current].get_dict()["content"] if current else {}
        sender = self.creator if self.rng.random() < 0.4 else self.some_user()
        self.step(sender, "m.room.power_levels", "", self.power_levels(old))

    def do_rules(self):
        rule = self.rng.choice(["public", "invite", "restricted", "knock", "knock_restricted",
                                "private"])
        sender = self.creator if self.rng.random() < 0.6 else self.some_user()
        self.step(sender, "m.room.join_rules", "", {"join_rule": rule})

    def do_other(self):
        kind, key = self.rng.choice([
            ("m.room.topic", ""), ("m.room.name", ""), ("m.room.third_party_invite", "t"),
            ("m.room.aliases", "one"), ("org.x", "@a:one"), ("m.text", None)])
        self.step(self.some_user(), kind, key, {"n": self.number})

    def grow(self, steps):
        self.start()
        for _ in range(steps):
            choice = self.rng.random()
            if choice < 0.35 + 0.3 * self.members_bias:
                self.do_membership()
            elif choice < 0.75:
                self.do_power()
            elif choice < 0.85:
                self.do_rules()
            else:
                self.do_other()

    def state_sets(self):
        rng = self.rng
        recent = self.order[-10:] if rng.random() < 0.7 else self.order
        sets = [dict(self.after[rng.choice(recent)]) for _ in range(rng.choice([2, 2, 2, 3, 4]))]
        for state in sets:
            if self.lies and rng.random() < 0.1 and len(state) > 1:
                key = rng.choice(sorted(state))
                if key[0] != "m.room.create":
                    del state[key]
        return sets

    def forget_some(self, sets):
        """Events that are in no state set may be missing at a server."""
        in_sets = {i for state in sets for i in state.values()}
        for event_id in self.order:
            event = self.events[event_id]
            if (event_id not in in_sets and event.type != "m.room.create"
                    and self.rng.random() < 0.03):
                del self.events[event_id]


class Oracle:
    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def ask(self, question):
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError("the oracle stopped")
        return json.loads(answer)


def as_question(event):
    pdu = event.get_pdu_json()
    pdu.pop("unsigned", None)
    return {"event_id": event.event_id, "rejected": event.rejected_reason is not None, "pdu": pdu}


def resolve_with_synapse(room, sets):
    store = Store(room.events)
    if room.id == "1":
        return run(v1.resolve_events_with_store(room.room_id, room.version, sets, None,
                                                store.get_events))
    return run(v2.resolve_events_with_store(Clock(), room.room_id, room.version, sets, None,
                                            store))


class Tally(collections.Counter):
    def show(self, title):
        print("%s: %s" % (title, ", ".join("%d %s" % (n, what) for what, n in self.items())))


def compare_resolution(oracle, version, seed, tally):
    rng = random.Random("%s/%d" % (version, seed))
    room = Room(version, rng)
    room.grow(rng.choice([8, 15, 30, 60]))
    sets = room.state_sets()
    if room.lies:
        room.forget_some(sets)
    try:
        expected = set(dict(resolve_with_synapse(room, sets)).values())
    except (ValueError, TypeError, AssertionError, SynapseError) as problem:
        tally["not answered by Synapse (%s)" % type(problem).__name__] += 1
        return True
    answer = oracle.ask({
        "op": "resolve", "version": version,
        "events": [as_question(room.events[i]) for i in room.order if i in room.events],
        "sets": [sorted(state.values()) for state in sets]})
    tally["rooms"] += 1
    if len({tuple(sorted(s.values())) for s in sets}) > 1:
        tally["with conflicts"] += 1
    if set(answer["state"]) == expected:
        return True
    print("DIFFERENCE in version %s, seed %d" % (version, seed))
    print("  ours only:   ", [describe(room, i) for i in set(answer["state"]) - expected])
    print("  Synapse only:", [describe(room, i) for i in expected - set(answer["state"])])
    return False


def describe(room, event_id):
    event = room.events[event_id]
    return "%s %s %s by %s %s" % (event_id[:8], event.type, event.get_state_key(), event.sender,
                                  event.get_dict()["content"])


def compare_rules(oracle, version, seed, tally):
    """Random events, sensible and not, against a random state of a random room."""
    rng = random.Random("auth/%s/%d" % (version, seed))
    room = Room(version, rng)
    room.grow(rng.choice([5, 15, 30]))
    same = True
    for _ in range(12):
        prev = room.choose_prev()
        state = room.merged_state(prev)
        event = random_event(room, prev, state)
        expected = room_verdict(room, event, state)
        if expected is None:
            tally["not answered by Synapse"] += 1
            continue
        answer = oracle.ask({"op": "auth", "version": version, "event": as_question(event),
                             "state": [as_question(room.events[i]) for i in state.values()]})
        tally["allowed" if expected else "refused"] += 1
        if answer["allowed"] == expected:
            continue
        label = known_difference(room, event, state)
        if label is not None:
            tally["known difference: " + label] += 1
            continue
        same = False
        print("DIFFERENCE in version %s, seed %d: ours %s (%s), Synapse %s\n  %s" % (
            version, seed, answer["allowed"], answer["why"], expected, json.dumps(
                event.get_dict())))
    return same


def room_verdict(room, event, state):
    try:
        if event.type == "m.room.create":
            event_auth._check_create(event)
        event_auth.check_state_dependent_auth_rules(event, [room.events[i]
                                                            for i in state.values()])
        return True
    except (AuthError, SynapseError):
        return False
    except (ValueError, TypeError, AttributeError, KeyError):
        return None


def known_difference(room, event, state):
    """Differences that README.md explains."""
    create = room.events[state[("m.room.create", "")]]
    if (event.type == "m.room.member" and create.get_dict()["content"].get("m.federate") is False
            and domain(event.state_key) != domain(create.sender)):
        return "target of another server in a closed room"
    if event.type == "m.room.power_levels" and event.get_state_key() != "":
        return "power levels with another state key"
    return None


def random_content(room, rng):
    return rng.choice([
        lambda: {}, lambda: {"n": 1},
        lambda: {"membership": rng.choice(["join", "leave", "invite", "ban", "knock", "x"])},
        lambda: {"join_rule": "public"}, lambda: room.power_levels({}),
        lambda: {"users": {rng.choice(room.users + ["x", "@x", "@:one"]): rng.choice([1, "1", 0])}},
        lambda: {"ban": rng.choice([1, 60, 1000])},
        lambda: {"room_version": rng.choice(["1", "9", "12", "x"])},
    ])()


def random_event(room, prev, state):
    rng = room.rng
    kind = rng.choice(["m.room.member"] * 6 + ["m.room.power_levels"] * 4 + [
        "m.room.create", "m.room.join_rules", "m.room.third_party_invite", "m.room.aliases",
        "m.room.redaction", "m.room.topic", "m.text", "org.x"])
    sender, target = room.some_user(), room.some_user()
    if rng.random() < 0.3:
        sender = room.creator
    content, key, extra = random_content(room, rng), "", {}
    if kind == "m.room.member":
        key = target if rng.random() < 0.5 else sender
        content = {"membership": rng.choice(["join", "join", "leave", "ban", "invite", "knock",
                                             "x"])}
        if rng.random() < 0.3:
            content["join_authorised_via_users_server"] = room.some_user()
        if rng.random() < 0.1:
            content["third_party_invite"] = rng.choice([{}, {"signed": {
                "mxid": target, "token": "t", "signatures": {}}}])
    elif kind == "m.room.power_levels":
        current = state.get(("m.room.power_levels", ""))
        old = room.events[current].get_dict()["content"] if current else {}
        content = room.power_levels(old) if rng.random() < 0.8 else content
        key = "" if rng.random() < 0.98 else "x"
    elif kind == "m.room.redaction":
        key = None
        target_id = rng.choice(room.order) if room.id in ("1", "2") else "$x"
        if room.id in ("11", "12"):
            content = {"redacts": target_id}
        else:
            extra = {"redacts": target_id}
    elif kind == "m.text":
        key = None
    elif kind != "m.room.create":
        key = rng.choice(["", "", sender, target, "one", "two", "@", "t"])
    if kind == "m.room.create":
        prev = prev if rng.random() < 0.5 else []
    room.lies = False
    if kind == "m.room.member" and "third_party_invite" in content and \
            "signed" not in content["third_party_invite"]:
        return room.build(sender, kind, key, content, prev, [], **extra)
    return room.draft(sender, kind, key, content, prev, state, **extra)


def compare_auth_events(oracle, version, seed, tally):
    """Rule 3: lists of auth events, some of them bent."""
    rng = random.Random("list/%s/%d" % (version, seed))
    room = Room(version, rng)
    room.grow(rng.choice([5, 15]))
    same = True
    for _ in range(12):
        prev = room.choose_prev()
        state = room.merged_state(prev)
        sender = room.some_user()
        content = {"membership": rng.choice(["join", "leave", "invite", "ban", "knock"])}
        kind, key = rng.choice([("m.room.member", room.some_user()), ("m.text", None),
                                ("m.room.topic", "")])
        room.lies = False
        event = room.draft(sender, kind, key, content, prev, state)
        listed = [i for i in event.auth_event_ids() if room.id != "12"
                  or room.events[i].type != "m.room.create"]
        bend = rng.random()
        if bend < 0.3 and listed:
            listed.remove(rng.choice(listed))
        elif bend < 0.6:
            listed.append(rng.choice(room.order))
        if rng.random() < 0.1 and room.id != "12":
            rejected = rng.choice(listed) if listed else None
        else:
            rejected = None
        known = {i: room.events[i] for i in room.order}
        if rejected is not None:
            old = known[rejected]
            known[rejected] = make_event_from_dict(old.get_pdu_json(), room.version, {}, "no")
        event = room.build(sender, kind, key, content, prev, listed)
        expected = list_verdict(known, event)
        answer = oracle.ask({"op": "auth_events", "version": version, "event": as_question(event),
                             "state": [as_question(known[i]) for i in listed]})
        tally["accepted" if expected else "refused"] += 1
        if answer["allowed"] == expected:
            continue
        same = False
        print("DIFFERENCE in version %s, seed %d: ours %s (%s), Synapse %s\n  %s" % (
            version, seed, answer["allowed"], answer["why"], expected, event.get_dict()))
    return same


def list_verdict(known, event):
    store = Store(known)
    try:
        run(event_auth.check_state_independent_auth_rules(store, event))
        return True
    except (AuthError, SynapseError):
        return False
    except (RuntimeError, AttributeError):
        # A v12 event that names the create event; an auth event without a state key.
        return False


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--oracle", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=1000, help="rooms per comparison")
    parser.add_argument("--only", choices=[*ALGORITHMS, "auth", "auth_events"])
    parser.add_argument("--version", choices=ALL_VERSIONS)
    options = parser.parse_args()
    oracle = Oracle(options.oracle)
    differences = 0

    def compare(title, function, versions):
        nonlocal differences
        if options.only not in (None, title):
            return
        if options.version:
            versions = [v for v in versions if v == options.version]
        tally = Tally()
        for seed in range(options.seed, options.seed + options.count):
            version = versions[seed % len(versions)] if versions else None
            if version is not None and not function(oracle, version, seed, tally):
                differences += 1
                if differences >= 10:
                    sys.exit("Too many differences; stopping.")
        tally.show(title)

    for algorithm, versions in ALGORITHMS.items():
        compare(algorithm, compare_resolution, versions)
    compare("auth", compare_rules, ALL_VERSIONS)
    compare("auth_events", compare_auth_events, ALL_VERSIONS)
    if differences:
        sys.exit("%d differences" % differences)


if __name__ == "__main__":
    main()
