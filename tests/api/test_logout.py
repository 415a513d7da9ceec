"""logout.yaml: POST /logout and /logout/all."""

from client import CLIENT

WHOAMI = f"{CLIENT}/account/whoami"


def test_logging_out_ends_this_session_only(alice):
    tablet = alice.second_device()
    alice.post(f"{CLIENT}/logout")
    assert alice.get(WHOAMI, expect=401)["errcode"] == "M_UNKNOWN_TOKEN"
    assert "soft_logout" not in alice.get(WHOAMI, expect=401)
    devices = tablet.get(f"{CLIENT}/devices")["devices"]
    assert [device["device_id"] for device in devices] == [tablet.device_id]


def test_logging_out_everywhere_ends_all_sessions(alice, bob):
    tablet = alice.second_device()
    alice.post(f"{CLIENT}/logout/all")
    for client in (alice, tablet):
        client.get(WHOAMI, expect=401)
    bob.get(WHOAMI)


def test_a_body_is_not_needed(alice):
    assert alice.raw("POST", f"{CLIENT}/logout").status_code == 200


def test_who_is_not_logged_in_can_not_log_out(anonymous):
    for path in ("logout", "logout/all"):
        answer = anonymous.post(f"{CLIENT}/{path}", expect=401)
        assert answer["errcode"] == "M_MISSING_TOKEN"
