"""SIGTERM: what waits is answered, what runs is finished, and the server ends in time."""

import concurrent.futures
import signal
import time

import pytest

from client import Client

SYNC = "/_matrix/client/v3/sync"
LONG_MS = 60_000
WAITS_SECONDS = 1
STOPS_WITHIN_SECONDS = 10


def begin_long_poll(pool, client):
    """A sync that waits: the first ones may have something to tell."""
    since = client.get(SYNC)["next_batch"]
    for _ in range(10):
        poll = pool.submit(client.get, SYNC, query={"since": since, "timeout": LONG_MS})
        try:
            since = poll.result(timeout=WAITS_SECONDS)["next_batch"]
        except concurrent.futures.TimeoutError:
            return poll
    pytest.fail("a sync without news does not wait")


def test_a_long_poll_is_answered_and_the_server_ends(private_server):
    anna = Client(private_server.base_url).register("anna")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        poll = begin_long_poll(pool, anna)
        started = time.monotonic()
        private_server.process.send_signal(signal.SIGTERM)
        assert "next_batch" in poll.result(timeout=STOPS_WITHIN_SECONDS)
        assert private_server.process.wait(STOPS_WITHIN_SECONDS) == 0
        assert time.monotonic() - started < STOPS_WITHIN_SECONDS
    private_server.start()  # the fixture wants to stop it, too
