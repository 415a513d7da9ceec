"""Joining, inviting, leaving, kicking, banning, knocking, forgetting (joining.yaml and its neighbours)."""

import pytest
from support.client import CLIENT, invited_to


def membership(client, room_id, user):
    return client.state(room_id, "m.room.member", user.user_id)["membership"]


def test_an_invited_user_sees_the_room_and_joins(alice, bob):
    room_id = alice.create_room(name="Belfry")
    alice.invite(room_id, bob.user_id)
    state = bob.sync_until(invited_to(room_id))
    types = {(event["type"], event["state_key"]) for event in state}
    assert ("m.room.create", "") in types and ("m.room.name", "") in types
    assert ("m.room.member", bob.user_id) in types
    bob.join(room_id)
    assert membership(alice, room_id, bob) == "join"


def test_nobody_joins_a_private_room_uninvited(alice, bob):
    room_id = alice.create_room()
    assert bob.join(room_id, expect=403)["errcode"] == "M_FORBIDDEN"


def test_joining_twice_is_joining_once(alice, bob, room):
    before = len(alice.all_messages(room))
    bob.join(room)
    assert len(alice.all_messages(room)) == before


def test_the_reason_and_further_content_of_a_kick_are_kept(alice, bob, room):
    alice.post(f"{CLIENT}/rooms/{{}}/kick", room, body={"user_id": bob.user_id, "reason": "late"})
    event = alice.state(room, "m.room.member", bob.user_id)
    assert event["membership"] == "leave" and event["reason"] == "late"
    answer = bob.put(f"{CLIENT}/rooms/{{}}/send/m.room.message/{{}}", room, "t", body={}, expect=403)
    assert answer["errcode"] == "M_FORBIDDEN"


def test_only_the_powerful_kick_and_ban(alice, bob, carol, room):
    carol.join(room, expect=403)
    for action in ("kick", "ban"):
        answer = bob.post(f"{CLIENT}/rooms/{{}}/{action}", room, body={"user_id": alice.user_id}, expect=403)
        assert answer["errcode"] == "M_FORBIDDEN"
    assert membership(alice, room, alice) == "join"


def test_a_banned_user_stays_out_until_unbanned(alice, bob):
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    alice.post(f"{CLIENT}/rooms/{{}}/ban", room_id, body={"user_id": bob.user_id})
    bob.join(room_id, expect=403)
    alice.invite(room_id, bob.user_id, expect=403)
    alice.post(f"{CLIENT}/rooms/{{}}/unban", room_id, body={"user_id": bob.user_id})
    bob.join(room_id)


def test_who_is_not_banned_can_not_be_unbanned(alice, bob, room):
    answer = alice.post(f"{CLIENT}/rooms/{{}}/unban", room, body={"user_id": bob.user_id}, expect=400)
    assert answer["errcode"] == "M_BAD_STATE"


def test_a_knock_is_seen_and_answered(alice, bob):
    room_id = alice.create_room(
        initial_state=[{"type": "m.room.join_rules", "content": {"join_rule": "knock"}}]
    )
    bob.post(f"{CLIENT}/knock/{{}}", room_id, body={"reason": "please"})
    assert alice.state(room_id, "m.room.member", bob.user_id)["reason"] == "please"
    alice.invite(room_id, bob.user_id)
    bob.join(room_id)


def test_members_of_another_room_join_a_restricted_one(alice, bob, carol):
    space = alice.create_room(preset="public_chat")
    room_id = alice.create_room(
        initial_state=[
            {
                "type": "m.room.join_rules",
                "content": {
                    "join_rule": "restricted",
                    "allow": [{"type": "m.room_membership", "room_id": space}],
                },
            }
        ]
    )
    bob.join(space)
    bob.join(room_id)
    event = alice.state(room_id, "m.room.member", bob.user_id)
    assert event["join_authorised_via_users_server"] == alice.user_id
    carol.join(room_id, expect=403)


def test_a_room_is_left_before_it_is_forgotten(alice, bob, room):
    forget = f"{CLIENT}/rooms/{{}}/forget"
    assert bob.post(forget, room, expect=400)["errcode"] == "M_UNKNOWN"
    bob.leave(room)
    bob.messages(room)
    bob.post(forget, room)
    assert bob.get(f"{CLIENT}/rooms/{{}}/messages", room, expect=403)["errcode"] == "M_FORBIDDEN"
    assert room not in bob.get(f"{CLIENT}/joined_rooms")["joined_rooms"]


@pytest.mark.parametrize("then_forget", [False, True])
def test_leaving_shows_once_in_sync(bob, room, then_forget):
    bob.sync()
    bob.leave(room)
    if then_forget:
        bob.post(f"{CLIENT}/rooms/{{}}/forget", room)
    left = bob.sync_until(lambda answer: answer.get("rooms", {}).get("leave", {}).get(room))
    assert left["timeline"]["events"][-1]["content"]["membership"] == "leave"
    assert room not in bob.sync().get("rooms", {}).get("leave", {})


def test_a_declined_invite_shows_once_in_sync(alice, bob):
    room_id = alice.create_room(invite=[bob.user_id])
    bob.sync_until(invited_to(room_id))
    bob.leave(room_id)
    assert bob.sync_until(lambda answer: answer.get("rooms", {}).get("leave", {}).get(room_id))
    assert room_id not in bob.sync().get("rooms", {}).get("invite", {})


def test_invites_to_addresses_are_refused(alice, room):
    body = {"id_server": "id.example", "id_access_token": "x", "medium": "email", "address": "a@b.example"}
    answer = alice.post(f"{CLIENT}/rooms/{{}}/invite", room, body=body, expect=400)
    assert answer["errcode"] == "M_SERVER_NOT_TRUSTED"
    answer = alice.post(f"{CLIENT}/createRoom", body={"invite_3pid": [body]}, expect=400)
    assert answer["errcode"] == "M_SERVER_NOT_TRUSTED"


def test_a_join_keeps_what_the_client_adds(alice, bob):
    room_id = alice.create_room(preset="public_chat")
    body = {"org.example.from": "a link", "membership": "ban", "displayname": "Somebody else"}
    bob.post(f"{CLIENT}/join/{{}}", room_id, body=body)
    member = alice.state(room_id, "m.room.member", bob.user_id)
    assert member["org.example.from"] == "a link"
    assert member["membership"] == "join" and member.get("displayname") != "Somebody else"
