"""Sliding sync (MSC4186) with the client of it that matrix-js-sdk brings along."""

import time

import pytest
from actors import JsActor, NioActor
from client import PASSWORD, Client, unique
from sliding import Sliding


@pytest.fixture
def actors(homeserver):
    """One with sliding sync, and one of the old school."""
    sliding, other = JsActor(homeserver.base_url), NioActor(homeserver.base_url)
    try:
        for actor in (sliding, other):
            actor.register(unique("slider"), PASSWORD)
        sliding.start(sliding=True)
        other.start()
        yield sliding, other
    finally:
        for actor in (sliding, other):
            actor.close()


def test_it_hears_what_others_hear(actors):
    sliding, other = actors
    room_id = other.create_room("Bureau 12")
    other.invite(room_id, sliding.user_id)
    sliding.wait_for_invite(room_id)
    sliding.join(room_id)
    said = []
    # The library must have heard of the room before it writes into it.
    for number in range(4):
        speaker, listener = (other, sliding) if number % 2 == 0 else (sliding, other)
        event_id = speaker.send_text(room_id, f"message {number}")
        assert listener.wait_for_text(room_id, f"message {number}") == event_id
        said.append(event_id)
    other.redact(room_id, said[2])
    sliding.wait_for_redaction(room_id, said[2])
    other.read(room_id, said[3])
    sliding.wait_for_receipt(room_id, said[3], other.user_id)


def test_it_goes_on_after_the_network_was_lost(actors):
    sliding, other = actors
    room_id = other.create_room("Bureau 12")
    other.invite(room_id, sliding.user_id)
    sliding.wait_for_invite(room_id)
    sliding.join(room_id)
    other.send_text(room_id, "before")
    sliding.wait_for_text(room_id, "before")
    sliding.do("lose_network")
    missed = [other.send_text(room_id, f"missed {number}") for number in range(3)]
    sliding.do("find_network")
    for number, event_id in enumerate(missed):
        assert sliding.wait_for_text(room_id, f"missed {number}") == event_id


def test_many_rooms(homeserver, full):
    """The first usable answer of a user in many rooms, and then what is new: with the times, for docs/performance.md."""
    count = 1000 if full else 40
    alice = Client(homeserver.base_url).register("alice")
    rooms = [alice.create_room(name=f"room {number}") for number in range(count)]
    window = {"ranges": [[0, 19]], "timeline_limit": 1, "required_state": [["m.room.name", ""]]}
    sliding = Sliding(alice)
    started = time.monotonic()
    first = sliding.ask(lists={"all": window})
    first_ms = 1000 * (time.monotonic() - started)
    assert first["lists"]["all"]["count"] == count and set(first["rooms"]) == set(rooms[-20:])
    started = time.monotonic()
    rest = sliding.ask(lists={"all": {**window, "ranges": [[0, count - 1]]}})
    rest_ms = 1000 * (time.monotonic() - started)
    assert set(rest["rooms"]) == set(rooms[:-20])
    alice.send_text(rooms[0], "news")
    started = time.monotonic()
    news = sliding.ask()
    news_ms = 1000 * (time.monotonic() - started)
    assert set(news["rooms"]) == {rooms[0]}
    print(f"{count} rooms: first answer {first_ms:.0f} ms, all others {rest_ms:.0f} ms, one message {news_ms:.0f} ms")
