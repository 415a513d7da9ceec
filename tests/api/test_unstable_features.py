"""What /versions promises is there, and what is there is promised (versions.yaml)."""

import pytest
from client import CLIENT, joined_room, timeline
from device import CrossSigning, Device
from sliding import Sliding
from test_relations import RELATIONS, relate

UNSTABLE = "/_matrix/client/unstable"


def cross_signing(alice, bob, room):
    alice.post(f"{UNSTABLE}/keys/device_signing/upload", body=CrossSigning(alice).body())
    keys = bob.post(f"{CLIENT}/keys/query", body={"device_keys": {alice.user_id: []}})
    assert alice.user_id in keys["master_keys"]


def appservice_ping(alice, bob, room):
    alice.post("/_matrix/client/v1/appservice/irc/ping", expect=403)


def private_receipts(alice, bob, room):
    bob.post(f"{CLIENT}/rooms/{{}}/receipt/m.read.private/{{}}", room, alice.send_text(room, "x"))


def deleted_account_data(alice, bob, room):
    data = f"{CLIENT}/user/{{}}/account_data/test"
    alice.put(data, alice.user_id, body={"a": 1})
    alice.delete(f"{UNSTABLE}/org.matrix.msc3391/user/{{}}/account_data/test", alice.user_id)
    alice.get(data, alice.user_id, expect=404)
    alice.delete(f"{UNSTABLE}/org.matrix.msc3391/user/{{}}/rooms/{{}}/account_data/test", alice.user_id, room)


def threads(alice, bob, room):
    root = alice.send_text(room, "root")
    reply = relate(alice, room, "m.thread", root)
    (listed,) = alice.get("/_matrix/client/v1/rooms/{}/threads", room)["chunk"]
    assert listed["event_id"] == root
    bob.post(f"{CLIENT}/rooms/{{}}/receipt/m.read/{{}}", room, reply, body={"thread_id": root})


def thread_counts(alice, bob, room):
    root = alice.send_text(room, "root")
    relate(alice, room, "m.thread", root)
    query = {"filter": '{"room":{"timeline":{"unread_thread_notifications":true}}}'}
    answer = bob.get(f"{CLIENT}/sync", query=query)
    assert joined_room(answer, room)["unread_thread_notifications"][root]["notification_count"] == 1


def room_types(alice, bob, room):
    filtered = {"filter": {"room_types": ["m.space"]}}
    assert "chunk" in alice.post(f"{CLIENT}/publicRooms", body=filtered)


def relation_filters(alice, bob, room):
    root = alice.send_text(room, "root")
    reply = relate(alice, room, "m.thread", root)
    query = {"dir": "b", "filter": '{"org.matrix.msc3874.rel_types":["m.thread"]}'}
    chunk = alice.get(f"{CLIENT}/rooms/{{}}/messages", room, query=query)["chunk"]
    assert [event["event_id"] for event in chunk] == [reply]


def authenticated_media(alice, bob, room):
    assert "m.upload.size" in alice.get("/_matrix/client/v1/media/config")


def recursive_relations(alice, bob, room):
    root = alice.send_text(room, "root")
    reply = relate(alice, room, "m.thread", root)
    edit = relate(alice, room, "m.replace", reply)
    chunk = alice.get(RELATIONS, room, root, query={"recurse": "true"})["chunk"]
    assert {event["event_id"] for event in chunk} == {reply, edit}


def state_after(alice, bob, room):
    answer = alice.get(f"{CLIENT}/sync", query={"org.matrix.msc4222.use_state_after": "true"})
    assert joined_room(answer, room)["org.matrix.msc4222.state_after"]["events"]


def mutual_rooms(alice, bob, room):
    for path in (f"{UNSTABLE}/uk.half-shot.msc2666/user/mutual_rooms", "/_matrix/client/v1/mutual_rooms"):
        assert alice.get(path, query={"user_id": bob.user_id})["joined"] == [room]


def profile_fields(alice, bob, room):
    field = f"{UNSTABLE}/uk.tcpip.msc4133/profile/{{}}/{{}}"
    alice.put(field, alice.user_id, "org.example.office", body={"org.example.office": "B12"})
    assert bob.get(field, alice.user_id, "org.example.office") == {"org.example.office": "B12"}
    assert bob.get(f"{UNSTABLE}/uk.tcpip.msc4133/profile/{{}}", alice.user_id)["org.example.office"] == "B12"


def time_zones(alice, bob, room):
    for name in ("us.cloke.msc4175.tz", "m.tz"):
        alice.put(f"{CLIENT}/profile/{{}}/{{}}", alice.user_id, name, body={name: "Europe/Paris"})
        assert bob.get(f"{CLIENT}/profile/{{}}", alice.user_id)[name] == "Europe/Paris"


def pusher_switches(alice, bob, room):
    pusher = {
        "kind": "http",
        "app_id": "a",
        "pushkey": "b",
        "app_display_name": "c",
        "device_display_name": "d",
        "lang": "fr",
        "data": {"url": "https://push.example.org/_matrix/push/v1/notify"},
        "org.matrix.msc3881.enabled": False,
    }
    alice.post(f"{CLIENT}/pushers/set", body=pusher)
    (told,) = alice.get(f"{CLIENT}/pushers")["pushers"]
    assert told["org.matrix.msc3881.enabled"] is False
    assert told["org.matrix.msc3881.device_id"] == alice.device_id


def dehydrated_devices(alice, bob, room):
    alice.get(f"{UNSTABLE}/org.matrix.msc3814.v1/dehydrated_device", expect=404)
    device = Device(alice)
    device.device_id = "COLD"
    body = {"device_id": "COLD", "device_data": {"algorithm": "x"}, "device_keys": device.keys()}
    alice.put(f"{UNSTABLE}/org.matrix.msc3814.v1/dehydrated_device", body=body)
    assert alice.get(f"{UNSTABLE}/org.matrix.msc3814.v1/dehydrated_device")["device_id"] == "COLD"


def delayed_events(alice, bob, room):
    path = f"{CLIENT}/rooms/{{}}/send/m.room.message/1"
    query = {"org.matrix.msc4140.delay": 3600000}
    delay_id = alice.put(path, room, body={"msgtype": "m.text", "body": "x"}, query=query)["delay_id"]
    assert alice.get(f"{UNSTABLE}/org.matrix.msc4140/delayed_events")
    alice.post(f"{UNSTABLE}/org.matrix.msc4140/delayed_events/{{}}/cancel", delay_id)


def rtc_transports(alice, bob, room):
    assert "rtc_transports" in alice.get(f"{UNSTABLE}/org.matrix.msc4143/rtc/transports")


def invite_filters(alice, bob, room):
    content = {"blocked_users": [bob.user_id]}
    alice.put(f"{CLIENT}/user/{{}}/account_data/org.matrix.msc4155.invite_permission_config", alice.user_id, body=content)
    bob.invite(bob.create_room(), alice.user_id, expect=403)


def invite_blocking(alice, bob, room):
    content = {"default_action": "block"}
    alice.put(f"{CLIENT}/user/{{}}/account_data/m.invite_permission_config", alice.user_id, body=content)
    answer = bob.invite(bob.create_room(), alice.user_id, expect=403)
    assert answer["errcode"] == "M_INVITE_BLOCKED"


def sent_redactions(alice, bob, room):
    event_id = alice.send_text(room, "x")
    alice.send(room, "m.room.redaction", {"redacts": event_id})
    assert alice.event(room, event_id)["content"] == {}


def sliding_sync(alice, bob, room):
    assert room in Sliding(alice).ask()["rooms"]


PROMISED = {
    "com.beeper.msc4169": sent_redactions,
    "fi.mau.msc2659.stable": appservice_ping,
    "org.matrix.e2e_cross_signing": cross_signing,
    "org.matrix.msc2285.stable": private_receipts,
    "org.matrix.msc3391": deleted_account_data,
    "org.matrix.msc3440.stable": threads,
    "org.matrix.msc3771": threads,
    "org.matrix.msc3773": thread_counts,
    "org.matrix.msc3814": dehydrated_devices,
    "org.matrix.msc3827.stable": room_types,
    "org.matrix.msc3874": relation_filters,
    "org.matrix.msc3881": pusher_switches,
    "org.matrix.msc3916.stable": authenticated_media,
    "org.matrix.msc3981": recursive_relations,
    "org.matrix.msc4140": delayed_events,
    "org.matrix.msc4143": rtc_transports,
    "org.matrix.msc4155": invite_filters,
    "org.matrix.msc4222": state_after,
    "org.matrix.msc4380.stable": invite_blocking,
    "org.matrix.simplified_msc3575": sliding_sync,
    "uk.half-shot.msc2666.query_mutual_rooms": mutual_rooms,
    "uk.half-shot.msc2666.query_mutual_rooms.stable": mutual_rooms,
    "uk.tcpip.msc4133": profile_fields,
    "uk.tcpip.msc4133.stable": profile_fields,
    "us.cloke.msc4175": time_zones,
    "us.cloke.msc4175.stable": time_zones,
}
# They have settings of their own, and tests that switch them on.
SETTINGS = {"org.matrix.msc4108", "org.matrix.msc4306"}


def room_summaries(alice, bob, room):
    for path in ("im.nheko.summary/summary/{}", "im.nheko.summary/rooms/{}/summary"):
        summary = alice.get(f"{UNSTABLE}/{path}", room)
        assert summary["room_id"] == room and summary["im.nheko.summary.room_version"]


def notification_settings(alice, bob, room):
    """MSC3890: they go with their device."""
    device = alice.second_device()
    name = f"org.matrix.msc3890.local_notification_settings.{device.device_id}"
    data = f"{CLIENT}/user/{{}}/account_data/{{}}"
    alice.put(data, alice.user_id, name, body={"is_silenced": True})
    device.post(f"{CLIENT}/logout")
    alice.get(data, alice.user_id, name, expect=404)


def call_members(alice, bob, room):
    """MSC3401 and MSC3757: members of calls have state of their own, with a device in its key."""
    levels = alice.get(f"{CLIENT}/rooms/{{}}/state/m.room.power_levels", room)
    levels.setdefault("events", {})["org.matrix.msc3401.call.member"] = 0
    alice.put(f"{CLIENT}/rooms/{{}}/state/m.room.power_levels", room, body=levels)
    state = f"{CLIENT}/rooms/{{}}/state/org.matrix.msc3401.call.member/{{}}"
    event_id = bob.put(state, room, f"_{bob.user_id}_DEVICE_m.call", body={"application": "m.call"})["event_id"]
    alice.sync_until(lambda answer: event_id in [event["event_id"] for event in timeline(answer, room)])


@pytest.mark.parametrize("name", PROMISED)
def test_a_promised_feature_is_there(name, alice, bob, room):
    PROMISED[name](alice, bob, room)


@pytest.mark.parametrize("check", [room_summaries, notification_settings, call_members], ids=lambda check: check.__name__)
def test_what_clients_use_unasked_is_there(check, alice, bob, room):
    check(alice, bob, room)


def test_nothing_else_is_promised(anonymous):
    answer = anonymous.get("/_matrix/client/versions")
    promised = {name for name, is_on in answer["unstable_features"].items() if is_on}
    assert promised - SETTINGS == set(PROMISED)
    # Clients compare strings, and some stop at the first gap.
    assert [f"v1.{minor}" for minor in range(1, 20)] == [v for v in answer["versions"] if v.startswith("v")]
