"""wellknown.yaml and support.yaml: where clients find this server, and whom to ask."""

import pytest
from client import Client
from homeserver import launch, running

POLICY_KEY = "6yhHGKhCiXTSEN2ksjV7kX/N6rBQZ3Xb+M7LlC6NS+s"


@pytest.fixture(scope="module")
def told(homeserver_kind):
    if homeserver_kind != "beffroi":
        pytest.skip("settings of our own server")
    domain = {
        "name": "example.org",
        "signing_key_file": "signing.key",
        "client_base_url": "https://matrix.example.org",
        "support_email": "help@example.org",
        "support_page": "https://example.org/help",
        "policy_server_key": POLICY_KEY,
    }
    server = launch(homeserver_kind, domains=[domain])
    with running(server):
        yield Client(server.base_url)


@pytest.mark.own_server
def test_the_configured_address_is_told(told):
    answer = told.get("/.well-known/matrix/client")
    assert answer["m.homeserver"]["base_url"] == "https://matrix.example.org"


@pytest.mark.own_server
def test_contacts_are_told(told):
    answer = told.get("/.well-known/matrix/support")
    assert answer["contacts"] == [{"email_address": "help@example.org", "role": "m.role.admin"}]
    assert answer["support_page"] == "https://example.org/help"


@pytest.mark.own_server
def test_a_login_brings_the_address_along(told):
    body = {"username": "anna", "password": "correct horse", "auth": {"type": "m.login.dummy"}}
    answer = told.post("/_matrix/client/v3/register", body=body)
    assert answer["well_known"]["m.homeserver"]["base_url"] == "https://matrix.example.org"


@pytest.mark.own_server
def test_the_key_of_the_policy_server_is_told(told):
    answer = told.get("/.well-known/matrix/policy_server")
    assert answer == {"public_keys": {"ed25519": POLICY_KEY}}


def test_without_a_policy_server_there_is_no_key(anonymous):
    assert anonymous.get("/.well-known/matrix/policy_server", expect=404)["errcode"] == "M_NOT_FOUND"


def test_without_contacts_there_is_no_support_file(anonymous):
    assert anonymous.get("/.well-known/matrix/support", expect=404)["errcode"] == "M_NOT_FOUND"


def test_any_web_page_may_read_them(anonymous):
    answer = anonymous.raw("GET", "/.well-known/matrix/client")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.json()["m.homeserver"]["base_url"].startswith("https://")
