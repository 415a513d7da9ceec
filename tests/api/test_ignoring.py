"""Ignored users and refused invites: what sync leaves out."""

import pytest
from client import CLIENT, event_ids, invited_to, joined_room

DATA = f"{CLIENT}/user/{{}}/account_data/{{}}"


def ignore(user, *ignored):
    content = {"ignored_users": {other.user_id: {} for other in ignored}}
    user.put(DATA, user.user_id, "m.ignored_user_list", body=content)


def test_messages_of_ignored_users_do_not_come_but_their_state_does(alice, bob, room):
    ignore(alice, bob)
    alice.sync()
    hidden = bob.send_text(room, "psst")
    bob.set_state(room, "m.room.member", {"membership": "join", "displayname": "New"}, bob.user_id)
    shown = alice.send_text(room, "anybody here?")
    seen = []

    def arrived(answer):
        seen.extend(joined_room(answer, room).get("timeline", {}).get("events", []))
        return any(event["event_id"] == shown for event in seen)

    alice.sync_until(arrived)
    assert hidden not in [event["event_id"] for event in seen]
    assert any(event["content"].get("displayname") == "New" for event in seen)
    ignore(alice)
    later = bob.send_text(room, "and now?")
    alice.sync_until(lambda answer: later in event_ids(answer, room))


def test_invites_of_ignored_users_do_not_come(alice, bob, carol):
    ignore(alice, bob)
    alice.sync()
    unwanted = bob.create_room(invite=[alice.user_id])
    wanted = carol.create_room(invite=[alice.user_id])
    seen = set()

    def arrived(answer):
        seen.update(answer.get("rooms", {}).get("invite", {}))
        return wanted in seen

    alice.sync_until(arrived)
    assert unwanted not in seen


def test_who_blocks_invites_can_not_be_invited(alice, bob, room):
    earlier = alice.create_room(invite=[bob.user_id])
    bob.put(DATA, bob.user_id, "m.invite_permission_config", body={"default_action": "block"})
    other = alice.create_room(invite=[bob.user_id])
    assert alice.invite(other, bob.user_id, expect=403)["errcode"] == "M_INVITE_BLOCKED"
    path = f"{CLIENT}/rooms/{{}}/state/m.room.member/{{}}"
    error = alice.put(path, other, bob.user_id, body={"membership": "invite"}, expect=403)
    assert error["errcode"] == "M_INVITE_BLOCKED"
    assert not invited_to(earlier)(bob.sync())
    bob.put(DATA, bob.user_id, "m.invite_permission_config", body={})
    alice.invite(other, bob.user_id)
    bob.sync_until(invited_to(other))


@pytest.mark.parametrize("content", [{"ignored_users": 7}, {"ignored_users": {"nonsense": 1}}, {}])
def test_odd_lists_ignore_nobody(alice, bob, room, content):
    alice.put(DATA, alice.user_id, "m.ignored_user_list", body=content)
    alice.sync()
    event_id = bob.send_text(room, "hello")
    alice.sync_until(lambda answer: event_id in event_ids(answer, room))
