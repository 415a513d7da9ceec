"""What a client may send, and what it may try (the cases E of the security design)."""

import concurrent.futures
import json

import pytest
from client import CLIENT, Client, unique

SEND = f"{CLIENT}/rooms/{{}}/send/{{}}/{{}}"
STATE = f"{CLIENT}/rooms/{{}}/state/{{}}/{{}}"
MEMBER = f"{CLIENT}/rooms/{{}}/state/m.room.member/{{}}"
UPGRADE = f"{CLIENT}/rooms/{{}}/upgrade"
LONG = "x" * 66_000


@pytest.fixture
def room(alice, bob):
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    return room_id


def side_by_side(user, number, call):
    """`call(client, i)` by as many clients of one device at once; their answers."""
    clients = [Client(user.base_url, user.token, user.user_id) for _ in range(number)]
    with concurrent.futures.ThreadPoolExecutor(number) as pool:
        return list(pool.map(call, clients, range(number)))


def event_ids(user, room_id):
    return [event["event_id"] for event in user.all_messages(room_id)]


def events_of(user, room_id, event_type):
    return [event for event in user.all_messages(room_id) if event["type"] == event_type]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "state/m.room.encryption", {"algorithm": LONG}),
        ("PUT", "state/m.room.topic", {"topic": LONG}),
        ("PUT", "state/m.room.member/{alice}", {"membership": "join", "displayname": LONG}),
        ("PUT", "redact/{event}/txn", {"reason": LONG}),
        ("POST", "kick", {"user_id": "{bob}", "reason": LONG}),
    ],
)
def test_e_01_nothing_that_makes_an_event_makes_too_large_a_one(alice, bob, room, method, path, body):
    event = alice.send_text(room, "stays")
    names = {"alice": alice.user_id, "bob": bob.user_id, "event": event}
    body = {name: value.format(**names) if "{" in value else value for name, value in body.items()}
    before = event_ids(alice, room)
    answer = alice.raw(method, f"{CLIENT}/rooms/{room}/{path.format(**names)}", content=json.dumps(body))
    assert (answer.status_code, answer.json()["errcode"]) == (413, "M_TOO_LARGE")
    assert event_ids(alice, room) == before


def test_e_01_no_room_is_made_when_part_of_its_state_is_too_large(alice):
    before = alice.get(f"{CLIENT}/joined_rooms")
    state = [{"type": "org.example", "state_key": "", "content": {"text": LONG}}]
    assert alice.post(f"{CLIENT}/createRoom", body={"initial_state": state}, expect=413)["errcode"] == "M_TOO_LARGE"
    assert alice.get(f"{CLIENT}/joined_rooms") == before


def test_e_05_a_hundred_requests_with_one_transaction_id_make_one_event(alice, room):
    txn_id = unique("txn")
    body = {"msgtype": "m.text", "body": "once"}
    answers = side_by_side(alice, 100, lambda client, _: client.put(SEND, room, "m.room.message", txn_id, body=body))
    assert len({answer["event_id"] for answer in answers}) == 1
    assert [event["content"]["body"] for event in events_of(alice, room, "m.room.message")] == ["once"]


@pytest.mark.parametrize("membership", ["invite", "leave", "ban", "join", "knock"])
def test_e_07_members_are_not_changed_by_whoever_writes_their_state(alice, bob, carol, room, membership):
    """Bob has no power: what he may not do by /invite, /kick and /ban he may not do by /state."""
    target = carol if membership in ("invite", "join", "knock") else alice
    answer = bob.put(MEMBER, room, target.user_id, body={"membership": membership}, expect=403)
    assert answer["errcode"] == "M_FORBIDDEN"


def test_e_07_who_may_kick_and_ban_may_do_so_by_state(alice, bob, room):
    alice.put(MEMBER, room, bob.user_id, body={"membership": "ban"})
    assert bob.join(room, expect=403)["errcode"] == "M_FORBIDDEN"
    alice.put(MEMBER, room, bob.user_id, body={"membership": "join"}, expect=403)


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({"creation_content": {"room_version": "1"}}, None),
        ({"room_version": "12", "creation_content": {"additional_creators": ["nobody"]}}, "M_INVALID_PARAM"),
        ({"room_version": "12", "creation_content": {"additional_creators": "@a:b"}}, "M_INVALID_PARAM"),
        ({"initial_state": [{"type": "t", "state_key": str(i), "content": {}} for i in range(10000)]}, "M_INVALID_PARAM"),
        ({"creation_content": {"creator": "@somebody:else"}}, None),
    ],
)
def test_e_11_what_a_room_is_made_of_is_not_for_junk_to_say(alice, body, errcode):
    answer = alice.raw("POST", f"{CLIENT}/createRoom", content=json.dumps(body))
    if errcode:
        assert (answer.status_code, answer.json()["errcode"]) == (400, errcode)
        return
    create = alice.state(answer.json()["room_id"], "m.room.create")
    assert create["room_version"] != "1" and create.get("creator", alice.user_id) == alice.user_id


def test_e_13_of_upgrades_side_by_side_one_leaves_a_tombstone(alice, room):
    path = UPGRADE.format(room)
    answers = side_by_side(alice, 8, lambda client, _: client.raw("POST", path, content='{"new_version": "11"}'))
    worked = [answer.json()["replacement_room"] for answer in answers if answer.status_code == 200]
    tombstones = {event["content"]["replacement_room"] for event in events_of(alice, room, "m.room.tombstone")}
    assert set(worked) == tombstones and len(tombstones) == 1
    assert all(answer.status_code < 500 for answer in answers)


def test_e_15_only_application_services_say_when_something_was_sent(alice, room):
    sent = alice.call("PUT", SEND, room, "m.room.message", unique("txn"), body={"body": "now"}, query={"ts": 1})
    assert alice.event(room, sent["event_id"])["origin_server_ts"] > 1_600_000_000_000
