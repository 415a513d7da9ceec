"""Addresses on identity servers: binding them, and inviting who has them (third_party_membership.yaml,
administrative_contact.yaml). The identity server is a recorder that answers as the specification says."""

import pytest
from client import CLIENT, PASSWORD, Client
from homeserver import Beffroi, free_port
from identity_server import ADDRESS, API, PEPPER, TOKEN, IdentityServer, unpadded
from recorder import Recorder, make_certificate

INVITE, BIND = f"{CLIENT}/rooms/{{}}/invite", f"{CLIENT}/account/3pid/bind"

pytestmark = pytest.mark.own_server


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def place(tls, tmp_path_factory):
    """A server that trusts one identity server, and the address of that."""
    port = free_port()
    settings = {"identity_servers": [f"127.0.0.1:{port}"], "outgoing": {"ca_file": str(tls)}}
    server = Beffroi(**settings).prepare()
    try:
        server.start()
        yield Client(server.base_url), port
        server.shut_down_and_check()
    finally:
        server.remove()


@pytest.fixture
def identity(place, tls, tmp_path):
    with Recorder(tmp_path, place[1], tls=tls) as recorder:
        yield IdentityServer(recorder)


@pytest.fixture
def alice(place):
    return place[0].register("alice")


@pytest.fixture
def zoe(place):
    return place[0].register("zoe")


def members(client, room_id, state_key):
    return client.state(room_id, "m.room.member", state_key)["membership"]


def test_who_has_the_address_is_invited(alice, zoe, identity):
    room_id = alice.create_room()
    identity.knows({ADDRESS: zoe.user_id})
    alice.post(INVITE, room_id, body=identity.invite(address="ZOE@example.org"))
    assert members(alice, room_id, zoe.user_id) == "invite"
    (asked,) = identity.recorder.requests(f"{API}/lookup")
    assert asked["authorization"] == "Bearer of-the-user"
    assert asked["body"] == {"addresses": [identity.hash(ADDRESS)], "algorithm": "sha256", "pepper": PEPPER}
    assert identity.recorder.requests(f"{API}/store-invite") == []


def test_nobodys_address_gets_a_promise_that_its_owner_redeems(alice, zoe, identity):
    room_id = alice.create_room(name="Where it is")
    alice.post(INVITE, room_id, body=identity.invite())
    promise = alice.state(room_id, "m.room.third_party_invite", TOKEN)
    assert promise["display_name"] == "z...@e..." and promise["public_key"] == identity.public_key
    (stored,) = identity.recorder.requests(f"{API}/store-invite")
    said = stored["body"]
    assert (said["address"], said["room_name"], said["sender"]) == (ADDRESS, "Where it is", alice.user_id)

    zoe.join(room_id, expect=403)
    proof = identity.proof(alice.user_id, zoe.user_id)
    forged = {**proof, "signatures": {identity.name: {"ed25519:0": unpadded(bytes(64))}}}
    assert zoe.join(room_id, body={"third_party_signed": forged}, expect=403)["errcode"] == "M_FORBIDDEN"
    for_another = identity.proof(alice.user_id, alice.user_id)
    assert zoe.join(room_id, body={"third_party_signed": for_another}, expect=403)["errcode"] == "M_FORBIDDEN"
    identity.key_is_valid(False)
    assert zoe.join(room_id, body={"third_party_signed": proof}, expect=403)["errcode"] == "M_FORBIDDEN"
    identity.key_is_valid(True)
    zoe.join(room_id, body={"third_party_signed": proof})
    assert members(alice, room_id, zoe.user_id) == "join"
    # A second time it changes nothing: it does not make a member an invited one.
    zoe.join(room_id, body={"third_party_signed": proof})
    assert members(alice, room_id, zoe.user_id) == "join"


def test_a_new_room_invites_addresses(alice, zoe, identity):
    identity.knows({ADDRESS: zoe.user_id})
    invites = [identity.invite(), identity.invite(address="nobody@example.org")]
    room_id = alice.create_room(invite_3pid=invites)
    assert members(alice, room_id, zoe.user_id) == "invite"
    assert alice.state(room_id, "m.room.third_party_invite", TOKEN)["display_name"] == "z...@e..."


def test_who_may_not_invite_makes_nobody_ask(alice, zoe, identity):
    room_id = alice.create_room(preset="public_chat")
    assert zoe.post(INVITE, room_id, body=identity.invite(), expect=403)["errcode"] == "M_FORBIDDEN"
    zoe.join(room_id)
    assert zoe.post(INVITE, room_id, body=identity.invite(), expect=403)["errcode"] == "M_FORBIDDEN"
    assert identity.recorder.requests(API) == []


@pytest.mark.parametrize(
    ("change", "errcode"),
    [
        ({"id_server": "elsewhere.example"}, "M_SERVER_NOT_TRUSTED"),
        ({"id_server": "127.0.0.1@evil.example"}, "M_SERVER_NOT_TRUSTED"),
        ({"medium": "msisdn"}, "M_THREEPID_MEDIUM_NOT_SUPPORTED"),
        ({"address": "not an address"}, "M_INVALID_PARAM"),
        ({"id_access_token": "x\r\nX-Injected: yes"}, "M_INVALID_PARAM"),
        ({"id_access_token": ""}, "M_INVALID_PARAM"),
    ],
)
def test_bad_invites_reach_nobody(alice, identity, change, errcode):
    room_id = alice.create_room()
    assert alice.post(INVITE, room_id, body=identity.invite(**change), expect=400)["errcode"] == errcode
    assert identity.recorder.requests(API) == []


def test_what_the_identity_server_refuses_is_told(alice, identity):
    room_id = alice.create_room()
    refusal = {"errcode": "M_TERMS_NOT_SIGNED", "error": "read them"}
    identity.recorder.answer(f"{API}/hash_details", status=403, body=refusal)
    assert alice.post(INVITE, room_id, body=identity.invite(), expect=403)["errcode"] == "M_TERMS_NOT_SIGNED"
    identity.recorder.answer(f"{API}/hash_details", status=500)
    alice.post(INVITE, room_id, body=identity.invite(), expect=502)


def bind(client, identity):
    answer = {"medium": "email", "address": ADDRESS, "mxid": client.user_id, "signatures": {}}
    identity.recorder.answer(f"{API}/3pid/bind", body=answer)
    credentials = {"id_server": identity.name, "id_access_token": "of-the-user", "sid": "7", "client_secret": "s3cret"}
    client.post(BIND, body=credentials)
    asked = identity.recorder.requests(f"{API}/3pid/bind")[-1]
    assert asked["body"] == {"sid": "7", "client_secret": "s3cret", "mxid": client.user_id}
    return credentials


def unbound(identity):
    return [request["body"] for request in identity.recorder.requests(f"{API}/3pid/unbind")]


def test_an_address_is_bound_and_unbound(alice, identity):
    bind(alice, identity)
    body = {"medium": "email", "address": ADDRESS}
    answer = alice.post(f"{CLIENT}/account/3pid/unbind", body=body)
    assert answer == {"id_server_unbind_result": "success"}
    assert unbound(identity) == [{"mxid": alice.user_id, "threepid": body}]
    (asked,) = identity.recorder.requests(f"{API}/3pid/unbind")
    assert asked["authorization"].startswith('X-Matrix ') and 'origin="localhost"' in asked["authorization"]
    # It is not known to be bound any more.
    answer = alice.post(f"{CLIENT}/account/3pid/unbind", body=body)
    assert answer == {"id_server_unbind_result": "no-support"}


def test_a_server_that_refuses_to_unbind_is_told_so(alice, identity):
    bind(alice, identity)
    identity.recorder.answer(f"{API}/3pid/unbind", status=501, body={"errcode": "M_UNRECOGNIZED"})
    body = {"medium": "email", "address": ADDRESS, "id_server": identity.name}
    answer = alice.post(f"{CLIENT}/account/3pid/unbind", body=body)
    assert answer == {"id_server_unbind_result": "no-support"}


def test_a_session_that_is_not_validated_is_told(alice, identity):
    refusal = {"errcode": "M_SESSION_NOT_VALIDATED", "error": "not yet"}
    credentials = bind(alice, identity)
    identity.recorder.answer(f"{API}/3pid/bind", status=400, body=refusal)
    assert alice.post(BIND, body=credentials, expect=400)["errcode"] == "M_SESSION_NOT_VALIDATED"


def test_an_account_that_ends_takes_its_addresses_off(alice, identity):
    bind(alice, identity)
    user = {"type": "m.id.user", "user": alice.user_id}
    auth = {"type": "m.login.password", "identifier": user, "password": PASSWORD}
    answer = alice.post(f"{CLIENT}/account/deactivate", body={"auth": auth})
    assert answer == {"id_server_unbind_result": "success"}
    assert unbound(identity) == [{"mxid": alice.user_id, "threepid": {"medium": "email", "address": ADDRESS}}]
