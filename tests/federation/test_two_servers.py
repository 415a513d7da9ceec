"""A server of ours and another one, each with its clients: what one side does the other side sees.

The other one is ours as well, and then the reference: what works with both is right.
"""

import subprocess

import pytest
from client import CLIENT, Client, event_ids, invited_to, unique
from device import Device, claim_key, query_keys
from two_sides import has_changed, join_through, sees, sees_member
from homeserver import Beffroi, running


@pytest.mark.parametrize("version", ["6", "10", "11", "12"])
def test_a_join_and_messages_both_ways(server, alice, bob, version):
    room_id = alice.create_room(preset="public_chat", room_version=version)
    alice.sync()
    join_through(bob, room_id, server)
    sees_member(alice, room_id, bob.user_id, "join")
    sees(bob, room_id, alice.send_text(room_id, "good morning"))
    sees(alice, room_id, bob.send_text(room_id, "good evening"))


def test_an_invite_is_shown_and_accepted(alice, bob):
    room_id = alice.create_room(preset="private_chat", name="Budget")
    alice.sync()
    alice.invite(room_id, bob.user_id)
    bob.sync_until(invited_to(room_id))
    bob.join(room_id)
    sees_member(alice, room_id, bob.user_id, "join")
    sees(bob, room_id, alice.send_text(room_id, "welcome"))


def test_an_invite_is_rejected(alice, bob):
    room_id = alice.create_room(preset="private_chat")
    alice.sync()
    alice.invite(room_id, bob.user_id)
    bob.sync_until(invited_to(room_id))
    bob.leave(room_id)
    sees_member(alice, room_id, bob.user_id, "leave")


def test_a_leave_is_seen_on_the_other_side(alice, bob, shared_room):
    bob.leave(shared_room)
    sees_member(alice, shared_room, bob.user_id, "leave")


def test_a_kick_reaches_the_server_of_the_last_member(alice, bob, shared_room):
    alice.post(f"{CLIENT}/rooms/{{}}/kick", shared_room, body={"user_id": bob.user_id})
    bob.sync_until(lambda answer: shared_room in answer.get("rooms", {}).get("leave", {}))


def knock_of(user_id, answer, room_id):
    room = answer.get("rooms", {}).get("knock", {}).get(room_id, {})
    return any(
        e["content"].get("membership") == "knock" and e["state_key"] == user_id
        for e in room.get("knock_state", {}).get("events", [])
    )


def test_a_knock_is_answered_by_an_invite(server, alice, bob):
    rules = {"type": "m.room.join_rules", "state_key": "", "content": {"join_rule": "knock"}}
    room_id = alice.create_room(preset="private_chat", initial_state=[rules])
    alice.sync()
    bob.post(f"{CLIENT}/knock/{{}}", room_id, query={"via": server.server_name})
    bob.sync_until(lambda answer: knock_of(bob.user_id, answer, room_id))
    sees_member(alice, room_id, bob.user_id, "knock")
    alice.invite(room_id, bob.user_id)
    bob.sync_until(invited_to(room_id))
    bob.join(room_id)
    sees_member(alice, room_id, bob.user_id, "join")


def test_a_room_is_joined_by_its_alias(server, alice, bob):
    localpart = unique("office")
    alias = f"#{localpart}:{server.server_name}"
    room_id = alice.create_room(preset="public_chat", room_alias_name=localpart)
    assert bob.get(f"{CLIENT}/directory/room/{{}}", alias)["room_id"] == room_id
    bob.join(alias)
    sees(bob, room_id, alice.send_text(room_id, "by name"))


@pytest.mark.parametrize("direction", ["theirs", "ours"])
def test_published_rooms_of_the_other_server_are_listed(server, other_server, alice, bob, direction):
    owner, host, viewer = (bob, other_server, alice) if direction == "theirs" else (alice, server, bob)
    name = unique("Archive")
    room_id = owner.create_room(preset="public_chat", name=name, visibility="public")
    query = {"server": host.server_name}
    body = {"filter": {"generic_search_term": name}}
    found = viewer.post(f"{CLIENT}/publicRooms", query=query, body=body)["chunk"]
    assert [(room["room_id"], room["name"]) for room in found] == [(room_id, name)]
    listed = viewer.get(f"{CLIENT}/publicRooms", query=query)["chunk"]
    assert room_id in [room["room_id"] for room in listed]


def test_a_room_of_the_other_server_is_summarised_when_it_is_for_the_user(other_server, alice, bob):
    path = "/_matrix/client/v1/room_summary/{}"
    query = {"via": other_server.server_name}
    open_room = bob.create_room(preset="public_chat", name="Town hall")
    summary = alice.get(path, open_room, query=query)
    assert (summary["room_id"], summary["name"], summary["membership"]) == (open_room, "Town hall", "leave")
    alice.get(path, bob.create_room(preset="private_chat"), query=query, expect=404)


def test_profiles_of_the_other_server_are_shown(alice, bob):
    alice.put(f"{CLIENT}/profile/{{}}/displayname", alice.user_id, body={"displayname": "Alice"})
    assert bob.get(f"{CLIENT}/profile/{{}}", alice.user_id)["displayname"] == "Alice"


def test_typing_is_seen_on_the_other_side(alice, bob, shared_room):
    path = f"{CLIENT}/rooms/{{}}/typing/{{}}"
    alice.put(path, shared_room, alice.user_id, body={"typing": True, "timeout": 30000})

    def typists(answer):
        room = answer.get("rooms", {}).get("join", {}).get(shared_room, {})
        events = room.get("ephemeral", {}).get("events", [])
        return [user for e in events if e["type"] == "m.typing" for user in e["content"]["user_ids"]]

    bob.sync_until(lambda answer: alice.user_id in typists(answer))


def test_receipts_are_seen_on_the_other_side(alice, bob, shared_room):
    event_id = alice.send_text(shared_room, "read me")
    sees(bob, shared_room, event_id)
    bob.post(f"{CLIENT}/rooms/{{}}/receipt/m.read/{{}}", shared_room, event_id)

    def readers(answer):
        room = answer.get("rooms", {}).get("join", {}).get(shared_room, {})
        events = room.get("ephemeral", {}).get("events", [])
        return [
            user
            for e in events
            if e["type"] == "m.receipt"
            for user in e["content"].get(event_id, {}).get("m.read", {})
        ]

    alice.sync_until(lambda answer: bob.user_id in readers(answer))


def test_presence_is_seen_on_the_other_side(alice, bob, shared_room):
    body = {"presence": "online", "status_msg": "at my desk"}
    alice.put(f"{CLIENT}/presence/{{}}/status", alice.user_id, body=body)
    bob.sync_until(
        lambda answer: any(
            e["sender"] == alice.user_id and e["content"].get("status_msg") == "at my desk"
            for e in answer.get("presence", {}).get("events", [])
        )
    )


def test_a_message_to_a_device_arrives_once(alice, bob, shared_room):
    body = {"messages": {bob.user_id: {bob.device_id: {"secret": "words"}}}}
    alice.put(f"{CLIENT}/sendToDevice/m.example/{{}}", unique("txn"), body=body)
    events = bob.sync_until(lambda answer: answer.get("to_device", {}).get("events"))
    assert [(e["sender"], e["content"]) for e in events] == [(alice.user_id, {"secret": "words"})]


@pytest.mark.parametrize("direction", ["theirs", "ours"])
def test_devices_of_the_other_side_are_followed(alice, bob, shared_room, direction):
    viewer, owner = (alice, bob) if direction == "theirs" else (bob, alice)
    first = Device(owner)
    first.upload(owner)
    viewer.sync_until(has_changed(owner.user_id))
    assert set(query_keys(viewer, owner.user_id)["device_keys"][owner.user_id]) == {owner.device_id}
    phone = Client(owner.base_url).login(owner.user_id)
    second = Device(phone)
    keys = second.upload(phone, one_time_keys=1)
    viewer.sync_until(
        lambda _: phone.device_id in query_keys(viewer, owner.user_id)["device_keys"][owner.user_id]
    )
    assert claim_key(viewer, owner.user_id, phone.device_id) == keys
    phone.post(f"{CLIENT}/logout")
    viewer.sync_until(
        lambda _: phone.device_id not in query_keys(viewer, owner.user_id)["device_keys"][owner.user_id]
    )


def test_what_was_said_while_a_server_was_down_arrives(alice, bob, shared_room, other_server):
    other_server.stop()
    sent = [alice.send_text(shared_room, f"message {i}") for i in range(120)]
    other_server.start()
    missing = set(sent)

    def all_there(answer):
        missing.difference_update(event_ids(answer, shared_room))
        return sent[-1] in event_ids(answer, shared_room)

    bob.sync_until(all_there)


def test_the_command_line_explains_how_a_server_is_reached(server, other_server):
    run = [server.binary, "federation", "check", other_server.server_name]
    checked = subprocess.run(
        [*run, "--config", server.config], capture_output=True, text=True, timeout=60
    )
    assert checked.returncode == 0, checked.stderr
    assert f"{other_server.server_name} can be talked to." in checked.stdout
    software = "Beffroi" if isinstance(other_server, Beffroi) else "Synapse"
    assert f"5. it says that it is {software} " in checked.stdout


def test_the_command_line_names_the_list_that_forbids_a_server(server, other_server):
    run = [server.binary, "federation", "check", other_server.server_name]
    deny = ["--set", "federation.deny=['*']"]
    checked = subprocess.run(
        [*run, "--config", server.config, *deny], capture_output=True, text=True, timeout=60
    )
    assert checked.returncode == 1
    assert "deny list" in checked.stderr
