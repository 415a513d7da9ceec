"""Events that are none, and graphs that never end (D)."""

import threading
import time

import pytest
from client import event_ids
from invariants import connect
from malice import refused, room_of_version, worked_off
from peer import FEDERATION, Key, names_itself, quote
from residence import Residence

pytestmark = pytest.mark.usefixtures("others_do_not_suffer")

REJECTED, OUTLIER = 1, 4  # enum event_flags
# More than before. The sanitizers keep 256 MiB of what was freed.
MEMORY_BYTES_MAX = (256 + 128) << 20


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


@pytest.mark.parametrize("version", ["1", "3", "11", "12"])
def test_d_09_create_events_that_come_later(server, alice, peer, version):
    """A room has one create event: the next one is none, whoever sends it and whatever it stands on."""
    room = room_of_version(server, alice, peer, version)
    create = room.state[("m.room.create", "")]
    new = {"room_version": version, "creator": room.user_id}
    for number, change in enumerate([
        {}, {"prev_events": []}, {"prev_events": [], "auth_events": []}, {"auth_events": []}, {"room_id": ..., "prev_events": []},
        {"room_id": ..., "prev_events": [], "auth_events": []}, {"prev_events": [create], "auth_events": []},
    ]):  # fmt: skip
        bad = room.event("m.room.create", {**new, "number": number}, "", learn=False, **change)
        refused(alice, room, peer, server, bad, room.room_id)
    assert "number" not in alice.state(room.room_id, "m.room.create")


def test_d_09_no_event_of_version_12_names_the_create_event(server, alice, peer):
    """Its ID is the room's; an event that lists it among what allows it is rejected, an equal one without is not."""
    room = room_of_version(server, alice, peer, "12")
    create = "$" + room.room_id[1:]
    auth = room.auth_events("m.room.message", room.user_id)
    bad = room.event("m.room.message", {"body": "bad"}, auth_events=[create, *auth], learn=False)
    refused(alice, room, peer, server, bad, room.room_id)
    assert is_rejected(server, room.id_of(bad))


def walks_end(server, alice, peer, room):
    """History is read to its ends, by clients and by the peer."""
    here = quote(room.room_id, safe="")
    for direction in ("b", "f"):
        alice.all_messages(room.room_id, direction)
    peer.get(server, f"{FEDERATION}/v1/backfill/{here}", f"limit=100&v={quote(room.extremities[0])}")
    body = {"earliest_events": [], "latest_events": room.extremities, "limit": 50}
    peer.request(server, "POST", f"{FEDERATION}/v1/get_missing_events/{here}", body, expect=200)


def test_d_09_events_that_name_themselves(server, alice, peer):
    """As long as events said their own ID they could: as what allows them, alone and by turns, which is refused; and as
    what is before them, which the state there, as the peer tells it, makes good: then no walk goes round for ever."""
    room = room_of_version(server, alice, peer, "1")
    itself, other = f"$itself:{peer.name}", f"$other:{peer.name}"
    auth, before = room.auth_events("m.room.message", room.user_id), room.extremities
    content = {"body": "bad", "membership": "join"}
    for event_type, state_key, changes in (
        ("m.room.message", None, lambda one: {"auth_events": [one]}),
        ("m.room.message", None, lambda one: {"auth_events": [*auth, one]}),
        ("m.room.create", "", lambda one: {"auth_events": [one], "prev_events": []}),
        ("m.room.member", room.user_id, lambda one: {"auth_events": [*auth, one]}),
    ):  # fmt: skip
        for name, named in ((itself, itself), (itself, other), (other, itself)):
            bad = room.event(event_type, content, state_key, learn=False, event_id=name, **changes(named))
            peer.events[name] = bad
            refused(alice, room, peer, server, bad, room.room_id)
    alice.sync()
    for ends in ([], before):
        for name, named in (("a", "a"), ("b", "c"), ("c", "b")):
            name, named = f"${name}{len(ends)}:{peer.name}", f"${named}{len(ends)}:{peer.name}"
            ring = room.event("m.room.message", content, learn=False, event_id=name, prev_events=[*ends, named])
            peer.events[name] = ring
            good = room.event("m.room.message", {"body": "good"})
            peer.send(server, [ring, good])
            alice.sync_until(lambda answer, good=good: room.id_of(good) in event_ids(answer, room.room_id))
    walks_end(server, alice, peer, room)


def flags_of(server, *event_ids):
    """What the server keeps of events: ID -> enum event_flags."""
    with connect(server) as database:
        rows = database.execute("SELECT event_id, flags FROM events WHERE event_id = ANY(%s)", [list(event_ids)])
        return dict(rows.fetchall())


def is_rejected(server, event_id):
    return bool(flags_of(server, event_id)[event_id] & REJECTED)


def test_d_09_a_rejected_event_is_kept_as_such(server, alice, peer, room, room_id):
    """What stands on it is rejected as well; what only comes after it is judged by the state without it."""
    alice.sync()
    before = list(room.extremities)
    levels = {"users": {room.user_id: 100}}
    taken = room.event("m.room.power_levels", levels, "", learn=False)
    taken_id = room.id_of(taken)
    peer.events[taken_id] = taken
    refused(alice, room, peer, server, taken, room_id)
    room.extremities = before
    own = [i for i in room.auth_events("m.room.message", room.user_id) if i != room.state[("m.room.power_levels", "")]]
    upon = room.event("m.room.name", {"name": "stolen"}, "", auth_events=[*own, taken_id], learn=False)
    refused(alice, room, peer, server, upon, room_id)
    assert is_rejected(server, taken_id) and is_rejected(server, room.id_of(upon))

    later = room.event("m.room.name", {"name": "stolen"}, "", prev_events=[taken_id], learn=False)
    refused(alice, room, peer, server, later, room_id)
    assert is_rejected(server, room.id_of(later))
    after = room.event("m.room.message", {"body": "after"}, prev_events=[taken_id])
    peer.send(server, [after])
    alice.sync_until(lambda answer: room.id_of(after) in event_ids(answer, room_id))
    assert room.user_id not in alice.state(room_id, "m.room.power_levels")["users"]
    alice.state(room_id, "m.room.name", expect=404)
    for bad in (taken, upon, later):
        alice.event(room_id, room.id_of(bad), expect=404)
    told = peer.get(server, f"{FEDERATION}/v1/state/{quote(room_id, safe='')}", f"event_id={quote(room.id_of(after))}")
    assert not {taken_id, room.id_of(upon)} & {room.id_of(event) for event in told["pdus"]}


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**30, 10**1000])
def test_j_11_numbers_too_large_for_anybody_spoil_no_other_event(server, alice, peer, room, room_id, number):
    """Old room versions allow them, so a well-meaning server may pass them on: the others of the transaction count."""
    bad = room.event("m.room.message", {"body": "bad", "n": number}, learn=False)
    refused(alice, room, peer, server, bad, room_id)


def test_j_11_what_an_old_room_has_of_such_numbers_is_its_redacted_form(server, alice, peer):
    """Its transactions, its state at a join, and what is fetched later."""
    residence = Residence(peer, version="5", derek="join")
    residence.omits = False
    residence.told.set()
    room = residence.room
    room.event("org.example.large", {"n": 10**30}, "")
    alice.join(residence.id, query={"via": peer.name})
    assert alice.state(room.room_id, "org.example.large") == {}
    told = {e["state_key"]: e for e in alice.get("/_matrix/client/v3/rooms/{}/state", room.room_id) if e["type"] == "m.room.member"}
    assert told[residence.derek]["content"]["membership"] == "join"
    alice.sync()
    missing = room.event("m.room.message", {"body": "missing", "n": -(10**30)}, sender=residence.derek)
    event = room.event("m.room.message", {"body": "sent", "n": 2**63}, sender=residence.derek)
    last = room.event("m.room.message", {"body": "last"}, sender=residence.derek)
    peer.send(server, [event, last])
    alice.sync_until(lambda answer: room.id_of(last) in event_ids(answer, room.room_id))
    contents = {e["event_id"]: e["content"] for e in alice.all_messages(room.room_id)}
    assert [contents[room.id_of(one)] for one in (missing, event, last)] == [{}, {}, {"body": "last"}]

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


def members_upon_each_other(room, length):
    """So many names of one user, each allowed by the one before; all of one depth, as if none came first."""
    base = [room.state[(kind, "")] for kind in ("m.room.create", "m.room.power_levels", "m.room.join_rules")]
    last = room.state[("m.room.member", room.user_id)]
    for number in range(length):
        content = {"membership": "join", "displayname": str(number)}
        event = room.event("m.room.member", content, room.user_id, learn=False, auth_events=[*base, last])
        last = room.id_of(event)
        yield event


def members_beside_each_other(room, length):
    """So many users, each of whom joined."""
    auth = [room.state[(kind, "")] for kind in ("m.room.create", "m.room.power_levels", "m.room.join_rules")]
    for number in range(length):
        user_id = room.peer.user(f"u{number}")
        yield room.event("m.room.member", {"membership": "join"}, user_id, learn=False, sender=user_id, auth_events=auth)


@pytest.mark.timeout(3600)  # with --full
@pytest.mark.parametrize("make", [members_upon_each_other, members_beside_each_other], ids=["deep", "wide"])
def test_d_19_an_auth_chain_of_thousands(server, alice, peer, room, room_id, full, make):
    """The newest first, and among others that are no part of it: what holds is kept, the rest is left out, and of what
    is larger than anybody's chain as much as is borne."""
    chain = list(make(room, 100000 if full else 1500))
    foreign = peer.join(server, alice.create_room(preset="public_chat", room_version="11"), "mallory")
    odd = [peer.events[i] for i in foreign.state.values()] + [None, 5, [], {}, {"type": 1}] * 20
    levels = {"users": {room.user_id: 100}}
    forbidden = [room.event("m.room.power_levels", {**levels, "n": n}, "", learn=False) for n in range(20)]
    peer.answers[f"{FEDERATION}/v1/event_auth"] = lambda *_: (
        200, {"auth_chain": [*odd, *reversed(chain), *forbidden, *chain[:100]]}
    )
    own = room.state[("m.room.member", room.user_id)]
    auth = [i for i in room.auth_events("m.room.message", room.user_id) if i != own]
    upon = room.event("m.room.message", {"body": "upon"}, auth_events=[*auth, room.id_of(chain[-1])], learn=False)
    alice.sync()
    before = server.resident_bytes()
    good = room.event("m.room.message", {"body": "good"})
    peer.send(server, [upon, good])
    worked_off(server, room_id)
    bodies = [e["content"]["body"] for e in alice.all_messages(room_id) if e["type"] == "m.room.message"]
    # Of another user's membership nothing follows for the sender.
    is_allowed = make is members_upon_each_other and not full
    assert bodies == ["upon", "good"] if is_allowed else bodies[-1:] == ["good"]
    assert len(flags_of(server, *map(room.id_of, chain[:500]))) == 500
    assert set(flags_of(server, *map(room.id_of, forbidden)).values()) <= {REJECTED | OUTLIER}
    assert alice.state(room_id, "m.room.power_levels").get("n") is None
    assert server.resident_bytes() - before < MEMORY_BYTES_MAX


@pytest.mark.parametrize("length", [3, 700])
def test_d_19_an_auth_chain_that_goes_round(server, alice, peer, length):
    """Only events that said their own ID could: no ring allows anything, whether it is judged at once or in portions."""
    room = room_of_version(server, alice, peer, "1")
    base = [room.state[(kind, "")] for kind in ("m.room.create", "m.room.power_levels", "m.room.join_rules")]
    names = [f"$ring{number}:{peer.name}" for number in range(length)]
    content = {"membership": "join", "displayname": "round"}
    ring = [
        room.event("m.room.member", content, room.user_id, learn=False, event_id=name, auth_events=[*base, names[place - 1]])
        for place, name in enumerate(names)
    ]  # fmt: skip
    asked = []

    def tell(*_):
        asked.append(1)
        return 200, {"auth_chain": ring}

    peer.answers[f"{FEDERATION}/v1/event_auth"] = tell
    auth = [room.state[(kind, "")] for kind in ("m.room.create", "m.room.power_levels")]
    for last in (names[0], names[-1]):
        bad = room.event("m.room.message", {"body": "bad"}, auth_events=[*auth, last], learn=False)
        refused(alice, room, peer, server, bad, room.room_id)
    assert 1 <= len(asked) <= 2
    assert set(flags_of(server, *names).values()) <= {REJECTED | OUTLIER}


def chain_upon_a_hole(room, length):
    """An event with so many others before it, and before these one that nobody gets."""
    hole = room.event("m.room.message", {"body": "hole"})
    events = [room.event("m.room.message", {"body": str(number)}) for number in range(length + 1)]
    room.peer.events.pop(room.id_of(hole))
    return events


def state_requests(peer):
    return [path for _, path in peer.requests if "/v1/state" in path]


def test_d_19_a_peer_that_tells_no_state_is_not_asked_for_each_event(server, alice, peer, room, room_id):
    """Whatever lies between stands on a hole: it is asked at the hole, and at the newest, and then no more."""
    base = list(room.extremities)
    events = chain_upon_a_hole(room, 40)
    peer.answers[f"{FEDERATION}/v1/state"] = lambda *_: (403, {"errcode": "M_FORBIDDEN", "error": "hidden"})
    room.extremities = base
    refused(alice, room, peer, server, events[-1], room_id)
    assert len(state_requests(peer)) == 2


def test_d_19_a_peer_that_hides_old_history_tells_what_came_later(server, alice, peer, room, room_id):
    """The state before the older half is not told; the newer half has its place all the same."""
    state = list(room.state.values())
    events = chain_upon_a_hole(room, 20)
    shown = {room.id_of(event) for event in events[10:]}

    def hide(method, path, query, body):
        if query["event_id"][0] in shown:
            return 200, {"pdu_ids": state, "auth_chain_ids": peer.chain(state)}
        return 403, {"errcode": "M_FORBIDDEN", "error": "hidden"}

    peer.answers[f"{FEDERATION}/v1/state"] = hide
    alice.sync()
    peer.send(server, [events[-1]])
    alice.sync_until(lambda answer: room.id_of(events[-1]) in event_ids(answer, room_id))
    told = [e["content"]["body"] for e in alice.all_messages(room_id) if e["content"].get("body", "").isdigit()]
    assert told == [str(number) for number in range(11, 21)]


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
    release, given_up = threading.Event(), []

    def sleep_long(*_):
        if not release.wait(25):  # our server would wait for half a minute
            given_up.append(1)
        return 200, {"events": []}

    peer.answers[f"{FEDERATION}/v1/get_missing_events"] = sleep_long
    waiting = []
    for _ in range(6):
        slow = peer.join(server, alice.create_room(preset="public_chat", room_version="11"), "mallory")
        slow.event("m.room.message", {"body": "never sent"})
        waiting.append(slow.event("m.room.message", {"body": "waits"}))
    quick = room.event("m.room.message", {"body": "quick"})
    try:
        peer.send(server, [*waiting, quick])
        alice.sync_until(lambda answer: room.id_of(quick) in event_ids(answer, room_id))
        assert not given_up
    finally:
        release.set()


def is_heard(server, alice, peer, room):
    event = room.event("m.room.message", {"body": "heard"})
    peer.send(server, [event])
    alice.sync_until(lambda answer: room.id_of(event) in event_ids(answer, room.room_id))


@pytest.mark.timeout(3600)  # with --full
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
    worked_off(server, room_id)
    is_heard(server, alice, peer, room)
    assert [e["event_id"] for e in alice.all_messages(room_id) if e["content"].get("body") == "burst"] == sent
    assert server.resident_bytes() - before < 192 << 20


@pytest.mark.timeout(3600)  # with --full
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
    worked_off(server, room_id)
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
