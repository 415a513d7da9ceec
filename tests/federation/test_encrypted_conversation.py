"""An encrypted conversation between a client on each of two servers: matrix-nio on libolm here, matrix-js-sdk on the
Rust crypto there."""

import pytest
from client import invited_to
from crypto_devices import JsDevice, NioDevice, introduce

ENCRYPTED = {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}


@pytest.fixture
def device_of(tmp_path):
    """Makes a new encrypting device of a user, on the user's server."""
    devices = []

    def make(client, stack):
        if stack == "libolm":
            store = tmp_path / f"store-{len(devices)}"
            store.mkdir()
            device = NioDevice(client.base_url, client.user_id, store)
        else:
            device = JsDevice(client.base_url, client.user_id)
        devices.append(device)
        return device

    yield make
    for device in devices:
        device.close()


@pytest.mark.parametrize("direction", ["theirs", "ours"])
def test_messages_decrypt_on_the_other_server_both_ways(alice, bob, device_of, direction):
    """`theirs`: a user of the other server in a room of ours."""
    owner, guest = (alice, bob) if direction == "theirs" else (bob, alice)
    room_id = owner.create_room(preset="private_chat", invite=[guest.user_id], initial_state=[ENCRYPTED])
    guest.sync_until(invited_to(room_id))
    guest.join(room_id)
    first, second = device_of(alice, "libolm"), device_of(bob, "Rust")
    introduce([first, second])
    for number in range(4):
        speaker, listener = (first, second) if number % 2 == 0 else (second, first)
        event_id = speaker.send(room_id, f"secret {number} \N{OWL}")
        assert listener.wait_for(room_id, f"secret {number} \N{OWL}") == event_id
        assert alice.event(room_id, event_id)["type"] == "m.room.encrypted"
    # A device that comes later is encrypted for as well.
    third = device_of(bob, "libolm")
    introduce([first, third])
    first.send(room_id, "now for three")
    assert second.wait_for(room_id, "now for three") == third.wait_for(room_id, "now for three")
