"""Keys of servers that are down, told by a notary that knew them: ours asks, and answers, and Synapse does both too."""

import time

import pytest
from client import Client
from conftest import federating_server
from federating_synapse import FederatingSynapse
from homeserver import running
from two_sides import join_through, sees

QUERY = "/_matrix/key/v2/query"
HOUR_MS = 3600 * 1000


class TrustingSynapse(FederatingSynapse):
    """Asks one notary and believes it."""

    notary = None

    def settings(self):
        trusted = [{"server_name": self.notary.server_name}]
        return {**super().settings(), "trusted_key_servers": trusted, "accept_keys_insecurely": True}


def hear_of_a_server_that_is_gone(joining, notary, host, peer):
    """Somebody of a peer speaks in a room; then the peer is gone, and a user of another server joins and reads."""
    room_id = host.create_room(preset="public_chat", room_version="11")
    room = peer.join(notary, room_id, "mia")
    event = room.event("m.room.message", {"msgtype": "m.text", "body": "before I go"})
    peer.send(notary, [event])
    sees(host, room_id, room.id_of(event))
    peer.close()
    carol = Client(joining.base_url).register("carol")
    join_through(carol, room_id, notary)
    assert peer.user("mia") in carol.get("/_matrix/client/v3/rooms/{}/joined_members", room_id)["joined"]
    assert room.id_of(event) in [e["event_id"] for e in carol.all_messages(room_id, "b")]


def test_ours_asks_a_notary_for_the_keys_of_a_server_that_is_gone(authority, other_server, bob, peer):
    ours = federating_server(authority, federation={"notaries": [other_server.server_name]})
    with running(ours):
        hear_of_a_server_that_is_gone(ours, other_server, bob, peer)


def test_synapse_asks_ours(authority, server, alice, peer):
    theirs = TrustingSynapse(authority)
    theirs.notary = server
    with running(theirs.prepare()):
        hear_of_a_server_that_is_gone(theirs, server, alice, peer)


def asked_by_name(server, peer, name, **query):
    text = "&".join(f"{key}={value}" for key, value in query.items())
    return peer.request(server, "GET", f"{QUERY}/{name}", query=text, expect=200).json()["server_keys"]


def asked_for(server, peer, *names, **criteria):
    body = {"server_keys": {name: {"ed25519:test": criteria} if criteria else {} for name in names}}
    return peer.request(server, "POST", QUERY, body, expect=200).json()["server_keys"]


def times_asked(peer):
    return sum(path == "/_matrix/key/v2/server" for _, path in peer.requests)


def test_documents_of_others_are_signed_by_both(server, alice, peer, good_peer):
    peer.join(server, alice.create_room(preset="public_chat"), "mia")
    asked = times_asked(peer)
    for document in asked_by_name(server, good_peer, peer.name) + asked_for(server, good_peer, peer.name):
        assert document["server_name"] == peer.name
        assert document["verify_keys"] == peer.key_document()["verify_keys"]
        assert set(document["signatures"]) == {peer.name, server.server_name}
    found = asked_for(server, good_peer, peer.name, server.server_name)
    assert {document["server_name"] for document in found} == {peer.name, server.server_name}
    assert times_asked(peer) == asked


@pytest.mark.parametrize("wish", [None, -1, "soon", [], {"minimum_valid_until_ts": "soon"}])
def test_odd_wishes_are_answered_as_none(server, alice, peer, wish):
    peer.join(server, alice.create_room(preset="public_chat"), "mia")
    body = {"server_keys": {peer.name: {"ed25519:test": wish}}}
    answer = peer.request(server, "POST", QUERY, body, expect=200).json()
    assert [document["server_name"] for document in answer["server_keys"]] == [peer.name]


def test_a_document_is_not_fetched_again_at_once_whatever_is_wished_for(server, alice, peer):
    peer.join(server, alice.create_room(preset="public_chat"), "mia")
    asked = times_asked(peer)
    far = int(time.time() * 1000) + 9000 * HOUR_MS
    assert len(asked_for(server, peer, peer.name, minimum_valid_until_ts=far)) == 1
    assert times_asked(peer) == asked
