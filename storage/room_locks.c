/* Advisory locks of PostgreSQL, by room and kind of work. */
#include "storage/room_locks.h"

#include <time.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "storage/db.h"
#include "storage/statements.h"

enum { TAKE, LET_GO };

enum { LOOK_EVERY_MS = 20 };

static const struct db_statement statements[] = {
    [TAKE] = {"room_lock_take", "SELECT pg_try_advisory_lock(hashtextextended($1, $2))"},
    [LET_GO] = {"room_lock_let_go", "SELECT pg_advisory_unlock(hashtextextended($1, $2))"},
};
STATEMENT_TABLE(room_locks, statements);

static enum errcode ask(struct db *db, int statement, enum room_work work, const char *room_id,
                        bool *out)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[statement], PARAMS(TEXT(room_id), INT(work)), &rows));
    *out = rows_bool(rows, 0, 0);
    return OK;
}

/* The server's own waiting would end as a failed statement when it takes too long. */
enum errcode room_lock_take(struct db *db, enum room_work work, const char *room_id,
                            int64_t wait_ms, bool *is_ours_out)
{
    const int64_t until_ms = clock_monotonic_ms() + wait_ms;

    for (;;) {
        TRY(ask(db, TAKE, work, room_id, is_ours_out));
        if (*is_ours_out || clock_monotonic_ms() >= until_ms)
            return OK;
        nanosleep(&(struct timespec){0, LOOK_EVERY_MS * 1000000}, NULL);
    }
}

enum errcode room_lock_let_go(struct db *db, enum room_work work, const char *room_id)
{
    bool was_ours; /* no, when the connection was lost meanwhile */

    return ask(db, LET_GO, work, room_id, &was_ours);
}
