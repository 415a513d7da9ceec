"""Addresses on a real identity server (Sydent): binding, finding people, and inviting those who are not there yet."""

import hashlib
import json
import re
from base64 import urlsafe_b64encode

import pytest
from client import CLIENT, Client, invited_to, unique
from homeserver import Beffroi, free_port, running
from mail_server import MailServer
from recorder import make_certificate
from sydent import Sydent

pytestmark = pytest.mark.own_server


@pytest.fixture(scope="module")
def mail():
    server = MailServer().start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def identity(tmp_path_factory, certificate, mail):
    with Sydent(tmp_path_factory.mktemp("sydent"), certificate, mail.url) as server:
        yield server


@pytest.fixture(scope="module")
def place(identity, certificate):
    """A server that trusts Sydent, and that Sydent reaches by its name."""
    port = free_port()
    server = Beffroi(
        server_name=f"127.0.0.1:{port}",
        identity_servers=[identity.name],
        outgoing={"ca_file": str(certificate)},
        federation={"ca_file": str(certificate), "allow_private_addresses": True},
    )
    by_name = {"address": f"127.0.0.1:{port}", "apis": ["federation"]}
    keys = {"tls_certificate": str(certificate), "tls_key": str(certificate)}
    clients = {"address": f"127.0.0.1:{server.port}", "apis": ["client", "federation", "admin", "health"]}
    server.settings["listeners"] = [clients, {**by_name, **keys}]
    with running(server.prepare()):
        yield Client(server.base_url)


class Person:
    """A user with an access token of the identity server."""

    def __init__(self, place, identity):
        self.client = place.register("person")
        self.identity = identity
        openid = self.client.post(f"{CLIENT}/user/{{}}/openid/request_token", self.client.user_id)
        self.token = identity.account(openid)
        self.to_server = {"id_server": identity.name, "id_access_token": self.token}

    def bind(self, mail, address):
        secret = unique("secret")
        ask = {"client_secret": secret, "email": address, "send_attempt": 1}
        count = len(mail.mails_to(address))
        sid = self.identity.call("POST", "/validate/email/requestToken", self.token, ask)["sid"]
        (token,) = re.findall(r"The token is (\S+)\.", mail.wait_for(address, count + 1).get_content())
        proof = {"sid": sid, "client_secret": secret}
        assert self.identity.call("POST", "/validate/email/submitToken", self.token, {**proof, "token": token})["success"]
        self.client.post(f"{CLIENT}/account/3pid/bind", body={**proof, **self.to_server})

    def look_up(self, address):
        details = self.identity.call("GET", "/hash_details", self.token)
        digest = hashlib.sha256(f"{address} email {details['lookup_pepper']}".encode()).digest()
        hashed = urlsafe_b64encode(digest).decode().rstrip("=")
        query = {"addresses": [hashed], "algorithm": "sha256", "pepper": details["lookup_pepper"]}
        return self.identity.call("POST", "/lookup", self.token, query)["mappings"].get(hashed)

    def invite(self, room_id, address):
        body = {**self.to_server, "medium": "email", "address": address}
        return self.client.post(f"{CLIENT}/rooms/{{}}/invite", room_id, body=body)


@pytest.fixture
def anna(place, identity):
    return Person(place, identity)


@pytest.fixture
def ben(place, identity):
    return Person(place, identity)


def address_of(word):
    return f"{unique(word)}@example.org"


# Not unbound: Sydent 2.6.1 makes JSON of bytes when it checks a homeserver's signature, so it refuses every one.
def test_an_address_is_bound_and_found(anna, ben, mail):
    address = address_of("ben")
    assert anna.look_up(address) is None
    ben.bind(mail, address)
    assert anna.look_up(address) == ben.client.user_id


def test_who_is_bound_is_invited_at_once(anna, ben, mail):
    address = address_of("ben")
    ben.bind(mail, address)
    room_id = anna.client.create_room()
    anna.invite(room_id, address)
    assert ben.client.sync_until(invited_to(room_id))
    ben.client.join(room_id)


def test_who_is_not_there_yet_is_invited_when_the_address_is_bound(anna, ben, mail):
    address = address_of("later")
    room_id = anna.client.create_room(name="Council")
    anna.invite(room_id, address)
    assert room_id in mail.wait_for(address).get_content()
    (waiting,) = [e for e in anna.client.get(f"{CLIENT}/rooms/{{}}/state", room_id) if e["type"] == "m.room.third_party_invite"]
    assert "@" in waiting["content"]["display_name"] and address not in json.dumps(waiting["content"])

    ben.bind(mail, address)
    assert ben.client.sync_until(invited_to(room_id))
    member = anna.client.state(room_id, "m.room.member", ben.client.user_id)
    assert member["membership"] == "invite"
    assert member["third_party_invite"]["signed"]["token"] == waiting["state_key"]
    ben.client.join(room_id)
    assert anna.client.state(room_id, "m.room.member", ben.client.user_id)["membership"] == "join"


def test_a_room_is_made_with_invitations_by_address(anna, ben, mail):
    address = address_of("guest")
    invites = [{**anna.to_server, "medium": "email", "address": address}]
    room_id = anna.client.create_room(invite_3pid=invites)
    mail.wait_for(address)
    ben.bind(mail, address)
    assert ben.client.sync_until(invited_to(room_id))


def test_an_invitation_that_was_taken_back_invites_nobody(anna, ben, mail):
    address = address_of("never")
    room_id, other = anna.client.create_room(), anna.client.create_room()
    for room in (room_id, other):
        anna.invite(room, address)
    mail.wait_for(address, 2)
    (token,) = [e["state_key"] for e in anna.client.get(f"{CLIENT}/rooms/{{}}/state", room_id) if e["type"] == "m.room.third_party_invite"]
    anna.client.set_state(room_id, "m.room.third_party_invite", {}, token)
    ben.bind(mail, address)
    ben.client.sync_until(invited_to(other))
    anna.client.state(room_id, "m.room.member", ben.client.user_id, expect=404)
