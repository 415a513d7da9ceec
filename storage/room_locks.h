#ifndef STORAGE_ROOM_LOCKS_H
#define STORAGE_ROOM_LOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct db;

/*
 * Work on a room that one process of all on the database may do at a time, and that commits more
 * than once. A lock belongs to the session of `db`: a process that dies lets go of it. Threads of
 * one process use a singleflight before it, so that they do not all poll.
 */
enum room_work {
    ROOM_WORK_HISTORY = 7358, /* storing what was fetched of its past */
    ROOM_WORK_UPGRADE = 7359,
};

/* Waits for it, up to `wait_ms`: `*is_ours_out` is false when somebody else kept it all the time,
 * otherwise room_lock_let_go() must follow. */
enum errcode room_lock_take(struct db *db, enum room_work work, const char *room_id,
                            int64_t wait_ms, bool *is_ours_out) MUST_CHECK;
enum errcode room_lock_let_go(struct db *db, enum room_work work, const char *room_id) MUST_CHECK;

#endif
