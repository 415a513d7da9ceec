/* Threads that users follow. */
#include "storage/thread_subscriptions.h"

#include "homeserver/base/arena.h"
#include "storage/journal.h"
#include "storage/statements.h"

#define COLUMNS                                                                                    \
    "t.user_nid, t.room_nid, t.root_event_id, t.is_subscribed, t.is_automatic, "                   \
    "t.unsubscribed_position, t.position, r.room_id "

enum { LOAD, SUBSCRIBE, UNSUBSCRIBE, CHANGED };

static const struct db_statement statements[] = {
    [LOAD] = {"thread_subscription_load",
              "SELECT " COLUMNS "  FROM thread_subscriptions t JOIN rooms r USING (room_nid) "
              " WHERE t.user_nid = $1 AND t.room_nid = $2 AND t.root_event_id = $3"},

    [SUBSCRIBE] = {"thread_subscribe",
                   "INSERT INTO thread_subscriptions AS old (user_nid, room_nid, root_event_id, "
                   "                             is_subscribed, is_automatic, position) "
                   "VALUES ($1, $2, $3, true, $4, $5) "
                   "    ON CONFLICT (user_nid, room_nid, root_event_id) DO UPDATE "
                   "   SET is_subscribed = true, is_automatic = EXCLUDED.is_automatic, "
                   "       position = EXCLUDED.position "
                   " WHERE CASE WHEN EXCLUDED.is_automatic "
                   "            THEN NOT old.is_subscribed AND old.unsubscribed_position < $6 "
                   "            ELSE NOT old.is_subscribed OR old.is_automatic END"},

    [UNSUBSCRIBE] = {"thread_unsubscribe",
                     "UPDATE thread_subscriptions "
                     "   SET is_subscribed = false, unsubscribed_position = $4, position = $4 "
                     " WHERE user_nid = $1 AND room_nid = $2 AND root_event_id = $3 "
                     "   AND is_subscribed"},

    [CHANGED] = {"thread_subscriptions_changed",
                 "SELECT " COLUMNS "  FROM thread_subscriptions t JOIN rooms r USING (room_nid) "
                 " WHERE t.user_nid = $1 AND t.position > $2 AND t.position <= $3 "
                 " ORDER BY t.position DESC "
                 " LIMIT $4"},
};

STATEMENT_TABLE(thread_subscriptions, statements);

static struct thread_subscription read_row(const struct db_rows *rows, size_t row)
{
    return (struct thread_subscription){
        .user_nid = rows_int(rows, row, 0),
        .room_nid = rows_int(rows, row, 1),
        .root_event_id = rows_text(rows, row, 2),
        .is_subscribed = rows_bool(rows, row, 3),
        .is_automatic = rows_bool(rows, row, 4),
        .unsubscribed_position = rows_int(rows, row, 5),
        .position = rows_int(rows, row, 6),
        .room_id = rows_text(rows, row, 7),
    };
}

enum errcode thread_subscription_load(struct db *db, struct arena *arena, int64_t user_nid,
                                      int64_t room_nid, const char *root_event_id,
                                      struct thread_subscription *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD],
                 PARAMS(INT(user_nid), INT(room_nid), TEXT(root_event_id)), &rows));
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    *out = read_row(rows, 0);
    return OK;
}

void thread_subscribe_in(struct journal_entry *entry,
                         const struct thread_subscription *subscription, int64_t cause_position)
{
    journal_entry_add(entry, &statements[SUBSCRIBE],
                      PARAMS(INT(subscription->user_nid), INT(subscription->room_nid),
                             TEXT(subscription->root_event_id), BOOL(subscription->is_automatic),
                             POSITION, INT(cause_position)));
}

void thread_unsubscribe_in(struct journal_entry *entry,
                           const struct thread_subscription *subscription)
{
    journal_entry_add(entry, &statements[UNSUBSCRIBE],
                      PARAMS(INT(subscription->user_nid), INT(subscription->room_nid),
                             TEXT(subscription->root_event_id), POSITION));
}

enum errcode thread_subscriptions_changed(struct db *db, struct arena *arena, int64_t user_nid,
                                          struct position_range range,
                                          struct thread_subscription **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[CHANGED],
                 PARAMS(INT(user_nid), INT(range.since), INT(range.until), INT(range.limit)),
                 &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct thread_subscription);
    for (size_t i = 0; i < *count_out; i++)
        (*out)[i] = read_row(rows, i);
    return OK;
}
