"""password_management.yaml: POST /account/password."""

from client import CLIENT, PASSWORD

CHANGE = f"{CLIENT}/account/password"
WHOAMI = f"{CLIENT}/account/whoami"
NEW_PASSWORD = "another horse, another battery"


def change(client, **fields):
    body = {"new_password": NEW_PASSWORD, **fields}
    session = client.post(CHANGE, body=body, expect=401)["session"]
    return client.post(CHANGE, body={**body, "auth": client.password_auth(session)})


def test_the_new_password_counts_and_the_old_one_does_not(anonymous, alice):
    assert change(alice) == {}
    anonymous.login(alice.user_id, NEW_PASSWORD)
    identifier = {"type": "m.id.user", "user": alice.user_id}
    body = {"type": "m.login.password", "identifier": identifier, "password": PASSWORD}
    anonymous.post(f"{CLIENT}/login", body=body, expect=403)


def test_other_sessions_end_and_this_one_stays(alice):
    tablet = alice.second_device()
    change(alice)
    alice.get(WHOAMI)
    assert tablet.get(WHOAMI, expect=401)["errcode"] == "M_UNKNOWN_TOKEN"


def test_other_sessions_stay_when_asked(alice):
    tablet = alice.second_device()
    change(alice, logout_devices=False)
    tablet.get(WHOAMI)


def test_the_password_may_be_left_out_of_the_second_request(anonymous, alice):
    session = alice.post(CHANGE, body={"new_password": NEW_PASSWORD}, expect=401)["session"]
    alice.post(CHANGE, body={"auth": alice.password_auth(session)})
    anonymous.login(alice.user_id, NEW_PASSWORD)


def test_the_old_password_is_needed(alice, bob):
    body = {"new_password": NEW_PASSWORD}
    session = alice.post(CHANGE, body=body, expect=401)["session"]
    auth = {**alice.password_auth(session), "password": "wrong"}
    answer = alice.post(CHANGE, body={**body, "auth": auth}, expect=401)
    assert answer["errcode"] == "M_FORBIDDEN" and answer["session"] == session
    # Somebody else's ends the matter.
    answer = alice.post(CHANGE, body={**body, "auth": bob.password_auth(session)}, expect=403)
    assert answer["errcode"] == "M_FORBIDDEN"


def test_a_session_is_of_no_use_to_others(alice, bob):
    body = {"new_password": NEW_PASSWORD}
    session = alice.post(CHANGE, body=body, expect=401)["session"]
    answer = bob.post(CHANGE, body={**body, "auth": bob.password_auth(session)}, expect=403)
    assert answer["errcode"] == "M_FORBIDDEN"


def test_weak_missing_and_huge_passwords_are_refused(alice):
    assert alice.post(CHANGE, body={"new_password": "short"}, expect=400)["errcode"] == "M_WEAK_PASSWORD"
    answer = alice.post(CHANGE, body={"new_password": "x" * 2000}, expect=400)
    assert answer["errcode"] == "M_INVALID_PARAM"
    answer = alice.post(CHANGE, body={"auth": alice.password_auth()}, expect=400)
    assert answer["errcode"] == "M_MISSING_PARAM"


def test_who_is_not_logged_in_can_not_change_a_password(anonymous):
    answer = anonymous.post(CHANGE, body={"new_password": NEW_PASSWORD}, expect=401)
    assert answer["errcode"] == "M_MISSING_TOKEN"
