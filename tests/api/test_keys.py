"""Device keys, one-time keys, and who has to ask for them again (keys.yaml)."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from client import CLIENT, Client
from device import Device, claim_key, query_keys, upload_keys
from homeserver import launch


def lists(answer):
    found = answer.get("device_lists", {})
    return set(found.get("changed", [])), set(found.get("left", []))


def counts(answer):
    return answer["device_one_time_keys_count"]


# ── Upload and query ────────────────────────────────────────────────────────────────────────────────


def test_uploaded_keys_are_found_by_others(alice, bob):
    device = Device(alice)
    upload_keys(alice, device_keys=device.keys())
    alice.put(f"{CLIENT}/devices/{{}}", alice.device_id, body={"display_name": "Téléphone"})

    answer = query_keys(bob, alice.user_id, bob.user_id)
    expected = {**device.keys(), "unsigned": {"device_display_name": "Téléphone"}}
    assert answer["device_keys"] == {alice.user_id: {alice.device_id: expected}, bob.user_id: {}}
    assert answer["failures"] == {}


def test_only_the_wanted_devices_are_answered(alice, bob):
    second = alice.second_device()
    for client in (alice, second):
        Device(client).upload(client)
    body = {"device_keys": {alice.user_id: [second.device_id, "UNKNOWN"]}}
    answer = bob.post(f"{CLIENT}/keys/query", body=body)
    assert list(answer["device_keys"][alice.user_id]) == [second.device_id]


def test_keys_of_another_device_or_user_are_refused(alice, bob):
    keys = Device(bob).keys()
    assert upload_keys(alice, device_keys=keys, expect=400)["errcode"] == "M_INVALID_PARAM"
    upload_keys(alice.second_device(), device_keys=Device(alice).keys(), expect=400)
    upload_keys(alice, device_keys={"user_id": alice.user_id, "device_id": alice.device_id}, expect=400)


def test_bad_signatures_are_refused_and_nothing_is_stored(alice, bob):
    device = Device(alice)
    forged = {**device.keys(), "algorithms": ["m.megolm.v1.aes-sha2"]}
    assert upload_keys(alice, device_keys=forged, expect=400)["errcode"] == "M_INVALID_SIGNATURE"
    assert query_keys(bob, alice.user_id)["device_keys"] == {alice.user_id: {}}

    upload_keys(alice, device_keys=device.keys())
    stranger = Device(alice)
    for kind in ("one_time_keys", "fallback_keys"):
        error = upload_keys(alice, expect=400, **{kind: stranger.one_time_keys(1)})
        assert error["errcode"] == "M_INVALID_SIGNATURE"
    assert upload_keys(alice)["one_time_key_counts"] == {}


def unsigned_keys(client, signatures):
    return {**Device(client).keys(), "signatures": signatures}


def test_keys_that_their_device_did_not_sign_are_refused(alice, bob):
    by_another = {alice.user_id: {"ed25519:OTHER": "x" * 86}}
    by_nobody = {alice.user_id: {f"ed25519:{alice.device_id}": ""}}
    for signatures in ({}, by_another, by_nobody, {bob.user_id: {}}):
        answer = upload_keys(alice, device_keys=unsigned_keys(alice, signatures), expect=400)
        assert answer["errcode"] == "M_INVALID_SIGNATURE"
    assert query_keys(bob, alice.user_id)["device_keys"] == {alice.user_id: {}}

    # Nobody can say whose these are before the device has told its own keys.
    device = Device(alice)
    keys = device.one_time_keys(1)
    assert upload_keys(alice, one_time_keys=keys, expect=400)["errcode"] == "M_INVALID_SIGNATURE"
    upload_keys(alice, device_keys=device.keys(), one_time_keys=keys)
    assert claim_key(bob, alice.user_id, alice.device_id) == keys


def test_a_test_suite_may_have_unsigned_keys_accepted(homeserver_kind):
    server = launch(homeserver_kind, encryption={"accept_unsigned_keys": True})
    try:
        alice = Client(server.start().base_url).register("alice")
        forged = {alice.user_id: {f"ed25519:{alice.device_id}": "A" * 86}}
        answer = upload_keys(alice, device_keys=unsigned_keys(alice, forged), expect=400)
        assert answer["errcode"] == "M_INVALID_SIGNATURE"
        keys = unsigned_keys(alice, {})
        upload_keys(alice, device_keys=keys)
        assert query_keys(alice, alice.user_id)["device_keys"][alice.user_id][alice.device_id]["keys"] == keys["keys"]
        server.shut_down_and_check()
    finally:
        server.remove()


@pytest.mark.parametrize(
    "body",
    [
        {"device_keys": []},
        {"one_time_keys": "x"},
        {"one_time_keys": {"noalgorithm": "x"}},
        {"one_time_keys": {"curve25519:A": 7}},
        {"fallback_keys": {"signed_curve25519:A": {}}},
    ],
)
def test_keys_of_another_shape_are_refused(alice, body):
    assert upload_keys(alice, expect=400, **body)["errcode"] == "M_BAD_JSON"


def test_users_of_servers_out_of_reach_are_failures(alice):
    answer = query_keys(alice, "@someone:unreachable.invalid", alice.user_id)
    assert list(answer["failures"]) == ["unreachable.invalid"]
    assert list(answer["device_keys"]) == [alice.user_id]


# ── One-time and fallback keys ──────────────────────────────────────────────────────────────────────


def test_one_time_keys_are_handed_out_once_and_oldest_first(alice, bob):
    device = Device(alice)
    keys = {**device.upload(alice, 5), **(later := device.one_time_keys(3))}
    upload_keys(alice, one_time_keys=later)
    claimed = [claim_key(bob, alice.user_id, alice.device_id) for _ in range(9)]
    assert claimed == [{name: key} for name, key in keys.items()] + [None]


def test_the_same_key_may_come_twice_but_never_another_value(alice, bob):
    device = Device(alice)
    keys = device.upload(alice, 2)
    answer = upload_keys(alice, one_time_keys=keys)
    assert answer["one_time_key_counts"] == {"signed_curve25519": 2}
    name = next(iter(keys))
    changed = {name: next(iter(device.one_time_keys(1).values()))}
    upload_keys(alice, one_time_keys=changed, expect=400)

    # A repeated upload brings nothing back that was handed out.
    claim_key(bob, alice.user_id, alice.device_id)
    answer = upload_keys(alice, one_time_keys=keys)
    assert answer["one_time_key_counts"] == {"signed_curve25519": 1}
    upload_keys(alice, one_time_keys=changed, expect=400)


def test_the_fallback_key_is_used_when_there_is_no_other(alice, bob):
    device = Device(alice)
    fallback = device.fallback_key()
    keys = device.upload(alice, 1)
    upload_keys(alice, fallback_keys=fallback)
    assert alice.sync()["device_unused_fallback_key_types"] == ["signed_curve25519"]

    assert claim_key(bob, alice.user_id, alice.device_id) == keys
    assert alice.sync()["device_unused_fallback_key_types"] == ["signed_curve25519"]
    for _ in range(2):
        assert claim_key(bob, alice.user_id, alice.device_id) == fallback
        assert alice.sync()["device_unused_fallback_key_types"] == []

    # The same again is no new key.
    upload_keys(alice, fallback_keys=fallback)
    assert alice.sync()["device_unused_fallback_key_types"] == []
    newer = device.fallback_key()
    upload_keys(alice, fallback_keys=newer)
    assert alice.sync()["device_unused_fallback_key_types"] == ["signed_curve25519"]
    assert claim_key(bob, alice.user_id, alice.device_id) == newer


def test_many_claimers_at_once_get_each_key_once(alice, bob):
    """64 claimers, 100 keys, 160 claims: each key once, then the fallback key."""
    device = Device(alice)
    fallback = device.fallback_key()
    keys = device.upload(alice, 100)
    upload_keys(alice, fallback_keys=fallback)

    with ThreadPoolExecutor(64) as pool:
        claims = list(pool.map(lambda _: claim_key(bob, alice.user_id, alice.device_id), range(160)))
    names = [name for claim in claims for name in claim]
    fallback_name = next(iter(fallback))
    assert sorted(name for name in names if name != fallback_name) == sorted(keys)
    assert names.count(fallback_name) == 60
    assert counts(alice.sync()) == {"signed_curve25519": 0}


def test_no_key_is_handed_out_twice_though_the_server_is_killed(private_server):
    """Four claimers, kill -9 in between: of 100 keys each comes once at most, the oldest first."""
    client = Client(private_server.base_url)
    alice = client.register("alice")
    claimers = [client.register("bob") for _ in range(4)]
    keys = list(Device(alice).upload(alice, 100))
    claimed = []

    def claim_on(claimer):
        names = []
        for _ in range(10):
            private_server.up.wait()
            try:
                names += list(claim_key(claimer, alice.user_id, alice.device_id) or {})
            except httpx.TransportError:
                continue  # killed meanwhile: whether the key was taken is not known
        return names

    for _ in range(2):
        with ThreadPoolExecutor(4) as pool:
            waiting = [pool.submit(claim_on, claimer) for claimer in claimers]
            private_server.kill()
            private_server.start()
            claimed += [name for each in waiting for name in each.result()]
    claimed += [name for _ in range(101) for name in claim_key(claimers[0], alice.user_id, alice.device_id) or {}]
    assert len(claimed) == len(set(claimed)) and set(claimed) <= set(keys)
    assert len(claimed) >= 100 - 8 and keys[-1] in claimed
    assert counts(alice.sync()) == {"signed_curve25519": 0}


def test_a_device_with_other_keys_begins_anew(alice, bob):
    Device(alice).upload(alice, 3)
    reborn = Device(alice)
    keys = reborn.upload(alice, 1)
    assert claim_key(bob, alice.user_id, alice.device_id) == keys
    assert claim_key(bob, alice.user_id, alice.device_id) is None


def test_a_waiting_sync_hears_that_keys_were_taken(alice, bob):
    Device(alice).upload(alice, 2)
    assert counts(alice.sync()) == {"signed_curve25519": 2}
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(alice.sync_until, lambda answer: counts(answer)["signed_curve25519"] == 1)
        claim_key(bob, alice.user_id, alice.device_id)
        waiting.result()


# ── Who has to ask again ────────────────────────────────────────────────────────────────────────────


def test_changes_reach_those_who_share_a_room(alice, bob, carol, room):
    for client in (alice, bob, carol):
        client.sync()
    Device(alice).upload(alice)
    for client in (alice, bob):
        client.sync_until(lambda answer: lists(answer) == ({alice.user_id}, set()))
    assert lists(carol.sync()) == (set(), set())


def test_new_names_and_ended_devices_are_changes(alice, bob, room):
    second = alice.second_device()
    Device(second).upload(second)
    bob.sync()
    alice.put(f"{CLIENT}/devices/{{}}", second.device_id, body={"display_name": "Bureau"})
    bob.sync_until(lambda answer: lists(answer)[0] == {alice.user_id})
    second.post(f"{CLIENT}/logout")
    bob.sync_until(lambda answer: lists(answer)[0] == {alice.user_id})
    assert query_keys(bob, alice.user_id)["device_keys"] == {alice.user_id: {}}


def test_those_who_come_to_share_a_room_ask_for_each_other(alice, bob):
    room_id = alice.create_room(invite=[bob.user_id])
    alice.sync(), bob.sync()
    bob.join(room_id)
    alice.sync_until(lambda answer: lists(answer) == ({bob.user_id}, set()))
    bob.sync_until(lambda answer: lists(answer) == ({alice.user_id}, set()))


def test_those_who_share_no_room_any_more_are_left(alice, bob, room):
    other = alice.create_room(invite=[bob.user_id])
    bob.join(other)
    alice.sync(), bob.sync()
    bob.leave(other)
    for client in (alice, bob):
        assert lists(client.sync()) == (set(), set())
    bob.leave(room)
    alice.sync_until(lambda answer: lists(answer) == (set(), {bob.user_id}))
    bob.sync_until(lambda answer: lists(answer) == (set(), {alice.user_id}))


def test_a_new_name_or_message_changes_no_device_list(alice, bob, room):
    alice.sync(), bob.sync()
    path = f"{CLIENT}/profile/{{}}/displayname"
    alice.put(path, alice.user_id, body={"displayname": "Alice A."})
    alice.send_text(room, "hello")
    for client in (alice, bob):
        assert lists(client.sync()) == (set(), set())


def test_changes_between_two_tokens(alice, bob, room):
    alice.sync(), bob.sync()
    before = bob.since
    Device(alice).upload(alice)
    bob.sync_until(lambda answer: lists(answer)[0])
    after = bob.since
    path = f"{CLIENT}/keys/changes"
    answer = bob.get(path, query={"from": before, "to": after})
    assert answer == {"changed": [alice.user_id], "left": []}
    assert bob.get(path, query={"from": after, "to": after}) == {"changed": [], "left": []}
    bob.get(path, query={"from": before}, expect=400)


# ── … also when the server was away, and before they come ───────────────────────────────────────────


def test_changes_are_told_after_a_restart(private_server):
    client = Client(private_server.base_url)
    alice, bob, carol, dave = (client.register(name) for name in ("alice", "bob", "carol", "dave"))
    room_id = alice.create_room(preset="public_chat")
    for other in (bob, carol):
        other.join(room_id)
    alice.sync(), bob.sync()

    Device(carol).upload(carol)  # changed, …
    bob.leave(room_id)  # … gone …
    dave.join(room_id)  # … and come while alice was not looking
    private_server.kill()
    private_server.start()
    assert lists(alice.sync()) == ({carol.user_id, dave.user_id}, {bob.user_id})
    assert lists(bob.sync()) == (set(), {alice.user_id, carol.user_id})
    private_server.stop()
    private_server.start()
    assert lists(alice.sync()) == (set(), set())


def test_whoever_is_invited_is_encrypted_for_and_so_are_new_devices_of_theirs(alice, bob):
    """Clients encrypt for the invited too where history is visible to them: they must not miss a device."""
    alice.sync()
    room_id = alice.create_room(invite=[bob.user_id])
    alice.sync_until(lambda answer: lists(answer) == ({bob.user_id}, set()))
    Device(bob).upload(bob)
    alice.sync_until(lambda answer: lists(answer) == ({bob.user_id}, set()))
    bob.join(room_id)
    alice.sync_until(lambda answer: lists(answer) == ({bob.user_id}, set()))
    bob.leave(room_id)
    alice.sync_until(lambda answer: lists(answer) == (set(), {bob.user_id}))
    Device(bob).upload(bob)
    assert lists(alice.sync()) == (set(), set())
    alice.invite(room_id, bob.user_id)
    alice.sync_until(lambda answer: lists(answer) == ({bob.user_id}, set()))
