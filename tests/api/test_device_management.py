"""device_management.yaml: /devices, /delete_devices."""

from client import CLIENT

DEVICES = f"{CLIENT}/devices"
DEVICE = f"{CLIENT}/devices/{{}}"
DELETE = f"{CLIENT}/delete_devices"
WHOAMI = f"{CLIENT}/account/whoami"


def test_own_devices_are_listed(alice, bob):
    tablet = alice.login(alice.user_id, initial_device_display_name="Tablet")
    devices = {device["device_id"]: device for device in alice.get(DEVICES)["devices"]}
    assert set(devices) == {alice.device_id, tablet.device_id}
    assert devices[tablet.device_id]["display_name"] == "Tablet"


def test_the_last_use_is_told(alice):
    alice.get(WHOAMI)
    device = alice.get(DEVICE, alice.device_id)
    assert device["last_seen_ts"] > 1_600_000_000_000
    assert device["last_seen_ip"] == "127.0.0.1"


def test_what_is_not_known_of_a_device_is_null(alice):
    tablet = alice.second_device()
    device = alice.get(DEVICE, tablet.device_id)
    unknown = {"display_name": None, "last_seen_ip": None, "last_seen_ts": None}
    assert device == {"device_id": tablet.device_id, **unknown}
    assert device in alice.get(DEVICES)["devices"]


def test_a_device_is_renamed(alice):
    assert alice.put(DEVICE, alice.device_id, body={"display_name": "Büro"}) == {}
    assert alice.get(DEVICE, alice.device_id)["display_name"] == "Büro"
    alice.put(DEVICE, alice.device_id, body={})
    assert alice.get(DEVICE, alice.device_id)["display_name"] == "Büro"
    answer = alice.put(DEVICE, alice.device_id, body={"display_name": "x" * 5000}, expect=413)
    assert answer["errcode"] == "M_TOO_LARGE"


def test_devices_of_others_do_not_exist(alice, bob):
    for call in (alice.get, alice.put):
        assert call(DEVICE, bob.device_id, expect=404)["errcode"] == "M_NOT_FOUND"
    session = alice.delete(DEVICE, bob.device_id, expect=401)["session"]
    alice.delete(DEVICE, bob.device_id, body={"auth": alice.password_auth(session)})
    bob.get(WHOAMI)


def test_a_deleted_device_is_logged_out(alice):
    tablet = alice.second_device()
    challenge = alice.delete(DEVICE, tablet.device_id, expect=401)
    assert challenge["flows"] == [{"stages": ["m.login.password"]}]
    auth = alice.password_auth(challenge["session"])
    assert alice.delete(DEVICE, tablet.device_id, body={"auth": auth}) == {}
    assert tablet.get(WHOAMI, expect=401)["errcode"] == "M_UNKNOWN_TOKEN"
    alice.get(DEVICE, tablet.device_id, expect=404)


def test_deleting_a_device_that_is_gone_succeeds(alice):
    session = alice.delete(DEVICE, "GONE", expect=401)["session"]
    alice.delete(DEVICE, "GONE", body={"auth": alice.password_auth(session)})


def test_a_proof_for_one_device_does_not_delete_another(alice):
    tablet = alice.second_device()
    session = alice.delete(DEVICE, "GONE", expect=401)["session"]
    body = {"auth": alice.password_auth(session)}
    answer = alice.delete(DEVICE, tablet.device_id, body=body, expect=403)
    assert answer["errcode"] == "M_FORBIDDEN"
    tablet.get(WHOAMI)


def test_many_devices_are_deleted_together(alice):
    others = [alice.second_device() for _ in range(3)]
    body = {"devices": [other.device_id for other in others] + ["GONE"]}
    session = alice.post(DELETE, body=body, expect=401)["session"]
    alice.post(DELETE, body={**body, "auth": alice.password_auth(session)})
    for other in others:
        other.get(WHOAMI, expect=401)
    alice.get(WHOAMI)


def test_a_list_without_devices_is_refused(alice):
    for body in ({}, {"devices": "GONE"}, {"devices": [1]}):
        session = alice.post(DELETE, body=body, expect=401)["session"]
        body["auth"] = alice.password_auth(session)
        answer = alice.post(DELETE, body=body, expect=400)
        assert answer["errcode"] in ("M_BAD_JSON", "M_MISSING_PARAM")


def test_who_is_not_logged_in_has_no_devices(anonymous):
    for method, path in (("GET", DEVICES), ("GET", DEVICE), ("PUT", DEVICE), ("DELETE", DEVICE)):
        body = {} if method == "PUT" else None
        answer = anonymous.call(method, path, "ANY", body=body, expect=401)
        assert answer["errcode"] == "M_MISSING_TOKEN"


def test_the_notification_settings_of_a_device_go_with_it(alice):
    phone = alice.second_device()
    path = f"{CLIENT}/user/{{}}/account_data/{{}}"
    kinds = ("org.matrix.msc3890.local_notification_settings", "m.local_notification_settings")
    for kind in kinds:
        for client in (alice, phone):
            name = f"{kind}.{client.device_id}"
            alice.put(path, alice.user_id, name, body={"is_silenced": True})
    phone.post(f"{CLIENT}/logout")
    for kind in kinds:
        alice.get(path, alice.user_id, f"{kind}.{phone.device_id}", expect=404)
        alice.get(path, alice.user_id, f"{kind}.{alice.device_id}")
