"""End-to-end encryption as nio does it, on vodozemac: keys, messages, verification, lost keys."""

import pathlib

import nio
from recorded import PASSWORD, feature, unique, until


async def device(server, user_id=None):
    """A device that can encrypt; of a new account without `user_id`."""
    store = pathlib.Path(server.directory) / unique("store")
    store.mkdir()
    if user_id is None:
        user_id = (await server.user("crypto")).user_id
    config = nio.AsyncClientConfig(encryption_enabled=True)
    client = server.client(user_id, store_path=str(store), config=config)
    await client.login(PASSWORD)
    await settle(client)
    return client


async def settle(client):
    """What a client does after each sync."""
    answer = await client.sync(timeout=0)
    if client.should_upload_keys:
        await client.keys_upload()
    if client.should_query_keys:
        await client.keys_query()
    await client.send_to_device_messages()
    return answer


async def encrypted_room(anna, ben):
    encryption = {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}
    room_id = (await anna.room_create(invite=[ben.user_id], initial_state=[encryption])).room_id
    await ben.join(room_id)
    for client in (anna, ben):
        await until("the room", client, lambda _, c=client: room_id in c.rooms and len(c.rooms[room_id].users) == 2)
        await settle(client)
        await client.joined_members(room_id)
    return room_id


def heard(kind):
    def look(answer):
        return next((event for event in answer.to_device_events if isinstance(event, kind)), None)

    return look


@feature
async def encrypted_messages(server):
    anna, ben = await device(server), await device(server)
    room_id = await encrypted_room(anna, ben)
    missing = anna.get_missing_sessions(room_id)
    assert missing == {ben.user_id: [ben.device_id]}
    await anna.keys_claim(missing)
    await anna.share_group_session(room_id, ignore_unverified_devices=True)
    content = {"msgtype": "m.text", "body": "for us alone"}
    await anna.room_send(room_id, "m.room.message", content, ignore_unverified_devices=True)
    text = await until("the text", ben, lambda answer: next(
        (e for e in answer.rooms.join[room_id].timeline.events if isinstance(e, nio.RoomMessageText)), None
    ) if room_id in answer.rooms.join else None)
    assert text.body == "for us alone" and text.decrypted

    # A device that came later can not read it, asks for the key, and reads it with the key out of a file.
    late = await device(server, ben.user_id)
    page = await late.room_messages(room_id, limit=1)
    unreadable = page.chunk[0]
    assert isinstance(unreadable, nio.MegolmEvent)
    await late.request_room_key(unreadable)
    asked = await until("the request for the key", ben, heard(nio.RoomKeyRequest))
    assert (asked.session_id, asked.requesting_device_id) == (unreadable.session_id, late.device_id)
    exported = str(pathlib.Path(server.directory) / unique("keys.txt"))
    await ben.export_keys(exported, "a passphrase", count=1000)
    await late.import_keys(exported, "a passphrase")
    assert late.decrypt_event(unreadable).body == "for us alone"


@feature
async def verification(server):
    anna, ben = await device(server), await device(server)
    await encrypted_room(anna, ben)
    bens = anna.device_store[ben.user_id][ben.device_id]

    await anna.start_key_verification(bens)
    start = await until("the start", ben, heard(nio.KeyVerificationStart))
    await ben.cancel_key_verification(start.transaction_id)
    cancelled = await until("the end of it", anna, heard(nio.KeyVerificationCancel))
    assert cancelled.transaction_id == start.transaction_id

    await anna.start_key_verification(bens)
    transaction = (await until("the start", ben, heard(nio.KeyVerificationStart))).transaction_id
    await ben.accept_key_verification(transaction)
    await until("the acceptance", anna, heard(nio.KeyVerificationAccept))
    await anna.send_to_device_messages()
    await until("her key", ben, heard(nio.KeyVerificationKey))
    await ben.send_to_device_messages()
    await until("his key", anna, heard(nio.KeyVerificationKey))
    assert anna.key_verifications[transaction].get_emoji() == ben.key_verifications[transaction].get_emoji()
    await anna.confirm_short_auth_string(transaction)
    await until("her MAC", ben, heard(nio.KeyVerificationMac))
    await ben.confirm_short_auth_string(transaction)
    await until("his MAC", anna, heard(nio.KeyVerificationMac))
    assert anna.olm.is_device_verified(bens)
    assert ben.olm.is_device_verified(ben.device_store[anna.user_id][anna.device_id])


@feature
async def messages_to_devices(server):
    anna, ben = await device(server), await device(server)
    message = nio.ToDeviceMessage("org.example.ping", ben.user_id, ben.device_id, {"number": 7})
    await anna.to_device(message)
    got = await until("the message", ben, heard(nio.UnknownToDeviceEvent))
    assert (got.sender, got.type, got.source["content"]) == (anna.user_id, "org.example.ping", {"number": 7})
