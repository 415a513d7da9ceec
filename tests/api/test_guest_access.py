"""Guests in rooms (module "Guest Access")."""

from client import CLIENT


def guest_of(anonymous):
    answer = anonymous.post(f"{CLIENT}/register", query={"kind": "guest"})
    return anonymous.signed_in(answer)


def test_guests_leave_when_they_are_not_welcome_any_more(alice, bob, anonymous):
    guest = guest_of(anonymous)
    room = alice.create_room(
        preset="public_chat",
        initial_state=[{"type": "m.room.guest_access", "content": {"guest_access": "can_join"}}],
    )
    bob.join(room)
    guest.post(f"{CLIENT}/rooms/{{}}/join", room)
    assert guest.join(room) == {"room_id": room}
    guest.send_text(room, "hello")
    alice.set_state(room, "m.room.guest_access", {"guest_access": "forbidden"})
    assert alice.state(room, "m.room.member", guest.user_id)["membership"] == "leave"
    assert alice.state(room, "m.room.member", bob.user_id)["membership"] == "join"
    assert guest.join(room, expect=403)["errcode"]
    error = guest.post(f"{CLIENT}/rooms/{{}}/join", room, expect=403)
    assert error["errcode"] == "M_GUEST_ACCESS_FORBIDDEN"
