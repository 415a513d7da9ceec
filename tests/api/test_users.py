"""The user directory (users.yaml)."""

from client import CLIENT, unique

SEARCH = f"{CLIENT}/user_directory/search"
PROFILE = f"{CLIENT}/profile/{{}}/displayname"


def named(anonymous, name):
    # Each word of a search begins a word of what is found: the first of this ID begins no other's.
    user = anonymous.register(unique("user").replace("-", "x"))
    user.put(PROFILE, user.user_id, body={"displayname": name})
    return user


def found(client, term, **body):
    return [u["user_id"] for u in client.post(SEARCH, body={"search_term": term, **body})["results"]]


def test_who_shares_a_room_is_found(alice, anonymous):
    name = unique("Åsa")
    user = named(anonymous, name)
    assert found(alice, name) == []
    room = alice.create_room(invite=[user.user_id])
    assert found(alice, name) == [], "an invitation is no shared room"
    user.join(room)
    answer = alice.post(SEARCH, body={"search_term": name.upper()})
    assert answer == {"results": [{"user_id": user.user_id, "display_name": name}], "limited": False}
    assert found(alice, user.user_id) == [user.user_id]
    assert found(alice, user.user_id.split(":")[0][1:]) == [user.user_id]
    user.leave(room)
    assert found(alice, name) == []


def test_each_word_begins_a_word_of_the_name_or_the_id(alice, anonymous):
    word = unique("z").replace("-", "")
    user = named(anonymous, f"Jean-Paul {word} O'Brien")
    user.create_room(preset="public_chat")
    for term in (word, word[:-1], f"paul {word}", f"{word} jean", f"{word} o'br", f"BRIEN {word.upper()}"):
        assert user.user_id in found(alice, term), term
    for term in (f"{word} nobody", word[1:], f"x{word}", "!", " "):
        assert user.user_id not in found(alice, term), term
    assert found(alice, user.user_id.split(":")[0] + ":loc") == [user.user_id]


def test_members_of_open_rooms_are_found_by_everybody(alice, anonymous):
    public, readable = named(anonymous, unique("open")), named(anonymous, unique("open"))
    public.create_room(preset="public_chat")
    history = {"type": "m.room.history_visibility", "content": {"history_visibility": "world_readable"}}
    readable.create_room(initial_state=[history])
    for user in (public, readable):
        assert found(alice, user.user_id) == [user.user_id]


def test_changes_of_the_profile_are_honoured_and_nicknames_stay_in_their_room(alice, anonymous):
    before, after, nickname = unique("before"), unique("after"), unique("nick")
    user = named(anonymous, before)
    room = user.create_room(preset="public_chat")
    user.put(PROFILE, user.user_id, body={"displayname": after})
    user.set_state(room, "m.room.member", {"membership": "join", "displayname": nickname}, user.user_id)
    assert found(alice, before) == [] and found(alice, nickname) == []
    assert found(alice, after) == [user.user_id]


def test_who_is_in_a_public_room_is_found_by_all_and_by_themselves(anonymous):
    """Spec: those who reside in public rooms are considered."""
    name = unique("itself")
    user = named(anonymous, name)
    user.create_room()
    assert found(user, name) == []
    user.create_room(preset="public_chat")
    assert found(user, name) == [user.user_id]


def test_limits(alice, anonymous):
    name = unique("many")
    for _ in range(3):
        named(anonymous, name).create_room(preset="public_chat")
    answer = alice.post(SEARCH, body={"search_term": name, "limit": 2})
    assert len(answer["results"]) == 2 and answer["limited"] is True
    assert alice.post(SEARCH, expect=400)["errcode"] == "M_MISSING_PARAM"
    assert alice.post(SEARCH, body={"search_term": 7}, expect=400)["errcode"] == "M_BAD_JSON"
