"""openid.yaml: POST /user/{userId}/openid/request_token."""

from client import CLIENT, Client

REQUEST = f"{CLIENT}/user/{{}}/openid/request_token"


def test_a_token_is_given_for_oneself(alice):
    answer = alice.post(REQUEST, alice.user_id)
    assert answer["token_type"] == "Bearer"
    assert answer["matrix_server_name"] == alice.user_id.split(":", 1)[1]
    assert answer["expires_in"] == 3600
    assert answer["access_token"]


def test_nobody_proves_to_be_somebody_else(alice, bob, anonymous):
    assert alice.post(REQUEST, bob.user_id, expect=403)["errcode"] == "M_FORBIDDEN"
    assert anonymous.post(REQUEST, alice.user_id, expect=401)["errcode"] == "M_MISSING_TOKEN"


def test_an_openid_token_opens_no_session(alice):
    token = alice.post(REQUEST, alice.user_id)["access_token"]
    answer = Client(alice.base_url, token).get(f"{CLIENT}/account/whoami", expect=401)
    assert answer["errcode"] == "M_UNKNOWN_TOKEN"
