"""Joins, leaves, knocks and invites that want something else (M)."""

import concurrent.futures
import json

import pytest
from client import Client, invited_to, quote
from peer import FEDERATION, PeerRoom, event_id_of
from residence import Residence

pytestmark = pytest.mark.usefixtures("others_do_not_suffer")


def send_join(peer, server, room, event, status):
    event_id = event_id_of(event, room.version)
    path = f"{FEDERATION}/v2/send_join/{quote(room.room_id)}/{quote(event_id)}"
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
    "too many that allow it": {"auth_events": ["$" + "A" * 43] * 10000},
    "keys besides": {"redacts": "$" + "A" * 43, "unsigned": {"a": 1}, "signatures": {"x": {"ed25519:y": "AAAA"}}, "x": 1},
    "content besides": {"content": {"membership": "join", "is_direct": True, "third_party_invite": {}, "x": 1}},
    "somebody of ours who vouches": {
        "content": {"membership": "join", "join_authorised_via_users_server": "@alice:OURS"},
    },
}


def attempt(server, alice, peer, membership, room_id):
    """Alice does what she does with a room of the peer's; the status."""
    if membership == "leave":
        invite(server, alice, peer, room_id, expect=200)
        return alice.raw("POST", f"/_matrix/client/v3/rooms/{quote(room_id)}/leave", content=b"{}").status_code
    path = f"/_matrix/client/v3/{membership}/{quote(room_id)}"
    return alice.raw("POST", path, content=b"{}", query={"via": peer.name}).status_code


def invite(server, alice, peer, room_id, expect=None, **body):
    room = PeerRoom(peer, room_id, body.get("room_version", "11"), peer.user("mallory"))
    event = room.event("m.room.member", {"membership": "invite"}, alice.user_id, learn=False)
    path = f"{FEDERATION}/v2/invite/{quote(room_id)}/{quote(room.id_of(event))}"
    return peer.request(server, "PUT", path, {"room_version": "11", "event": event, **body}, expect=expect)


@pytest.mark.parametrize("membership", ["join", "knock", "leave"])
def test_m_01_an_evil_resident_gets_nothing_signed_but_what_the_user_wants(server, alice, peer, room_id, membership):
    """Whatever its template says; what it says besides is not signed either."""
    for number, what in enumerate([*EVIL, "an unknown version", "no event"]):
        elsewhere = f"!evil{number}:{peer.name}"
        event = {
            "type": "m.room.member", "room_id": elsewhere, "sender": alice.user_id, "state_key": alice.user_id,
            "content": {"membership": membership}, "prev_events": ["$" + "B" * 43], "auth_events": ["$" + "C" * 43],
            "depth": 5, "origin_server_ts": 1, **json.loads(json.dumps(EVIL.get(what, {})).replace("OURS", server.server_name)),
        }  # fmt: skip
        template = {"room_version": "99" if what == "an unknown version" else "11", "event": event}
        if what == "no event":
            del template["event"]
        signed = []

        def refuse(method, path, query, body, signed=signed):
            signed.append(body)
            return 403, {"errcode": "M_FORBIDDEN", "error": "none"}

        peer.answers[f"{FEDERATION}/v1/make_{membership}/"] = lambda *_, template=template: (200, template)
        peer.answers[f"{FEDERATION}/v{1 if membership == 'knock' else 2}/send_{membership}/"] = refuse
        status = attempt(server, alice, peer, membership, elsewhere)
        assert status == 200 if membership == "leave" else status >= 400
        for body in signed:
            assert (body["type"], body["sender"], body["state_key"]) == ("m.room.member", alice.user_id, alice.user_id)
            assert body["room_id"] == elsewhere and set(body["content"]) <= {"membership", "displayname"}
            assert body["content"]["membership"] == membership
            assert len(body["prev_events"]) <= 20 and len(body["auth_events"]) <= 10 and body["depth"] <= 2**53 - 1
            assert set(body) <= {"type", "sender", "state_key", "room_id", "content", "prev_events", "auth_events", "depth",
                                 "origin_server_ts", "hashes", "signatures"}  # fmt: skip


def test_m_03_invites_whose_state_is_too_much(server, alice, peer, room_id):
    """Other rooms' events, events that are none, more than an invite needs: nothing of it reaches a client."""
    elsewhere = f"!elsewhere:{peer.name}"
    name = {"type": "m.room.name", "state_key": "", "sender": peer.user("mallory"), "content": {"name": "x" * 300000}}
    answer = invite(server, alice, peer, elsewhere, invite_room_state=[name])
    assert (answer.status_code, answer.json()["errcode"]) == (413, "M_TOO_LARGE")
    assert elsewhere not in alice.sync().get("rooms", {}).get("invite", {})
    good = {**name, "content": {"name": "good"}}
    odd = [None, 5, "x", [], {}, {**good, "type": 5}, {**good, "state_key": None}, {**good, "content": []},
           {**good, "sender": "nobody"}, {**good, "sender": 5}]  # fmt: skip
    invite(server, alice, peer, elsewhere, invite_room_state=[*odd, good] + [good] * 5000, expect=200)
    events = alice.sync_until(invited_to(elsewhere))
    assert len(events) <= 101 and {e["type"] for e in events} == {"m.room.name", "m.room.member"}
    assert all(e["content"] == {"name": "good"} for e in events if e["type"] == "m.room.name")


def test_m_03_invites_to_rooms_that_are_named_by_their_create_event_bring_it(server, alice, peer, room_id):
    sealed = PeerRoom(peer, "", "12", peer.user("mallory")).event(
        "m.room.create", {"room_version": "12"}, "", learn=False, room_id=..., prev_events=[], auth_events=[]
    )
    elsewhere = "!" + event_id_of(sealed, "12")[1:]
    forged = {**sealed, "content": {"room_version": "12", "type": "m.space"}}
    unsigned = {name: value for name, value in sealed.items() if name != "signatures"}
    stripped = {name: sealed[name] for name in ("type", "state_key", "sender", "content")}
    for state in ([], [forged], [unsigned], [stripped], [forged, sealed]):
        answer = invite(server, alice, peer, elsewhere, room_version="12", invite_room_state=state)
        assert (answer.status_code, answer.json()["errcode"]) == (400, "M_INVALID_PARAM"), state
    assert elsewhere not in alice.sync().get("rooms", {}).get("invite", {})
    invite(server, alice, peer, elsewhere, room_version="12", invite_room_state=[sealed], expect=200)
    alice.sync_until(invited_to(elsewhere))


def test_m_11_an_invite_of_a_dead_server_is_rejected(server, alice, peer, room_id):
    elsewhere = f"!elsewhere:{peer.name}"
    invite(server, alice, peer, elsewhere, expect=200)
    alice.sync_until(invited_to(elsewhere))
    peer.close()
    alice.leave(elsewhere)
    assert elsewhere in alice.sync_until(lambda answer: answer.get("rooms", {}).get("leave"))
    assert elsewhere not in Client.sync(alice.second_device()).get("rooms", {}).get("invite", {})


def test_m_13_joins_of_one_user_at_once_are_one(server, alice, peer, room_id):
    residence = Residence(peer)
    residence.told.set()

    def once(_):
        client = Client(alice.base_url, alice.token, alice.user_id)
        return client.raw("POST", f"/_matrix/client/v3/join/{quote(residence.id)}", content=b"{}", query={"via": peer.name})

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert {answer.status_code for answer in pool.map(once, range(4))} == {200}
    state = alice.get("/_matrix/client/v3/rooms/{}/state", residence.id)
    keys = [(e["type"], e["state_key"]) for e in state]
    assert len(keys) == len(set(keys)) and ("m.room.member", alice.user_id) in keys
    assert ("m.room.member", residence.derek) in keys
    alice.send_text(residence.id, "still in it")


def test_m_13_two_joins_of_one_user_elsewhere(server, alice, peer, room_id):
    """Both templates are upon the same state: one of the joins stands, and nobody else is touched."""
    template = peer.make(server, "join", room_id, peer.user("eve"))["event"]
    events = [peer.seal({**template, "origin_server_ts": ts}, "11") for ts in (1, 2)]

    def send(event):
        path = f"{FEDERATION}/v2/send_join/{quote(room_id)}/{quote(event_id_of(event, '11'))}"
        return peer.request(server, "PUT", path, event).status_code

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        assert set(pool.map(send, events)) == {200}
    joined = alice.get("/_matrix/client/v3/rooms/{}/joined_members", room_id)["joined"]
    assert set(joined) == {alice.user_id, peer.user("eve")}


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
    path = f"{FEDERATION}/v2/send_leave/{quote(room_id)}/{quote(room.id_of(kick))}"
    peer.request(server, "PUT", path, kick, expect=400)
    assert alice.user_id in alice.get("/_matrix/client/v3/rooms/{}/joined_members", room_id)["joined"]


@pytest.mark.parametrize("state", [5, "x", {"a": 1}], ids=str)
def test_m_03_invites_with_a_misshapen_state(server, alice, peer, room, room_id, state):
    room.room_id = "!elsewhere:" + peer.name
    event = room.event("m.room.member", {"membership": "invite"}, alice.user_id, learn=False)
    path = f"{FEDERATION}/v2/invite/{quote(room.room_id)}/{quote(room.id_of(event))}"
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
        path = f"{FEDERATION}/v2/invite/{quote(room.room_id)}/{quote(room.id_of(event))}"
        answer = peer.request(server, "PUT", path, {"room_version": room.version, "event": event})
        assert answer.status_code in (400, 403), answer.text
