#!/usr/bin/env python3
"""The join of a large room that another server of ours serves.

    tests/bench/join_room.py [--binary build-release/beffroi] [--members 10000] [--state 20000] [--against-synapse] [--json]

The room has so many members, of a server that no longer answers, and so many state events in all. It is written
through the door that other servers use (a peer of tests/federation sends it, signed). Measured, from the request of
the client on: the join, until it may write, until /members is complete, and how much memory each process needed.
With --against-synapse a Synapse on PostgreSQL joins the same room from the same resident, after ours.
"""

import argparse
import json
import os
import pathlib
import re
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
for folder in ("support", "federation"):
    sys.path.insert(0, str(HERE.parent / folder))

from client import Client  # noqa: E402
from compare_servers import Cluster, Theirs, cluster_settings  # noqa: E402
from conftest import federating_server  # noqa: E402
from federating_synapse import FederatingSynapse  # noqa: E402
from invariants import connect  # noqa: E402
from peer import Authority, Peer  # noqa: E402


def peak_bytes(server):
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) * 1024


def forget_peak(server):
    """VmHWM begins again from what is resident now."""
    pathlib.Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")


def cpu_seconds(server):
    """Of all its threads so far."""
    fields = pathlib.Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def fill(server, owner, peer, members, state_events):
    """Members join in a row, each upon the one before; then other state."""
    room_id = owner.create_room(
        preset="public_chat", room_version="11",
        power_level_content_override={"users": {owner.user_id: 100, peer.user("first"): 100}},
    )  # fmt: skip
    room = peer.join(server, room_id, "first")
    batch, last = [], None

    def flush():
        peer.send(server, batch)
        batch.clear()

    for number in range(members):
        user_id = peer.user(f"member{number}")
        room.state.pop(("m.room.member", user_id), None)
        last = room.event("m.room.member", {"membership": "join", "displayname": f"Member {number}"}, user_id, sender=user_id)
        batch.append(last)
        if len(batch) == 50:
            flush()
    for number in range(state_events - members):
        last = room.event("org.example.test", {"value": "x" * 100}, f"key {number}")
        batch.append(last)
        if len(batch) == 50:
            flush()
    flush()
    wait_for_event(server, room.id_of(last))
    return room_id


def wait_for_event(server, event_id, seconds=3600):
    give_up = time.monotonic() + seconds
    with connect(server) as database:
        while not database.execute("SELECT 1 FROM events WHERE event_id = %s", [event_id]).fetchone():
            database.rollback()
            if time.monotonic() > give_up:
                raise TimeoutError("the room was not taken in")
            time.sleep(0.2)


def wait_for_members(client, room_id, wanted, seconds=600):
    """A server may know the room before it knows who is in it."""
    give_up = time.monotonic() + seconds
    while True:
        members = client.get("/_matrix/client/v3/rooms/{}/members", room_id)["chunk"]
        if len(members) >= wanted or time.monotonic() > give_up:
            return len(members)
        time.sleep(0.1)


def measure(resident, joiner, room_id, wanted):
    client = Client(joiner.base_url).register("joiner")
    client.http.timeout = 600
    client.sync()
    forget_peak(resident)
    forget_peak(joiner)
    cpu = cpu_seconds(joiner), cpu_seconds(resident)
    began = time.monotonic()
    client.join(room_id, query={"via": resident.server_name})
    joined = time.monotonic() - began
    client.send_text(room_id, "here")
    usable = time.monotonic() - began
    members = wait_for_members(client, room_id, wanted)
    complete = time.monotonic() - began
    return {
        "members": members,
        "join_seconds": round(joined, 2),
        "usable_seconds": round(usable, 2),
        "complete_seconds": round(complete, 2),
        "joiner_cpu_seconds": round(cpu_seconds(joiner) - cpu[0], 2),
        "resident_cpu_seconds": round(cpu_seconds(resident) - cpu[1], 2),
        "joiner_peak_mib": peak_bytes(joiner) >> 20,
        "resident_peak_mib": peak_bytes(resident) >> 20,
    }


class JoiningSynapse(Theirs, FederatingSynapse):
    """Federating, on PostgreSQL. The server of the members is gone: the resident vouches for its keys."""

    requirements = Theirs.requirements

    def __init__(self, authority, settings, resident):
        FederatingSynapse.__init__(self, authority)
        self.resident = resident
        self.directory.chmod(0o755)
        self.cluster = Cluster(self.directory / "pg", settings)

    def settings(self):
        return {**super().settings(), "trusted_key_servers": [{"server_name": self.resident.server_name}]}


def joiners(authority, resident, binary, against_synapse):
    """(word, prepared server) of those that join."""
    ours = federating_server(authority)
    ours.binary = binary
    yield "ours", ours
    if against_synapse:
        yield "synapse", JoiningSynapse(authority, cluster_settings(resident), resident).prepare()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", default=str(HERE.parent.parent / "build-release" / "beffroi"))
    parser.add_argument("--members", type=int, default=10000)
    parser.add_argument("--state", type=int, default=20000, help="state events in all, members included")
    parser.add_argument("--against-synapse", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    authority = Authority(pathlib.Path(tempfile.mkdtemp(prefix="beffroi-authority-")))
    resident, peer = federating_server(authority), Peer(authority)
    figures, joined = {}, []
    try:
        resident.binary = arguments.binary
        resident.start()
        owner = Client(resident.base_url).register("owner")
        began = time.monotonic()
        room_id = fill(resident, owner, peer, arguments.members, arguments.state)
        print(f"the room was made in {time.monotonic() - began:.0f} s", file=sys.stderr)
        for word, joiner in joiners(authority, resident, arguments.binary, arguments.against_synapse):
            joined.append(joiner)  # all stay: the next one asks for the keys of who is in the room
            joiner.start()
            figures[word] = measure(resident, joiner, room_id, arguments.members)
        if arguments.json:
            print(json.dumps(figures))
        for word, found in figures.items() if not arguments.json else ():
            print(f"{word}:", *(f"{k:20} {v}" for k, v in found.items()), sep="\n")
    finally:
        peer.close()
        for server in [resident, *joined]:
            server.remove()


if __name__ == "__main__":
    main()
