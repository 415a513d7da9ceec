"""Events whose predecessors are missing: what is asked, what is taken, what is left out."""

import json
import time

import pytest
from client import event_ids
from invariants import connect
from peer import FEDERATION, canonical, quote, without

PATIENCE_SECONDS = 240  # for hundreds of events


@pytest.fixture
def room(server, alice, peer):
    room_id = alice.create_room(
        preset="public_chat", room_version="10", power_level_content_override={"state_default": 0}
    )
    alice.sync()
    return peer.join(server, room_id, "trent")


def sees(client, room, event):
    client.sync_until(lambda answer: room.id_of(event) in event_ids(answer, room.room_id))


def is_stored(client, room, event):
    """Waits for it without following all that comes before it."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    path = f"/_matrix/client/v3/rooms/{room.room_id}/event/{room.id_of(event)}"
    while client.raw("GET", path).status_code != 200:
        assert time.monotonic() < give_up, "the last of many events does not come"
        time.sleep(0.1)


def asked(peer, endpoint):
    return [path for _, path in peer.requests if f"/{endpoint}/" in path]


def speak(room, text, **changes):
    return room.event("m.room.message", {"msgtype": "m.text", "body": text}, **changes)


def rename(room, name, **changes):
    return room.event("m.room.member", {"membership": "join", "displayname": name}, room.user_id, **changes)


def test_a_hole_that_the_sender_can_not_fill_keeps_the_event_out(server, alice, peer, room):
    """What it tells does not lead to what we know: then it does not get to tell us the state of the room as well."""
    last, broken = room.extremities[0], speak(room, "broken")
    broken["signatures"] = {peer.name: {peer.key.name: "A" * 86}}
    after = speak(room, "after")
    peer.send(server, [after])
    good = speak(room, "good", prev_events=[last])
    peer.send(server, [good])
    sees(alice, room, good)
    assert len(asked(peer, "get_missing_events")) == 1 and not asked(peer, "state_ids")
    assert room.id_of(after) not in {e["event_id"] for e in alice.all_messages(room.room_id)}


def test_auth_events_between_are_found_before_anybody_asks_for_them(server, alice, peer, room):
    names = [rename(room, f"Trent {number}") for number in range(5)]
    last = speak(room, "last")
    peer.send(server, [last])
    sees(alice, room, last)
    assert not asked(peer, "event_auth") and not asked(peer, "state_ids")
    timeline = [e["event_id"] for e in alice.all_messages(room.room_id, "f")]
    assert timeline[-6:] == [room.id_of(e) for e in [*names, last]]


def test_a_hole_that_is_too_large_is_bridged_by_the_state_after_what_is_missing(server, alice, peer, room):
    now = int(time.time() * 1000)  # the resolution of two states goes by the time of events
    names = [rename(room, f"Trent {number}", origin_server_ts=now + number) for number in range(60)]
    last = speak(room, "last")
    peer.answers[f"{FEDERATION}/v1/get_missing_events/"] = lambda method, path, query, body: (
        200, {"events": peer.between({**body, "limit": 10})}
    )  # fmt: skip
    peer.send(server, [last])
    sees(alice, room, last)
    assert alice.state(room.room_id, "m.room.member", room.user_id)["displayname"] == "Trent 59"
    missing = room.id_of(names[49])
    assert any(quote(missing, safe="") in path or missing in path for path in asked(peer, "state_ids"))
    # And what was passed over comes when somebody reads on.
    seen = {e["event_id"] for e in alice.all_messages(room.room_id, "b")}
    assert {room.id_of(e) for e in names} <= seen


def test_a_told_state_may_leave_out_what_we_have(server, alice, peer, room):
    """/state is asked for when much is missing; its auth chains need not repeat what we know."""
    now, known = int(time.time() * 1000), set(peer.events)
    for number in range(230):
        rename(room, f"Trent {number}", origin_server_ts=now + number)
    last = speak(room, "last")

    def told(method, path, query, body):
        event = peer.events[query["event_id"][0]]
        ids = peer.state_of(event)
        chain = [i for i in peer.chain(ids) if i not in known]
        return 200, {"pdus": [peer.events[i] for i in ids], "auth_chain": [peer.events[i] for i in chain]}

    peer.answers[f"{FEDERATION}/v1/event_auth/"] = lambda *_: (404, {"errcode": "M_NOT_FOUND"})
    peer.answers[f"{FEDERATION}/v1/state/"] = told
    peer.send(server, [last])
    is_stored(alice, room, last)
    assert asked(peer, "state")
    assert alice.state(room.room_id, "m.room.member", room.user_id)["displayname"] == "Trent 229"


def test_long_state_keys_of_old_rooms_are_counted_in_characters(server, alice, peer, room):
    long = room.event("org.example.state", {}, "\N{COLLISION SYMBOL}" * 70)
    after = speak(room, "after")
    peer.send(server, [long, after])
    sees(alice, room, after)
    assert room.id_of(long) in {e["event_id"] for e in alice.all_messages(room.room_id)}


def test_history_that_a_server_may_not_read_comes_without_its_content(server, alice, peer):
    room_id = alice.create_room(
        preset="public_chat",
        initial_state=[{"type": "m.room.history_visibility", "content": {"history_visibility": "joined"}}],
    )
    secret = alice.send_text(room_id, "before you came")
    room = peer.join(server, room_id, "trent")
    query = f"limit=5&v={quote(room.extremities[0])}"
    told = peer.get(server, f"{FEDERATION}/v1/backfill/{quote(room_id, safe='')}", query)["pdus"]
    hidden = next(event for event in told if room.id_of(event) == secret)
    assert hidden["type"] == "m.room.message" and hidden["content"] == {}
    peer.request(server, "GET", f"{FEDERATION}/v1/event/{quote(secret)}", expect=404)


def test_the_key_document_is_in_the_form_that_is_signed(server, peer):
    text = peer.request(server, "GET", "/_matrix/key/v2/server", expect=200).content
    document = json.loads(text)
    assert text == canonical(document) and without(document, "signatures")["verify_keys"]


@pytest.fixture
def refused_by_the_database(server):
    """Makes the database refuse an event, whatever is tried."""
    with connect(server) as database:
        database.autocommit = True
        database.execute("CREATE TABLE refused (event_id text)")
        database.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " IF EXISTS (SELECT FROM refused WHERE event_id = NEW.event_id) THEN RAISE EXCEPTION 'no'; END IF;"
            " RETURN NEW; END $$"
        )
        database.execute("CREATE TRIGGER refuse BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION refuse()")
        yield lambda event_id: database.execute("INSERT INTO refused VALUES (%s)", [event_id])
        database.execute("DROP TRIGGER refuse ON events")
        database.execute("DROP FUNCTION refuse")
        database.execute("DROP TABLE refused")


def test_an_event_that_can_not_be_stored_does_not_block_its_room(
    server, alice, peer, room, refused_by_the_database
):
    """It is tried three times, the others that came with it are not held up for longer."""
    last = room.extremities[0]
    before, poison, after = (speak(room, text, prev_events=[last]) for text in ("before", "poison", "after"))
    refused_by_the_database(room.id_of(poison))
    peer.send(server, [before, poison, after])
    sees(alice, room, after)
    known = {e["event_id"] for e in alice.all_messages(room.room_id)}
    assert room.id_of(before) in known and room.id_of(poison) not in known
