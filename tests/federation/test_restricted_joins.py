"""Restricted rooms over servers: who is in the allowed room gets in, through a server that can vouch for it."""

import pytest
from client import CLIENT, Client, event_ids, invited_to, timeline
from conftest import federating_server
from two_sides import join_through, sees_member


def restricted_to(room_id):
    allow = [{"type": "m.room_membership", "room_id": room_id}]
    return {"join_rule": "restricted", "allow": allow}


def make_rooms(owner, **options):
    """The room whose members may join, and the one they may join."""
    allowed = owner.create_room(preset="public_chat")
    rules = {"type": "m.room.join_rules", "state_key": "", "content": restricted_to(allowed)}
    room_id = owner.create_room(preset="private_chat", initial_state=[rules], **options)
    owner.sync()
    return allowed, room_id


def is_refused(client, room_id, *servers, expect=403):
    query = [("via", server.server_name) for server in servers]
    client.post(f"{CLIENT}/join/{{}}", room_id, query=query, expect=expect)


@pytest.mark.parametrize("direction", ["theirs", "ours"])
def test_members_of_the_allowed_room_come_in_and_nobody_else(
    server, other_server, alice, bob, direction
):
    """`theirs`: a user of the other server comes into a room of ours."""
    owner, guest, host = (alice, bob, server) if direction == "theirs" else (bob, alice, other_server)
    allowed, room_id = make_rooms(owner, room_version="10")
    is_refused(guest, room_id, host)
    join_through(guest, allowed, host)
    sees_member(owner, allowed, guest.user_id, "join")
    join_through(guest, room_id, host)
    member = owner.state(room_id, "m.room.member", guest.user_id)
    assert member["join_authorised_via_users_server"] == owner.user_id
    # A new profile is no join; what the client says of it must not make others refuse the event.
    member = {"membership": "join", "displayname": "G", "join_authorised_via_users_server": "unused"}
    guest.put(f"{CLIENT}/rooms/{{}}/state/m.room.member/{{}}", room_id, guest.user_id, body=member)
    owner.sync_until(
        lambda answer: any(e["content"].get("displayname") == "G" for e in timeline(answer, room_id))
    )
    # Who leaves both does not come back.
    guest.leave(room_id)
    sees_member(owner, room_id, guest.user_id, "leave")
    guest.leave(allowed)
    sees_member(owner, allowed, guest.user_id, "leave")
    is_refused(guest, room_id, host)


@pytest.fixture
def third_server(authority):
    server = federating_server(authority)
    try:
        server.start()
        yield server
        server.shut_down_and_check()
    finally:
        server.remove()


def test_a_server_that_can_not_vouch_is_passed_over(server, other_server, third_server, alice, bob):
    """Bob is in the room and may not invite: through bob's server nobody comes in, through alice's carol does."""
    allowed, room_id = make_rooms(alice, power_level_content_override={"invite": 100})
    join_through(bob, allowed, server)
    join_through(bob, room_id, server)
    carol = Client(third_server.base_url).register("carol")
    join_through(carol, allowed, server)
    sees_member(bob, allowed, carol.user_id, "join")
    is_refused(carol, room_id, other_server, expect=400)
    join_through(carol, room_id, other_server, server)
    member = alice.state(room_id, "m.room.member", carol.user_id)
    assert member["join_authorised_via_users_server"] == alice.user_id
    sees_member(bob, room_id, carol.user_id, "join")


def test_a_server_in_the_room_that_can_not_vouch_asks_one_that_can(server, alice, bob):
    """Bob's server is in the room; carol of the same server is let in by alice's."""
    allowed, room_id = make_rooms(alice, power_level_content_override={"invite": 100})
    alice.invite(room_id, bob.user_id)
    bob.sync_until(invited_to(room_id))
    bob.join(room_id)
    carol = Client(bob.base_url).register("carol")
    is_refused(carol, room_id)
    join_through(carol, allowed, server)
    carol.join(room_id)
    sees_member(bob, room_id, carol.user_id, "join")
    sees_member(alice, room_id, carol.user_id, "join")
    assert carol.send_text(room_id, "thank you") in carol.sync_until(lambda a: event_ids(a, room_id))
