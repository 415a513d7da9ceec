"""Presence (presence.yaml)."""

from concurrent.futures import ThreadPoolExecutor

from client import CLIENT, Client

STATUS = f"{CLIENT}/presence/{{}}/status"


def presence_of(answer, user_id):
    events = answer.get("presence", {}).get("events", [])
    return [event["content"] for event in events if event["sender"] == user_id]


def test_presence_is_set_and_read(alice):
    assert "presence" in alice.get(STATUS, alice.user_id)
    alice.put(STATUS, alice.user_id, body={"presence": "online", "status_msg": "here"})
    status = alice.get(STATUS, alice.user_id)
    assert status["presence"] == "online" and status["status_msg"] == "here"
    assert status["last_active_ago"] >= 0
    alice.put(STATUS, alice.user_id, body={"presence": "unavailable"})
    status = alice.get(STATUS, alice.user_id)
    assert status["presence"] == "unavailable" and "status_msg" not in status


def test_presence_is_for_those_who_share_a_room(alice, bob, carol, room):
    alice.put(STATUS, alice.user_id, body={"presence": "online"})
    assert bob.get(STATUS, alice.user_id)["presence"] == "online"
    assert carol.get(STATUS, alice.user_id, expect=403)["errcode"] == "M_FORBIDDEN"
    carol.get(STATUS, "@nobody-at-all:example.org", expect=403)


def test_nobody_sets_the_presence_of_others(alice, bob):
    bob.put(STATUS, alice.user_id, body={"presence": "online"}, expect=403)


def test_malformed_presence_is_refused(alice):
    for body in ({}, {"presence": 7}, {"presence": "asleep"}, {"presence": "online", "status_msg": "x" * 2000}):
        alice.put(STATUS, alice.user_id, body=body, expect=400)


def test_presence_arrives_by_sync(alice, bob, room):
    bob.sync()
    alice.put(STATUS, alice.user_id, body={"presence": "online", "status_msg": "news"})
    bob.sync_until(
        lambda answer: any(status.get("status_msg") == "news" for status in presence_of(answer, alice.user_id))
    )


def test_presence_is_set_by_sync(alice, bob, room):
    bob.sync()
    alice.sync(set_presence="unavailable")
    bob.sync_until(
        lambda answer: any(status["presence"] == "unavailable" for status in presence_of(answer, alice.user_id))
    )


def test_what_is_set_while_a_sync_waits_stays(alice, bob, room):
    since = alice.sync(set_presence="unavailable")["next_batch"]
    query = {"since": since, "timeout": 60000, "filter": '{"presence":{"not_types":["*"]}}'}
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(Client(alice.base_url, alice.token).get, f"{CLIENT}/sync", query=query)
        while bob.get(STATUS, alice.user_id)["presence"] != "online":
            assert not waiting.done()
        alice.put(STATUS, alice.user_id, body={"presence": "unavailable"})
        assert not waiting.done()
        bob.send_text(room, "wakes it")
        waiting.result()
    assert bob.get(STATUS, alice.user_id)["presence"] == "unavailable"


def test_presence_arrives_with_a_new_room_or_a_new_member(alice, bob):
    alice.put(STATUS, alice.user_id, body={"presence": "online"})
    bob.put(STATUS, bob.user_id, body={"presence": "online"})
    room_id = alice.create_room(preset="public_chat")
    alice.sync()
    bob.sync()
    bob.join(room_id)
    assert bob.sync_until(lambda answer: presence_of(answer, alice.user_id))
    assert alice.sync_until(lambda answer: presence_of(answer, bob.user_id))
    # Nobody is told of themselves.
    alice.since = None
    assert not presence_of(alice.sync(), alice.user_id)
