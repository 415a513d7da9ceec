"""/_synapse/admin/v1/register: accounts made by programs that know the configured secret."""

import hmac

import pytest
from client import CLIENT, PASSWORD, unique
from homeserver import SHARED_SECRET

REGISTER = "/_synapse/admin/v1/register"


def mac_of(*parts, secret=SHARED_SECRET):
    return hmac.new(secret.encode(), "\0".join(parts).encode(), "sha1").hexdigest()


def wish(anonymous, secret=SHARED_SECRET, **fields):
    nonce, name = anonymous.get(REGISTER)["nonce"], unique("made")
    body = {"nonce": nonce, "username": name, "password": PASSWORD, "admin": False}
    body["mac"] = mac_of(nonce, name, PASSWORD, "notadmin", secret=secret)
    return {**body, **fields}


def test_an_account_is_made_and_logged_in(anonymous):
    client = anonymous.signed_in(anonymous.post(REGISTER, body=wish(anonymous)))
    assert client.get(f"{CLIENT}/account/whoami")["is_guest"] is False
    anonymous.login(client.user_id)


def test_only_the_mac_for_an_administrator_makes_one(anonymous):
    answer = anonymous.post(REGISTER, body=wish(anonymous, admin=True), expect=403)
    assert answer["errcode"] == "M_FORBIDDEN"
    capabilities = anonymous.register_admin().get(f"{CLIENT}/capabilities")["capabilities"]
    assert capabilities["m.account_moderation"] == {"suspend": True, "lock": True}


@pytest.mark.parametrize("change", [{"nonce": "made up"}, {"mac": "0" * 40}, {"password": PASSWORD + "!"}])
def test_whatever_does_not_fit_the_mac_is_refused(anonymous, change):
    answer = anonymous.post(REGISTER, body=wish(anonymous, **change), expect=403)
    assert answer["errcode"] == "M_FORBIDDEN"


def test_another_secret_opens_nothing(anonymous):
    anonymous.post(REGISTER, body=wish(anonymous, secret="guessed"), expect=403)


def test_a_nonce_serves_once(anonymous):
    body = wish(anonymous)
    anonymous.post(REGISTER, body=body)
    anonymous.post(REGISTER, body=body, expect=403)


def test_nul_can_not_shift_text_from_one_field_to_another(anonymous):
    nonce = anonymous.get(REGISTER)["nonce"]
    mac = mac_of(nonce, "anna", "xx", PASSWORD, "notadmin")
    body = {"nonce": nonce, "username": "anna\0xx", "password": PASSWORD, "mac": mac}
    anonymous.post(REGISTER, body=body, expect=400)
