"""`beffroi federation check`: what it tells a tired administrator about everything that can be wrong."""

import pathlib
import subprocess
import tempfile
import time

import pytest
from homeserver import free_port
from peer import FEDERATION, Authority, Peer

KEYS = "/_matrix/key/v2/server"


@pytest.fixture
def stranger():
    """A server whose certificate nobody here trusts."""
    with tempfile.TemporaryDirectory(prefix="beffroi-strangers-") as directory:
        peer = Peer(Authority(pathlib.Path(directory)))
        yield peer
        peer.close()


def check(server, name, *settings):
    command = [server.binary, "federation", "check", name, "--config", server.config]
    for setting in settings:
        command += ["--set", setting]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)


def complains(server, name, *settings):
    """What is wrong, and what to do about it: one line each."""
    checked = check(server, name, *settings)
    assert checked.returncode == 1, checked.stdout + checked.stderr
    wrong, advice = checked.stderr.splitlines()
    assert wrong.startswith(f"beffroi: {name}: ")
    return wrong, advice


def test_a_server_that_is_well_can_be_talked_to(server, peer):
    checked = check(server, peer.name)
    assert checked.returncode == 0, checked.stderr
    assert f"6. it accepts what {server.server_name} signs" in checked.stdout
    assert checked.stdout.endswith(f"{peer.name} can be talked to.\n")


def test_what_is_no_server_name_is_said_to_be_none(server):
    wrong, advice = complains(server, "https://example.org/")
    assert "not a server name" in wrong and "no https://" in advice


@pytest.mark.parametrize("setting", ["deny=['*']", "allow=['*.gouv.test']", "allow=[]", "enabled=false"])
def test_the_setting_that_forbids_a_server_is_named(server, peer, setting):
    wrong, advice = complains(server, peer.name, f"federation.{setting}")
    assert f"federation.{setting.partition('=')[0]}" in wrong and "change that setting" in advice
    assert peer.requests == []  # it was not called


def test_names_that_nobody_knows(server):
    _, advice = complains(server, "nobody.invalid")
    assert "Is the name spelled correctly?" in advice


def test_ports_where_nobody_listens(server):
    port = free_port()
    wrong, advice = complains(server, f"127.0.0.1:{port}")
    assert str(port) in wrong and "Nobody listens there" in advice


def test_addresses_of_the_own_network(server, peer):
    _, advice = complains(server, peer.name, "federation.allow_private_addresses=false")
    assert "federation.allow_private_addresses" in advice
    assert peer.requests == []


def test_certificates_that_are_not_trusted(server, stranger):
    wrong, advice = complains(server, stranger.name)
    assert "its certificate is not accepted" in wrong and "federation.ca_file" in advice


def test_addresses_where_something_else_lives(server, peer):
    peer.answers[KEYS] = lambda *_: (200, b"<html>Welcome!</html>")
    wrong, advice = complains(server, peer.name)
    assert "a web page?" in wrong and "well-known" in advice


def test_keys_that_are_out_of_date(server, peer):
    past = int(time.time() * 1000) - 5 * 3600 * 1000
    peer.answers[KEYS] = lambda *_: (200, peer.key_document(valid_until_ts=past))
    wrong, advice = complains(server, peer.name)
    assert "out of date since 5 hours" in wrong and "administrators of that server" in advice


@pytest.mark.parametrize(("status", "what"), [(403, "have to allow this server"), (401, "run this command there")])
def test_servers_that_do_not_accept_ours(server, peer, status, what):
    refusal = {"errcode": "M_FORBIDDEN", "error": "Not \x1b[31myou."}
    peer.answers[f"{FEDERATION}/v1/query/directory"] = lambda *_: (status, refusal)
    wrong, advice = complains(server, peer.name)
    assert "Not ?[31myou." in wrong and what in advice
