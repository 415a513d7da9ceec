"""Three servers of ours in three network namespaces: partition, random operations, heal, converge. All that happens
follows from a seed; after each round the resolved state is the same everywhere and no event is lost."""

import random
import re
import time

import httpx
import pytest
from client import Client
from invariants import connect
from namespaces import Network
from two_sides import verify

ROUNDS, ROUNDS_FULL = 3, 50
OPERATIONS = 8  # of each server, in a round
PATIENCE_SECONDS = 120
SEED = 4711


class Site:
    """A server with two users of its own: one who rules the room with the others' rulers, and one who does not."""

    def __init__(self, server, name):
        self.server = server
        self.ruler = Client(server.base_url).register(f"ruler-{name}")
        self.member = Client(server.base_url).register(f"member-{name}")
        self.sent = []


@pytest.fixture
def network(authority):
    with Network(authority) as network:
        yield network
        for server in network.servers:
            server.shut_down_and_check()


def attempt(site, action):
    """Operations may be refused: who may do what changes all the time."""
    try:
        answer = action()
    except AssertionError as refused:
        assert re.search(r"answered 4\d\d instead", str(refused)), refused
        return
    if isinstance(answer, str) and answer.startswith("$"):
        site.sent.append(answer)


def operate(rng, site, sites, room_id):
    other = rng.choice(sites)
    ruler, member, target = site.ruler, site.member, other.member.user_id
    path = "/_matrix/client/v3/rooms/{}"

    def membership(word):
        return lambda: ruler.post(f"{path}/{word}", room_id, body={"user_id": target})

    def change_levels():
        levels = ruler.state(room_id, "m.room.power_levels")
        levels["users"][target] = rng.choice([0, 50])
        return ruler.set_state(room_id, "m.room.power_levels", levels)

    actions = [
        (6, lambda: ruler.send_text(room_id, str(rng.random()))),
        (6, lambda: member.send_text(room_id, str(rng.random()))),
        (3, lambda: rng.choice([ruler, member]).set_state(room_id, "m.room.topic", {"topic": str(rng.random())})),
        (2, lambda: ruler.set_state(room_id, "m.room.name", {"name": str(rng.random())})),
        (2, membership("kick")),
        (1, membership("ban")),
        (2, membership("unban")),
        (3, lambda: member.post(f"{path}/join", room_id)),
        (1, lambda: member.leave(room_id)),
        (2, change_levels),
        (1, lambda: ruler.redact(room_id, rng.choice(site.sent)) if site.sent else None),
    ]
    action = rng.choices([a for _, a in actions], [w for w, _ in actions])[0]
    attempt(site, action)


def partitions(servers):
    a, b, c = servers
    return [([a], [b, c]), ([b], [a, c]), ([c], [a, b]), ([a], [b], [c])]


def stored_events(site, room_id):
    """Without what is only known as an auth event."""
    with connect(site.server) as database:
        rows = database.execute(
            "SELECT event_id FROM events JOIN rooms USING (room_nid) WHERE room_id = %s AND flags & 4 = 0", [room_id]
        )
        return {row[0] for row in rows}


def state_of(site, room_id):
    state = site.ruler.get("/_matrix/client/v3/rooms/{}/state", room_id)
    return {(e["type"], e["state_key"]): e["event_id"] for e in state}


def wait_until(holds, what):
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < give_up, f"{what()} after {PATIENCE_SECONDS} s"
        time.sleep(0.1)


def converge(sites, room_id):
    """Everybody says something upon all they have heard, and then all have the same."""
    sent = [event_id for site in sites for event_id in site.sent]

    def missing():
        return [len(set(sent) - stored_events(site, room_id)) for site in sites]

    wait_until(lambda: not any(missing()), lambda: f"events missing: {missing()}")
    for site in sites:
        site.sent.append(site.ruler.send_text(room_id, "here"))
    sent = [event_id for site in sites for event_id in site.sent]
    wait_until(lambda: not any(missing()), lambda: f"events missing: {missing()}")

    def states():
        return [state_of(site, room_id) for site in sites]

    def differences():
        known = states()
        return {key: [s.get(key) for s in known] for s in known for key in s if len({k.get(key) for k in known}) > 1}

    wait_until(lambda: not differences(), lambda: f"states differ: {differences()}")


@pytest.mark.timeout(1800)
def test_three_servers_converge_after_every_partition(network, full):
    rng = random.Random(SEED)
    sites = [Site(network.start_server(), name) for name in ("a", "b", "c")]
    first, *others = sites
    rulers = {site.ruler.user_id: 100 for site in sites}
    room_id = first.ruler.create_room(
        preset="public_chat", room_version="11", power_level_content_override={"users": rulers}
    )
    via = {"via": first.server.server_name}
    for client in [c for site in others for c in (site.ruler, site.member)]:
        client.join(room_id, query=via)
    first.member.join(room_id)
    converge(sites, room_id)
    for round_number in range(ROUNDS_FULL if full else ROUNDS):
        network.partition(*rng.choice(partitions(network.servers)))
        for _ in range(OPERATIONS):
            for site in rng.sample(sites, len(sites)):
                operate(rng, site, sites, room_id)
        network.heal()
        try:
            converge(sites, room_id)
        except (AssertionError, httpx.HTTPError) as failure:
            raise AssertionError(f"round {round_number + 1} of seed {SEED}: {failure}") from failure
    for site in sites:
        result = verify(site.server, room_id)
        assert result.returncode == 0, result.stdout + result.stderr
