"""Room tags (tags.yaml)."""

import pytest
from client import CLIENT

TAGS = f"{CLIENT}/user/{{}}/rooms/{{}}/tags"
TAG = TAGS + "/{}"


def test_tags_are_added_changed_and_removed(alice, room):
    assert alice.get(TAGS, alice.user_id, room) == {"tags": {}}
    alice.put(TAG, alice.user_id, room, "m.favourite", body={"order": 0.1})
    alice.put(TAG, alice.user_id, room, "u.a/b c", body={"org.example": "kept"})
    alice.put(TAG, alice.user_id, room, "m.favourite", body={"order": 0.7})
    assert alice.get(TAGS, alice.user_id, room) == {
        "tags": {"m.favourite": {"order": 0.7}, "u.a/b c": {"org.example": "kept"}}
    }
    alice.delete(TAG, alice.user_id, room, "u.a/b c")
    alice.delete(TAG, alice.user_id, room, "u.never")
    assert alice.get(TAGS, alice.user_id, room) == {"tags": {"m.favourite": {"order": 0.7}}}


def test_tags_are_for_their_user_alone(alice, bob, room):
    alice.put(TAG, alice.user_id, room, "u.mine")
    assert bob.get(TAGS, bob.user_id, room) == {"tags": {}}
    bob.get(TAGS, alice.user_id, room, expect=403)
    bob.put(TAG, alice.user_id, room, "u.not", expect=403)
    bob.delete(TAG, alice.user_id, room, "u.mine", expect=403)


@pytest.mark.parametrize("order", ["0.5", True, [], {}])
def test_an_order_must_be_a_number(alice, room, order):
    """P-09"""
    alice.put(TAG, alice.user_id, room, "u.tag", body={"order": order}, expect=400)


def test_a_tag_has_at_most_255_bytes(alice, room):
    """P-09"""
    alice.put(TAG, alice.user_id, room, "é" * 127)
    alice.put(TAG, alice.user_id, room, "é" * 128, expect=400)


def test_tags_of_unknown_rooms_are_not_found(alice):
    alice.put(TAG, alice.user_id, "!unknown:nowhere", "u.tag", expect=404)


def test_tags_arrive_by_sync_as_account_data(alice, room):
    alice.sync()
    alice.put(TAG, alice.user_id, room, "u.work", body={"order": 0.25})

    def arrived(answer):
        joined = answer.get("rooms", {}).get("join", {}).get(room, {})
        return [event["content"] for event in joined.get("account_data", {}).get("events", [])]

    assert alice.sync_until(arrived) == [{"tags": {"u.work": {"order": 0.25}}}]
