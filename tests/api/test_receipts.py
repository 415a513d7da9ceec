"""Receipts and read markers (receipts.yaml, read_markers.yaml)."""

from client import CLIENT, joined_room

RECEIPT = f"{CLIENT}/rooms/{{}}/receipt/{{}}/{{}}"
MARKERS = f"{CLIENT}/rooms/{{}}/read_markers"


def receipts_in(answer, room_id):
    """{(event, type, user): data} of a sync answer."""
    found = {}
    for event in joined_room(answer, room_id).get("ephemeral", {}).get("events", []):
        if event["type"] != "m.receipt":
            continue
        assert "room_id" not in event
        for event_id, types in event["content"].items():
            for receipt_type, users in types.items():
                for user_id, data in users.items():
                    found[event_id, receipt_type, user_id] = data
    return found


def has_receipt(room_id, event_id, receipt_type, user_id):
    return lambda answer: receipts_in(answer, room_id).get((event_id, receipt_type, user_id))


def fully_read(room_id):
    def arrived(answer):
        events = joined_room(answer, room_id).get("account_data", {}).get("events", [])
        return [e["content"]["event_id"] for e in events if e["type"] == "m.fully_read"]

    return arrived


def in_thread(alice, room_id, root, text="in the thread"):
    relation = {"rel_type": "m.thread", "event_id": root}
    return alice.send(room_id, "m.room.message", {"msgtype": "m.text", "body": text, "m.relates_to": relation})


def test_others_see_a_receipt(alice, bob, room):
    event_id = alice.send_text(room, "read this")
    alice.sync()
    bob.post(RECEIPT, room, "m.read", event_id)
    data = alice.sync_until(has_receipt(room, event_id, "m.read", bob.user_id))
    assert data["ts"] > 0 and "thread_id" not in data


def test_private_receipts_stay_private(alice, bob, room):
    event_id = alice.send_text(room, "read this")
    alice.sync()
    bob.sync()
    bob.post(RECEIPT, room, "m.read.private", event_id)
    assert bob.sync_until(has_receipt(room, event_id, "m.read.private", bob.user_id))
    bob.post(RECEIPT, room, "m.read", event_id)
    seen = {}

    def arrived(answer):
        seen.update(receipts_in(answer, room))
        return (event_id, "m.read", bob.user_id) in seen

    alice.sync_until(arrived)
    assert all(receipt_type == "m.read" for _, receipt_type, _ in seen)


def test_a_receipt_of_a_thread_must_stand_in_it(alice, bob, room):
    root = alice.send_text(room, "root")
    reply = in_thread(alice, room, root)
    other = alice.send_text(room, "elsewhere")
    bob.post(RECEIPT, room, "m.read", reply, body={"thread_id": root})
    bob.post(RECEIPT, room, "m.read", root, body={"thread_id": root})
    bob.post(RECEIPT, room, "m.read", root, body={"thread_id": "main"})
    bob.post(RECEIPT, room, "m.read", other, body={"thread_id": "main"})
    for event_id, thread in ((other, root), (reply, "main"), (reply, other)):
        error = bob.post(RECEIPT, room, "m.read", event_id, body={"thread_id": thread}, expect=400)
        assert error["errcode"] == "M_INVALID_PARAM"


def test_malformed_receipts_are_refused(alice, room):
    event_id = alice.send_text(room, "x")
    for thread in (7, "", None, {}, "nonsense"):
        alice.post(RECEIPT, room, "m.read", event_id, body={"thread_id": thread}, expect=400)
    alice.post(RECEIPT, room, "m.fully_read", event_id, body={"thread_id": "main"}, expect=400)
    alice.post(RECEIPT, room, "m.unknown", event_id, expect=400)
    alice.post(RECEIPT, room, "m.read", "no-event-id", expect=400)


def test_events_of_other_rooms_are_not_found(alice, room):
    elsewhere = alice.send_text(alice.create_room(), "x")
    alice.post(RECEIPT, room, "m.read", elsewhere, expect=404)
    alice.post(RECEIPT, room, "m.read", "$unknown", expect=404)
    alice.post(MARKERS, room, body={"m.fully_read": elsewhere}, expect=404)


def test_strangers_set_no_receipts(alice, carol, room):
    """V-01"""
    event_id = alice.send_text(room, "x")
    carol.post(RECEIPT, room, "m.read", event_id, expect=403)
    carol.post(MARKERS, room, body={"m.fully_read": event_id}, expect=403)


def test_read_markers_set_all_three(alice, bob, room):
    event_id = alice.send_text(room, "x")
    bob.sync()
    bob.post(MARKERS, room, body={"m.fully_read": event_id, "m.read": event_id, "m.read.private": event_id})
    seen, markers = {}, []

    def arrived(answer):
        seen.update(receipts_in(answer, room))
        markers.extend(fully_read(room)(answer))
        return markers and len(seen) == 2

    bob.sync_until(arrived)
    assert markers == [event_id]


def test_the_fully_read_marker_moves_forward_only(alice, room):
    first, second = alice.send_text(room, "one"), alice.send_text(room, "two")
    path = f"{CLIENT}/user/{{}}/rooms/{{}}/account_data/m.fully_read"
    for event_id in (second, first):
        alice.post(RECEIPT, room, "m.fully_read", event_id)
    assert alice.get(path, alice.user_id, room) == {"event_id": second}


def test_malformed_read_markers_are_refused(alice, room):
    for body in ({"m.fully_read": 7}, {"m.read": "nonsense"}, {"m.read.private": []}):
        alice.post(MARKERS, room, body=body, expect=400)
    alice.post(MARKERS, room, body={})
