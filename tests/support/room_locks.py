"""Another process on the database of a server, at work on a room: see storage/room_locks.h."""

import contextlib
import time

from invariants import connect

HISTORY, UPGRADE = 7358, 7359

WAITING = """
    SELECT count(*) FROM pg_stat_activity
     WHERE query LIKE '%%pg_try_advisory_lock(hashtextextended($1, $2))%%' AND query_start > %s
       AND pid <> pg_backend_pid()"""


@contextlib.contextmanager
def another_at_work(server, room_id, work):
    """Yields a function that waits until so many sessions ask for the lock, and then lets go of it."""
    with connect(server) as another, connect(server) as watcher:
        watcher.autocommit = True
        lock = (room_id, work)
        another.execute("SELECT pg_advisory_lock(hashtextextended(%s, %s))", lock)
        began = watcher.execute("SELECT clock_timestamp()").fetchone()[0]

        def let_go_when(sessions_wait, is_over):
            give_up = time.monotonic() + 60
            while watcher.execute(WAITING, (began,)).fetchone()[0] < sessions_wait:
                assert time.monotonic() < give_up and not is_over(), "nobody waits for the lock"
            assert not is_over()
            another.execute("SELECT pg_advisory_unlock(hashtextextended(%s, %s))", lock)

        yield let_go_when
