"""Key backups: versions, merging, and no key lost when devices write at once (key_backup.yaml)."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from client import CLIENT

VERSIONS = f"{CLIENT}/room_keys/version"
VERSION = f"{CLIENT}/room_keys/version/{{}}"
KEYS = f"{CLIENT}/room_keys/keys"
ROOM = f"{CLIENT}/room_keys/keys/{{}}"
SESSION = f"{CLIENT}/room_keys/keys/{{}}/{{}}"

BACKUP = {
    "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
    "auth_data": {"public_key": "abc", "signatures": {}},
}


def key(index=0, forwarded=0, verified=False, **more):
    data = {"first_message_index": index, "forwarded_count": forwarded, "is_verified": verified}
    return {**data, "session_data": {"ciphertext": "x", **more}}


def create(client):
    return client.post(VERSIONS, body=BACKUP)["version"]


@pytest.fixture
def version(alice):
    return create(alice)


def test_a_backup_is_created_changed_and_deleted(alice, bob):
    alice.get(VERSIONS, expect=404)
    first, second = create(alice), create(alice)
    expected = {**BACKUP, "count": 0, "etag": "0", "version": second}
    assert alice.get(VERSIONS) == expected and alice.get(VERSION, second) == expected
    assert alice.get(VERSION, first)["version"] == first

    changed = {**BACKUP, "auth_data": {"public_key": "abc", "signatures": {"@a:b": {"k": "s"}}}}
    alice.put(VERSION, first, body={**changed, "version": first})
    assert alice.get(VERSION, first)["auth_data"] == changed["auth_data"]
    for wrong in ({**changed, "version": second}, {**changed, "algorithm": "other"}):
        assert alice.put(VERSION, first, body=wrong, expect=400)["errcode"] == "M_INVALID_PARAM"

    # Deleting again succeeds, what never was is not found, and others have no part in it.
    bob.delete(VERSION, second, expect=404)
    for _ in range(2):
        alice.delete(VERSION, second)
    assert alice.get(VERSIONS)["version"] == first
    for unknown in (second, "999999", "x", "0"):
        alice.get(VERSION, unknown, expect=404)
    alice.delete(VERSION, "999999", expect=404)
    bob.get(VERSION, first, expect=404)


def test_keys_are_put_and_read_in_all_forms(alice, version):
    query = {"version": version}
    alice.put(SESSION, "!a:x", "s1", body=key(1, nul="\0"), query=query)
    alice.put(ROOM, "!a:x", body={"sessions": {"s2": key(2)}}, query=query)
    answer = alice.put(KEYS, body={"rooms": {"!b:x": {"sessions": {"s1": key(3)}}}}, query=query)
    assert answer == {"count": 3, "etag": alice.get(VERSIONS)["etag"]}

    of_a = {"sessions": {"s1": key(1, nul="\0"), "s2": key(2)}}
    assert alice.get(SESSION, "!a:x", "s1", query=query) == key(1, nul="\0")
    assert alice.get(ROOM, "!a:x", query=query) == of_a
    assert alice.get(KEYS, query=query) == {"rooms": {"!a:x": of_a, "!b:x": {"sessions": {"s1": key(3)}}}}
    alice.get(SESSION, "!a:x", "unknown", query=query, expect=404)
    assert alice.get(ROOM, "!unknown:x", query=query) == {"sessions": {}}
    assert alice.get(KEYS, query={"version": create(alice)}) == {"rooms": {}}
    alice.get(KEYS, expect=400)
    alice.get(KEYS, query={"version": "999999"}, expect=404)


def test_keys_are_deleted_in_all_forms(alice, version):
    query = {"version": version}
    rooms = {room: {"sessions": {"s1": key(), "s2": key()}} for room in ("!a:x", "!b:x", "!c:x")}
    etags = [alice.put(KEYS, body={"rooms": rooms}, query=query)["etag"]]
    for path, values, left in ((SESSION, ("!a:x", "s1"), 5), (ROOM, ("!b:x",), 3), (KEYS, (), 0)):
        answer = alice.delete(path, *values, query=query)
        assert answer["count"] == left
        assert answer["etag"] not in etags
        assert alice.delete(path, *values, query=query) == answer
        etags.append(answer["etag"])


@pytest.mark.parametrize(
    "stored, offered, wins",
    [
        (key(5), key(3), True),
        (key(3), key(5), False),
        (key(5), key(9, verified=True), True),
        (key(9, verified=True), key(0), False),
        (key(5, forwarded=3), key(5, forwarded=1), True),
        (key(5, forwarded=1), key(5, forwarded=3), False),
        (key(5), key(5, other=1), False),
    ],
)
def test_the_better_key_stays(alice, version, stored, offered, wins):
    query = {"version": version}
    before = alice.put(SESSION, "!a:x", "s", body=stored, query=query)
    after = alice.put(SESSION, "!a:x", "s", body=offered, query=query)
    assert alice.get(SESSION, "!a:x", "s", query=query) == (offered if wins else stored)
    assert after["count"] == 1
    assert (after["etag"] != before["etag"]) == wins


def test_only_the_newest_backup_takes_keys(alice, version):
    newer = create(alice)
    error = alice.put(SESSION, "!a:x", "s", body=key(), query={"version": version}, expect=403)
    assert error["errcode"] == "M_WRONG_ROOM_KEYS_VERSION" and error["current_version"] == newer
    alice.put(SESSION, "!a:x", "s", body=key(), query={"version": "999999"}, expect=404)
    alice.delete(VERSION, newer)
    alice.put(SESSION, "!a:x", "s", body=key(), query={"version": version})


def test_keys_of_another_shape_are_refused(alice, version):
    query = {"version": version}
    for body in ({}, {**key(), "is_verified": 1}, {**key(), "first_message_index": "0"}, {**key(), "session_data": 1}):
        assert alice.put(SESSION, "!a:x", "s", body=body, query=query, expect=400)["errcode"] == "M_BAD_JSON"
    for body in ({"rooms": []}, {"rooms": {"!a:x": {}}}, {"rooms": {"!a:x": {"sessions": {"s": 1}}}}):
        alice.put(KEYS, body=body, query=query, expect=400)
    assert alice.get(VERSIONS)["count"] == 0


def test_devices_that_write_at_once_lose_no_key(alice, version):
    """16 devices, 10 requests each, half of the keys the same: all are there, and count says so."""
    query = {"version": version}

    def write(device):
        for number in range(10):
            sessions = {f"own-{device}-{number}": key(), f"shared-{number}": key(device)}
            alice.put(ROOM, "!a:x", body={"sessions": sessions}, query=query)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(write, range(16)))
    sessions = alice.get(ROOM, "!a:x", query=query)["sessions"]
    assert len(sessions) == alice.get(VERSIONS)["count"] == 170
    assert all(sessions[f"shared-{number}"] == key(0) for number in range(10))
