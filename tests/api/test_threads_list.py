"""The threads of a room (threads_list.yaml)."""

from client import CLIENT
from test_relations import ids, relate

THREADS = "/_matrix/client/v1/rooms/{}/threads"


def test_the_most_recently_written_thread_comes_first(alice, bob, room):
    roots = [alice.send_text(room, f"root {i}") for i in range(3)]
    for root in roots:
        relate(alice, room, "m.thread", root)
    last = relate(bob, room, "m.thread", roots[0])
    answer = alice.get(THREADS, room)
    assert ids(answer) == [roots[0], roots[2], roots[1]]
    thread = answer["chunk"][0]["unsigned"]["m.relations"]["m.thread"]
    assert thread["latest_event"]["event_id"] == last and thread["count"] == 2
    bob.redact(room, last)
    assert ids(alice.get(THREADS, room)) == roots[::-1]


def test_threads_that_one_takes_part_in(alice, bob, room):
    of_bob, of_alice, joined = (user.send_text(room, "root") for user in (bob, alice, alice))
    for root in (of_bob, of_alice, joined):
        relate(alice, room, "m.thread", root)
    relate(bob, room, "m.thread", joined)
    assert ids(bob.get(THREADS, room, query={"include": "participated"})) == [joined, of_bob]
    assert len(ids(bob.get(THREADS, room, query={"include": "all"}))) == 3


def test_pages(alice, room):
    roots = [alice.send_text(room, "root") for _ in range(3)]
    for root in roots:
        relate(alice, room, "m.thread", root)
    first = alice.get(THREADS, room, query={"limit": 2})
    assert ids(first) == [roots[2], roots[1]]
    second = alice.get(THREADS, room, query={"limit": 2, "from": first["next_batch"]})
    assert ids(second) == [roots[0]] and "next_batch" not in second


def test_roots_of_ignored_users_are_shown_redacted(alice, bob, room):
    root = bob.send_text(room, "root")
    relate(alice, room, "m.thread", root)
    path = f"{CLIENT}/user/{{}}/account_data/m.ignored_user_list"
    alice.put(path, alice.user_id, body={"ignored_users": {bob.user_id: {}}})
    (event,) = alice.get(THREADS, room)["chunk"]
    assert event["event_id"] == root and event["content"] == {}


def test_refusals(alice, carol, room):
    assert carol.get(THREADS, room, expect=403)["errcode"] == "M_FORBIDDEN"
    for query in ({"include": "some"}, {"from": "nonsense"}):
        assert alice.get(THREADS, room, query=query, expect=400)["errcode"] == "M_INVALID_PARAM"
