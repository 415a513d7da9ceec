"""Random forked rooms, in random order, with losses and doubles: what the server makes of them, event by event and
from storage, is what `verify-room` makes of them from nothing, and no event is lost."""

import random

from invariants import connect
from malice import worked_off
from peer import FEDERATION
from random_room import RandomRoom
from two_sides import verify

EVENTS, EVENTS_FULL = 60, 300
SEEDS, SEEDS_FULL = 4, 100
VERSIONS = ["6", "10", "11", "12"]


def pytest_generate_tests(metafunc):
    if "seed" in metafunc.fixturenames:
        count = SEEDS_FULL if metafunc.config.getoption("--full") else SEEDS
        metafunc.parametrize("seed", range(1, count + 1))


def delivery(order, rng):
    """Batches of a random order in which parents mostly come first; some events not at all, some twice."""
    sent = [e for e in order if rng.random() > 0.15]
    sent += rng.sample(sent, len(sent) // 6)
    place = {id(e): i + rng.gauss(0, 4) for i, e in enumerate(order)}
    sent.sort(key=lambda e: place[id(e)] + rng.random())
    while sent:
        size = rng.choice([1, 2, 5, 10])
        yield sent[:size]
        sent = sent[size:]


def stored_ids(server, room):
    """What the server has, rejected and soft-failed events too."""
    with connect(server) as database:
        rows = database.execute(
            "SELECT event_id FROM events JOIN rooms USING (room_nid) WHERE room_id = %s AND flags & 4 = 0",
            [room.room_id],
        )
        return {row[0] for row in rows}


def test_the_server_and_the_checker_agree(server, alice, peer, seed, full):
    rng = random.Random(seed)
    version = VERSIONS[seed % len(VERSIONS)]
    users = [peer.user(name) for name in ("anna", "ben", "carl", "dora")]
    room_id = alice.create_room(
        preset="public_chat", room_version=version,
        power_level_content_override={"users": {
            **({} if version == "12" else {alice.user_id: 100}), users[0]: 99, users[1]: 50,
        }},
    )  # fmt: skip
    for name in ("anna", "ben", "carl", "dora"):
        room = peer.join(server, room_id, name)
    made = RandomRoom(room, users, rng)
    for _ in range(EVENTS_FULL if full else EVENTS):
        made.step()

    # State is not told, only events: what is missing comes by get_missing_events, or at the end.
    nothing = (404, {"errcode": "M_NOT_FOUND"})
    peer.answers[f"{FEDERATION}/v1/state"] = lambda *_: nothing
    helpful = peer.between
    peer.between = lambda body: [] if rng.random() < 0.3 else helpful({**body, "limit": rng.choice([2, 10])})
    for batch in delivery(made.order, rng):
        peer.send(server, batch)
        if rng.random() < 0.2:
            alice.send_text(room_id, "from this side")
    peer.between = helpful
    for start in range(0, len(made.order), 50):
        peer.send(server, made.order[start : start + 50])
    worked_off(server, room_id)

    wanted = {room.id_of(event) for event in made.order}
    assert wanted <= stored_ids(server, room)
    result = verify(server, room_id)
    assert result.returncode == 0, f"seed {seed}, version {version}:\n{result.stdout}{result.stderr}"
    assert "compared with the server's" in result.stdout
