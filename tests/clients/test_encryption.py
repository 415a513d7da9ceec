"""matrix-nio with libolm: what one user encrypts, another decrypts, on every device and after a new login."""

import asyncio
import time

import nio
import pytest
from client import CLIENT, PASSWORD

PATIENCE_SECONDS = 60
ENCRYPTED = {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}


class Crypto:
    """One device of a user, with its own store of keys; synchronous to the test."""

    def __init__(self, base_url, user_id, store):
        self.loop = asyncio.new_event_loop()
        self.texts = {}
        self.undecryptable = []
        self.client = self.loop.run_until_complete(self.make_client(base_url, user_id, store))
        self.run(self.client.login(PASSWORD))
        self.settle()

    async def make_client(self, base_url, user_id, store):
        config = nio.AsyncClientConfig(encryption_enabled=True)
        client = nio.AsyncClient(base_url, user_id, store_path=str(store), config=config)
        client.add_event_callback(self.heard_text, nio.RoomMessageText)
        client.add_event_callback(self.could_not_decrypt, nio.MegolmEvent)
        return client

    async def heard_text(self, room, event):
        self.texts[event.body] = event

    async def could_not_decrypt(self, room, event):
        self.undecryptable.append(event.event_id)

    def run(self, awaitable):
        answer = self.loop.run_until_complete(awaitable)
        assert not isinstance(answer, nio.ErrorResponse), str(answer)
        return answer

    def settle(self, timeout_ms=0):
        """One sync and what a client does after it: uploads its keys, asks for those of others."""
        client = self.client
        self.run(client.sync(timeout=timeout_ms))
        if client.should_upload_keys:
            self.run(client.keys_upload())
        if client.should_query_keys:
            self.run(client.keys_query())
        self.run(client.send_to_device_messages()) if client.outgoing_to_device_messages else None

    def send(self, room_id, text):
        self.settle()
        content = {"msgtype": "m.text", "body": text}
        options = {"ignore_unverified_devices": True}
        return self.run(self.client.room_send(room_id, "m.room.message", content, **options)).event_id

    def wait_for(self, text):
        give_up = time.monotonic() + PATIENCE_SECONDS
        while text not in self.texts:
            assert time.monotonic() < give_up, f"{text!r} did not arrive; undecryptable: {self.undecryptable}"
            self.settle(timeout_ms=2000)
        assert self.texts[text].decrypted
        assert self.undecryptable == []

    def close(self):
        self.loop.run_until_complete(self.client.close())
        self.loop.close()


@pytest.fixture
def device_of(homeserver, tmp_path):
    """Makes a new encrypting device of a user."""
    devices = []

    def make(client):
        store = tmp_path / f"store-{len(devices)}"
        store.mkdir()
        device = Crypto(homeserver.base_url, client.user_id, store)
        devices.append(device)
        return device

    yield make
    for device in devices:
        device.close()


@pytest.fixture
def encrypted_room(alice, bob):
    room_id = alice.create_room(preset="private_chat", invite=[bob.user_id], initial_state=[ENCRYPTED])
    bob.join(room_id)
    return room_id


def test_messages_decrypt_both_ways(alice, bob, device_of, encrypted_room):
    first, second = device_of(alice), device_of(bob)
    for number in range(6):
        speaker, listener = (first, second) if number % 2 == 0 else (second, first)
        event_id = speaker.send(encrypted_room, f"secret {number} 🦉")
        listener.wait_for(f"secret {number} 🦉")
        assert alice.event(encrypted_room, event_id)["type"] == "m.room.encrypted"


def test_every_device_of_a_user_can_read(alice, bob, device_of, encrypted_room):
    speaker = device_of(alice)
    listeners = [device_of(bob) for _ in range(3)] + [device_of(alice)]
    speaker.send(encrypted_room, "to all of you")
    for listener in listeners:
        listener.wait_for("to all of you")


def test_a_new_login_reads_what_is_sent_from_then_on(alice, bob, device_of, encrypted_room):
    speaker, listener = device_of(alice), device_of(bob)
    speaker.send(encrypted_room, "before")
    listener.wait_for("before")
    listener.run(listener.client.logout())

    again = device_of(bob)
    speaker.send(encrypted_room, "after")
    give_up = time.monotonic() + PATIENCE_SECONDS
    while "after" not in again.texts:
        assert time.monotonic() < give_up
        again.settle(timeout_ms=2000)
    assert again.texts["after"].decrypted


def test_a_device_that_was_away_reads_all_of_it(alice, bob, device_of, encrypted_room, full):
    count = 1000 if full else 60
    speaker, listener = device_of(alice), device_of(bob)
    for number in range(count):
        speaker.send(encrypted_room, f"message {number}")
    away_since = listener.client.next_batch
    assert away_since
    page = bob.all_messages(encrypted_room)
    assert sum(event["type"] == "m.room.encrypted" for event in page) == count
    listener.wait_for(f"message {count - 1}")
