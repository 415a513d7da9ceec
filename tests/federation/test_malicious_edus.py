"""What is told beside events (U)."""

import json
import time

import pytest
from client import event_ids, joined_room
from peer import FEDERATION

pytestmark = pytest.mark.usefixtures("others_do_not_suffer")


def test_u_01_edus_about_users_of_others_are_ignored(server, alice, peer, room, room_id):
    event_id = alice.send_text(room_id, "x")
    alice.sync()
    edus = [
        {"edu_type": "m.typing", "content": {"room_id": room_id, "user_id": alice.user_id, "typing": True}},
        {
            "edu_type": "m.receipt",
            "content": {room_id: {"m.read": {alice.user_id: {"data": {"ts": 1}, "event_ids": [event_id]}}}},
        },
        {"edu_type": "m.presence", "content": {"push": [{"user_id": alice.user_id, "presence": "online"}]}},
        {
            "edu_type": "m.direct_to_device",
            "content": {
                "sender": alice.user_id, "type": "m.x", "message_id": "1",
                "messages": {alice.user_id: {"*": {"a": 1}}},
            },
        },
    ]  # fmt: skip
    marker = room.event("m.room.message", {"body": "marker"})
    peer.send(server, [marker], edus)
    answers = []

    def collect(answer):
        answers.append(answer)
        return room.id_of(marker) in event_ids(answer, room_id)

    alice.sync_until(collect)
    text = json.dumps(answers)
    assert '"typing"' not in text and '"m.read"' not in text and '"m.x"' not in text


def test_u_07_a_to_device_message_comes_once(server, alice, peer, room, room_id):
    edu = {
        "edu_type": "m.direct_to_device",
        "content": {
            "sender": room.user_id, "type": "m.test", "message_id": "abc",
            "messages": {alice.user_id: {"*": {"n": 1}}, "@nobody:" + server.server_name: {"*": {}}},
        },
    }  # fmt: skip
    alice.sync()
    peer.send(server, [], [edu])
    peer.send(server, [], [edu])
    first = alice.sync_until(lambda a: a.get("to_device", {}).get("events"))
    assert [e["content"] for e in first] == [{"n": 1}]
    assert not alice.sync().get("to_device", {}).get("events")


def test_u_09_misshapen_edus_do_not_stop_the_events(server, alice, peer, room, room_id):
    event = room.event("m.room.message", {"body": "comes through"})
    edus = [{"edu_type": "m.unknown", "content": {}}, {"edu_type": "m.typing", "content": []}, 5, None]
    peer.send(server, [event], edus)
    alice.sync_until(lambda answer: room.id_of(event) in event_ids(answer, room_id))


def receipts(answer, room_id):
    events = joined_room(answer, room_id).get("ephemeral", {}).get("events", [])
    return [e["content"] for e in events if e["type"] == "m.receipt"]


def test_u_03_receipts_without_end_or_sense(server, alice, peer, room, room_id, full):
    """A hundred thousand of them hold up nobody; those that name no event of the room are left out."""
    elsewhere = alice.send_text(alice.create_room(), "elsewhere")
    event_id = alice.send_text(room_id, "here")

    def receipt(user_id, event, **data):
        return {room_id: {"m.read": {user_id: {"event_ids": event, "data": {"ts": 1, **data}}}}}

    many = {room_id: {"m.read": {
        peer.user(f"u{n}"): {"event_ids": [event_id], "data": {"ts": 1}} for n in range(1000 if full else 300)
    }}}  # fmt: skip
    began = time.monotonic()
    peer.send(server, [], [{"edu_type": "m.receipt", "content": many}] * 100)
    assert time.monotonic() - began < 20
    odd = [
        receipt(room.user_id, [elsewhere]), receipt(room.user_id, []), receipt(room.user_id, [event_id, event_id]),
        receipt(room.user_id, [5]), receipt(room.user_id, event_id), receipt(room.user_id, ["$" + "x" * 300]),
        receipt(room.user_id, [event_id], ts=-(2**63)), receipt(room.user_id, [event_id], ts="now"),
        receipt(room.user_id, [event_id], thread_id=5), {room_id: []}, {room_id: {"m.read": []}}, {"!x": {"m.read": {}}},
        {"nonsense": receipt(room.user_id, [event_id])[room_id]}, {room_id: {"m.read.private": {room.user_id: {}}}},
    ]  # fmt: skip
    alice.sync()
    edus = [{"edu_type": "m.receipt", "content": content} for content in odd]
    last = receipt(room.user_id, [event_id], thread_id="$unknown:thread")
    peer.send(server, [], [*edus, {"edu_type": "m.receipt", "content": last}])
    told = alice.sync_until(lambda answer: receipts(answer, room_id))
    assert elsewhere not in json.dumps(told) and room.user_id in json.dumps(told)


def device_list_update(sender, **content):
    return {
        "edu_type": "m.device_list_update",
        "content": {"user_id": sender, "device_id": "D", "stream_id": 1, "prev_id": [], **content},
    }


def test_u_05_device_lists_out_of_order_are_fetched_once(server, alice, peer, room, room_id):
    """Numbers that go back, jump, or are none: the list is fetched again when somebody asks, once for all of them."""
    fetched = []

    def devices(method, path, query, body):
        fetched.append(path)
        return 200, {"user_id": room.user_id, "stream_id": 7, "devices": []}

    peer.answers[f"{FEDERATION}/v1/user/devices/"] = devices
    query = {"device_keys": {room.user_id: []}}
    alice.post("/_matrix/client/v3/keys/query", body=query)
    assert len(fetched) == 1
    for stream_id, prev_id in (
        (5, [4]), (2**63 - 1, [2**63 - 2]), (-(2**63), [0]), (0, []), (1, [-1] * 10000), (9, [8]), (9, [9]), (8, "x"),
        (1.5, []), ("x", []), (None, []), (9, [None, "x", {}]),
    ):  # fmt: skip
        peer.send(server, [], [device_list_update(room.user_id, stream_id=stream_id, prev_id=prev_id)])
    peer.send(server, [], [device_list_update(room.user_id, stream_id=n * 10, prev_id=[n * 10 - 5]) for n in range(1, 60)])
    for change in ({"user_id": alice.user_id}, {"device_id": None}, {"device_id": "x" * 70000}, {"keys": {}}, {"keys": 5}):
        peer.send(server, [], [device_list_update(room.user_id, **change)])
    for _ in range(3):
        alice.post("/_matrix/client/v3/keys/query", body=query)
    assert len(fetched) == 2


def test_u_07_messages_for_devices_that_are_not_there(server, alice, peer, room, room_id):
    edus = []
    for number, messages in enumerate([
        {"@nobody:" + server.server_name: {"*": {}}}, {alice.user_id: {"NONE": {"n": 1}}}, {peer.user("x"): {"*": {}}},
        {"nonsense": {"*": {}}}, {alice.user_id: []}, {alice.user_id: {"*": 5}}, [], None,
        {f"@u{n}:{server.server_name}": {"*": {}} for n in range(2000)},
    ]):  # fmt: skip
        content = {"sender": room.user_id, "type": "m.test", "message_id": f"m{number}", "messages": messages}
        edus.append({"edu_type": "m.direct_to_device", "content": content})
    large = {alice.user_id: {"*": {"n": "x" * 60000}}}
    for message_id, messages in (("x" * 5000, large), ("last", {alice.user_id: {alice.device_id: {"n": 2}}})):
        content = {"sender": room.user_id, "type": "m.test", "message_id": message_id, "messages": messages}
        edus.append({"edu_type": "m.direct_to_device", "content": content})
    alice.sync()
    peer.send(server, [], edus)
    events = alice.sync_until(lambda answer: answer.get("to_device", {}).get("events"))
    assert [e["content"] for e in events] == [{"n": 2}]


def test_u_09_more_than_fits_into_a_transaction(server, alice, peer, room, room_id):
    typing = {"edu_type": "m.typing", "content": {"room_id": room_id, "user_id": room.user_id, "typing": False}}
    body = {"origin": peer.name, "origin_server_ts": 1, "pdus": [], "edus": [typing] * 101}
    answer = peer.request(server, "PUT", f"{FEDERATION}/v1/send/many", body)
    assert (answer.status_code, answer.json()["errcode"]) == (400, "M_BAD_JSON")
