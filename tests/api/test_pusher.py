"""Pushers (pusher.yaml)."""

import pytest
from client import CLIENT

PUSHER = {
    "kind": "http",
    "app_id": "org.example.app",
    "pushkey": "key",
    "app_display_name": "App",
    "device_display_name": "Phone",
    "lang": "en",
    "data": {"url": "https://push.example.org/_matrix/push/v1/notify", "format": "event_id_only", "x": 1},
}


def set_pusher(client, expect=200, **changes):
    return client.post(f"{CLIENT}/pushers/set", body={**PUSHER, **changes}, expect=expect)


def pushers(client):
    """Without what MSC3881 adds: tests/api/test_push_delivery.py looks at that."""
    listed = client.get(f"{CLIENT}/pushers")["pushers"]
    return [{k: v for k, v in pusher.items() if "msc3881" not in k} for pusher in listed]


def test_a_pusher_is_added_replaced_and_removed(alice):
    assert pushers(alice) == []
    set_pusher(alice, profile_tag="tag")
    assert pushers(alice) == [{**PUSHER, "profile_tag": "tag"}]
    set_pusher(alice, lang="fr")
    set_pusher(alice, pushkey="other")
    assert [(p["pushkey"], p["lang"]) for p in pushers(alice)] == [("key", "fr"), ("other", "en")]
    set_pusher(alice, kind=None)
    set_pusher(alice, kind=None)
    assert [p["pushkey"] for p in pushers(alice)] == ["other"]


def test_a_pushkey_has_one_user_unless_appended(alice, bob):
    set_pusher(alice, pushkey="shared")
    set_pusher(bob, pushkey="shared", append=True)
    assert len(pushers(alice)) == len(pushers(bob)) == 1
    set_pusher(alice, pushkey="shared")
    assert len(pushers(alice)) == 1 and pushers(bob) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "pigeon"},
        {"kind": 7},
        {"app_id": "x" * 65},
        {"pushkey": "x" * 513},
        {"data": {}},
        {"data": {"url": "http://push.example.org/_matrix/push/v1/notify"}},
        {"data": {"url": "https://push.example.org/elsewhere"}},
        {"data": {"url": "https:///_matrix/push/v1/notify"}},
        {"data": {"url": "https://push.example.org/_matrix/push/v1/notify?x"}},
        {"data": "text"},
        {"lang": None},
        {"kind": "email"},
    ],
)
def test_bad_pushers_are_refused(alice, changes):
    set_pusher(alice, expect=400, **changes)
    assert pushers(alice) == []


def test_a_pusher_goes_with_its_device(alice):
    device = alice.second_device()
    set_pusher(device, pushkey="theirs")
    set_pusher(alice, pushkey="mine")
    device.post(f"{CLIENT}/logout")
    assert [p["pushkey"] for p in pushers(alice)] == ["mine"]
