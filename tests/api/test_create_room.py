"""Creating rooms (create_room.yaml)."""

import json

import pytest
from support.client import CLIENT, unique

VERSIONS = [str(version) for version in range(1, 13)]


@pytest.mark.parametrize("version", VERSIONS)
def test_rooms_of_every_version_work(alice, bob, version):
    room_id = alice.create_room(room_version=version, preset="public_chat")
    bob.join(room_id)
    event_id = bob.send_text(room_id, "hello")
    alice.redact(room_id, event_id)
    assert alice.event(room_id, event_id)["content"] == {}
    assert alice.state(room_id, "m.room.create").get("room_version", "1") == version


@pytest.mark.parametrize(
    ("preset", "rule", "guests"),
    [("private_chat", "invite", "can_join"), ("trusted_private_chat", "invite", "can_join"), ("public_chat", "public", None)],
)
def test_presets(alice, preset, rule, guests):
    room_id = alice.create_room(preset=preset)
    assert alice.state(room_id, "m.room.join_rules")["join_rule"] == rule
    state = {event["type"]: event["content"] for event in alice.get("/_matrix/client/v3/rooms/{}/state", room_id)}
    assert state.get("m.room.guest_access", {}).get("guest_access") == guests
    assert alice.state(room_id, "m.room.history_visibility")["history_visibility"] == "shared"


def test_in_a_trusted_room_all_are_equal(alice, bob):
    room_id = alice.create_room(preset="trusted_private_chat", invite=[bob.user_id], room_version="11")
    assert alice.state(room_id, "m.room.power_levels")["users"][bob.user_id] == 100
    room_id = alice.create_room(preset="trusted_private_chat", invite=[bob.user_id], room_version="12")
    assert alice.state(room_id, "m.room.create")["additional_creators"] == [bob.user_id]
    assert bob.user_id not in alice.state(room_id, "m.room.power_levels").get("users", {})


def test_a_room_of_version_12_is_named_by_its_create_event(alice):
    room_id = alice.create_room(room_version="12")
    create = alice.state(room_id, "m.room.create", query={"format": "event"})
    assert room_id == "!" + create["event_id"][1:]


def test_names_aliases_and_initial_state_are_there_from_the_beginning(alice):
    name = unique("alias")
    room_id = alice.create_room(
        name="Belfry",
        topic="bells",
        room_alias_name=name,
        creation_content={"type": "m.space", "m.federate": False},
        power_level_content_override={"invite": 77},
        initial_state=[{"type": "m.room.avatar", "content": {"url": "mxc://localhost/x"}}],
    )
    assert alice.state(room_id, "m.room.name") == {"name": "Belfry"}
    assert alice.state(room_id, "m.room.topic")["topic"] == "bells"
    assert alice.state(room_id, "m.room.avatar") == {"url": "mxc://localhost/x"}
    assert alice.state(room_id, "m.room.power_levels")["invite"] == 77
    create = alice.state(room_id, "m.room.create")
    assert create["type"] == "m.space" and create["m.federate"] is False
    alias = alice.state(room_id, "m.room.canonical_alias")["alias"]
    assert alice.get(f"{CLIENT}/directory/room/{{}}", alias)["room_id"] == room_id


def test_a_taken_alias_makes_no_room(alice):
    name = unique("alias")
    alice.create_room(room_alias_name=name)
    before = alice.get(f"{CLIENT}/joined_rooms")
    answer = alice.post(f"{CLIENT}/createRoom", body={"room_alias_name": name}, expect=400)
    assert answer["errcode"] == "M_ROOM_IN_USE"
    assert alice.get(f"{CLIENT}/joined_rooms") == before


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({"room_version": "99"}, "M_UNSUPPORTED_ROOM_VERSION"),
        ({"room_version": 5}, "M_BAD_JSON"),
        ({"preset": "secret"}, "M_INVALID_PARAM"),
        ({"visibility": "hidden"}, "M_INVALID_PARAM"),
        ({"invite": ["nobody"]}, "M_INVALID_PARAM"),
        ({"invite": ["@a:b"] * 10000}, "M_INVALID_PARAM"),
        ({"room_alias_name": "with:colon"}, "M_INVALID_PARAM"),
        ({"initial_state": [{"type": "m.room.create", "content": {}}]}, "M_INVALID_ROOM_STATE"),
        ({"initial_state": [{"type": "x"}]}, "M_BAD_JSON"),
        ({"power_level_content_override": {"users": {"@a:b": "high"}}}, None),
    ],
)
def test_nonsense_makes_no_room(alice, body, errcode):
    before = alice.get(f"{CLIENT}/joined_rooms")
    answer = alice.raw("POST", f"{CLIENT}/createRoom", content=json.dumps(body).encode())
    assert 400 <= answer.status_code < 500
    if errcode:
        assert answer.json()["errcode"] == errcode
    assert alice.get(f"{CLIENT}/joined_rooms") == before


@pytest.mark.parametrize("version", ["org.matrix.msc3757.10", "org.matrix.msc3757.11"])
def test_state_keys_belong_to_the_user_they_begin_with_in_rooms_of_msc3757(alice, bob, version):
    levels = {"events": {"org.example.device": 0}}
    room_id = alice.create_room(
        room_version=version, preset="public_chat", power_level_content_override=levels
    )
    bob.join(room_id)

    def put(client, state_key, **expected):
        path = f"{CLIENT}/rooms/{{}}/state/org.example.device/{{}}"
        return client.put(path, room_id, state_key, body={"by": client.user_id}, **expected)

    put(bob, f"{bob.user_id}_PHONE")
    assert put(bob, f"{alice.user_id}_PHONE", expect=403)["errcode"] == "M_FORBIDDEN"
    put(alice, f"{bob.user_id}_PHONE")
    assert put(alice, "@oops", expect=400)["errcode"] == "M_BAD_JSON"
    assert put(alice, f"{bob.user_id}_" + 256 * "x", expect=400)["errcode"] == "M_BAD_JSON"
    longest = f"{bob.user_id}_" + 255 * "x"
    put(bob, longest)
    assert bob.state(room_id, "org.example.device", longest) == {"by": bob.user_id}
