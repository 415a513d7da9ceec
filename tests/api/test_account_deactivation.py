"""account_deactivation.yaml: POST /account/deactivate."""

from client import CLIENT, PASSWORD

DEACTIVATE = f"{CLIENT}/account/deactivate"


def deactivate(client, **fields):
    session = client.post(DEACTIVATE, body=fields, expect=401)["session"]
    return client.post(DEACTIVATE, body={**fields, "auth": client.password_auth(session)})


def test_a_deactivated_account_is_closed_for_good(anonymous, alice):
    tablet = alice.second_device()
    assert deactivate(alice) == {"id_server_unbind_result": "no-support"}
    for client in (alice, tablet):
        client.get(f"{CLIENT}/account/whoami", expect=401)
    identifier = {"type": "m.id.user", "user": alice.user_id}
    body = {"type": "m.login.password", "identifier": identifier, "password": PASSWORD}
    assert anonymous.post(f"{CLIENT}/login", body=body, expect=403)["errcode"] == "M_USER_DEACTIVATED"
    anonymous.get(f"{CLIENT}/profile/{{}}", alice.user_id, expect=404)


def test_the_name_is_never_given_again(anonymous, alice):
    deactivate(alice, erase=True)
    username = alice.user_id[1:].split(":")[0]
    body = {"username": username, "password": PASSWORD, "auth": {"type": "m.login.dummy"}}
    assert anonymous.post(f"{CLIENT}/register", body=body, expect=400)["errcode"] == "M_USER_IN_USE"


def test_the_password_is_needed(alice):
    session = alice.post(DEACTIVATE, expect=401)["session"]
    auth = {**alice.password_auth(session), "password": "wrong"}
    assert alice.post(DEACTIVATE, body={"auth": auth}, expect=401)["errcode"] == "M_FORBIDDEN"
    alice.get(f"{CLIENT}/account/whoami")


def test_who_is_not_logged_in_deactivates_nobody(anonymous):
    assert anonymous.post(DEACTIVATE, expect=401)["errcode"] == "M_MISSING_TOKEN"


def test_rooms_are_left(alice, bob, room):
    deactivate(bob)
    member = alice.state(room, "m.room.member", bob.user_id)
    assert member["membership"] == "leave"
