"""A peer that lies, floods and breaks the rules: nothing of it gets in, and others do not suffer. Here: transport (F).

The names are those of the design (security.md), as in the other files of this name. After each case a good peer still
federates.
"""

import concurrent.futures
import json
import socket
import time

import httpx
import pytest
from client import event_ids, joined_room
from peer import FEDERATION, Key, Peer, canonical, event_id_of, quote, unpadded

pytestmark = pytest.mark.usefixtures("others_do_not_suffer")


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


def test_f_07_headers_that_are_none(server, peer, room_id):
    path = f"{FEDERATION}/v1/publicRooms"
    good = peer.authorization("GET", path, server.server_name)
    for header in (
        good + f',origin="{peer.name}"', good + ",sig=AAAA", good.replace("X-Matrix ", "X-Matrix,"), "X-Matrix", "X-Matrix ,",
        good + ",x=" + "y" * 20000, good.replace('",', '" '), good.replace("X-Matrix", "Y-Matrix"), good[:-1],
    ):  # fmt: skip
        assert peer.request(server, "GET", path, header=header).status_code in (400, 401, 431), header
    fields = ", ".join(reversed(good.removeprefix("X-Matrix ").split(",")))
    for header in (f"x-matrix  {fields}", good.replace("=", " = \t"), good + ",unknown=1"):
        assert (header, peer.request(server, "GET", path, header=header).status_code) == (header, 200)


def test_f_07_two_headers_are_of_one_server(server, peer, good_peer, room_id):
    path = f"{FEDERATION}/v1/publicRooms"
    first, second = (p.authorization("GET", path, server.server_name) for p in (peer, good_peer))
    wrong = peer.authorization("GET", path, server.server_name, sig="A" * 86)

    def status(*headers):
        return httpx.get(server.base_url + path, headers=[("Authorization", h) for h in headers]).status_code

    assert status(first, second) == 401
    assert status(wrong, first) == 200
    assert status(wrong, wrong) == 401


def test_f_09_a_transaction_counts_once(server, alice, peer, good_peer, room, room_id):
    """Also when it comes in several times at once, and with other content; the ID is the server's own."""
    alice.sync()
    event = room.event("m.room.message", {"body": "once"})
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: peer.send(server, [event], txn_id="same"), range(6)))
    assert answers == [{"pdus": {room.id_of(event): {}}}] * 6
    other = room.event("m.room.message", {"body": "never taken"}, learn=False)
    assert peer.send(server, [other], txn_id="same") == answers[0]
    assert good_peer.send(server, [], txn_id="same") == {"pdus": {}}
    alice.sync_until(lambda answer: room.id_of(event) in event_ids(answer, room_id))
    assert [e["event_id"] for e in alice.all_messages(room_id)].count(room.id_of(event)) == 1


def test_f_11_origins_that_are_no_server_names(server, peer, room_id):
    path = f"{FEDERATION}/v1/publicRooms"
    port = peer.port
    for origin in (
        f"LOCALHOST:{port}", f"localhost.:{port}", f"127.0.0.1.:{port}", f"[::ffff:127.0.0.1]:{port}", f"127.1:{port}",
        "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:99999999999", "127.0.0.1:", "a" * 256, "a." * 200, "", ".", "..", "-",
        "a b", "a/b", "a@b", "a%00b", "[::1", "[::1]x", "999.1.1.1:1", "127.0.0.1:+1", "\u00e9.example".encode().decode("latin-1"),
    ):  # fmt: skip
        header = peer.authorization("GET", path, server.server_name, origin=origin)
        answer = httpx.get(server.base_url + path, headers={"Authorization": header.encode("latin-1")}, timeout=60)
        assert (origin, answer.status_code) in ((origin, 400), (origin, 401))


def test_f_13_bodies_that_are_too_large(server, peer, room_id):
    """Refused by their head, before any of it is read."""
    path = f"{FEDERATION}/v1/send/large"
    header = peer.authorization("PUT", path, server.server_name, {})
    head = f"PUT {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {header}\r\nContent-Length: 17000000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(head.encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_f_17_walks_that_would_not_end(server, alice, peer, room, room_id):
    """As many as one may have, whatever is asked; nothing but lists of IDs and numbers is understood."""
    events = [room.event("m.room.message", {"body": str(number)}) for number in range(60)]
    peer.send(server, events[:30])
    peer.send(server, events[30:])
    last = room.id_of(events[-1])
    alice.sync_until(lambda answer: last in event_ids(answer, room_id))
    path = f"{FEDERATION}/v1/get_missing_events/{quote(room_id, safe='')}"

    def ask(**changes):
        body = {"earliest_events": [], "latest_events": [last], "limit": 10, "min_depth": 0, **changes}
        return peer.request(server, "POST", path, body)

    for limit, expected in ((10**9, 50), (2**53 - 1, 50), (0, 1), (-(10**9), 1)):
        assert len(ask(limit=limit).json()["events"]) == expected
    for depth in (-(2**63), 2**63 - 1, -(2**53)):
        answer = ask(min_depth=depth, limit=5)
        assert answer.status_code == 200 and len(answer.json()["events"]) == (0 if depth > 0 else 5)
    for name in ("earliest_events", "latest_events"):
        assert ask(**{name: ["$" + "A" * 43] * 10000}).status_code == 413
        for wrong in (5, "x", {}, [5], [None], [[]]):
            assert (wrong, ask(**{name: wrong}).status_code) == (wrong, 400)
    assert ask(latest_events=["", "x", "$", last + "x", "\\0"]).json() == {"events": []}
    for wrong in ("x", 1.5, [], 2**70):
        assert (wrong, ask(limit=wrong).status_code) == (wrong, 400)
    here = quote(room_id, safe="")
    for query in ("limit=1000000000", f"limit=1000000000&v={quote(last)}", "v=x", f"limit=-5&v={quote(last)}", f"v={quote(last)}"):
        answer = peer.request(server, "GET", f"{FEDERATION}/v1/backfill/{here}", query=query)
        assert answer.status_code in (200, 400) and len(answer.json().get("pdus", [])) <= 100
    many = "&".join(f"v={quote('$' + str(n).zfill(43))}" for n in range(100))
    assert peer.request(server, "GET", f"{FEDERATION}/v1/backfill/{here}", query=many).status_code in (200, 400, 414, 431)


def test_f_19_what_was_said_before_a_server_came_is_not_for_it(server, alice, peer, room_id):
    alice.set_state(room_id, "m.room.history_visibility", {"history_visibility": "joined"})
    secret = alice.send_text(room_id, "before")
    room = peer.join(server, room_id, "mallory")
    alice.send_text(room_id, "after")
    here = quote(room_id, safe="")
    assert peer.request(server, "GET", f"{FEDERATION}/v1/event/{quote(secret)}").status_code in (403, 404)
    for what in ("state", "state_ids"):
        answer = peer.request(server, "GET", f"{FEDERATION}/v1/{what}/{here}", query=f"event_id={quote(secret)}")
        assert answer.status_code in (403, 404)
    pages = peer.get(server, f"{FEDERATION}/v1/backfill/{here}", f"limit=100&v={quote(room.extremities[0])}")
    body = {"earliest_events": [], "latest_events": room.extremities, "limit": 50}
    missing = peer.request(server, "POST", f"{FEDERATION}/v1/get_missing_events/{here}", body, expect=200).json()
    for events in (pages["pdus"], missing["events"]):
        told = {event_id_of(event, "11"): event["content"] for event in events}
        assert told[secret] == {} and "before" not in json.dumps(events)
    answer = peer.request(server, "GET", f"{FEDERATION}/v1/timestamp_to_event/{here}", query="ts=1&dir=f")
    assert answer.status_code in (403, 404) or answer.json()["event_id"] != secret


def test_f_21_we_tell_of_our_own_users_and_names_only(server, alice, peer, good_peer, room_id):
    stranger = quote(good_peer.user("x"), safe="")
    for path, query in (
        ("/v1/query/profile", f"user_id={stranger}"), ("/v1/query/profile", "user_id=%40nobody%3Aelsewhere.example"),
        ("/v1/query/directory", f"room_alias=%23x%3A{quote(good_peer.name)}"), (f"/v1/user/devices/{stranger}", ""),
        (f"/v1/user/devices/{quote('@nobody:' + server.server_name, safe='')}", ""), ("/v1/query/unknown", "a=b"),
    ):  # fmt: skip
        answer = peer.request(server, "GET", FEDERATION + path, query=query)
        assert (path, answer.status_code) == (path, 404)
    users = {good_peer.user("x"): [], "nonsense": [], alice.user_id: []}
    answer = peer.request(server, "POST", f"{FEDERATION}/v1/user/keys/query", {"device_keys": users}, expect=200).json()
    assert set(answer["device_keys"]) <= {alice.user_id}
    wanted = {user: {"DEVICE": "signed_curve25519"} for user in users}
    answer = peer.request(server, "POST", f"{FEDERATION}/v1/user/keys/claim", {"one_time_keys": wanted}, expect=200).json()
    assert set(answer["one_time_keys"]) <= {alice.user_id}
    assert good_peer.requests == []


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


@pytest.mark.parametrize("body", [{}, {"pdus": {}}, {"pdus": [], "edus": 1}, {"pdus": [{}] * 51}], ids=str)
def test_transactions_of_the_wrong_shape(server, peer, room_id, body):
    answer = peer.request(server, "PUT", f"{FEDERATION}/v1/send/{time.time_ns()}", body)
    assert (answer.status_code, answer.json()["errcode"]) == (400, "M_BAD_JSON")


def test_helpers_agree_with_themselves():
    """The rig's own signatures verify: a rig that signs wrongly would pass every refusal."""
    key = Key()
    signature = key.signature({"b": 1, "a": "é"})
    assert unpadded(key.signing.sign(canonical({"a": "é", "b": 1})).signature) == signature
    assert joined_room({}, "!x") == {}
