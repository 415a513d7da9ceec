"""Searching messages, names and topics (search.yaml)."""

import pytest
from client import CLIENT, unique

SEARCH = f"{CLIENT}/search"


def search(client, term, expect=200, query=None, **criteria):
    body = {"search_categories": {"room_events": {"search_term": term, **criteria}}}
    answer = client.post(SEARCH, body=body, expect=expect, query=query)
    return answer["search_categories"]["room_events"] if expect == 200 else answer


def ids(results):
    return [entry["result"]["event_id"] for entry in results["results"]]


def test_words_are_found_whatever_their_case(alice, bob, room):
    word = unique("quokka").replace("-", "")
    event_id = alice.send_text(room, f"Look, an {word.upper()} (ÄÖÜ) at the fence!")
    alice.send_text(room, "nothing of interest")
    for term in (word, f"{word} FENCE", "äöü " + word):
        results = search(bob, term)
        assert ids(results) == [event_id] and results["count"] == 1
    entry = search(bob, word)["results"][0]
    assert entry["result"]["room_id"] == room and isinstance(entry["rank"], float)
    assert search(bob, word)["highlights"] == [word]
    assert search(bob, f"{word} absent")["count"] == 0


def test_names_and_topics_are_found_too(alice, room):
    word = unique("word").replace("-", "")
    name = alice.set_state(room, "m.room.name", {"name": f"the {word}"})
    topic = alice.set_state(room, "m.room.topic", {"topic": f"all about {word}"})
    body = alice.send_text(room, word)
    assert set(ids(search(alice, word))) == {name, topic, body}
    assert ids(search(alice, word, keys=["content.name"])) == [name]
    assert ids(search(alice, word, keys=["content.topic", "content.body"], order_by="recent")) == [body, topic]
    assert search(alice, word, keys=["content.x"], expect=400)["errcode"] == "M_INVALID_PARAM"


def test_only_what_one_may_see_is_found(alice, bob, carol, room):
    word = unique("secret").replace("-", "")
    before = alice.send_text(room, word)
    assert ids(search(carol, word)) == []
    bob.leave(room)
    after = alice.send_text(room, word)
    assert ids(search(bob, word)) == [before]
    assert set(ids(search(alice, word))) == {before, after}
    alice.redact(room, before)
    assert ids(search(alice, word)) == [after]


@pytest.mark.parametrize("order", ["recent", "rank"])
def test_pages(alice, room, order):
    word = unique("paged").replace("-", "")
    sent = [alice.send_text(room, word) for _ in range(5)]
    seen, token = [], None
    while True:
        query = {"next_batch": token} if token else None
        results = search(alice, word, order_by=order, filter={"limit": 2}, query=query)
        seen += ids(results)
        token = results.get("next_batch")
        if token is None:
            break
    assert seen == sent[::-1]
    assert search(alice, word, order_by=order, query={"next_batch": "x"}, expect=400)["errcode"] == "M_INVALID_PARAM"


def test_the_more_of_a_message_the_words_are_the_better_it_is(alice, room):
    word = unique("ranked").replace("-", "")
    alone, among_others = alice.send_text(room, word), alice.send_text(room, f"something else about {word}")
    best, second = search(alice, word)["results"]
    assert [best["result"]["event_id"], second["result"]["event_id"]] == [alone, among_others]
    assert (best["rank"], second["rank"]) == (1, 0.25)
    assert ids(search(alice, word, order_by="recent")) == [among_others, alone]


def test_context_profiles_and_state(alice, bob, room):
    word = unique("context").replace("-", "")
    events = [alice.send_text(room, text) for text in ("one", "two", word)]
    after = bob.send_text(room, "after")
    context = {"before_limit": 2, "after_limit": 2, "include_profile": True}
    results = search(alice, word, event_context=context, include_state=True)
    found = results["results"][0]["context"]
    assert [e["event_id"] for e in found["events_before"]] == [events[1], events[0]]
    assert [e["event_id"] for e in found["events_after"]] == [after]
    assert set(found["profile_info"]) == {alice.user_id, bob.user_id}
    assert found["start"] and found["end"]
    assert {e["type"] for e in results["state"][room]} >= {"m.room.create", "m.room.member"}
    assert "context" not in search(alice, word)["results"][0]


def test_groups_and_filters(alice, bob, room):
    word = unique("grouped").replace("-", "")
    other = alice.create_room()
    first, second, third = alice.send_text(room, word), bob.send_text(room, word), alice.send_text(other, word)
    groups = search(alice, word, groupings={"group_by": [{"key": "room_id"}, {"key": "sender"}]})["groups"]
    assert set(groups["room_id"][room]["results"]) == {first, second}
    assert groups["room_id"][other]["results"] == [third]
    assert groups["sender"][bob.user_id]["results"] == [second]
    assert ids(search(alice, word, filter={"rooms": [other]})) == [third]
    assert set(ids(search(alice, word, filter={"not_rooms": [other]}))) == {first, second}
    assert ids(search(alice, word, filter={"senders": [bob.user_id]})) == [second]


def test_requests_without_sense(alice):
    assert alice.post(SEARCH, body={"search_categories": {}}) == {"search_categories": {}}
    assert alice.post(SEARCH, expect=400)["errcode"] == "M_MISSING_PARAM"
    alice.post(SEARCH, body={"search_categories": {"room_events": {}}}, expect=400)
    assert search(alice, "x", order_by="size", expect=400)["errcode"] == "M_INVALID_PARAM"
