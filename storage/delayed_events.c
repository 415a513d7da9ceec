/* Events that are to be sent later. */
#include "storage/delayed_events.h"

#include "homeserver/base/arena.h"
#include "storage/statements.h"

#define DELAYED_COLUMNS                                                                            \
    "d.delay_id, d.user_nid, u.user_id, d.txn_key, d.room_id, d.type, d.state_key, d.content, "    \
    "d.delay_ms, d.running_since_ts "
#define FROM_DELAYED "  FROM delayed_events d JOIN users u USING (user_nid) "

enum { FIND_TRANSACTION, ADD, LOAD, OF_USER, DUE, RESTART, FINISH, EXPIRE };

/* clang-format off */
static const struct db_statement statements[] = {
    [FIND_TRANSACTION] = {"delayed_event_find_transaction",
        "SELECT delay_id FROM delayed_events WHERE user_nid = $1 AND txn_key = $2"},

    [ADD] = {"delayed_event_add",
        "INSERT INTO delayed_events (delay_id, user_nid, txn_key, room_id, type, state_key, "
        "                            content, delay_ms, running_since_ts, due_ts) "
        "SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $9::bigint + $8::bigint "
        " WHERE (SELECT count(*) FROM delayed_events "
        "         WHERE user_nid = $2 AND done_ts IS NULL) < $10"},

    [LOAD] = {"delayed_event_load",
        "SELECT " DELAYED_COLUMNS FROM_DELAYED
        " WHERE d.delay_id = $1 AND d.done_ts IS NULL"},

    [OF_USER] = {"delayed_events_of_user",
        "SELECT " DELAYED_COLUMNS FROM_DELAYED
        " WHERE d.user_nid = $1 AND d.done_ts IS NULL "
        " ORDER BY d.due_ts, d.delay_id"},

    [DUE] = {"delayed_events_due",
        "SELECT " DELAYED_COLUMNS FROM_DELAYED
        " WHERE d.due_ts <= $1 AND d.done_ts IS NULL "
        " ORDER BY d.due_ts, d.delay_id "
        " LIMIT $2"},

    [RESTART] = {"delayed_event_restart",
        "UPDATE delayed_events SET running_since_ts = $2, due_ts = $2 + delay_ms "
        " WHERE delay_id = $1 AND done_ts IS NULL"},

    [FINISH] = {"delayed_event_finish",
        "UPDATE delayed_events SET done_ts = $2 WHERE delay_id = $1 AND done_ts IS NULL"},

    [EXPIRE] = {"delayed_events_expire",
        "DELETE FROM delayed_events WHERE done_ts < $1"},
};
STATEMENT_TABLE(delayed_events, statements);
/* clang-format on */

static void read_all(struct db_rows *rows, struct arena *arena, struct delayed_event **out,
                     size_t *count_out)
{
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct delayed_event);
    for (size_t i = 0; i < *count_out; i++)
        (*out)[i] = (struct delayed_event){
            .delay_id = rows_text(rows, i, 0),
            .user_nid = rows_int(rows, i, 1),
            .user_id = rows_text(rows, i, 2),
            .txn_key = rows_text(rows, i, 3),
            .room_id = rows_text(rows, i, 4),
            .type = rows_text(rows, i, 5),
            .state_key = rows_text(rows, i, 6),
            .content = rows_text(rows, i, 7),
            .delay_ms = rows_int(rows, i, 8),
            .running_since_ts = rows_int(rows, i, 9),
        };
}

enum errcode delayed_event_find_transaction(struct db *db, struct arena *arena, int64_t user_nid,
                                            const char *txn_key, const char **delay_id_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[FIND_TRANSACTION], PARAMS(INT(user_nid), TEXT(txn_key)),
                 &rows));
    *delay_id_out = rows_count(rows) > 0 ? rows_text(rows, 0, 0) : NULL;
    return OK;
}

enum errcode delayed_event_add(struct db *db, const struct delayed_event *event)
{
    int64_t added;

    TRY(db_execute(db, &statements[ADD],
                   PARAMS(TEXT(event->delay_id), INT(event->user_nid), TEXT(event->txn_key),
                          TEXT(event->room_id), TEXT(event->type), TEXT(event->state_key),
                          TEXT(event->content), INT(event->delay_ms), INT(event->running_since_ts),
                          INT(DELAYED_EVENTS_PER_USER_MAX)),
                   &added));
    return added > 0 ? OK : M_LIMIT_EXCEEDED;
}

enum errcode delayed_event_load(struct db *db, struct arena *arena, const char *delay_id,
                                struct delayed_event *out)
{
    struct delayed_event *events;
    struct db_rows *rows;
    size_t count;

    TRY(db_query(db, arena, &statements[LOAD], PARAMS(TEXT(delay_id)), &rows));
    read_all(rows, arena, &events, &count);
    if (count == 0)
        return M_NOT_FOUND;
    *out = events[0];
    return OK;
}

enum errcode delayed_events_of_user(struct db *db, struct arena *arena, int64_t user_nid,
                                    struct delayed_event **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[OF_USER], PARAMS(INT(user_nid)), &rows));
    read_all(rows, arena, out, count_out);
    return OK;
}

enum errcode delayed_events_due(struct db *db, struct arena *arena, int64_t now_ms, int64_t limit,
                                struct delayed_event **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[DUE], PARAMS(INT(now_ms), INT(limit)), &rows));
    read_all(rows, arena, out, count_out);
    return OK;
}

static enum errcode change(struct db *db, const struct db_statement *statement,
                           const char *delay_id, int64_t now_ms)
{
    int64_t changed;

    TRY(db_execute(db, statement, PARAMS(TEXT(delay_id), INT(now_ms)), &changed));
    return changed > 0 ? OK : M_NOT_FOUND;
}

enum errcode delayed_event_restart(struct db *db, const char *delay_id, int64_t now_ms)
{
    return change(db, &statements[RESTART], delay_id, now_ms);
}

enum errcode delayed_event_finish(struct db *db, const char *delay_id, int64_t now_ms)
{
    return change(db, &statements[FINISH], delay_id, now_ms);
}

enum errcode delayed_events_expire(struct db *db, int64_t before_ts)
{
    return db_execute(db, &statements[EXPIRE], PARAMS(INT(before_ts)), NULL);
}
