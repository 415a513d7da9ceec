"""What other services learn of a user by an OpenID token (openid.yaml): who it is, and nothing without it."""

import httpx
from client import CLIENT
from peer import FEDERATION, quote

USERINFO = f"{FEDERATION}/v1/openid/userinfo"


def ask(server, **query):
    return httpx.get(server.base_url + USERINFO, params=query, timeout=60)


def test_a_token_says_whose_it_is_to_anybody(server, alice, peer):
    token = alice.post(f"{CLIENT}/user/{{}}/openid/request_token", alice.user_id)["access_token"]
    assert ask(server, access_token=token).json() == {"sub": alice.user_id}
    assert peer.get(server, USERINFO, f"access_token={quote(token)}") == {"sub": alice.user_id}


def test_other_tokens_say_nothing(server, alice):
    for query in ({}, {"access_token": "unknown"}, {"access_token": alice.token}):
        answer = ask(server, **query)
        assert answer.status_code == 401 and answer.json()["errcode"] == "M_UNKNOWN_TOKEN"
