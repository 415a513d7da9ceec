"""Signals. SIGTERM: what waits is answered, what runs is finished, and the server ends in time."""

import concurrent.futures
import pathlib
import re
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


def blocked_signals(task):
    mask = int(re.search(r"SigBlk:\s+(\w+)", (task / "status").read_text()).group(1), 16)
    return {number for number in signal.Signals if mask >> (number - 1) & 1}


def test_no_thread_but_the_main_one_takes_signals(homeserver):
    ours = {signal.SIGHUP, signal.SIGTERM, signal.SIGINT}
    tasks = list(pathlib.Path(f"/proc/{homeserver.process.pid}/task").iterdir())
    others = [task for task in tasks if task.name != str(homeserver.process.pid)]
    assert len(others) > 10
    open_ones = [(task / "comm").read_text().strip() for task in others if not ours <= blocked_signals(task)]
    assert open_ones == []


def test_reloads_in_quick_succession_do_not_end_the_server(private_server):
    start = private_server.log_size()
    for _ in range(2000):
        private_server.process.send_signal(signal.SIGHUP)
    private_server.reload()
    assert private_server.is_running()
    assert Client(private_server.base_url).raw("GET", "/_matrix/client/versions").status_code == 200
    # Those that came while one was being read are one.
    assert private_server.log(start).count("The configuration was read again.") > 1
