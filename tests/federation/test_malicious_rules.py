"""Events of a peer that the rules of the room do not allow (R)."""

import pytest
from client import event_ids
from malice import refused

pytestmark = pytest.mark.usefixtures("others_do_not_suffer")


def learns(room, peer, event_id):
    """What our side sent reaches the peer, which goes on upon it."""
    event = peer.wait_for_transaction(lambda one: "type" in one and room.id_of(one) == event_id)
    room.learn(event)
    room.extremities, room.depth = [event_id], event["depth"]


def is_taken(server, alice, room, event):
    room.peer.send(server, [event])
    alice.sync_until(lambda answer: room.id_of(event) in event_ids(answer, room.room_id))


def room_with(server, alice, peer, version="11", **levels):
    """A room of alice's where mallory is a member; `levels` are those of the room."""
    room_id = alice.create_room(preset="public_chat", room_version=version, power_level_content_override=levels)
    alice.sync()
    return peer.join(server, room_id, "mallory")


def member(room, target, membership, sender=None, **content):
    return room.event("m.room.member", {"membership": membership, **content}, target, sender=sender or target, learn=False)


@pytest.mark.parametrize("version", ["9", "10", "11"])
def test_r_03_power_levels_as_strings(server, alice, peer, version):
    """With blanks around them they are numbers until version 9, and nothing since."""
    mallory = peer.user("mallory")
    room = room_with(server, alice, peer, version, users={alice.user_id: 100, mallory: 100})
    users = {alice.user_id: "100", mallory: " 100 "}
    levels = room.event("m.room.power_levels", {"users": users, "ban": " 51"}, "", learn=False)
    if version != "9":
        refused(alice, room, peer, server, levels, room.room_id)
        return
    is_taken(server, alice, room, levels)
    room.learn(levels)
    room.extremities, room.depth = [room.id_of(levels)], levels["depth"]
    is_taken(server, alice, room, room.event("m.room.topic", {"topic": "still powerful"}, ""))
    assert alice.state(room.room_id, "m.room.topic") == {"topic": "still powerful"}


def test_r_05_nothing_is_not_the_same_as_no_power(server, alice, peer):
    """A level of 0 is one, for a user, for a type and for what has another default."""
    mallory, eve = peer.user("mallory"), peer.user("eve")
    room = room_with(
        server, alice, peer, users={alice.user_id: 100, mallory: 0}, users_default=50,
        events={"m.room.name": 0, "m.room.topic": 50}, redact=0,
    )  # fmt: skip
    is_taken(server, alice, room, room.event("m.room.name", {"name": "for all"}, ""))
    refused(alice, room, peer, server, room.event("m.room.topic", {"topic": "x"}, "", learn=False), room.room_id)
    eves = peer.join(server, room.room_id, "eve")
    is_taken(server, alice, eves, eves.event("m.room.topic", {"topic": "by default"}, ""))
    assert alice.state(room.room_id, "m.room.topic") == {"topic": "by default"}
    assert eves.user_id == eve


def test_r_07_nobody_vouches_in_the_name_of_another_server(server, alice, peer):
    """A join that names one of ours needs our signature; one that names somebody without the power to invite is none."""
    room = room_with(server, alice, peer)
    room_id, allowed = room.room_id, alice.create_room()
    alice.set_state(room_id, "m.room.power_levels", {"users": {alice.user_id: 100}, "invite": 50})
    rules = {"join_rule": "restricted", "allow": [{"type": "m.room_membership", "room_id": allowed}]}
    levels_id = alice.get("/_matrix/client/v3/rooms/{}/state", room_id)
    levels_id = next(e["event_id"] for e in levels_id if e["type"] == "m.room.power_levels")
    rules_id = alice.set_state(room_id, "m.room.join_rules", rules)
    learns(room, peer, levels_id)
    learns(room, peer, rules_id)
    eve = peer.user("eve")
    for content in (
        {"join_authorised_via_users_server": alice.user_id}, {"join_authorised_via_users_server": room.user_id}, {},
        {"join_authorised_via_users_server": eve}, {"join_authorised_via_users_server": 5},
        {"join_authorised_via_users_server": "@nobody:" + server.server_name},
    ):  # fmt: skip
        refused(alice, room, peer, server, member(room, eve, "join", **content), room_id)
    assert eve not in alice.get("/_matrix/client/v3/rooms/{}/joined_members", room_id)["joined"]


def test_r_09_who_is_banned_or_out_is_not_let_in(server, alice, peer, room, room_id):
    """Each upon the state after a ban, which the peer knows of."""
    eve, nobody = peer.user("eve"), peer.user("nobody")
    peer.join(server, room_id, "eve")
    alice.post("/_matrix/client/v3/rooms/{}/ban", room_id, body={"user_id": eve})
    state = alice.get("/_matrix/client/v3/rooms/{}/state", room_id)
    learns(room, peer, next(e["event_id"] for e in state if e.get("state_key") == eve))
    for bad in (
        member(room, eve, "join"), member(room, eve, "leave"), member(room, eve, "knock"),
        member(room, eve, "invite", sender=room.user_id), member(room, eve, "leave", sender=room.user_id),
        member(room, alice.user_id, "leave", sender=room.user_id), member(room, alice.user_id, "ban", sender=room.user_id),
        member(room, alice.user_id, "join", sender=room.user_id), member(room, alice.user_id, "invite", sender=room.user_id),
        member(room, nobody, "leave"), member(room, nobody, "join", sender=room.user_id), member(room, nobody, "ban"),
        member(room, room.user_id, "knock"), member(room, room.user_id, "invite"), member(room, room.user_id, "none"),
    ):  # fmt: skip
        refused(alice, room, peer, server, bad, room_id)
    is_taken(server, alice, room, member(room, room.user_id, "join", displayname="again"))
    joined = alice.get("/_matrix/client/v3/rooms/{}/joined_members", room_id)["joined"]
    assert set(joined) == {alice.user_id, room.user_id}


def test_r_19_a_list_that_is_none_and_one_that_is_long(server, alice, peer, room, room_id):
    """What is no text counts for nothing; a list without `allow` allows nobody; thousands of entries cost little."""
    here = peer.name.rsplit(":", 1)[0]
    many = [f"*{number:x}?" for number in range(5000)]
    for content, is_allowed in (
        ({"allow": ["*"]}, True), ({"allow": ["*"], "deny": [here]}, False), ({}, False), ({"allow": []}, False),
        ({"allow": [5, None, {}, "*"], "deny": [5, None, [here], {}]}, True), ({"allow": "*"}, False),
        ({"allow": ["*"], "deny": here}, True), ({"allow": ["*"], "deny": ["127.?.?.*"]}, False),
        ({"allow": ["*"], "allow_ip_literals": "no"}, True), ({"allow": ["*"], "allow_ip_literals": False}, False),
        ({"allow": ["*"], "deny": [f"{here}:{peer.port}"]}, True), ({"allow": ["*"], "deny": many}, True),
        ({"allow": ["*"], "deny": [*many, here]}, False), ({"allow": [*many, here]}, True),
    ):  # fmt: skip
        alice.set_state(room_id, "m.room.server_acl", content)
        events = [room.event("m.room.message", {"body": "x"}, learn=False, n=number) for number in range(20)]
        answers = peer.send(server, events)["pdus"].values()
        assert [is_allowed] * 20 == ["error" not in answer for answer in answers], content
    alice.set_state(room_id, "m.room.server_acl", {"allow": ["*"]})
    is_taken(server, alice, room, room.event("m.room.message", {"body": "heard"}))
