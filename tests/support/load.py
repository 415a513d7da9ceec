"""Load that keeps books: who sent what, what the server acknowledged, what a syncing client saw.

The books (`Ledger`) are what the checks compare the server's answers with, whatever happened to the server
in between. Senders and followers behave like real clients: they repeat a request, with the same transaction ID,
until it is answered.
"""

import collections
import json
import os
import threading
import time

import httpx
from client import CLIENT, joined_room, quote, timeline

# The longest a client goes on trying through crashes and restarts.
PATIENCE_SECONDS = 180


class Ledger:
    """Intents and acknowledgements, appended to a file that survives whatever the test does."""

    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8")
        self.intents = {}
        self.acks = {}
        self.repeats = collections.Counter()
        self.changed = threading.Condition()

    def write(self, *entry):
        self.file.write(json.dumps(entry) + "\n")
        self.file.flush()
        os.fdatasync(self.file.fileno())

    def intend(self, key, what):
        with self.changed:
            self.intents[key] = what
            self.write("intent", key, what)

    def acknowledge(self, key, result):
        with self.changed:
            assert self.acks.get(key, result) == result, f"{key} was answered by two different events"
            self.acks[key] = result
            self.write("ack", key, result)
            self.changed.notify_all()

    def wait_for_acks(self, count, workers=()):
        """Waits for so many acknowledgements, or until no worker is left that could make them."""
        with self.changed:
            while len(self.acks) < count:
                if workers and not any(worker.is_alive() for worker in workers):
                    return
                self.changed.wait(1)


def persistently(server, attempt):
    """Repeats `attempt` until it is answered with something other than "try again"."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            answer = attempt()
            if answer.status_code < 500 and answer.status_code != 429:
                return answer
        except httpx.TransportError:
            pass
        assert time.monotonic() < give_up, "the server never answered"
        if not server.up.wait(PATIENCE_SECONDS):
            raise AssertionError("the server did not come back")


class Worker(threading.Thread):
    """A thread whose failure fails the test that joins it."""

    def __init__(self):
        super().__init__(daemon=True)
        self.failure = None

    def run(self):
        try:
            self.work()
        except BaseException as failure:
            self.failure = failure

    def finish(self):
        self.join(2 * PATIENCE_SECONDS)
        if self.failure:
            raise self.failure
        assert not self.is_alive(), f"{type(self).__name__} is stuck"


class Sender(Worker):
    """Sends numbered messages one after the other, each with its own transaction ID."""

    def __init__(self, server, client, ledger, room_ids, name, count):
        super().__init__()
        self.server, self.client, self.ledger = server, client, ledger
        self.room_ids, self.name, self.count = room_ids, name, count

    def work(self):
        for number in range(self.count):
            room_id = self.room_ids[number % len(self.room_ids)]
            key = f"{self.name}-{number}"
            self.ledger.intend(key, room_id)
            self.ledger.acknowledge(key, self.send(room_id, key))

    def send(self, room_id, key):
        path = f"{CLIENT}/rooms/{quote(room_id)}/send/m.room.message/{key}"
        content = json.dumps({"msgtype": "m.text", "body": key}).encode()
        answer = persistently(self.server, lambda: self.client.raw("PUT", path, content=content))
        assert answer.status_code == 200, answer.text
        return answer.json()["event_id"]


class Follower(Worker):
    """A client that syncs all along and keeps each room's timeline as it saw it, gaps filled."""

    def __init__(self, server, client, room_ids):
        super().__init__()
        self.server, self.client = server, client
        self.seen = {room_id: [] for room_id in room_ids}
        self.done = threading.Event()
        self.since = None
        self.catch_up(timeout_ms=0)

    def work(self):
        while not self.done.is_set():
            self.catch_up(timeout_ms=2000)
        while self.catch_up(timeout_ms=0):
            pass

    def stop(self):
        self.done.set()
        self.finish()
        return self.seen

    def get(self, path, query):
        answer = persistently(self.server, lambda: self.client.raw("GET", path, query=query))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def catch_up(self, timeout_ms):
        """One sync; how many events it brought."""
        query = {"timeout": timeout_ms, **({"since": self.since} if self.since else {})}
        answer = self.get(f"{CLIENT}/sync", query)
        brought = 0
        for room_id, seen in self.seen.items():
            part = joined_room(answer, room_id).get("timeline", {})
            if part.get("limited") and self.since:
                seen += self.fill_gap(room_id, part["prev_batch"])
            seen += timeline(answer, room_id)
            brought += len(timeline(answer, room_id))
        self.since = answer["next_batch"]
        return brought

    def fill_gap(self, room_id, start):
        """What a limited timeline left out: back from its start to what was seen before."""
        known = {event["event_id"] for event in self.seen[room_id]}
        missing = []
        while start:
            query = {"dir": "b", "from": start, "to": self.since, "limit": 100}
            page = self.get(f"{CLIENT}/rooms/{quote(room_id)}/messages", query)
            for event in page["chunk"]:
                if event["event_id"] in known:
                    return missing[::-1]
                missing.append(event)
            start = page.get("end")
        return missing[::-1]


def message_bodies(events):
    return [event["content"].get("body") for event in events if event["type"] == "m.room.message"]


def check_books(ledger, room_id, reader, followed):
    """Every acknowledged event is there once; nothing is there twice; all orders are one order."""
    history = [event for event in reader.all_messages(room_id) if event["type"] == "m.room.message"]
    ids = [event["event_id"] for event in history]
    assert len(ids) == len(set(ids)), "an event stands twice in /messages"
    bodies = message_bodies(history)
    doubled = [body for body, count in collections.Counter(bodies).items() if count > 1]
    assert not doubled, f"one intent, two events: {doubled[:5]}"

    expected = {ledger.acks[key]: key for key, room in ledger.intents.items() if room == room_id and key in ledger.acks}
    lost = sorted(set(expected) - set(ids))
    assert not lost, f"{len(lost)} acknowledged events are gone, among them {[expected[i] for i in lost[:5]]}"
    by_id = dict(zip(ids, bodies))
    wrong = [key for event_id, key in expected.items() if by_id[event_id] != key]
    assert not wrong, f"acknowledged with the event of another message: {wrong[:5]}"

    backward = reader.all_messages(room_id, direction="b")
    backward_ids = [event["event_id"] for event in backward if event["type"] == "m.room.message"]
    assert backward_ids[::-1] == ids, "/messages backwards is not /messages forwards in reverse"

    followed_ids = [event["event_id"] for event in followed if event["type"] == "m.room.message"]
    assert len(followed_ids) == len(set(followed_ids)), "/sync gave an event twice"
    missed = sorted(set(ids) - set(followed_ids))
    assert not missed, f"/sync left out {len(missed)} events, among them {[by_id[i] for i in missed[:5]]}"
    assert followed_ids == ids, "the order in /sync is not the order in /messages"


