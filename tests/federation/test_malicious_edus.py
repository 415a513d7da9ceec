"""What is told beside events (U)."""

import json

import pytest
from client import event_ids

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
