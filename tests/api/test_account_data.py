"""Account data, global and per room (account-data.yaml); deletion by MSC3391."""

from client import CLIENT

ACCOUNT_DATA = f"{CLIENT}/user/{{}}/account_data/{{}}"
ROOM_ACCOUNT_DATA = f"{CLIENT}/user/{{}}/rooms/{{}}/account_data/{{}}"
UNSTABLE = "/_matrix/client/unstable/org.matrix.msc3391"


def global_data(answer, event_type):
    """The contents of this type in a sync answer, in order."""
    events = answer.get("account_data", {}).get("events", [])
    return [event["content"] for event in events if event["type"] == event_type]


def room_data(answer, room_id, event_type):
    room = answer.get("rooms", {}).get("join", {}).get(room_id, {})
    events = room.get("account_data", {}).get("events", [])
    return [event["content"] for event in events if event["type"] == event_type]


def test_what_is_set_is_read_back_as_it_was(alice):
    content = {"float": 0.1, "big": 9007199254740991, "nul": "\0", "deep": {"list": [1, None, True]}}
    alice.get(ACCOUNT_DATA, alice.user_id, "org.example/a b", expect=404)
    alice.put(ACCOUNT_DATA, alice.user_id, "org.example/a b", body=content)
    assert alice.get(ACCOUNT_DATA, alice.user_id, "org.example/a b") == content
    alice.put(ACCOUNT_DATA, alice.user_id, "org.example/a b", body={"second": 1})
    assert alice.get(ACCOUNT_DATA, alice.user_id, "org.example/a b") == {"second": 1}


def test_account_data_is_for_its_user_alone(alice, bob):
    alice.put(ACCOUNT_DATA, alice.user_id, "org.example", body={"a": 1})
    assert bob.get(ACCOUNT_DATA, alice.user_id, "org.example", expect=403)["errcode"] == "M_FORBIDDEN"
    bob.put(ACCOUNT_DATA, alice.user_id, "org.example", body={"b": 1}, expect=403)
    assert alice.get(ACCOUNT_DATA, alice.user_id, "org.example") == {"a": 1}
    bob.get(ACCOUNT_DATA, bob.user_id, "org.example", expect=404)


def test_what_the_server_manages_can_not_be_set(alice, room):
    """P-07"""
    for event_type in ("m.fully_read", "m.push_rules"):
        error = alice.put(ACCOUNT_DATA, alice.user_id, event_type, body={"x": 1}, expect=405)
        assert error["errcode"] == "M_BAD_JSON"
        error = alice.put(ROOM_ACCOUNT_DATA, alice.user_id, room, event_type, body={"x": 1}, expect=405)
        assert error["errcode"] == "M_BAD_JSON"


def test_account_data_is_limited_to_64_kilobytes(alice):
    """P-07"""
    alice.put(ACCOUNT_DATA, alice.user_id, "big", body={"x": "y" * 65000})
    error = alice.put(ACCOUNT_DATA, alice.user_id, "big", body={"x": "y" * 66000}, expect=413)
    assert error["errcode"] == "M_TOO_LARGE"
    alice.put(ACCOUNT_DATA, alice.user_id, "t" * 256, body={"x": 1}, expect=400)


def test_a_content_must_be_an_object(alice):
    for content in (b"[]", b'"text"', b"7", b"", b"{"):
        path = ACCOUNT_DATA.format(alice.user_id, "org.example")
        answer = alice.raw("PUT", path, content=content)
        assert answer.status_code == 400 and answer.json()["errcode"] in ("M_NOT_JSON", "M_BAD_JSON")


def test_room_account_data_is_apart_from_global(alice, room):
    alice.put(ROOM_ACCOUNT_DATA, alice.user_id, room, "org.example", body={"room": 1})
    assert alice.get(ROOM_ACCOUNT_DATA, alice.user_id, room, "org.example") == {"room": 1}
    alice.get(ACCOUNT_DATA, alice.user_id, "org.example", expect=404)
    alice.put(ROOM_ACCOUNT_DATA, alice.user_id, "!unknown:nowhere", "org.example", body={"a": 1}, expect=404)


def test_changes_arrive_by_sync(alice, room):
    alice.sync()
    alice.put(ACCOUNT_DATA, alice.user_id, "org.example", body={"v": 1})
    alice.put(ROOM_ACCOUNT_DATA, alice.user_id, room, "org.example", body={"v": 2})
    seen = {}

    def arrived(answer):
        seen.setdefault("global", []).extend(global_data(answer, "org.example"))
        seen.setdefault("room", []).extend(room_data(answer, room, "org.example"))
        return seen["global"] and seen["room"]

    alice.sync_until(arrived)
    assert seen == {"global": [{"v": 1}], "room": [{"v": 2}]}


def test_deleted_data_is_told_once_and_gone(alice, room):
    delete_paths = [
        lambda: alice.delete(f"{UNSTABLE}/user/{{}}/account_data/{{}}", alice.user_id, "org.example"),
        lambda: alice.put(ACCOUNT_DATA, alice.user_id, "org.example", body={}),
    ]
    for delete in delete_paths:
        alice.put(ACCOUNT_DATA, alice.user_id, "org.example", body={"v": 1})
        alice.sync()
        delete()
        alice.sync_until(lambda answer: {} in global_data(answer, "org.example"))
        alice.get(ACCOUNT_DATA, alice.user_id, "org.example", expect=404)
        alice.since = None
        assert global_data(alice.sync(), "org.example") == []
    alice.delete(f"{UNSTABLE}/user/{{}}/rooms/{{}}/account_data/{{}}", alice.user_id, room, "org.example")
