/* Signing keys of other servers. Spec: server-server API, "Retrieving server keys". */
#include "storage/server_keys.h"

#include <string.h>

#include "storage/db.h"
#include "storage/statements.h"

enum { LOAD, STORE, STORE_DOCUMENT, LOAD_DOCUMENT };

/* clang-format off */
static const struct db_statement statements[] = {
    [LOAD] = {"server_key_load",
        "SELECT server_name, key_id, public_key, valid_until_ts, is_expired "
        "  FROM server_keys "
        " WHERE server_name = $1 AND key_id = $2"},

    [STORE] = {"server_keys_store",
        "INSERT INTO server_keys (server_name, key_id, public_key, valid_until_ts, is_expired) "
        "VALUES ($1, $2, $3, $4, $5) "
        "    ON CONFLICT (server_name, key_id) DO UPDATE "
        "   SET public_key = EXCLUDED.public_key, valid_until_ts = EXCLUDED.valid_until_ts, "
        "       is_expired = EXCLUDED.is_expired"},

    [STORE_DOCUMENT] = {"server_key_document_store",
        "INSERT INTO server_key_documents (server_name, document, received_ts, valid_until_ts) "
        "VALUES ($1, $2, $3, $4) "
        "    ON CONFLICT (server_name) DO UPDATE "
        "   SET document = EXCLUDED.document, received_ts = EXCLUDED.received_ts, "
        "       valid_until_ts = EXCLUDED.valid_until_ts"},

    [LOAD_DOCUMENT] = {"server_key_document_load",
        "SELECT server_name, document, received_ts, valid_until_ts "
        "  FROM server_key_documents "
        " WHERE server_name = $1"},
};
STATEMENT_TABLE(server_keys, statements);
/* clang-format on */

enum errcode server_key_load(struct db *db, struct arena *arena, const char *server_name,
                             const char *key_id, struct stored_server_key *out)
{
    struct db_rows *rows;
    const void *bytes;
    size_t size;

    TRY(db_query(db, arena, &statements[LOAD], PARAMS(TEXT(server_name), TEXT(key_id)), &rows));
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    bytes = rows_bytes(rows, 0, 2, &size);
    if (size != STORED_KEY_BYTES)
        return E_DATABASE;
    *out = (struct stored_server_key){
        .server_name = rows_text(rows, 0, 0),
        .key_id = rows_text(rows, 0, 1),
        .valid_until_ts = rows_int(rows, 0, 3),
        .is_expired = rows_bool(rows, 0, 4),
    };
    memcpy(out->public_key, bytes, STORED_KEY_BYTES);
    return OK;
}

enum errcode server_keys_store(struct db *db, const struct stored_server_key *keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        TRY(db_execute(db, &statements[STORE],
                       PARAMS(TEXT(keys[i].server_name), TEXT(keys[i].key_id),
                              BYTES(keys[i].public_key, STORED_KEY_BYTES),
                              INT(keys[i].valid_until_ts), BOOL(keys[i].is_expired)),
                       NULL));
    return OK;
}

enum errcode server_key_document_store(struct db *db, const struct stored_key_document *document)
{
    return db_execute(db, &statements[STORE_DOCUMENT],
                      PARAMS(TEXT(document->server_name), TEXT(document->document),
                             INT(document->received_ts), INT(document->valid_until_ts)),
                      NULL);
}

enum errcode server_key_document_load(struct db *db, struct arena *arena, const char *server_name,
                                      struct stored_key_document *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD_DOCUMENT], PARAMS(TEXT(server_name)), &rows));
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    *out = (struct stored_key_document){
        .server_name = rows_text(rows, 0, 0),
        .document = rows_text(rows, 0, 1),
        .received_ts = rows_int(rows, 0, 2),
        .valid_until_ts = rows_int(rows, 0, 3),
    };
    return OK;
}
