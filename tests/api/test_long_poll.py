"""Thousands of clients waiting in /sync: what each costs, and that a message reaches all of them.

The default run parks fewer connections than the full one (script/test --full: 5,000 connections, and a room of
1,000 waiting clients).
"""

import asyncio
import json
import urllib.parse

import pytest
from client import CLIENT, Client

# How long waiting clients must stay unanswered before they count as parked.
QUIET_SECONDS = 2
REACH_SECONDS = 60
# That so many newcomers are online would be news of its own.
ROOMS_ONLY = json.dumps({"presence": {"not_types": ["*"]}})


class LongPoll:
    """One /sync on a connection of its own, over bare sockets: a thousand HTTP clients would be the load."""

    def __init__(self, server, client, since):
        self.server = server
        query = urllib.parse.urlencode(
            {"since": since, "timeout": 1000 * REACH_SECONDS, "filter": ROOMS_ONLY}
        )
        self.request = (
            f"GET {CLIENT}/sync?{query} HTTP/1.1\r\nHost: {server.server_name}\r\n"
            f"Authorization: Bearer {client.token}\r\nConnection: close\r\n\r\n"
        ).encode()

    async def park(self):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        self.writer.write(self.request)
        await self.writer.drain()
        self.answer = asyncio.create_task(self.reader.read())

    async def body(self):
        head, _, body = (await self.answer).partition(b"\r\n\r\n")
        self.hang_up()
        assert head.startswith(b"HTTP/1.1 200 "), head + body
        return body

    def hang_up(self):
        self.writer.close()


async def park_all(server, clients, connections):
    """`connections` long polls, shared out over the clients; returns them once all are waiting."""
    since = {client: client.sync()["next_batch"] for client in clients}
    polls = [LongPoll(server, client, since[client]) for client in take(clients, connections)]
    for start in range(0, len(polls), 100):
        await asyncio.gather(*(poll.park() for poll in polls[start : start + 100]))
    answered, _ = await asyncio.wait(
        [poll.answer for poll in polls], timeout=QUIET_SECONDS, return_when=asyncio.FIRST_COMPLETED
    )
    assert not answered, f"answered although nothing happened: {answered.pop().result()[:2000]}"
    return polls


def take(clients, count):
    return [clients[index % len(clients)] for index in range(count)]


def room_of(server, members):
    """A room whose members have all joined; the first is its creator."""
    anonymous = Client(server.base_url)
    creator = anonymous.register("creator")
    room_id = creator.create_room(preset="public_chat")
    clients = [anonymous.register("waiting") for _ in range(members)]
    for client in clients:
        client.join(room_id)
    return creator, room_id, clients


async def say_and_hear(creator, room_id, polls):
    loop = asyncio.get_running_loop()
    said = loop.time()
    event_id = await asyncio.to_thread(creator.send_text, room_id, "to everybody")
    bodies = await asyncio.wait_for(asyncio.gather(*(poll.body() for poll in polls)), REACH_SECONDS)
    deaf = sum(event_id.encode() not in body for body in bodies)
    assert deaf == 0, f"{deaf} of {len(polls)} waiting clients were answered without the message"
    return loop.time() - said


@pytest.mark.timeout(900)
def test_a_message_reaches_every_waiting_client(homeserver, full):
    members = 1000 if full else 200
    creator, room_id, clients = room_of(homeserver, members)

    async def scenario():
        polls = await park_all(homeserver, clients, members)
        return await say_and_hear(creator, room_id, polls)

    print(f"{members} waiting clients reached in {asyncio.run(scenario()):.2f} s")


@pytest.mark.timeout(900)
def test_parked_connections_cost_little_memory(private_server, full):
    connections = 5000 if full else 1000
    creator, room_id, clients = room_of(private_server, 50)

    async def scenario():
        # The first round pays for what is kept afterwards: buffers, caches, thread arenas.
        await say_and_hear(creator, room_id, await park_all(private_server, clients, 500))
        before = private_server.resident_bytes()
        polls = await park_all(private_server, clients, connections)
        parked = private_server.resident_bytes()
        seconds = await say_and_hear(creator, room_id, polls)
        return parked - before, seconds

    grown, seconds = asyncio.run(scenario())
    print(
        f"{connections} parked long polls: {grown / connections / 1024:.1f} KiB each "
        f"(sanitized build), all answered in {seconds:.2f} s"
    )


@pytest.mark.timeout(300)
def test_clients_that_hang_up_while_waiting_do_no_harm(homeserver):
    creator, room_id, clients = room_of(homeserver, 20)

    async def scenario():
        polls = await park_all(homeserver, clients, 200)
        for poll in polls[::2]:
            poll.answer.cancel()
            poll.hang_up()
        await say_and_hear(creator, room_id, polls[1::2])

    asyncio.run(scenario())
    assert creator.sync_until(lambda answer: room_id in answer.get("rooms", {}).get("join", {}))
