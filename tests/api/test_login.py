"""login.yaml: GET and POST /login."""

import pytest
from client import CLIENT, PASSWORD, unique

LOGIN = f"{CLIENT}/login"


def by_name(user, password=PASSWORD, **fields):
    identifier = {"type": "m.id.user", "user": user}
    return {"type": "m.login.password", "identifier": identifier, "password": password, **fields}


def localpart(user_id):
    return user_id[1:].split(":")[0]


def test_the_flows_are_told_to_everybody(anonymous):
    flows = anonymous.get(LOGIN)["flows"]
    assert {"type": "m.login.password"} in flows
    assert any(flow["type"] == "m.login.token" and flow.get("get_login_token") for flow in flows)


def test_a_user_id_and_a_localpart_log_in(anonymous, alice):
    for user in (alice.user_id, localpart(alice.user_id)):
        answer = anonymous.post(LOGIN, body=by_name(user))
        assert answer["user_id"] == alice.user_id
        assert answer["access_token"] and answer["device_id"]
        assert answer["home_server"] == alice.user_id.split(":", 1)[1]
        assert "refresh_token" not in answer


def test_the_deprecated_user_member_still_logs_in(anonymous, alice):
    body = {"type": "m.login.password", "user": localpart(alice.user_id), "password": PASSWORD}
    assert anonymous.post(LOGIN, body=body)["user_id"] == alice.user_id


def test_capitals_name_the_same_account(anonymous, alice):
    answer = anonymous.post(LOGIN, body=by_name(localpart(alice.user_id).upper()))
    assert answer["user_id"] == alice.user_id


def test_a_wrong_password_and_an_unknown_user_get_the_same_answer(anonymous, alice):
    wrong = anonymous.post(LOGIN, body=by_name(alice.user_id, "wrong"), expect=403)
    unknown = anonymous.post(LOGIN, body=by_name(unique("nobody"), "wrong"), expect=403)
    foreign = anonymous.post(LOGIN, body=by_name("@alice:elsewhere.example", "wrong"), expect=403)
    assert wrong["errcode"] == "M_FORBIDDEN"
    assert wrong == unknown == foreign


def test_a_trailing_space_is_no_part_of_a_name(anonymous, alice):
    anonymous.post(LOGIN, body=by_name(alice.user_id + " "), expect=403)


def test_a_device_is_made_or_reused(anonymous, alice):
    body = by_name(alice.user_id, device_id="PHONE", initial_device_display_name="My phone")
    first = anonymous.signed_in(anonymous.post(LOGIN, body=body))
    assert first.device_id == "PHONE"
    body["initial_device_display_name"] = "Another name"
    second = anonymous.signed_in(anonymous.post(LOGIN, body=body))
    # The old token of the device ends; its name stays.
    assert first.get(f"{CLIENT}/account/whoami", expect=401)["errcode"] == "M_UNKNOWN_TOKEN"
    assert second.get(f"{CLIENT}/devices/PHONE")["display_name"] == "My phone"


def test_two_logins_without_device_id_are_two_devices(anonymous, alice):
    first = anonymous.post(LOGIN, body=by_name(alice.user_id))
    second = anonymous.post(LOGIN, body=by_name(alice.user_id))
    assert first["device_id"] != second["device_id"]
    assert first["access_token"] != second["access_token"]


@pytest.mark.parametrize(
    "body, status, errcode",
    [
        ({}, 400, "M_MISSING_PARAM"),
        ({"type": "m.login.unheard.of"}, 400, "M_UNKNOWN"),
        ({"type": "m.login.password"}, 400, "M_MISSING_PARAM"),
        ({"type": "m.login.password", "user": "anna"}, 400, "M_MISSING_PARAM"),
        ({"type": "m.login.password", "user": "anna", "password": 1}, 400, "M_BAD_JSON"),
        ({"type": "m.login.token"}, 400, "M_MISSING_PARAM"),
        ({"type": "m.login.token", "token": "no"}, 403, "M_FORBIDDEN"),
        (by_name("anna", "x" * (1 << 19)), 400, "M_INVALID_PARAM"),
        (by_name("anna", ""), 403, "M_FORBIDDEN"),
    ],
)
def test_what_is_no_login_is_refused(anonymous, body, status, errcode):
    assert anonymous.post(LOGIN, body=body, expect=status)["errcode"] == errcode


def test_device_ids_and_names_have_a_size(anonymous, alice):
    anonymous.post(LOGIN, body=by_name(alice.user_id, device_id="D" * 256), expect=400)
    anonymous.post(LOGIN, body=by_name(alice.user_id, device_id=""), expect=400)
    body = by_name(alice.user_id, initial_device_display_name="n" * 5000)
    assert anonymous.post(LOGIN, body=body, expect=413)["errcode"] == "M_TOO_LARGE"


def test_answers_with_tokens_are_not_cached(anonymous, alice):
    import json

    content = json.dumps(by_name(alice.user_id)).encode()
    assert anonymous.raw("POST", LOGIN, content=content).headers["Cache-Control"] == "no-store"
