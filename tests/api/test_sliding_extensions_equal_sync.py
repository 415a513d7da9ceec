"""What the extensions of sliding sync deliver over time is what /sync and the rest of the API know, although
the window moves, answers are lost and the server is killed."""

import random

import httpx
import pytest
from client import CLIENT, Client
from device import Device
from homeserver import launch, running
from sliding import EXTENSIONS, Sliding

ROOMS, STEPS, KILLS = 5, 50, 2
SEED = 4308
THREADS = "io.element.msc4308.thread_subscriptions"
ALL = {"all": {"ranges": [[0, 99]], "timeline_limit": 3, "required_state": []}}

pytestmark = pytest.mark.own_server


@pytest.fixture
def server():
    with running(launch("beffroi", rooms={"thread_subscriptions": True})) as server:
        yield server


class Told:
    """What a client makes of the extensions."""

    def __init__(self):
        self.messages, self.account_data, self.receipts = [], {}, {}
        self.typing, self.subscriptions = {}, {}
        self.are_keys_known = True

    def take(self, extensions):
        for event in extensions["to_device"]["events"]:
            # Until it is acknowledged a message comes again.
            if event["content"]["number"] not in self.messages:
                self.messages.append(event["content"]["number"])
        data = extensions.get("account_data", {})
        for room, events in [(None, data.get("global", [])), *data.get("rooms", {}).items()]:
            for event in events:
                self.account_data[(room, event["type"])] = event["content"]
        for room, event in extensions.get("receipts", {}).get("rooms", {}).items():
            self.receipts.setdefault(room, {}).update(by_user(event))
        for room, event in extensions.get("typing", {}).get("rooms", {}).items():
            self.typing[room] = event["content"]["user_ids"]
        threads = extensions.get(THREADS, {})
        for name, is_subscribed in (("subscribed", True), ("unsubscribed", False)):
            for room, roots in threads.get(name, {}).items():
                self.subscriptions.update({(room, root): is_subscribed for root in roots})


def by_user(receipts):
    """(user, thread) -> event."""
    return {
        (user, receipt.get("thread_id")): event_id
        for event_id, types in receipts["content"].items()
        for users in types.values()
        for user, receipt in users.items()
    }


class Life:
    """What bob, and alice on her other device, do."""

    def __init__(self, choice, alice, bob, rooms):
        self.choice, self.alice, self.bob, self.rooms = choice, alice, bob, rooms
        self.other = alice.second_device()
        self.sent, self.numbers, self.subscriptions = 0, 0, {}
        self.roots = {room: bob.send_text(room, "root") for room in rooms}
        self.keys_changed = False

    def go_on(self):
        ways = [self.message, self.receipt, self.account_data, self.tag, self.to_device, self.thread, self.keys]
        self.numbers += 1
        self.choice.choice(ways)(self.choice.choice(self.rooms))

    def message(self, room):
        self.bob.send_text(room, "on we go")

    def receipt(self, room):
        client = self.choice.choice([self.bob, self.other])
        client.post(f"{CLIENT}/rooms/{{}}/receipt/m.read/{{}}", room, self.bob.send_text(room, "read"))

    def account_data(self, _room):
        path = f"{CLIENT}/user/{{}}/account_data/test.{self.choice.randrange(3)}"
        self.other.put(path, self.other.user_id, body={"number": self.numbers})

    def tag(self, room):
        body = {"order": self.numbers / 1000}
        self.other.put(f"{CLIENT}/user/{{}}/rooms/{{}}/tags/u.work", self.other.user_id, room, body=body)

    def to_device(self, _room):
        messages = {self.alice.user_id: {self.alice.device_id: {"number": self.sent}}}
        self.sent += 1
        self.bob.put(f"{CLIENT}/sendToDevice/test/{{}}", str(self.sent), body={"messages": messages})

    def thread(self, room):
        path = "/_matrix/client/unstable/io.element.msc4306/rooms/{}/thread/{}/subscription"
        root = self.roots[room]
        if self.subscriptions.get((room, root)):
            self.other.delete(path, room, root)
        else:
            self.other.put(path, room, root, body={})
        self.subscriptions[(room, root)] = not self.subscriptions.get((room, root))

    def keys(self, _room):
        device = self.bob.second_device()
        Device(device).upload(device)
        self.keys_changed = True


def window(choice):
    first = choice.randrange(ROOMS)
    ranges = [[first, choice.randrange(first, ROOMS)]]
    return {"all": {"ranges": ranges, "timeline_limit": choice.choice([1, 3]), "required_state": []}}


def ask(sliding, told, life, lists, is_lost=False):
    pos = sliding.pos
    try:
        answer = sliding.ask(lists=lists)
    except httpx.HTTPError:
        assert is_lost
        answer = None
    if is_lost or answer is None:
        sliding.pos = pos
        return
    told.take(answer["extensions"])
    if life.bob.user_id in answer["extensions"]["e2ee"].get("device_lists", {}).get("changed", []):
        life.keys_changed = False
    sliding.acknowledge(answer)


def truth(client):
    """By /sync, of another device: account data and receipts."""
    client.since = None
    answer = client.sync()
    data = {(None, event["type"]): event["content"] for event in answer["account_data"]["events"]}
    receipts = {}
    for room, part in answer["rooms"]["join"].items():
        data |= {(room, event["type"]): event["content"] for event in part["account_data"]["events"]}
        for event in part["ephemeral"]["events"]:
            if event["type"] == "m.receipt":
                receipts[room] = by_user(event)
    return data, receipts


def test_what_the_extensions_tell_is_what_sync_tells(server):
    choice = random.Random(SEED)
    anonymous = Client(server.base_url)
    alice, bob = anonymous.register("alice"), anonymous.register("bob")
    rooms = [bob.create_room(preset="public_chat") for _ in range(ROOMS)]
    for room in rooms:
        alice.join(room)
    life, told = Life(choice, alice, bob, rooms), Told()
    sliding = Sliding(alice, conn_id="extensions", extensions={**EXTENSIONS, THREADS: {"enabled": True}})
    ask(sliding, told, life, ALL)
    kills = set(choice.sample(range(STEPS), KILLS))
    for step in range(STEPS):
        if step in kills:
            server.kill()
            server.start()
        for _ in range(choice.randrange(4)):
            life.go_on()
        if choice.random() < 0.3:
            ask(sliding, told, life, window(choice), is_lost=True)
        ask(sliding, told, life, window(choice))
    bob.put(f"{CLIENT}/rooms/{{}}/typing/{{}}", rooms[0], bob.user_id, body={"typing": True, "timeout": 60000})
    for _ in range(3):
        ask(sliding, told, life, ALL)

    data, receipts = truth(life.other)
    assert life.sent > 5 and len(receipts) > 2 and life.subscriptions
    assert told.messages == list(range(life.sent))
    assert told.account_data == data
    assert told.receipts == receipts
    assert told.typing[rooms[0]] == [bob.user_id]
    assert told.subscriptions == life.subscriptions
    assert not life.keys_changed
