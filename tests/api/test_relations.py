"""Relations between events and what is aggregated from them (relations.yaml)."""

import pytest
from client import CLIENT, timeline

RELATIONS = "/_matrix/client/v1/rooms/{}/relations/{}"
IGNORED = f"{CLIENT}/user/{{}}/account_data/m.ignored_user_list"


def relate(user, room, rel_type, target, event_type="m.room.message", body="x", **relation):
    relates_to = {"rel_type": rel_type, "event_id": target, **relation}
    content = {"msgtype": "m.text", "body": body, "m.relates_to": relates_to}
    if rel_type == "m.replace":
        content["m.new_content"] = {"msgtype": "m.text", "body": body}
    return user.send(room, event_type, content)


def react(user, room, target, key):
    relation = {"rel_type": "m.annotation", "event_id": target, "key": key}
    return user.send(room, "m.reaction", {"m.relates_to": relation})


def bundled(user, room, event_id):
    return user.event(room, event_id)["unsigned"].get("m.relations", {})


def children(user, room, event_id, *path, **query):
    where = RELATIONS + "/{}" * len(path)
    query = {name.rstrip("_"): value for name, value in query.items()}
    return user.get(where, room, event_id, *path, query=query)


def ids(answer):
    return [event["event_id"] for event in answer["chunk"]]


def test_children_are_listed_by_kind_and_type(alice, bob, room):
    parent = alice.send_text(room, "parent")
    thread = relate(bob, room, "m.thread", parent)
    reaction = react(bob, room, parent, "👍")
    edit = relate(alice, room, "m.replace", parent)
    assert ids(children(alice, room, parent)) == [edit, reaction, thread]
    assert ids(children(alice, room, parent, dir="f")) == [thread, reaction, edit]
    assert ids(children(alice, room, parent, "m.thread")) == [thread]
    assert ids(children(alice, room, parent, "m.annotation", "m.reaction")) == [reaction]
    assert ids(children(alice, room, parent, "m.annotation", "m.room.message")) == []
    assert children(alice, room, parent)["chunk"][0]["room_id"] == room


@pytest.mark.parametrize("direction", ["b", "f"])
def test_pages_of_children(alice, room, direction):
    parent = alice.send_text(room, "parent")
    sent = [relate(alice, room, "m.thread", parent) for _ in range(5)]
    seen, query = [], {"limit": 2, "dir": direction}
    while True:
        page = children(alice, room, parent, **query)
        assert ("prev_batch" in page) == bool(seen)
        seen += ids(page)
        if "next_batch" not in page:
            break
        query["from"] = page["next_batch"]
    assert seen == (sent if direction == "f" else sent[::-1])


def test_recursion_finds_what_relates_indirectly(alice, bob, room):
    parent = alice.send_text(room, "parent")
    reply = relate(alice, room, "m.thread", parent)
    edit = relate(alice, room, "m.replace", reply)
    reaction = react(bob, room, reply, "🦆")
    assert ids(children(alice, room, parent)) == [reply]
    answer = children(alice, room, parent, recurse="true")
    assert ids(answer) == [reaction, edit, reply] and answer["recursion_depth"] >= 3
    assert ids(children(alice, room, parent, "m.annotation", recurse="true")) == [reaction]


def test_a_parent_that_one_may_not_see_is_not_found(alice, carol, room):
    parent = alice.send_text(room, "parent")
    alice.get(RELATIONS, room, "$unknown", expect=404)
    carol.get(RELATIONS, room, parent, expect=403)


def test_the_same_reaction_twice_is_refused(alice, bob, room):
    parent = alice.send_text(room, "parent")
    first = react(bob, room, parent, "👍")
    body = {"m.relates_to": {"rel_type": "m.annotation", "event_id": parent, "key": "👍"}}
    path = f"{CLIENT}/rooms/{{}}/send/m.reaction/again"
    assert bob.put(path, room, body=body, expect=400)["errcode"] == "M_DUPLICATE_ANNOTATION"
    react(bob, room, parent, "👎")
    react(alice, room, parent, "👍")
    bob.redact(room, first)
    react(bob, room, parent, "👍")
    assert first not in ids(children(alice, room, parent))


def test_a_thread_does_not_begin_at_a_related_event(alice, room):
    parent = alice.send_text(room, "parent")
    reply = relate(alice, room, "m.thread", parent)
    body = {"body": "x", "msgtype": "m.text", "m.relates_to": {"rel_type": "m.thread", "event_id": reply}}
    path = f"{CLIENT}/rooms/{{}}/send/m.room.message/nested"
    assert alice.put(path, room, body=body, expect=400)["errcode"] == "M_UNKNOWN"


def test_the_latest_valid_edit_is_bundled(alice, bob, room):
    parent = alice.send_text(room, "parent")
    relate(alice, room, "m.replace", parent, body="first")
    latest = relate(alice, room, "m.replace", parent, body="second")
    relate(bob, room, "m.replace", parent, body="of somebody else")
    relate(alice, room, "m.replace", parent, event_type="org.example.other")
    alice.send(room, "m.room.message", {"body": "x", "m.relates_to": {"rel_type": "m.replace", "event_id": parent}})
    relate(alice, room, "m.replace", latest, body="edit of an edit")
    replace = bundled(bob, room, parent)["m.replace"]
    assert replace["event_id"] == latest and replace["content"]["m.new_content"]["body"] == "second"
    assert alice.event(room, parent)["content"]["body"] == "parent"
    assert "m.replace" not in bundled(bob, room, latest)
    alice.redact(room, latest)
    assert bundled(bob, room, parent)["m.replace"]["content"]["body"] == "first"
    alice.redact(room, parent)
    assert "m.replace" not in bundled(bob, room, parent)


def test_a_thread_is_bundled_with_its_latest_event(alice, bob, carol, room):
    root = alice.send_text(room, "root")
    relate(bob, room, "m.thread", root)
    latest = relate(bob, room, "m.thread", root)
    edit = relate(bob, room, "m.replace", latest, body="edited")
    thread = bundled(bob, room, root)["m.thread"]
    assert thread["count"] == 2 and thread["current_user_participated"] is True
    assert thread["latest_event"]["event_id"] == latest
    assert thread["latest_event"]["unsigned"]["m.relations"]["m.replace"]["event_id"] == edit
    alice.invite(room, carol.user_id)
    carol.join(room)
    assert bundled(carol, room, root)["m.thread"]["current_user_participated"] is False
    bob.redact(room, latest)
    assert bundled(alice, room, root)["m.thread"]["count"] == 1


def test_references_are_bundled_and_annotations_are_not(alice, room):
    parent = alice.send_text(room, "parent")
    reference = relate(alice, room, "m.reference", parent)
    react(alice, room, parent, "👍")
    assert bundled(alice, room, parent) == {"m.reference": {"chunk": [{"event_id": reference}]}}


def test_children_of_ignored_users_do_not_count(alice, bob, room):
    root = alice.send_text(room, "root")
    kept = relate(alice, room, "m.thread", root)
    relate(bob, room, "m.thread", root)
    alice.put(IGNORED, alice.user_id, body={"ignored_users": {bob.user_id: {}}})
    thread = bundled(alice, room, root)["m.thread"]
    assert thread["count"] == 1 and thread["latest_event"]["event_id"] == kept
    assert ids(children(alice, room, root)) == [kept]


def test_messages_context_and_limited_syncs_carry_aggregations(alice, bob, room):
    for i in range(10):
        alice.send_text(room, f"earlier {i}")
    root = alice.send_text(room, "root")
    relate(alice, room, "m.thread", root)

    def of(events):
        return next(e for e in events if e["event_id"] == root)["unsigned"]["m.relations"]["m.thread"]["count"]

    assert of(alice.messages(room)["chunk"]) == 1
    assert alice.get(f"{CLIENT}/rooms/{{}}/context/{{}}", room, root)["event"]["unsigned"]["m.relations"]
    assert of(timeline(bob.sync(), room)) == 1


def test_state_events_are_not_aggregated_for(alice, room):
    state = alice.set_state(room, "m.room.topic", {"topic": "x"})
    relate(alice, room, "m.reference", state)
    assert bundled(alice, room, state) == {}
