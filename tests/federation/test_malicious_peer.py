"""A peer that lies, floods and breaks the rules: nothing of it gets in, and others do not suffer. Here: transport (F).

The names are those of the design (security.md), as in the other files of this name. After each case a good peer still
federates.
"""

import time

import pytest
from client import joined_room
from peer import FEDERATION, Key, Peer, canonical, quote, unpadded

pytestmark = pytest.mark.usefixtures("others_do_not_suffer")


def test_f_01_unsigned_requests_are_refused(server, peer, room_id):
    answer = peer.request(server, "PUT", f"{FEDERATION}/v1/send/1", {"pdus": []}, header="Bearer x")
    assert (answer.status_code, answer.json()["errcode"]) == (401, "M_UNAUTHORIZED")


@pytest.mark.parametrize(
    "change",
    [{"sig": "AAAA"}, {"destination": "elsewhere.example"}, {"origin": "other.example"}, {"key": "ed25519:none"}],
    ids=["signature", "destination", "origin", "key"],
)
def test_f_03_false_headers_are_refused(server, peer, room_id, change):
    path = f"{FEDERATION}/v1/publicRooms"
    header = peer.authorization("GET", path, server.server_name, **change)
    answer = peer.request(server, "GET", path, header=header)
    assert (answer.status_code, answer.json()["errcode"]) == (401, "M_UNAUTHORIZED")


def test_f_05_a_dead_key_server_is_no_delay_for_others(server, peer, authority, room_id):
    dead = Peer(authority)
    dead.close()
    began = time.monotonic()
    answer = dead.request(server, "GET", f"{FEDERATION}/v1/publicRooms")
    assert answer.status_code == 401
    assert time.monotonic() - began < 15


def test_f_07_the_signed_target_is_the_raw_one(server, peer, room_id):
    path = f"{FEDERATION}/v1/query/profile"
    query = "user_id=%40nobody%3A" + quote(server.server_name, safe="")
    assert peer.request(server, "GET", path, query=query).status_code == 404


def test_servers_that_are_not_in_a_room_read_nothing(server, alice, peer, good_peer, room_id):
    event_id = alice.send_text(room_id, "private")
    for path, query in [
        (f"/v1/event/{quote(event_id)}", ""),
        (f"/v1/state/{quote(room_id, safe='')}", f"event_id={quote(event_id)}"),
        (f"/v1/state_ids/{quote(room_id, safe='')}", f"event_id={quote(event_id)}"),
        (f"/v1/backfill/{quote(room_id, safe='')}", f"limit=10&v={quote(event_id)}"),
        (f"/v1/event_auth/{quote(room_id, safe='')}/{quote(event_id)}", ""),
    ]:
        good_peer.request(server, "GET", FEDERATION + path, query=query, expect=403)


def test_the_access_control_list_shuts_a_server_out(server, alice, peer, room, room_id):
    alice.set_state(room_id, "m.room.server_acl", {"allow": ["*"], "deny": ["127.0.0.2"], "allow_ip_literals": False})
    event = room.event("m.room.message", {"body": "denied"}, learn=False)
    answer = peer.send(server, [event])
    assert "error" in answer["pdus"][room.id_of(event)]
    event_id = alice.send_text(room_id, "not for you")
    peer.request(server, "GET", f"{FEDERATION}/v1/event/{quote(event_id)}", expect=403)
    peer.make(server, "join", room_id, peer.user("eve"), expect=403)
    alice.set_state(room_id, "m.room.server_acl", {"allow": ["*"], "allow_ip_literals": True})


def test_events_of_one_room_are_not_read_through_another(server, alice, peer, room, room_id):
    secret = alice.create_room(preset="private_chat")
    event_id = alice.send_text(secret, "secret")
    here = quote(room_id, safe="")
    peer.request(server, "GET", f"{FEDERATION}/v1/event_auth/{here}/{quote(event_id)}", expect=404)
    peer.request(server, "GET", f"{FEDERATION}/v1/state/{here}", query=f"event_id={quote(event_id)}", expect=404)
    pages = peer.get(server, f"{FEDERATION}/v1/backfill/{here}", f"limit=5&v={quote(event_id)}")
    assert pages["pdus"] == []


@pytest.mark.parametrize("body", [{}, {"pdus": {}}, {"pdus": [], "edus": 1}, {"pdus": [{}] * 51}], ids=str)
def test_transactions_of_the_wrong_shape(server, peer, room_id, body):
    answer = peer.request(server, "PUT", f"{FEDERATION}/v1/send/{time.time_ns()}", body)
    assert (answer.status_code, answer.json()["errcode"]) == (400, "M_BAD_JSON")


def test_helpers_agree_with_themselves():
    """The rig's own signatures verify: a rig that signs wrongly would pass every refusal."""
    key = Key()
    signature = key.signature({"b": 1, "a": "é"})
    assert unpadded(key.signing.sign(canonical({"a": "é", "b": 1})).signature) == signature
    assert joined_room({}, "!x") == {}
