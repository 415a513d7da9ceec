"""What tests with a client on each of two servers say and wait for."""

import subprocess

from client import event_ids, timeline


def verify(server, room_id):
    """`beffroi verify-room` on a server of ours, which may run meanwhile."""
    arguments = [server.binary, "verify-room", room_id, "--config", str(server.config)]
    return subprocess.run(arguments, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)


def join_through(client, room_id, *servers):
    client.join(room_id, query=[("via", server.server_name) for server in servers])


def sees(client, room_id, event_id):
    client.sync_until(lambda answer: event_id in event_ids(answer, room_id))


def sees_member(client, room_id, user_id, membership):
    client.sync_until(
        lambda answer: any(
            e["type"] == "m.room.member"
            and e.get("state_key") == user_id
            and e["content"]["membership"] == membership
            for e in timeline(answer, room_id)
        )
    )


def has_changed(user_id):
    return lambda answer: user_id in answer.get("device_lists", {}).get("changed", [])
