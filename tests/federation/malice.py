"""What the tests of malicious peers share."""

import time

from client import event_ids
from invariants import connect
from residence import Residence


WORK_SECONDS = 1800  # for the largest floods; it is waited no longer than needed


def worked_off(server, room_id):
    """Waits until the server has judged all that it was sent for the room."""
    give_up = time.monotonic() + WORK_SECONDS
    with connect(server) as database:
        while database.execute("SELECT 1 FROM federation_inbox WHERE room_id = %s", [room_id]).fetchone():
            assert time.monotonic() < give_up, "the inbox of the room is not worked off"
            database.rollback()
            time.sleep(0.05)


def refused(alice, room, peer, server, bad, room_id):
    """Sends a bad event, then a good one: only the good one comes out."""
    known = {e["event_id"] for e in alice.all_messages(room_id)}
    good = room.event("m.room.message", {"body": "good"})
    peer.send(server, [bad, good])
    alice.sync_until(lambda answer: room.id_of(good) in event_ids(answer, room_id))
    new = [e["event_id"] for e in alice.all_messages(room_id) if e["event_id"] not in known]
    assert new == [room.id_of(good)], f"{bad}\ncame out beside or instead of {good}: {new}"


def federates_with_a_good_peer(server, alice, room_id, good):
    """It joins, speaks, is heard and hears."""
    alice.sync()
    room = good.join(server, room_id, "honest")
    event = room.event("m.room.message", {"body": "still here"})
    good.send(server, [event])
    alice.sync_until(lambda answer: room.id_of(event) in event_ids(answer, room_id))
    said = alice.send_text(room_id, f"heard in {room_id}")
    good.wait_for_transaction(lambda pdu: pdu.get("content", {}).get("body") == f"heard in {room_id}")
    return said


def room_of_version(server, alice, peer, version):
    """A room with alice and mallory in it, as the peer knows it; of versions in which we make no rooms the peer does."""
    if int(version) > 5:
        room_id = alice.create_room(preset="public_chat", room_version=version)
        return peer.join(server, room_id, "mallory")
    residence = Residence(peer, version=version, mallory="join")
    residence.omits = False
    residence.told.set()
    alice.join(residence.id, query={"via": peer.name})
    residence.room.user_id = peer.user("mallory")
    return residence.room
