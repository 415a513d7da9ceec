"""Room summaries (room_summary.yaml)."""

import pytest
from client import unique

SUMMARY = "/_matrix/client/v1/room_summary/{}"
UNSTABLE = (
    "/_matrix/client/unstable/im.nheko.summary/summary/{}",
    "/_matrix/client/unstable/im.nheko.summary/rooms/{}/summary",
)


def test_a_public_room_is_shown_to_everybody(alice, bob, anonymous):
    room = alice.create_room(preset="public_chat", name="Café", room_alias_name=unique("cafe"))
    alias = alice.state(room, "m.room.canonical_alias")["alias"]
    for name in (room, alias):
        summary = anonymous.get(SUMMARY, name)
        assert summary["room_id"] == room and summary["name"] == "Café"
        assert summary["join_rule"] == "public" and summary["num_joined_members"] == 1
        assert summary["room_version"] and "membership" not in summary
    assert bob.get(SUMMARY, room)["membership"] == "leave"
    assert alice.get(SUMMARY, room)["membership"] == "join"


def test_a_private_room_is_for_members_and_the_invited(alice, bob, carol, anonymous):
    room = alice.create_room(preset="private_chat", invite=[bob.user_id])
    assert bob.get(SUMMARY, room)["membership"] == "invite"
    assert alice.get(SUMMARY, room)["join_rule"] == "invite"
    for other in (carol, anonymous):
        assert other.get(SUMMARY, room, expect=404)["errcode"] == "M_NOT_FOUND"
    bob.leave(room)
    assert bob.get(SUMMARY, room, expect=404)["errcode"] == "M_NOT_FOUND"


@pytest.mark.parametrize("rule", ["knock", "knock_restricted"])
def test_rooms_to_knock_at_are_shown(alice, bob, rule):
    rules = [{"type": "m.room.join_rules", "content": {"join_rule": rule}}]
    room = alice.create_room(initial_state=rules)
    assert bob.get(SUMMARY, room)["join_rule"] == rule


def test_a_restricted_room_is_for_those_who_may_join(alice, bob, carol):
    club = alice.create_room(preset="public_chat")
    allow = [{"type": "m.room_membership", "room_id": club}]
    rules = [{"type": "m.room.join_rules", "content": {"join_rule": "restricted", "allow": allow}}]
    room = alice.create_room(initial_state=rules)
    bob.join(club)
    assert bob.get(SUMMARY, room)["allowed_room_ids"] == [club]
    assert carol.get(SUMMARY, room, expect=404)["errcode"] == "M_NOT_FOUND"


def test_the_banned_see_nothing(alice, bob):
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    alice.post("/_matrix/client/v3/rooms/{}/ban", room, body={"user_id": bob.user_id})
    assert bob.get(SUMMARY, room, expect=404)["errcode"] == "M_NOT_FOUND"


@pytest.mark.parametrize("path", UNSTABLE)
def test_the_older_paths_name_two_members_otherwise(alice, path):
    encryption = [{"type": "m.room.encryption", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}]
    room = alice.create_room(initial_state=encryption)
    summary = alice.get(path, room)
    assert summary["im.nheko.summary.encryption"] == summary["encryption"] == "m.megolm.v1.aes-sha2"
    assert summary["im.nheko.summary.room_version"] == summary["room_version"]


@pytest.mark.parametrize("name", ["!nowhere:localhost", "#nowhere:localhost"])
def test_what_does_not_exist_is_not_found(alice, name):
    assert alice.get(SUMMARY, name, expect=404)["errcode"] == "M_NOT_FOUND"
