"""Reading a room: one event, its state, its members, its history (rooms.yaml, message_pagination.yaml,
event_context.yaml, room_event_by_timestamp.yaml), and who may."""

import random

import pytest
from support.client import CLIENT, joined_room

VISIBILITY = "m.room.history_visibility"


def bodies(events):
    return [e["content"]["body"] for e in events if e["type"] == "m.room.message" and "body" in e["content"]]


def room_with(alice, visibility):
    state = [{"type": VISIBILITY, "content": {"history_visibility": visibility}}]
    return alice.create_room(preset="public_chat", initial_state=state)


def test_an_event_is_read_by_members_only(alice, bob, carol, room):
    event_id = alice.send_text(room, "hello")
    event = bob.event(room, event_id)
    assert event["content"]["body"] == "hello" and event["room_id"] == room
    assert event["unsigned"]["membership"] == "join"
    assert carol.event(room, event_id, expect=404)["errcode"] == "M_NOT_FOUND"


def test_an_event_is_not_read_through_another_room(alice, room):
    other = alice.create_room()
    event_id = alice.send_text(other, "elsewhere")
    assert alice.event(room, event_id, expect=404)["errcode"] == "M_NOT_FOUND"


@pytest.mark.parametrize(
    "path", ["state", "members", "joined_members", "messages?dir=b", "state/m.room.create/", "context/$x"]
)
def test_outsiders_read_nothing(carol, room, path):
    answer = carol.get(f"{CLIENT}/rooms/{{}}/{path}", room, expect=403)
    assert answer["errcode"] == "M_FORBIDDEN"


def test_an_unknown_room_and_a_closed_one_look_the_same(alice, carol, room):
    closed = carol.get(f"{CLIENT}/rooms/{{}}/state", room, expect=403)
    unknown = carol.get(f"{CLIENT}/rooms/{{}}/state", "!nowhere:localhost", expect=403)
    assert closed == unknown


@pytest.mark.parametrize(
    ("visibility", "seen"),
    [("joined", ["after"]), ("invited", ["after"]), ("shared", ["before", "after"]), ("world_readable", ["before", "after"])],
)
def test_who_joins_later_sees_what_the_visibility_gives(alice, bob, visibility, seen):
    room_id = room_with(alice, visibility)
    alice.send_text(room_id, "before")
    bob.join(room_id)
    alice.send_text(room_id, "after")
    assert bodies(bob.all_messages(room_id)) == seen


def test_an_invited_user_later_sees_what_came_after_the_invite(alice, bob):
    room_id = room_with(alice, "invited")
    alice.send_text(room_id, "before")
    alice.invite(room_id, bob.user_id)
    alice.send_text(room_id, "invited")
    bob.join(room_id)
    assert bodies(bob.all_messages(room_id)) == ["invited"]


def test_who_left_reads_until_then_and_the_state_of_then(alice, bob, room):
    alice.set_state(room, "m.room.name", {"name": "old"})
    alice.send_text(room, "before")
    bob.leave(room)
    alice.set_state(room, "m.room.name", {"name": "new"})
    alice.send_text(room, "after")
    assert bodies(bob.messages(room)["chunk"]) == ["before"]
    assert bob.state(room, "m.room.name") == {"name": "old"}


def test_visibility_counts_at_the_event_not_now(alice, bob):
    room_id = room_with(alice, "joined")
    alice.send_text(room_id, "secret")
    alice.set_state(room_id, VISIBILITY, {"history_visibility": "shared"})
    alice.send_text(room_id, "open")
    bob.join(room_id)
    assert bodies(bob.all_messages(room_id)) == ["open"]


def test_everybody_reads_a_world_readable_room(alice, carol):
    room_id = room_with(alice, "world_readable")
    alice.send_text(room_id, "public")
    assert bodies(carol.messages(room_id)["chunk"]) == ["public"]


def test_pages_join_without_gap_or_repetition_in_both_directions(alice, room):
    sent = [alice.send_text(room, f"message {i}") for i in range(25)]
    forwards = [e["event_id"] for e in alice.all_messages(room, "f", limit=4)]
    backwards = [e["event_id"] for e in alice.all_messages(room, "b", limit=7)]
    assert [e for e in forwards if e in sent] == sent
    assert backwards == forwards[::-1]


def test_messages_wants_a_direction_and_honest_tokens(alice, room):
    path = f"{CLIENT}/rooms/{{}}/messages"
    assert alice.get(path, room, expect=400)["errcode"] == "M_MISSING_PARAM"
    for query in ({"dir": "x"}, {"dir": "b", "from": "garbage"}, {"dir": "b", "limit": "many"}):
        assert alice.get(path, room, query=query, expect=400)["errcode"] == "M_INVALID_PARAM"


def test_context_shows_both_sides_of_an_event(alice, room):
    ids = [alice.send_text(room, f"message {i}") for i in range(9)]
    answer = alice.get(f"{CLIENT}/rooms/{{}}/context/{{}}", room, ids[4], query={"limit": 4})
    assert answer["event"]["event_id"] == ids[4]
    assert [e["event_id"] for e in answer["events_before"]] == [ids[3], ids[2]]
    assert [e["event_id"] for e in answer["events_after"]] == [ids[5], ids[6]]
    older = alice.messages(room, "b", from_=answer["start"], limit=1)["chunk"]
    assert older[0]["event_id"] == ids[1]
    newer = alice.messages(room, "f", from_=answer["end"], limit=1)["chunk"]
    assert newer[0]["event_id"] == ids[7]


def test_the_event_nearest_to_a_time_is_found(alice, room):
    event_id = alice.send_text(room, "now")
    ts = alice.event(room, event_id)["origin_server_ts"]
    path = "/_matrix/client/v1/rooms/{}/timestamp_to_event"
    assert alice.get(path, room, query={"ts": ts, "dir": "b"})["event_id"] == event_id
    answer = alice.get(path, room, query={"ts": ts + 3600000, "dir": "f"}, expect=404)
    assert answer["errcode"] == "M_NOT_FOUND"


def test_members_are_filtered_by_membership(alice, bob, carol, room):
    alice.invite(room, carol.user_id)
    bob.leave(room)
    path = f"{CLIENT}/rooms/{{}}/members"

    def members(**query):
        return {e["state_key"] for e in alice.get(path, room, query=query)["chunk"]}

    assert members() == {alice.user_id, bob.user_id, carol.user_id}
    assert members(membership="invite") == {carol.user_id}
    assert members(not_membership="leave") == {alice.user_id, carol.user_id}


def test_members_at_an_earlier_sync_are_those_of_then(alice, bob):
    room_id = alice.create_room(preset="public_chat")
    alice.sync()
    then = alice.since
    bob.join(room_id)
    chunk = alice.get(f"{CLIENT}/rooms/{{}}/members", room_id, query={"at": then})["chunk"]
    assert [e["state_key"] for e in chunk] == [alice.user_id]


def test_state_is_read_as_content_and_as_event(alice, room):
    event_id = alice.set_state(room, "m.room.topic", {"topic": "bells"})
    assert alice.state(room, "m.room.topic") == {"topic": "bells"}
    whole = alice.state(room, "m.room.topic", query={"format": "event"})
    assert whole["event_id"] == event_id and whole["content"] == {"topic": "bells"}
    assert alice.state(room, "m.room.nothing", expect=404)["errcode"] == "M_NOT_FOUND"


def test_setting_the_same_state_again_is_no_new_event(alice, room):
    first = alice.set_state(room, "m.room.topic", {"topic": "bells"})
    assert alice.set_state(room, "m.room.topic", {"topic": "bells"}) == first


def test_replaced_state_tells_what_it_replaced(alice, room):
    first = alice.set_state(room, "m.room.topic", {"topic": "one"})
    second = alice.set_state(room, "m.room.topic", {"topic": "two"})
    unsigned = alice.event(room, second)["unsigned"]
    assert unsigned["replaces_state"] == first and unsigned["prev_content"] == {"topic": "one"}


def test_a_second_create_event_is_refused(alice, room):
    path = f"{CLIENT}/rooms/{{}}/state/m.room.create/"
    assert alice.put(path, room, body={}, expect=400)["errcode"] == "M_INVALID_PARAM"


def test_the_address_of_a_rooms_picture_may_be_as_long_as_events_allow(alice, room):
    url = "mxc://localhost/" + random.Random(47).randbytes(15000).hex()
    alice.set_state(room, "m.room.avatar", {"url": url})
    assert alice.get(f"{CLIENT}/rooms/{{}}/state/m.room.avatar", room)["url"] == url


def test_a_foreign_alias_is_not_a_rooms_own(alice, room):
    path = f"{CLIENT}/rooms/{{}}/state/m.room.canonical_alias/"
    body = {"alias": "#nobody-has-this:localhost"}
    assert alice.put(path, room, body=body, expect=400)["errcode"] == "M_BAD_ALIAS"
    body = {"alias": "nonsense"}
    assert alice.put(path, room, body=body, expect=400)["errcode"] == "M_INVALID_PARAM"


def test_a_redacted_event_is_empty_and_says_why(alice, bob, room):
    event_id = alice.send_text(room, "mistake")
    redaction = alice.redact(room, event_id, reason="typo")
    event = bob.event(room, event_id)
    assert event["content"] == {}
    because = event["unsigned"]["redacted_because"]
    assert because["event_id"] == redaction and because["content"]["reason"] == "typo"


def test_others_messages_are_redacted_by_the_powerful_only(alice, bob, carol, room):
    event_id = alice.send_text(room, "keep")
    path = f"{CLIENT}/rooms/{{}}/redact/{{}}/{{}}"
    assert bob.put(path, room, event_id, "r1", expect=403)["errcode"] == "M_FORBIDDEN"
    body = {"redacts": event_id}
    bob.put(f"{CLIENT}/rooms/{{}}/send/m.room.redaction/{{}}", room, "r1", body=body, expect=403)
    assert bob.event(room, event_id)["content"]["body"] == "keep"
    carol.put(path, room, event_id, "r2", expect=403)


def test_too_large_and_unrepresentable_events_are_refused(alice, room):
    path = f"{CLIENT}/rooms/{{}}/send/m.room.message/{{}}"
    answer = alice.put(path, room, "big", body={"body": "x" * 65536}, expect=413)
    assert answer["errcode"] == "M_TOO_LARGE"
    answer = alice.put(path, room, "float", body={"body": 1.5}, expect=400)
    assert answer["errcode"] == "M_BAD_JSON"
    answer = alice.put(path, room, "huge", body={"body": 2**53}, expect=400)
    assert answer["errcode"] == "M_BAD_JSON"


def test_before_its_first_event_a_room_has_its_creator(alice, bob):
    room_id = alice.create_room(preset="public_chat")
    start = joined_room(alice.sync(), room_id)["timeline"]["prev_batch"]
    bob.join(room_id)
    members = alice.get(f"{CLIENT}/rooms/{{}}/members", room_id, query={"at": start})["chunk"]
    assert [member["state_key"] for member in members] == [alice.user_id]


def test_a_filtered_page_says_where_the_next_one_begins(alice, room):
    event_id = alice.send(room, "m.room.message", {"msgtype": "m.file", "body": "a", "url": "mxc://a/b"})
    page = alice.messages(room, filter='{"contains_url":true}')
    assert [event["event_id"] for event in page["chunk"]] == [event_id]
    last = alice.messages(room, filter='{"contains_url":true}', from_=page["end"])
    assert last["chunk"] == [] and "end" not in last
