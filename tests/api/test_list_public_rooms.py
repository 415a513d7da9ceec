"""The published room directory (list_public_rooms.yaml)."""

import pytest
from client import CLIENT, unique

PUBLIC = f"{CLIENT}/publicRooms"
LISTED = f"{CLIENT}/directory/list/room/{{}}"


def find(client, term, **body):
    answer = client.post(PUBLIC, body={"filter": {"generic_search_term": term, **body}})
    return answer["chunk"]


def test_an_entry_tells_what_the_room_says_of_itself(alice, bob):
    name = unique("Größe")
    room = alice.create_room(
        preset="public_chat",
        visibility="public",
        name=name,
        topic="all about " + name,
        room_alias_name=unique("entry"),
        creation_content={"type": "m.space"},
        initial_state=[
            {"type": "m.room.avatar", "content": {"url": "mxc://example.org/a"}},
            {"type": "m.room.guest_access", "content": {"guest_access": "can_join"}},
            {"type": "m.room.history_visibility", "content": {"history_visibility": "world_readable"}},
        ],
    )
    bob.join(room)
    (entry,) = find(alice, name.upper())
    alias = alice.state(room, "m.room.canonical_alias")["alias"]
    assert entry == {
        "room_id": room,
        "name": name,
        "topic": "all about " + name,
        "avatar_url": "mxc://example.org/a",
        "canonical_alias": alias,
        "num_joined_members": 2,
        "world_readable": True,
        "guest_can_join": True,
        "join_rule": "public",
        "room_type": "m.space",
    }


def test_an_entry_follows_its_room(alice, bob):
    old, new = unique("before"), unique("after")
    room = alice.create_room(preset="public_chat", visibility="public", name=old)
    bob.join(room)
    alice.set_state(room, "m.room.name", {"name": new})
    assert find(alice, old) == []
    assert find(alice, new)[0]["num_joined_members"] == 2
    bob.leave(room)
    assert find(alice, new)[0]["num_joined_members"] == 1
    event = alice.set_state(room, "m.room.topic", {"topic": "secret"})
    assert find(alice, new)[0]["topic"] == "secret"
    alice.redact(room, event)
    assert "topic" not in find(alice, new)[0]


def test_rooms_are_listed_and_taken_out(alice, bob, anonymous):
    name = unique("listed")
    room = alice.create_room(preset="public_chat", name=name)
    bob.join(room)
    assert find(alice, name) == []
    assert anonymous.get(LISTED, room) == {"visibility": "private"}
    alice.put(LISTED, room, body={"visibility": "public"})
    assert anonymous.get(LISTED, room) == {"visibility": "public"}
    assert [entry["room_id"] for entry in find(alice, name)] == [room]
    assert bob.put(LISTED, room, body={"visibility": "private"}, expect=403)["errcode"] == "M_FORBIDDEN"
    assert alice.put(LISTED, room, body={"visibility": "x"}, expect=400)["errcode"] == "M_INVALID_PARAM"
    alice.put(LISTED, room, body={"visibility": "private"})
    assert find(alice, name) == []
    alice.put(LISTED, room)  # public is the default
    assert len(find(alice, name)) == 1


def test_unknown_rooms_are_not_found(alice, anonymous):
    assert anonymous.get(LISTED, "!nowhere:localhost", expect=404)["errcode"] == "M_NOT_FOUND"
    assert alice.put(LISTED, "!nowhere:localhost", expect=404)["errcode"] == "M_NOT_FOUND"


def test_a_filter_of_room_types(alice):
    name = unique("typed")
    rooms = {
        kind: alice.create_room(visibility="public", name=name, creation_content={"type": kind} if kind else {})
        for kind in (None, "m.space", "org.example.other")
    }
    for types in ([None], ["m.space"], [None, "org.example.other"], []):
        found = {entry["room_id"] for entry in find(alice, name, room_types=types)}
        assert found == {rooms[kind] for kind in types}
    assert len(find(alice, name)) == 3


def test_pages_go_forth_and_back(alice, bob):
    name = unique("paged")
    rooms = [alice.create_room(preset="public_chat", visibility="public", name=name) for _ in range(5)]
    bob.join(rooms[2])

    def page(since=None):
        body = {"limit": 2, "filter": {"generic_search_term": name}}
        return alice.post(PUBLIC, body=body if since is None else {**body, "since": since})

    def ids(answer):
        return [entry["room_id"] for entry in answer["chunk"]]

    first = page()
    second = page(first["next_batch"])
    third = page(second["next_batch"])
    assert ids(first)[0] == rooms[2], "the largest room comes first"
    assert sorted(ids(first) + ids(second) + ids(third)) == sorted(rooms)
    assert "prev_batch" not in first and "next_batch" not in third
    back = page(third["prev_batch"])
    assert ids(back) == ids(second)
    start = page(back["prev_batch"])
    assert ids(start) == ids(first) and "prev_batch" not in start
    assert ids(page(start["next_batch"])) == ids(second)


def test_the_plain_list_is_for_everybody(alice, anonymous):
    room = alice.create_room(preset="public_chat", visibility="public")
    seen, query = [], {"limit": 50}
    while True:
        answer = anonymous.get(PUBLIC, query=query)
        assert answer["total_room_count_estimate"] >= 1
        seen += [entry["room_id"] for entry in answer["chunk"]]
        if "next_batch" not in answer:
            break
        query["since"] = answer["next_batch"]
    assert room in seen
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize("since", ["x", "f1", "f1_2x", "q1_2"])
def test_made_up_tokens_are_refused(anonymous, since):
    assert anonymous.get(PUBLIC, query={"since": since}, expect=400)["errcode"] == "M_INVALID_PARAM"
