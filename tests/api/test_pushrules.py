"""Push rules (pushrules.yaml) and what they do to unread counts."""

import pytest
from client import CLIENT, joined_room

RULES = f"{CLIENT}/pushrules/"
RULE = f"{CLIENT}/pushrules/global/{{}}/{{}}"


def changed_rules(answer):
    """The contents of m.push_rules in a sync answer."""
    events = answer.get("account_data", {}).get("events", [])
    return [event["content"]["global"] for event in events if event["type"] == "m.push_rules"]


def ids(rules):
    return [rule["rule_id"] for rule in rules]


def own_ids(client, kind):
    return [rule["rule_id"] for rule in client.get(RULES)["global"][kind] if not rule["default"]]


def counts(room_id):
    """For sync_until: (notifications, highlights) when the answer tells them."""

    def arrived(answer):
        unread = joined_room(answer, room_id).get("unread_notifications")
        return unread and (unread["notification_count"], unread["highlight_count"])

    return arrived


def counts_are(room_id, *wanted):
    return lambda answer: counts(room_id)(answer) == wanted


def mention(sender, room_id, *user_ids, room=False):
    mentions = {"user_ids": list(user_ids), **({"room": True} if room else {})}
    content = {"msgtype": "m.text", "body": "hey", "m.mentions": mentions}
    return sender.send(room_id, "m.room.message", content)


def test_a_new_user_has_the_predefined_rules(alice):
    rules = alice.get(RULES)["global"]
    assert ids(rules["override"])[:4] == [
        ".m.rule.master",
        ".m.rule.suppress_notices",
        ".m.rule.invite_for_me",
        ".m.rule.member_event",
    ]
    assert not rules["override"][0]["enabled"]
    assert ".m.rule.message" in ids(rules["underride"])
    assert rules["content"] == rules["room"] == rules["sender"] == []
    assert alice.get(RULES + "global/") == rules
    mention_rule = alice.get(RULE, "override", ".m.rule.is_user_mention")
    assert mention_rule["conditions"][0]["value"] == alice.user_id
    assert alice.get(f"{CLIENT}/user/{{}}/account_data/m.push_rules", alice.user_id) == {"global": rules}


def test_rules_are_added_ordered_changed_and_removed(alice):
    for rule_id in ("a", "b"):
        alice.put(RULE, "content", rule_id, body={"pattern": rule_id, "actions": ["notify"]})
    assert own_ids(alice, "content") == ["b", "a"]
    alice.put(RULE, "content", "c", body={"pattern": "c", "actions": []}, query={"after": "b"})
    alice.put(RULE, "content", "d", body={"pattern": "d", "actions": []}, query={"before": "b"})
    assert own_ids(alice, "content") == ["d", "b", "c", "a"]
    alice.put(RULE + "/enabled", "content", "b", body={"enabled": False})
    alice.put(RULE + "/actions", "content", "b", body={"actions": ["dont_notify"]})
    assert alice.get(RULE, "content", "b") == {
        "rule_id": "b",
        "pattern": "b",
        "actions": ["dont_notify"],
        "enabled": False,
        "default": False,
    }
    assert alice.get(RULE + "/enabled", "content", "b") == {"enabled": False}
    assert alice.get(RULE + "/actions", "content", "b") == {"actions": ["dont_notify"]}
    alice.delete(RULE, "content", "b")
    alice.get(RULE, "content", "b", expect=404)
    alice.delete(RULE, "content", "b", expect=404)


def test_predefined_rules_are_changed_but_not_removed(alice):
    alice.put(RULE + "/enabled", "override", ".m.rule.master", body={"enabled": True})
    alice.put(RULE + "/actions", "underride", ".m.rule.message", body={"actions": []})
    assert alice.get(RULE + "/enabled", "override", ".m.rule.master") == {"enabled": True}
    assert alice.get(RULE + "/actions", "underride", ".m.rule.message") == {"actions": []}
    alice.delete(RULE, "override", ".m.rule.master", expect=400)
    alice.put(RULE, "override", ".m.rule.master", body={"actions": []}, expect=400)


@pytest.mark.parametrize(
    "kind, rule_id, body, query",
    [
        ("room", ".starts_with_a_dot", {"actions": []}, None),
        ("room", "sla/sh", {"actions": []}, None),
        ("room", "back\\slash", {"actions": []}, None),
        ("room", "x" * 10000, {"actions": []}, None),
        ("room", "a", {}, None),
        ("room", "a", {"actions": "notify"}, None),
        ("content", "a", {"actions": []}, None),
        ("override", "a", {"actions": [], "conditions": "none"}, None),
        ("postcontent", "a", {"actions": []}, None),
        ("room", "a", {"actions": []}, {"before": "nobody"}),
        ("override", "a", {"actions": []}, {"after": ".m.rule.master"}),
    ],
)
def test_bad_rules_are_refused(alice, kind, rule_id, body, query):
    """P-03"""
    alice.put(RULE, kind, rule_id, body=body, query=query, expect=400)
    assert own_ids(alice, "room") == own_ids(alice, "override") == []


def test_every_change_arrives_by_sync(alice):
    assert len(changed_rules(alice.sync())) == 1
    alice.put(RULE, "room", "!foo:example.com", body={"actions": ["notify"]})
    assert ids(alice.sync_until(changed_rules)[0]["room"]) == ["!foo:example.com"]
    alice.put(RULE + "/enabled", "room", "!foo:example.com", body={"enabled": False})
    assert not alice.sync_until(changed_rules)[0]["room"][0]["enabled"]
    alice.put(RULE + "/actions", "room", "!foo:example.com", body={"actions": []})
    assert alice.sync_until(changed_rules)[0]["room"][0]["actions"] == []
    alice.delete(RULE, "room", "!foo:example.com")
    assert alice.sync_until(changed_rules)[0]["room"] == []


def test_messages_count_until_they_are_read(alice, bob, room):
    bob.sync()
    alice.send_text(room, "one")
    event_id = alice.send_text(room, "two")
    bob.sync_until(counts_are(room, 2, 0))
    bob.post(f"{CLIENT}/rooms/{{}}/receipt/m.read/{{}}", room, event_id)
    bob.sync_until(counts_are(room, 0, 0))
    alice.send_text(room, "three")
    bob.sync_until(counts_are(room, 1, 0))
    bob.send_text(room, "my answer reads the room")
    bob.sync_until(counts_are(room, 0, 0))


def test_private_receipts_read_too(alice, bob, room):
    event_id = alice.send_text(room, "one")
    bob.sync_until(counts_are(room, 1, 0))
    bob.post(f"{CLIENT}/rooms/{{}}/receipt/m.read.private/{{}}", room, event_id)
    bob.sync_until(counts_are(room, 0, 0))


def test_mentions_highlight(alice, bob, carol, room):
    alice.post(f"{CLIENT}/rooms/{{}}/invite", room, body={"user_id": carol.user_id})
    carol.join(room)
    mention(alice, room, bob.user_id)
    bob.sync_until(counts_are(room, 1, 1))
    carol.sync_until(counts_are(room, 1, 0))
    mention(alice, room, room=True)
    carol.sync_until(counts_are(room, 2, 1))
    mention(carol, room, room=True)  # has no power to
    bob.sync_until(counts_are(room, 3, 2))


def test_muted_rooms_and_senders_do_not_count(alice, bob, room):
    bob.put(RULE, "room", room, body={"actions": []})
    alice.send_text(room, "muted")
    bob.sync_until(counts_are(room, 0, 0))
    bob.delete(RULE, "room", room)
    alice.send_text(room, "heard")
    bob.sync_until(counts_are(room, 1, 0))
    bob.put(RULE, "sender", alice.user_id, body={"actions": []})
    alice.send_text(room, "muted")
    mention(alice, room, bob.user_id)  # override rules come before those about senders
    bob.sync_until(counts_are(room, 2, 1))


def test_a_message_that_was_redacted_counts_no_more(alice, bob, room):
    event_id = mention(alice, room, bob.user_id)
    bob.sync_until(counts_are(room, 1, 1))
    alice.redact(room, event_id)
    bob.sync_until(counts_are(room, 0, 0))
    alice.send_text(room, "another")
    bob.sync_until(counts_are(room, 1, 0))


def test_keywords_highlight(alice, bob, room):
    actions = ["notify", {"set_tweak": "highlight"}]
    bob.put(RULE, "content", "cake", body={"pattern": "CAKE", "actions": actions})
    alice.send_text(room, "pancakes")
    alice.send_text(room, "there is cake!")
    bob.sync_until(counts_are(room, 2, 1))


def test_ignored_users_do_not_count(alice, bob, room):
    data = f"{CLIENT}/user/{{}}/account_data/m.ignored_user_list"
    bob.put(data, bob.user_id, body={"ignored_users": {alice.user_id: {}}})
    mention(alice, room, bob.user_id)
    bob.put(data, bob.user_id, body={"ignored_users": {}})
    alice.send_text(room, "again")
    bob.sync_until(counts_are(room, 1, 0))


def test_notices_edits_and_reactions_do_not_count(alice, bob, room):
    event_id = alice.send_text(room, "one")
    alice.send(room, "m.room.message", {"msgtype": "m.notice", "body": "beep"})
    edit = {
        "msgtype": "m.text",
        "body": "* two",
        "m.new_content": {"msgtype": "m.text", "body": "two"},
        "m.relates_to": {"rel_type": "m.replace", "event_id": event_id},
    }
    alice.send(room, "m.room.message", edit)
    annotation = {"rel_type": "m.annotation", "event_id": event_id, "key": "+"}
    alice.send(room, "m.reaction", {"m.relates_to": annotation})
    bob.sync_until(counts_are(room, 1, 0))


def test_threads_count_apart_when_asked_for(alice, bob, room):
    root = alice.send_text(room, "root")
    relation = {"rel_type": "m.thread", "event_id": root}
    reply = {"msgtype": "m.text", "body": "reply", "m.relates_to": relation}
    first = alice.send(room, "m.room.message", reply)
    alice.send(room, "m.room.message", reply)
    bob.sync_until(counts_are(room, 3, 0))

    by_thread = {"room": {"timeline": {"unread_thread_notifications": True}}}
    bob.since = None
    part = joined_room(bob.sync(filter=by_thread), room)
    assert part["unread_notifications"]["notification_count"] == 1
    assert part["unread_thread_notifications"][root]["notification_count"] == 2

    bob.post(f"{CLIENT}/rooms/{{}}/receipt/m.read/{{}}", room, first, body={"thread_id": root})
    bob.since = None
    part = joined_room(bob.sync(filter=by_thread), room)
    assert part["unread_notifications"]["notification_count"] == 1
    assert part["unread_thread_notifications"][root]["notification_count"] == 1


def test_notifications_are_listed(alice, bob, room):
    path = f"{CLIENT}/notifications"
    first = alice.send_text(room, "one")
    second = mention(alice, room, bob.user_id)
    listed = bob.get(path)["notifications"]
    assert [entry["event"]["event_id"] for entry in listed[:2]] == [second, first]
    assert listed[0]["room_id"] == room and not listed[0]["read"] and listed[0]["ts"] > 0
    assert "notify" in listed[1]["actions"] and {"set_tweak": "highlight"} in listed[0]["actions"]

    page = bob.get(path, query={"limit": 1})
    assert [entry["event"]["event_id"] for entry in page["notifications"]] == [second]
    page = bob.get(path, query={"limit": 1, "from": page["next_token"]})
    assert [entry["event"]["event_id"] for entry in page["notifications"]] == [first]
    only = bob.get(path, query={"only": "highlight"})["notifications"]
    assert [entry["event"]["event_id"] for entry in only] == [second]

    bob.post(f"{CLIENT}/rooms/{{}}/receipt/m.read/{{}}", room, first)
    assert [entry["read"] for entry in bob.get(path)["notifications"][:2]] == [False, True]
    bob.get(path, query={"from": "nonsense"}, expect=400)
