"""Branches of a room: what is built upon, what is not, and that nothing of them is lost."""

import pytest
from client import event_ids
from peer import FEDERATION, quote


@pytest.fixture
def room_id(alice):
    return alice.create_room(preset="public_chat", room_version="11")


@pytest.fixture
def room(server, alice, room_id, peer):
    room = peer.join(server, room_id, "trent")
    room.mallory = peer.join(server, room_id, "mallory").user_id
    room.catch_up = lambda: catch_up(server, peer, room, alice.send_text(room_id, "catch up"))
    room.catch_up()
    return room


def pdu_of(server, peer, event_id):
    return peer.get(server, f"{FEDERATION}/v1/event/{quote(event_id)}")["pdus"][0]


def catch_up(server, peer, room, event_id):
    """The peer goes on from an event of ours, and learns the state there."""
    pdu = pdu_of(server, peer, event_id)
    path = f"{FEDERATION}/v1/state/{quote(room.room_id, safe='')}"
    answer = peer.get(server, path, f"event_id={quote(event_id)}")
    for event in answer["auth_chain"] + [pdu]:
        room.learn(event)
    room.state = {(e["type"], e["state_key"]): room.learn(e) for e in answer["pdus"]}
    room.extremities, room.depth = [event_id], pdu["depth"]
    return event_id


def ban(alice, room, user_id):
    alice.post("/_matrix/client/v3/rooms/{}/ban", room.room_id, body={"user_id": user_id})


def sees(client, room, event):
    client.sync_until(lambda answer: room.id_of(event) in event_ids(answer, room.room_id))


def soft_failed_event(server, alice, peer, room, event_type="m.room.message", content=None, **options):
    """Of somebody banned meanwhile, upon the state before the ban."""
    base = list(room.extremities)
    alice.sync()
    ban(alice, room, room.mallory)
    event = room.event(
        event_type, content or {"body": "late"}, sender=room.mallory, prev_events=base, learn=False, **options
    )
    room.learn(event)
    return event


def prev_events_of_next(server, alice, peer, room):
    return pdu_of(server, peer, alice.send_text(room.room_id, "next"))["prev_events"]


# ── Soft failure (D-21) ──


def test_a_soft_failed_event_is_not_built_upon_but_served(server, alice, peer, room):
    event = soft_failed_event(server, alice, peer, room)
    peer.send(server, [event])
    head = alice.send_text(room.room_id, "upon the ban")
    after = room.event("m.room.message", {"body": "marker"}, prev_events=[head], learn=False)
    peer.send(server, [after])
    sees(alice, room, after)
    assert prev_events_of_next(server, alice, peer, room) == [room.id_of(after)]
    assert room.id_of(event) not in {e["event_id"] for e in alice.all_messages(room.room_id)}
    assert pdu_of(server, peer, room.id_of(event))["content"] == {"body": "late"}


def test_what_others_build_upon_a_soft_failed_event_leaves_one_end(server, alice, peer, room):
    """base <- soft-failed <- upon: `base` is not an end of the graph any more, although we skipped what is between."""
    soft_failed = soft_failed_event(server, alice, peer, room)
    ban_event = alice.send_text(room.room_id, "upon the ban")
    base = catch_up(server, peer, room, ban_event)
    late = room.event("m.room.message", {"body": "late"}, sender=room.mallory,
                      prev_events=soft_failed["prev_events"] + [base], depth=room.depth + 1,
                      auth_events=soft_failed["auth_events"], learn=False)  # fmt: skip
    room.learn(late)
    upon = room.event("m.room.message", {"body": "upon"}, prev_events=[room.id_of(late)], learn=False)
    peer.send(server, [late, upon])
    sees(alice, room, upon)
    assert prev_events_of_next(server, alice, peer, room) == [room.id_of(upon)]


def test_a_hole_before_a_soft_failed_event_is_no_place_to_lose_state_in(server, alice, peer, room):
    """`topic` first becomes known as a hole before an event that is not built upon; when it comes, it counts."""
    levels = alice.state(room.room_id, "m.room.power_levels")
    levels["users"] = {alice.user_id: 100, room.user_id: 50}
    alice.set_state(room.room_id, "m.room.power_levels", levels)
    room.catch_up()
    topic = room.event("m.room.topic", {"topic": "in the hole"}, "", learn=False)
    alice.sync()
    ban(alice, room, room.mallory)
    state = list(room.state.values())
    late = room.event("m.room.message", {"body": "late"}, sender=room.mallory,
                      prev_events=[room.id_of(topic)], learn=False)  # fmt: skip
    peer.answers[f"{FEDERATION}/v1/get_missing_events"] = lambda *_: (200, {"events": []})
    peer.answers[f"{FEDERATION}/v1/state_ids"] = lambda *_: (
        200, {"pdu_ids": state, "auth_chain_ids": peer.chain(state)},
    )  # fmt: skip
    peer.send(server, [late, topic])
    sees(alice, room, topic)
    assert alice.state(room.room_id, "m.room.topic")["topic"] == "in the hole"
    assert room.id_of(topic) in prev_events_of_next(server, alice, peer, room)


# ── Redactions ──


@pytest.mark.parametrize("version", ["10", "11"])
def test_a_redaction_that_comes_before_its_target_is_applied_when_that_comes(server, alice, peer, version):
    room_id = alice.create_room(preset="public_chat", room_version=version)
    room = peer.join(server, room_id, "trent")
    base = list(room.extremities)
    target = room.event("m.room.message", {"body": "regretted", "msgtype": "m.text"}, prev_events=base, learn=False)
    other = room.event("m.room.message", {"body": "of others"}, prev_events=base, learn=False)
    ours = alice.send_text(room_id, "not theirs to redact")
    redactions = []
    for redacted_id in (room.id_of(target), ours):
        redacts = {"redacts": redacted_id}
        content, extra = (redacts, {}) if version == "11" else ({}, redacts)
        redactions.append(
            room.event("m.room.redaction", content, prev_events=base, learn=False, **extra)
        )
    alice.sync()
    peer.send(server, redactions + [other])
    sees(alice, room, other)
    peer.send(server, [target])
    seen = []
    alice.sync_until(lambda a: seen.append(str(a)) or room.id_of(target) in event_ids(a, room_id))
    assert "regretted" not in "".join(seen)
    event = alice.event(room_id, room.id_of(target))
    assert event["content"] == {}
    assert event["unsigned"]["redacted_because"]["event_id"] == room.id_of(redactions[0])
    assert alice.event(room_id, ours)["content"]["body"] == "not theirs to redact"


def test_a_redaction_of_somebody_without_the_power_does_not_wait_for_its_target(server, alice, peer, good_peer, room_id):
    room = peer.join(server, room_id, "trent")
    theirs = good_peer.join(server, room_id, "honest")
    target = theirs.event("m.room.message", {"body": "stays"}, learn=False)
    redaction = room.event("m.room.redaction", {"redacts": room.id_of(target)})
    peer.send(server, [redaction])
    sees(alice, room, redaction)
    good_peer.send(server, [target])
    sees(alice, theirs, target)
    assert alice.event(room_id, theirs.id_of(target))["content"] == {"body": "stays"}


# ── Many ends ──


def test_more_than_sixty_ends_are_all_kept_and_healed(server, alice, peer, room):
    levels = alice.state(room.room_id, "m.room.power_levels")
    levels["users"] = {alice.user_id: 100, room.user_id: 50}
    alice.set_state(room.room_id, "m.room.power_levels", levels)
    base = [room.catch_up()]
    # The first one alone sets a topic: when its end is dropped, the topic goes with it.
    topic = room.event("m.room.topic", {"topic": "of the first end"}, "", prev_events=base, learn=False)
    ends = [topic] + [
        room.event("m.room.message", {"body": str(i)}, prev_events=base, learn=False) for i in range(99)
    ]
    alice.sync()
    peer.send(server, ends[:50])
    peer.send(server, ends[50:])
    sees(alice, room, ends[-1])
    assert alice.state(room.room_id, "m.room.topic")["topic"] == "of the first end"
    named = set()
    for _ in range(7):
        prev_events = prev_events_of_next(server, alice, peer, room)
        assert len(prev_events) <= 20
        named |= set(prev_events)
    assert {room.id_of(end) for end in ends} <= named
    assert len(prev_events_of_next(server, alice, peer, room)) == 1
    assert alice.state(room.room_id, "m.room.topic")["topic"] == "of the first end"


def test_a_hundred_ends_that_each_set_something(server, alice, peer, room):
    """More states than one resolution takes."""
    levels = alice.state(room.room_id, "m.room.power_levels")
    levels["users"] = {alice.user_id: 100, room.user_id: 50}
    alice.set_state(room.room_id, "m.room.power_levels", levels)
    base = [room.catch_up()]
    ends = [room.event("m.test", {"n": i}, str(i), prev_events=base, learn=False) for i in range(100)]
    alice.sync()
    peer.send(server, ends[:50])
    peer.send(server, ends[50:])
    sees(alice, room, ends[-1])
    alice.send_text(room.room_id, "upon twenty of them")
    state = alice.get("/_matrix/client/v3/rooms/{}/state", room.room_id)
    assert {e["state_key"] for e in state if e["type"] == "m.test"} == {str(i) for i in range(100)}


def test_an_event_of_ours_has_the_state_of_the_ends_that_it_names(server, alice, peer, room):
    """With more ends than an event can name: the state before it, as other servers compute it, is that of the named."""
    levels = alice.state(room.room_id, "m.room.power_levels")
    levels["users"] = {alice.user_id: 100, room.user_id: 50}
    alice.set_state(room.room_id, "m.room.power_levels", levels)
    base = [room.catch_up()]
    topic = room.event("m.room.topic", {"topic": "unnamed"}, "", prev_events=base, learn=False)
    ends = [room.event("m.room.message", {"body": str(i)}, prev_events=base, learn=False) for i in range(30)]
    alice.sync()
    peer.send(server, [topic] + ends)
    sees(alice, room, ends[-1])
    event_id = alice.send_text(room.room_id, "names twenty")
    assert room.id_of(topic) not in pdu_of(server, peer, event_id)["prev_events"]
    path = f"{FEDERATION}/v1/state_ids/{quote(room.room_id, safe='')}"
    state = peer.get(server, path, f"event_id={quote(event_id)}")["pdu_ids"]
    assert room.id_of(topic) not in state
    assert alice.state(room.room_id, "m.room.topic")["topic"] == "unnamed"
