"""Two server processes on one database: what a client does at one is seen at the other, and no key is handed out twice."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from client import CLIENT, Client
from device import Device, claim_key, query_keys, upload_keys
from homeserver import launch
from room_locks import UPGRADE, another_at_work


class Nodes(list):
    """Base URLs, and the server that has the database."""

    def __init__(self, urls, keeper):
        super().__init__(urls)
        self.keeper = keeper


@pytest.fixture(scope="module")
def nodes(homeserver_kind):
    """Base URLs. The second uses the private PostgreSQL of the first."""
    one = launch(homeserver_kind, limits={"database_connections": 80})
    servers = [one]
    try:
        one.start()
        socket = one.directory / "data" / "postgresql" / "data"
        domain = {"name": one.server_name, "signing_key_file": str(one.directory / "signing.key")}
        other = launch(
            homeserver_kind,
            database=f"postgresql:///beffroi?host={socket}&port=5432&user=beffroi",
            domains=[domain],
            limits={"worker_threads": 4},
        )
        servers.append(other)
        other.start()
        yield Nodes([one.base_url, other.base_url], one)
        other.shut_down_and_check()
        one.shut_down_and_check()
    finally:
        for server in reversed(servers):
            server.remove()


def at(base_url, client):
    """The same device, at another node."""
    return Client(base_url, client.token, client.user_id, client.device_id)


def test_claims_at_both_nodes_never_get_the_same_key(nodes):
    alice = Client(nodes[0]).register("alice")
    claimers = [Client(url).register("bob") for url in nodes]
    device = Device(alice)
    keys = device.upload(alice, 60)
    fallback = device.fallback_key()
    upload_keys(at(nodes[1], alice), fallback_keys=fallback)

    with ThreadPoolExecutor(16) as pool:
        claims = list(pool.map(lambda n: claim_key(claimers[n % 2], alice.user_id, alice.device_id), range(80)))
    names = [name for claim in claims for name in claim]
    assert sorted(set(names)) == sorted([*keys, *fallback])
    assert names.count(next(iter(fallback))) == 20
    for url in nodes:
        answer = at(url, alice).sync()
        assert answer["device_one_time_keys_count"] == {"signed_curve25519": 0}
        assert answer["device_unused_fallback_key_types"] == []


def test_a_room_that_both_nodes_upgrade_at_once_has_one_successor(nodes):
    """Both find the room being upgraded by a third, who has made nothing when it ends."""
    alice = Client(nodes[0]).register("alice")
    room_id = alice.create_room(preset="public_chat", room_version="11")
    with another_at_work(nodes.keeper, room_id, UPGRADE) as let_go_when, ThreadPoolExecutor(2) as pool:
        upgrades = [
            pool.submit(at(url, alice).post, f"{CLIENT}/rooms/{{}}/upgrade", room_id, body={"new_version": "12"})
            for url in nodes
        ]
        let_go_when(2, lambda: any(upgrade.done() for upgrade in upgrades))
        successors = {upgrade.result(timeout=60)["replacement_room"] for upgrade in upgrades}
    assert len(successors) == 1
    tombstones = [e for e in alice.all_messages(room_id) if e["type"] == "m.room.tombstone"]
    assert [e["content"]["replacement_room"] for e in tombstones] == list(successors)


def test_a_device_that_waits_at_one_node_hears_what_happens_at_the_other(nodes):
    alice, bob = (Client(url).register(name) for url, name in zip(nodes, ("alice", "bob")))
    room_id = alice.create_room(preset="public_chat")
    bob.join(room_id)
    Device(alice).upload(alice, 5)
    alice.sync_until(lambda answer: answer["device_one_time_keys_count"]["signed_curve25519"] == 5)
    bob.sync()

    def while_waiting(client, arrived, act):
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(client.sync_until, arrived)
            act()
            return waiting.result()

    claimed = {"signed_curve25519": 4}
    while_waiting(
        alice,
        lambda answer: answer["device_one_time_keys_count"] == claimed,
        lambda: claim_key(bob, alice.user_id, alice.device_id),
    )
    while_waiting(
        alice,
        lambda answer: [e["content"] for e in answer.get("to_device", {}).get("events", [])] == [{"n": 1}],
        lambda: bob.put(
            f"{CLIENT}/sendToDevice/{{}}/{{}}", "org.example.secret", "t1",
            body={"messages": {alice.user_id: {alice.device_id: {"n": 1}}}},
        ),
    )
    while_waiting(
        alice,
        lambda answer: bob.user_id in answer.get("device_lists", {}).get("changed", []),
        lambda: Device(bob).upload(bob),
    )
    assert list(query_keys(alice, bob.user_id)["device_keys"][bob.user_id]) == [bob.device_id]


def test_messages_sent_through_both_nodes_all_arrive_once(nodes):
    alice = Client(nodes[0]).register("alice")
    senders = [Client(url).register("bob") for url in nodes]
    alice.sync()
    count, heard, switch = 60, [], threading.Event()

    def send_all(sender):
        for number in range(count):
            content = {"from": sender.user_id, "n": number}
            sender.put(
                f"{CLIENT}/sendToDevice/{{}}/{{}}", "org.example.secret", f"t{number}",
                body={"messages": {alice.user_id: {alice.device_id: content}}},
            )
        switch.set()

    def listen(answer):
        heard.extend(event["content"] for event in answer.get("to_device", {}).get("events", []))
        return len(heard) >= 2 * count or switch.is_set()

    with ThreadPoolExecutor(2) as pool:
        sending = [pool.submit(send_all, sender) for sender in senders]
        alice.sync_until(listen)
        [each.result() for each in sending]
    there = at(nodes[1], alice)  # goes on at the other node
    there.since = alice.since
    there.sync_until(lambda answer: listen(answer) and len(heard) >= 2 * count)
    for sender in senders:
        assert [m["n"] for m in heard if m["from"] == sender.user_id] == list(range(count))


def test_a_transaction_repeated_at_the_other_node_makes_no_second_event(nodes):
    alice = Client(nodes[0]).register("alice")
    room_id = alice.create_room()
    path = f"{CLIENT}/rooms/{{}}/send/m.room.message/{{}}"
    clients = [alice, at(nodes[1], alice)]

    def send(client, transaction):
        return client.put(path, room_id, transaction, body={"msgtype": "m.text", "body": transaction})["event_id"]

    # Each node has met the device, and takes what it does not remember for new.
    first = [send(client, f"first at {n}") for n, client in enumerate(clients)]
    for round in range(3):
        sent = [send(client, f"{round} at {n}") for n, client in enumerate(clients)]
        assert [send(client, f"{round} at {n}") for n, client in enumerate(clients)] == sent
        assert [send(client, f"{round} at {1 - n}") for n, client in enumerate(clients)] == sent[::-1]
        first += sent
    events = alice.get(f"{CLIENT}/rooms/{{}}/messages?dir=b&limit=100", room_id)["chunk"]
    assert sorted(event["event_id"] for event in events if event["type"] == "m.room.message") == sorted(first)


def test_a_session_ended_at_one_node_is_over_at_the_other_within_a_second(nodes):
    alice = Client(nodes[0]).register("alice")
    there = at(nodes[1], alice)
    whoami = f"{CLIENT}/account/whoami"
    assert there.get(whoami)["user_id"] == alice.user_id
    alice.post(f"{CLIENT}/logout", body={})
    ended = time.monotonic()
    statuses = []
    while time.monotonic() < ended + 1:
        statuses.append(there.raw("GET", whoami).status_code)
    assert there.raw("GET", whoami).status_code == 401
    assert sorted(statuses) == statuses  # once refused, always refused
