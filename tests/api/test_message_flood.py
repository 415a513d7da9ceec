"""Many senders in one room: none lost, none doubled, one order for all; also through kill -9.

The default run sends fewer messages than the full one (script/test --full: 10,000).
"""

import random
import time

import pytest
from client import Client
from load import Follower, Ledger, Sender, check_books

SENDERS = 20
KILLS = 10


@pytest.fixture
def flood(full):
    """Messages per sender."""
    return 500 if full else 100


def furnish(server, count):
    """A room with `count` members who will send, and one who reads."""
    anonymous = Client(server.base_url)
    reader = anonymous.register("reader")
    room_id = reader.create_room(preset="public_chat")
    members = [anonymous.register("sender") for _ in range(count)]
    for member in members:
        member.join(room_id)
    return room_id, reader, members


def start_flood(server, ledger, room_id, reader, members, count):
    follower = Follower(server, reader, [room_id])
    senders = [
        Sender(server, member, ledger, [room_id], f"sender-{number}", count)
        for number, member in enumerate(members)
    ]
    follower.start()
    for sender in senders:
        sender.start()
    return follower, senders


def finish_flood(follower, senders, room_id):
    for sender in senders:
        sender.finish()
    return follower.stop()[room_id]


@pytest.mark.timeout(900)
def test_concurrent_senders_lose_and_double_nothing(homeserver, tmp_path, flood):
    ledger = Ledger(tmp_path / "ledger")
    room_id, reader, members = furnish(homeserver, SENDERS)
    started = time.monotonic()
    follower, senders = start_flood(homeserver, ledger, room_id, reader, members, flood)
    followed = finish_flood(follower, senders, room_id)
    seconds = time.monotonic() - started

    assert len(ledger.acks) == SENDERS * flood
    check_books(ledger, room_id, Client(homeserver.base_url, reader.token), followed)
    print(f"{len(ledger.acks)} messages in {seconds:.1f} s: {len(ledger.acks) / seconds:.0f} a second")


@pytest.mark.timeout(1200)
def test_acknowledged_messages_survive_kill_9(private_server, tmp_path, flood):
    ledger = Ledger(tmp_path / "ledger")
    room_id, reader, members = furnish(private_server, SENDERS)
    follower, senders = start_flood(private_server, ledger, room_id, reader, members, flood)

    chance = random.Random(20)
    for kill in range(1, KILLS + 1):
        share = (kill - chance.random()) / (KILLS + 1)
        ledger.wait_for_acks(int(share * SENDERS * flood), senders)
        private_server.kill()
        private_server.start()
    followed = finish_flood(follower, senders, room_id)

    assert len(ledger.acks) == SENDERS * flood
    check_books(ledger, room_id, Client(private_server.base_url, reader.token), followed)

    # A client that never saw the answer asks again, and gets the same event.
    for key in chance.sample(sorted(ledger.acks), 50):
        number = int(key.split("-")[1])
        assert senders[number].send(room_id, key) == ledger.acks[key]
