"""Dehydrated devices (MSC3814): a device without a session that receives messages until its user comes back."""

import json
from types import SimpleNamespace

import pytest
from client import CLIENT, unique
from device import Device, SigningKey, claim_key, query_keys

DEHYDRATED = "/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device"
EVENTS = DEHYDRATED + "/{}/events"
DATA = {"algorithm": "m.dehydration.v2", "device_pickle": "x", "nonce": "y"}


def body_for(client, one_time_keys=1, **more):
    """A request that dehydrates a device, and the one-time keys in it."""
    device_id = SigningKey().public  # any text of the form of a curve25519 key
    device = Device(SimpleNamespace(user_id=client.user_id, device_id=device_id))
    keys = device.one_time_keys(one_time_keys)
    body = {
        "device_id": device_id,
        "device_data": DATA,
        "initial_device_display_name": "dehydrated",
        "device_keys": device.sign({**device.keys(), "dehydrated": True, "signatures": {}}),
        "one_time_keys": keys,
        "fallback_keys": device.fallback_key(),
        **more,
    }
    return body, keys


def dehydrate(client, **options):
    body, keys = body_for(client, **options)
    assert client.put(DEHYDRATED, body=body) == {"device_id": body["device_id"]}
    return body["device_id"], keys


def send(client, user_id, device_id, content):
    body = {"messages": {user_id: {device_id: content}}}
    client.put(f"{CLIENT}/sendToDevice/m.room.encrypted/{{}}", unique("txn"), body=body)


def test_a_dehydrated_device_is_a_device_to_others(alice, bob, room):
    bob.sync()
    device_id, keys = dehydrate(alice)
    assert bob.sync()["device_lists"]["changed"] == [alice.user_id]
    document = query_keys(bob, alice.user_id)["device_keys"][alice.user_id][device_id]
    assert document["dehydrated"] is True
    assert document["unsigned"] == {"device_display_name": "dehydrated"}
    assert claim_key(bob, alice.user_id, device_id) == keys
    assert next(iter(claim_key(bob, alice.user_id, device_id))).startswith("signed_curve25519:fallback")
    assert alice.get(DEHYDRATED) == {"device_id": device_id, "device_data": DATA}
    listed = [device["device_id"] for device in alice.get(f"{CLIENT}/devices")["devices"]]
    assert sorted(listed) == sorted([device_id, alice.device_id])
    bob.get(DEHYDRATED, expect=404)


@pytest.mark.parametrize("method", ["get", "post"])
def test_its_messages_are_read_in_parts_as_often_as_wanted(alice, bob, method):
    device_id, _ = dehydrate(alice)
    for number in range(130):
        send(bob, alice.user_id, device_id, {"n": number})

    def read(token):
        options = {"query" if method == "get" else "body": {"next_batch": token}} if token else {}
        return getattr(alice, method)(EVENTS, device_id, **options)

    for _ in range(2):
        parts, token = [], None
        while not parts or parts[-1]:
            answer = read(token)
            parts.append([event["content"]["n"] for event in answer["events"]])
            token = answer["next_batch"]
        assert [len(part) for part in parts] == [100, 30, 0]
        assert sum(parts, []) == list(range(130))
    event = {"type": "m.room.encrypted", "sender": bob.user_id, "content": {"n": 0}}
    assert read(None)["events"][0] == event


def test_messages_of_other_devices_are_not_read_this_way(alice, bob):
    device_id, _ = dehydrate(alice)
    for client, other in ((alice, alice.device_id), (alice, "OTHER"), (bob, device_id)):
        assert client.get(EVENTS, other, expect=403)["errcode"] == "M_FORBIDDEN"
    assert alice.get(EVENTS, device_id, query={"next_batch": "x"}, expect=400)["errcode"] == "M_INVALID_PARAM"


def test_a_new_one_takes_the_place_of_the_old(alice, bob):
    first, _ = dehydrate(alice)
    send(bob, alice.user_id, first, {"n": 1})
    second, _ = dehydrate(alice)
    assert alice.get(DEHYDRATED)["device_id"] == second
    assert set(query_keys(bob, alice.user_id)["device_keys"][alice.user_id]) == {second}
    alice.get(EVENTS, first, expect=403)
    assert alice.get(EVENTS, second)["events"] == []

    # The same ID again is another device all the same.
    send(bob, alice.user_id, second, {"n": 2})
    body, _ = body_for(alice)
    device = Device(SimpleNamespace(user_id=alice.user_id, device_id=second))
    again = {**body, "device_id": second, "device_keys": device.keys(), "one_time_keys": {}, "fallback_keys": {}}
    alice.put(DEHYDRATED, body=again)
    assert alice.get(EVENTS, second)["events"] == []


@pytest.mark.parametrize("way", ["DELETE /dehydrated_device", "DELETE /devices", "logout/all"])
def test_it_is_deleted_with_all_it_has(alice, bob, way):
    device_id, _ = dehydrate(alice)
    send(bob, alice.user_id, device_id, {"n": 1})
    if way == "DELETE /dehydrated_device":
        assert alice.delete(DEHYDRATED) == {"device_id": device_id}
    elif way == "DELETE /devices":
        challenge = alice.delete(f"{CLIENT}/devices/{{}}", device_id, expect=401)
        auth = alice.password_auth(challenge["session"])
        alice.delete(f"{CLIENT}/devices/{{}}", device_id, body={"auth": auth})
    else:
        alice.post(f"{CLIENT}/logout/all")
        alice = alice.login(alice.user_id)
    alice.get(DEHYDRATED, expect=404)
    assert device_id not in query_keys(bob, alice.user_id)["device_keys"].get(alice.user_id, {})
    assert claim_key(bob, alice.user_id, device_id) is None
    alice.delete(DEHYDRATED, expect=404)


def test_what_is_refused_changes_nothing(alice):
    device_id, _ = dehydrate(alice)
    good, _ = body_for(alice)
    forged = {**good["device_keys"], "algorithms": []}  # not what was signed
    wrong = [
        ({**good, "device_id": alice.device_id}, "M_INVALID_PARAM"),
        ({**good, "device_keys": forged}, "M_INVALID_SIGNATURE"),
        ({**good, "device_data": {}}, "M_BAD_JSON"),
        ({**good, "device_data": {"algorithm": "a", "x": "y" * 70000}}, "M_TOO_LARGE"),
        ({name: value for name, value in good.items() if name != "device_keys"}, "M_MISSING_PARAM"),
        ({name: value for name, value in good.items() if name != "device_data"}, "M_MISSING_PARAM"),
        ({**good, "device_id": "x" * 300}, None),
    ]
    for body, errcode in wrong:
        answer = alice.raw("PUT", DEHYDRATED, content=json.dumps(body).encode())
        assert 400 <= answer.status_code < 500, answer.text
        assert errcode in (None, answer.json()["errcode"]), answer.text
        assert alice.get(DEHYDRATED)["device_id"] == device_id


def test_a_device_that_is_logged_in_is_not_replaced(alice):
    before, _ = dehydrate(alice)
    device = Device(alice)
    body, _ = body_for(alice)
    body = {**body, "device_id": alice.device_id, "device_keys": device.keys(), "one_time_keys": {}, "fallback_keys": {}}
    assert alice.put(DEHYDRATED, body=body, expect=400)["errcode"] == "M_INVALID_PARAM"
    assert alice.get(f"{CLIENT}/account/whoami")["device_id"] == alice.device_id
    assert alice.get(DEHYDRATED)["device_id"] == before
