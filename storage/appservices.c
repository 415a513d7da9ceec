/* Queues and transactions of application services. */
#include "storage/appservices.h"

#include "homeserver/base/arena.h"
#include "storage/statements.h"

enum {
    LOCK,
    REGISTER,
    STREAM_POSITION,
    EVENTS,
    MEMBERS,
    MEMBERSHIP_BEFORE,
    MESSAGES,
    ENQUEUE,
    ADVANCE,
    LOAD,
    QUEUE,
    BEGIN,
    DONE,
    FAILED,
    RECEIPTS,
    RECEIPTS_AT,
    TO_DEVICE
};

/* clang-format off */
static const struct db_statement statements[] = {
    /* The lock is the session's; taking it again counts it again, which does no harm. */
    [LOCK] = {"appservices_lock",
        "SELECT pg_try_advisory_lock(1112, 27)"},

    [REGISTER] = {"appservices_register",
        "WITH known AS ( "
        "  SELECT count(*) AS count FROM appservices WHERE appservice_id = ANY ($1)), "
        "added AS ( "
        "  INSERT INTO appservices (appservice_id, since_position) "
        "  SELECT id, $2 FROM unnest($1::text[]) AS id "
        "      ON CONFLICT (appservice_id) DO NOTHING "
        "  RETURNING appservice_id) "
        "UPDATE appservice_stream SET position = $2 "
        " WHERE position < $2 AND (SELECT count FROM known) = 0 "
        "   AND EXISTS (SELECT 1 FROM added)"},

    [STREAM_POSITION] = {"appservice_stream_position",
        "SELECT position FROM appservice_stream"},

    [EVENTS] = {"appservice_events",
        "SELECT e.position, e.event_nid, e.room_nid, r.room_id, e.sender_nid, u.user_id, "
        "       CASE WHEN k.type = 'm.room.member' THEN k.state_key END "
        "  FROM events e "
        "  JOIN rooms r ON r.room_nid = e.room_nid "
        "  JOIN users u ON u.user_nid = e.sender_nid "
        "  LEFT JOIN state_keys k ON k.state_key_nid = e.state_key_nid "
        " WHERE e.position > 0 AND e.position > $1 AND e.position <= $2 AND e.flags & 7 = 0 "
        " ORDER BY e.position "
        " LIMIT $3"},

    [MEMBERS] = {"appservice_members",
        "SELECT m.user_nid, u.user_id, m.membership IN (1, 2), m.position "
        "  FROM memberships m "
        "  JOIN users u ON u.user_nid = m.user_nid "
        " WHERE m.room_nid = $1 AND m.is_local "
        "   AND (m.membership IN (1, 2) OR m.position >= $2) "
        " ORDER BY m.user_nid"},

    [MEMBERSHIP_BEFORE] = {"appservice_membership_before",
        "SELECT e.event_nid "
        "  FROM events e "
        "  JOIN state_keys k ON k.state_key_nid = e.state_key_nid "
        " WHERE e.room_nid = $1 AND k.type = 'm.room.member' AND k.state_key = $2 "
        "   AND e.position > 0 AND e.position < $3 AND e.flags & 7 = 0 "
        " ORDER BY e.position DESC "
        " LIMIT 1"},

    [MESSAGES] = {"appservice_messages",
        "SELECT m.position, a.appservice_id "
        "  FROM to_device_messages m "
        "  JOIN accounts a ON a.user_nid = m.user_nid "
        " WHERE m.position > $1 AND m.position <= $2 AND a.appservice_id IS NOT NULL "
        " GROUP BY m.position, a.appservice_id "
        " ORDER BY m.position, a.appservice_id"},

    [ENQUEUE] = {"appservice_enqueue",
        "INSERT INTO appservice_queue (appservice_id, position, kind, event_nid) "
        "SELECT n.id, n.position, n.kind, n.event_nid "
        "  FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[]) "
        "    AS n (id, position, kind, event_nid) "
        "    ON CONFLICT (appservice_id, position, kind) DO NOTHING"},

    [ADVANCE] = {"appservice_stream_advance",
        "UPDATE appservice_stream SET position = $1 WHERE position < $1"},

    [LOAD] = {"appservice_load",
        "SELECT since_position, last_txn_id, txn_body, failures, next_try_ts "
        "  FROM appservices "
        " WHERE appservice_id = $1"},

    [QUEUE] = {"appservice_queue_read",
        "SELECT position, kind, event_nid "
        "  FROM appservice_queue "
        " WHERE appservice_id = $1 "
        " ORDER BY position, kind "
        " LIMIT $2"},

    [BEGIN] = {"appservice_transaction_begin",
        "UPDATE appservices "
        "   SET last_txn_id = $2, txn_body = $3, txn_until = $4 "
        " WHERE appservice_id = $1 AND txn_body IS NULL AND last_txn_id = $2 - 1"},

    [DONE] = {"appservice_transaction_done",
        "WITH done AS ( "
        "  UPDATE appservices SET txn_body = NULL, failures = 0, next_try_ts = 0 "
        "   WHERE appservice_id = $1 AND last_txn_id = $2 AND txn_body IS NOT NULL "
        "  RETURNING txn_until), "
        "told AS ( "
        "  DELETE FROM appservice_queue q USING done "
        "   WHERE q.appservice_id = $1 AND q.position <= done.txn_until "
        "  RETURNING q.position, q.kind) "
        "DELETE FROM to_device_messages m USING accounts a "
        " WHERE a.user_nid = m.user_nid AND a.appservice_id = $1 "
        "   AND m.position IN (SELECT position FROM told WHERE kind = 4)"},

    [FAILED] = {"appservice_transaction_failed",
        "UPDATE appservices SET failures = failures + 1, next_try_ts = $3 "
        " WHERE appservice_id = $1 AND last_txn_id = $2"},

#define RECEIPT_ROWS                                                                               \
        "SELECT c.room_nid, c.type, c.thread, c.event_id, c.ts, u.user_id, c.position, r.room_id, " \
        "       CASE WHEN c.type = 2 THEN a.appservice_id END "                                    \
        "  FROM receipts c "                                                                       \
        "  JOIN users u ON u.user_nid = c.user_nid "                                               \
        "  JOIN rooms r ON r.room_nid = c.room_nid "                                               \
        "  LEFT JOIN accounts a ON a.user_nid = c.user_nid "                                       \
        " WHERE (c.type = 1 OR a.appservice_id IS NOT NULL) "

    [RECEIPTS] = {"appservice_receipts",
        RECEIPT_ROWS
        "   AND c.position > $1 AND c.position <= $2 "
        " ORDER BY c.position"},

    [RECEIPTS_AT] = {"appservice_receipts_at",
        RECEIPT_ROWS
        "   AND c.position = ANY ($1) "
        " ORDER BY c.position"},

    [TO_DEVICE] = {"appservice_to_device",
        "SELECT receiver.user_id, m.device_id, sender.user_id, m.type, m.content "
        "  FROM to_device_messages m "
        "  JOIN accounts a ON a.user_nid = m.user_nid AND a.appservice_id = $1 "
        "  JOIN users receiver ON receiver.user_nid = m.user_nid "
        "  JOIN users sender ON sender.user_nid = m.sender_nid "
        " WHERE m.position = ANY ($2) "
        " ORDER BY m.position, receiver.user_id, m.device_id"},
};
STATEMENT_TABLE(appservices, statements);
/* clang-format on */

enum errcode appservice_lock(struct db *db, struct arena *arena, bool *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOCK], NO_PARAMS, &rows));
    *out = rows_bool(rows, 0, 0);
    return OK;
}

enum errcode appservices_register(struct db *db, const char *const *ids, size_t count,
                                  int64_t position)
{
    return db_execute(db, &statements[REGISTER], PARAMS(TEXT_ARRAY(ids, count), INT(position)),
                      NULL);
}

enum errcode appservice_stream_position(struct db *db, struct arena *arena, int64_t *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[STREAM_POSITION], NO_PARAMS, &rows));
    *out = rows_int(rows, 0, 0);
    return OK;
}

enum errcode appservice_events(struct db *db, struct arena *arena, struct position_range range,
                               struct appservice_event **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[EVENTS],
                 PARAMS(INT(range.since), INT(range.until), INT(range.limit)), &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct appservice_event);
    for (size_t i = 0; i < *count_out; i++) {
        (*out)[i] = (struct appservice_event){
            .position = rows_int(rows, i, 0),
            .event_nid = rows_int(rows, i, 1),
            .room_nid = rows_int(rows, i, 2),
            .room_id = rows_text(rows, i, 3),
            .sender_nid = rows_int(rows, i, 4),
            .sender = rows_text(rows, i, 5),
            .member = rows_text(rows, i, 6),
        };
    }
    return OK;
}

enum errcode appservice_members(struct db *db, struct arena *arena, int64_t room_nid,
                                int64_t position, struct appservice_member **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[MEMBERS], PARAMS(INT(room_nid), INT(position)), &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct appservice_member);
    for (size_t i = 0; i < *count_out; i++) {
        (*out)[i] = (struct appservice_member){
            .user_nid = rows_int(rows, i, 0),
            .user_id = rows_text(rows, i, 1),
            .is_in_room = rows_bool(rows, i, 2),
            .position = rows_int(rows, i, 3),
        };
    }
    return OK;
}

enum errcode appservice_membership_before(struct db *db, struct arena *arena, int64_t room_nid,
                                          const char *user_id, int64_t position, int64_t *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[MEMBERSHIP_BEFORE],
                 PARAMS(INT(room_nid), TEXT(user_id), INT(position)), &rows));
    *out = rows_count(rows) > 0 ? rows_int(rows, 0, 0) : 0;
    return OK;
}

enum errcode appservice_messages(struct db *db, struct arena *arena, struct position_range range,
                                 struct appservice_message **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[MESSAGES], PARAMS(INT(range.since), INT(range.until)),
                 &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct appservice_message);
    for (size_t i = 0; i < *count_out; i++)
        (*out)[i] = (struct appservice_message){rows_int(rows, i, 0), rows_text(rows, i, 1)};
    return OK;
}

enum errcode appservice_stream_advance(struct db *db, int64_t position,
                                       const struct appservice_items *items)
{
    SCOPED(db_transaction_end) struct db *tx = NULL;

    if (items->count == 0)
        return db_execute(db, &statements[ADVANCE], PARAMS(INT(position)), NULL);
    TRY(db_begin(db, &tx));
    TRY(db_execute(tx, &statements[ENQUEUE],
                   PARAMS(TEXT_ARRAY(items->appservice_ids, items->count),
                          INT_ARRAY(items->positions, items->count),
                          INT_ARRAY(items->kinds, items->count),
                          INT_ARRAY(items->event_nids, items->count)),
                   NULL));
    TRY(db_execute(tx, &statements[ADVANCE], PARAMS(INT(position)), NULL));
    return db_commit(&tx);
}

enum errcode appservice_load(struct db *db, struct arena *arena, const char *id,
                             struct appservice_state *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD], PARAMS(TEXT(id)), &rows));
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    *out = (struct appservice_state){
        .since_position = rows_int(rows, 0, 0),
        .last_txn_id = rows_int(rows, 0, 1),
        .failures = rows_int(rows, 0, 3),
        .next_try_ts = rows_int(rows, 0, 4),
    };
    out->txn_body = rows_bytes(rows, 0, 2, &out->txn_body_size);
    return OK;
}

enum errcode appservice_queue(struct db *db, struct arena *arena, const char *id, int64_t limit,
                              struct appservice_item **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[QUEUE], PARAMS(TEXT(id), INT(limit)), &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct appservice_item);
    for (size_t i = 0; i < *count_out; i++) {
        (*out)[i] = (struct appservice_item){
            .position = rows_int(rows, i, 0),
            .kind = (enum appservice_item_kind)rows_int(rows, i, 1),
            .event_nid = rows_int(rows, i, 2),
        };
    }
    return OK;
}

enum errcode appservice_transaction_begin(struct db *db, const struct appservice_transaction *txn)
{
    int64_t begun;

    TRY(db_execute(db, &statements[BEGIN],
                   PARAMS(TEXT(txn->appservice_id), INT(txn->txn_id),
                          BYTES(txn->body, txn->body_size), INT(txn->until)),
                   &begun));
    return begun == 1 ? OK : E_CONFLICT;
}

enum errcode appservice_transaction_done(struct db *db, const char *id, int64_t txn_id)
{
    return db_execute(db, &statements[DONE], PARAMS(TEXT(id), INT(txn_id)), NULL);
}

enum errcode appservice_transaction_failed(struct db *db, const char *id, int64_t txn_id,
                                           int64_t next_try_ts)
{
    return db_execute(db, &statements[FAILED], PARAMS(TEXT(id), INT(txn_id), INT(next_try_ts)),
                      NULL);
}

enum errcode appservice_to_device_load(struct db *db, struct arena *arena, const char *id,
                                       struct nid_list positions, struct appservice_to_device **out,
                                       size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[TO_DEVICE],
                 PARAMS(TEXT(id), INT_ARRAY(positions.items, positions.count)), &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct appservice_to_device);
    for (size_t i = 0; i < *count_out; i++) {
        (*out)[i] = (struct appservice_to_device){
            .to_user_id = rows_text(rows, i, 0),
            .to_device_id = rows_text(rows, i, 1),
            .sender = rows_text(rows, i, 2),
            .type = rows_text(rows, i, 3),
            .content = rows_text(rows, i, 4),
        };
    }
    return OK;
}

static void read_receipts(const struct db_rows *rows, struct arena *arena,
                          struct appservice_receipt **out, size_t *count_out)
{
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct appservice_receipt);
    for (size_t i = 0; i < *count_out; i++) {
        (*out)[i] = (struct appservice_receipt){
            .receipt =
                {
                    .room_nid = rows_int(rows, i, 0),
                    .type = (enum receipt_type)rows_int(rows, i, 1),
                    .thread = rows_text(rows, i, 2),
                    .event_id = rows_text(rows, i, 3),
                    .ts = rows_int(rows, i, 4),
                    .user_id = rows_text(rows, i, 5),
                    .position = rows_int(rows, i, 6),
                },
            .room_id = rows_text(rows, i, 7),
            .appservice_id = rows_text(rows, i, 8),
        };
    }
}

enum errcode appservice_receipts(struct db *db, struct arena *arena, struct position_range range,
                                 struct appservice_receipt **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[RECEIPTS], PARAMS(INT(range.since), INT(range.until)),
                 &rows));
    read_receipts(rows, arena, out, count_out);
    return OK;
}

enum errcode appservice_receipts_load(struct db *db, struct arena *arena, struct nid_list positions,
                                      struct appservice_receipt **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[RECEIPTS_AT],
                 PARAMS(INT_ARRAY(positions.items, positions.count)), &rows));
    read_receipts(rows, arena, out, count_out);
    return OK;
}
