"""The ways to synchronise from before /sync (old_sync.yaml, room_initial_sync.yaml)."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from client import CLIENT

EVENT = f"{CLIENT}/events/{{}}"
ROOM = f"{CLIENT}/rooms/{{}}/initialSync"


def test_an_event_is_found_without_its_room(alice, bob, carol, room):
    event_id = alice.send_text(room, "hello")
    event = bob.get(EVENT, event_id)
    assert event["room_id"] == room and event["content"]["body"] == "hello"
    assert carol.get(EVENT, event_id, expect=404)["errcode"] == "M_NOT_FOUND"
    assert alice.get(EVENT, "$unknown", expect=404)["errcode"] == "M_NOT_FOUND"


def test_a_room_at_a_glance(alice, bob, carol, room):
    sent = [alice.send_text(room, str(i)) for i in range(3)]
    bob.put(f"{CLIENT}/user/{{}}/rooms/{{}}/account_data/org.example", bob.user_id, room, body={"a": 1})
    info = bob.get(ROOM, room)
    assert info["room_id"] == room and info["membership"] == "join" and info["visibility"] == "private"
    assert [event["event_id"] for event in info["messages"]["chunk"]][-3:] == sent
    assert {event["type"] for event in info["state"]} >= {"m.room.create", "m.room.power_levels"}
    assert {"type": "org.example", "content": {"a": 1}} in info["account_data"]
    assert bob.messages(room, from_=info["messages"]["start"])["chunk"] == []
    assert carol.get(ROOM, room, expect=403)["errcode"] == "M_FORBIDDEN"
    alice.set_state(room, "m.room.history_visibility", {"history_visibility": "world_readable"})
    assert "membership" not in carol.get(ROOM, room)
    few = carol.get(ROOM, room, query={"limit": 2})["messages"]["chunk"]
    assert [event["type"] for event in few] == ["m.room.history_visibility"]  # and one she may not see


def test_all_rooms_at_once(alice, bob, room):
    invited = alice.create_room(invite=[bob.user_id])
    answer = bob.get(f"{CLIENT}/initialSync", query={"limit": 2})
    rooms = {info["room_id"]: info for info in answer["rooms"]}
    assert set(rooms) == {room, invited} and answer["end"]
    assert len(rooms[room]["messages"]["chunk"]) == 2
    assert rooms[invited]["membership"] == "invite"
    assert rooms[invited]["invite"]["state_key"] == bob.user_id


def test_events_are_followed(alice, bob, room):
    start = bob.get(f"{CLIENT}/events")["end"]
    first, second = alice.send_text(room, "1"), bob.send_text(room, "2")
    answer = bob.get(f"{CLIENT}/events", query={"from": start, "timeout": 10000})
    assert [event["event_id"] for event in answer["chunk"]] == [first, second]
    assert answer["chunk"][0]["room_id"] == room and answer["start"] == start
    later = bob.get(f"{CLIENT}/events", query={"from": answer["end"], "timeout": 50})
    assert later["chunk"] == []
    assert bob.get(f"{CLIENT}/events", query={"from": "x"}, expect=400)["errcode"] == "M_INVALID_PARAM"


def test_a_world_readable_room_is_followed_from_outside(alice, carol, room):
    query = {"room_id": room}
    assert carol.get(f"{CLIENT}/events", query=query, expect=403)["errcode"] == "M_FORBIDDEN"
    alice.set_state(room, "m.room.history_visibility", {"history_visibility": "world_readable"})
    start = carol.get(f"{CLIENT}/events", query=query)["end"]
    assert carol.get(f"{CLIENT}/events", query={**query, "from": start, "timeout": 100})["chunk"] == []
    event_id = alice.send_text(room, "look")
    answer = carol.get(f"{CLIENT}/events", query={**query, "from": start, "timeout": 100})
    assert [event["event_id"] for event in answer["chunk"]] == [event_id]


@pytest.mark.parametrize("peeks", [False, True])
def test_who_waits_without_a_token_hears_what_comes_meanwhile(alice, bob, carol, room, peeks):
    alice.set_state(room, "m.room.history_visibility", {"history_visibility": "world_readable"})
    reader, query = (carol, {"room_id": room}) if peeks else (bob, {})
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(reader.get, f"{CLIENT}/events", query={**query, "timeout": 20000})
        sent = [alice.send_text(room, "0")]
        while not waiting.done():
            sent.append(alice.send_text(room, str(len(sent))))
        heard = [event["event_id"] for event in waiting.result()["chunk"]]
    assert heard and heard[0] in sent


def test_rooms_that_were_left_are_told_when_asked_for(alice, bob, room):
    bob.leave(room)
    path = f"{CLIENT}/initialSync"
    assert bob.get(path)["rooms"] == []
    (info,) = bob.get(path, query={"archived": "true"})["rooms"]
    assert info["membership"] == "leave"
