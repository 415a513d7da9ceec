"""Spec: MSC4186, simplified sliding sync, under the names that clients use."""

from concurrent.futures import ThreadPoolExecutor

from client import CLIENT, Client, unique
from sliding import EXTENSIONS, PATH, Sliding, told_events, told_state


def one_list(**config):
    return {"all": {"ranges": [[0, 99]], "timeline_limit": 5, "required_state": [], **config}}


def test_the_first_answer_shows_each_room_whole(alice, bob, room):
    alice.set_state(room, "m.room.name", {"name": "Archive"})
    sent = [bob.send_text(room, f"message {number}") for number in range(7)]
    answer = Sliding(alice).ask(lists=one_list(required_state=[["m.room.create", ""], ["m.room.member", "$ME"]]))
    part = answer["rooms"][room]
    assert part["initial"] is True and part["membership"] == "join" and part["name"] == "Archive"
    assert told_events(answer, room) == sent[-5:]
    assert part["limited"] is True and part["num_live"] == 0 and part["joined_count"] == 2
    assert set(told_state(answer, room)) == {("m.room.create", ""), ("m.room.member", alice.user_id)}
    assert answer["lists"]["all"]["count"] == 1 and part["lists"] == ["all"]
    page = alice.messages(room, from_=part["prev_batch"], limit=1)
    assert [event["event_id"] for event in page["chunk"]] == [sent[1]]


def test_only_what_is_new_follows(alice, bob, room):
    sliding = Sliding(alice)
    sliding.ask()
    assert sliding.ask()["rooms"] == {}
    event_id = bob.send_text(room, "new")
    answer = sliding.ask(timeout_ms=10000)
    part = answer["rooms"][room]
    assert told_events(answer, room) == [event_id]
    assert "initial" not in part and part["limited"] is False and part["num_live"] == 1
    assert part["notification_count"] == 1
    assert sliding.ask()["rooms"] == {}


def test_the_same_pos_gives_the_same_again(alice, bob, room):
    sliding = Sliding(alice)
    pos = sliding.ask()["pos"]
    event_id = bob.send_text(room, "again")
    for _ in range(2):
        assert told_events(sliding.ask(pos=pos), room) == [event_id]
    # The room moves out of the window and back: what the lost answers told is told again.
    sliding.ask(pos=pos, lists={})
    other = bob.send_text(room, "more")
    sliding.ask()
    assert told_events(sliding.ask(lists=one_list()), room) == [event_id, other]


def test_a_request_waits_for_something_new(alice, bob, room):
    sliding = Sliding(alice)
    sliding.ask()
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(sliding.ask, timeout_ms=20000)
        event_id = bob.send_text(room, "wake up")
        assert told_events(waiting.result(), room) == [event_id]
    assert sliding.ask(timeout_ms=50)["rooms"] == {}


def test_a_pos_of_somebody_else_or_from_before_a_restart_of_the_connection_is_not_known(alice, bob, room):
    sliding = Sliding(alice)
    old = sliding.ask()["pos"]
    assert Sliding(bob).ask(pos=old, expect=400)["errcode"] == "M_UNKNOWN_POS"
    assert Sliding(alice.second_device()).ask(pos=old, expect=400)["errcode"] == "M_UNKNOWN_POS"
    assert Sliding(alice, conn_id="other").ask(pos=old, expect=400)["errcode"] == "M_UNKNOWN_POS"
    assert Sliding(alice).ask(pos="l1_1_1_99999999999_0_0", expect=400)["errcode"] == "M_UNKNOWN_POS"
    sliding.pos = None
    sliding.ask()
    assert sliding.ask(pos=old, expect=400)["errcode"] == "M_UNKNOWN_POS"


def test_ranges_show_the_most_recent_rooms_and_grow(alice):
    rooms = [alice.create_room(name=f"room {number}") for number in range(6)]
    sliding = Sliding(alice, lists=one_list(ranges=[[0, 1]]))
    answer = sliding.ask()
    assert set(answer["rooms"]) == set(rooms[-2:])
    assert answer["lists"]["all"]["count"] == 6
    answer = sliding.ask(lists=one_list(ranges=[[0, 3]]))
    assert set(answer["rooms"]) == set(rooms[2:4])
    assert all(part["initial"] for part in answer["rooms"].values())
    # A room that something happens in comes to the top.
    event_id = alice.send_text(rooms[0], "up")
    answer = sliding.ask()
    assert set(answer["rooms"]) == {rooms[0]} and event_id in told_events(answer, rooms[0])
    assert answer["rooms"][rooms[0]]["num_live"] == 1
    # Rooms without a range are all rooms, as in the proposal's own form.
    answer = sliding.ask(lists={"all": {"timeline_limit": 1, "required_state": {}}})
    assert set(answer["rooms"]) == {rooms[1]}


def test_a_room_that_left_the_window_tells_what_was_missed(alice, bob, room):
    sliding = Sliding(alice, lists=one_list(timeline_limit=2))
    sliding.ask()
    alice.create_room()
    sliding.ask(lists={})
    sent = [bob.send_text(room, f"missed {number}") for number in range(2)]
    sliding.ask()
    answer = sliding.ask(lists=one_list(timeline_limit=2))
    assert told_events(answer, room) == sent
    assert answer["rooms"][room]["limited"] is False and "initial" not in answer["rooms"][room]
    assert answer["rooms"][room]["num_live"] == 0


def test_a_subscription_shows_a_room_outside_the_lists(alice, bob, room):
    subscribed = {"timeline_limit": 3, "required_state": [["m.room.topic", ""]]}
    sliding = Sliding(alice, lists={}, room_subscriptions={room: subscribed, "!nowhere:test": subscribed})
    assert set(sliding.ask()["rooms"]) == {room}
    alice.set_state(room, "m.room.topic", {"topic": "Tides"})
    answer = sliding.ask()
    assert ("m.room.topic", "") in told_state(answer, room)
    stranger = Sliding(bob, lists={}, room_subscriptions={alice.create_room(): subscribed})
    assert stranger.ask()["rooms"] == {}


def test_a_larger_timeline_limit_shows_older_events_at_once(alice, bob, room):
    sent = [bob.send_text(room, f"message {number}") for number in range(6)]
    sliding = Sliding(alice, lists=one_list(timeline_limit=1))
    assert told_events(sliding.ask(), room) == sent[-1:]
    subscription = {room: {"timeline_limit": 4, "required_state": []}}
    answer = sliding.ask(timeout_ms=10000, room_subscriptions=subscription)
    assert told_events(answer, room) == sent[-4:]
    part = answer["rooms"][room]
    assert part["expanded_timeline"] is True and part["unstable_expanded_timeline"] is True
    assert part["num_live"] == 0 and "initial" not in part
    # Once is enough, also after closing and opening the room.
    assert sliding.ask()["rooms"] == {}
    sliding.ask(room_subscriptions={})
    assert sliding.ask(room_subscriptions=subscription)["rooms"] == {}
    # Unless a gap took the old ones away.
    sliding.ask(room_subscriptions={})
    sent = [bob.send_text(room, f"later {number}") for number in range(4)]
    assert sliding.ask()["rooms"][room]["limited"] is True
    assert told_events(sliding.ask(room_subscriptions=subscription), room) == sent


def test_more_required_state_is_told_at_once(alice, room):
    alice.set_state(room, "m.room.topic", {"topic": "Tides"})
    sliding = Sliding(alice, lists=one_list(required_state=[["m.room.create", ""]]))
    assert set(told_state(sliding.ask(), room)) == {("m.room.create", "")}
    more = [["m.room.create", ""], ["m.room.topic", ""]]
    answer = sliding.ask(timeout_ms=10000, lists=one_list(required_state=more))
    assert set(told_state(answer, room)) == {("m.room.topic", "")}
    assert told_events(answer, room) == []
    assert sliding.ask()["rooms"] == {}


def test_required_state_of_the_proposals_form(alice, room):
    wanted = {"include": [{}], "exclude": [{"type": "m.room.power_levels"}], "lazy_members": True}
    answer = Sliding(alice).ask(lists={"all": {"timeline_limit": 0, "required_state": wanted}})
    types = {event_type for event_type, _ in told_state(answer, room)}
    assert {"m.room.create", "m.room.join_rules"} <= types
    assert types.isdisjoint({"m.room.power_levels", "m.room.member"})


def test_lazy_members_are_those_of_the_timeline(alice, bob, carol, room):
    alice.invite(room, carol.user_id)
    carol.join(room)
    bob.send_text(room, "hello")
    lazy = one_list(timeline_limit=1, required_state=[["m.room.member", "$LAZY"]])
    sliding = Sliding(alice, lists=lazy)
    assert set(told_state(sliding.ask(), room)) == {("m.room.member", bob.user_id)}
    named = {"membership": "join", "displayname": "Caroline"}
    carol.set_state(room, "m.room.member", named, state_key=carol.user_id)
    told = told_state(sliding.ask(), room)
    assert told[("m.room.member", carol.user_id)]["content"]["displayname"] == "Caroline"
    # In a gap only those of the timeline: the client forgets the others.
    named["displayname"] = "Carla"
    carol.set_state(room, "m.room.member", named, state_key=carol.user_id)
    bob.send_text(room, "and on")
    assert set(told_state(sliding.ask(), room)) == {("m.room.member", bob.user_id)}


def test_state_in_a_gap_is_told(alice, room):
    sliding = Sliding(alice, lists=one_list(timeline_limit=1, required_state=[["m.room.topic", ""]]))
    sliding.ask()
    alice.set_state(room, "m.room.topic", {"topic": "Tides"})
    alice.send_text(room, "one")
    alice.send_text(room, "two")
    answer = sliding.ask()
    assert told_state(answer, room)[("m.room.topic", "")]["content"] == {"topic": "Tides"}
    assert answer["rooms"][room]["limited"] is True


def test_names_avatars_and_heroes(alice, bob, room):
    sliding = Sliding(alice)
    part = sliding.ask()["rooms"][room]
    assert "name" not in part
    assert [hero["user_id"] for hero in part["heroes"]] == [bob.user_id]
    alice.set_state(room, "m.room.name", {"name": "Archive"})
    alice.set_state(room, "m.room.avatar", {"url": "mxc://test/picture"})
    part = sliding.ask()["rooms"][room]
    assert part["name"] == "Archive" and part["avatar"] == "mxc://test/picture"
    assert "heroes" not in part
    alice.set_state(room, "m.room.name", {})
    part = sliding.ask()["rooms"][room]
    assert part["name"] is None and part["heroes"][0]["user_id"] == bob.user_id


def test_bump_stamps_follow_what_people_see(alice, room):
    event_id = alice.send_text(room, "seen")
    sliding = Sliding(alice)
    first = sliding.ask()["rooms"][room]["bump_stamp"]
    reaction = {"m.relates_to": {"rel_type": "m.annotation", "event_id": event_id, "key": "+"}}
    alice.send(room, "m.reaction", reaction)
    assert sliding.ask()["rooms"][room].get("bump_stamp", first) == first
    alice.send_text(room, "seen too")
    assert sliding.ask()["rooms"][room]["bump_stamp"] > first
    # The bump may be older than the timeline.
    fresh = Sliding(alice, conn_id="fresh", lists=one_list(timeline_limit=0)).ask()
    assert fresh["rooms"][room]["bump_stamp"] > first


def test_invites_show_stripped_state(alice, bob):
    room = alice.create_room(name="Archive")
    sliding = Sliding(bob)
    sliding.ask()
    alice.invite(room, bob.user_id)
    part = sliding.ask(timeout_ms=10000)["rooms"][room]
    types = {event["type"] for event in part["invite_state"]}
    assert {"m.room.create", "m.room.name", "m.room.member"} <= types
    assert part["stripped_state"] == part["invite_state"] and part["membership"] == "invite"
    assert "timeline" not in part and "required_state" not in part
    bob.join(room)
    part = sliding.ask()["rooms"][room]
    assert part["initial"] is True and part["membership"] == "join" and "invite_state" not in part


def test_a_declined_invite_is_told_once(alice, bob):
    room = alice.create_room(invite=[bob.user_id])
    sliding = Sliding(bob)
    sliding.ask()
    bob.leave(room)
    part = sliding.ask()["rooms"][room]
    assert part["membership"] == "leave"
    assert [event["content"]["membership"] for event in part["timeline"]] == ["leave"]
    alice.send_text(room, "not for bob")
    answer = sliding.ask()
    assert answer["rooms"] == {} and answer["lists"]["all"]["count"] == 0


def test_leaving_is_told_once_and_nothing_after_it(alice, bob, room):
    sliding = Sliding(bob)
    sliding.ask()
    last = alice.send_text(room, "before")
    bob.leave(room)
    alice.send_text(room, "after")
    alice.set_state(room, "m.room.name", {"name": "secret"})
    answer = sliding.ask()
    part = answer["rooms"][room]
    assert part["membership"] == "leave" and last in told_events(answer, room)
    assert part["timeline"][-1]["content"]["membership"] == "leave"
    assert "name" not in part and ("m.room.name", "") not in told_state(answer, room)
    assert sliding.ask()["rooms"] == {}
    assert Sliding(bob, conn_id="new").ask()["rooms"] == {}


def test_a_ban_is_shown_also_to_new_connections(alice, bob, room):
    alice.post(f"{CLIENT}/rooms/{{}}/ban", room, body={"user_id": bob.user_id})
    after = alice.send_text(room, "after")
    part = Sliding(bob).ask()["rooms"][room]
    assert part["membership"] == "ban" and part["initial"] is True
    assert after not in [event["event_id"] for event in part["timeline"]]


def test_filters_choose_rooms(alice, bob):
    plain = alice.create_room()
    direct = alice.create_room(is_direct=True)
    secret = alice.create_room(
        initial_state=[
            {"type": "m.room.encryption", "content": {"algorithm": "m.megolm.v1.aes-sha2"}, "state_key": ""}
        ]
    )
    space = alice.create_room(creation_content={"type": "m.space"})
    alice.set_state(space, "m.space.child", {"via": ["test"]}, state_key=plain)
    invited = bob.create_room(invite=[alice.user_id])
    alice.put(f"{CLIENT}/user/{{}}/account_data/m.direct", alice.user_id, body={bob.user_id: [direct]})
    tag = f"{CLIENT}/user/{{}}/rooms/{{}}/tags/m.favourite"
    alice.put(tag, alice.user_id, secret, body={"order": 0.5})

    def rooms(**filters):
        answer = Sliding(alice, conn_id=unique("c")).ask(lists=one_list(filters=filters))
        assert answer["lists"]["all"]["count"] == len(answer["rooms"])
        return set(answer["rooms"])

    everything = {plain, direct, secret, space, invited}
    assert rooms() == everything
    assert rooms(is_dm=True) == {direct}
    assert rooms(is_dm=False) == everything - {direct}
    assert rooms(is_encrypted=True) == {secret}
    assert rooms(is_invite=True) == {invited} == rooms(is_invited=True)
    assert rooms(is_invite=False) == everything - {invited}
    assert rooms(room_types=["m.space"]) == {space}
    assert rooms(room_types=[None]) == everything - {space}
    assert rooms(not_room_types=["m.space"]) == everything - {space}
    assert rooms(tags=["m.favourite"]) == {secret}
    assert rooms(not_tags=["m.favourite"]) == everything - {secret}
    assert rooms(spaces=[space]) == {plain}
    assert rooms(spaces=["!nowhere:test"]) == set()
    assert rooms(is_encrypted=True, not_tags=["m.favourite"]) == set()


def test_a_room_that_becomes_direct_says_so(alice, bob, room):
    sliding = Sliding(alice)
    assert "is_dm" not in sliding.ask()["rooms"][room]
    path = f"{CLIENT}/user/{{}}/account_data/m.direct"
    alice.put(path, alice.user_id, body={bob.user_id: [room]})
    assert sliding.ask(timeout_ms=10000)["rooms"][room]["is_dm"] is True
    alice.put(path, alice.user_id, body={})
    assert sliding.ask()["rooms"][room]["is_dm"] is False


def test_to_device_messages_are_told_until_acknowledged(alice, bob):
    sliding = Sliding(bob, extensions=EXTENSIONS)
    sliding.ask()
    path = f"{CLIENT}/sendToDevice/m.test/{{}}"
    alice.put(path, unique("txn"), body={"messages": {bob.user_id: {bob.device_id: {"number": 1}}}})
    answer = sliding.ask(timeout_ms=10000)
    events = answer["extensions"]["to_device"]["events"]
    assert [(e["type"], e["sender"], e["content"]) for e in events] == [("m.test", alice.user_id, {"number": 1})]
    assert sliding.ask()["extensions"]["to_device"]["events"] == events
    sliding.acknowledge(answer)
    assert sliding.ask()["extensions"]["to_device"]["events"] == []


def test_encryption_extension(alice, bob, room):
    sliding = Sliding(alice, extensions=EXTENSIONS)
    part = sliding.ask()["extensions"]["e2ee"]
    assert part["device_one_time_keys_count"] == {"signed_curve25519": 0}
    assert part["device_unused_fallback_key_types"] == [] and "device_lists" not in part
    bob.leave(room)
    assert sliding.ask()["extensions"]["e2ee"]["device_lists"]["left"] == [bob.user_id]


def test_account_data_extension(alice, room):
    room_data = f"{CLIENT}/user/{{}}/rooms/{{}}/account_data/m.test"
    alice.put(room_data, alice.user_id, room, body={"number": 1})
    sliding = Sliding(alice, extensions=EXTENSIONS)
    part = sliding.ask()["extensions"]["account_data"]
    assert "m.push_rules" in {row["type"] for row in part["global"]}
    assert part["rooms"] == {room: [{"type": "m.test", "content": {"number": 1}}]}
    assert sliding.ask()["extensions"]["account_data"] == {"global": [], "rooms": {}}
    # Changed while the room was out of sight.
    sliding.ask(lists={})
    alice.put(room_data, alice.user_id, room, body={"number": 2})
    assert sliding.ask()["extensions"]["account_data"]["rooms"] == {}
    sliding.ask()
    part = sliding.ask(lists=one_list())["extensions"]["account_data"]
    assert part["rooms"] == {room: [{"type": "m.test", "content": {"number": 2}}]}


def test_an_extension_that_is_enabled_later_tells_everything(alice, room):
    alice.put(f"{CLIENT}/user/{{}}/rooms/{{}}/account_data/m.test", alice.user_id, room, body={"a": 1})
    sliding = Sliding(alice)
    sliding.ask()
    part = sliding.ask(extensions=EXTENSIONS)["extensions"]["account_data"]
    assert "m.push_rules" in {row["type"] for row in part["global"]}
    assert part["rooms"] == {room: [{"type": "m.test", "content": {"a": 1}}]}


def test_receipts_extension(alice, bob, carol, room):
    alice.invite(room, carol.user_id)
    carol.join(room)
    event_id = alice.send_text(room, "read me")
    receipt = f"{CLIENT}/rooms/{{}}/receipt/{{}}/{{}}"
    bob.post(receipt, room, "m.read", event_id)
    carol.post(receipt, room, "m.read.private", event_id)
    sliding = Sliding(alice, extensions=EXTENSIONS)
    part = sliding.ask()["extensions"]["receipts"]["rooms"]
    assert part[room]["type"] == "m.receipt"
    assert set(part[room]["content"][event_id]["m.read"]) == {bob.user_id}
    second = alice.send_text(room, "and me")
    sliding.ask()
    bob.post(receipt, room, "m.read", second)
    answer = sliding.ask(timeout_ms=10000)
    assert set(answer["extensions"]["receipts"]["rooms"][room]["content"]) == {second}
    assert answer["rooms"] == {}
    # Counts go down on the user's other devices.
    bob_tablet = Sliding(bob.second_device(), extensions=EXTENSIONS)
    bob_tablet.ask()
    third = alice.send_text(room, "three")
    assert bob_tablet.ask()["rooms"][room]["notification_count"] == 1
    bob.post(receipt, room, "m.read", third)
    assert bob_tablet.ask()["rooms"][room]["notification_count"] == 0


def test_typing_extension(alice, bob, room):
    sliding = Sliding(alice, extensions=EXTENSIONS)
    sliding.ask()
    typing = f"{CLIENT}/rooms/{{}}/typing/{{}}"
    bob.put(typing, room, bob.user_id, body={"typing": True, "timeout": 30000})
    part = sliding.ask(timeout_ms=10000)["extensions"]["typing"]["rooms"]
    assert part == {room: {"type": "m.typing", "content": {"user_ids": [bob.user_id]}}}
    fresh = Sliding(alice, conn_id="fresh", extensions=EXTENSIONS).ask()
    assert fresh["extensions"]["typing"]["rooms"] == part
    bob.put(typing, room, bob.user_id, body={"typing": False})
    part = sliding.ask(timeout_ms=10000)["extensions"]["typing"]["rooms"]
    assert part[room]["content"]["user_ids"] == []


def test_extensions_speak_of_the_rooms_they_are_asked_about(alice, room):
    alice.put(f"{CLIENT}/user/{{}}/rooms/{{}}/account_data/m.test", alice.user_id, room, body={"a": 1})
    for scope, told in (({"lists": []}, False), ({"lists": ["all"]}, True), ({"lists": ["*"]}, True)):
        sliding = Sliding(alice, conn_id=unique("c"), extensions={"account_data": {"enabled": True, **scope}})
        assert (room in sliding.ask()["extensions"]["account_data"]["rooms"]) is told


def test_a_pos_pages_in_messages(alice, room):
    event_id = alice.send_text(room, "last")
    pos = Sliding(alice).ask()["pos"]
    page = alice.messages(room, from_=pos, limit=1)
    assert [event["event_id"] for event in page["chunk"]] == [event_id]


def test_bad_requests_are_refused(alice):
    for body in (
        {"lists": []},
        {"lists": {"a": {"ranges": [[5, 1]]}}},
        {"lists": {"a": {"ranges": [[0]]}}},
        {"lists": {"a": {"required_state": [["m.room.create"]]}}},
        {"lists": {"a": {"required_state": "all"}}},
        {"lists": {"a": {"timeline_limit": "1"}}},
        {"lists": {"a": {"filters": {"is_dm": 1}}}},
        {"lists": {str(number): {} for number in range(101)}},
        {"room_subscriptions": {f"!{number}:test": {} for number in range(101)}},
        {"extensions": {"to_device": 1}},
        {"conn_id": 7},
    ):
        assert alice.post(PATH, body=body, expect=400)["errcode"] == "M_INVALID_PARAM", body
    since = {"extensions": {"to_device": {"enabled": True, "since": "yesterday"}}}
    assert alice.post(PATH, body=since, expect=400)["errcode"] == "M_INVALID_PARAM"
    unknown = alice.post(PATH, body={}, query={"set_presence": "asleep"}, expect=400)
    assert unknown["errcode"] == "M_INVALID_PARAM"


def test_a_restart_goes_unnoticed(private_server):
    anonymous = Client(private_server.base_url)
    alice, bob = anonymous.register("alice"), anonymous.register("bob")
    room = alice.create_room(preset="public_chat")
    bob.join(room)
    sliding = Sliding(alice, lists=one_list(timeline_limit=3), extensions=EXTENSIONS)
    sliding.ask()
    seen = sliding.ask(lists={})
    missed = bob.send_text(room, "missed")
    private_server.kill()
    private_server.start()
    assert sliding.ask(pos=seen["pos"])["rooms"] == {}
    answer = sliding.ask(lists=one_list(timeline_limit=3))
    assert told_events(answer, room) == [missed] and "initial" not in answer["rooms"][room]
    alice.post(f"{CLIENT}/logout")


def test_all_rooms_at_once_as_older_clients_ask_for_them(alice, room):
    rooms = {room, *(alice.create_room() for _ in range(3))}
    lists = one_list(ranges=[[0, 0]], slow_get_all_rooms=True)
    assert set(Sliding(alice).ask(lists=lists)["rooms"]) == rooms
    assert len(Sliding(alice, conn_id="few").ask(lists=one_list(ranges=[[0, 0]]))["rooms"]) == 1
