"""Another server joins our rooms and speaks in them; our clients see it."""

import time

import pytest
from client import event_ids, joined_room, timeline
from malice import worked_off
from peer import FEDERATION, PeerRoom, content_hash, event_id_of, quote


def sees(client, room_id, event_id):
    client.sync_until(lambda answer: event_id in event_ids(answer, room_id))


def public_room(alice, version="11", **options):
    return alice.create_room(preset="public_chat", room_version=version, **options)


def test_keys_are_published(server, peer):
    document = peer.request(server, "GET", "/_matrix/key/v2/server", expect=200).json()
    assert document["server_name"] == server.server_name
    assert document["verify_keys"] and document["signatures"][server.server_name]


def test_the_version_is_told(server, peer):
    assert peer.get(server, f"{FEDERATION}/v1/version")["server"]["name"] == "Beffroi"


@pytest.mark.parametrize("version", ["10", "11", "12"])
def test_a_user_of_another_server_joins_and_speaks(server, alice, peer, version):
    room_id = public_room(alice, version)
    alice.sync()
    room = peer.join(server, room_id, "mallory")
    alice.sync_until(
        lambda answer: any(
            e["type"] == "m.room.member" and e["state_key"] == peer.user("mallory")
            for e in timeline(answer, room_id)
        )
    )
    event = room.event("m.room.message", {"msgtype": "m.text", "body": "hello"})
    event_id = room.id_of(event)
    assert peer.send(server, [event])["pdus"] == {event_id: {}}
    sees(alice, room_id, event_id)
    members = alice.get("/_matrix/client/v3/rooms/{}/joined_members", room_id)["joined"]
    assert peer.user("mallory") in members


def test_the_answer_to_a_join_is_complete(server, alice, peer):
    room_id = public_room(alice)
    room = peer.join(server, room_id, "mallory")
    assert ("m.room.create", "") in room.state
    assert ("m.room.member", alice.user_id) in room.state
    ids = {room.id_of(event) for event in room.answer["auth_chain"]}
    for event in room.answer["state"] + [room.answer["event"]]:
        assert set(event["auth_events"]) <= ids


def test_members_can_be_left_out_of_the_answer_to_a_join(server, alice, peer):
    room_id = public_room(alice)
    assert "m.room.name" not in {event["type"] for event in alice.get("/_matrix/client/v3/rooms/{}/state", room_id)}
    room = peer.join(server, room_id, "mallory", omit_members="true")
    assert room.answer["members_omitted"] is True
    assert room.answer["servers_in_room"] == [server.server_name]
    assert ("m.room.member", alice.user_id) in room.state, "the room is named after her"
    state = {room.id_of(event) for event in room.answer["state"]}
    assert not state & {room.id_of(event) for event in room.answer["auth_chain"]}


def test_a_room_with_a_name_needs_no_members_to_be_named_after(server, alice, peer):
    room_id = public_room(alice)
    alice.set_state(room_id, "m.room.name", {"name": "Town hall"})
    room = peer.join(server, room_id, "mallory", omit_members="true")
    assert ("m.room.member", alice.user_id) not in room.state
    ids = {room.id_of(event) for event in room.answer["state"] + room.answer["auth_chain"]}
    for event in room.answer["state"] + [room.answer["event"]]:
        assert set(event["auth_events"]) <= ids


def test_a_repeated_transaction_gets_the_same_answer_and_counts_once(server, alice, peer):
    room_id = public_room(alice)
    room = peer.join(server, room_id, "mallory")
    event = room.event("m.room.message", {"body": "once"})
    first = peer.send(server, [event], txn_id="same")
    assert peer.send(server, [], txn_id="same") == first
    sees(alice, room_id, room.id_of(event))
    assert [e["event_id"] for e in alice.all_messages(room_id)].count(room.id_of(event)) == 1


def test_branches_meet(server, alice, peer):
    room_id = public_room(alice)
    room = peer.join(server, room_id, "mallory")
    alice.sync()
    ours = alice.send_text(room_id, "from here")
    theirs = room.event("m.room.message", {"body": "from there"})  # built without ours
    peer.send(server, [theirs])
    sees(alice, room_id, room.id_of(theirs))
    joint = alice.send_text(room_id, "upon both")
    pdu = peer.get(server, f"{FEDERATION}/v1/event/{quote(joint)}")["pdus"][0]
    assert set(pdu["prev_events"]) == {ours, room.id_of(theirs)}


def test_conflicting_state_is_resolved(server, alice, peer):
    room_id = public_room(alice, initial_state=[])
    alice.set_state(
        room_id,
        "m.room.power_levels",
        {
            **alice.state(room_id, "m.room.power_levels"),
            "users": {alice.user_id: 100, peer.user("mallory"): 50},
        },
    )
    room = peer.join(server, room_id, "mallory")
    theirs = room.event("m.room.topic", {"topic": "theirs"}, "")
    alice.set_state(room_id, "m.room.topic", {"topic": "ours"})
    alice.set_state(room_id, "m.room.name", {"name": "only ours"})
    peer.send(server, [theirs])
    sees(alice, room_id, room.id_of(theirs))
    # Both may set topics: the later one wins, and nothing else is lost.
    assert alice.state(room_id, "m.room.topic")["topic"] in ("ours", "theirs")
    assert alice.state(room_id, "m.room.name")["name"] == "only ours"


def test_missing_events_are_fetched(server, alice, peer):
    room_id = public_room(alice)
    room = peer.join(server, room_id, "mallory")
    unsent = [room.event("m.room.message", {"body": f"unsent {i}"}) for i in range(5)]
    last = room.event("m.room.message", {"body": "sent"})
    peer.send(server, [last])
    sees(alice, room_id, room.id_of(last))
    seen = [e["event_id"] for e in alice.all_messages(room_id)]
    assert [room.id_of(e) for e in unsent] == [i for i in seen if i in map(room.id_of, unsent)]


def test_when_events_can_not_be_had_the_state_is_fetched(server, alice, peer):
    room_id = public_room(alice)
    room = peer.join(server, room_id, "mallory")
    peer.answers[f"{FEDERATION}/v1/get_missing_events"] = lambda *_: (200, {"events": []})
    room.event("m.room.message", {"body": "nobody gets this"})
    last = room.event("m.room.message", {"body": "sent"})
    peer.send(server, [last])
    sees(alice, room_id, room.id_of(last))


def test_typing_and_receipts_arrive(server, alice, peer):
    room_id = public_room(alice)
    room = peer.join(server, room_id, "mallory")
    event_id = alice.send_text(room_id, "read this")
    alice.sync()
    user_id = peer.user("mallory")
    edus = [
        {"edu_type": "m.typing", "content": {"room_id": room_id, "user_id": user_id, "typing": True}},
        {
            "edu_type": "m.receipt",
            "content": {room_id: {"m.read": {user_id: {"data": {"ts": 1}, "event_ids": [event_id]}}}},
        },
    ]
    peer.send(server, [], edus)
    found = set()

    def both(answer):
        for edu in joined_room(answer, room_id).get("ephemeral", {}).get("events", []):
            if edu["type"] == "m.typing" and user_id in edu["content"]["user_ids"]:
                found.add("typing")
            if edu["type"] == "m.receipt" and user_id in edu["content"].get(event_id, {}).get("m.read", {}):
                found.add("receipt")
        return found == {"typing", "receipt"}

    alice.sync_until(both)
    assert room.user_id == user_id


def test_an_invite_reaches_the_user(server, alice, peer):
    room_id = public_room(alice)
    room = peer.join(server, room_id, "mallory")
    room.room_id = "!elsewhere:" + peer.name
    event = room.event("m.room.member", {"membership": "invite"}, alice.user_id, learn=False)
    event_id = room.id_of(event)
    body = {
        "room_version": room.version,
        "event": event,
        "invite_room_state": [
            {"type": "m.room.name", "state_key": "", "sender": room.user_id, "content": {"name": "There"}}
        ],
    }
    path = f"{FEDERATION}/v2/invite/{quote(room.room_id, safe='')}/{quote(event_id, safe='')}"
    answer = peer.request(server, "PUT", path, body, expect=200).json()
    assert server.server_name in answer["event"]["signatures"]
    assert content_hash(answer["event"]) == event["hashes"]["sha256"]
    invites = alice.sync()["rooms"]["invite"]
    types = {e["type"] for e in invites[room.room_id]["invite_state"]["events"]}
    assert {"m.room.name", "m.room.member"} <= types

    # And taking it back too.
    room.extremities = [event_id]
    room.state[("m.room.member", alice.user_id)] = event_id
    kick = room.event("m.room.member", {"membership": "leave"}, alice.user_id)
    peer.send(server, [kick])
    alice.sync_until(lambda answer: room.room_id in answer.get("rooms", {}).get("leave", {}))
    assert room.room_id not in alice.get("/_matrix/client/v3/sync")["rooms"].get("invite", {})


def test_an_invite_to_a_room_of_the_first_version_comes_by_the_old_path(server, alice, peer):
    room_id, event_id = f"!old:{peer.name}", f"$invite:{peer.name}"
    event = {
        "type": "m.room.member", "room_id": room_id, "event_id": event_id, "sender": peer.user("mallory"),
        "state_key": alice.user_id, "content": {"membership": "invite"}, "origin": peer.name,
        "origin_server_ts": int(time.time() * 1000), "depth": 5, "prev_events": [], "auth_events": [],
    }  # fmt: skip
    path = f"{FEDERATION}/v1/invite/{quote(room_id, safe='')}/{quote(event_id, safe='')}"
    status, answer = peer.request(server, "PUT", path, peer.seal(event, "1"), expect=200).json()
    assert status == 200 and server.server_name in answer["event"]["signatures"]
    assert room_id in alice.sync()["rooms"]["invite"]


def test_a_late_answer_to_an_earlier_knock_does_not_end_the_next_one(server, alice, peer):
    room = PeerRoom(peer, f"!door:{peer.name}", "11", peer.user("mallory"))
    create = room.event("m.room.create", {"room_version": "11"}, "")
    knocks = []

    def template(*_):
        event = {
            "type": "m.room.member", "room_id": room.room_id, "sender": alice.user_id, "state_key": alice.user_id,
            "content": {"membership": "knock"}, "depth": 2 + len(knocks), "prev_events": room.extremities,
            "auth_events": room.auth_events("m.room.member", alice.user_id, alice.user_id),
        }  # fmt: skip
        return 200, {"room_version": "11", "event": event}

    def take(method, path, query, body):
        knocks.append(room.learn(body))
        return 200, {"knock_room_state": [create, {"type": "m.room.name"}, 5]}

    peer.answers[f"{FEDERATION}/v1/make_knock/"] = template
    peer.answers[f"{FEDERATION}/v1/send_knock/"] = take
    for _ in range(2):
        alice.post("/_matrix/client/v3/knock/{}", room.room_id, query={"via": peer.name})
    answers = []
    for knock in knocks:
        room.state[("m.room.member", alice.user_id)] = knock
        answers.append(room.event("m.room.member", {"membership": "leave"}, alice.user_id, learn=False))
    peer.send(server, answers[:1])
    worked_off(server, room.room_id)
    shown = alice.sync()["rooms"]["knock"][room.room_id]["knock_state"]["events"]
    assert [event["type"] for event in shown] == ["m.room.create", "m.room.member"]
    assert set(shown[0]) == {"type", "state_key", "sender", "content", "origin_server_ts"}, "clients see it stripped"
    peer.send(server, answers[1:])
    alice.sync_until(lambda answer: room.room_id in answer.get("rooms", {}).get("leave", {}))


def test_what_authorises_an_event_is_told(server, alice, peer):
    room_id = public_room(alice)
    room = peer.join(server, room_id, "mallory")
    event_id = alice.send_text(room_id, "hello")
    path = f"{FEDERATION}/v1/event_auth/{quote(room_id, safe='')}/{quote(event_id, safe='')}"
    chain = peer.get(server, path)["auth_chain"]
    kinds = {"m.room.create", "m.room.power_levels", "m.room.member"}
    assert kinds <= {event["type"] for event in chain}
    assert {room.id_of(event) for event in chain} <= set(peer.events)


def test_leaving_and_knocking(server, alice, peer):
    room_id = public_room(alice)
    room = peer.join(server, room_id, "mallory")
    leave = peer.make(server, "leave", room_id, room.user_id)["event"]
    leave["origin_server_ts"] = 1
    peer.seal(leave, room.version)
    path = f"{FEDERATION}/v2/send_leave/{quote(room_id, safe='')}/{quote(room.id_of(leave), safe='')}"
    peer.request(server, "PUT", path, leave, expect=200)
    assert room.user_id not in alice.get("/_matrix/client/v3/rooms/{}/joined_members", room_id)["joined"]
    alice.set_state(room_id, "m.room.join_rules", {"join_rule": "knock"})
    knock = peer.make(server, "knock", room_id, room.user_id)["event"]
    peer.seal(knock, room.version)
    path = f"{FEDERATION}/v1/send_knock/{quote(room_id, safe='')}/{quote(room.id_of(knock), safe='')}"
    answer = peer.request(server, "PUT", path, knock, expect=200).json()
    assert "m.room.create" in {e["type"] for e in answer["knock_room_state"]}
    assert all(event["signatures"] and event["hashes"] for event in answer["knock_room_state"]), "servers see it whole"


def test_who_is_invited_is_shown_whole_events_of_the_room(server, alice, peer):
    room_id, invites = alice.create_room(preset="public_chat"), []

    def refuse(method, path, query, body):
        invites.append(body)
        return 403, {"errcode": "M_FORBIDDEN", "error": "not now"}

    peer.answers[f"{FEDERATION}/v2/invite/"] = refuse
    alice.invite(room_id, peer.user("mallory"), expect=403)
    told = invites[0]["invite_room_state"]
    room = PeerRoom(peer, room_id, invites[0]["room_version"], peer.user("mallory"))
    create = next(event for event in told if event["type"] == "m.room.create")
    assert room_id == "!" + room.id_of(create)[1:]
    assert all(event["signatures"] and event["hashes"] for event in told)


def test_sync_tells_the_state_that_a_merge_makes(server, alice, peer):
    """A topic set in a branch that arrives late, under a name set meanwhile: a client that follows by sync ends
    with the room's state."""
    room_id = public_room(alice)
    levels = alice.state(room_id, "m.room.power_levels")
    levels["users"] = {alice.user_id: 100, peer.user("mallory"): 50}
    alice.set_state(room_id, "m.room.power_levels", levels)
    room = peer.join(server, room_id, "mallory")
    alice.sync()
    topic = room.event("m.room.topic", {"topic": "from the branch"}, "")
    last = room.event("m.room.message", {"body": "end of the branch"})
    alice.set_state(room_id, "m.room.name", {"name": "from here"})
    state = {}

    def apply(answer):
        part = joined_room(answer, room_id)
        for event in part.get("state", {}).get("events", []) + part.get("timeline", {}).get("events", []):
            if "state_key" in event:
                state[(event["type"], event["state_key"])] = event["content"]
        return room.id_of(last) in event_ids(answer, room_id)

    peer.send(server, [topic, last])
    alice.sync_until(apply)
    assert state[("m.room.topic", "")] == {"topic": "from the branch"}
    assert state[("m.room.name", "")] == {"name": "from here"}
    assert alice.state(room_id, "m.room.topic") == {"topic": "from the branch"}


def test_a_timeline_with_a_hole_begins_after_it(server, alice, peer):
    """What the peer does not hand over is missing: a client must see that, not two conversations as one."""
    room_id = public_room(alice)
    room = peer.join(server, room_id, "mallory")
    sees(alice, room_id, room.extremities[0])
    start = alice.since
    alice.set_state(room_id, "m.room.topic", {"topic": "before the hole"})
    alice.send_text(room_id, "before the hole")
    for number in range(5):
        room.event("m.room.message", {"msgtype": "m.text", "body": f"lost {number}"})
    peer.answers[f"{FEDERATION}/v1/get_missing_events"] = lambda *_: (200, {"events": []})
    after = [room.event("m.room.message", {"msgtype": "m.text", "body": f"after {n}"}) for n in range(2)]
    for event in after:
        peer.send(server, [event])
    sees(alice, room_id, room.id_of(after[-1]))

    part = joined_room(alice.sync(since=start), room_id)
    assert part["timeline"]["limited"] is True
    assert [e["event_id"] for e in part["timeline"]["events"]] == [room.id_of(event) for event in after]
    assert ["before the hole"] == [e["content"]["topic"] for e in part["state"]["events"] if e["type"] == "m.room.topic"]
    earlier = alice.messages(room_id, "b", from_=part["timeline"]["prev_batch"], limit=1)["chunk"]
    assert [e["content"]["body"] for e in earlier] == ["before the hole"]


def test_what_was_said_before_a_join_is_not_sent_after_it(server, alice, peer):
    """The joining server fetches it as history; sent, it would come after the join."""
    room_id = public_room(alice)
    for number in range(10):
        alice.send_text(room_id, f"before {number}")
    peer.join(server, room_id, "mallory")
    alice.send_text(room_id, "after")

    def body_of(pdu):
        return pdu.get("content", {}).get("body") if pdu.get("room_id") == room_id else None

    peer.wait_for_transaction(lambda pdu: body_of(pdu) == "after")
    heard = [body_of(pdu) for transaction in peer.transactions for pdu in transaction.get("pdus", [])]
    assert [body for body in heard if body] == ["after"]


def test_joins_and_leaves_by_the_old_paths(server, alice, peer):
    """Deprecated, and the answer is a pair of status and content."""
    room_id = alice.create_room(preset="public_chat", room_version="11")
    user_id = peer.user("oldtimer")
    for what, members in (("join", {"state", "auth_chain"}), ("leave", set())):
        template = peer.make(server, what, room_id, user_id)
        event = peer.seal({**template["event"], "origin_server_ts": 1}, "11")
        path = f"{FEDERATION}/v1/send_{what}/{quote(room_id, safe='')}/{event_id_of(event, '11')}"
        status, content = peer.request(server, "PUT", path, event, expect=200).json()
        assert status == 200
        assert members <= set(content)
        assert alice.state(room_id, "m.room.member", user_id)["membership"] == what
