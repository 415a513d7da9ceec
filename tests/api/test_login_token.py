"""login_token.yaml: a session lets another client in."""

from client import CLIENT

GET_TOKEN = "/_matrix/client/v1/login/get_token"
LOGIN = f"{CLIENT}/login"


def get_token(client):
    challenge = client.post(GET_TOKEN, expect=401)
    return client.post(GET_TOKEN, body={"auth": client.password_auth(challenge["session"])})


def test_a_token_logs_another_device_in_once(anonymous, alice):
    answer = get_token(alice)
    assert 0 < answer["expires_in_ms"] <= 120000
    body = {"type": "m.login.token", "token": answer["login_token"]}
    session = anonymous.post(LOGIN, body=body)
    assert session["user_id"] == alice.user_id
    assert session["device_id"] != alice.device_id
    assert anonymous.post(LOGIN, body=body, expect=403)["errcode"] == "M_FORBIDDEN"


def test_a_token_is_only_for_who_proves_to_be_there(alice, anonymous):
    assert anonymous.post(GET_TOKEN, expect=401)["errcode"] == "M_MISSING_TOKEN"
    challenge = alice.post(GET_TOKEN, expect=401)
    assert challenge["flows"] == [{"stages": ["m.login.password"]}]
    auth = {**alice.password_auth(challenge["session"]), "password": "wrong"}
    assert alice.post(GET_TOKEN, body={"auth": auth}, expect=401)["errcode"] == "M_FORBIDDEN"


def test_an_access_token_is_no_login_token(anonymous, alice):
    anonymous.post(LOGIN, body={"type": "m.login.token", "token": alice.token}, expect=403)
