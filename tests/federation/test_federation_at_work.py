"""What administrators see of federation: metrics, the list of other servers, and "try again now"."""

import re
import subprocess
import time

import httpx
import pytest
from client import Client, event_ids
from conftest import federating_server
from homeserver import running
from peer import FEDERATION, Peer

DESTINATIONS = "/_synapse/admin/v1/federation/destinations"


@pytest.fixture(scope="module")
def server(authority):
    """Of this file alone: other servers that are gone count for all. Nobody becomes idle: a test that is over would be
    told of it."""
    settings = {"federation": {"deny": ["*.denied.example"]}, "presence_enabled": False}
    with running(federating_server(authority, **settings)) as server:
        yield server


@pytest.fixture
def admin(server):
    return Client(server.base_url).register_admin()


@pytest.fixture
def peer(authority, server, admin):
    """Forgotten at the end: it answers, and nothing waits for it."""
    peer = Peer(authority)
    yield peer
    peer.answers.clear()
    admin.raw("POST", f"{DESTINATIONS}/{peer.name}/reset_connection")
    wait_for(lambda: not destination(admin, peer)["is_waiting"], "the end of what waits")
    peer.close()


def wait_for(holds, what, seconds=60):
    give_up = time.monotonic() + seconds
    while not (value := holds()):
        assert time.monotonic() < give_up, f"{what} did not come in {seconds} s"
        time.sleep(0.05)
    return value


def metrics(server):
    text = httpx.get(f"{server.base_url}/metrics", timeout=30).text
    found = re.findall(r"^beffroi_(?:federation_)?(\w+)\{(.*)\} (\d+)$", text, re.MULTILINE)
    return {f"{name}{{{labels}}}" if labels else name: int(value) for name, labels, value in found}


def destination(admin, peer):
    return admin.get(f"{DESTINATIONS}/{{}}", peer.name)


def command(server, *words):
    done = subprocess.run(
        [server.binary, "federation", *words, "--config", str(server.config)],
        capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def falls_silent(peer):
    """It is there and takes nothing."""
    peer.answers[f"{FEDERATION}/v1/send/"] = lambda *_: (503, b"\xffclosed for today")


def has_text(body):
    return lambda pdu: pdu.get("content", {}).get("body") == body


@pytest.mark.parametrize("way", ["by the API", "by the command"])
def test_a_server_that_is_down_is_seen_and_tried_again_when_asked(server, alice, admin, peer, room, way):
    alice.send_text(room.room_id, "heard")
    peer.wait_for_transaction(has_text("heard"))
    wait_for(lambda: not destination(admin, peer)["is_waiting"], "the empty queue")
    quiet = metrics(server)
    assert quiet["failing_destinations"] == quiet["outgoing_queues"] == quiet["outgoing_events"] == 0
    assert quiet["outgoing_oldest_seconds"] == 0
    falls_silent(peer)
    for number in range(3):
        alice.send_text(room.room_id, f"unheard {number}")
    wait_for(lambda: metrics(server)["failing_destinations"] == 1, "the failure")
    wait_for(lambda: metrics(server)["outgoing_events"] == 3, "the length of the queue")
    busy = wait_for(lambda: (m := metrics(server))["outgoing_oldest_seconds"] >= 1 and m, "the age of the queue")
    assert (busy["outgoing_queues"], busy["outgoing_events"]) == (1, 3)
    assert busy['transactions_total{direction="out",outcome="failed"}'] > 0

    shown = destination(admin, peer)
    assert shown["is_waiting"] and shown["is_allowed"] and shown["events_behind"] == 3
    assert "503" in shown["last_error"] and "?closed for today" in shown["last_error"]
    since = [shown[when] for when in ("last_success_ts", "waiting_since_ts", "failure_ts", "next_retry_ts")]
    assert since == sorted(since) and since[0] > 0
    code, told = command(server, "destinations", "--failing")
    assert code == 0 and f"{peer.name}  does not answer" in told and "about 3 events behind since 20" in told
    listed = admin.get(DESTINATIONS, query={"failing": "true", "destination": peer.name[3:]})
    assert [d["destination"] for d in listed["destinations"]] == [peer.name] and listed["total"] == 1

    # However long it would be left alone by itself.
    peer.answers.clear()
    if way == "by the API":
        admin.raw("POST", f"{DESTINATIONS}/{peer.name}/reset_connection")
    else:
        command(server, "retry", peer.name)
    for number in range(3):
        peer.wait_for_transaction(has_text(f"unheard {number}"))
    wait_for(lambda: not destination(admin, peer)["is_waiting"], "the empty queue")
    shown = destination(admin, peer)
    assert (shown["failure_ts"], shown["last_error"], shown["events_behind"]) == (None, None, 0)
    assert shown["last_success_ts"] > 0 and shown["waiting_since_ts"] is None
    after = metrics(server)
    assert after["failing_destinations"] == after["outgoing_queues"] == after["outgoing_oldest_seconds"] == 0
    assert command(server, "destinations", "--failing") == (0, "")
    code, told = command(server, "destinations", peer.name)
    assert f"{peer.name}  answers, took something last at 20" in told


def test_who_answers_needs_no_second_try(server, alice, admin, peer, room):
    alice.send_text(room.room_id, "heard")
    peer.wait_for_transaction(has_text("heard"))
    wait_for(lambda: not destination(admin, peer)["is_waiting"], "the empty queue")
    admin.post(f"{DESTINATIONS}/{{}}/reset_connection", peer.name, expect=400)
    code, told = command(server, "retry", peer.name)
    assert code == 1 and "counts as answering" in told


def test_servers_that_nobody_knows_are_not_there(server, alice, admin):
    admin.get(f"{DESTINATIONS}/{{}}", "nobody.example", expect=404)
    admin.post(f"{DESTINATIONS}/{{}}/reset_connection", "nobody.example", expect=404)
    alice.get(DESTINATIONS, expect=403)


def test_pages_of_servers_join_up(server, alice, admin, peer, room):
    alice.send_text(room.room_id, "so that it is known")
    peer.wait_for_transaction(has_text("so that it is known"))
    whole = admin.get(DESTINATIONS)
    assert peer.name in [d["destination"] for d in whole["destinations"]] and "next_token" not in whole
    names, token = [], "0"
    while token is not None:
        page = admin.get(DESTINATIONS, query={"from": token, "limit": 1})
        names += [d["destination"] for d in page["destinations"]]
        token = page.get("next_token")
    assert names == sorted(d["destination"] for d in whole["destinations"])


def test_traffic_and_refusals_are_counted(server, alice, admin, peer, room):
    before = metrics(server)
    event = room.event("m.room.message", {"msgtype": "m.text", "body": "counted"})
    wrong = room.event("m.room.power_levels", {"users": {peer.user("mallory"): 100}}, "", learn=False)
    peer.send(server, [event, wrong], [{"edu_type": "m.unknown", "content": {}}], txn_id="counted")
    peer.send(server, [event, wrong], [{"edu_type": "m.unknown", "content": {}}], txn_id="counted")
    alice.sync_until(lambda answer: room.id_of(event) in event_ids(answer, room.room_id))
    wait_for(lambda: metrics(server)["incoming_events"] == 0, "the empty inbox")
    alice.send_text(room.room_id, "and the other way")
    peer.wait_for_transaction(has_text("and the other way"))
    refused = peer.request(
        server, "GET", f"{FEDERATION}/v1/query/profile", query="user_id=@alice:x",
        header='X-Matrix origin="one.denied.example",key="ed25519:1",sig="c2ln"',
    )  # fmt: skip
    assert refused.status_code == 403
    expected = {
        'transactions_total{direction="in",outcome="taken"}': 1,
        'transactions_total{direction="in",outcome="repeated"}': 1,
        'messages_total{direction="in",kind="event"}': 2,
        'messages_total{direction="in",kind="edu"}': 1,
        'judged_total{result="accepted"}': 1,
        'judged_total{result="rejected"}': 1,
        'not_allowed_total{what="request"}': 1,
        "incoming_events": 0,
        "state_resets_total": 0,
    }
    name = 'messages_total{direction="out",kind="event"}'
    wait_for(lambda: metrics(server)[name] > before[name], "the count of what was sent")
    after = metrics(server)
    assert {name: after[name] - before[name] for name in expected} == expected


def test_there_is_no_series_per_server(server, alice, peer, room):
    alice.send_text(room.room_id, "hello")
    peer.wait_for_transaction(has_text("hello"))
    assert peer.name not in httpx.get(f"{server.base_url}/metrics", timeout=30).text
