"""Fixtures of the federation tests: a server that trusts the tests' own authority, and peers of it."""

import pathlib
import shutil
import sys
import tempfile

import pytest

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "clients")]

from client import Client  # noqa: E402
from federating_synapse import FederatingSynapse  # noqa: E402
from homeserver import Beffroi, Homeserver, free_port, running  # noqa: E402
from malice import federates_with_a_good_peer  # noqa: E402
from peer import Authority, Peer  # noqa: E402
from traffic import note_server  # noqa: E402
from two_sides import join_through, sees_member  # noqa: E402

Homeserver.before_removal.append(note_server)


@pytest.fixture(scope="session")
def authority():
    directory = pathlib.Path(tempfile.mkdtemp(prefix="beffroi-authority-"))
    yield Authority(directory)
    shutil.rmtree(directory, ignore_errors=True)


def federating_server(authority, **settings):
    """A Beffroi whose name is its address, so that others find it without any DNS."""
    tls_port = free_port()
    server = Beffroi(server_name=f"127.0.0.1:{tls_port}")
    certificate, key = authority.issue(f"server-{tls_port}")
    server.settings = {
        "listeners": [
            {"address": f"127.0.0.1:{server.port}", "apis": ["client", "federation", "admin", "health", "metrics"]},
            {
                "address": f"127.0.0.1:{tls_port}",
                "apis": ["client", "federation"],
                "tls_certificate": str(certificate),
                "tls_key": str(key),
            },
        ],
        "rooms": {"publish_room_list_over_federation": True},
        "federation": {
            "allow_private_addresses": True,
            "ca_file": str(authority.ca_file),
            **settings.pop("federation", {}),
        },
        **settings,
    }
    return server.prepare()


@pytest.fixture(scope="session")
def server(authority):
    with running(federating_server(authority)) as server:
        yield server


# The other one is ours as well, and then the reference: what works with both is right.
@pytest.fixture(scope="session", params=["beffroi", "synapse"])
def other_server(authority, request):
    if request.param == "beffroi":
        other = federating_server(authority)
    else:
        other = FederatingSynapse(authority).prepare()
    try:
        other.start()
        yield other
        other.shut_down_and_check()
    finally:
        other.remove()


@pytest.fixture
def bob(other_server):
    return Client(other_server.base_url).register("bob")


@pytest.fixture
def shared_room(server, alice, bob):
    room_id = alice.create_room(preset="public_chat")
    alice.sync()
    join_through(bob, room_id, server)
    sees_member(alice, room_id, bob.user_id, "join")
    bob.sync()
    return room_id


@pytest.fixture
def alice(server):
    return Client(server.base_url).register("alice")


@pytest.fixture
def peer(authority):
    peer = Peer(authority)
    yield peer
    peer.close()


@pytest.fixture
def good_peer(authority):
    """Another one, to see that others do not suffer."""
    peer = Peer(authority)
    yield peer
    peer.close()


@pytest.fixture
def room_id(alice):
    return alice.create_room(preset="public_chat", room_version="11")


@pytest.fixture
def room(server, room_id, peer):
    return peer.join(server, room_id, "mallory")


@pytest.fixture(scope="session")
def honest_peer(authority):
    peer = Peer(authority)
    yield peer
    peer.close()


@pytest.fixture
def others_do_not_suffer(server, honest_peer, alice, room_id):
    """After the case: a good peer joins, speaks, is heard and hears."""
    yield
    federates_with_a_good_peer(server, alice, room_id, honest_peer)
