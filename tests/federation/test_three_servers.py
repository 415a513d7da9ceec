"""Three servers of ours: what passes through one of them reaches the third."""

import pytest
from client import Client, event_ids, timeline
from conftest import federating_server


@pytest.fixture
def servers(authority):
    servers = [federating_server(authority) for _ in range(3)]
    try:
        for server in servers:
            server.start()
        yield servers
        for server in servers:
            server.shut_down_and_check()
    finally:
        for server in servers:
            server.remove()


def test_a_join_through_one_server_is_seen_on_the_third(servers):
    names = ("alice", "bob", "carol")
    alice, bob, carol = [Client(s.base_url).register(n) for s, n in zip(servers, names)]
    room_id = alice.create_room(preset="public_chat")
    alice.sync()
    for client in (bob, carol):
        client.join(room_id, query={"via": servers[0].server_name})
        client.sync()
    bob.sync_until(
        lambda answer: any(e.get("state_key") == carol.user_id for e in timeline(answer, room_id))
    )
    event_id = carol.send_text(room_id, "good morning, all")
    for client in (alice, bob):
        client.sync_until(lambda answer: event_id in event_ids(answer, room_id))
