"""Signing keys that do not hold (FK)."""

import concurrent.futures
import time

import hostile
import pytest
from client import event_ids
from invariants import connect
from malice import refused
from peer import FEDERATION, Key, Peer, quote, redacted, without

pytestmark = pytest.mark.usefixtures("others_do_not_suffer")

ROOMS = f"{FEDERATION}/v1/publicRooms"


def key_requests(peer):
    return [path for _, path in peer.requests if path.startswith("/_matrix/key/")]


def refuses_document(server, authority, answer_of):
    """Whether a new server whose key document this is gets a 401."""
    liar = Peer(authority)
    try:
        liar.answers["/_matrix/key"] = lambda *_: (200, answer_of(liar))
        assert liar.request(server, "GET", ROOMS).status_code == 401
    finally:
        liar.close()


def test_fk_01_key_documents_that_do_not_hold(server, authority, room_id):
    for change in (
        {"server_name": "other.example"}, {"server_name": None}, {"verify_keys": {}}, {"verify_keys": []},
        {"verify_keys": {"ed25519:test": None}}, {"verify_keys": {"ed25519:test": {"key": 5}}},
        {"verify_keys": {"rsa:test": {"key": "AAAA"}}},
    ):  # fmt: skip
        refuses_document(server, authority, lambda liar, change=change: liar.key_document(**change))
    for signatures in ({}, None, {"other.example": {}}):
        refuses_document(
            server, authority, lambda liar, wrong=signatures: {**liar.key_document(), "signatures": wrong}
        )


def test_fk_01_a_key_in_the_name_of_another_server(server, authority, peer, room_id):
    """A document of a server says nothing of another, also when that one is signed beside it."""
    peer.get(server, ROOMS)
    stolen = Key(peer.key.name)

    def document(liar):
        made = liar.key_document(server_name=peer.name)
        made["verify_keys"] = {peer.key.name: {"key": stolen.public()}}
        del made["signatures"]
        made["signatures"] = {name: {peer.key.name: stolen.signature(made)} for name in (peer.name, liar.name)}
        return made

    refuses_document(server, authority, document)
    header = peer.authorization("GET", ROOMS, server.server_name)
    assert peer.request(server, "GET", ROOMS, header=header).status_code == 200
    signed = {"method": "GET", "uri": ROOMS, "origin": peer.name, "destination": server.server_name}
    header = peer.authorization("GET", ROOMS, server.server_name, sig=stolen.signature(signed))
    assert peer.request(server, "GET", ROOMS, header=header).status_code == 401


def test_fk_03_impossible_times_of_validity(server, authority, room_id):
    for valid_until in (1, -5, 0, 2**63, 2**70, 1e300, 1.5, "soon", None, True, []):
        refuses_document(
            server, authority, lambda liar, ts=valid_until: liar.key_document(valid_until_ts=ts)
        )


def test_fk_05_garbage_instead_of_keys(server, authority, room_id):
    for garbage in hostile.NOT_JSON.values():
        refuses_document(server, authority, lambda _, data=garbage: data)


def test_fk_11_many_requests_of_a_new_server_fetch_its_keys_once(server, peer, room_id):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: peer.get(server, ROOMS), range(24)))
    assert len(answers) == 24
    assert len(key_requests(peer)) == 1


# ── More than one should believe ──


def stored_keys(server, peer):
    with connect(server) as database:
        rows = database.execute(
            "SELECT key_id, valid_until_ts FROM server_keys WHERE server_name = %s", [peer.name]
        )
        return dict(rows.fetchall())


def test_fk_03_keys_are_believed_for_seven_days_at_most(server, peer, room_id):
    peer.answers["/_matrix/key"] = lambda *_: (200, peer.key_document(valid_until_ts=16725225600000))
    before = time.time() * 1000
    peer.get(server, ROOMS)
    week = 7 * 24 * 3600 * 1000
    assert before + week <= stored_keys(server, peer)[peer.key.name] <= time.time() * 1000 + week


def test_fk_05_more_keys_than_anybody_has(server, authority, room_id, full):
    """Nothing of it is stored: neither many small keys, nor much of anything, nor what never ends."""
    for what in ("verify_keys", "old_verify_keys", "padding", "no end"):
        peer = Peer(authority)
        try:
            own = {peer.key.name: {"key": peer.key.public()}}
            old = {f"ed25519:k{number}": {"key": peer.key.public(), "expired_ts": 1} for number in range(1500)}
            changes = {
                "verify_keys": {"verify_keys": {**own, **old}},
                "old_verify_keys": {"old_verify_keys": old},
                "padding": {"padding": "x" * (5000000 if full else 300000)},
            }
            answer = hostile.endless_body if what == "no end" else peer.key_document(**changes[what])
            peer.answers["/_matrix/key"] = lambda *_, answer=answer: (200, answer)
            assert peer.request(server, "GET", ROOMS).status_code == 401, what
            assert stored_keys(server, peer) == {}
        finally:
            peer.close()


def test_fk_07_as_a_notary_we_ask_no_stranger(server, peer, room_id):
    """Names of servers we do not know, thousands or internal ones, lead to no request; test_notaries.py has the others."""
    names = [peer.name, "localhost", "127.0.0.1:5432", "[::1]:80", "169.254.169.254", "10.0.0.1", "x" * 300, "a b"]
    body = {"server_keys": {name: {} for name in [server.server_name, *names]}}
    answer = peer.request(server, "POST", "/_matrix/key/v2/query", body, expect=200).json()
    assert [keys["server_name"] for keys in answer["server_keys"]] == [server.server_name]
    body = {"server_keys": {f"s{number}.example": {} for number in range(10000)}}
    answer = peer.request(server, "POST", "/_matrix/key/v2/query", body)
    assert (answer.status_code, answer.json()["errcode"]) == (413, "M_TOO_LARGE")
    for name in names:
        path = f"/_matrix/key/v2/query/{quote(name, safe='')}"
        assert peer.request(server, "GET", path, expect=200).json() == {"server_keys": []}
    for wrong in (None, [], {"server_keys": []}, {"server_keys": 5}):
        assert peer.request(server, "POST", "/_matrix/key/v2/query", wrong).status_code == 400
    assert peer.requests == []


def stray_bits(text):
    """The same bytes: the last character has bits that belong to none of them."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    assert len(text) % 4 != 0
    return text[:-1] + alphabet[alphabet.index(text[-1]) + 1]


def url_alphabet(text):
    return text.replace("+", "-").replace("/", "_")


SAME = {
    "padded": lambda text: text + "=" * (-len(text) % 4),
    "stray bits": stray_bits,
    "URL alphabet": url_alphabet,
}
OTHERS = {
    "both alphabets": lambda text: url_alphabet(text[:8]) + text[8:],
    "blanks": lambda text: text[:8] + " " + text[8:],
    "line end": lambda text: text + "\n",
    "padding within": lambda text: text[:8] + "=" + text[8:],
    "more padding": lambda text: text + "===",
    "cut": lambda text: text[:-1],
    "empty": lambda text: "",
}


def with_a_plus(make):
    """So that the alphabets differ, at the beginning and behind."""
    while True:
        made = make()
        if set("+/") & set(made[1][:8]) and set("+/") & set(made[1][8:]):
            return made


def signed_request(server, peer, write):
    """The status that a request gets whose signature is written otherwise."""

    def sign():
        query = f"x={time.time_ns()}"
        signed = {"method": "GET", "uri": f"{ROOMS}?{query}", "origin": peer.name, "destination": server.server_name}
        return query, peer.key.signature(signed)

    query, signature = with_a_plus(sign)
    header = peer.authorization("GET", f"{ROOMS}?{query}", server.server_name, sig=write(signature))
    return peer.request(server, "GET", ROOMS, query=query, header=header.replace("\n", "\t")).status_code


def test_fk_09_one_rule_for_the_base64_of_signatures(server, peer, room_id):
    """Padding, stray bits and the alphabet change nothing; everything else makes it none."""
    for form, write in {**SAME, **OTHERS}.items():
        assert (form, signed_request(server, peer, write)) == (form, 200 if form in SAME else 401)


@pytest.mark.parametrize("place", ["key", "signature"])
def test_fk_09_one_rule_for_the_base64_of_keys(server, authority, room_id, place):
    for form, write in {**SAME, **OTHERS}.items():
        peer = Peer(authority)
        try:
            peer.key, public = with_a_plus(lambda: (lambda key: (key, key.public()))(Key()))

            def document(peer=peer, public=public, write=write):
                key = {"key": write(public) if place == "key" else public}
                made = peer.key_document(padding=time.time_ns() % 10**9, verify_keys={peer.key.name: key})
                return made, made["signatures"][peer.name][peer.key.name]

            made, signature = with_a_plus(document)
            if place == "signature":
                made["signatures"][peer.name][peer.key.name] = write(signature)
            peer.answers["/_matrix/key"] = lambda *_, made=made: (200, made)
            status = peer.request(server, "GET", ROOMS).status_code
            assert (form, status) == (form, 200 if form in SAME else 401)
        finally:
            peer.close()


def test_fk_09_the_same_rule_for_events(server, alice, peer, room, room_id):
    """A hash that is written otherwise is a wrong one: what is left is the redacted form. A signature that is
    written otherwise is none."""

    def make(place):
        event = room.event("m.room.message", {"body": str(time.time_ns())}, learn=False)
        return event, event["hashes"]["sha256"] if place == "hash" else event["signatures"][peer.name][peer.key.name]

    def visible(event_id):
        alice.sync_until(lambda answer: event_id in event_ids(answer, room_id))
        return alice.event(room_id, event_id)["content"] != {}

    for form, write in {**SAME, **OTHERS}.items():
        event, text = with_a_plus(lambda: make("hash"))
        event["hashes"] = {"sha256": write(text)}
        plain = without(redacted(event, room.version), "signatures", "unsigned")
        event["signatures"] = {peer.name: {peer.key.name: peer.key.signature(plain)}}
        peer.send(server, [event])
        assert (form, visible(room.id_of(event))) == (form, form in SAME)
        event, text = with_a_plus(lambda: make("signature"))
        event["signatures"][peer.name][peer.key.name] = write(text)
        if form in SAME:
            peer.send(server, [event])
            assert visible(room.id_of(event))
        else:
            refused(alice, room, peer, server, event, room_id)


def test_fk_11_a_thousand_events_of_a_new_key_fetch_it_once(server, alice, peer, room, room_id, full):
    peer.key = Key("ed25519:second")
    asked = len(key_requests(peer))
    last = None
    for _ in range(20 if full else 3):
        events = [room.event("m.room.message", {"body": "new key"}) for _ in range(50)]
        last = room.id_of(events[-1])
        peer.send(server, events)
    alice.sync_until(lambda answer: last in event_ids(answer, room_id))
    assert len(key_requests(peer)) == asked + 1


# ── What strangers can do in the name of others ──


def claim(server, peer, key_id):
    """A request that is not the peer's, though it says so."""
    header = peer.authorization("GET", ROOMS, server.server_name, key=key_id, sig="A" * 86)
    return peer.request(server, "GET", ROOMS, header=header).status_code


def test_fk_strangers_can_not_shut_a_server_out(server, peer, room_id):
    """Whoever invents keys of a server makes us ask it. That must not make us deaf for its real new key."""
    peer.get(server, ROOMS)
    asked = len(key_requests(peer))
    give_up = time.monotonic() + 60
    while len(key_requests(peer)) < asked + 3:
        assert claim(server, peer, "ed25519:invented") == 401
        assert time.monotonic() < give_up
        time.sleep(0.05)
    peer.key = Key("ed25519:real")
    began = time.monotonic()  # two seconds, where it would be eight if each time in vain doubled the pause
    while peer.request(server, "GET", ROOMS).status_code != 200:
        assert time.monotonic() < began + 7
        time.sleep(0.05)


def test_fk_a_server_whose_keys_ended_is_not_asked_at_every_request(server, peer, room_id):
    peer.answers["/_matrix/key"] = lambda *_: (200, peer.key_document(valid_until_ts=1))
    began = time.monotonic()
    for _ in range(20):
        assert claim(server, peer, peer.key.name) == 401
    assert len(key_requests(peer)) <= 2 + (time.monotonic() - began) / 2


def test_fk_servers_that_strangers_invent_leave_no_trace(server, peer, authority, room_id):
    gone = Peer(authority)
    gone.close()
    assert claim(server, gone, "ed25519:x") == 401
    with connect(server) as database:
        for table in ("destinations", "server_keys", "server_key_documents"):
            rows = database.execute(f"SELECT * FROM {table} WHERE server_name = %s", [gone.name]).fetchall()
            assert rows == [], table
