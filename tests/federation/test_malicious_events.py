"""Events that are none, and graphs that never end (D)."""

import threading
import time

import pytest
from client import event_ids
from malice import refused, room_of_version
from peer import FEDERATION, Key, names_itself, quote

pytestmark = pytest.mark.usefixtures("others_do_not_suffer")


def test_d_01_malformed_events_are_dropped_alone(server, alice, peer, room, room_id):
    for name in ("sender", "type", "prev_events", "auth_events", "depth", "content", "hashes"):
        bad = room.event("m.room.message", {"body": "bad"}, learn=False)
        bad[name] = None
        refused(alice, room, peer, server, bad, room_id)


def test_d_03_a_wrong_hash_leaves_the_redacted_form(server, alice, peer, room, room_id):
    event = room.event("m.room.message", {"body": "signed"})
    event["content"] = {"body": "changed"}
    peer.send(server, [event])
    alice.sync_until(lambda answer: room.id_of(event) in event_ids(answer, room_id))
    assert alice.event(room_id, room.id_of(event))["content"] == {}


def test_d_05_events_in_the_name_of_others_are_dropped(server, alice, peer, room, room_id):
    bad = room.event("m.room.message", {"body": "I am alice"}, sender=alice.user_id, learn=False)
    refused(alice, room, peer, server, bad, room_id)


def test_d_05_events_with_another_key_are_dropped(server, alice, peer, room, room_id):
    bad = room.event("m.room.message", {"body": "stolen"}, learn=False)
    bad["signatures"] = {}
    peer.seal(bad, room.version, key=Key(peer.key.name))
    refused(alice, room, peer, server, bad, room_id)


@pytest.mark.parametrize("depth", [-1, 2**53, 2**63 - 1, 1e20, "5"])
def test_d_07_impossible_depths(server, alice, peer, room, room_id, depth):
    bad = room.event("m.room.message", {"body": "deep"}, depth=depth, learn=False)
    refused(alice, room, peer, server, bad, room_id)


def test_d_09_auth_events_that_are_none(server, alice, peer, room, room_id):
    mine = room.state[("m.room.member", room.user_id)]
    for wrong in ([], [mine], ["$unknown"], [mine] * 11):
        bad = room.event("m.room.message", {"body": "bad"}, auth_events=wrong, learn=False)
        refused(alice, room, peer, server, bad, room_id)


def test_d_11_too_large(server, alice, peer, room, room_id):
    bad = room.event("m.room.message", {"body": "x" * 70000}, learn=False)
    refused(alice, room, peer, server, bad, room_id)


def test_d_13_many_branches_are_healed(server, alice, peer, room, room_id):
    base = room.extremities
    for start in range(0, 100, 50):
        events = [
            room.event("m.room.message", {"body": str(start + i)}, prev_events=base, learn=False)
            for i in range(50)
        ]
        peer.send(server, events)
    last = events[-1]
    peer.events[room.id_of(last)] = last
    alice.sync_until(lambda answer: room.id_of(last) in event_ids(answer, room_id))
    began = time.monotonic()
    event_id = None
    for i in range(6):
        event_id = alice.send_text(room_id, f"healing {i}")
    assert time.monotonic() - began < 20
    pdu = peer.get(server, f"{FEDERATION}/v1/event/{quote(event_id)}")["pdus"][0]
    assert len(pdu["prev_events"]) <= 20


def test_d_17_history_that_repeats_itself_ends(server, alice, peer, room, room_id):
    hidden = [room.event("m.room.message", {"body": str(i)}) for i in range(4)]
    late = room.event("m.room.message", {"body": "late"})
    peer.answers[f"{FEDERATION}/v1/get_missing_events/"] = lambda *_: (200, {"events": []})
    peer.answers[f"{FEDERATION}/v1/backfill/"] = lambda *_: (200, {"pdus": [hidden[2]] * 3})
    peer.send(server, [late])
    alice.sync_until(lambda answer: room.id_of(late) in event_ids(answer, room_id))
    for _ in range(2):
        alice.all_messages(room_id, "b")
    asked = [path for _, path in peer.requests if "/backfill/" in path]
    assert 0 < len(asked) < 20


def test_d_19_a_peer_that_has_no_auth_chain(server, alice, peer, room, room_id):
    unknown = room.event("m.room.member", {"membership": "join", "displayname": "x"}, room.user_id, learn=False)
    unknown_id = room.id_of(unknown)
    auth = [i for i in room.auth_events("m.room.message", room.user_id) if i != room.state[("m.room.member", room.user_id)]]
    bad = room.event("m.room.message", {"body": "bad"}, auth_events=auth + [unknown_id], learn=False)
    peer.answers[f"{FEDERATION}/v1/event_auth"] = lambda *_: (200, {"auth_chain": [{"type": 1}, None, []]})
    refused(alice, room, peer, server, bad, room_id)


def test_d_21_a_soft_failed_event_is_not_shown(server, alice, peer, room, room_id):
    """Banned meanwhile: an event upon the state before the ban is allowed there, but not shown."""
    before = list(room.extremities)
    alice.post("/_matrix/client/v3/rooms/{}/ban", room_id, body={"user_id": room.user_id})
    event = room.event("m.room.message", {"body": "too late"}, prev_events=before)
    peer.send(server, [event])
    marker = alice.send_text(room_id, "marker")
    seen = [e["event_id"] for e in alice.all_messages(room_id)]
    assert marker in seen and room.id_of(event) not in seen


def test_e_17_nothing_is_built_on_what_was_soft_failed_or_rejected(server, alice, peer, good_peer, room, room_id):
    good_peer.join(server, room_id, "honest")
    before = list(room.extremities)
    alice.post("/_matrix/client/v3/rooms/{}/ban", room_id, body={"user_id": room.user_id})
    soft_failed = room.event("m.room.message", {"body": "too late"}, prev_events=before)
    rejected = room.event("m.room.name", {"name": "stolen"}, "", prev_events=before)
    peer.send(server, [soft_failed, rejected])
    refused_ids = {room.id_of(soft_failed), room.id_of(rejected)}
    alice.send_text(room_id, "marker of e_17")
    marker = good_peer.wait_for_transaction(lambda pdu: pdu.get("content", {}).get("body") == "marker of e_17")
    assert not refused_ids & {*marker["prev_events"], *marker["auth_events"]}


def test_state_that_the_sender_may_not_set_is_rejected(server, alice, peer, room, room_id):
    name = room.event("m.room.name", {"name": "stolen"}, "", learn=False)
    refused(alice, room, peer, server, name, room_id)
    alice.state(room_id, "m.room.name", expect=404)


def test_an_event_of_another_room_is_no_auth_event(server, alice, peer, room, room_id):
    other = alice.create_room(preset="public_chat", room_version="11")
    other_room = peer.join(server, other, "mallory")
    stolen = [
        room.state[("m.room.create", "")],
        room.state[("m.room.power_levels", "")],
        other_room.state[("m.room.create", "")],
        other_room.extremities[0],
    ]
    bad = room.event("m.room.message", {"body": "bad"}, auth_events=stolen, learn=False)
    refused(alice, room, peer, server, bad, room_id)


def test_d_15_many_slow_rooms_hold_up_no_other(server, alice, peer, room, room_id):
    """More rooms than there are threads wait for a peer that does not answer."""
    alice.sync()
    release = threading.Event()

    def sleep_long(*_):
        release.wait(30)
        return 200, {"events": []}

    peer.answers[f"{FEDERATION}/v1/get_missing_events"] = sleep_long
    waiting = []
    for _ in range(6):
        slow = peer.join(server, alice.create_room(preset="public_chat", room_version="11"), "mallory")
        slow.event("m.room.message", {"body": "never sent"})
        waiting.append(slow.event("m.room.message", {"body": "waits"}))
    quick = room.event("m.room.message", {"body": "quick"})
    began = time.monotonic()
    peer.send(server, [*waiting, quick])
    try:
        assert time.monotonic() - began < 5
        alice.sync_until(lambda answer: room.id_of(quick) in event_ids(answer, room_id))
        assert time.monotonic() - began < 15
    finally:
        release.set()


def is_heard(server, alice, peer, room):
    event = room.event("m.room.message", {"body": "heard"})
    peer.send(server, [event])
    alice.sync_until(lambda answer: room.id_of(event) in event_ids(answer, room.room_id))


def test_d_23_a_burst_in_one_room_is_all_stored(server, alice, peer, room, room_id, full):
    """Nothing of it is lost, memory stays flat, and meanwhile another room is as quick as ever."""
    other_id = alice.create_room(preset="public_chat", room_version="11")
    other = peer.join(server, other_id, "mallory")
    alice.sync()
    before = server.resident_bytes()
    sent = []
    for _ in range(1300 if full else 8):
        events = [room.event("m.room.message", {"body": "burst"}) for _ in range(50)]
        assert not any(peer.send(server, events)["pdus"].values())
        sent += [room.id_of(event) for event in events]
    began = time.monotonic()
    is_heard(server, alice, peer, other)
    assert time.monotonic() - began < 10
    is_heard(server, alice, peer, room)
    assert [e["event_id"] for e in alice.all_messages(room_id) if e["content"].get("body") == "burst"] == sent
    assert server.resident_bytes() - before < 192 << 20


def test_d_15_thousands_of_ends_hold_up_no_other_room(server, alice, peer, room, room_id, full):
    """Each upon an old event of its own, as wide as a fork can be."""
    other_id = alice.create_room(preset="public_chat", room_version="11")
    other = peer.join(server, other_id, "mallory")
    old = [room.event("m.room.message", {"body": "old"}) for _ in range(10000 if full else 100)]
    for start in range(0, len(old), 50):
        peer.send(server, old[start : start + 50])
    forks = [
        room.event("m.room.message", {"body": "fork"}, prev_events=[room.id_of(event)], learn=False) for event in old
    ]
    alice.sync()
    for start in range(0, len(forks), 50):
        peer.send(server, forks[start : start + 50])
    began = time.monotonic()
    is_heard(server, alice, peer, other)
    assert time.monotonic() - began < 10
    is_heard(server, alice, peer, room)
    began = time.monotonic()
    alice.send_text(room_id, "upon it all")
    assert time.monotonic() - began < 10


WRONG = (..., None, 5, 1.5, -1, "x", "", [], [5], [[]], {}, {"a": 5}, True, "$" + "x" * 300)
STILL_EVENTS = {
    "type": ["x", ""], "depth": [5], "origin_server_ts": [5, -1], "content": [{}, {"a": 5}], "state_key": [...],
}  # fmt: skip


def misshapen(room):
    """(name, event): each member absent or of another type; hashed and signed like that by the peer."""
    names = ["sender", "type", "room_id", "prev_events", "auth_events", "depth", "content", "hashes", "origin_server_ts",
             "signatures", "state_key"]  # fmt: skip
    for name in [*names, "event_id"] if names_itself(room.version) else names:
        for wrong in WRONG:
            if any(type(wrong) is type(fine) and wrong == fine for fine in STILL_EVENTS.get(name, [])):
                continue
            event = room.event("m.room.message", {"body": "bad"}, learn=False)
            event[name] = wrong
            if wrong is ...:
                del event[name]
            if name not in ("hashes", "signatures"):
                event["hashes"], event["signatures"] = {}, {}
                room.peer.seal(event, room.version)
            yield name, event


@pytest.mark.parametrize("version", ["1", "3", "6", "11", "12"])
def test_d_01_each_member_absent_or_of_another_type(server, alice, peer, version):
    """Those that do not hold are dropped alone; each transaction has a good event after the bad ones."""
    room = room_of_version(server, alice, peer, version)
    alice.sync()
    bad, sent = list(misshapen(room)), []
    for start in range(0, len(bad), 49):
        good = room.event("m.room.message", {"body": "good"})
        sent.append(room.id_of(good))
        peer.send(server, [*(event for _, event in bad[start : start + 49]), good])
        alice.sync_until(lambda answer: sent[-1] in event_ids(answer, room.room_id))
    told = [e for e in alice.all_messages(room.room_id) if e["sender"] == room.user_id and e["type"] != "m.room.member"]
    assert [e["event_id"] for e in told if e["content"]] == sent
    # Of those whose hash is another one the redacted form is left.
    emptied = {e["event_id"] for e in told if not e["content"]}
    assert emptied <= {room.id_of(event) for name, event in bad if name == "hashes"}
