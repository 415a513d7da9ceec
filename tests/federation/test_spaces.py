"""Spaces whose rooms are on several servers: what others show of the rooms that we are not in."""

import pytest
from client import Client
from peer import FEDERATION
from test_restricted_joins import restricted_to
from two_sides import join_through

HIERARCHY = "/_matrix/client/v1/rooms/{}/hierarchy"


def space(user, **body):
    return user.create_room(preset="public_chat", creation_content={"type": "m.space"}, **body)


def link(user, parent, child, server, **content):
    user.set_state(parent, "m.space.child", {"via": [server.server_name], **content}, child)


def walk(client, root, **query):
    """Page by page, when there is a limit."""
    found, page = [], client.get(HIERARCHY, root, query=query)
    while "next_batch" in page:
        found += page["rooms"]
        page = client.get(HIERARCHY, root, query={**query, "from": page["next_batch"]})
    return found + page["rooms"]


def ids(rooms):
    return [room["room_id"] for room in rooms]


def test_a_space_is_walked_over_both_servers(server, other_server, alice, bob):
    root, inner = space(alice), space(alice)
    leaf_here = alice.create_room(preset="public_chat")
    their_space = space(bob, name="Theirs")
    first, second = (bob.create_room(preset="public_chat", name=name) for name in ("First", "Second"))
    private = bob.create_room(preset="private_chat")
    link(alice, root, inner, server, order="a")
    link(alice, root, first, other_server, order="b", suggested=True)
    link(alice, root, private, other_server, order="c")
    link(alice, inner, their_space, other_server)
    link(bob, their_space, second, other_server, order="1")
    link(bob, their_space, leaf_here, server, order="2")
    rooms = walk(alice, root)
    assert ids(rooms) == [root, inner, their_space, second, leaf_here, first]
    assert [room.get("name") for room in rooms[2:4]] == ["Theirs", "Second"]
    assert rooms[2]["room_type"] == "m.space" and rooms[3]["num_joined_members"] == 1
    state = rooms[2]["children_state"]
    assert [child["state_key"] for child in state] == [second, leaf_here]
    assert state[0]["content"]["via"] == [other_server.server_name]
    assert state[0]["origin_server_ts"] > 0
    assert ids(walk(alice, root, limit=2)) == ids(rooms)
    assert ids(walk(alice, root, max_depth=2)) == [root, inner, their_space, first]
    assert ids(walk(alice, root, suggested_only="true")) == [root, first]


def test_a_restricted_room_elsewhere_is_for_members_of_the_space(server, other_server, alice, bob):
    carol = Client(server.base_url).register("carol")
    root = space(alice)
    rules = {"type": "m.room.join_rules", "state_key": "", "content": restricted_to(root)}
    room_id = bob.create_room(preset="public_chat", room_version="10", initial_state=[rules])
    link(alice, root, room_id, other_server)
    # The other server does not know yet that a user of ours is in the space.
    assert ids(walk(alice, root)) == [root]
    join_through(bob, root, server)
    assert ids(walk(alice, root)) == [root, room_id]
    assert ids(walk(carol, root)) == [root]


def test_an_invite_shows_a_room_elsewhere(alice, bob, other_server):
    root = space(alice)
    room_id = bob.create_room(preset="private_chat", name="By invitation")
    link(alice, root, room_id, other_server)
    bob.invite(room_id, alice.user_id)
    alice.sync_until(lambda answer: room_id in answer.get("rooms", {}).get("invite", {}))
    assert room_id in ids(walk(alice, root))


# ── What a peer may answer ──


class Told:
    """Answers of a peer, by room; counts the questions."""

    def __init__(self, peer):
        self.rooms, self.asked = {}, []
        peer.answers[f"{FEDERATION}/v1/hierarchy/"] = self.answer

    def answer(self, method, path, query, body):
        room_id = path.rsplit("/", 1)[1]
        self.asked.append(room_id)
        return self.rooms.get(room_id, (404, {"errcode": "M_NOT_FOUND", "error": "none"}))


def shown(peer, localpart, children=(), **more):
    """A public room, or a space when it has children."""
    room = {
        "room_id": f"!{localpart}:{peer.name}",
        "num_joined_members": 1,
        "world_readable": False,
        "guest_can_join": False,
        "join_rule": "public",
        "name": localpart,
        "children_state": [
            {
                "type": "m.space.child", "state_key": f"!{child}:{peer.name}", "sender": peer.user("x"),
                "content": {"via": [peer.name]}, "origin_server_ts": ts,
            }
            for ts, child in enumerate(children)
        ],
    }  # fmt: skip
    if children:
        room["room_type"] = "m.space"
    return {**room, **more}


def answer(room, children=(), inaccessible=()):
    return 200, {"room": room, "children": list(children), "inaccessible_children": list(inaccessible)}


@pytest.fixture
def told(peer):
    return Told(peer)


def test_answers_are_remembered_and_tell_of_the_rooms_below(alice, peer, told):
    root, top = space(alice), f"!top:{peer.name}"
    link_to = {"via": [peer.name]}
    alice.set_state(root, "m.space.child", link_to, top)
    below = shown(peer, "below")
    del below["children_state"]  # as the specification has it for the children
    told.rooms[top] = answer(
        shown(peer, "top", ["below", "secret", "unknown"]),
        [below, shown(peer, "stranger")],
        [f"!secret:{peer.name}"],
    )
    for _ in range(2):
        assert ids(walk(alice, root)) == [root, top, below["room_id"]]
    # The room that it says nothing of is asked for each time; the secret one never.
    assert sorted(told.asked) == sorted([top] + [f"!unknown:{peer.name}"] * 2)


def test_the_next_server_is_asked_when_the_first_does_not_know(alice, peer, good_peer, told):
    root, room = space(alice), shown(good_peer, "room")
    Told(good_peer).rooms[room["room_id"]] = answer(room)
    via = {"via": ["127.0.0.1:1", peer.name, good_peer.name]}
    alice.set_state(root, "m.space.child", via, room["room_id"])
    assert ids(walk(alice, root)) == [root, room["room_id"]]
    assert told.asked == [room["room_id"]]


WRONG = {
    "another room": lambda peer: answer(shown(peer, "other")),
    "no object": lambda peer: (200, []),
    "no room": lambda peer: (200, {"children": [], "inaccessible_children": []}),
    "no JSON": lambda peer: (200, b"<html>"),
    "an error": lambda peer: (500, {"errcode": "M_UNKNOWN", "error": "?"}),
    "too much": lambda peer: answer(shown(peer, "room", topic="x" * (3 << 20))),
    "a room that one only enters by invitation": lambda peer: answer(shown(peer, "room", join_rule="invite")),
    "a restricted room for others": lambda peer: answer(
        shown(peer, "room", join_rule="restricted", allowed_room_ids=["!not:here", 3, None])
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_answers_leave_the_room_out(alice, peer, told, what):
    root, room_id = space(alice), f"!room:{peer.name}"
    alice.set_state(root, "m.space.child", {"via": [peer.name]}, room_id)
    told.rooms[room_id] = WRONG[what](peer)
    assert ids(walk(alice, root)) == [root]
    assert told.asked == [room_id]


def test_odd_members_of_an_answer_are_passed_over(alice, peer, told):
    root, top = space(alice), f"!top:{peer.name}"
    alice.set_state(root, "m.space.child", {"via": [peer.name]}, top)
    room = shown(peer, "top", ["loop", "top"], name=5, topic=None, num_joined_members=-1, room_version=[])
    room["children_state"] += [7, {"type": "m.space.child"}, {"type": "m.room.name", "state_key": "!a:b"}]
    told.rooms[top] = answer(room, [None, {}, {"room_id": 3}, shown(peer, "loop", ["top"])], [None, 4, {}])
    rooms = walk(alice, root)
    assert ids(rooms) == [root, top, f"!loop:{peer.name}"]
    assert "name" not in rooms[1] and rooms[1]["num_joined_members"] == 0
    assert len(rooms[1]["children_state"]) == 2
