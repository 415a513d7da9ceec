"""What one server, or one address, gets too much of (FK-07, X-07), and what a server still knows after it died (F-09).
On servers of their own: those of the other tests have no limits."""

import pytest
from client import Client, event_ids
from conftest import federating_server
from homeserver import running
from malice import federates_with_a_good_peer
from peer import FEDERATION, PeerRoom, quote

BURST = 12
SELDOM = {"per_second": 0.01, "burst": BURST}  # a test takes less time than until the next one


@pytest.fixture(scope="module")
def server(authority):
    limits = {"enabled": True, "federation": SELDOM, "registration": {"per_second": 100, "burst": 100}}
    with running(federating_server(authority, rate_limits=limits)) as server:
        yield server


def is_limited(answer):
    if answer.status_code != 429:
        return False
    assert answer.json()["errcode"] == "M_LIMIT_EXCEEDED" and answer.json()["retry_after_ms"] > 0
    assert int(answer.headers["Retry-After"]) > 0
    return True


def test_fk_07_a_notary_does_not_answer_one_address_for_ever(server, alice, peer, good_peer):
    """Both ways of asking count together; servers that sign what they ask for are not that address."""
    body = {"server_keys": {server.server_name: {}}}
    for number in range(BURST):
        if number % 2:
            peer.request(server, "POST", "/_matrix/key/v2/query", body, expect=200)
        else:
            peer.request(server, "GET", f"/_matrix/key/v2/query/{quote(server.server_name)}", expect=200)
    assert is_limited(peer.request(server, "POST", "/_matrix/key/v2/query", body))
    assert is_limited(peer.request(server, "GET", "/_matrix/key/v2/query/a.example"))
    assert peer.request(server, "GET", "/_matrix/key/v2/server").status_code == 200
    federates_with_a_good_peer(server, alice, alice.create_room(preset="public_chat", room_version="11"), good_peer)


def test_x_07_a_server_that_invites_without_end_is_stopped_alone(server, alice, peer, good_peer):
    def invite(number):
        room = PeerRoom(peer, f"!flood{number}:{peer.name}", "11", peer.user("mallory"))
        event = room.event("m.room.member", {"membership": "invite"}, alice.user_id, learn=False)
        path = f"{FEDERATION}/v2/invite/{quote(room.room_id)}/{quote(room.id_of(event))}"
        return peer.request(server, "PUT", path, {"room_version": "11", "event": event, "invite_room_state": []})

    for number in range(BURST):
        assert invite(number).status_code == 200
    assert is_limited(invite(BURST))
    assert len(alice.sync()["rooms"]["invite"]) == BURST
    federates_with_a_good_peer(server, alice, alice.create_room(preset="public_chat", room_version="11"), good_peer)


def test_f_09_a_transaction_counts_once_after_a_crash_too(authority, peer, good_peer):
    """Same ID, same answer, whatever is in it now: killed and started again in between."""
    with running(federating_server(authority)) as server:
        alice = Client(server.base_url).register("alice")
        room_id = alice.create_room(preset="public_chat", room_version="11")
        room = peer.join(server, room_id, "mallory")
        alice.sync()
        event = room.event("m.room.message", {"body": "once"})
        first = peer.send(server, [event, 5, {}], txn_id="same")
        server.kill()
        server.start()
        other = room.event("m.room.message", {"body": "never taken"}, learn=False)
        assert peer.send(server, [other], txn_id="same") == first
        assert peer.send(server, [event], txn_id="another") == {"pdus": {room.id_of(event): {}}}
        alice.sync_until(lambda answer: room.id_of(event) in event_ids(answer, room_id))
        federates_with_a_good_peer(server, alice, room_id, good_peer)
        told = [e["event_id"] for e in alice.all_messages(room_id)]
        assert told.count(room.id_of(event)) == 1 and room.id_of(other) not in told
