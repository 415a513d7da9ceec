"""Spec: MSC4155, whose invites a user wants."""

from client import CLIENT
from sliding import Sliding

TYPE = "org.matrix.msc4155.invite_permission_config"


def want(client, **lists):
    client.put(f"{CLIENT}/user/{{}}/account_data/{{}}", client.user_id, TYPE, body=lists)


def invited_rooms(client):
    client.since = None
    seen = set(client.sync().get("rooms", {}).get("invite", {}))
    client_sliding = Sliding(client).ask()
    assert {room for room, part in client_sliding["rooms"].items() if part["membership"] == "invite"} == seen
    return seen


def test_blocked_users_can_not_invite(alice, bob, carol):
    want(alice, blocked_users=[bob.user_id])
    room = bob.create_room()
    assert bob.invite(room, alice.user_id, expect=403)["errcode"] == "M_INVITE_BLOCKED"
    welcome = carol.create_room(invite=[alice.user_id])
    assert invited_rooms(alice) == {welcome}


def test_ignored_users_invite_without_effect(alice, bob):
    want(alice, ignored_users=[bob.user_id])
    room = bob.create_room()
    bob.invite(room, alice.user_id)
    assert invited_rooms(alice) == set()
    # Changing one's mind shows it.
    want(alice)
    assert invited_rooms(alice) == {room}


def test_patterns_and_servers(alice, bob, carol):
    domain = bob.user_id.partition(":")[2]
    want(alice, blocked_servers=["loc*"], allowed_users=[bob.user_id])
    room = bob.create_room(invite=[alice.user_id])
    carol.invite(carol.create_room(), alice.user_id, expect=403)
    assert invited_rooms(alice) == {room}
    want(alice, blocked_users=["@bob-?*"], allowed_servers=[domain])
    bob.invite(bob.create_room(), alice.user_id, expect=403)
    carol.invite(carol.create_room(), alice.user_id)


def test_the_first_list_that_matches_decides(alice, bob):
    want(alice, allowed_users=[bob.user_id], ignored_users=[bob.user_id], blocked_users=[bob.user_id])
    room = bob.create_room(invite=[alice.user_id])
    assert invited_rooms(alice) == {room}


def test_wrong_types_mean_nothing(alice, bob):
    want(alice, allowed_users=None, ignored_users="@*", blocked_users={"@*": 1}, blocked_servers=[None, 7])
    room = bob.create_room(invite=[alice.user_id])
    assert invited_rooms(alice) == {room}
