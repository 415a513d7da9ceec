"""Rooms that two users share (mutual_rooms.yaml)."""

import pytest

MUTUAL = "/_matrix/client/v1/mutual_rooms"
UNSTABLE = "/_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms"


@pytest.mark.parametrize("path", [MUTUAL, UNSTABLE])
def test_only_rooms_that_both_are_joined_to(alice, bob, room, path):
    alice.create_room()
    alice.create_room(invite=[bob.user_id])
    left = alice.create_room(preset="public_chat")
    bob.join(left)
    bob.leave(left)
    assert alice.get(path, query={"user_id": bob.user_id}) == {"joined": [room], "count": 1}


def test_strangers_share_nothing(alice, carol):
    for user_id in (carol.user_id, "@nobody:elsewhere.example"):
        assert alice.get(MUTUAL, query={"user_id": user_id}) == {"joined": [], "count": 0}


def test_requests_without_sense_are_refused(alice, bob):
    queries = ({}, {"user_id": alice.user_id}, {"user_id": "bob"}, {"user_id": "@bö:localhost"})
    for query in (*queries, {"user_id": bob.user_id, "from": "m"}, {"user_id": bob.user_id, "from": "7"}):
        assert alice.get(MUTUAL, query=query, expect=400)["errcode"] == "M_INVALID_PARAM"
