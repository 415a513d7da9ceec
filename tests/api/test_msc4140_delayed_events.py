"""Spec: MSC4140, delayed events, under the names that clients use."""

from client import CLIENT, Client, event_ids, joined_room, unique, wait_until
from invariants import connect

EVENTS = "/_matrix/client/unstable/org.matrix.msc4140/delayed_events"
SEND = f"{CLIENT}/rooms/{{}}/send/m.test/{{}}"
STATE = f"{CLIENT}/rooms/{{}}/state/m.test/{{}}"


def delay(client, path, *values, ms=60000, body=None, **options):
    query = {"org.matrix.msc4140.delay": ms}
    return client.put(path, *values, body=body or {"late": True}, query=query, **options)


def act(client, delay_id, action, **options):
    return client.post(f"{EVENTS}/{{}}/{{}}", delay_id, action, **options)


def waiting(client):
    return [event["delay_id"] for event in client.get(EVENTS)["delayed_events"]]


def come_due(server, *delay_ids):
    """A day passes for them."""
    with connect(server) as database:
        day_ms = 24 * 60 * 60 * 1000
        database.execute("UPDATE delayed_events SET due_ts = due_ts - %s WHERE delay_id = ANY(%s)", [day_ms, list(delay_ids)])


def test_delayed_events_are_sent_in_the_order_of_their_times(homeserver, alice, room):
    alice.sync()
    minutes = (50, 10, 30)
    ids = [delay(alice, SEND, room, unique("t"), ms=m * 60000, body={"m": m})["delay_id"] for m in minutes]
    assert waiting(alice) == [ids[1], ids[2], ids[0]]
    come_due(homeserver, *ids)
    seen = []

    def arrived(answer):
        if event_ids(answer, room):
            seen.extend(e["content"]["m"] for e in joined_room(answer, room)["timeline"]["events"])
        return len(seen) == 3

    alice.sync_until(arrived)
    assert seen == [10, 30, 50]
    wait_until(lambda: waiting(alice) == [])  # an event is seen before it is noted as sent


def test_a_repeated_transaction_gives_the_same_delay(alice, room):
    first = delay(alice, SEND, room, "same")["delay_id"]
    again = alice.call("PUT", SEND, room, "same", query={"org.matrix.msc4140.delay": 60000})
    assert again == {"delay_id": first} and waiting(alice) == [first]
    assert delay(alice.second_device(), SEND, room, "same")["delay_id"] != first


def test_a_message_without_a_body_is_no_message(alice, room):
    assert alice.call("PUT", SEND, room, unique("t"), expect=400)["errcode"] == "M_NOT_JSON"


def test_state_is_sent_on_request_by_whoever_knows_the_id(alice, anonymous, room):
    delay_id = delay(alice, STATE, room, "key", body={"set": "later"})["delay_id"]
    alice.get(STATE, room, "key", expect=404)
    [listed] = alice.get(EVENTS)["delayed_events"]
    assert listed["state_key"] == "key" and listed["content"] == {"set": "later"}
    assert listed["delay"] == listed["delay_ms"] == 60000 and listed["room_id"] == room
    assert alice.get(f"{EVENTS}/{{}}", delay_id) == listed
    act(anonymous, delay_id, "send")
    assert alice.get(STATE, room, "key") == {"set": "later"}
    assert act(anonymous, delay_id, "send", expect=404)["errcode"] == "M_NOT_FOUND"


def test_a_cancelled_event_is_never_sent(homeserver, alice, anonymous, room):
    delay_id = delay(alice, STATE, room, "never")["delay_id"]
    act(anonymous, delay_id, "cancel")
    assert waiting(alice) == []
    marker = delay(alice, STATE, room, "after")["delay_id"]
    come_due(homeserver, delay_id, marker)
    wait_until(lambda: marker not in waiting(alice))
    alice.get(STATE, room, "never", expect=404)
    for action in ("cancel", "restart", "send"):
        assert act(anonymous, delay_id, action, expect=404)["errcode"] == "M_NOT_FOUND"


def test_restarting_begins_the_delay_again(alice, anonymous, room):
    delay_id = delay(alice, STATE, room, "key")["delay_id"]
    [before] = alice.get(EVENTS)["delayed_events"]
    anonymous.post(f"{EVENTS}/{{}}", delay_id, body={"action": "restart"})
    [after] = alice.get(EVENTS)["delayed_events"]
    assert after["running_since"] > before["running_since"]


def test_bad_requests_are_refused(alice, bob, anonymous, room):
    too_long = delay(alice, SEND, room, unique("t"), ms=10**10, expect=400)
    assert too_long["errcode"] == "M_UNKNOWN"
    assert too_long["org.matrix.msc4140.errcode"] == "M_MAX_DELAY_EXCEEDED"
    assert too_long["org.matrix.msc4140.max_delay"] == 24 * 60 * 60 * 1000
    for ms in (0, -1, "soon"):
        assert delay(alice, SEND, room, unique("t"), ms=ms, expect=400)["errcode"] == "M_INVALID_PARAM"
    member = f"{CLIENT}/rooms/{{}}/state/m.room.member/{{}}"
    assert delay(alice, member, room, alice.user_id, expect=403)["errcode"] == "M_FORBIDDEN"
    delay_id = delay(alice, SEND, room, unique("t"))["delay_id"]
    bob.get(f"{EVENTS}/{{}}", delay_id, expect=404)
    assert waiting(bob) == []
    anonymous.get(EVENTS, expect=401)
    act(anonymous, delay_id, "explode", expect=404)
    anonymous.post(f"{EVENTS}/{{}}", delay_id, expect=400)
    capability = alice.get(f"{CLIENT}/capabilities")["capabilities"]["org.matrix.msc4140.delayed_events"]
    assert capability == {"max_delay_ms": 24 * 60 * 60 * 1000, "max_scheduled": 100}


def test_what_the_room_refuses_is_not_tried_for_ever(alice, bob, room):
    delay(bob, STATE, room, "forbidden", ms=100)
    delay_id = delay(bob, STATE, room, "forbidden too")["delay_id"]
    assert act(bob, delay_id, "send", expect=403)["errcode"] == "M_FORBIDDEN"
    wait_until(lambda: waiting(bob) == [delay_id])
    alice.get(STATE, room, "forbidden", expect=404)


def test_delayed_events_outlive_the_server(private_server):
    alice = Client(private_server.base_url).register("alice")
    room = alice.create_room()
    alice.sync()
    delay_id = delay(alice, STATE, room, "due", ms=300)["delay_id"]
    later = delay(alice, SEND, room, unique("t"))["delay_id"]
    private_server.kill()
    private_server.start()
    wait_until(lambda: delay_id not in waiting(alice))
    assert waiting(alice) == [later]
    assert alice.get(STATE, room, "due") == {"late": True}
    events = [e for e in alice.all_messages(room) if e["type"] == "m.test"]
    assert len(events) == 1
