"""Spec: MSC4306, following threads; MSC4308, how clients hear of it."""

import pytest
from client import Client, joined_room
from homeserver import launch, running
from sliding import Sliding
from test_relations import relate

SUBSCRIPTION = "/_matrix/client/unstable/io.element.msc4306/rooms/{}/thread/{}/subscription"
CHANGES = "/_matrix/client/unstable/io.element.msc4308/thread_subscriptions"
EXTENSION = "io.element.msc4308.thread_subscriptions"
RULE = "/_matrix/client/v3/pushrules/global/{}/{}"
UNSUBSCRIBED = ".io.element.msc4306.rule.unsubscribed_thread"
SUBSCRIBED = ".io.element.msc4306.rule.subscribed_thread"


@pytest.fixture(scope="module")
def threads_server():
    rooms = {"encrypt_private_by_default": False, "thread_subscriptions": True}
    with running(launch("beffroi", rooms=rooms)) as server:
        yield server


@pytest.fixture
def anonymous(threads_server):
    return Client(threads_server.base_url)


def follow(user, room, root, expect=200, **body):
    return user.put(SUBSCRIPTION, room, root, body=body, expect=expect)


def leave_thread(user, room, root, **options):
    return user.delete(SUBSCRIPTION, room, root, **options)


def followed(user, room, root, **options):
    return user.get(SUBSCRIPTION, room, root, **options)


def thread(user, room, replies=1):
    root = user.send_text(room, "root")
    return root, [relate(user, room, "m.thread", root) for _ in range(replies)]


def told(sliding, **extension):
    answer = sliding.ask(lists={}, extensions={EXTENSION: {"enabled": True, **extension}})
    return answer["extensions"].get(EXTENSION, {})


def unread(user, room):
    """Notifications of the room's main timeline and threads together, in a fresh answer."""
    user.since = None
    return joined_room(user.sync(), room)["unread_notifications"]["notification_count"]


def test_a_thread_is_followed_by_hand_and_left(alice, bob, room):
    root, _ = thread(alice, room, replies=0)
    followed(bob, room, root, expect=404)
    follow(bob, room, root)
    assert followed(bob, room, root) == {"automatic": False}
    followed(alice, room, root, expect=404)
    leave_thread(bob, room, root)
    leave_thread(bob, room, root)
    followed(bob, room, root, expect=404)


def test_threads_that_one_can_not_see_do_not_exist(alice, bob, carol, room):
    root, _ = thread(alice, room)
    elsewhere, _ = thread(bob, bob.create_room())
    for user, event in ((carol, root), (alice, elsewhere), (alice, "$nothing:localhost")):
        assert follow(user, room, event, expect=404)["errcode"] == "M_NOT_FOUND"
        followed(user, room, event, expect=404)
        leave_thread(user, room, event, expect=404)


def test_the_cause_must_be_in_the_thread(alice, room):
    root, (reply,) = thread(alice, room)
    _, (other,) = thread(alice, room)
    for cause in (root, other, "$nothing:localhost"):
        refused = follow(alice, room, root, automatic=cause, expect=400)
        assert refused["errcode"] == "IO.ELEMENT.MSC4306.M_NOT_IN_THREAD"
    follow(alice, room, root, automatic=7, expect=400)
    follow(alice, room, root, automatic=reply)
    assert followed(alice, room, root) == {"automatic": True}


def test_what_a_user_chose_stays(alice, room):
    root, (reply,) = thread(alice, room)
    follow(alice, room, root, automatic=reply)
    follow(alice, room, root)
    assert followed(alice, room, root) == {"automatic": False}
    follow(alice, room, root, automatic=reply)
    assert followed(alice, room, root) == {"automatic": False}


def test_old_events_do_not_bring_back_who_left(alice, bob, room):
    root, (first, second) = thread(alice, room, replies=2)
    follow(bob, room, root, automatic=first)
    leave_thread(bob, room, root)
    third = relate(alice, room, "m.thread", root)
    for cause in (first, second):
        refused = follow(bob, room, root, automatic=cause, expect=409)
        assert refused["errcode"] == "IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION"
    followed(bob, room, root, expect=404)
    follow(bob, room, root, automatic=third)
    assert followed(bob, room, root) == {"automatic": True}


def test_only_followers_and_those_who_are_mentioned_are_notified(alice, bob, carol, room):
    alice.invite(room, carol.user_id)
    carol.join(room)
    root, _ = thread(alice, room, replies=0)
    follow(bob, room, root)
    before = {user: unread(user, room) for user in (bob, carol)}
    relate(alice, room, "m.thread", root)
    assert unread(bob, room) == before[bob] + 1
    assert unread(carol, room) == before[carol]
    mention = {"user_ids": [carol.user_id]}
    relation = {"rel_type": "m.thread", "event_id": root}
    content = {"msgtype": "m.text", "body": "!", "m.mentions": mention, "m.relates_to": relation}
    alice.send(room, "m.room.message", content)
    assert unread(carol, room) == before[carol] + 1
    leave_thread(bob, room, root)
    relate(alice, room, "m.thread", root)
    assert unread(bob, room) == before[bob] + 2
    alice.send_text(room, "in the main timeline")
    assert unread(carol, room) == before[carol] + 2


def test_threads_that_one_follows_notify_in_muted_rooms(alice, bob, room):
    root, _ = thread(alice, room, replies=0)
    bob.put(RULE, "room", room, body={"actions": []})
    follow(bob, room, root)
    before = unread(bob, room)
    relate(alice, room, "m.thread", root)
    alice.send_text(room, "muted")
    assert unread(bob, room) == before + 1


def test_the_rules_are_switched_off_like_any_other(alice, bob, room):
    root, _ = thread(alice, room, replies=0)
    before = unread(bob, room)
    bob.put(RULE + "/enabled", "postcontent", UNSUBSCRIBED, body={"enabled": False})
    relate(alice, room, "m.thread", root)
    assert unread(bob, room) == before + 1


def test_the_rules_stand_between_content_and_room(alice):
    rules = alice.get("/_matrix/client/v3/pushrules/")["global"]
    assert [rule["rule_id"] for rule in rules["postcontent"]] == [UNSUBSCRIBED, SUBSCRIBED]
    condition = {"kind": "io.element.msc4306.thread_subscription", "subscribed": True}
    assert rules["postcontent"][1]["conditions"] == [condition]
    assert alice.get(RULE, "postcontent", UNSUBSCRIBED)["actions"] == []
    refused = alice.put(RULE, "postcontent", "mine", body={"actions": []}, expect=400)
    assert refused["errcode"] == "M_INVALID_PARAM"


def test_sliding_sync_tells_changes(alice, room):
    root, (reply,) = thread(alice, room)
    sliding = Sliding(alice)
    assert told(sliding) == {}
    follow(alice, room, root, automatic=reply)
    (change,) = told(sliding)["subscribed"][room].values()
    assert change["automatic"] is True
    assert told(sliding) == {}
    assert told(Sliding(alice, conn_id="new"))["subscribed"][room][root] == change
    leave_thread(alice, room, root)
    answer = told(sliding)
    assert "subscribed" not in answer
    assert answer["unsubscribed"][room][root]["bump_stamp"] > change["bump_stamp"]
    assert told(Sliding(alice, conn_id="newer")) == {}


def test_what_does_not_fit_is_paged(alice, room):
    sliding = Sliding(alice)
    assert told(sliding) == {}
    since = sliding.pos
    roots = [thread(alice, room, replies=0)[0] for _ in range(5)]
    for root in roots:
        follow(alice, room, root)
    answer = told(sliding, limit=2)
    assert set(answer["subscribed"][room]) == set(roots[3:])
    query = {"dir": "b", "from": answer["prev_batch"], "to": since, "limit": 2}
    page = alice.get(CHANGES, query=query)
    assert set(page["subscribed"][room]) == set(roots[1:3])
    page = alice.get(CHANGES, query={**query, "from": page["end"]})
    assert set(page["subscribed"][room]) == {roots[0]} and "end" not in page
    assert set(alice.get(CHANGES, query={"dir": "b"})["subscribed"][room]) == set(roots)
    assert alice.get(CHANGES, query={"dir": "b", "to": sliding.pos}) == {}
    for query in ({}, {"dir": "f"}, {"dir": "b", "limit": 0}, {"dir": "b", "from": "x"}):
        alice.get(CHANGES, query=query, expect=400)


def test_the_feature_is_told_and_can_be_off(alice, homeserver):
    assert alice.get("/_matrix/client/versions")["unstable_features"]["org.matrix.msc4306"]
    without = Client(homeserver.base_url).register()
    assert "org.matrix.msc4306" not in without.get("/_matrix/client/versions")["unstable_features"]
    assert "postcontent" not in without.get("/_matrix/client/v3/pushrules/")["global"]
    without.get(RULE, "postcontent", UNSUBSCRIBED, expect=404)
    room = without.create_room()
    root, _ = thread(without, room)
    assert follow(without, room, root, expect=404)["errcode"] == "M_UNRECOGNIZED"
