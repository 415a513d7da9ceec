"""What people do in a room over two servers, ours and Synapse: by direction and room version.

`theirs`: a user of Synapse in a room of ours; `ours`: a user of ours in a room of Synapse. Versions 12 and 6 by default, all
that are in use with --full.
"""

import pytest
from client import CLIENT, invited_to, joined_room, timeline, unique
from device import Device, query_keys
from two_sides import join_through, sees, sees_member

DIRECTIONS = ["theirs", "ours"]
VERSIONS, VERSIONS_FULL = ["12", "6"], ["12", "11", "10", "6"]

pytestmark = pytest.mark.parametrize("other_server", ["synapse"], indirect=True, scope="session")


def pytest_generate_tests(metafunc):
    versions = VERSIONS_FULL if metafunc.config.getoption("--full") else VERSIONS
    if "new_version" in metafunc.fixturenames:  # knocks and restricted rooms are younger than version 6
        metafunc.parametrize("new_version", [v for v in versions if int(v) > 9])
    if "version" in metafunc.fixturenames:
        metafunc.parametrize("version", versions)
    if "direction" in metafunc.fixturenames:
        metafunc.parametrize("direction", DIRECTIONS)


@pytest.fixture
def owner(direction, alice, bob):
    return alice if direction == "theirs" else bob


@pytest.fixture
def guest(direction, alice, bob):
    return bob if direction == "theirs" else alice


@pytest.fixture
def host(direction, server, other_server):
    return server if direction == "theirs" else other_server


def membership_of(client, room_id, user_id):
    return client.state(room_id, "m.room.member", user_id)["membership"]


def left(room_id):
    return lambda answer: room_id in answer.get("rooms", {}).get("leave", {})


def share(owner, guest, host, version):
    room_id = owner.create_room(preset="public_chat", room_version=version)
    owner.sync()
    join_through(guest, room_id, host)
    sees_member(owner, room_id, guest.user_id, "join")
    guest.sync()
    return room_id


def test_invites_leaves_kicks_and_bans(owner, guest, host, version):
    room_id = owner.create_room(preset="private_chat", room_version=version)
    owner.sync()
    owner.invite(room_id, guest.user_id)
    guest.sync_until(invited_to(room_id))
    guest.leave(room_id)
    sees_member(owner, room_id, guest.user_id, "leave")
    for ending in ("leave", "kick", "ban"):
        owner.invite(room_id, guest.user_id)
        guest.sync_until(invited_to(room_id))
        guest.join(room_id)
        sees_member(owner, room_id, guest.user_id, "join")
        sees(owner, room_id, guest.send_text(room_id, f"before the {ending}"))
        guest.sync()
        if ending == "leave":
            guest.leave(room_id)
            sees_member(owner, room_id, guest.user_id, "leave")
        else:
            owner.post(f"{CLIENT}/rooms/{{}}/{ending}", room_id, body={"user_id": guest.user_id})
            guest.sync_until(left(room_id))
    owner.invite(room_id, guest.user_id, expect=403)
    guest.post(f"{CLIENT}/join/{{}}", room_id, query={"via": host.server_name}, expect=403)
    owner.post(f"{CLIENT}/rooms/{{}}/unban", room_id, body={"user_id": guest.user_id})
    owner.invite(room_id, guest.user_id)
    guest.sync_until(invited_to(room_id))
    guest.join(room_id)
    sees_member(owner, room_id, guest.user_id, "join")


def test_an_invite_is_taken_back(owner, guest, version):
    room_id = owner.create_room(preset="private_chat", room_version=version)
    owner.invite(room_id, guest.user_id)
    guest.sync_until(invited_to(room_id))
    owner.post(f"{CLIENT}/rooms/{{}}/kick", room_id, body={"user_id": guest.user_id})
    assert membership_of(owner, room_id, guest.user_id) == "leave"


def edit(client, room_id, event_id, text):
    new = {"msgtype": "m.text", "body": text}
    relation = {"rel_type": "m.replace", "event_id": event_id}
    return client.send(room_id, "m.room.message", {**new, "m.new_content": new, "m.relates_to": relation})


def is_redacted(client, room_id, event_id):
    return lambda answer: client.event(room_id, event_id)["content"] == {}


def test_messages_edits_and_redactions(owner, guest, host, version):
    room_id = share(owner, guest, host, version)
    for speaker, listener in ((owner, guest), (guest, owner)):
        event_id = speaker.send_text(room_id, "a draft")
        sees(listener, room_id, event_id)
        sees(listener, room_id, edit(speaker, room_id, event_id, "the text"))
        relations = listener.get("/_matrix/client/v1/rooms/{}/relations/{}/m.replace", room_id, event_id)
        assert [e["content"]["m.new_content"]["body"] for e in relations["chunk"]] == ["the text"]
        speaker.redact(room_id, event_id)
        listener.sync_until(is_redacted(listener, room_id, event_id))
    spam = guest.send_text(room_id, "spam")
    sees(owner, room_id, spam)
    owner.redact(room_id, spam)
    guest.sync_until(is_redacted(guest, room_id, spam))


def ephemeral(answer, room_id, event_type):
    events = joined_room(answer, room_id).get("ephemeral", {}).get("events", [])
    return [event["content"] for event in events if event["type"] == event_type]


def test_receipts_and_typing(owner, guest, host, version):
    room_id = share(owner, guest, host, version)
    for reader, writer in ((owner, guest), (guest, owner)):
        event_id = writer.send_text(room_id, "read me")
        sees(reader, room_id, event_id)
        reader.post(f"{CLIENT}/rooms/{{}}/receipt/m.read/{{}}", room_id, event_id)
        writer.sync_until(
            lambda answer, event_id=event_id, reader=reader: any(
                reader.user_id in content.get(event_id, {}).get("m.read", {})
                for content in ephemeral(answer, room_id, "m.receipt")
            )
        )
        path = f"{CLIENT}/rooms/{{}}/typing/{{}}"
        reader.put(path, room_id, reader.user_id, body={"typing": True, "timeout": 30000})
        writer.sync_until(
            lambda answer, reader=reader: any(
                reader.user_id in content["user_ids"] for content in ephemeral(answer, room_id, "m.typing")
            )
        )


def test_history_from_before_the_join_is_read(owner, guest, host, version):
    room_id = owner.create_room(preset="public_chat", room_version=version)
    said = [owner.send_text(room_id, f"{number}") for number in range(30)]
    join_through(guest, room_id, host)
    read = [event["event_id"] for event in guest.all_messages(room_id, "b", limit=10)]
    assert [event_id for event_id in read[::-1] if event_id in said] == said


def test_state_is_the_same_on_both_sides(owner, guest, host, version):
    room_id = share(owner, guest, host, version)
    levels = owner.state(room_id, "m.room.power_levels")
    levels.setdefault("users", {})[guest.user_id] = 50
    sees(guest, room_id, owner.set_state(room_id, "m.room.power_levels", levels))
    sees(owner, room_id, guest.set_state(room_id, "m.room.topic", {"topic": "by the guest"}))
    sees(guest, room_id, owner.set_state(room_id, "m.room.name", {"name": "by the owner"}))
    ours, others = (
        {(e["type"], e["state_key"]): e["event_id"] for e in client.get(f"{CLIENT}/rooms/{{}}/state", room_id)}
        for client in (owner, guest)
    )
    assert ours == others


def test_a_knock_is_answered(owner, guest, host, new_version, direction):
    rules = {"type": "m.room.join_rules", "state_key": "", "content": {"join_rule": "knock"}}
    room_id = owner.create_room(preset="private_chat", initial_state=[rules], room_version=new_version)
    owner.sync()
    guest.post(f"{CLIENT}/knock/{{}}", room_id, query={"via": host.server_name})
    sees_member(owner, room_id, guest.user_id, "knock")
    owner.invite(room_id, guest.user_id)
    guest.sync_until(invited_to(room_id))
    guest.join(room_id)
    sees_member(owner, room_id, guest.user_id, "join")


def test_members_of_a_room_come_into_a_restricted_one(owner, guest, host, new_version, direction):
    allowed = share(owner, guest, host, new_version)
    content = {"join_rule": "restricted", "allow": [{"type": "m.room_membership", "room_id": allowed}]}
    rules = {"type": "m.room.join_rules", "state_key": "", "content": content}
    room_id = owner.create_room(preset="private_chat", initial_state=[rules], room_version=new_version)
    join_through(guest, room_id, host)
    assert guest.state(room_id, "m.room.member", guest.user_id)["join_authorised_via_users_server"] == owner.user_id


def test_a_space_shows_its_rooms(owner, guest, host, version):
    child = owner.create_room(preset="public_chat", name="Archive", room_version=version)
    space = owner.create_room(
        preset="public_chat", name="Ministry", room_version=version, creation_content={"type": "m.space"}
    )
    owner.set_state(space, "m.space.child", {"via": [host.server_name]}, child)
    join_through(guest, space, host)
    rooms = guest.get("/_matrix/client/v1/rooms/{}/hierarchy", space)["rooms"]
    assert {room["room_id"]: room.get("name") for room in rooms} == {space: "Ministry", child: "Archive"}


def test_names_profiles_presence_and_device_messages(owner, guest, host, direction):
    localpart = unique("office")
    alias = f"#{localpart}:{host.server_name}"
    room_id = owner.create_room(preset="public_chat", room_alias_name=localpart)
    assert guest.get(f"{CLIENT}/directory/room/{{}}", alias)["room_id"] == room_id
    owner.sync()
    guest.join(alias)
    sees_member(owner, room_id, guest.user_id, "join")
    owner.put(f"{CLIENT}/profile/{{}}/displayname", owner.user_id, body={"displayname": "Owner"})
    picture = f"mxc://{host.server_name}/{unique('picture')}"
    owner.put(f"{CLIENT}/profile/{{}}/avatar_url", owner.user_id, body={"avatar_url": picture})
    profile = guest.get(f"{CLIENT}/profile/{{}}", owner.user_id)
    assert (profile["displayname"], profile["avatar_url"]) == ("Owner", picture)
    guest.sync_until(
        lambda answer: any(e["content"].get("displayname") == "Owner" for e in timeline(answer, room_id))
    )
    status = {"presence": "online", "status_msg": "at my desk"}
    owner.put(f"{CLIENT}/presence/{{}}/status", owner.user_id, body=status)
    guest.sync_until(
        lambda answer: any(
            e["sender"] == owner.user_id and e["content"].get("status_msg") == "at my desk"
            for e in answer.get("presence", {}).get("events", [])
        )
    )
    body = {"messages": {guest.user_id: {guest.device_id: {"secret": "words"}}}}
    owner.put(f"{CLIENT}/sendToDevice/m.example/{{}}", unique("txn"), body=body)
    events = guest.sync_until(lambda answer: answer.get("to_device", {}).get("events"))
    assert [(e["sender"], e["content"]) for e in events] == [(owner.user_id, {"secret": "words"})]


def test_keys_of_somebody_who_shares_no_room(owner, guest, direction):
    device = Device(owner)
    device.upload(owner)
    assert set(query_keys(guest, owner.user_id)["device_keys"][owner.user_id]) == {owner.device_id}
