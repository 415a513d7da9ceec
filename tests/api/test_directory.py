"""Room aliases (directory.yaml)."""

from client import CLIENT, unique

ALIAS = f"{CLIENT}/directory/room/{{}}"
LOCAL_ALIASES = f"{CLIENT}/rooms/{{}}/aliases"


def alias_of(user, word="alias"):
    return f"#{unique(word)}:{user.user_id.split(':', 1)[1]}"


def test_an_alias_leads_to_its_room(alice, anonymous, room):
    alias = alias_of(alice)
    assert anonymous.get(ALIAS, alias, expect=404)["errcode"] == "M_NOT_FOUND"
    alice.put(ALIAS, alias, body={"room_id": room})
    answer = anonymous.get(ALIAS, alias)
    assert answer["room_id"] == room and alias.split(":", 1)[1] in answer["servers"]
    assert alice.get(LOCAL_ALIASES, room)["aliases"] == [alias]


def test_a_taken_alias_is_a_conflict(alice, bob, room):
    alias = alias_of(alice)
    alice.put(ALIAS, alias, body={"room_id": room})
    assert bob.put(ALIAS, alias, body={"room_id": room}, expect=409)["errcode"] == "M_UNKNOWN"


def test_malformed_aliases_and_rooms_are_refused(alice, room):
    assert alice.put(ALIAS, "nonsense", body={"room_id": room}, expect=400)["errcode"] == "M_INVALID_PARAM"
    assert alice.put(ALIAS, alias_of(alice), body={"room_id": "x"}, expect=400)["errcode"] == "M_INVALID_PARAM"
    assert alice.put(ALIAS, alias_of(alice), expect=400)["errcode"] == "M_MISSING_PARAM"
    elsewhere = f"#{unique('a')}:elsewhere.example"
    alice.put(ALIAS, elsewhere, body={"room_id": room}, expect=400)


def test_only_members_give_a_room_a_name(alice, carol, room):
    assert carol.put(ALIAS, alias_of(carol), body={"room_id": room}, expect=403)["errcode"] == "M_FORBIDDEN"
    assert carol.get(LOCAL_ALIASES, room, expect=403)["errcode"] == "M_FORBIDDEN"


def test_aliases_of_a_world_readable_room_are_for_everybody(alice, carol, room):
    alice.set_state(room, "m.room.history_visibility", {"history_visibility": "world_readable"})
    assert carol.get(LOCAL_ALIASES, room)["aliases"] == []


def test_who_made_an_alias_or_moderates_the_room_deletes_it(alice, bob, carol, room):
    of_bob, of_alice = alias_of(bob), alias_of(alice)
    bob.put(ALIAS, of_bob, body={"room_id": room})
    alice.put(ALIAS, of_alice, body={"room_id": room})
    assert carol.delete(ALIAS, of_bob, expect=403)["errcode"] == "M_FORBIDDEN"
    assert bob.delete(ALIAS, of_alice, expect=403)["errcode"] == "M_FORBIDDEN"
    alice.delete(ALIAS, of_bob)
    alice.delete(ALIAS, of_alice)
    assert alice.delete(ALIAS, of_bob, expect=404)["errcode"] == "M_NOT_FOUND"


def test_a_deleted_alias_leaves_the_canonical_alias_event(alice, bob, room):
    aliases = [alias_of(alice) for _ in range(3)]
    for alias in aliases:
        alice.put(ALIAS, alias, body={"room_id": room})
    alice.set_state(room, "m.room.canonical_alias", {"alias": aliases[0], "alt_aliases": aliases[1:]})
    alice.delete(ALIAS, aliases[0])
    alice.delete(ALIAS, aliases[1])
    assert alice.state(room, "m.room.canonical_alias") == {"alt_aliases": [aliases[2]]}


def test_joining_by_alias(alice, bob):
    alias = alias_of(alice)
    room = alice.create_room(preset="public_chat", room_alias_name=alias[1:].split(":")[0])
    assert bob.join(alias)["room_id"] == room
