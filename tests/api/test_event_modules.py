"""Modules of the specification that live in events and account data: what the server must carry, and the little that
it does with them (polls, moderation policy lists, image packs, recent emoji, key backup)."""

import pytest
from client import CLIENT, event_ids, timeline, unique

DATA = f"{CLIENT}/user/{{}}/account_data/{{}}"
RELATIONS = "/_matrix/client/v1/rooms/{}/relations/{}/{}/{}"

POLL = {
    "org.matrix.msc1767.text": "Soup or salad?",
    "org.matrix.msc3381.poll.start": {
        "kind": "org.matrix.msc3381.poll.disclosed",
        "max_selections": 1,
        "question": {"org.matrix.msc1767.text": "Soup or salad?"},
        "answers": [{"id": "1", "org.matrix.msc1767.text": "Soup"}, {"id": "2", "org.matrix.msc1767.text": "Salad"}],
    },
}


def test_votes_and_the_end_of_a_poll_relate_to_it(alice, bob, room):
    poll = alice.send(room, "org.matrix.msc3381.poll.start", POLL)
    relation = {"rel_type": "m.reference", "event_id": poll}
    response = {"m.relates_to": relation, "org.matrix.msc3381.poll.response": {"answers": ["1"]}}
    votes = [bob.send(room, "org.matrix.msc3381.poll.response", response) for _ in range(2)]
    end = alice.send(room, "org.matrix.msc3381.poll.end", {"m.relates_to": relation, "body": "Soup wins"})
    path = (room, poll, "m.reference", "org.matrix.msc3381.poll.response")
    found = bob.get(RELATIONS, *path, query={"dir": "f"})["chunk"]
    assert [event["event_id"] for event in found] == votes  # the newest of each counts: for clients to see
    bundled = alice.event(room, poll)["unsigned"]["m.relations"]["m.reference"]["chunk"]
    assert [event["event_id"] for event in bundled] == [*votes, end]


POLICIES = [
    ("m.policy.rule.user", {"entity": "@spam*:example.org", "recommendation": "m.ban", "reason": "spam"}),
    ("m.policy.rule.room", {"entity": "!bad:example.org", "recommendation": "m.ban", "reason": "spam"}),
    ("m.policy.rule.server", {"entity": "*.example.org", "recommendation": "m.ban", "reason": "spam"}),
]


def test_a_policy_list_is_state_that_its_moderators_change(alice, bob):
    room_id = alice.create_room(
        preset="public_chat", creation_content={"type": "support.feline.policy.lists.msc.v1"}
    )
    bob.join(room_id)
    for kind, content in POLICIES:
        key = unique("rule:" + content["entity"])
        alice.set_state(room_id, kind, content, key)
        assert bob.state(room_id, kind, key) == content
        path = f"{CLIENT}/rooms/{{}}/state/{{}}/{{}}"
        assert bob.put(path, room_id, kind, key, body={}, expect=403)["errcode"] == "M_FORBIDDEN"
        alice.set_state(room_id, kind, {}, key)  # taken back
        assert bob.state(room_id, kind, key) == {}


def test_image_packs_are_state_and_account_data(alice, bob, room):
    pack = {
        "images": {"cat": {"url": "mxc://example.org/cat", "body": "a cat", "usage": ["emoticon", "sticker"]}},
        "pack": {"display_name": "Cats", "attribution": "us"},
    }
    alice.set_state(room, "m.room.image_pack", pack, "cats")
    assert bob.state(room, "m.room.image_pack", "cats") == pack
    rooms = {"rooms": {room: {"cats": {}}}}
    bob.put(DATA, bob.user_id, "m.image_pack.rooms", body=rooms)
    assert bob.get(DATA, bob.user_id, "m.image_pack.rooms") == rooms
    sticker = {"body": "a cat", "url": "mxc://example.org/cat", "info": {"mimetype": "image/png"}}
    event_id = bob.send(room, "m.sticker", sticker)
    assert alice.event(room, event_id)["content"] == sticker


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("m.recent_emoji", {"recent_emoji": [{"emoji": "🦆", "total": 3}]}),
        ("m.key_backup", {"enabled": True}),
        ("m.invite_permission_config", {"default_action": "block"}),
    ],
)
def test_account_data_of_new_versions_reaches_the_other_device(alice, kind, content):
    other = alice.second_device()
    other.sync()
    alice.put(DATA, alice.user_id, kind, body=content)

    def arrived(answer):
        events = answer.get("account_data", {}).get("events", [])
        return [event["content"] for event in events if event["type"] == kind]

    assert other.sync_until(arrived) == [content]


def test_a_rich_topic_is_shown_as_text_where_rooms_are_listed(alice, bob, room):
    topic = {"topic": "plain", "m.topic": {"m.text": [{"body": "<b>rich</b>", "mimetype": "text/html"}, {"body": "rich"}]}}
    alice.set_state(room, "m.room.topic", topic)
    assert bob.state(room, "m.room.topic") == topic
    assert bob.get("/_matrix/client/v1/room_summary/{}", room)["topic"] == "rich"


def test_a_redaction_sent_as_an_event_redacts(alice, bob, room):
    event_id = bob.send_text(room, "oops")
    redaction = bob.send(room, "m.room.redaction", {"redacts": event_id, "reason": "mistake"})
    assert alice.event(room, event_id)["content"] == {}
    alice.sync_until(lambda answer: any(e["event_id"] == redaction for e in timeline(answer, room)))
