/*
 * One-time and fallback keys.
 *
 * Who gets a key is decided by one statement: FOR UPDATE SKIP LOCKED gives concurrent claimers
 * different rows, and a row whose key was handed out holds no key any more.
 */
#include "storage/one_time_keys.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/sha256.h"
#include "storage/db.h"
#include "storage/journal.h"
#include "storage/statements.h"

enum {
    INSERT,
    FIND_CONFLICT,
    SET_FALLBACK,
    FORGET,
    FORGET_FALLBACK,
    CHANGED,
    CLAIM,
    CLAIM_FALLBACK,
    COUNTS
};

#define WANTED_KEYS                                                                                \
    "unnest($1::bigint[], $2::text[], $3::text[]) WITH ORDINALITY "                                \
    "AS wanted (user_nid, device_id, algorithm, place) "

/* clang-format off */
static const struct db_statement statements[] = {
    [INSERT] = {"one_time_keys_insert",
        "INSERT INTO one_time_keys (user_nid, device_id, algorithm, key_id, key, key_hash) "
        "SELECT d.user_nid, d.device_id, n.algorithm, n.key_id, n.key, n.key_hash "
        "  FROM devices d, "
        "       unnest($3::text[], $4::text[], $5::text[], $6::bytea[]) WITH ORDINALITY "
        "       AS n (algorithm, key_id, key, key_hash, place) "
        " WHERE d.user_nid = $1 AND d.device_id = $2 "
        " ORDER BY n.place "
        "    ON CONFLICT (user_nid, device_id, algorithm, key_id) DO NOTHING"},

    [FIND_CONFLICT] = {"one_time_keys_find_conflict",
        "SELECT n.key_id "
        "  FROM unnest($3::text[], $4::text[], $5::bytea[]) AS n (algorithm, key_id, key_hash) "
        "  JOIN one_time_keys k USING (algorithm, key_id) "
        " WHERE k.user_nid = $1 AND k.device_id = $2 AND k.key_hash <> n.key_hash "
        " LIMIT 1"},

    [SET_FALLBACK] = {"fallback_keys_set",
        "INSERT INTO fallback_keys AS old (user_nid, device_id, algorithm, key_id, key) "
        "SELECT d.user_nid, d.device_id, n.algorithm, n.key_id, n.key "
        "  FROM devices d, "
        "       unnest($3::text[], $4::text[], $5::text[]) AS n (algorithm, key_id, key) "
        " WHERE d.user_nid = $1 AND d.device_id = $2 "
        "    ON CONFLICT (user_nid, device_id, algorithm) DO UPDATE "
        "   SET key_id = EXCLUDED.key_id, key = EXCLUDED.key, is_used = false "
        " WHERE old.key_id <> EXCLUDED.key_id OR old.key <> EXCLUDED.key"},

    [FORGET] = {"one_time_keys_forget",
        "DELETE FROM one_time_keys WHERE user_nid = $1 AND device_id = $2"},

    [FORGET_FALLBACK] = {"fallback_keys_forget",
        "DELETE FROM fallback_keys WHERE user_nid = $1 AND device_id = $2"},

    [CHANGED] = {"one_time_keys_changed",
        "INSERT INTO one_time_key_changes (user_nid, device_id, position) "
        "SELECT user_nid, device_id, $3::bigint "
        "  FROM devices "
        " WHERE user_nid = $1 AND device_id = $2 "
        "    ON CONFLICT (user_nid, device_id) DO UPDATE SET position = EXCLUDED.position"},

    [CLAIM] = {"one_time_keys_claim",
        "WITH picked AS ( "
        "    SELECT wanted.place, k.key_nid, k.key_id, k.key "
        "      FROM " WANTED_KEYS
        "     CROSS JOIN LATERAL ( "
        "           SELECT key_nid, key_id, key "
        "             FROM one_time_keys "
        "            WHERE user_nid = wanted.user_nid AND device_id = wanted.device_id "
        "              AND algorithm = wanted.algorithm AND key IS NOT NULL "
        "            ORDER BY key_nid "
        "            LIMIT 1 "
        "              FOR UPDATE SKIP LOCKED) AS k "
        "), taken AS ( "
        "    UPDATE one_time_keys SET key = NULL "
        "      FROM picked "
        "     WHERE one_time_keys.key_nid = picked.key_nid) "
        "SELECT place, key_id, key FROM picked ORDER BY place"},

    [CLAIM_FALLBACK] = {"fallback_keys_claim",
        "WITH found AS ( "
        "    SELECT wanted.place, f.user_nid, f.device_id, f.algorithm, f.key_id, f.key, f.is_used "
        "      FROM " WANTED_KEYS
        "      JOIN fallback_keys f USING (user_nid, device_id, algorithm) "
        "), marked AS ( "
        "    UPDATE fallback_keys f SET is_used = true "
        "      FROM found "
        "     WHERE f.user_nid = found.user_nid AND f.device_id = found.device_id "
        "       AND f.algorithm = found.algorithm AND NOT f.is_used) "
        "SELECT place, key_id, key, is_used FROM found ORDER BY place"},

    [COUNTS] = {"one_time_keys_counts",
        "SELECT 0 AS kind, algorithm, count(*) "
        "  FROM one_time_keys "
        " WHERE user_nid = $1 AND device_id = $2 AND key IS NOT NULL "
        " GROUP BY algorithm "
        " UNION ALL "
        "SELECT 1, algorithm, 0 "
        "  FROM fallback_keys "
        " WHERE user_nid = $1 AND device_id = $2 AND NOT is_used "
        " UNION ALL "
        "SELECT 2, '', position "
        "  FROM one_time_key_changes "
        " WHERE user_nid = $1 AND device_id = $2 "
        " ORDER BY 1, 2"},
};
STATEMENT_TABLE(one_time_keys, statements);
/* clang-format on */

/* The members of the keys, as columns. */
struct key_columns {
    const char **algorithms;
    const char **key_ids;
    const char **keys;
    const void **hashes;
    size_t *hash_sizes;
};

static struct key_columns columns_of(struct arena *arena, const struct one_time_key *keys,
                                     size_t count)
{
    struct key_columns columns = {
        .algorithms = ARENA_ARRAY(arena, count, const char *),
        .key_ids = ARENA_ARRAY(arena, count, const char *),
        .keys = ARENA_ARRAY(arena, count, const char *),
        .hashes = ARENA_ARRAY(arena, count, const void *),
        .hash_sizes = ARENA_ARRAY(arena, count, size_t),
    };

    for (size_t i = 0; i < count; i++) {
        uint8_t *hash = arena_alloc(arena, SHA256_BYTES);
        sha256(keys[i].key, strlen(keys[i].key), hash);
        columns.algorithms[i] = keys[i].algorithm;
        columns.key_ids[i] = keys[i].key_id;
        columns.keys[i] = keys[i].key;
        columns.hashes[i] = hash;
        columns.hash_sizes[i] = SHA256_BYTES;
    }
    return columns;
}

enum errcode one_time_keys_insert(struct db *tx, struct arena *arena,
                                  const struct device_address *device,
                                  const struct one_time_key *keys, size_t count,
                                  const char **conflict_out)
{
    struct key_columns columns = columns_of(arena, keys, count);
    struct db_rows *rows;

    TRY(db_execute(tx, &statements[INSERT],
                   PARAMS(INT(device->user_nid), TEXT(device->device_id),
                          TEXT_ARRAY(columns.algorithms, count), TEXT_ARRAY(columns.key_ids, count),
                          TEXT_ARRAY(columns.keys, count),
                          BYTES_ARRAY(columns.hashes, columns.hash_sizes, count)),
                   NULL));
    TRY(db_query(tx, arena, &statements[FIND_CONFLICT],
                 PARAMS(INT(device->user_nid), TEXT(device->device_id),
                        TEXT_ARRAY(columns.algorithms, count), TEXT_ARRAY(columns.key_ids, count),
                        BYTES_ARRAY(columns.hashes, columns.hash_sizes, count)),
                 &rows));
    *conflict_out = rows_count(rows) > 0 ? rows_text(rows, 0, 0) : NULL;
    return OK;
}

enum errcode fallback_keys_set(struct db *tx, struct arena *arena,
                               const struct device_address *device, const struct one_time_key *keys,
                               size_t count)
{
    struct key_columns columns = columns_of(arena, keys, count);

    return db_execute(tx, &statements[SET_FALLBACK],
                      PARAMS(INT(device->user_nid), TEXT(device->device_id),
                             TEXT_ARRAY(columns.algorithms, count),
                             TEXT_ARRAY(columns.key_ids, count), TEXT_ARRAY(columns.keys, count)),
                      NULL);
}

void one_time_keys_forget_in(struct journal_entry *entry, const struct device_address *device)
{
    journal_entry_add(entry, &statements[FORGET],
                      PARAMS(INT(device->user_nid), TEXT(device->device_id)));
    journal_entry_add(entry, &statements[FORGET_FALLBACK],
                      PARAMS(INT(device->user_nid), TEXT(device->device_id)));
}

void one_time_keys_changed_in(struct journal_entry *entry, const struct device_address *device)
{
    journal_entry_add(entry, &statements[CHANGED],
                      PARAMS(INT(device->user_nid), TEXT(device->device_id), POSITION));
}

/* Runs a statement for the claims that have no key yet. */
static enum errcode claim_missing(struct db *tx, struct arena *arena,
                                  const struct db_statement *statement, struct key_claim *claims,
                                  size_t count)
{
    int64_t *user_nids = ARENA_ARRAY(arena, count, int64_t);
    const char **device_ids = ARENA_ARRAY(arena, count, const char *);
    const char **algorithms = ARENA_ARRAY(arena, count, const char *);
    struct key_claim **missing = ARENA_ARRAY(arena, count, struct key_claim *);
    size_t missing_count = 0;
    struct db_rows *rows;

    for (size_t i = 0; i < count; i++) {
        if (claims[i].key != NULL)
            continue;
        user_nids[missing_count] = claims[i].device.user_nid;
        device_ids[missing_count] = claims[i].device.device_id;
        algorithms[missing_count] = claims[i].algorithm;
        missing[missing_count++] = &claims[i];
    }
    if (missing_count == 0)
        return OK;
    TRY(db_query(tx, arena, statement,
                 PARAMS(INT_ARRAY(user_nids, missing_count), TEXT_ARRAY(device_ids, missing_count),
                        TEXT_ARRAY(algorithms, missing_count)),
                 &rows));
    for (size_t row = 0; row < rows_count(rows); row++) {
        struct key_claim *claim = missing[rows_int(rows, row, 0) - 1];
        claim->key_id = rows_text(rows, row, 1);
        claim->key = rows_text(rows, row, 2);
        claim->changes_counts = statement == &statements[CLAIM] || !rows_bool(rows, row, 3);
    }
    return OK;
}

enum errcode one_time_keys_claim(struct db *tx, struct arena *arena, struct key_claim *claims,
                                 size_t count)
{
    for (size_t i = 0; i < count; i++) {
        claims[i].key_id = NULL;
        claims[i].key = NULL;
        claims[i].changes_counts = false;
    }
    TRY(claim_missing(tx, arena, &statements[CLAIM], claims, count));
    return claim_missing(tx, arena, &statements[CLAIM_FALLBACK], claims, count);
}

enum errcode key_counts_load(struct db *db, struct arena *arena,
                             const struct device_address *device, struct key_counts *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[COUNTS],
                 PARAMS(INT(device->user_nid), TEXT(device->device_id)), &rows));
    struct key_count *counts = ARENA_ARRAY(arena, rows_count(rows), struct key_count);
    const char **algorithms = ARENA_ARRAY(arena, rows_count(rows), const char *);
    *out = (struct key_counts){.counts = counts, .unused_fallback_algorithms = algorithms};
    for (size_t row = 0; row < rows_count(rows); row++) {
        const char *algorithm = rows_text(rows, row, 1);
        int64_t number = rows_int(rows, row, 2);
        if (rows_int(rows, row, 0) == 0)
            counts[out->count++] = (struct key_count){algorithm, number};
        else if (rows_int(rows, row, 0) == 1)
            algorithms[out->unused_fallback_count++] = algorithm;
        else
            out->position = number;
    }
    return OK;
}
