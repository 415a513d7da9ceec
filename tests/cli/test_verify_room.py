"""`beffroi verify-room`: rooms of the database and rooms in files, sound and damaged."""

import json

import pytest
from invariants import connect
from test_accounts import DONE, FAILED, tool


@pytest.fixture
def story(alice, bob, carol, room):
    """A room with a redaction, a ban, other power levels and some talk."""
    power = {"users": {bob.user_id: 50}, "invite": 0}
    alice.put("/_matrix/client/v3/rooms/{}/state/m.room.power_levels", room, body=power)
    first = alice.send_text(room, "good morning")
    alice.put("/_matrix/client/v3/rooms/{}/redact/{}/t1", room, first)
    alice.invite(room, carol.user_id)
    carol.join(room)
    body = {"user_id": carol.user_id, "reason": "noise"}
    alice.post("/_matrix/client/v3/rooms/{}/ban", room, body=body)
    bob.send_text(room, "déjà vu 🦉")
    return room


def stored_pdus(server, room_id):
    with connect(server) as connection:
        rows = connection.execute(
            "SELECT convert_from(json, 'UTF8') FROM event_json JOIN events USING (event_nid) JOIN rooms USING (room_nid)"
            " WHERE room_id = %s ORDER BY position",
            [room_id],
        ).fetchall()
    return [json.loads(row[0]) for row in rows]


def test_a_sound_room_of_the_database_has_no_fault(homeserver, story):
    result = tool(homeserver, "verify-room", story)
    assert result.returncode == DONE, result.stdout + result.stderr
    assert "No fault found." in result.stdout
    assert "0 signed with keys that are not known here" in result.stdout
    assert "compared with the server's" in result.stdout
    # The redacted message's hash differs, and the server knows why.
    assert result.stdout.count("(as the server knows)") == 1


def test_damage_in_the_database_is_found(homeserver, alice, story):
    """One event is changed behind the server's back, and the state is made to forget a ban."""
    with connect(homeserver) as connection:
        connection.execute(
            "UPDATE event_json SET json = replace(convert_from(json, 'UTF8'), ' vu ', ' lu ')::bytea"
            " WHERE convert_from(json, 'UTF8') LIKE '%%d_j_ vu%%'"
            "   AND event_nid IN (SELECT event_nid FROM events JOIN rooms USING (room_nid) WHERE room_id = %s)",
            [story],
        )
        connection.execute(
            "UPDATE room_heads SET snapshot_nid = (SELECT snapshot_nid FROM events JOIN state_keys USING (state_key_nid)"
            "  WHERE room_nid = room_heads.room_nid AND type = 'm.room.member' ORDER BY position DESC LIMIT 1)"
            " WHERE room_nid = (SELECT room_nid FROM rooms WHERE room_id = %s)",
            [story],
        )
    result = tool(homeserver, "verify-room", story)
    assert result.returncode == FAILED, result.stdout
    assert "hash " in result.stdout and "the content hash differs" in result.stdout
    assert "but the server has another" in result.stdout
    assert "3 faults found." in result.stdout


@pytest.mark.parametrize("form", ["list", "lines", "state answer"])
def test_a_room_in_a_file_is_read_in_any_order(homeserver, story, tmp_path, form):
    pdus = stored_pdus(homeserver, story)[::-1]
    path = tmp_path / "room.json"
    if form == "list":
        path.write_text(json.dumps(pdus))
    elif form == "lines":
        path.write_text("".join(json.dumps(pdu) + "\n" for pdu in pdus))
    else:
        path.write_text(json.dumps({"auth_chain": pdus[:4], "pdus": pdus[3:]}))
    result = tool(homeserver, "verify-room", str(path))
    # Nobody says that the message was redacted: its hash is the only fault.
    assert result.returncode == FAILED
    assert f"{len(pdus)} events judged, 0 rejected" in result.stdout
    assert "1 faults found." in result.stdout
    assert f"{len(pdus)} signed with keys that are not known here" in result.stdout


def test_a_forged_event_in_a_file_is_rejected(homeserver, story, tmp_path):
    """Signatures are not known here; the auth rules refuse what a banned user says all the same."""
    pdus = stored_pdus(homeserver, story)
    banned = next(pdu for pdu in pdus if pdu["content"].get("membership") == "ban")
    pdus[-1]["sender"] = banned["state_key"]
    path = tmp_path / "room.json"
    path.write_text(json.dumps(pdus))
    result = tool(homeserver, "verify-room", str(path))
    assert result.returncode == FAILED
    assert "1 rejected" in result.stdout


def test_what_is_no_room_is_explained(homeserver, tmp_path):
    nonsense = tmp_path / "nonsense.json"
    nonsense.write_text("{")
    empty = tmp_path / "empty.json"
    empty.write_text("{}")
    for operand, words in (
        ("!nowhere:localhost", "There is no room"),
        (str(tmp_path / "missing.json"), "No such file"),
        (str(nonsense), "JSON"),
        (str(empty), "no list of events"),
    ):
        result = tool(homeserver, "verify-room", operand)
        assert (result.returncode, result.stdout) == (FAILED, "")
        assert words in result.stderr
