"""Rooms whose events a policy server has to sign (m.room.policy): ours before they are sent, those of others when they
come. The policy server is a peer with real keys."""

import concurrent.futures
import threading

import pytest
from client import CLIENT, Client, event_ids
from conftest import federating_server
from homeserver import running
from invariants import connect
from peer import FEDERATION, Key, quote, redacted, without

SIGN = "/_matrix/policy/v1/sign"


class Policy:
    """What the peer answers as a policy server: signs everything, or what a test puts into `answer`."""

    def __init__(self, peer, version="11"):
        self.peer, self.version = peer, version
        self.key = Key("ed25519:policy_server")
        self.asked = []
        self.answer = self.sign
        peer.answers[SIGN] = self.handle

    def handle(self, method, path, query, body):
        self.asked.append(body)
        return self.answer(body)

    def signature(self, event):
        return self.key.signature(without(redacted(event, self.version), "signatures", "unsigned"))

    def sign(self, event):
        return 200, {self.peer.name: {"ed25519:policy_server": self.signature(event)}}

    def refuse(self, event):
        return 400, {"errcode": "M_FORBIDDEN", "error": "This is spam."}

    def content(self, **changes):
        return {"via": self.peer.name, "public_keys": {"ed25519": self.key.public()}, **changes}

    def has_signed(self, event):
        signature = event.get("signatures", {}).get(self.peer.name, {}).get("ed25519:policy_server")
        return signature == self.signature(event)


@pytest.fixture
def policy(peer):
    return Policy(peer)


@pytest.fixture
def room(server, alice, peer, policy):
    """A room that the policy server is in, and has signed nothing of yet."""
    room_id = alice.create_room(preset="public_chat", room_version="11")
    room = peer.join(server, room_id, "guard")
    alice.set_state(room_id, "m.room.policy", policy.content())
    assert policy.asked == []  # of this event it is not asked
    return room


def messages(client, room_id):
    return [e["content"].get("body") for e in client.all_messages(room_id) if e["type"] == "m.room.message"]


def test_our_events_are_signed_before_they_are_sent(alice, peer, policy, room):
    event_id = alice.send_text(room.room_id, "hello")
    (asked,) = policy.asked
    assert room.id_of(asked) == event_id and asked["content"]["body"] == "hello"
    sent = peer.wait_for_transaction(lambda pdu: pdu["content"].get("body") == "hello")
    assert policy.has_signed(sent)
    assert peer.name in sent["signatures"] and len(sent["signatures"]) == 2
    alice.set_state(room.room_id, "m.room.topic", {"topic": "of state too"})
    assert [event["type"] for event in policy.asked] == ["m.room.message", "m.room.topic"]


def refused(alice, room, expect):
    known = messages(alice, room.room_id)
    body = {"msgtype": "m.text", "body": "never seen"}
    path = f"{CLIENT}/rooms/{{}}/send/m.room.message/{{}}"
    answer = alice.put(path, room.room_id, "refused", body=body, expect=expect)
    assert messages(alice, room.room_id) == known
    return answer


def test_what_the_policy_server_refuses_is_not_sent(alice, peer, policy, room):
    policy.answer = policy.refuse
    answer = refused(alice, room, 400)
    assert (answer["errcode"], answer["error"]) == ("M_FORBIDDEN", "This is spam.")
    policy.answer = policy.sign
    event_id = alice.send_text(room.room_id, "better", txn_id="refused")
    alice.sync_until(lambda answer: event_id in event_ids(answer, room.room_id))
    assert messages(alice, room.room_id) == ["better"]


WRONG = {
    "nothing": (lambda policy: lambda event: (200, {}), 403),
    "another server": (lambda policy: lambda event: (200, {"x.example": policy.sign(event)[1][policy.peer.name]}), 403),
    "no signature": (lambda policy: lambda event: (200, {policy.peer.name: {}}), 403),
    "not of this event": (
        lambda policy: lambda event: policy.sign({**event, "origin_server_ts": event["origin_server_ts"] + 1}),
        403,
    ),
    "no JSON": (lambda policy: lambda event: (200, b"<html>"), 502),
}


@pytest.mark.parametrize("what", WRONG)
def test_an_answer_that_is_no_signature_is_a_refusal(alice, policy, room, what):
    answer, expect = WRONG[what]
    policy.answer = answer(policy)
    refused(alice, room, expect)


def test_with_another_key_nothing_is_sent_until_the_room_takes_it_over(alice, policy, room):
    policy.key = Key("ed25519:policy_server")
    refused(alice, room, 403)
    alice.set_state(room.room_id, "m.room.policy", policy.content())
    alice.send_text(room.room_id, "signed with the new one")


def test_a_room_leaves_its_policy_server_without_asking_it(alice, policy, room):
    policy.answer = policy.refuse
    alice.set_state(room.room_id, "m.room.policy", {})
    alice.send_text(room.room_id, "free")
    assert policy.asked == []


def test_a_policy_server_that_is_not_in_the_room_is_not_asked(server, alice, peer, policy, room):
    leave = room.event("m.room.member", {"membership": "leave"}, state_key=room.user_id)
    leave["signatures"][peer.name]["ed25519:policy_server"] = policy.signature(leave)
    peer.send(server, [leave])
    alice.sync_until(lambda answer: room.id_of(leave) in event_ids(answer, room.room_id))
    policy.answer = policy.refuse
    alice.send_text(room.room_id, "alone")
    assert policy.asked == []


@pytest.mark.parametrize("content", [{"via": 7}, {"public_keys": {}}, {"public_keys": None}, {"via": "not a name!"}])
def test_a_policy_that_is_none_asks_nobody(alice, policy, room, content):
    alice.set_state(room.room_id, "m.room.policy", policy.content(**content))
    alice.send_text(room.room_id, "free")
    assert policy.asked == []


def test_many_senders_at_once_are_all_signed(alice, peer, policy, room):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        sent = list(pool.map(lambda i: alice.send_text(room.room_id, f"message {i}"), range(16)))
    assert len(set(sent)) == 16
    assert sorted(messages(alice, room.room_id)) == sorted(f"message {i}" for i in range(16))
    for i in range(16):
        assert policy.has_signed(peer.wait_for_transaction(lambda pdu, i=i: pdu["content"].get("body") == f"message {i}"))


# ── Events of others ──


@pytest.fixture
def other(server, alice, good_peer, policy, room):
    """A third server in the room; its join was signed when it came."""
    other = good_peer.join(server, room.room_id, "mia")
    assert [event["type"] for event in policy.asked] == ["m.room.member"]
    policy.asked.clear()
    return other


def arrives(alice, room, event_id):
    alice.sync_until(lambda answer: event_id in event_ids(answer, room.room_id))


def test_events_of_others_are_signed_when_they_come(server, alice, good_peer, policy, other):
    unsigned = other.event("m.room.message", {"body": "unsigned"})
    good_peer.send(server, [unsigned])
    arrives(alice, other, other.id_of(unsigned))
    assert [event["content"]["body"] for event in policy.asked] == ["unsigned"]
    # It is handed on with the signature.
    served = good_peer.get(server, f"{FEDERATION}/v1/event/{quote(other.id_of(unsigned))}")["pdus"][0]
    assert policy.has_signed(served)


def test_events_that_are_signed_ask_nobody(server, alice, peer, good_peer, policy, other):
    event = other.event("m.room.message", {"body": "signed"})
    event["signatures"][peer.name] = {"ed25519:policy_server": policy.signature(event)}
    good_peer.send(server, [event])
    arrives(alice, other, other.id_of(event))
    assert policy.asked == []


def test_what_is_refused_of_others_is_not_shown(server, alice, good_peer, policy, other):
    policy.answer = lambda event: policy.refuse(event) if "spam" in event["content"]["body"] else policy.sign(event)
    spam = other.event("m.room.message", {"body": "spam"}, learn=False)
    forged = other.event("m.room.message", {"body": "forged spam"}, learn=False)
    forged["signatures"][policy.peer.name] = {"ed25519:policy_server": policy.signature(spam)}
    good = other.event("m.room.message", {"body": "good"})
    good_peer.send(server, [spam, forged, good])
    arrives(alice, other, other.id_of(good))
    assert messages(alice, other.room_id) == ["good"]
    assert len(policy.asked) == 3


def test_a_join_that_is_refused_is_forbidden(server, alice, good_peer, policy, room):
    policy.answer = policy.refuse
    with pytest.raises(AssertionError):
        good_peer.join(server, room.room_id, "spammer")
    members = alice.get(f"{CLIENT}/rooms/{{}}/joined_members", room.room_id)["joined"]
    assert good_peer.user("spammer") not in members


def test_while_the_policy_server_is_away_others_wait_and_we_may_not_speak(
    server, alice, good_peer, policy, other
):
    policy.answer = lambda event: (502, b"")
    event = other.event("m.room.message", {"body": "waits"})
    good_peer.send(server, [event])
    refused(alice, other, 502)
    assert messages(alice, other.room_id) == []
    policy.answer = policy.sign
    arrives(alice, other, other.id_of(event))
    alice.send_text(other.room_id, "it is back")
    assert messages(alice, other.room_id) == ["waits", "it is back"]


def test_a_room_that_leaves_a_policy_server_that_is_away_hears_what_waited(server, alice, good_peer, policy, other):
    policy.answer = lambda event: (429, {"errcode": "M_LIMIT_EXCEEDED", "error": "Busy.", "retry_after_ms": 60000})
    event = other.event("m.room.message", {"body": "waits"})
    good_peer.send(server, [event])
    alice.set_state(other.room_id, "m.room.policy", {})
    good_peer.send(server, [other.event("m.room.message", {"body": "at once"})])
    arrives(alice, other, other.id_of(event))


def test_an_event_that_waited_five_minutes_for_its_policy_server_is_not_shown(server, alice, good_peer, policy, other):
    policy.answer = lambda event: policy.sign(event) if event["content"]["body"] == "in time" else (502, b"")
    late = other.event("m.room.message", {"body": "late"}, learn=False)
    good_peer.send(server, [late])
    with connect(server) as database:
        aged = "UPDATE federation_inbox SET received_ts = received_ts - 301000 WHERE room_id = %s"
        assert database.execute(aged, (other.room_id,)).rowcount == 1
    in_time = other.event("m.room.message", {"body": "in time"})
    good_peer.send(server, [in_time])
    arrives(alice, other, other.id_of(in_time))
    policy.answer = policy.sign
    alice.send_text(other.room_id, "it is back")
    assert messages(alice, other.room_id) == ["in time", "it is back"]


def test_a_policy_server_that_drops_what_it_is_asked_is_not_waited_for_each_time(authority, peer, good_peer, policy):
    answers = threading.Event()

    def answer_late(event):
        answers.wait(timeout=300)
        return policy.sign(event)

    with running(federating_server(authority, federation={"policy_server_timeout_seconds": 1})) as server:
        alice = Client(server.base_url).register("alice")
        guarded = peer.join(server, alice.create_room(preset="public_chat", room_version="11"), "guard")
        alice.set_state(guarded.room_id, "m.room.policy", policy.content())
        room = good_peer.join(server, guarded.room_id, "mia")
        policy.answer = answer_late
        refused(alice, room, 504)
        asked = 0
        while asked != len(policy.asked):  # once it is left alone, and that for longer each time
            asked = len(policy.asked)
            assert asked < 6
            refused(alice, room, 504)
        events = [room.event("m.room.message", {"body": f"waits {number}"}) for number in range(3)]
        good_peer.send(server, events)
        policy.answer = policy.sign
        answers.set()
        peer.send(server, [])  # who speaks is asked again
        last = room.event("m.room.message", {"body": "at once"})
        good_peer.send(server, [last])
        arrives(alice, room, room.id_of(last))
        assert sorted(messages(alice, room.room_id)) == ["at once", "waits 0", "waits 1", "waits 2"]


def test_a_join_is_not_lost_when_the_policy_server_is_away(server, good_peer, policy, room):
    policy.answer = lambda event: (502, b"")
    with pytest.raises(AssertionError, match="503"):
        good_peer.join(server, room.room_id, "mia")
    policy.answer = policy.sign
    good_peer.join(server, room.room_id, "mia")


def test_a_busy_policy_server_gets_a_moment(alice, policy, room):
    answers = [(429, {"errcode": "M_LIMIT_EXCEEDED", "error": "Busy.", "retry_after_ms": 10})] * 2
    policy.answer = lambda event: answers.pop() if answers else policy.sign(event)
    alice.send_text(room.room_id, "in the end")
    assert len(policy.asked) == 3


def test_who_sends_is_told_how_long_a_busy_policy_server_wants_to_be_left_alone(alice, policy, room):
    policy.answer = lambda event: (429, {"errcode": "M_LIMIT_EXCEEDED", "error": "Busy.", "retry_after_ms": 60000})
    answer = refused(alice, room, 429)
    assert (answer["errcode"], answer["error"], answer["retry_after_ms"]) == ("M_LIMIT_EXCEEDED", "Busy.", 60000)
    assert len(policy.asked) == 1
