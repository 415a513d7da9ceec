"""A peer that lies, floods and breaks the rules: nothing of it gets in, and others do not suffer.

The names are those of the design (security.md): F transport, FK keys, D events, M handshakes, U EDUs. After
each case a good peer still federates.
"""

import concurrent.futures
import json
import time

import pytest
from client import event_ids, joined_room
from peer import FEDERATION, Key, Peer, canonical, event_id_of, quote, unpadded


@pytest.fixture
def room_id(alice):
    return alice.create_room(preset="public_chat", room_version="11")


@pytest.fixture
def room(server, room_id, peer):
    return peer.join(server, room_id, "mallory")


@pytest.fixture(autouse=True)
def others_do_not_suffer(request, server, authority):
    """After the case: a good peer joins, speaks and is heard."""
    alice = request.getfixturevalue("alice")
    room_id = request.getfixturevalue("room_id")
    yield
    good = Peer(authority)
    try:
        alice.sync()
        room = good.join(server, room_id, "honest")
        event = room.event("m.room.message", {"body": "still here"})
        good.send(server, [event])
        alice.sync_until(lambda answer: room.id_of(event) in event_ids(answer, room_id))
    finally:
        good.close()


def refused(alice, room, peer, server, bad, room_id):
    """Sends a bad event, then a good one: only the good one comes out."""
    known = {e["event_id"] for e in alice.all_messages(room_id)}
    good = room.event("m.room.message", {"body": "good"})
    peer.send(server, [bad, good])
    alice.sync_until(lambda answer: room.id_of(good) in event_ids(answer, room_id))
    new = [e["event_id"] for e in alice.all_messages(room_id) if e["event_id"] not in known]
    assert new == [room.id_of(good)]


# ── F: who sent it ──


def test_f_01_unsigned_requests_are_refused(server, peer, room_id):
    answer = peer.request(server, "PUT", f"{FEDERATION}/v1/send/1", {"pdus": []}, header="Bearer x")
    assert (answer.status_code, answer.json()["errcode"]) == (401, "M_UNAUTHORIZED")


@pytest.mark.parametrize(
    "change",
    [{"sig": "AAAA"}, {"destination": "elsewhere.example"}, {"origin": "other.example"}, {"key": "ed25519:none"}],
    ids=["signature", "destination", "origin", "key"],
)
def test_f_03_false_headers_are_refused(server, peer, room_id, change):
    path = f"{FEDERATION}/v1/publicRooms"
    header = peer.authorization("GET", path, server.server_name, **change)
    answer = peer.request(server, "GET", path, header=header)
    assert (answer.status_code, answer.json()["errcode"]) == (401, "M_UNAUTHORIZED")


def test_f_05_a_dead_key_server_is_no_delay_for_others(server, peer, authority, room_id):
    dead = Peer(authority)
    dead.close()
    began = time.monotonic()
    answer = dead.request(server, "GET", f"{FEDERATION}/v1/publicRooms")
    assert answer.status_code == 401
    assert time.monotonic() - began < 15


def test_f_07_the_signed_target_is_the_raw_one(server, peer, room_id):
    path = f"{FEDERATION}/v1/query/profile"
    query = "user_id=%40nobody%3A" + quote(server.server_name, safe="")
    assert peer.request(server, "GET", path, query=query).status_code == 404


# ── FK: keys ──


@pytest.mark.parametrize(
    "change",
    [{"server_name": "other.example"}, {"valid_until_ts": 1}, {"valid_until_ts": -5}, {"verify_keys": {}}],
    ids=["other name", "expired", "negative", "empty"],
)
def test_fk_01_key_documents_that_do_not_hold(server, authority, room_id, change):
    liar = Peer(authority)
    try:
        liar.answers["/_matrix/key"] = lambda *_: (200, liar.key_document(**change))
        assert liar.request(server, "GET", f"{FEDERATION}/v1/publicRooms").status_code == 401
    finally:
        liar.close()


def test_fk_05_garbage_instead_of_keys(server, authority, room_id):
    liar = Peer(authority)
    try:
        liar.answers["/_matrix/key"] = lambda *_: (200, b"[" * 100000)
        assert liar.request(server, "GET", f"{FEDERATION}/v1/publicRooms").status_code == 401
    finally:
        liar.close()


@pytest.mark.parametrize("valid_until", [2**63, 2**70, 1e300, "soon", None], ids=str)
def test_fk_03_impossible_times_of_validity(server, authority, room_id, valid_until):
    liar = Peer(authority)
    try:
        liar.answers["/_matrix/key"] = lambda *_: (200, liar.key_document(valid_until_ts=valid_until))
        assert liar.request(server, "GET", f"{FEDERATION}/v1/publicRooms").status_code == 401
    finally:
        liar.close()


def test_fk_11_many_requests_of_a_new_server_fetch_its_keys_once(server, peer, room_id):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: peer.get(server, f"{FEDERATION}/v1/publicRooms"), range(24)))
    assert len(answers) == 24
    assert len([path for _, path in peer.requests if path.startswith("/_matrix/key/")]) == 1


# ── D: events ──


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


# ── M: handshakes ──


def send_join(peer, server, room, event, status):
    event_id = event_id_of(event, room.version)
    path = f"{FEDERATION}/v2/send_join/{quote(room.room_id, safe='')}/{quote(event_id, safe='')}"
    return peer.request(server, "PUT", path, event, expect=status).json()


EVIL = {
    "another type": {"type": "m.room.power_levels"},
    "another sender": {"sender": "@admin:victim.example"},
    "another state key": {"state_key": "@admin:victim.example"},
    "another room": {"room_id": "!other:victim.example"},
    "another membership": {"content": {"membership": "ban"}},
    "no content": {"content": 7},
    "a depth beyond all": {"depth": 2**53},
    "too many before it": {"prev_events": ["$" + "A" * 43] * 10000},
}


@pytest.mark.parametrize("what", [*EVIL, "an unknown version", "no event"])
def test_m_01_an_evil_resident_gets_nothing_signed_but_a_join(server, alice, peer, room_id, what):
    elsewhere = f"!evil:{peer.name}"
    event = {
        "type": "m.room.member", "room_id": elsewhere, "sender": alice.user_id, "state_key": alice.user_id,
        "content": {"membership": "join"}, "prev_events": ["$" + "B" * 43], "auth_events": ["$" + "C" * 43],
        "depth": 5, "origin_server_ts": 1, **EVIL.get(what, {}),
    }  # fmt: skip
    template = {"room_version": "99" if what == "an unknown version" else "11", "event": event}
    if what == "no event":
        del template["event"]
    signed = []
    peer.answers[f"{FEDERATION}/v1/make_join/"] = lambda *_: (200, template)
    peer.answers[f"{FEDERATION}/v2/send_join/"] = lambda _method, _path, _query, body: (
        signed.append(body),
        (403, {"errcode": "M_FORBIDDEN", "error": "none"}),
    )[1]
    path = f"/_matrix/client/v3/join/{quote(elsewhere, safe='')}"
    assert alice.raw("POST", path, content=b"{}", query={"via": peer.name}).status_code >= 400
    for body in signed:
        assert (body["type"], body["sender"], body["state_key"]) == ("m.room.member", alice.user_id, alice.user_id)
        assert body["room_id"] == elsewhere and body["content"]["membership"] == "join"
        assert len(body["prev_events"]) <= 20 and body["depth"] <= 2**53 - 1


def test_m_05_joins_that_are_none(server, alice, peer, room, room_id):
    template = peer.make(server, "join", room_id, peer.user("eve"))["event"]
    template["origin_server_ts"] = 1
    for change, status in [
        ({"content": {"membership": "leave"}}, 400),
        ({"sender": alice.user_id, "state_key": alice.user_id}, 403),
        ({"state_key": alice.user_id}, 400),
        ({"type": "m.room.message"}, 400),
        ({"room_id": "!other:" + peer.name}, 400),
    ]:
        event = peer.seal({**template, **change}, room.version)
        send_join(peer, server, room, event, status)
    unsigned = {**template, "signatures": {}, "hashes": {"sha256": "AAAA"}}
    send_join(peer, server, room, unsigned, 403)
    members = alice.get("/_matrix/client/v3/rooms/{}/joined_members", room_id)["joined"]
    assert set(members) == {alice.user_id, room.user_id}


def test_m_05_make_join_is_for_own_users(server, alice, peer, room, room_id):
    peer.make(server, "join", room_id, "@x:elsewhere.example", expect=403)
    peer.make(server, "join", "!unknown:elsewhere.example", peer.user("eve"), expect=404)


def test_m_07_a_kick_is_no_leave(server, alice, peer, room, room_id):
    kick = room.event("m.room.member", {"membership": "leave"}, alice.user_id, learn=False)
    path = f"{FEDERATION}/v2/send_leave/{quote(room_id, safe='')}/{quote(room.id_of(kick), safe='')}"
    peer.request(server, "PUT", path, kick, expect=400)
    assert alice.user_id in alice.get("/_matrix/client/v3/rooms/{}/joined_members", room_id)["joined"]


@pytest.mark.parametrize("state", [5, "x", {"a": 1}], ids=str)
def test_m_03_invites_with_a_misshapen_state(server, alice, peer, room, room_id, state):
    room.room_id = "!elsewhere:" + peer.name
    event = room.event("m.room.member", {"membership": "invite"}, alice.user_id, learn=False)
    path = f"{FEDERATION}/v2/invite/{quote(room.room_id, safe='')}/{quote(room.id_of(event), safe='')}"
    body = {"room_version": room.version, "event": event, "invite_room_state": state}
    assert peer.request(server, "PUT", path, body).status_code == 400
    assert room.room_id not in alice.sync().get("rooms", {}).get("invite", {})


def test_m_invites_are_signed_for_the_invited_only(server, alice, peer, room, room_id):
    """We sign nothing but an invite of one of our users by one of theirs."""
    room.room_id = "!elsewhere:" + peer.name
    for content, state_key, change in [
        ({"membership": "join"}, alice.user_id, {}),
        ({"membership": "invite"}, peer.user("x"), {}),
        ({"membership": "invite"}, alice.user_id, {"sender": "@a:" + server.server_name}),
        ({"membership": "invite"}, alice.user_id, {"type": "m.room.message"}),
    ]:
        event = room.event("m.room.member", content, state_key, learn=False, **change)
        path = f"{FEDERATION}/v2/invite/{quote(room.room_id, safe='')}/{quote(room.id_of(event), safe='')}"
        answer = peer.request(server, "PUT", path, {"room_version": room.version, "event": event})
        assert answer.status_code in (400, 403), answer.text


# ── Access ──


def test_servers_that_are_not_in_a_room_read_nothing(server, alice, peer, good_peer, room_id):
    event_id = alice.send_text(room_id, "private")
    for path, query in [
        (f"/v1/event/{quote(event_id)}", ""),
        (f"/v1/state/{quote(room_id, safe='')}", f"event_id={quote(event_id)}"),
        (f"/v1/state_ids/{quote(room_id, safe='')}", f"event_id={quote(event_id)}"),
        (f"/v1/backfill/{quote(room_id, safe='')}", f"limit=10&v={quote(event_id)}"),
        (f"/v1/event_auth/{quote(room_id, safe='')}/{quote(event_id)}", ""),
    ]:
        good_peer.request(server, "GET", FEDERATION + path, query=query, expect=403)


def test_the_access_control_list_shuts_a_server_out(server, alice, peer, room, room_id):
    alice.set_state(room_id, "m.room.server_acl", {"allow": ["*"], "deny": ["127.0.0.2"], "allow_ip_literals": False})
    event = room.event("m.room.message", {"body": "denied"}, learn=False)
    answer = peer.send(server, [event])
    assert "error" in answer["pdus"][room.id_of(event)]
    event_id = alice.send_text(room_id, "not for you")
    peer.request(server, "GET", f"{FEDERATION}/v1/event/{quote(event_id)}", expect=403)
    peer.make(server, "join", room_id, peer.user("eve"), expect=403)
    alice.set_state(room_id, "m.room.server_acl", {"allow": ["*"], "allow_ip_literals": True})


def test_events_of_one_room_are_not_read_through_another(server, alice, peer, room, room_id):
    secret = alice.create_room(preset="private_chat")
    event_id = alice.send_text(secret, "secret")
    here = quote(room_id, safe="")
    peer.request(server, "GET", f"{FEDERATION}/v1/event_auth/{here}/{quote(event_id)}", expect=404)
    peer.request(server, "GET", f"{FEDERATION}/v1/state/{here}", query=f"event_id={quote(event_id)}", expect=404)
    pages = peer.get(server, f"{FEDERATION}/v1/backfill/{here}", f"limit=5&v={quote(event_id)}")
    assert pages["pdus"] == []


# ── U: EDUs ──


def test_u_01_edus_about_users_of_others_are_ignored(server, alice, peer, room, room_id):
    event_id = alice.send_text(room_id, "x")
    alice.sync()
    edus = [
        {"edu_type": "m.typing", "content": {"room_id": room_id, "user_id": alice.user_id, "typing": True}},
        {
            "edu_type": "m.receipt",
            "content": {room_id: {"m.read": {alice.user_id: {"data": {"ts": 1}, "event_ids": [event_id]}}}},
        },
        {"edu_type": "m.presence", "content": {"push": [{"user_id": alice.user_id, "presence": "online"}]}},
        {
            "edu_type": "m.direct_to_device",
            "content": {
                "sender": alice.user_id, "type": "m.x", "message_id": "1",
                "messages": {alice.user_id: {"*": {"a": 1}}},
            },
        },
    ]  # fmt: skip
    marker = room.event("m.room.message", {"body": "marker"})
    peer.send(server, [marker], edus)
    answers = []

    def collect(answer):
        answers.append(answer)
        return room.id_of(marker) in event_ids(answer, room_id)

    alice.sync_until(collect)
    text = json.dumps(answers)
    assert '"typing"' not in text and '"m.read"' not in text and '"m.x"' not in text


def test_u_07_a_to_device_message_comes_once(server, alice, peer, room, room_id):
    edu = {
        "edu_type": "m.direct_to_device",
        "content": {
            "sender": room.user_id, "type": "m.test", "message_id": "abc",
            "messages": {alice.user_id: {"*": {"n": 1}}, "@nobody:" + server.server_name: {"*": {}}},
        },
    }  # fmt: skip
    alice.sync()
    peer.send(server, [], [edu])
    peer.send(server, [], [edu])
    first = alice.sync_until(lambda a: a.get("to_device", {}).get("events"))
    assert [e["content"] for e in first] == [{"n": 1}]
    assert not alice.sync().get("to_device", {}).get("events")


def test_u_09_misshapen_edus_do_not_stop_the_events(server, alice, peer, room, room_id):
    event = room.event("m.room.message", {"body": "comes through"})
    edus = [{"edu_type": "m.unknown", "content": {}}, {"edu_type": "m.typing", "content": []}, 5, None]
    peer.send(server, [event], edus)
    alice.sync_until(lambda answer: room.id_of(event) in event_ids(answer, room_id))


@pytest.mark.parametrize("body", [{}, {"pdus": {}}, {"pdus": [], "edus": 1}, {"pdus": [{}] * 51}], ids=str)
def test_transactions_of_the_wrong_shape(server, peer, room_id, body):
    answer = peer.request(server, "PUT", f"{FEDERATION}/v1/send/{time.time_ns()}", body)
    assert (answer.status_code, answer.json()["errcode"]) == (400, "M_BAD_JSON")


def test_a_slow_room_does_not_hold_up_another(server, alice, peer, room, room_id):
    slow = peer.join(server, alice.create_room(preset="public_chat", room_version="11"), "mallory")

    def sleep_long(*_):
        time.sleep(8)
        return 200, {"events": []}

    peer.answers[f"{FEDERATION}/v1/get_missing_events"] = sleep_long
    slow.event("m.room.message", {"body": "never sent"})
    waits = slow.event("m.room.message", {"body": "waits"})
    quick = room.event("m.room.message", {"body": "quick"})
    alice.sync()
    began = time.monotonic()
    peer.send(server, [waits, quick])
    assert time.monotonic() - began < 5
    alice.sync_until(lambda answer: room.id_of(quick) in event_ids(answer, room_id))
    assert time.monotonic() - began < 7


def test_helpers_agree_with_themselves():
    """The rig's own signatures verify: a rig that signs wrongly would pass every refusal."""
    key = Key()
    signature = key.signature({"b": 1, "a": "é"})
    assert unpadded(key.signing.sign(canonical({"a": "é", "b": 1})).signature) == signature
    assert joined_room({}, "!x") == {}
