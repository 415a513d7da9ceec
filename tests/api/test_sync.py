"""Spec: client-server API, "Syncing" (sync.yaml)."""

from client import CLIENT, event_ids, invited_to, joined_room, timeline


def types(events):
    return {event["type"] for event in events}


def test_an_initial_sync_shows_state_before_the_timeline(alice, room):
    sent = [alice.send_text(room, f"message {number}") for number in range(5)]
    answer = alice.sync(filter={"room": {"timeline": {"limit": 2}}})
    part = joined_room(answer, room)
    assert event_ids(answer, room) == sent[-2:]
    assert part["timeline"]["limited"] is True
    assert {"m.room.create", "m.room.power_levels", "m.room.member"} <= types(part["state"]["events"])
    assert all("room_id" not in event for event in part["timeline"]["events"])


def test_an_incremental_sync_shows_only_what_is_new(alice, bob, room):
    alice.sync()
    event_id = bob.send_text(room, "new")
    answer = alice.sync(timeout_ms=10000)
    assert event_ids(answer, room) == [event_id]
    assert joined_room(answer, room)["timeline"]["limited"] is False
    assert joined_room(answer, room).get("state", {}).get("events", []) == []


def test_nothing_new_is_an_empty_answer(alice, room):
    alice.sync()
    alice.sync()
    assert room not in alice.sync().get("rooms", {}).get("join", {})


def test_a_gap_is_marked_and_its_state_told(alice, bob, room):
    alice.sync()
    bob_name = {"membership": "join", "displayname": "Bobby"}
    bob.set_state(room, "m.room.member", bob_name, state_key=bob.user_id)
    sent = [bob.send_text(room, f"message {number}") for number in range(5)]
    answer = alice.sync(filter={"room": {"timeline": {"limit": 2}}})
    part = joined_room(answer, room)
    assert part["timeline"]["limited"] is True
    assert event_ids(answer, room) == sent[-2:]
    told = [event["content"].get("displayname") for event in part["state"]["events"]]
    assert told == ["Bobby"]

    # The gap can be filled from where the timeline begins.
    page = alice.messages(room, from_=part["timeline"]["prev_batch"], limit=3)
    assert [event["event_id"] for event in page["chunk"]] == sent[2::-1]


def test_the_same_since_gives_the_same_events_again(alice, bob, room):
    since = alice.sync()["next_batch"]
    event_id = bob.send_text(room, "again")
    for _ in range(2):
        alice.since = since
        assert event_ids(alice.sync(), room) == [event_id]


def test_invitations_show_stripped_state(alice, bob):
    room_id = alice.create_room(preset="private_chat", name="Bureau", invite=[bob.user_id])
    state = bob.sync_until(invited_to(room_id))
    assert {"m.room.join_rules", "m.room.name", "m.room.member"} <= types(state)
    allowed = {"type", "state_key", "content", "sender", "origin_server_ts", "event_id", "room_id"}
    assert all(set(event) <= allowed for event in state)
    own = [event for event in state if event.get("state_key") == bob.user_id]
    assert own[0]["content"]["membership"] == "invite"


def test_a_room_that_was_left_is_told_once(alice, bob, room):
    bob.sync()
    bob.leave(room)
    answer = bob.sync()
    assert room in answer["rooms"]["leave"]
    assert room not in answer["rooms"].get("join", {})
    alice.send_text(room, "without bob")
    again = bob.sync().get("rooms", {})
    assert room not in again.get("leave", {}) and room not in again.get("join", {})


def test_joining_shows_the_whole_state(alice, bob):
    room_id = alice.create_room(preset="public_chat", name="Bureau")
    bob.sync()
    bob.join(room_id)
    part = bob.sync_until(lambda answer: joined_room(answer, room_id))
    told = types(part["state"]["events"] + part["timeline"]["events"])
    assert {"m.room.create", "m.room.join_rules", "m.room.power_levels", "m.room.name"} <= told


def test_lazy_loading_names_only_those_who_speak(alice, bob, carol):
    room_id = alice.create_room(preset="public_chat", name="Bureau")
    bob.join(room_id)
    carol.join(room_id)
    for number in range(3):
        bob.send_text(room_id, f"message {number}")
    lazy = {"room": {"timeline": {"limit": 3}, "state": {"lazy_load_members": True}}}
    part = joined_room(alice.sync(filter=lazy), room_id)
    members = {event["state_key"] for event in part["state"]["events"] if event["type"] == "m.room.member"}
    assert bob.user_id in members
    assert carol.user_id not in members
    assert part["summary"]["m.joined_member_count"] == 3


def members_told(part):
    return [event["state_key"] for event in part["state"]["events"] if event["type"] == "m.room.member"]


def test_a_lazily_loading_client_hears_of_a_speaker_once(alice, bob, carol):
    room_id = alice.create_room(preset="public_chat", name="Bureau")
    bob.join(room_id)
    carol.join(room_id)
    alice.send_text(room_id, "before")
    lazy = {"room": {"timeline": {"limit": 1}, "state": {"lazy_load_members": True}}}
    redundant = {"room": {"timeline": {"limit": 1}, "state": {"lazy_load_members": True, "include_redundant_members": True}}}
    alice.sync(filter=lazy)

    bob.send_text(room_id, "one")
    before = alice.since
    assert members_told(joined_room(alice.sync(filter=lazy), room_id)) == [bob.user_id]
    bob.send_text(room_id, "two")
    told_twice = alice.since
    assert members_told(joined_room(alice.sync(filter=lazy), room_id)) == []
    carol.send_text(room_id, "three")
    assert members_told(joined_room(alice.sync(filter=lazy), room_id)) == [carol.user_id]
    bob.send_text(room_id, "four")
    assert members_told(joined_room(alice.sync(filter=redundant), room_id)) == [bob.user_id]

    # Who goes on from an earlier answer may have lost the later ones.
    for since in (before, told_twice):
        alice.since = since
        assert bob.user_id in members_told(joined_room(alice.sync(filter=lazy), room_id))
    # Who begins anew knows nothing.
    alice.since = None
    alice.sync(filter={"room": {"rooms": []}})
    bob.send_text(room_id, "five")
    assert members_told(joined_room(alice.sync(filter=lazy), room_id)) == [bob.user_id]


def test_the_summary_names_heroes(alice, bob, carol):
    room_id = alice.create_room(preset="private_chat", invite=[bob.user_id, carol.user_id])
    bob.join(room_id)
    summary = joined_room(alice.sync(filter={"room": {"state": {"lazy_load_members": True}}}), room_id)["summary"]
    assert set(summary["m.heroes"]) == {bob.user_id, carol.user_id}
    assert summary["m.joined_member_count"] == 2
    assert summary["m.invited_member_count"] == 1


def test_lazy_loading_names_the_heroes_of_a_room_without_a_name(alice, bob, carol):
    room_id = alice.create_room(preset="public_chat")
    lazy = {"room": {"timeline": {"limit": 1}, "state": {"lazy_load_members": True}}}
    alice.sync(filter=lazy)
    bob.join(room_id)
    carol.join(room_id)
    bob.send_text(room_id, "one")
    incremental = joined_room(alice.sync(filter=lazy), room_id)
    alice.since = None
    for part in (incremental, joined_room(alice.sync(filter=lazy), room_id)):
        assert set(part["summary"]["m.heroes"]) == {bob.user_id, carol.user_id}
        told = [event["state_key"] for event in part["state"]["events"] if event["type"] == "m.room.member"]
        assert {bob.user_id, carol.user_id} <= set(told)
        assert len(told) == len(set(told)), "a member is told twice"


def test_full_state_tells_all_state_again(alice, room):
    alice.sync()
    part = joined_room(alice.sync(full_state="true"), room)
    assert "m.room.create" in types(part["state"]["events"])


def test_a_filter_on_types_holds_back_the_rest(alice, bob, room):
    only_messages = {"room": {"timeline": {"types": ["m.room.message"]}}}
    alice.sync(filter=only_messages)
    bob.send(room, "test.thing", {"n": 1})
    event_id = bob.send_text(room, "heard")
    answer = alice.sync(filter=only_messages)
    assert event_ids(answer, room) == [event_id]


def test_a_stored_filter_counts_by_its_id(alice, bob, room):
    path = f"{CLIENT}/user/{{}}/filter"
    none = {"room": {"rooms": []}}
    filter_id = alice.post(path, alice.user_id, body=none)["filter_id"]
    bob.send_text(room, "not heard")
    assert room not in alice.sync(filter=filter_id).get("rooms", {}).get("join", {})


def test_unread_messages_are_counted_until_read(alice, bob, room):
    alice.sync()
    for number in range(3):
        last = bob.send_text(room, f"message {number}")
    part = alice.sync_until(lambda answer: joined_room(answer, room))
    assert part["unread_notifications"]["notification_count"] == 3
    alice.post(f"{CLIENT}/rooms/{{}}/receipt/m.read/{{}}", room, last)
    part = alice.sync_until(lambda answer: joined_room(answer, room).get("unread_notifications"))
    assert part["notification_count"] == 0


def test_the_sender_finds_its_transaction_id_and_others_do_not(alice, bob, room):
    bob.sync()
    alice.sync()
    event_id = alice.send_text(room, "mine", txn_id="my-transaction")
    own = [event for event in timeline(alice.sync(), room) if event["event_id"] == event_id][0]
    assert own["unsigned"]["transaction_id"] == "my-transaction"
    other = bob.sync_until(lambda answer: timeline(answer, room))[0]
    assert "transaction_id" not in other.get("unsigned", {})


def test_a_long_poll_waits_and_is_woken(alice, bob, room):
    """Typing is no event, and wakes all the same."""
    alice.sync()
    bob.put(f"{CLIENT}/rooms/{{}}/typing/{{}}", room, bob.user_id, body={"typing": True, "timeout": 30000})
    part = alice.sync_until(lambda answer: joined_room(answer, room).get("ephemeral", {}).get("events"))
    assert [event["content"]["user_ids"] for event in part if event["type"] == "m.typing"] == [[bob.user_id]]


def test_state_after_tells_the_state_at_the_end(alice, bob, room):
    """use_state_after: what changed within the timeline stands in state_after too."""
    alice.sync()
    alice.set_state(room, "m.room.name", {"name": "New name"})
    bob.send_text(room, "nice")
    part = joined_room(alice.sync(use_state_after="true"), room)
    assert "state" not in part or not part["state"].get("events")
    after = {event["type"]: event["content"] for event in part["state_after"]["events"]}
    assert after["m.room.name"] == {"name": "New name"}


def test_a_room_that_was_left_tells_its_state_when_the_timeline_is_empty(alice, bob, room):
    bob.leave(room)
    alice.send_text(room, "unseen")
    bob.since = None
    filter_ = {"room": {"timeline": {"limit": 0}, "include_leave": True}}
    left = bob.sync(filter=filter_)["rooms"]["leave"][room]
    assert left["timeline"]["events"] == []
    members = {
        event["state_key"]: event["content"]["membership"]
        for event in left["state"]["events"]
        if event["type"] == "m.room.member"
    }
    assert members[bob.user_id] == "leave"
