"""The event closest to a time, also where this server has a hole: others are asked, and the event is fetched."""

import concurrent.futures
import time
from urllib.parse import quote

import pytest
from client import CLIENT, Client, event_ids
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


# ── Jumps that leave a gap, and what comes into it later ──

AT_ONCE = 10  # events that the peer gives at once: a jump fetches ten such stretches on the way
COUNT = 14 * AT_ONCE


@pytest.fixture
def long_ago(server, alice, peer, room):
    """IDs of messages of the peer that it never sent, from an hour ago on and a second apart."""
    then = int(time.time() * 1000) - 3600 * 1000
    hidden = [
        room.event("m.room.message", {"body": str(i)}, origin_server_ts=then + i * 1000) for i in range(COUNT)
    ]
    late = room.event("m.room.message", {"body": "late"})
    peer.answers[f"{FEDERATION}/v1/get_missing_events/"] = lambda *_: (200, {"events": []})
    peer.send(server, [late])
    alice.sync_until(lambda answer: room.id_of(late) in event_ids(answer, room.room_id))
    has_history(peer)
    return [room.id_of(event) for event in hidden], hidden


def has_history(peer):
    """From now on; the list of what it is asked."""
    asked = []

    def backfill(method, path, query, body):
        asked.append(query)
        return 200, {"pdus": peer.before({**query, "limit": [AT_ONCE]})}

    peer.answers[f"{FEDERATION}/v1/backfill/"] = backfill
    return asked


def page_through(client, room_id, direction, start):
    """IDs of the messages of all pages; each page but the last has a token to go on with."""
    ids, pages = [], 0
    while True:
        page = client.messages(room_id, direction, from_=start, limit=20)
        ids += [e["event_id"] for e in page["chunk"] if e["type"] == "m.room.message"]
        pages += 1
        assert pages < 200
        if "end" not in page or (direction == "f" and not page["chunk"]):
            return ids
        start = page["end"]


def jump_far(alice, peer, room, long_ago, index):
    ids, hidden = long_ago
    ts = hidden[index]["origin_server_ts"]
    tells(peer, ids[index], ts)
    assert jump(alice, room.room_id, ts - 1, "f") == ids[index]
    return alice.get(CONTEXT, room.room_id, ids[index], query={"limit": 10})


def test_after_a_far_jump_both_directions_give_each_event_once_in_order(alice, peer, room, long_ago):
    ids, _ = long_ago
    context = jump_far(alice, peer, room, long_ago, 5)
    assert context["events_before"] == context["events_after"] == []  # nothing that is not its neighbour
    back = page_through(alice, room.room_id, "b", context["start"])
    assert back == list(reversed(ids[:5]))
    forth = page_through(alice, room.room_id, "f", context["end"])
    assert forth[: len(ids) - 6] == ids[6:]
    assert len(forth) == len(set(forth))
    whole = [e for e in page_through(alice, room.room_id, "b", None) if e in set(ids)]
    assert whole == list(reversed(ids))


def test_reading_back_fills_the_gap_that_a_jump_has_left(alice, peer, room, long_ago):
    ids, _ = long_ago
    jump_far(alice, peer, room, long_ago, 5)
    assert [e for e in page_through(alice, room.room_id, "b", None) if e in set(ids)] == list(reversed(ids))
    assert len(page_through(alice, room.room_id, "b", None)) == len(ids) + 1


def test_jumps_into_a_gap_divide_it(alice, peer, room, long_ago):
    ids, _ = long_ago
    peer.answers[f"{FEDERATION}/v1/backfill/"] = lambda *_: (200, {"pdus": []})
    for index in (70, 5, 100, 30):
        context = jump_far(alice, peer, room, long_ago, index)
        assert context["events_before"] == context["events_after"] == []
    asked = has_history(peer)
    middle = alice.get(CONTEXT, room.room_id, ids[30], query={"limit": 10})
    assert page_through(alice, room.room_id, "f", middle["end"])[: len(ids) - 31] == ids[31:]
    assert [e for e in page_through(alice, room.room_id, "b", None) if e in set(ids)] == list(reversed(ids))
    assert len(asked) < 2 * COUNT / AT_ONCE


def test_a_gap_that_nobody_can_fill_does_not_stop_who_reads(alice, peer, room, long_ago):
    ids, _ = long_ago
    peer.answers[f"{FEDERATION}/v1/backfill/"] = lambda *_: (200, {"pdus": []})
    context = jump_far(alice, peer, room, long_ago, 5)
    assert ids[5] in page_through(alice, room.room_id, "b", None)
    assert "late" in str(alice.messages(room.room_id, "f", from_=context["end"], limit=100)["chunk"])


def test_a_first_sync_does_not_show_what_lies_behind_a_gap(server, alice, peer, room, long_ago):
    ids, _ = long_ago
    peer.answers[f"{FEDERATION}/v1/backfill/"] = lambda *_: (200, {"pdus": []})
    jump_far(alice, peer, room, long_ago, 5)
    assert ids[5] not in event_ids(alice.sync(), room.room_id)


def test_many_who_read_the_same_history_at_once_do_not_mix_it_up(server, alice, peer, room, long_ago):
    ids, _ = long_ago
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: alice.messages(room.room_id, "b", limit=500), range(8)))
    assert [e for e in page_through(alice, room.room_id, "b", None) if e in set(ids)] == list(reversed(ids))


# ── Who may not see the closest one ──


def test_the_closest_event_that_may_be_seen_is_found(server, alice):
    """Not the closest one of all, when that is hidden."""
    carol = Client(server.base_url).register("carol")
    room_id = alice.create_room(
        preset="public_chat",
        initial_state=[{"type": "m.room.history_visibility", "content": {"history_visibility": "joined"}}],
    )
    hidden = send_apart(alice, room_id, 30)
    first_ts, last_ts = hidden[0][1], hidden[-1][1]
    carol.join(room_id)
    visible = carol.send_text(room_id, "now")
    found = jump(carol, room_id, first_ts, "f")
    event = carol.get(f"{CLIENT}/rooms/{{}}/event/{{}}", room_id, found)
    assert event["type"] == "m.room.member" and event["state_key"] == carol.user_id
    assert jump(carol, room_id, int(time.time() * 1000) + 1000, "b") == visible
    before = jump(carol, room_id, last_ts, "b")  # from before the room's history was hidden
    assert before not in [event_id for event_id, _ in hidden]


def test_another_server_is_told_the_closest_event_that_it_may_see(server, alice, peer):
    room_id = alice.create_room(
        preset="public_chat",
        room_version="11",
        initial_state=[{"type": "m.room.history_visibility", "content": {"history_visibility": "joined"}}],
    )
    hidden = send_apart(alice, room_id, 15)
    peer.join(server, room_id, "mia")
    said = alice.send_text(room_id, "for both")
    path = f"{FEDERATION}/v1/timestamp_to_event/{quote(room_id, safe='')}"
    first_ts, last_ts = hidden[0][1], hidden[-1][1]
    assert peer.get(server, path, f"ts={first_ts}&dir=f")["origin_server_ts"] > last_ts
    assert peer.get(server, path, f"ts={last_ts}&dir=b")["event_id"] not in [event_id for event_id, _ in hidden]
    assert peer.get(server, path, f"ts={int(time.time() * 1000) + 1000}&dir=b")["event_id"] == said
