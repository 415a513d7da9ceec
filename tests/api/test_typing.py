"""Typing notifications (typing.yaml)."""

from client import CLIENT, joined_room

TYPING = f"{CLIENT}/rooms/{{}}/typing/{{}}"


def typing_in(room_id):
    """For sync_until: the lists of names that arrived for this room, when any did."""

    def arrived(answer):
        events = joined_room(answer, room_id).get("ephemeral", {}).get("events", [])
        lists = [event for event in events if event["type"] == "m.typing"]
        assert all("room_id" not in event for event in lists)
        return [event["content"]["user_ids"] for event in lists]

    return arrived


def test_others_see_who_is_typing_until_they_stop(alice, bob, room):
    bob.sync()
    alice.put(TYPING, room, alice.user_id, body={"typing": True, "timeout": 20000})
    assert bob.sync_until(typing_in(room)) == [[alice.user_id]]
    alice.put(TYPING, room, alice.user_id, body={"typing": False})
    assert bob.sync_until(typing_in(room)) == [[]]


def test_typing_ends_by_itself(alice, bob, room):
    bob.sync()
    alice.put(TYPING, room, alice.user_id, body={"typing": True, "timeout": 3000})
    assert bob.sync_until(typing_in(room)) == [[alice.user_id]]
    assert bob.sync_until(typing_in(room)) == [[]]


def test_absurd_timeouts_are_accepted_and_clamped(alice, room):
    """P-11"""
    for timeout in (10**12, 0, -1, 9007199254740991):
        alice.put(TYPING, room, alice.user_id, body={"typing": True, "timeout": timeout})


def test_only_members_type_and_only_for_themselves(alice, bob, carol, room):
    """V-01"""
    carol.put(TYPING, room, carol.user_id, body={"typing": True}, expect=403)
    alice.put(TYPING, room, bob.user_id, body={"typing": True}, expect=403)
    alice.put(TYPING, "!unknown:nowhere", alice.user_id, body={"typing": True}, expect=403)


def test_malformed_typing_is_refused(alice, room):
    for body in ({}, {"typing": "yes"}, {"typing": True, "timeout": "long"}):
        alice.put(TYPING, room, alice.user_id, body=body, expect=400)
