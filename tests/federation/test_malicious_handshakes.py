"""Joins, leaves, knocks and invites that want something else (M)."""

import pytest
from peer import FEDERATION, event_id_of, quote

pytestmark = pytest.mark.usefixtures("others_do_not_suffer")


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
