"""Invites to addresses over servers: the identity server tells the homeserver of whoever has the address now, and
that one has the promise in the room made an invite (third_party_invite.yaml)."""

import json

import httpx
import pytest
from client import CLIENT, Client
from conftest import federating_server
from homeserver import free_port, running
from identity_server import ADDRESS, TOKEN, IdentityServer, unpadded
from malice import federates_with_a_good_peer
from peer import FEDERATION, quote
from recorder import Recorder, make_certificate
from two_sides import sees_member

INVITE = f"{CLIENT}/rooms/{{}}/invite"
ON_BIND = f"{FEDERATION}/v1/3pid/onbind"


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def identity_port():
    return free_port()


@pytest.fixture(scope="module")
def settings(tls, identity_port):
    return {"identity_servers": [f"127.0.0.1:{identity_port}"], "outgoing": {"ca_file": str(tls)}}


@pytest.fixture(scope="module")
def server(authority, settings):
    with running(federating_server(authority, **settings)) as server:
        yield server


@pytest.fixture(scope="module")
def other_server(authority, settings):
    with running(federating_server(authority, **settings)) as server:
        yield server


@pytest.fixture
def identity(tls, identity_port, tmp_path):
    with Recorder(tmp_path, identity_port, tls=tls) as recorder:
        yield IdentityServer(recorder)


@pytest.fixture
def room_id(alice, identity):
    """A room of alice with a promise for the address."""
    room_id = alice.create_room(room_version="11")
    alice.post(INVITE, room_id, body=identity.invite())
    return room_id


def on_bind(server, user_id, invites, expect=200):
    """What the identity server sends; nothing of it is signed."""
    body = {"medium": "email", "address": ADDRESS, "mxid": user_id, "invites": invites}
    answer = httpx.put(server.base_url + ON_BIND, json=body, timeout=60)
    assert answer.status_code == expect, answer.text
    return answer.json()


def waiting(identity, room_id, sender, mxid, **changes):
    signed = identity.proof(sender, mxid)
    del signed["sender"]
    invite = {"medium": "email", "address": ADDRESS, "mxid": mxid, "room_id": room_id, "sender": sender}
    return {**invite, "signed": signed, **changes}


def is_invited(client, room_id):
    return room_id in client.sync().get("rooms", {}).get("invite", {})


def test_who_binds_the_address_on_another_server_is_invited(other_server, alice, bob, identity, room_id):
    invites = [waiting(identity, room_id, alice.user_id, bob.user_id)]
    assert on_bind(other_server, bob.user_id, invites) == {}
    bob.sync_until(lambda answer: room_id in answer.get("rooms", {}).get("invite", {}))
    member = alice.state(room_id, "m.room.member", bob.user_id)
    assert member["membership"] == "invite"
    assert member["third_party_invite"]["signed"]["token"] == TOKEN
    assert member["third_party_invite"]["display_name"] == "z...@e..."
    bob.join(room_id)
    sees_member(alice, room_id, bob.user_id, "join")
    on_bind(other_server, bob.user_id, invites)  # again: a member stays a member
    assert alice.state(room_id, "m.room.member", bob.user_id)["membership"] == "join"


def test_who_binds_the_address_on_the_server_of_the_room_is_invited(server, alice, identity, room_id):
    zoe = Client(server.base_url).register("zoe")
    on_bind(server, zoe.user_id, [waiting(identity, room_id, alice.user_id, zoe.user_id)])
    assert is_invited(zoe, room_id)


def test_invites_that_do_not_hold_are_passed_over_and_call_nobody(
    other_server, alice, bob, identity, room_id, peer
):
    good = waiting(identity, room_id, alice.user_id, bob.user_id)
    forged = {**good["signed"], "signatures": {identity.name: {"ed25519:0": unpadded(bytes(64))}}}
    by_another = {**good["signed"], "signatures": {"id.example": good["signed"]["signatures"][identity.name]}}
    bad = [
        {**good, "signed": forged},
        {**good, "signed": by_another},
        {**good, "signed": forged, "sender": peer.user("x")},
        {**good, "room_id": "no room"},
        {**good, "sender": 7},
        waiting(identity, room_id, alice.user_id, alice.user_id),
        {**good, "sender": other_server_user(bob)},
        {},
        None,
    ]
    on_bind(other_server, bob.user_id, bad)
    assert peer.requests == []
    assert not is_invited(bob, room_id)
    on_bind(other_server, bob.user_id, [*bad, good])
    assert is_invited(bob, room_id)


def other_server_user(bob):
    """Somebody of that server who promised nothing."""
    return "@nobody:" + bob.user_id.split(":", 1)[1]


def test_sydent_posts_and_tells_of_addresses_that_nobody_invited(server, alice):
    body = {"medium": "email", "address": ADDRESS, "mxid": alice.user_id}
    for method in ("POST", "PUT"):
        assert httpx.request(method, server.base_url + ON_BIND, json=body, timeout=60).json() == {}
        refused = httpx.request(method, server.base_url + ON_BIND, json={**body, "invites": 7}, timeout=60)
        assert refused.json()["errcode"] == "M_BAD_JSON"


def test_notices_about_others_are_refused(other_server, alice, bob, identity, room_id):
    invite = waiting(identity, room_id, alice.user_id, bob.user_id)
    assert on_bind(other_server, alice.user_id, [invite], expect=403)["errcode"] == "M_FORBIDDEN"
    assert on_bind(other_server, "@no:" + bob.user_id.split(":", 1)[1], [invite], 404)["errcode"] == "M_NOT_FOUND"
    assert on_bind(other_server, 7, [invite], expect=400)["errcode"] == "M_BAD_JSON"
    assert on_bind(other_server, bob.user_id, "none", expect=400)["errcode"] == "M_BAD_JSON"
    assert on_bind(other_server, bob.user_id, [invite] * 101, expect=413)["errcode"] == "M_TOO_LARGE"
    assert not is_invited(bob, room_id)


# ── What a peer may ask for ──


@pytest.fixture
def zoe(peer):
    """A user of the peer, whose server signs the invites that it gets."""
    peer.answers[f"{FEDERATION}/v2/invite/"] = lambda _method, _path, _query, body: (
        200,
        {"event": peer.seal(body["event"], body["room_version"])},
    )
    return peer.user("zoe")


def exchange(server, peer, room_id, expect, event):
    path = f"{FEDERATION}/v1/exchange_third_party_invite/{quote(room_id)}"
    return peer.request(server, "PUT", path, event, expect=expect)


def partial(identity, room_id, sender, mxid, **changes):
    signed = identity.proof(sender, mxid)
    del signed["sender"]
    claim = {"display_name": "z", "signed": signed}
    return {
        "type": "m.room.member", "room_id": room_id, "sender": sender, "state_key": mxid,
        "content": {"membership": "invite", "third_party_invite": claim}, **changes,
    }  # fmt: skip


def test_a_peer_exchanges_the_promise_for_an_invite(server, alice, identity, room_id, peer, zoe):
    exchange(server, peer, room_id, 200, partial(identity, room_id, alice.user_id, zoe))
    member = alice.state(room_id, "m.room.member", zoe)
    assert member["membership"] == "invite" and member["third_party_invite"]["display_name"] == "z"
    (invite,) = [path for method, path in peer.requests if "/v2/invite/" in path]
    assert quote(room_id) in invite


def test_m_09_forged_exchanges_are_refused(server, alice, identity, room_id, peer, good_peer, zoe):
    good = partial(identity, room_id, alice.user_id, zoe)
    claim = good["content"]["third_party_invite"]
    forged = {**claim["signed"], "signatures": {identity.name: {"ed25519:0": unpadded(bytes(64))}}}
    other_token = {**claim["signed"], "token": "another"}
    elsewhere = alice.create_room()
    mallory = Client(server.base_url).register("mallory")

    def with_signed(signed):
        return {**good, "content": {**good["content"], "third_party_invite": {**claim, "signed": signed}}}

    exchange(server, peer, room_id, 403, with_signed(forged))
    exchange(server, peer, room_id, 403, with_signed(other_token))
    exchange(server, peer, room_id, 403, {**good, "state_key": peer.user("other")})
    exchange(server, peer, room_id, 403, {**good, "sender": mallory.user_id})
    exchange(server, peer, room_id, 403, {**good, "sender": peer.user("x")})
    exchange(server, peer, elsewhere, 403, good)
    exchange(server, peer, room_id, 403, {**good, "room_id": elsewhere})
    exchange(server, good_peer, room_id, 403, good)
    exchange(server, peer, room_id, 400, {**good, "type": "m.room.topic"})
    exchange(server, peer, room_id, 400, {**good, "content": {**good["content"], "membership": "join"}})
    exchange(server, peer, room_id, 400, {**good, "content": 1})
    exchange(server, peer, room_id, 400, with_signed([]))
    identity.key_is_valid(False)
    exchange(server, peer, room_id, 403, good)
    identity.key_is_valid(True)
    assert not [path for method, path in peer.requests if "/invite/" in path]
    alice.state(room_id, "m.room.member", zoe, expect=404)
    exchange(server, peer, room_id, 200, good)


def keys_asked_for(identity):
    return identity.recorder.requests("/_matrix/identity/v2/pubkey/ed25519")


@pytest.mark.timeout(3600)  # with --full
def test_m_09_thousands_of_forged_invites_come_to_nothing(server, alice, identity, room_id, peer, good_peer, zoe, full):
    """All at once is too much; a hundred at a time, and one by one from another server, are judged one by one."""
    number = 10000 if full else 200
    before = server.resident_bytes()
    yves = Client(server.base_url).register("yves")
    forged = waiting(identity, room_id, alice.user_id, yves.user_id)
    forged["signed"]["signatures"] = {identity.name: {"ed25519:0": unpadded(bytes(64))}}
    assert on_bind(server, yves.user_id, [forged] * number, expect=413)["errcode"] == "M_TOO_LARGE"
    for _ in range(number // 100):
        assert on_bind(server, yves.user_id, [forged] * 100) == {}
    assert len(keys_asked_for(identity)) == number // 100  # the key once a request, not once an invite
    many = [json.loads(json.dumps(forged).replace("ed25519:0", f"ed25519:{key}")) for key in range(1, 101)]
    assert on_bind(server, yves.user_id, many) == {}
    assert len(keys_asked_for(identity)) <= number // 100 + 8
    good = partial(identity, room_id, alice.user_id, zoe)
    bad = json.loads(json.dumps(good))
    bad["content"]["third_party_invite"]["signed"]["signatures"] = forged["signed"]["signatures"]
    for _ in range(number):
        exchange(server, peer, room_id, 403, bad)
    assert not [path for _, path in peer.requests if "/invite/" in path]
    assert not is_invited(yves, room_id)
    assert server.resident_bytes() - before < 96 << 20
    exchange(server, peer, room_id, 200, good)
    federates_with_a_good_peer(server, alice, alice.create_room(preset="public_chat", room_version="11"), good_peer)


def test_a_server_that_the_room_shuts_out_exchanges_nothing(server, alice, identity, room_id, peer, zoe):
    alice.set_state(room_id, "m.room.server_acl", {"allow": ["*"], "deny": ["127.0.0.1"]})
    exchange(server, peer, room_id, 403, partial(identity, room_id, alice.user_id, zoe))
