"""profile.yaml: /profile/{userId} and /profile/{userId}/{keyName}."""

import pytest
from client import CLIENT

PROFILE = f"{CLIENT}/profile/{{}}"
FIELD = f"{CLIENT}/profile/{{}}/{{}}"


def set_field(client, key, value, **options):
    return client.put(FIELD, client.user_id, key, body={key: value}, **options)


def test_a_new_account_has_an_empty_profile(alice, anonymous):
    assert anonymous.get(PROFILE, alice.user_id) == {}
    assert anonymous.get(FIELD, alice.user_id, "displayname", expect=404)["errcode"] == "M_NOT_FOUND"


@pytest.mark.parametrize(
    "key, value",
    [
        ("displayname", "Älice 🐙"),
        ("avatar_url", "mxc://example.org/SEsfnsuifSDFSSEF"),
        ("m.tz", "Europe/Paris"),
        ("org.example.pronouns", [{"summary": "she/her", "n": 1.5}, None, True]),
        ("org.example.nothing", None),
    ],
)
def test_a_field_is_set_read_by_everybody_and_deleted(alice, anonymous, key, value):
    assert set_field(alice, key, value) == {}
    assert anonymous.get(FIELD, alice.user_id, key) == {key: value}
    assert anonymous.get(PROFILE, alice.user_id) == {key: value}
    assert alice.delete(FIELD, alice.user_id, key) == {}
    assert anonymous.get(PROFILE, alice.user_id) == {}
    alice.delete(FIELD, alice.user_id, key)


@pytest.mark.parametrize("value", ["", None])
def test_an_empty_name_or_avatar_is_taken_away(alice, value):
    for key, old in (("displayname", "Alice"), ("avatar_url", "mxc://example.org/abc")):
        set_field(alice, key, old)
        set_field(alice, key, value)
        alice.get(FIELD, alice.user_id, key, expect=404)


def test_nobody_changes_the_profile_of_somebody_else(alice, bob, anonymous):
    body = {"displayname": "Mallory"}
    assert bob.put(FIELD, alice.user_id, "displayname", body=body, expect=403)["errcode"] == "M_FORBIDDEN"
    assert bob.delete(FIELD, alice.user_id, "displayname", expect=403)["errcode"] == "M_FORBIDDEN"
    answer = anonymous.put(FIELD, alice.user_id, "displayname", body=body, expect=401)
    assert answer["errcode"] == "M_MISSING_TOKEN"


@pytest.mark.parametrize(
    "key, body, status, errcode",
    [
        ("displayname", {}, 400, "M_MISSING_PARAM"),
        ("displayname", {"avatar_url": "mxc://a/b"}, 400, "M_MISSING_PARAM"),
        ("displayname", {"displayname": 1}, 400, "M_BAD_JSON"),
        ("displayname", {"displayname": "x" * 2000}, 400, "M_INVALID_PARAM"),
        ("avatar_url", {"avatar_url": "https://example.org/a.png"}, 400, "M_INVALID_PARAM"),
        ("avatar_url", {"avatar_url": ["mxc://a/b"]}, 400, "M_BAD_JSON"),
        ("m.tz", {"m.tz": 1}, 400, "M_BAD_JSON"),
        ("k" * 256, {"k" * 256: 1}, 400, "M_KEY_TOO_LARGE"),
        ("Org.Example", {"Org.Example": 1}, 400, "M_INVALID_PARAM"),
        ("with space", {"with space": 1}, 400, "M_INVALID_PARAM"),
    ],
)
def test_what_does_not_fit_a_field_is_refused(alice, key, body, status, errcode):
    assert alice.put(FIELD, alice.user_id, key, body=body, expect=status)["errcode"] == errcode


def test_a_profile_stays_under_64_kib(alice):
    set_field(alice, "org.example.a", "x" * 40000)
    answer = set_field(alice, "org.example.b", "x" * 40000, expect=400)
    assert answer["errcode"] == "M_PROFILE_TOO_LARGE"
    assert set_field(alice, "org.example.c", "x" * 70000, expect=400)["errcode"] == "M_PROFILE_TOO_LARGE"
    set_field(alice, "org.example.a", "x")
    set_field(alice, "org.example.b", "x" * 40000)


def test_users_that_do_not_exist_have_no_profile(alice, anonymous):
    domain = alice.user_id.split(":", 1)[1]
    assert anonymous.get(PROFILE, f"@nobody-at-all:{domain}", expect=404)["errcode"] == "M_NOT_FOUND"
    assert anonymous.get(PROFILE, "not-a-user-id", expect=400)["errcode"] == "M_INVALID_PARAM"


def test_guests_change_their_display_name_only(anonymous):
    guest = anonymous.signed_in(anonymous.post(f"{CLIENT}/register", query={"kind": "guest"}))
    set_field(guest, "displayname", "A guest")
    answer = set_field(guest, "avatar_url", "mxc://example.org/abc", expect=403)
    assert answer["errcode"] == "M_GUEST_ACCESS_FORBIDDEN"


def test_the_unstable_paths_speak_of_the_same_profile(alice, anonymous):
    unstable = "/_matrix/client/unstable/uk.tcpip.msc4133/profile/{}"
    alice.put(unstable + "/{}", alice.user_id, "us.cloke.msc4175.tz", body={"us.cloke.msc4175.tz": "UTC"})
    assert anonymous.get(unstable, alice.user_id) == anonymous.get(PROFILE, alice.user_id)


def test_rooms_show_a_new_name(alice, bob, room):
    set_field(alice, "displayname", "Alice the second")
    set_field(alice, "avatar_url", "mxc://example.org/abc")
    member = bob.state(room, "m.room.member", alice.user_id)
    assert member["displayname"] == "Alice the second"
    assert member["avatar_url"] == "mxc://example.org/abc"
    assert member["membership"] == "join"
