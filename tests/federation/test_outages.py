"""One side is stopped while the other goes on, and started again: both have the same events and the same state.

Ours and Synapse; 40 events in each outage by default, 5,000 with --full.
"""

import time

import pytest
from client import Client
from conftest import federating_server
from federating_synapse import FederatingSynapse
from two_sides import join_through, sees, sees_member

EVENTS, EVENTS_FULL = 40, 5000
STATE_EVERY = 10  # one of so many events is a topic


@pytest.fixture
def servers(authority):
    """Of this file alone: they are stopped."""
    servers = [federating_server(authority).start(), FederatingSynapse(authority).prepare().start()]
    yield servers
    try:
        for server in servers:
            server.shut_down_and_check()
    finally:
        for server in servers:
            server.remove()


def speak(client, room_id, count):
    sent = []
    for number in range(count):
        if number % STATE_EVERY == STATE_EVERY - 1:
            sent.append(client.set_state(room_id, "m.room.topic", {"topic": f"topic {number}"}))
        else:
            sent.append(client.send_text(room_id, f"message {number}"))
    return sent


def timeline_ids(client, room_id):
    """From the end: there Synapse fetches what it lacks in between."""
    return [event["event_id"] for event in client.all_messages(room_id, "b")][::-1]


def state_of(client, room_id):
    return {
        (e["type"], e["state_key"]): e["event_id"] for e in client.get("/_matrix/client/v3/rooms/{}/state", room_id)
    }


def wait_until(holds, seconds, what):
    give_up = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < give_up, f"{what} took more than {seconds} s"
        time.sleep(0.5)


@pytest.mark.timeout(3600)
def test_both_sides_converge_after_an_outage_of_either(servers, full):
    count = EVENTS_FULL if full else EVENTS
    ours, theirs = servers
    alice, bob = Client(ours.base_url).register("alice"), Client(theirs.base_url).register("bob")
    room_id = alice.create_room(
        preset="public_chat", room_version="11", power_level_content_override={"users": {
            alice.user_id: 100, f"{bob.user_id}": 50,
        }},
    )  # fmt: skip
    alice.sync()
    join_through(bob, room_id, ours)
    sees_member(alice, room_id, bob.user_id, "join")
    bob.sync()
    sent = []
    for speaker, listener, stopped in ((alice, bob, theirs), (bob, alice, ours)):
        assert stopped.stop() is not None
        sent += speak(speaker, room_id, count)
        stopped.start()
        began = time.monotonic()
        last = sent[-1]
        wait_until(
            lambda: listener.raw("GET", f"/_matrix/client/v3/rooms/{room_id}/event/{last}").status_code == 200,
            1500 if full else 300, "the last event",
        )  # fmt: skip
        wait_until(lambda: set(sent) <= set(timeline_ids(listener, room_id)), 1500 if full else 300, "all events")
        print(f"{stopped.server_name}: {count} events caught up in {time.monotonic() - began:.1f} s")
        assert state_of(alice, room_id) == state_of(bob, room_id)
        # And back, upon all that was missed.
        sent.append(listener.send_text(room_id, "here again"))
        sees(speaker, room_id, sent[-1])
    assert set(sent) <= set(timeline_ids(alice, room_id)) and set(sent) <= set(timeline_ids(bob, room_id))
    assert [i for i in timeline_ids(alice, room_id) if i in set(sent)] == sent
