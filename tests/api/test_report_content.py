"""Reports to the administrators (report_content.yaml)."""

from client import CLIENT

EVENT = f"{CLIENT}/rooms/{{}}/report/{{}}"
ROOM = f"{CLIENT}/rooms/{{}}/report"
USER = f"{CLIENT}/users/{{}}/report"


def test_members_report_events(alice, bob, carol, room):
    event_id = alice.send_text(room, "something bad")
    bob.post(EVENT, room, event_id, body={"reason": "bad"})
    bob.post(EVENT, room, event_id)
    assert bob.post(EVENT, room, "$unknown", expect=404)["errcode"] == "M_NOT_FOUND"
    assert carol.post(EVENT, room, event_id, expect=404)["errcode"] == "M_NOT_FOUND"


def test_anybody_reports_rooms_and_users(alice, carol, room):
    carol.post(ROOM, room, body={"reason": ""})
    carol.post(USER, alice.user_id, body={"reason": "bad"})
    for path, name in ((ROOM, "!unknown:localhost"), (USER, "@unknown:elsewhere.example")):
        assert carol.post(path, name, body={"reason": "x"}, expect=404)["errcode"] == "M_NOT_FOUND"
    for path, name in ((ROOM, room), (USER, alice.user_id)):
        assert carol.post(path, name, expect=400)["errcode"] == "M_MISSING_PARAM"
        carol.post(path, name, body={"reason": "x" * 2000}, expect=413)
