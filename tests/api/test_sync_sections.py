"""What each section of a /sync answer tells, and what it leaves out (sync.yaml)."""

import json

import pytest
from support.client import CLIENT, event_ids, joined_room, timeline


def state_of(answer, room_id, name="state"):
    return {(e["type"], e["state_key"]): e for e in joined_room(answer, room_id)[name]["events"]}


def test_an_initial_sync_has_timeline_and_state_and_no_event_twice(alice, room):
    for i in range(15):
        alice.send_text(room, f"message {i}")
    answer = alice.sync(filter={"room": {"timeline": {"limit": 5}}})
    part = joined_room(answer, room)
    assert part["timeline"]["limited"] and len(part["timeline"]["events"]) == 5
    assert ("m.room.create", "") in state_of(answer, room)
    in_timeline = set(event_ids(answer, room))
    assert not in_timeline & {e["event_id"] for e in part["state"]["events"]}


def test_a_gap_is_filled_by_messages_from_prev_batch(alice, room):
    alice.sync()
    sent = [alice.send_text(room, f"message {i}") for i in range(30)]
    answer = alice.sync(filter={"room": {"timeline": {"limit": 10}}})
    part = joined_room(answer, room)["timeline"]
    assert part["limited"] and [e["event_id"] for e in part["events"]] == sent[20:]
    older = alice.messages(room, "b", from_=part["prev_batch"], limit=20)["chunk"]
    assert [e["event_id"] for e in older] == sent[:20][::-1]


def test_state_that_changed_in_a_gap_is_told(alice, room):
    alice.sync()
    alice.set_state(room, "m.room.name", {"name": "new"})
    for i in range(12):
        alice.send_text(room, f"message {i}")
    answer = alice.sync()
    assert state_of(answer, room)[("m.room.name", "")]["content"] == {"name": "new"}


def test_state_in_the_timeline_is_not_told_twice(alice, room):
    alice.sync()
    event_id = alice.set_state(room, "m.room.name", {"name": "new"})
    answer = alice.sync()
    assert event_ids(answer, room) == [event_id]
    assert joined_room(answer, room)["state"]["events"] == []


@pytest.mark.parametrize(
    ("parameter", "name"),
    [("use_state_after", "state_after"), ("org.matrix.msc4222.use_state_after", "org.matrix.msc4222.state_after")],
)
def test_state_after_is_that_of_the_end(alice, room, parameter, name):
    alice.sync()
    alice.set_state(room, "m.room.name", {"name": "new"})
    answer = alice.sync(**{parameter: True})
    assert state_of(answer, room, name)[("m.room.name", "")]["content"] == {"name": "new"}
    assert "state" not in joined_room(answer, room)


def test_who_joins_gets_the_whole_room_at_once(alice, bob):
    room_id = alice.create_room(preset="public_chat", name="Belfry")
    alice.send_text(room_id, "before")
    bob.sync()
    bob.join(room_id)
    answer = bob.sync_until(lambda a: a if joined_room(a, room_id) else None)
    events = timeline(answer, room_id) + joined_room(answer, room_id)["state"]["events"]
    assert {"m.room.create", "m.room.name", "m.room.member"} <= {e["type"] for e in events}
    assert joined_room(answer, room_id)["summary"]["m.joined_member_count"] == 2


def test_lazy_loading_tells_of_those_who_speak(alice, bob, carol, anonymous):
    # A room with a name has no heroes, whose member events would have to be there.
    room_id = alice.create_room(preset="public_chat", name="Belfry")
    silent = anonymous.register("silent")
    for user in (bob, carol, silent):
        user.join(room_id)
    for i in range(12):
        bob.send_text(room_id, f"message {i}")
    lazy = {"room": {"state": {"lazy_load_members": True}, "timeline": {"limit": 2}}}
    members = {key for kind, key in state_of(alice.sync(filter=lazy), room_id) if kind == "m.room.member"}
    assert bob.user_id in members and silent.user_id not in members


def test_heroes_name_a_room_without_a_name(alice, bob, room):
    summary = joined_room(alice.sync(), room)["summary"]
    assert summary["m.heroes"] == [bob.user_id]
    alice.set_state(room, "m.room.name", {"name": "Belfry"})
    summary = joined_room(alice.sync(full_state=True), room)["summary"]
    assert "m.heroes" not in summary


def test_full_state_answers_at_once_with_all_state(alice, room):
    alice.sync()
    answer = alice.sync(timeout_ms=30000, full_state=True)
    assert ("m.room.create", "") in state_of(answer, room)


def test_the_senders_device_alone_learns_its_transaction_id(alice, bob, room):
    second = alice.second_device()
    for client in (alice, second, bob):
        client.sync()
    alice.send_text(room, "hello", txn_id="my-txn")
    unsigned = [timeline(client.sync(), room)[0]["unsigned"] for client in (alice, second, bob)]
    assert unsigned[0]["transaction_id"] == "my-txn"
    assert "transaction_id" not in unsigned[1] and "transaction_id" not in unsigned[2]


def test_a_filter_leaves_out_rooms_types_and_fields(alice, room):
    other = alice.create_room()
    alice.send_text(room, "hello")
    alice.sync()
    alice.send_text(room, "shown")
    alice.send(room, "test.hidden", {})
    alice.send_text(other, "hidden")
    content = {
        "room": {"rooms": [room], "timeline": {"types": ["m.room.message"]}},
        "event_fields": ["content.body"],
    }
    path = f"{CLIENT}/user/{{}}/filter"
    filter_id = alice.post(path, alice.user_id, body=content)["filter_id"]
    answer = alice.sync(filter=filter_id)
    assert list(answer["rooms"]["join"]) == [room]
    assert [e["content"] for e in timeline(answer, room)] == [{"body": "shown"}]


@pytest.mark.parametrize("since", ["garbage", "s1_999999999999_0_0", "s1_", "0" * 100000])
def test_tokens_that_nobody_was_given_are_refused(alice, since):
    answer = alice.raw("GET", f"{CLIENT}/sync", query={"since": since})
    assert answer.status_code in (400, 414, 431)


def test_filters_and_parameters_are_checked(alice):
    for query in ({"filter": "nope"}, {"filter": "{"}, {"timeout": "x"}, {"set_presence": "asleep"}):
        answer = alice.get(f"{CLIENT}/sync", query=query, expect=400)
        assert answer["errcode"] == "M_INVALID_PARAM", query
    bad = json.dumps({"room": {"timeline": {"limit": "many"}}})
    alice.get(f"{CLIENT}/sync", query={"filter": bad}, expect=400)


def test_a_repeated_sync_gives_the_same_events(alice, room):
    alice.sync()
    since = alice.since
    sent = [alice.send_text(room, str(i)) for i in range(3)]
    first = alice.sync()
    alice.since = since
    assert event_ids(alice.sync(), room) == event_ids(first, room) == sent


def test_an_initial_sync_says_that_a_room_has_no_account_data(alice, room):
    assert joined_room(alice.sync(), room)["account_data"] == {"events": []}
    alice.send_text(room, "news")
    assert "account_data" not in joined_room(alice.sync(), room)
