"""Joins without all members (MSC3706, MSC3902): a peer has the room, and tells who is in it only when the test says
so. Until then the room is used; then it is whole, and what came meanwhile is judged by what is known now."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from client import CLIENT, Client, event_ids, joined_room, quote, unique
from conftest import federating_server
from homeserver import running
from peer import FEDERATION
from residence import Residence
from sliding import Sliding, told_state

LAZY = '{"room":{"state":{"lazy_load_members":true},"timeline":{"lazy_load_members":true}}}'


@pytest.fixture
def residence(peer):
    residence = Residence(peer)
    yield residence
    residence.told.set()


def join(client, residence):
    client.join(residence.id, query={"via": residence.peer.name})


def members(client, room_id):
    return set(client.get(f"{CLIENT}/rooms/{{}}/joined_members", room_id)["joined"])


def has_event(room_id, event_id):
    return lambda answer: answer if event_id in event_ids(answer, room_id) else None


def senders_told(answer, room_id):
    room = joined_room(answer, room_id)
    return {e["state_key"] for e in room.get("state", {}).get("events", []) if e["type"] == "m.room.member"}


def test_a_room_is_used_before_its_members_are_known_and_whole_afterwards(server, alice, peer, residence):
    alice.sync(), alice.sync(filter=LAZY)
    join(alice, residence)
    assert residence.asked.wait(60)

    # The resident hears of what we say, and we of what is said there, with who says it.
    sent = alice.send_text(residence.id, "anybody here?")
    peer.wait_for_transaction(lambda one: "type" in one and residence.room.id_of(one) == sent)
    said = residence.says("yes", residence.derek)
    peer.send(server, [said])
    lazy = Client(server.base_url, alice.token, alice.user_id, alice.device_id)
    answer = lazy.sync_until(has_event(residence.id, residence.room.id_of(said)), filter=LAZY)
    assert residence.derek in senders_told(answer, residence.id)

    # Who wants all members does not get some of them.
    eager = Client(server.base_url, alice.token, alice.user_id, alice.device_id)
    assert not joined_room(eager.sync(), residence.id)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(members, alice, residence.id)
        long_poll = pool.submit(eager.sync_until, lambda answer: answer if joined_room(answer, residence.id) else None)
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.5)
        assert not long_poll.done()
        residence.told.set()
        everybody = {alice.user_id, residence.charlie, residence.derek}
        assert waiting.result(60) == everybody
        assert senders_told(long_poll.result(60), residence.id) | {alice.user_id} >= everybody
    after = residence.says("welcome", residence.charlie)
    peer.send(server, [after])
    alice.sync_until(has_event(residence.id, residence.room.id_of(after)))
    answer = peer.get(server, f"{FEDERATION}/v1/state_ids/{quote(residence.id)}", f"event_id={quote(residence.room.id_of(after))}")
    assert set(answer["pdu_ids"]) == set(residence.room.state.values())


def sliding(client, name, *members):
    wanted = [["m.room.create", ""], *(["m.room.member", who] for who in members)]
    return Sliding(client, conn_id=name, lists={"all": {"ranges": [[0, 9]], "timeline_limit": 5, "required_state": wanted}})


def members_told(answer, room_id):
    return {key for kind, key in told_state(answer, room_id) if kind == "m.room.member"}


def test_sliding_sync_shows_the_room_at_once_only_to_who_does_not_want_all_members(server, alice, peer, residence):
    lazy, eager, named = sliding(alice, "lazy", "$LAZY"), sliding(alice, "eager", "*"), sliding(alice, "named", residence.derek)
    known = sliding(alice, "known", "$ME")
    join(alice, residence)
    assert residence.asked.wait(60)
    assert lazy.ask()["rooms"][residence.id]["initial"] and known.ask()["rooms"][residence.id]["initial"]
    assert not eager.ask()["rooms"] and not named.ask()["rooms"]
    said = residence.says("yes", residence.derek)
    peer.send(server, [said])
    alice.sync_until(has_event(residence.id, residence.room.id_of(said)), filter=LAZY)
    assert members_told(lazy.ask(), residence.id) == {residence.derek}
    assert known.ask()["rooms"][residence.id]["num_live"] == 1
    assert not eager.ask()["rooms"]
    known.ask(**{"lists": sliding(alice, "known", "*").body["lists"]})  # now it wants them, and waits like the others

    residence.told.set()
    everybody = {alice.user_id, residence.charlie, residence.derek}
    assert members(alice, residence.id) == everybody
    answer = lazy.ask()
    assert answer["rooms"][residence.id]["joined_count"] == 3
    assert set(told_state(answer, residence.id)) == {("m.room.create", "")}
    answer = eager.ask()
    assert answer["rooms"][residence.id]["initial"] and members_told(answer, residence.id) == everybody
    assert members_told(named.ask(), residence.id) == {residence.derek}
    assert members_told(known.ask(), residence.id) == everybody
    for connection in (lazy, eager, named, known):
        assert not connection.ask()["rooms"]


def test_a_server_that_does_not_know_the_members_says_so(server, alice, peer, good_peer, residence):
    residence.servers.append(good_peer.name)
    join(alice, residence)
    path = f"{FEDERATION}/v1/make_join/{quote(residence.id)}/{quote(good_peer.user('mallory'))}"
    answer = good_peer.request(server, "GET", path, query="ver=11", expect=404).json()
    assert answer["errcode"] == "M_NOT_FOUND"
    event_id = residence.room.extremities[0]
    good_peer.get(server, f"{FEDERATION}/v1/state_ids/{quote(residence.id)}", f"event_id={quote(event_id)}", expect=403)
    residence.told.set()
    assert residence.derek in members(alice, residence.id)
    good_peer.request(server, "GET", path, query="ver=11", expect=200)


def test_another_server_tells_what_the_first_does_not(server, alice, peer, good_peer, residence):
    residence.servers.append(good_peer.name)
    good_peer.events = peer.events
    peer.answers[f"{FEDERATION}/v1/state_ids/"] = lambda *request: (200, {})
    join(alice, residence)
    assert members(alice, residence.id) == {alice.user_id, residence.charlie, residence.derek}


def test_a_second_join_goes_on_with_the_room_that_is_being_fetched(server, alice, peer, residence):
    before = residence.room.extremities[0]

    def state_ids(method, path, query, body):
        if query["event_id"] != [before]:
            return 404, {"errcode": "M_NOT_FOUND", "error": "Of this one nobody was to ask."}
        return residence.state_ids(method, path, query, body)

    peer.answers[f"{FEDERATION}/v1/state_ids/"] = state_ids
    join(alice, residence)
    assert residence.asked.wait(60)
    alice.leave(residence.id)
    left = peer.wait_for_transaction(lambda pdu: pdu.get("content", {}).get("membership") == "leave")
    residence.room.extremities, residence.room.depth = [residence.room.learn(left)], left["depth"]
    berta = Client(server.base_url).register("berta")
    join(berta, residence)
    said = residence.says("there you are", residence.charlie)
    peer.send(server, [said])
    berta.sync_until(has_event(residence.id, residence.room.id_of(said)), filter=LAZY)
    answer = Client(server.base_url, berta.token, berta.user_id, berta.device_id).sync(filter=LAZY)
    assert residence.room.id_of(left) in event_ids(answer, residence.id), "there is no hole before the second join"
    residence.told.set()
    assert members(berta, residence.id) == {berta.user_id, residence.charlie, residence.derek}
    later = berta.send_text(residence.id, "what comes before this has been sent")
    peer.wait_for_transaction(lambda one: "type" in one and residence.room.id_of(one) == later)
    sent = [pdu for transaction in peer.transactions for pdu in transaction["pdus"]]
    assert not any(pdu.get("state_key") == berta.user_id for pdu in sent), "the peer let her in, and told the others"


def test_a_large_state_is_taken_in_whatever_its_order_and_spacing(server, alice, peer):
    """It comes in portions: what claims to be older than the event that it proves itself by has to wait."""
    names = [f"member{number}" for number in range(520)]
    residence = Residence(peer, **dict.fromkeys(names, "join"))
    depth = residence.room.depth
    first = residence.room.state[("m.room.member", peer.user(names[-1]))]
    again = residence.member(names[-1], "join", depth=1)
    assert first in again["auth_events"]
    residence.room.depth = depth + 1

    def state(method, path, query, body):
        ids = peer.state_of(peer.events[query["event_id"][0]])
        lists = {"pdus": ids[::-1], "auth_chain": peer.chain(ids)[::-1]}
        return 200, json.dumps({name: [peer.events[i] for i in ids] for name, ids in lists.items()}, indent=1).encode()

    peer.answers[f"{FEDERATION}/v1/state/"] = state
    residence.told.set()
    join(alice, residence)
    assert members(alice, residence.id) == {alice.user_id, residence.charlie, *map(peer.user, names)}
    chunk = alice.get(f"{CLIENT}/rooms/{{}}/members", residence.id)["chunk"]
    assert residence.room.id_of(again) in [event["event_id"] for event in chunk]


def own_state(client, residence):
    """What it says in events of types that only the test knows, by type and key."""
    state = client.get(f"{CLIENT}/rooms/{{}}/state", residence.id)
    return {
        (event["type"], event["state_key"]): event["content"] for event in state if event["type"].startswith("org.example")
    }  # fmt: skip


@pytest.mark.parametrize("omits", [True, False])
def test_state_that_no_rule_reads_is_there_with_the_join_however_much_it_is(server, alice, peer, omits):
    """It is stored in portions before the join is; what does not hold is left out there as elsewhere."""
    residence = Residence(peer)
    residence.omits = omits
    expected = {("org.example.state", f"key {number}"): {"value": number} for number in range(1100)}
    for (kind, key), content in expected.items():
        residence.room.event(kind, content, key)
    forged = {**residence.room.event("org.example.forged", {}, "", learn=False), "depth": 1}
    stranger = residence.room.event("org.example.stranger", {}, "", sender=peer.user("stranger"))
    good = residence.send_join

    def send_join(*request):
        status, answer = good(*request)
        again = next(event for event in answer["state"] if event["type"] == "org.example.state")
        return status, {**answer, "state": [forged, stranger, *answer["state"], again]}

    peer.answers[f"{FEDERATION}/v2/send_join/"] = send_join
    residence.told.set()
    join(alice, residence)
    assert own_state(alice, residence) == expected
    alice.send_text(residence.id, "here")
    room = alice.sync_until(lambda answer: joined_room(answer, residence.id))
    known = [event for part in ("state", "timeline") for event in room[part]["events"]]
    assert expected.keys() <= {(event["type"], event.get("state_key")) for event in known}


def test_a_kill_and_a_restart_lose_nothing_of_it(authority, peer):
    residence = Residence(peer)
    with running(federating_server(authority)) as own:
        anna, berta = Client(own.base_url).register("anna"), Client(own.base_url).register("berta")
        join(anna, residence)
        assert residence.asked.wait(60)
        sent = anna.send_text(residence.id, "before the fall")
        own.kill()
        residence.asked.clear()
        own.start()
        assert residence.asked.wait(60), "the members are asked for again"
        assert not joined_room(Client(own.base_url, anna.token, anna.user_id, anna.device_id).sync(), residence.id)
        said = residence.says("are you back?", residence.derek)
        peer.send(own, [said])
        anna.sync_until(has_event(residence.id, residence.room.id_of(said)), filter=LAZY)
        join(berta, residence)  # a second one, asked of those who know
        residence.told.set()
        assert members(anna, residence.id) == {anna.user_id, berta.user_id, residence.charlie, residence.derek}
        assert sent in [e["event_id"] for e in anna.all_messages(residence.id)]


def test_who_was_not_in_the_room_did_not_say_anything(server, alice, peer):
    residence = Residence(peer, lambda peer: {peer.user("derek"): 50}, derek="leave")
    residence.room.state.pop(("m.room.member", residence.derek))
    joined = residence.coming_of(residence.derek)
    join(alice, residence)
    auth = [*residence.room.auth_events("org.example.test", residence.derek), joined]
    forged = residence.room.event("org.example.test", {"v": 1}, "", sender=residence.derek, auth_events=auth)
    residence.room.state.pop(("org.example.test", ""))
    peer.send(server, [forged])
    alice.sync_until(has_event(residence.id, residence.room.id_of(forged)), filter=LAZY)
    assert alice.state(residence.id, "org.example.test") == {"v": 1}
    residence.told.set()
    assert members(alice, residence.id) == {alice.user_id, residence.charlie}
    alice.event(residence.id, residence.room.id_of(forged), expect=404)
    alice.state(residence.id, "org.example.test", expect=404)
    said = residence.says("who was that?", residence.charlie)
    peer.send(server, [said])
    alice.sync_until(has_event(residence.id, residence.room.id_of(said)), filter=LAZY)


def test_lazily_loading_clients_hear_of_a_member_they_were_told_wrongly(server, alice, peer):
    """derek is gone, which an event of his hides: he is told as a member, until all are known. elsie is and was none of
    a lazily loading client's business."""
    residence = Residence(peer, derek="leave", elsie="join")
    residence.room.event("m.room.name", {"name": "Nobody is named to make a name of the room"}, "")
    residence.room.state.pop(("m.room.member", residence.derek))
    joined = residence.coming_of(residence.derek)
    slid = sliding(alice, "lazy", "$LAZY")
    join(alice, residence)
    auth = [*residence.room.auth_events("m.room.message", residence.derek), joined]
    said = residence.says("I am still here", residence.derek, auth_events=auth)
    peer.send(server, [said])
    lazy = Client(server.base_url, alice.token, alice.user_id, alice.device_id)
    answer = lazy.sync_until(has_event(residence.id, residence.room.id_of(said)), filter=LAZY)
    assert memberships_told(joined_room(answer, residence.id))[residence.derek] == "join"
    slid_state = told_state(slid.ask(), residence.id)
    assert slid_state["m.room.member", residence.derek]["content"]["membership"] == "join"

    residence.told.set()
    assert members(alice, residence.id) == {alice.user_id, residence.charlie, peer.user("elsie")}
    told = lazy.sync_until(
        lambda answer: memberships_told(room) if (room := joined_room(answer, residence.id)) else None, filter=LAZY
    )
    assert told[residence.derek] == "leave" and peer.user("elsie") not in told
    slid_state = told_state(slid.ask(), residence.id)
    assert slid_state["m.room.member", residence.derek]["content"]["membership"] == "leave"
    assert ("m.room.member", peer.user("elsie")) not in slid_state


def memberships_told(room):
    events = room.get("state", {}).get("events", [])
    return {e["state_key"]: e["content"]["membership"] for e in events if e["type"] == "m.room.member"}


def test_who_was_let_go_by_somebody_who_was_not_there_still_leaves(server, alice, peer):
    residence = Residence(peer, lambda peer: {peer.user("derek"): 100}, derek="leave")
    residence.room.state.pop(("m.room.member", residence.derek))
    joined = residence.coming_of(residence.derek)
    join(alice, residence)
    came = residence.member("elsie", "join")
    elsie = ("m.room.member", came["state_key"])
    # It does not name how elsie came: resolved with that, it comes before it, and she is there.
    auth = [*residence.room.auth_events("m.room.message", residence.derek), joined]
    forged = residence.member("elsie", "leave", sender=residence.derek, auth_events=auth)
    residence.room.state[elsie] = residence.room.id_of(came)
    left = residence.member("elsie", "leave")
    peer.send(server, [came, forged])
    alice.sync_until(has_event(residence.id, residence.room.id_of(forged)), filter=LAZY)
    peer.send(server, [left])
    alice.sync_until(has_event(residence.id, residence.room.id_of(left)), filter=LAZY)
    residence.told.set()
    assert members(alice, residence.id) == {alice.user_id, residence.charlie}
    alice.event(residence.id, residence.room.id_of(forged), expect=404)
    alice.event(residence.id, residence.room.id_of(left))


def test_what_was_refused_for_a_kick_that_does_not_hold_counts_in_the_end(server, alice, peer):
    levels = lambda peer: {peer.user("derek"): 100, peer.user("elsie"): 50}  # noqa: E731
    residence = Residence(peer, levels, derek="leave", elsie="join")
    elsie = peer.user("elsie")
    came = residence.room.state[("m.room.member", elsie)]
    joined = residence.coming_of(residence.derek)
    join(alice, residence)
    auth = [i for i in residence.room.auth_events("m.room.message", elsie) if i != came]
    kicked = residence.member("elsie", "leave", sender=residence.derek, auth_events=[*auth, joined, came])
    refused = residence.room.event("org.example.test", {"v": 1}, "", sender=elsie, auth_events=[*auth, came])
    said = residence.says("what was that?", residence.charlie)
    peer.send(server, [kicked, refused, said])
    alice.sync_until(has_event(residence.id, residence.room.id_of(said)), filter=LAZY)
    alice.event(residence.id, residence.room.id_of(kicked))
    alice.event(residence.id, residence.room.id_of(refused), expect=404)
    residence.told.set()
    assert members(alice, residence.id) == {alice.user_id, residence.charlie, elsie}
    assert alice.state(residence.id, "org.example.test") == {"v": 1}
    alice.event(residence.id, residence.room.id_of(kicked), expect=404)


def test_who_is_banned_gets_nothing_in_by_naming_how_they_once_came(server, alice, peer, residence):
    join(alice, residence)
    came = residence.member("elsie", "join")
    banned = residence.member("elsie", "ban", sender=residence.charlie)
    auth = [*residence.room.auth_events("m.room.message", residence.charlie)[:1], residence.room.id_of(came)]
    hidden = residence.says("let me in", came["state_key"], learn=False, auth_events=auth)
    said = residence.says("no", residence.charlie)
    peer.send(server, [came, banned, hidden, said])
    alice.sync_until(has_event(residence.id, residence.room.id_of(said)), filter=LAZY)
    alice.event(residence.id, residence.room.id_of(banned))
    alice.event(residence.id, residence.room.id_of(hidden), expect=404)


def test_who_leaves_before_the_members_are_known_is_gone(server, alice, peer, residence):
    join(alice, residence)
    alice.leave(residence.id)
    alice.leave(residence.id)  # once more is no other thing
    left = peer.wait_for_transaction(
        lambda pdu: pdu.get("state_key") == alice.user_id and pdu["content"]["membership"] == "leave"
    )
    residence.room.extremities, residence.room.depth = [residence.room.learn(left)], left["depth"]
    join(alice, residence)
    residence.told.set()
    assert members(alice, residence.id) == {alice.user_id, residence.charlie, residence.derek}


def member_of_another(residence, other, localpart, membership):
    """A member event that both servers signed; the peer tells of it."""
    user_id = other.user(localpart)
    event = residence.room.event("m.room.member", {"membership": membership}, user_id, sender=user_id)
    return other.seal(event, residence.version)


def device_update(user, after=0):
    return lambda edu: (
        edu.get("edu_type") == "m.device_list_update"
        and edu["content"]["user_id"] == user.user_id
        and edu["content"]["stream_id"] > after
    )


def rename_device(client, name, peer):
    """Until the peer has heard of it; the number of the change."""
    before = [edu["content"]["stream_id"] for t in peer.transactions for edu in t.get("edus", []) if device_update(client)(edu)]
    client.put(f"{CLIENT}/devices/{{}}", client.device_id, body={"display_name": name})
    return peer.wait_for_transaction(device_update(client, max(before, default=0)))["content"]["stream_id"]


def test_a_server_that_nobody_named_hears_of_devices_when_the_members_are_known(server, alice, peer, good_peer, residence):
    member_of_another(residence, good_peer, "elsie", "join")
    join(alice, residence)
    assert residence.asked.wait(60)
    missed = rename_device(alice, "missed", peer)
    assert not good_peer.transactions
    residence.told.set()
    assert good_peer.wait_for_transaction(device_update(alice))["content"]["stream_id"] == missed
    assert rename_device(alice, "heard of at once", good_peer) > missed


@pytest.mark.parametrize("meets_elsewhere", [True, False])
def test_a_server_that_nobody_named_and_that_is_gone_hears_of_devices_of_whom_it_still_meets(
    server, alice, peer, good_peer, residence, meets_elsewhere
):
    member_of_another(residence, good_peer, "elsie", "join")
    join(alice, residence)
    assert residence.asked.wait(60)
    missed = rename_device(alice, "missed", peer)
    left = member_of_another(residence, good_peer, "elsie", "leave")
    peer.send(server, [left])
    alice.sync_until(has_event(residence.id, residence.room.id_of(left)), filter=LAZY)
    if meets_elsewhere:
        good_peer.join(server, alice.create_room(preset="public_chat"), "elsie")
    residence.told.set()
    assert members(alice, residence.id) == {alice.user_id, residence.charlie, residence.derek}
    if meets_elsewhere:
        assert good_peer.wait_for_transaction(device_update(alice))["content"]["stream_id"] == missed
    else:
        sent = alice.send_text(residence.id, "only for those who are here")
        peer.wait_for_transaction(lambda one: "type" in one and residence.room.id_of(one) == sent)
        assert not good_peer.transactions


@pytest.mark.parametrize("omits", [True, False])
def test_who_was_there_at_an_earlier_stay_and_is_in_no_state_any_more_is_gone(server, alice, peer, residence, omits):
    residence.member("elsie", "join")
    residence.omits = omits
    residence.told.set()
    join(alice, residence)
    assert peer.user("elsie") in members(alice, residence.id)
    alice.leave(residence.id)
    left = peer.wait_for_transaction(lambda pdu: pdu.get("content", {}).get("membership") == "leave")
    residence.room.extremities, residence.room.depth = [residence.room.learn(left)], left["depth"]
    forgotten = residence.room.state.pop(("m.room.member", peer.user("elsie")))
    tell = residence.state_ids

    def state_ids(*request):
        status, answer = tell(*request)
        return status, {name: [i for i in ids if i != forgotten] for name, ids in answer.items()}

    peer.answers[f"{FEDERATION}/v1/state_ids/"] = state_ids
    join(alice, residence)
    assert members(alice, residence.id) == {alice.user_id, residence.charlie, residence.derek}


def test_who_comes_into_a_room_of_known_members_tells_their_servers_of_the_own_devices(server, alice, good_peer, residence):
    """Spec, "Device Management": when that user joins a room which contains servers which do not receive updates."""
    residence.omits = False
    member_of_another(residence, good_peer, "elsie", "join")
    alice.sync()
    join(alice, residence)
    assert {alice.user_id, residence.charlie} <= set(alice.sync()["device_lists"]["changed"])
    update = good_peer.wait_for_transaction(device_update(alice))
    assert update["content"]["device_id"] == alice.device_id


def test_servers_that_lost_sight_of_who_comes_into_a_room_are_told_of_devices(server, alice, peer, good_peer, residence):
    room_id = alice.create_room(preset="public_chat")
    good_peer.join(server, room_id, "elsie")
    known = rename_device(alice, "known", good_peer)
    alice.leave(room_id)
    alice.put(f"{CLIENT}/devices/{{}}", alice.device_id, body={"display_name": "not known"})
    member_of_another(residence, good_peer, "elsie", "join")
    residence.servers.append(good_peer.name)
    alice.sync()
    join(alice, residence)
    assert alice.user_id in alice.sync()["device_lists"]["changed"], "the user's other devices may want to know"
    good_peer.wait_for_transaction(device_update(alice, known))
    assert not any(device_update(alice)(edu) for t in peer.transactions for edu in t.get("edus", []))
