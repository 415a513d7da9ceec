"""Device lists of other servers' users: fetched once, followed, and fetched again when something was missed."""

import concurrent.futures
import threading

import pytest
from client import CLIENT, Client
from device import CrossSigning, Device, SigningKey, query_keys
from peer import FEDERATION, Peer


class RemoteUser:
    """Somebody on a peer, with devices; what the peer answers and tells of them."""

    def __init__(self, peer, localpart):
        self.peer = peer
        self.user_id = peer.user(localpart)
        self.devices = {}
        self.master = None
        self.stream_id = 10
        peer.answers[f"{FEDERATION}/v1/user/devices/{self.user_id}"] = self.answer

    def answer(self, *_):
        devices = [{"device_id": name, "keys": keys} for name, keys in self.devices.items()]
        answer = {"user_id": self.user_id, "stream_id": self.stream_id, "devices": devices}
        return 200, answer | ({"master_key": self.master} if self.master else {})

    def times_fetched(self):
        return sum("/user/devices/" in path for _, path in self.peer.requests)

    def add(self, device_id):
        device = Device(self)
        self.device_id = device.device_id = device_id
        self.devices[device_id] = device.keys()
        return self.devices[device_id]

    device_id = ""

    def update(self, device_id, *prev_ids, **members):
        self.stream_id += 1
        content = {
            "user_id": self.user_id,
            "device_id": device_id,
            "stream_id": self.stream_id,
            "prev_id": list(prev_ids),
            **members,
        }
        return {"edu_type": "m.device_list_update", "content": content}


def has_changed(user_id):
    return lambda answer: user_id in answer.get("device_lists", {}).get("changed", [])


def devices_of(client, user_id):
    return set(query_keys(client, user_id)["device_keys"].get(user_id, {}))


@pytest.fixture
def room(server, alice, peer):
    return peer.join(server, alice.create_room(preset="public_chat", room_version="11"), "mia")


@pytest.fixture
def mia(peer, room):
    mia = RemoteUser(peer, "mia")
    mia.add("LAPTOP")
    return mia


def test_a_list_is_fetched_once_and_then_answered_from_what_is_stored(alice, mia):
    first = query_keys(alice, mia.user_id)
    assert set(first["device_keys"][mia.user_id]) == {"LAPTOP"}
    assert query_keys(alice, mia.user_id) == first
    assert mia.times_fetched() == 1


def test_an_update_that_follows_is_taken_over_without_a_question(server, alice, peer, mia):
    assert devices_of(alice, mia.user_id) == {"LAPTOP"}
    alice.sync()
    before = mia.stream_id
    peer.send(server, [], [mia.update("PHONE", before, keys=mia.add("PHONE"))])
    alice.sync_until(has_changed(mia.user_id))
    assert devices_of(alice, mia.user_id) == {"LAPTOP", "PHONE"}
    peer.send(server, [], [mia.update("LAPTOP", mia.stream_id, deleted=True)])
    alice.sync_until(has_changed(mia.user_id))
    assert devices_of(alice, mia.user_id) == {"PHONE"}
    assert mia.times_fetched() == 1


def test_a_gap_in_the_updates_leads_to_a_new_list(server, alice, peer, mia):
    assert devices_of(alice, mia.user_id) == {"LAPTOP"}
    alice.sync()
    lost = mia.update("TABLET", mia.stream_id, keys=mia.add("TABLET"))
    seen = mia.update("PHONE", lost["content"]["stream_id"], keys=mia.add("PHONE"))
    peer.send(server, [], [seen])
    alice.sync_until(has_changed(mia.user_id))
    assert devices_of(alice, mia.user_id) == {"LAPTOP", "PHONE", "TABLET"}
    assert mia.times_fetched() == 2


def test_an_update_that_comes_while_the_list_is_fetched_is_not_lost(server, alice, peer, mia):
    answer = mia.answer()

    def answer_late(*_):
        # What comes meanwhile is not in the answer.
        peer.send(server, [], [mia.update("PHONE", keys=mia.add("PHONE"))])
        peer.answers[f"{FEDERATION}/v1/user/devices/{mia.user_id}"] = mia.answer
        return answer

    peer.answers[f"{FEDERATION}/v1/user/devices/{mia.user_id}"] = answer_late
    assert devices_of(alice, mia.user_id) == {"LAPTOP"}
    assert devices_of(alice, mia.user_id) == {"LAPTOP", "PHONE"}


def test_clients_that_ask_at_once_make_one_fetch(server, alice, peer, mia, room):
    """The peer answers when a second fetch comes, or none has for a second: then none will."""
    bob, carol, dora = (Client(server.base_url).register(name) for name in ("bob", "carol", "dora"))
    news = threading.Condition()
    fetches = []

    def answer(*_):
        with news:
            fetches.append(1)
            news.notify_all()
            news.wait_for(lambda: len(fetches) > 1, timeout=1)
        return mia.answer()

    peer.answers[f"{FEDERATION}/v1/user/devices/{mia.user_id}"] = answer
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda client: devices_of(client, mia.user_id), [alice, bob, carol, dora]))
    assert told == [{"LAPTOP"}] * 4
    assert mia.times_fetched() == 1


def test_clients_that_ask_at_once_each_hear_that_nobody_answers(server, alice, peer, mia):
    peer.answers[f"{FEDERATION}/v1/user/devices/{mia.user_id}"] = lambda *_: (503, {})
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: query_keys(alice, mia.user_id), range(4)))
    assert [set(answer["failures"]) for answer in answers] == [{peer.name}] * 4
    peer.answers[f"{FEDERATION}/v1/user/devices/{mia.user_id}"] = mia.answer
    peer.send(server, [], [mia.update("LAPTOP")])  # who speaks is called again
    assert devices_of(alice, mia.user_id) == {"LAPTOP"}


def test_a_new_master_key_is_stored_and_shown(server, alice, peer, mia):
    query_keys(alice, mia.user_id)
    alice.sync()
    master = CrossSigning(mia).document("master")
    edu = {"edu_type": "m.signing_key_update", "content": {"user_id": mia.user_id, "master_key": master}}
    peer.send(server, [], [edu])
    alice.sync_until(has_changed(mia.user_id))
    assert query_keys(alice, mia.user_id)["master_keys"] == {mia.user_id: master}
    assert mia.times_fetched() == 1


def test_whoever_trusts_a_user_of_another_server_gets_that_signature_back(alice, mia):
    mia.master = CrossSigning(mia).document("master")
    query_keys(alice, mia.user_id)
    own = CrossSigning(alice)
    alice.post(f"{CLIENT}/keys/device_signing/upload", body=own.body())
    public = next(iter(mia.master["keys"].values()))
    signed = own.sign("user_signing", dict(mia.master, signatures={}))
    answer = alice.post(f"{CLIENT}/keys/signatures/upload", body={mia.user_id: {public: signed}})
    assert answer["failures"] == {}
    shown = query_keys(alice, mia.user_id)["master_keys"][mia.user_id]
    assert shown["signatures"][alice.user_id] == signed["signatures"][alice.user_id]


def test_keys_of_another_user_or_device_are_left_out(alice, mia):
    mia.devices["PHONE"] = mia.devices["LAPTOP"]
    mia.master = CrossSigning(alice).document("master")
    answer = query_keys(alice, mia.user_id)
    assert set(answer["device_keys"][mia.user_id]) == {"LAPTOP"}
    assert answer["master_keys"] == {}


def test_while_a_server_is_silent_the_last_list_serves_and_the_failure_is_told(server, alice, peer, mia):
    assert devices_of(alice, mia.user_id) == {"LAPTOP"}
    peer.send(server, [], [mia.update("PHONE")])
    peer.answers[f"{FEDERATION}/v1/user/devices"] = peer.answers.pop(
        f"{FEDERATION}/v1/user/devices/{mia.user_id}"
    )
    peer.answers[f"{FEDERATION}/v1/user/devices"] = lambda *_: (503, {})
    answer = query_keys(alice, mia.user_id)
    assert set(answer["device_keys"][mia.user_id]) == {"LAPTOP"}
    assert set(answer["failures"]) == {peer.name}


def test_after_nobody_shares_a_room_the_list_is_fetched_again(server, alice, peer, mia, room):
    assert devices_of(alice, mia.user_id) == {"LAPTOP"}
    alice.leave(room.room_id)
    again = peer.join(server, alice.create_room(preset="public_chat", room_version="11"), "mia")
    mia.add("PHONE")
    assert devices_of(alice, mia.user_id) == {"LAPTOP", "PHONE"}
    assert mia.times_fetched() == 2
    assert again.user_id == mia.user_id


def test_servers_are_asked_side_by_side(server, authority, alice, room):
    peers = [Peer(authority) for _ in range(4)]
    all_are_asked = threading.Barrier(len(peers))

    def answer(method, path, query, body):
        all_are_asked.wait(timeout=60)
        return 200, {"device_keys": {user_id: {} for user_id in body["device_keys"]}}

    try:
        for peer in peers:
            peer.answers[f"{FEDERATION}/v1/user/keys/query"] = answer
        wanted = [peer.user("x") for peer in peers]
        answer = alice.post(
            f"{CLIENT}/keys/query", body={"device_keys": {user_id: [] for user_id in wanted}, "timeout": 30000}
        )
        assert answer["failures"] == {}
        assert set(answer["device_keys"]) == set(wanted)
    finally:
        for peer in peers:
            peer.close()


def test_one_time_keys_are_claimed_side_by_side_and_only_those_asked_for(alice, peer, mia):
    key = {"signed_curve25519:AAAA": SigningKey().sign({"key": "x" * 43}, mia.user_id, "LAPTOP")}
    claimed = {mia.user_id: {"LAPTOP": key, "OTHER": key}, alice.user_id: {"LAPTOP": key}}
    peer.answers[f"{FEDERATION}/v1/user/keys/claim"] = lambda *_: (200, {"one_time_keys": claimed})
    body = {
        "one_time_keys": {
            mia.user_id: {"LAPTOP": "signed_curve25519"},
            "@x:127.0.0.1:1": {"Y": "signed_curve25519"},
        }
    }
    answer = alice.post(f"{CLIENT}/keys/claim", body=body)
    assert answer["one_time_keys"] == {mia.user_id: {"LAPTOP": key}}
    assert set(answer["failures"]) == {"127.0.0.1:1"}
