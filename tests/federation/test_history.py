"""What was said before this server came into a room, fetched when somebody reads so far back."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from client import Client
from conftest import federating_server
from homeserver import running
from room_locks import HISTORY, another_at_work


@pytest.fixture(scope="module")
def other_server(authority):
    with running(federating_server(authority)) as other:
        yield other


def everything_before(client, room_id, limit):
    """Bodies of all messages, newest first, page by page from the end."""
    bodies, start = [], {}
    while True:
        page = client.messages(room_id, "b", limit=limit, **start)
        bodies += [e["content"].get("body") for e in page["chunk"] if e["type"] == "m.room.message"]
        if "end" not in page:
            return bodies
        start = {"from_": page["end"]}


def join_what_was_talked_in(server, alice, other_server, messages):
    """bob of the other server, the room of alice that he joins, and what she had said there before."""
    bob = Client(other_server.base_url).register("bob")
    room_id = alice.create_room(preset="public_chat")
    said = [f"message {i}" for i in range(messages)]
    for text in said:
        alice.send_text(room_id, text)
    bob.join(room_id, query=[("via", server.server_name)])
    return bob, room_id, said


@pytest.mark.parametrize("limit", [7, 100])
def test_history_from_before_the_join_is_fetched(server, alice, other_server, limit):
    bob, room_id, said = join_what_was_talked_in(server, alice, other_server, 130)
    assert everything_before(bob, room_id, limit) == list(reversed(said))


def test_history_is_fetched_by_one_process_at_a_time(server, alice, other_server):
    bob, room_id, said = join_what_was_talked_in(server, alice, other_server, 12)
    with another_at_work(other_server, room_id, HISTORY) as let_go_when, ThreadPoolExecutor(1) as pool:
        reading = pool.submit(everything_before, bob, room_id, 100)
        let_go_when(1, reading.done)
        assert reading.result(timeout=60) == list(reversed(said))


def test_history_that_was_hidden_stays_hidden(server, alice, other_server):
    bob = Client(other_server.base_url).register("bob")
    room_id = alice.create_room(
        preset="public_chat",
        initial_state=[
            {"type": "m.room.history_visibility", "content": {"history_visibility": "joined"}}
        ],
    )
    alice.send_text(room_id, "only for those who are here")
    bob.join(room_id, query=[("via", server.server_name)])
    seen = alice.send_text(room_id, "for both")
    bob.sync_until(lambda answer: seen in str(answer))
    assert everything_before(bob, room_id, 50) == ["for both"]
