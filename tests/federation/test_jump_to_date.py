"""The event closest to a time, also where this server has a hole: others are asked, and the event is fetched."""

import time

import pytest
from client import CLIENT, event_ids
from peer import FEDERATION
from two_sides import join_through

JUMP = "/_matrix/client/v1/rooms/{}/timestamp_to_event"
CONTEXT = f"{CLIENT}/rooms/{{}}/context/{{}}"


def jump(client, room_id, ts, direction, expect=200):
    answer = client.get(JUMP, room_id, query={"ts": ts, "dir": direction}, expect=expect)
    return answer.get("event_id")


def wait_until_after(ts):
    while time.time() * 1000 <= ts:
        time.sleep(0.001)


def send_apart(client, room_id, count):
    """(event ID, timestamp) of messages that all have different timestamps."""
    sent = []
    for i in range(count):
        event_id = client.send_text(room_id, f"message {i}")
        event = client.get(f"{CLIENT}/rooms/{{}}/event/{{}}", room_id, event_id)
        sent.append((event_id, event["origin_server_ts"]))
        wait_until_after(event["origin_server_ts"])
    return sent


@pytest.mark.parametrize("direction", ["ours", "theirs"])
def test_who_comes_later_finds_what_was_said_before(server, other_server, alice, bob, direction):
    """`ours`: a user of ours has come into a room of the other server."""
    owner, host, guest = (bob, other_server, alice) if direction == "ours" else (alice, server, bob)
    room_id = owner.create_room(preset="public_chat")
    (first, first_ts), (second, second_ts), (third, third_ts) = send_apart(owner, room_id, 3)
    join_through(guest, room_id, host)
    assert jump(guest, room_id, second_ts, "f") == second
    context = guest.get(CONTEXT, room_id, second, query={"limit": 0})
    if guest is alice:  # Synapse fetches the event alone, and what is around it some time later
        page = guest.messages(room_id, "b", from_=context["start"], limit=100)
        assert first in [e["event_id"] for e in page["chunk"]]
    assert jump(guest, room_id, second_ts - 1, "b") == first
    assert jump(guest, room_id, second_ts + 1, "f") == third
    jump(guest, room_id, first_ts - 3600 * 1000, "b", expect=404)


# ── A peer that has what we lack ──


@pytest.fixture
def room(server, alice, peer):
    room_id = alice.create_room(preset="public_chat", room_version="11")
    return peer.join(server, room_id, "mia")


@pytest.fixture
def hole(server, alice, peer, room):
    """Events of the peer that it never sent, an hour ago; what it built upon them is there."""
    then = int(time.time() * 1000) - 3600 * 1000
    hidden = [room.event("m.room.message", {"body": str(i)}, origin_server_ts=then + i * 1000) for i in range(120)]
    late = room.event("m.room.message", {"body": "late"})
    peer.answers[f"{FEDERATION}/v1/get_missing_events/"] = lambda *_: (200, {"events": []})
    peer.send(server, [late])
    alice.sync_until(lambda answer: room.id_of(late) in event_ids(answer, room.room_id))
    return hidden


def tells(peer, event_id, ts):
    peer.answers[f"{FEDERATION}/v1/timestamp_to_event/"] = lambda *_: (
        200,
        {"event_id": event_id, "origin_server_ts": ts},
    )


def test_history_is_fetched_up_to_the_event(alice, peer, room, hole):
    wanted = hole[5]
    tells(peer, room.id_of(wanted), wanted["origin_server_ts"])
    assert jump(alice, room.room_id, wanted["origin_server_ts"] - 1, "f") == room.id_of(wanted)
    context = alice.get(CONTEXT, room.room_id, room.id_of(wanted), query={"limit": 4})
    assert [e["event_id"] for e in context["events_before"]] == [room.id_of(hole[4]), room.id_of(hole[3])]
    assert [e["event_id"] for e in context["events_after"]] == [room.id_of(hole[6]), room.id_of(hole[7])]


def test_an_event_that_history_does_not_reach_is_fetched_alone(alice, peer, room, hole):
    wanted = hole[5]
    tells(peer, room.id_of(wanted), wanted["origin_server_ts"])
    peer.answers[f"{FEDERATION}/v1/backfill/"] = lambda *_: (200, {"pdus": []})
    assert jump(alice, room.room_id, wanted["origin_server_ts"] - 1, "f") == room.id_of(wanted)
    alice.get(CONTEXT, room.room_id, room.id_of(wanted))


def lies(peer, room, hole):
    wanted, ts = room.id_of(hole[5]), hole[5]["origin_server_ts"]
    return {
        "farther than ours": (wanted, int(time.time() * 1000) + 3600 * 1000),
        "on the other side": (wanted, ts - 60 * 1000),
        "an event that there is not": ("$" + "A" * 43, ts),
        "no event": (7, ts),
        "no time": (wanted, "soon"),
    }


LIES = ["farther than ours", "on the other side", "an event that there is not", "no event", "no time"]


@pytest.mark.parametrize("what", LIES)
def test_answers_that_do_not_hold_change_nothing(alice, peer, room, hole, what):
    ts = hole[5]["origin_server_ts"]
    peer.answers[f"{FEDERATION}/v1/backfill/"] = lambda *_: (200, {"pdus": []})
    before = jump(alice, room.room_id, ts, "f")
    tells(peer, *lies(peer, room, hole)[what])
    assert jump(alice, room.room_id, ts, "f") == before


def test_an_event_of_another_room_is_not_taken(server, alice, peer, room, hole):
    ts = hole[5]["origin_server_ts"]
    other = peer.join(server, alice.create_room(preset="public_chat", room_version="11"), "mia")
    foreign = other.event("m.room.message", {"body": "elsewhere"}, origin_server_ts=ts)
    peer.answers[f"{FEDERATION}/v1/backfill/"] = lambda *_: (200, {"pdus": [foreign]})
    before = jump(alice, room.room_id, ts, "f")
    tells(peer, room.id_of(foreign), ts)
    assert jump(alice, room.room_id, ts, "f") == before
    alice.get(CONTEXT, room.room_id, room.id_of(foreign), expect=404)
