"""The watchdog: a resolution that takes away what nobody took away is noticed, stored and shown."""

import re
import subprocess

import httpx
import pytest
from client import Client, event_ids


@pytest.fixture
def admin(server):
    return Client(server.base_url).register_admin()


def listed(admin, room_id):
    resets = admin.get("/_beffroi/admin/v1/state_resets", query={"limit": 1000})["state_resets"]
    return [reset for reset in resets if reset["room_id"] == room_id]


def resets_counted(server):
    text = httpx.get(f"{server.base_url}/metrics", timeout=30).text
    value = re.search(r"^beffroi_state_resets_total\{\} (\d+)", text, re.MULTILINE)
    return int(value.group(1)) if value else 0


def sees(client, room, event):
    client.sync_until(lambda answer: room.id_of(event) in event_ids(answer, room.room_id))


@pytest.fixture
def room(server, alice, peer):
    users = {alice.user_id: 100, peer.user("anna"): 50}
    room_id = alice.create_room(
        preset="public_chat", room_version="11", power_level_content_override={"users": users}
    )
    alice.sync()
    return peer.join(server, room_id, "anna")


def test_a_member_who_is_lost_in_a_merge_is_shown(server, alice, peer, admin, room):
    """dora joins the public room in one branch; in the other, unseen, the room is closed to those not invited."""
    base = list(room.extremities)
    dora = peer.user("dora")
    join = room.event("m.room.member", {"membership": "join"}, dora, sender=dora, prev_events=base, learn=False)
    closing = room.event("m.room.join_rules", {"join_rule": "invite"}, "", prev_events=base, learn=False)
    peer.send(server, [join])
    sees(alice, room, join)
    assert listed(admin, room.room_id) == []
    before = resets_counted(server)
    peer.send(server, [closing])
    sees(alice, room, closing)
    assert dora not in alice.get("/_matrix/client/v3/rooms/{}/joined_members", room.room_id)["joined"]
    [reset] = listed(admin, room.room_id)
    assert reset["event_id"] == room.id_of(closing)
    assert reset["detail"] == f"{dora} is no longer joined"
    assert resets_counted(server) == before + 1
    command = [server.binary, "state-resets", "--config", str(server.config)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    assert told.returncode == 0 and room.room_id in told.stdout and reset["detail"] in told.stdout


def test_a_member_who_is_kicked_in_a_branch_is_not_a_reset(server, alice, peer, admin, room):
    eve = peer.user("eve")
    peer.join(server, room.room_id, "eve")
    alice.send_text(room.room_id, "meanwhile")
    room.state[("m.room.member", eve)] = peer_member(peer, room, eve)
    kick = room.event("m.room.member", {"membership": "leave"}, eve,
                      prev_events=[room.state[("m.room.member", eve)]], depth=room.depth + 2)  # fmt: skip
    peer.send(server, [kick])
    sees(alice, room, kick)
    assert eve not in alice.get("/_matrix/client/v3/rooms/{}/joined_members", room.room_id)["joined"]
    assert listed(admin, room.room_id) == []


def test_the_list_is_for_administrators(alice):
    alice.get("/_beffroi/admin/v1/state_resets", expect=403)


def peer_member(peer, room, user_id):
    """The event ID of the newest member event of a user that the peer knows."""
    members = [i for i, e in peer.events.items() if e.get("state_key") == user_id and e["room_id"] == room.room_id]
    return max(members, key=lambda i: peer.events[i]["depth"])
