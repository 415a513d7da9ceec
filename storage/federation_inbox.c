/* The durable inbox of federation. */
#include "storage/federation_inbox.h"

#include "homeserver/base/arena.h"
#include "storage/statements.h"

enum { ADD_TRANSACTION, ADD_PDUS, FIND_ANSWER, LOAD, REMOVE, ROOMS, COUNT, LOCK, UNLOCK, EXPIRE };

/* Advisory locks are numbers: the room's ID is hashed, and this is the class. */
#define LOCK_CLASS "hashtextextended($1, 22)"

static const struct db_statement statements[] = {
    [ADD_TRANSACTION] =
        {"inbox_add_transaction",
         "INSERT INTO federation_transactions (origin, txn_id, answer, received_ts) "
         "VALUES ($1, $2, $3, $4)"},

    [ADD_PDUS] = {"inbox_add_pdus",
                  "INSERT INTO federation_inbox (room_id, origin, received_ts, pdu) "
                  "SELECT n.room_id, $1, $2, n.pdu "
                  "  FROM unnest($3::text[], $4::bytea[]) WITH ORDINALITY "
                  "    AS n (room_id, pdu, ordinal) "
                  " ORDER BY n.ordinal"},

    [FIND_ANSWER] = {"inbox_find_answer", "SELECT answer FROM federation_transactions "
                                          " WHERE origin = $1 AND txn_id = $2"},

    [LOAD] = {"inbox_load", "SELECT inbox_nid, origin, room_id, pdu, received_ts "
                            "  FROM federation_inbox "
                            " WHERE room_id = $1 "
                            " ORDER BY inbox_nid "
                            " LIMIT $2"},

    [REMOVE] = {"inbox_remove", "DELETE FROM federation_inbox WHERE inbox_nid = ANY($1)"},

    [ROOMS] = {"inbox_rooms", "SELECT room_id FROM federation_inbox "
                              " GROUP BY room_id "
                              " ORDER BY min(inbox_nid) "
                              " LIMIT 10000"},

    [COUNT] = {"inbox_count", "SELECT count(*) FROM federation_inbox WHERE room_id = $1"},

    [LOCK] = {"inbox_lock_room", "SELECT pg_try_advisory_lock(" LOCK_CLASS ")"},

    [UNLOCK] = {"inbox_unlock_room", "SELECT pg_advisory_unlock(" LOCK_CLASS ")"},

    [EXPIRE] = {"inbox_expire_transactions",
                "DELETE FROM federation_transactions WHERE received_ts < $1"},
};
STATEMENT_TABLE(federation_inbox, statements);

enum errcode inbox_add(struct db *db, const struct inbox_transaction *transaction)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    SCOPED(db_transaction_end) struct db *tx = NULL;
    size_t count = transaction->count;
    const char **rooms = ARENA_ARRAY(arena, count, const char *);
    const void **pdus = ARENA_ARRAY(arena, count, const void *);
    size_t *sizes = ARENA_ARRAY(arena, count, size_t);

    for (size_t i = 0; i < count; i++) {
        rooms[i] = transaction->pdus[i].room_id;
        pdus[i] = transaction->pdus[i].json;
        sizes[i] = transaction->pdus[i].json_size;
    }
    TRY(db_begin(db, &tx));
    TRY(db_execute(tx, &statements[ADD_TRANSACTION],
                   PARAMS(TEXT(transaction->origin), TEXT(transaction->txn_id),
                          BYTES(transaction->answer, strlen(transaction->answer)),
                          INT(transaction->received_ts)),
                   NULL));
    if (count > 0)
        TRY(db_execute(tx, &statements[ADD_PDUS],
                       PARAMS(TEXT(transaction->origin), INT(transaction->received_ts),
                              TEXT_ARRAY(rooms, count), BYTES_ARRAY(pdus, sizes, count)),
                       NULL));
    return db_commit(&tx);
}

enum errcode inbox_find_answer(struct db *db, struct arena *arena, const char *origin,
                               const char *txn_id, const char **out)
{
    struct db_rows *rows;
    size_t size;

    TRY(db_query(db, arena, &statements[FIND_ANSWER], PARAMS(TEXT(origin), TEXT(txn_id)), &rows));
    *out = rows_count(rows) > 0 ? rows_bytes(rows, 0, 0, &size) : NULL;
    return OK;
}

enum errcode inbox_load(struct db *db, struct arena *arena, const char *room_id, int64_t limit,
                        struct inbox_pdu **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD], PARAMS(TEXT(room_id), INT(limit)), &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct inbox_pdu);
    for (size_t i = 0; i < *count_out; i++) {
        struct inbox_pdu *pdu = &(*out)[i];
        pdu->inbox_nid = rows_int(rows, i, 0);
        pdu->origin = rows_text(rows, i, 1);
        pdu->room_id = rows_text(rows, i, 2);
        pdu->json = rows_bytes(rows, i, 3, &pdu->json_size);
        pdu->received_ts = rows_int(rows, i, 4);
    }
    return OK;
}

enum errcode inbox_remove(struct db *db, const int64_t *inbox_nids, size_t count)
{
    return db_execute(db, &statements[REMOVE], PARAMS(INT_ARRAY(inbox_nids, count)), NULL);
}

enum errcode inbox_rooms(struct db *db, struct arena *arena, const char ***out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[ROOMS], NO_PARAMS, &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, const char *);
    for (size_t i = 0; i < *count_out; i++)
        (*out)[i] = rows_text(rows, i, 0);
    return OK;
}

enum errcode inbox_count(struct db *db, struct arena *arena, const char *room_id, int64_t *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[COUNT], PARAMS(TEXT(room_id)), &rows));
    *out = rows_int(rows, 0, 0);
    return OK;
}

enum errcode inbox_lock_room(struct db *db, struct arena *arena, const char *room_id, bool *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOCK], PARAMS(TEXT(room_id)), &rows));
    *out = rows_bool(rows, 0, 0);
    return OK;
}

enum errcode inbox_unlock_room(struct db *db, const char *room_id)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct db_rows *rows;

    return db_query(db, arena, &statements[UNLOCK], PARAMS(TEXT(room_id)), &rows);
}

enum errcode inbox_expire_transactions(struct db *db, int64_t before_ts)
{
    return db_execute(db, &statements[EXPIRE], PARAMS(INT(before_ts)), NULL);
}
