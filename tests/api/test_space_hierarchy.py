"""The rooms below a space (space_hierarchy.yaml)."""

from client import unique

HIERARCHY = "/_matrix/client/v1/rooms/{}/hierarchy"
SPACE = {"type": "m.space"}
VIA = {"via": ["localhost"]}


def space(user, name="space", **body):
    return user.create_room(preset="public_chat", name=name, creation_content=SPACE, **body)


def link(user, parent, child, **content):
    user.set_state(parent, "m.space.child", {**VIA, **content}, child)


def rooms(client, root, **query):
    return [r["room_id"] for r in client.get(HIERARCHY, root, query=query)["rooms"]]


def test_depth_first_in_the_order_of_the_children(alice, bob):
    root, inner = space(alice), space(alice)
    first, second, third, leaf = (alice.create_room(preset="public_chat") for _ in range(4))
    link(alice, root, third)
    link(alice, root, second, order="b")
    link(alice, root, inner, order="a")
    link(alice, root, first, order="\N{BELL SYMBOL}")  # not valid: by age, after `third`
    link(alice, inner, leaf)
    link(alice, inner, root)  # a loop
    assert rooms(bob, root) == [root, inner, leaf, second, third, first]
    entry = bob.get(HIERARCHY, root)["rooms"][0]
    assert entry["room_type"] == "m.space" and entry["room_version"]
    child = entry["children_state"][0]
    assert child["state_key"] == inner and child["content"] == {**VIA, "order": "a"}
    assert child["sender"] == alice.user_id and child["origin_server_ts"] > 0
    assert set(child) == {"type", "state_key", "content", "sender", "origin_server_ts"}


def test_depth_and_suggestions_narrow_the_walk(alice):
    root, inner = space(alice), space(alice)
    leaf, other = (alice.create_room(preset="public_chat") for _ in range(2))
    link(alice, root, inner, suggested=True)
    link(alice, root, other)
    link(alice, inner, leaf)
    assert rooms(alice, root, max_depth=0) == [root]
    assert set(rooms(alice, root, max_depth=1)) == {root, inner, other}
    assert rooms(alice, root, suggested_only="true") == [root, inner]


def test_rooms_that_one_may_not_see_are_left_out(alice, bob, carol):
    root = space(alice)
    private = alice.create_room(preset="private_chat", invite=[bob.user_id])
    allow = [{"type": "m.room_membership", "room_id": root}]
    rules = [{"type": "m.room.join_rules", "content": {"join_rule": "restricted", "allow": allow}}]
    restricted = alice.create_room(initial_state=rules)
    link(alice, root, private)
    link(alice, root, restricted)
    link(alice, root, "!unknown:elsewhere.example")
    assert rooms(carol, root) == [root]
    carol.join(root)
    assert rooms(carol, root) == [root, restricted]
    assert rooms(bob, root) == [root, private]


def test_children_without_servers_do_not_count(alice):
    root, child = space(alice), alice.create_room()
    alice.set_state(root, "m.space.child", {}, child)
    alice.set_state(root, "m.space.child", {"via": "localhost"}, "!x:localhost")
    (entry,) = alice.get(HIERARCHY, root)["rooms"]
    assert entry["children_state"] == []


def test_pages(alice):
    root = space(alice)
    children = [alice.create_room() for _ in range(5)]
    for child in children:
        link(alice, root, child)
    seen, query = [], {"limit": 2}
    while True:
        answer = alice.get(HIERARCHY, root, query=query)
        assert len(answer["rooms"]) <= 2
        seen += [entry["room_id"] for entry in answer["rooms"]]
        if "next_batch" not in answer:
            break
        query["from"] = answer["next_batch"]
    assert seen == [root, *children]
    for change in ({"max_depth": 3}, {"suggested_only": "true"}, {"from": "nonsense"}):
        error = alice.get(HIERARCHY, root, query={**query, **change}, expect=400)
        assert error["errcode"] == "M_INVALID_PARAM"


def test_an_inaccessible_root_is_forbidden(alice, bob):
    root = alice.create_room(creation_content=SPACE, name=unique("x"))
    assert bob.get(HIERARCHY, root, expect=403)["errcode"] == "M_FORBIDDEN"
    assert bob.get(HIERARCHY, "!unknown:localhost", expect=403)["errcode"] == "M_FORBIDDEN"
