"""Room upgrades (room_upgrades.yaml)."""

import pytest
from client import CLIENT, unique

UPGRADE = f"{CLIENT}/rooms/{{}}/upgrade"
TAGS = f"{CLIENT}/user/{{}}/rooms/{{}}/tags"
DIRECT = f"{CLIENT}/user/{{}}/account_data/m.direct"


def upgrade(user, room, version="12", **body):
    return user.post(UPGRADE, room, body={"new_version": version, **body})["replacement_room"]


@pytest.mark.parametrize(("old", "new"), [("10", "11"), ("11", "12"), ("12", "12"), ("12", "11")])
def test_the_new_room_is_like_the_old_one(alice, bob, carol, old, new):
    room = alice.create_room(
        preset="public_chat",
        room_version=old,
        name="Name",
        topic="Topic",
        creation_content={"type": "m.space", "m.federate": False},
        initial_state=[
            {"type": "m.room.server_acl", "content": {"allow": ["*"]}},
            {"type": "m.room.avatar", "content": {"url": "mxc://example.org/a"}},
            {"type": "m.room.guest_access", "content": {"guest_access": "forbidden"}},
            {"type": "m.room.history_visibility", "content": {"history_visibility": "invited"}},
        ],
    )
    bob.join(room)
    alice.post(f"{CLIENT}/rooms/{{}}/ban", room, body={"user_id": carol.user_id})
    levels = alice.state(room, "m.room.power_levels")
    levels["users"][bob.user_id] = 50
    levels["events"]["org.example"] = 7
    alice.set_state(room, "m.room.power_levels", levels)

    replacement = upgrade(alice, room, new)
    assert replacement != room
    create = alice.state(replacement, "m.room.create")
    assert create["room_version"] == new and create["predecessor"]["room_id"] == room
    assert create["type"] == "m.space" and create["m.federate"] is False
    for event_type in ("server_acl", "avatar", "history_visibility", "name", "topic", "join_rules", "guest_access"):
        assert alice.state(replacement, f"m.room.{event_type}") == alice.state(room, f"m.room.{event_type}")
    alice.state(replacement, "m.room.encryption", expect=404)
    copied = alice.state(replacement, "m.room.power_levels")
    assert copied["users"].get(alice.user_id) == (None if new == "12" else 100)
    assert copied["users"][bob.user_id] == 50
    assert copied["events"] == levels["events"] and copied["ban"] == levels["ban"]
    assert alice.state(replacement, "m.room.member", carol.user_id)["membership"] == "ban"
    assert alice.state(room, "m.room.tombstone")["replacement_room"] == replacement
    quiet = alice.state(room, "m.room.power_levels")
    assert quiet["events_default"] == quiet["invite"] == 50
    bob.join(replacement)


def test_image_packs_go_along(alice):
    packs = {key: {"pack": {"display_name": key}, "images": {"owl": {"url": "mxc://a/b"}}} for key in ("", "birds")}
    gone = {"type": "m.room.image_pack", "state_key": "gone", "content": {}}
    state = [{"type": "m.room.image_pack", "state_key": key, "content": pack} for key, pack in packs.items()]
    replacement = upgrade(alice, alice.create_room(initial_state=[*state, gone]))
    for key, pack in packs.items():
        assert alice.state(replacement, "m.room.image_pack", key) == pack
    alice.state(replacement, "m.room.image_pack", "gone", expect=404)


def test_names_and_the_directory_entry_move(alice):
    name = unique("moving")
    room = alice.create_room(preset="public_chat", visibility="public", room_alias_name=name)
    alias = alice.state(room, "m.room.canonical_alias")["alias"]
    replacement = upgrade(alice, room)
    assert alice.get(f"{CLIENT}/directory/room/{{}}", alias)["room_id"] == replacement
    assert alice.state(replacement, "m.room.canonical_alias")["alias"] == alias
    listed = f"{CLIENT}/directory/list/room/{{}}"
    assert alice.get(listed, replacement)["visibility"] == "public"
    assert alice.get(listed, room)["visibility"] == "private"


def test_a_moderator_upgrades_and_stays_a_moderator(alice, bob):
    room = alice.create_room(room_version="11", preset="public_chat")
    bob.join(room)
    levels = alice.state(room, "m.room.power_levels")
    levels["users"][bob.user_id] = 50
    levels["events"]["m.room.tombstone"] = 50
    alice.set_state(room, "m.room.power_levels", levels)
    replacement = upgrade(bob, room, "11")
    assert bob.state(replacement, "m.room.power_levels")["users"] == levels["users"]


def test_restricted_rooms_keep_their_rules(alice, bob):
    club = alice.create_room(preset="public_chat")
    rules = {"join_rule": "restricted", "allow": [{"type": "m.room_membership", "room_id": club}]}
    room = alice.create_room(initial_state=[{"type": "m.room.join_rules", "content": rules}])
    assert alice.state(upgrade(alice, room), "m.room.join_rules") == rules
    older = upgrade(alice, room, "7")
    assert alice.state(older, "m.room.join_rules") == {"join_rule": "invite"}


def test_personal_settings_follow(alice, bob):
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    bob.put(f"{TAGS}/m.favourite", bob.user_id, room, body={"order": 0.5})
    bob.put(DIRECT, bob.user_id, body={alice.user_id: [room]})
    bob.put(f"{CLIENT}/pushrules/global/room/{{}}", room, body={"actions": []})
    replacement = upgrade(alice, room)
    bob.join(replacement)
    assert "m.favourite" in bob.get(TAGS, bob.user_id, replacement)["tags"]
    assert bob.get(DIRECT, bob.user_id) == {alice.user_id: [room, replacement]}
    bob.get(f"{CLIENT}/pushrules/global/room/{{}}", replacement)


def test_additional_creators_are_given_anew(alice, bob):
    room = alice.create_room()
    replacement = upgrade(alice, room, additional_creators=[bob.user_id])
    assert alice.state(replacement, "m.room.create")["additional_creators"] == [bob.user_id]
    error = alice.post(UPGRADE, room, body={"new_version": "12", "additional_creators": ["x"]}, expect=400)
    assert error["errcode"] == "M_INVALID_PARAM"


def test_not_everybody_may_upgrade(alice, bob, carol, room):
    for user in (bob, carol):
        assert user.post(UPGRADE, room, body={"new_version": "12"}, expect=403)["errcode"] == "M_FORBIDDEN"
    error = alice.post(UPGRADE, room, body={"new_version": "unknown"}, expect=400)
    assert error["errcode"] == "M_UNSUPPORTED_ROOM_VERSION"
    assert alice.post(UPGRADE, room, expect=400)["errcode"] == "M_MISSING_PARAM"


def test_an_upgrade_by_hand_carries_over_the_push_rule_of_the_room(alice, bob):
    old = alice.create_room(preset="public_chat")
    rule = f"{CLIENT}/pushrules/global/room/{{}}"
    for user in (alice, bob):
        user.put(rule, old, body={"actions": ["dont_notify"]})
    bob.join(old)
    new = alice.create_room(preset="public_chat", creation_content={"predecessor": {"room_id": old}})
    alice.set_state(old, "m.room.tombstone", {"body": "Moved", "replacement_room": new})
    bob.join(new)
    for user in (alice, bob):
        assert user.get(rule, new)["actions"] == user.get(rule, old)["actions"]


def test_an_upgrade_that_is_asked_for_again_at_once_makes_no_other_room(alice):
    """The answer may have been lost on its way to the client."""
    room = alice.create_room()
    first = upgrade(alice, room)
    assert upgrade(alice, room) == first
    assert alice.state(room, "m.room.tombstone")["replacement_room"] == first
