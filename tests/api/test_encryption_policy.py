"""What the administrator may demand of rooms (`rooms` in the configuration)."""

import pytest
from support.client import CLIENT, Client
from support.homeserver import launch, running

ENCRYPTION = {"algorithm": "m.megolm.v1.aes-sha2"}


@pytest.fixture(scope="module")
def visitor(homeserver_kind):
    policy = {"encrypt_private_by_default": True, "refuse_plaintext_in_encrypted": True}
    server = launch(homeserver_kind, rooms=policy)
    with running(server):
        yield Client(server.base_url)


def test_private_rooms_are_encrypted_and_public_ones_are_not(visitor):
    anna = visitor.register("anna")
    assert anna.state(anna.create_room(), "m.room.encryption") == ENCRYPTION
    public = anna.create_room(preset="public_chat")
    assert anna.state(public, "m.room.encryption", expect=404)["errcode"] == "M_NOT_FOUND"


def test_plain_text_is_refused_where_a_room_is_encrypted(visitor):
    anna = visitor.register("anna")
    room_id = anna.create_room()
    path = f"{CLIENT}/rooms/{{}}/send/m.room.message/{{}}"
    answer = anna.put(path, room_id, "t", body={"msgtype": "m.text", "body": "readable"}, expect=403)
    assert answer["errcode"] == "M_FORBIDDEN" and "encrypted" in answer["error"]
    anna.send(room_id, "m.room.encrypted", {"algorithm": ENCRYPTION["algorithm"], "ciphertext": "x"})
    anna.send_text(anna.create_room(preset="public_chat"), "hello")
