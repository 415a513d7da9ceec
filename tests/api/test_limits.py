"""Limits that the specification sets or lets a server set: lengths, sizes, rates, tokens in the query."""

import pytest
from client import CLIENT, Client, unique
from homeserver import Beffroi

SEND = f"{CLIENT}/rooms/{{}}/send/{{}}/{{}}"
STATE = f"{CLIENT}/rooms/{{}}/state/{{}}/{{}}"


@pytest.fixture
def own_room(alice):
    return alice.create_room()


def test_event_types_and_state_keys_have_255_bytes(alice, own_room):
    alice.put(SEND, own_room, "t" * 255, unique("txn"))
    alice.put(SEND, own_room, "t" * 256, unique("txn"), expect=413)
    alice.put(STATE, own_room, "org.example", "k" * 255)
    answer = alice.put(STATE, own_room, "org.example", "é" * 128, expect=413)
    assert answer["errcode"] == "M_TOO_LARGE"


def test_an_event_has_65536_bytes(alice, own_room):
    alice.send_text(own_room, "x" * 60_000)
    answer = alice.put(SEND, own_room, "m.room.message", unique("txn"), body={"body": "x" * 65_536}, expect=413)
    assert answer["errcode"] == "M_TOO_LARGE"


def test_names_have_their_lengths(alice, anonymous):
    body = {"username": "u" * 256, "password": "a long password", "auth": {"type": "m.login.dummy"}}
    assert anonymous.post(f"{CLIENT}/register", body=body, expect=400)["errcode"] == "M_INVALID_USERNAME"
    alias = {"room_alias_name": "a" * 256}
    assert alice.post(f"{CLIENT}/createRoom", body=alias, expect=400)["errcode"] == "M_INVALID_PARAM"
    display = {"displayname": "d" * 70_000}
    path = f"{CLIENT}/profile/{{}}/displayname"
    alice.put(path, alice.user_id, body=display, expect=400)
    alice.put(f"{CLIENT}/devices/{{}}", alice.device_id, body={"display_name": "d" * 256}, expect=413)


def test_of_doubled_parameters_the_first_counts(alice, own_room):
    events = [alice.send_text(own_room, str(number)) for number in range(3)]
    path = f"{CLIENT}/rooms/{own_room}/messages?dir=b&limit=1&dir=f&limit=3"
    answer = alice.raw("GET", path)
    assert [event["event_id"] for event in answer.json()["chunk"]] == events[-1:]


@pytest.mark.own_server
def test_who_asks_too_often_is_told_when_to_come_back():
    server = Beffroi(rate_limits={"enabled": True, "message": {"per_second": 0.2, "burst": 2}}).prepare()
    try:
        server.start()
        alice = Client(server.base_url).register("alice")
        room_id = alice.create_room()
        alice.send_text(room_id, "one")
        alice.send_text(room_id, "two")
        path = f"{CLIENT}/rooms/{room_id}/send/m.room.message/third"
        refused = alice.raw("PUT", path, content=b'{"body": "three", "msgtype": "m.text"}')
        assert refused.status_code == 429 and refused.json()["errcode"] == "M_LIMIT_EXCEEDED"
        wait_ms, wait_s = refused.json()["retry_after_ms"], int(refused.headers["Retry-After"])
        assert 0 < wait_ms <= 5000 and wait_s * 1000 >= wait_ms > (wait_s - 1) * 1000
        # What it says is true: after that time the same request is let through.
        alice.sync()
        while refused.status_code == 429:
            alice.sync(timeout_ms=refused.json()["retry_after_ms"])
            refused = alice.raw("PUT", path, content=b'{"body": "three", "msgtype": "m.text"}')
        assert refused.status_code == 200
        server.shut_down_and_check()
    finally:
        server.remove()


def test_a_token_in_the_query_is_good_and_stays_out_of_the_log(homeserver, alice):
    start = homeserver.log_size()
    anonymous = Client(homeserver.base_url)
    answer = anonymous.raw("GET", f"{CLIENT}/account/whoami", query={"access_token": alice.token})
    assert answer.json()["user_id"] == alice.user_id
    anonymous.raw("GET", f"{CLIENT}/account/whoami", query={"access_token": alice.token + "x"})
    log = homeserver.log(start)
    assert "/account/whoami" in log and alice.token not in log


@pytest.mark.own_server
def test_a_token_in_the_query_can_be_switched_off():
    server = Beffroi(access_token_in_query=False).prepare()
    try:
        server.start()
        alice = Client(server.base_url).register("alice")
        query = {"access_token": alice.token}
        answer = Client(server.base_url).get(f"{CLIENT}/account/whoami", query=query, expect=401)
        assert answer["errcode"] == "M_MISSING_TOKEN"
        alice.get(f"{CLIENT}/account/whoami")
        server.shut_down_and_check()
    finally:
        server.remove()
