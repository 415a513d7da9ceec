"""What sliding sync delivers over time is what /sync delivers: no message is missed and no state differs,
whatever the window shows, whatever answers are lost, and although the server is killed."""

import random

import httpx

from client import CLIENT, Client
from sliding import Sliding

ROOMS, STEPS, KILLS = 6, 60, 2
SEED = 4186


class Told:
    """What a client makes of the answers: for each room its events and its state."""

    def __init__(self):
        self.events, self.state, self.holes = {}, {}, {}

    def take(self, answer):
        for room, part in answer["rooms"].items():
            if part.get("initial"):
                self.state[room] = {}
            for event in part.get("required_state", []):
                self.state[room][(event["type"], event["state_key"])] = event.get("event_id")
            known = self.events.setdefault(room, [])
            new = [event["event_id"] for event in part.get("timeline", [])]
            if part.get("limited") and not set(known) & set(new):
                # A hole is filled as clients do it, by paging back.
                self.holes.setdefault(room, []).append((part["prev_batch"], known[-1] if known else None))
            known += [event_id for event_id in new if event_id not in known]


def fill_holes(client, told):
    for room, holes in told.holes.items():
        for start, last_known in holes:
            while start is not None:
                page = client.messages(room, from_=start, limit=50)
                ids = [event["event_id"] for event in page["chunk"]]
                told.events[room] += [event_id for event_id in ids if event_id not in told.events[room]]
                start = None if last_known in ids else page.get("end")


def window(random):
    last = random.randrange(ROOMS)
    limit = random.choice([1, 2, 5])
    return {
        "all": {
            "ranges": [[0, last]],
            "timeline_limit": limit,
            "required_state": random.choice([[["*", "*"]], [["m.room.topic", ""], ["m.room.member", "*"]]]),
        }
    }


def everything(client):
    """The truth, by /sync: every event and the state of every room."""
    client.since = None
    answer = client.sync(filter={"room": {"timeline": {"limit": 1}}})
    rooms = answer["rooms"]["join"]
    events = {room: [event["event_id"] for event in client.all_messages(room)] for room in rooms}
    state = {
        room: {
            (event["type"], event["state_key"]): event["event_id"]
            for event in client.get(f"{CLIENT}/rooms/{{}}/state", room)
        }
        for room in rooms
    }
    return events, state


def something_happens(choice, bob, rooms):
    room = choice.choice(rooms)
    if choice.random() < 0.25:
        bob.set_state(room, "m.room.topic", {"topic": str(choice.random())})
    else:
        bob.send_text(room, str(choice.random()))


def ask_badly(choice, sliding):
    """A request whose answer is lost on the way."""
    pos = sliding.pos
    try:
        sliding.ask(lists=window(choice))
    except httpx.HTTPError:
        pass
    sliding.pos = pos


def test_what_sliding_sync_tells_is_what_sync_tells(private_server):
    choice = random.Random(SEED)
    anonymous = Client(private_server.base_url)
    alice, bob = anonymous.register("alice"), anonymous.register("bob")
    rooms = [
        bob.create_room(
            preset="public_chat", power_level_content_override={"events": {"m.room.topic": 0}}
        )
        for _ in range(ROOMS)
    ]
    for room in rooms:
        alice.join(room)
    sliding, told = Sliding(alice, conn_id="property"), Told()
    kills = set(choice.sample(range(STEPS), KILLS))
    for step in range(STEPS):
        if step in kills:
            private_server.kill()
            private_server.start()
        for _ in range(choice.randrange(4)):
            something_happens(choice, bob, rooms)
        if choice.random() < 0.3:
            ask_badly(choice, sliding)
        told.take(sliding.ask(lists=window(choice)))
    whole = {"all": {"ranges": [[0, 99]], "timeline_limit": 5, "required_state": [["*", "*"]]}}
    told.take(sliding.ask(lists=whole))
    told.take(sliding.ask(lists=whole))

    events, state = everything(alice)
    fill_holes(alice, told)
    assert set(told.events) == set(events) == set(rooms)
    for room in rooms:
        assert set(told.events[room]) == set(events[room]), room
        assert told.state[room] == state[room], room
