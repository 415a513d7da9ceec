"""admin.yaml: whois, locking, suspending."""

import pytest
from client import CLIENT, PASSWORD

WHOIS = f"{CLIENT}/admin/whois/{{}}"
WHOAMI = f"{CLIENT}/account/whoami"
LOCK = "/_matrix/client/v1/admin/lock/{}"
SUSPEND = "/_matrix/client/v1/admin/suspend/{}"
BOTH = pytest.mark.parametrize("path, member", [(LOCK, "locked"), (SUSPEND, "suspended")])


@pytest.fixture
def admin(anonymous):
    return anonymous.register_admin()


def domain(client):
    return client.user_id.split(":", 1)[1]


@BOTH
def test_the_state_is_set_read_and_taken_back(admin, alice, path, member):
    assert admin.get(path, alice.user_id) == {member: False}
    assert admin.put(path, alice.user_id, body={member: True}) == {member: True}
    assert admin.get(path, alice.user_id) == {member: True}
    assert admin.put(path, alice.user_id, body={member: False}) == {member: False}
    alice.put(f"{CLIENT}/profile/{{}}/displayname", alice.user_id, body={"displayname": "Back"})


@BOTH
def test_only_administrators_may_and_others_learn_nothing(alice, bob, path, member):
    for target in (bob.user_id, f"@nobody-at-all:{domain(bob)}", "@user:elsewhere.example"):
        assert alice.get(path, target, expect=403)["errcode"] == "M_FORBIDDEN"
        assert alice.put(path, target, body={member: True}, expect=403)["errcode"] == "M_FORBIDDEN"


@BOTH
def test_whom_it_can_not_be_done_to(admin, anonymous, alice, path, member):
    other_admin = anonymous.register_admin()
    body = {member: True}
    assert admin.put(path, admin.user_id, body=body, expect=403)["errcode"] == "M_FORBIDDEN"
    assert admin.put(path, other_admin.user_id, body=body, expect=403)["errcode"] == "M_FORBIDDEN"
    assert admin.get(path, other_admin.user_id, expect=403)["errcode"] == "M_FORBIDDEN"
    foreign = "@user:elsewhere.example"
    assert admin.put(path, foreign, body=body, expect=400)["errcode"] == "M_INVALID_PARAM"
    nobody = f"@nobody-at-all:{domain(admin)}"
    assert admin.put(path, nobody, body=body, expect=404)["errcode"] == "M_NOT_FOUND"
    assert admin.put(path, alice.user_id, body={}, expect=400)["errcode"] == "M_MISSING_PARAM"
    assert admin.put(path, alice.user_id, body={member: 1}, expect=400)["errcode"] == "M_BAD_JSON"


def test_a_locked_account_can_only_log_out(admin, alice, anonymous):
    tablet = alice.second_device()
    alice.get(WHOAMI)
    admin.put(LOCK, alice.user_id, body={"locked": True})
    answer = alice.get(WHOAMI, expect=401)
    assert answer["errcode"] == "M_USER_LOCKED"
    assert answer["soft_logout"] is True
    identifier = {"type": "m.id.user", "user": alice.user_id}
    body = {"type": "m.login.password", "identifier": identifier, "password": PASSWORD}
    assert anonymous.post(f"{CLIENT}/login", body=body, expect=401)["errcode"] == "M_USER_LOCKED"
    alice.post(f"{CLIENT}/logout")
    assert alice.get(WHOAMI, expect=401)["errcode"] == "M_UNKNOWN_TOKEN"
    admin.put(LOCK, alice.user_id, body={"locked": False})
    tablet.get(WHOAMI)


def test_a_suspended_account_reads_and_logs_in_and_out_but_does_not_write(admin, alice, anonymous):
    admin.put(SUSPEND, alice.user_id, body={"suspended": True})
    alice.get(WHOAMI)
    path = f"{CLIENT}/profile/{{}}/displayname"
    answer = alice.put(path, alice.user_id, body={"displayname": "New"}, expect=403)
    assert answer["errcode"] == "M_USER_SUSPENDED"
    tablet = alice.second_device()
    session = alice.delete(f"{CLIENT}/devices/{{}}", tablet.device_id, expect=401)["session"]
    body = {"auth": alice.password_auth(session)}
    alice.delete(f"{CLIENT}/devices/{{}}", tablet.device_id, body=body)
    alice.post(f"{CLIENT}/logout")


def test_whois_is_for_oneself_and_for_administrators(admin, alice, bob):
    for client in (alice, admin):
        answer = client.get(WHOIS, alice.user_id)
        assert answer["user_id"] == alice.user_id
        assert alice.device_id in answer["devices"]
    connections = admin.get(WHOIS, alice.user_id)["devices"][alice.device_id]["sessions"][0]["connections"]
    assert connections[0]["ip"] == "127.0.0.1"
    assert connections[0]["last_seen"] > 1_600_000_000_000
    assert bob.get(WHOIS, alice.user_id, expect=403)["errcode"] == "M_FORBIDDEN"
    assert bob.get(WHOIS, f"@nobody-at-all:{domain(bob)}", expect=403)["errcode"] == "M_FORBIDDEN"


def test_administrators_learn_that_they_may_moderate(admin, alice):
    capabilities = admin.get(f"{CLIENT}/capabilities")["capabilities"]
    assert capabilities["m.account_moderation"] == {"suspend": True, "lock": True}
    assert "m.account_moderation" not in alice.get(f"{CLIENT}/capabilities")["capabilities"]
