"""Answers to our own requests that no server means well with (F-15)."""

import json
import time

import hostile
import pytest
from client import event_ids
from peer import FEDERATION, Peer
from residence import Residence
from test_partial_state_joins import members

pytestmark = pytest.mark.usefixtures("others_do_not_suffer")

MEMORY_BYTES_MAX = 192 << 20  # more than before, the sanitizers' share included


@pytest.fixture
def evil(authority):
    peer = Peer(authority)
    yield peer
    peer.close()


@pytest.fixture
def all_answers():
    """By name. Those after which a server is spared for a while come last."""
    simple = {name: (200, data) for name, data in hostile.NOT_JSON.items()}
    statuses = {f"status {status}": (status, {}) for status in (199, 204, 302, 404, 500, 599, 429, 503)}
    written = {
        "too short": hostile.too_short,
        "too long": hostile.too_long,
        "a redirect": hostile.redirect("https://127.0.0.1:1/"),
        "an endless head": hostile.endless_head,
        "no HTTP": lambda handler: handler.wfile.write(b"\x16\x03\x01" * 100),
        "nothing at all": lambda handler: None,
    }
    objects = {
        f"object {number}": (200, value)
        for number, value in enumerate(
            [{}, {"event": None}, {"event": {}}, {"room_version": 11, "event": {}}, {"pdus": None, "events": 5},
             {"pdus": [None, 5, [], {}], "events": [None, 5, [], {}], "state": [None], "auth_chain": [{}], "event": []},
             {"pdu_ids": [None, 5, "x", "$" + "A" * 43], "auth_chain_ids": [[]]}]
        )
    }  # fmt: skip
    return {**simple, **objects, **statuses, **{name: (200, write) for name, write in written.items()}}


def test_f_15_a_join_fails_cleanly_and_goes_through_another_server(server, alice, peer, evil, all_answers):
    before = server.resident_bytes()
    for step in ("v1/make_join/", "v2/send_join/"):
        for what, answer in all_answers.items():
            residence = Residence(peer)
            residence.told.set()
            evil.answers = {
                f"{FEDERATION}/v1/make_join/": residence.make_join,
                f"{FEDERATION}/{step}": lambda *_, answer=answer: answer,
            }
            path = f"/_matrix/client/v3/join/{residence.id}"
            refused = alice.raw("POST", path, content=b"{}", query={"via": evil.name})
            assert 400 <= refused.status_code < 600 and refused.json()["errcode"].startswith("M_"), (step, what)
            assert residence.id not in alice.get("/_matrix/client/v3/joined_rooms")["joined_rooms"]
        # The last of them, both servers named: the second one helps.
        alice.join(residence.id, query=[("via", evil.name), ("via", peer.name)])
        assert alice.user_id in members(alice, residence.id)
    assert server.resident_bytes() - before < MEMORY_BYTES_MAX


def broken_copies(event, elsewhere):
    """Texts in a list of events that are none of the room's: no JSON, no event, or not what was signed."""
    text = json.dumps(event).encode()
    return {
        "a number": b"5",
        "nothing": b"null",
        "a list": b"[{}]",
        "deep": b"[" * 200000 + b"]" * 200000,
        "a member twice": text[:-1] + b',"depth":1}',
        "a huge number": text.replace(b'"depth": %d' % event["depth"], b'"depth": 9' + b"9" * 400),
        "no UTF-8": text.replace(b'"content": {', b'"content": {"x":"\xff\xfe",'),
        "an endless event": text[:-1] + b',"x":"' + b"x" * 3000000 + b'"}',
        "numbers by the thousand": text[:-1] + b',"x":[0' + b",0" * 600000 + b"]}",
        "another signature": json.dumps({**event, "depth": event["depth"] + 1}).encode(),
        "another room": json.dumps(elsewhere).encode(),
    }


def spliced(answer, more):
    """The answer as text, with more texts among its state."""
    state = b",\n ".join([*more, *(json.dumps(event).encode() for event in answer["state"])])
    rest = json.dumps({name: value for name, value in answer.items() if name != "state"}).encode()
    return b'{"state" : [ ' + state + b" ], " + rest[1:]


def test_f_15_a_join_leaves_out_what_does_not_hold(server, alice, peer, good_peer):
    residence, other = Residence(peer), Residence(good_peer)
    residence.room.event("m.room.topic", {"topic": "as it was"}, "")
    name = residence.room.event("m.room.name", {"name": "as it was"}, "")
    elsewhere = other.room.event("m.room.topic", {"topic": "elsewhere"}, "")
    broken = broken_copies(name, elsewhere)

    def send_join(*request):
        status, answer = residence.send_join(*request)
        return status, spliced(answer, broken.values())

    residence.told.set()
    peer.answers[f"{FEDERATION}/v2/send_join/"] = send_join
    alice.join(residence.id, query={"via": peer.name})
    state = alice.get("/_matrix/client/v3/rooms/{}/state", residence.id)
    told = {(event["type"], event["state_key"]): event["content"] for event in state}
    assert told[("m.room.name", "")] == {"name": "as it was"}
    assert told[("m.room.topic", "")] == {"topic": "as it was"}
    assert alice.user_id in members(alice, residence.id)


def test_f_15_answers_to_joins_that_break_off_or_contradict_themselves(server, alice, peer):
    residence = Residence(peer)
    residence.told.set()
    for spoil in (
        lambda text: text[:-1],
        lambda text: text[: len(text) // 2],
        lambda text: text[:-1] + b',"state":[]}',
        lambda text: text[:-1] + b',"members_omitted":false}',
        lambda text: text.replace(b'"state" : [', b'"state" : [,'),
        lambda text: text.replace(b'"state" : [', b'"State" : ['),
        lambda text: b"[" + text + b"]",
    ):
        peer.answers[f"{FEDERATION}/v2/send_join/"] = lambda *request, spoil=spoil: (
            200, spoil(spliced(residence.send_join(*request)[1], []))
        )  # fmt: skip
        refused = alice.raw(
            "POST", f"/_matrix/client/v3/join/{residence.id}", content=b"{}", query={"via": peer.name}
        )
        assert refused.status_code == 502 and refused.json()["errcode"].startswith("M_"), refused.text
        assert residence.id not in alice.get("/_matrix/client/v3/joined_rooms")["joined_rooms"]


LARGE = {"endless": hostile.endless_body, "a bomb": hostile.gzip_bomb}


@pytest.mark.parametrize("what", LARGE)
def test_f_15_large_answers_are_cut_by_the_kind_of_call(server, alice, evil, peer, room, room_id, what):
    """What asks for little takes little: a join's template, a profile, missing events, a list of state."""
    before = server.resident_bytes()
    evil.answers = {FEDERATION: lambda *_: (200, LARGE[what])}
    began = time.monotonic()
    alice.join("!room:" + evil.name, query={"via": evil.name}, expect=502)
    alice.get(f"/_matrix/client/v3/profile/@a:{evil.name}", expect=502)
    peer.answers[f"{FEDERATION}/v1/"] = lambda *_: (200, LARGE[what])
    room.event("m.room.message", {"body": "missing"})
    missing = room.event("m.room.message", {"body": "after"})
    peer.send(server, [missing])
    marker = alice.send_text(room_id, "marker")
    alice.sync_until(lambda answer: marker in event_ids(answer, room_id))
    assert time.monotonic() - began < 40
    assert server.resident_bytes() - before < MEMORY_BYTES_MAX


def test_f_15_hostile_helpers_leave_the_event_out(server, alice, peer, room, room_id, all_answers):
    """Asked for missing events and the state, the peer answers anything: its event is not taken, others are."""
    for what, answer in all_answers.items():
        peer.answers = {f"{FEDERATION}/v1/{path}": lambda *_, answer=answer: answer
                        for path in ("get_missing_events", "state", "event_auth", "event/")}  # fmt: skip
        base = list(room.extremities)
        lost = room.event("m.room.message", {"body": "lost"}, learn=False)
        bad = room.event("m.room.message", {"body": "bad"}, prev_events=[room.id_of(lost)], learn=False)
        good = room.event("m.room.message", {"body": "good"}, prev_events=base)
        known = {e["event_id"] for e in alice.all_messages(room_id)}
        peer.send(server, [bad, good])
        alice.sync_until(lambda sync, good=good: room.id_of(good) in event_ids(sync, room_id))
        new = [e["event_id"] for e in alice.all_messages(room_id) if e["event_id"] not in known]
        assert (what, new) == (what, [room.id_of(good)])


def test_f_15_history_that_is_garbage_ends_the_page(server, alice, peer, room, room_id, all_answers):
    hidden = [room.event("m.room.message", {"body": str(i)}) for i in range(3)]
    late = room.event("m.room.message", {"body": "late"})
    peer.answers = {f"{FEDERATION}/v1/get_missing_events/": lambda *_: (200, {"events": []})}
    peer.send(server, [late])
    alice.sync_until(lambda answer: room.id_of(late) in event_ids(answer, room_id))
    for answer in all_answers.values():
        peer.answers[f"{FEDERATION}/v1/backfill/"] = lambda *_, answer=answer: answer
        assert room.id_of(hidden[0]) not in [e["event_id"] for e in alice.all_messages(room_id, "b")]


def test_f_15_other_questions(server, alice, evil, all_answers):
    """Each ends with an error of ours, or with what we know alone."""
    name = evil.name
    for answer in all_answers.values():
        evil.answers = {FEDERATION: lambda *_, answer=answer: answer}
        for method, path, body, statuses in (
            ("GET", f"/_matrix/client/v3/profile/@a:{name}", None, (404, 429, 502)),
            ("GET", f"/_matrix/client/v3/directory/room/%23a:{name}", None, (404, 429, 502)),
            ("GET", f"/_matrix/client/v3/publicRooms?server={name}", None, (200, 404, 429, 502)),
            ("POST", "/_matrix/client/v3/keys/query", {"device_keys": {f"@a:{name}": []}}, (200,)),
            ("POST", "/_matrix/client/v3/keys/claim", {"one_time_keys": {f"@a:{name}": {"D": "x"}}}, (200,)),
            ("GET", f"/_matrix/client/v1/media/download/{name}/abc", None, (404, 429, 502)),
        ):
            content = None if body is None else json.dumps(body).encode()
            answered = alice.raw(method, path, content=content)
            assert answered.status_code in statuses, (path, answered.status_code, answered.text)
