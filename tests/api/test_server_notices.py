"""Server notices: the module of the client-server API, and /_synapse/admin/v1/send_server_notice."""

import pytest
from client import CLIENT, event_ids, invited_to, unique

NOTICE = "/_synapse/admin/v1/send_server_notice"


@pytest.fixture
def admin(anonymous):
    return anonymous.register_admin()


def notice(user, **fields):
    content = {"msgtype": "m.text", "body": "The service stops tonight at ten."}
    return {"user_id": user.user_id, "content": content, **fields}


def room_of(user):
    """The notices room, as invited."""
    invites = user.sync()["rooms"]["invite"]
    (room_id,) = invites
    return room_id, invites[room_id]["invite_state"]["events"]


def test_a_notice_comes_in_a_room_of_its_own(admin, alice):
    event_id = admin.post(NOTICE, body=notice(alice))["event_id"]
    room_id, stripped = room_of(alice)
    assert all(event["sender"].startswith("@_server:") for event in stripped)
    names = [event["content"].get("name") for event in stripped if event["type"] == "m.room.name"]
    assert names == ["Server notices"]
    path = f"{CLIENT}/user/{{}}/rooms/{{}}/tags"
    assert alice.get(path, alice.user_id, room_id) == {"tags": {"m.server_notice": {}}}
    alice.join(room_id)
    alice.since = None
    alice.sync_until(lambda answer: event_id in event_ids(answer, room_id))
    # Only the server speaks there.
    content = {"msgtype": "m.text", "body": "Thanks"}
    path = f"{CLIENT}/rooms/{{}}/send/m.room.message/{{}}"
    alice.put(path, room_id, unique("txn"), body=content, expect=403)


def test_the_invite_can_not_be_rejected_but_the_room_can_be_left(admin, alice):
    admin.post(NOTICE, body=notice(alice))
    room_id, _ = room_of(alice)
    answer = alice.leave(room_id, expect=403)
    assert answer["errcode"] == "M_CANNOT_LEAVE_SERVER_NOTICE_ROOM"
    alice.join(room_id)
    alice.leave(room_id)
    # The next notice invites into the same room.
    admin.post(NOTICE, body=notice(alice))
    alice.sync_until(invited_to(room_id))


def test_a_transaction_id_sends_one_notice(admin, alice):
    path, body = f"{NOTICE}/{{}}", notice(alice)
    txn_id = unique("txn")
    first = admin.put(path, txn_id, body=body)
    assert admin.put(path, txn_id, body=body) == first
    assert admin.put(path, unique("txn"), body=body) != first


def test_a_notice_may_be_of_any_type(admin, alice):
    body = notice(alice, type="m.room.topic", state_key="", content={"topic": "Maintenance"})
    admin.post(NOTICE, body=body)
    room_id, _ = room_of(alice)
    alice.join(room_id)
    assert alice.state(room_id, "m.room.topic")["topic"] == "Maintenance"


def test_only_administrators_send_notices(anonymous, alice, bob):
    assert bob.post(NOTICE, body=notice(alice), expect=403)["errcode"] == "M_FORBIDDEN"
    assert anonymous.post(NOTICE, body=notice(alice), expect=401)["errcode"] == "M_MISSING_TOKEN"
    assert "invite" not in alice.sync().get("rooms", {})


def test_notices_are_for_users_of_this_server(admin, alice):
    for user_id, status, errcode in (
        ("@nobody-at-all:localhost", 404, "M_NOT_FOUND"),
        ("@alice:elsewhere.example", 400, "M_UNKNOWN"),
        ("alice", 400, "M_INVALID_PARAM"),
    ):
        answer = admin.post(NOTICE, body=notice(alice, user_id=user_id), expect=status)
        assert answer["errcode"] == errcode
    for missing in ("user_id", "content"):
        body = {name: value for name, value in notice(alice).items() if name != missing}
        assert admin.post(NOTICE, body=body, expect=400)["errcode"] == "M_MISSING_PARAM"


def test_nobody_can_log_in_as_the_server(anonymous, admin, alice):
    admin.post(NOTICE, body=notice(alice))
    identifier = {"type": "m.id.user", "user": "_server"}
    body = {"type": "m.login.password", "identifier": identifier, "password": ""}
    assert anonymous.post(f"{CLIENT}/login", body=body, expect=403)["errcode"] == "M_FORBIDDEN"
