"""Messages from device to device (to_device.yaml): told until acknowledged, in order, a hundred at a time."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from client import CLIENT, unique
from device import Device, claim_key, query_keys, upload_keys

SEND = f"{CLIENT}/sendToDevice/{{}}/{{}}"


def send(client, messages, event_type="org.example.secret", txn_id=None, **options):
    return client.put(SEND, event_type, txn_id or unique("txn"), body={"messages": messages}, **options)


def received(answer):
    return [event["content"] for event in answer.get("to_device", {}).get("events", [])]


def test_a_message_reaches_its_device_with_sender_and_type(alice, bob):
    other = bob.second_device()
    bob.sync(), other.sync()
    send(alice, {bob.user_id: {bob.device_id: {"a": 1, "nul": "\0"}}}, "m.room.encrypted")
    event = {"type": "m.room.encrypted", "sender": alice.user_id, "content": {"a": 1, "nul": "\0"}}
    assert bob.sync()["to_device"]["events"] == [event]
    assert received(other.sync()) == []


def test_a_star_means_every_device(alice, bob):
    devices = [bob, bob.second_device(), bob.second_device()]
    send(alice, {bob.user_id: {"*": {"to": "all"}, devices[1].device_id: {"to": "one"}}})
    assert [received(device.sync()) for device in devices] == [[{"to": "all"}], [{"to": "one"}], [{"to": "all"}]]


def test_a_message_is_told_until_it_is_acknowledged(alice, bob):
    bob.sync()
    start = bob.since
    send(alice, {bob.user_id: {bob.device_id: {"n": 1}}})
    for _ in range(2):
        bob.since = start
        assert received(bob.sync()) == [{"n": 1}]
    acknowledged = bob.since
    assert received(bob.sync()) == []
    for since in (start, acknowledged, None):
        bob.since = since
        assert received(bob.sync()) == []


def test_a_backlog_comes_in_order_and_in_parts(alice, bob):
    bob.sync()
    for number in range(230):
        send(alice, {bob.user_id: {bob.device_id: {"n": number}}})
    parts = []
    while not parts or parts[-1]:
        # There is more: the answer must not wait, however long the client would.
        answer = bob.sync(timeout_ms=0 if parts and len(parts[-1]) < 100 else 60000)
        parts.append([content["n"] for content in received(answer)])
    assert [len(part) for part in parts] == [100, 100, 30, 0]
    assert sum(parts, []) == list(range(230))


def test_a_repeated_request_sends_nothing_twice(alice, bob):
    txn_id = unique("txn")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: send(alice, {bob.user_id: {"*": {"n": 1}}}, txn_id=txn_id), range(16)))
    assert received(bob.sync()) == [{"n": 1}]
    # Another device has transaction IDs of its own.
    send(alice.second_device(), {bob.user_id: {"*": {"n": 2}}}, txn_id=txn_id)
    assert received(bob.sync()) == [{"n": 2}]


def test_unknown_devices_and_users_are_passed_over(alice, bob):
    send(alice, {"@nobody:localhost": {"*": {}}, bob.user_id: {"NONE": {}, bob.device_id: {"n": 1}}})
    assert received(bob.sync()) == [{"n": 1}]
    send(alice, {})


def test_messages_of_another_shape_are_refused(alice, bob):
    for messages in ([], {bob.user_id: []}, {bob.user_id: {"*": "text"}}):
        assert send(alice, messages, expect=400)["errcode"] == "M_BAD_JSON"
    alice.put(SEND, "m.type", "t", body={}, expect=400)
    send(alice, {bob.user_id: {"*": {"x": "y" * 70000}}}, expect=413)
    assert received(bob.sync()) == []


def test_a_waiting_sync_is_woken(alice, bob):
    bob.sync()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(bob.sync_until, received)
        send(alice, {bob.user_id: {bob.device_id: {"n": 1}}})
        assert waiting.result() == [{"n": 1}]


def end_session(client, device):
    device.post(f"{CLIENT}/logout")


def end_all_sessions(client, device):
    client.post(f"{CLIENT}/logout/all")


def end_device(client, device):
    session = client.delete(f"{CLIENT}/devices/{{}}", device.device_id, body={}, expect=401)["session"]
    client.delete(f"{CLIENT}/devices/{{}}", device.device_id, body={"auth": client.password_auth(session)})


@pytest.mark.parametrize("end", [end_session, end_all_sessions, end_device])
def test_messages_and_keys_end_with_their_device(alice, bob, end):
    device = bob.second_device()
    crypto = Device(device)
    crypto.upload(device, 2)
    upload_keys(device, fallback_keys=crypto.fallback_key())
    send(alice, {bob.user_id: {device.device_id: {"n": 1}}})
    end(bob, device)

    assert device.device_id not in query_keys(alice, bob.user_id)["device_keys"][bob.user_id]
    assert claim_key(alice, bob.user_id, device.device_id) is None
    again = bob.login(bob.user_id, device_id=device.device_id)
    answer = again.sync()
    assert received(answer) == []
    assert answer["device_one_time_keys_count"] == {"signed_curve25519": 0}
    assert answer["device_unused_fallback_key_types"] == []
