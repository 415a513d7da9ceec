#!/usr/bin/env python3
"""Compares our auth rules and state resolution with Synapse's on random rooms.

    run_rules.py --oracle build/tests/property/oracle_rules [--seed 1] [--count 1000]
                 [--only v1|v2|v2.1|auth|auth_events] [--version 11]

The Synapse of synapse-requirements.txt is installed on first use (see tests/support/synapse.py).
Everything follows from the seed: a difference is printed with the seed of its room, and
`--seed N --count 1` shows it again.
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

    python = str(virtual_environment(HERE / "synapse-requirements.txt"))
    os.environ["BEFFROI_RULES_PYTHON"] = python
    os.execv(python, [python, *sys.argv])


use_python_with_synapse()

from synapse import event_auth
from synapse.api.errors import AuthError, SynapseError
from synapse.events import make_event_from_dict
from synapse.state import v1, v2
from synapse.storage.databases.main.event_federation import StateDifference

from random_rooms import Room, domain, random_event

logging.disable(logging.WARNING)

ALGORITHMS = {
    "v1": ["1"],
    "v2": ["2", "3", "4", "5", "6", "7", "8", "9", "10", "11"],
    "v2.1": ["12"],
}
ALL_VERSIONS = [str(number) for number in range(1, 13)]
ALL_VERSIONS += ["org.matrix.msc3757.10", "org.matrix.msc3757.11"]


def run(coroutine):
    """Runs a coroutine that never really waits."""
    try:
        while True:
            coroutine.send(None)
    except StopIteration as stop:
        return stop.value


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
