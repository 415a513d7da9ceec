/*
 * Interned (type, state_key) pairs with a memory of both directions. When the memory is full it is
 * emptied: the pairs in use come back with one query each.
 */
#include "storage/state_keys.h"

#include <pthread.h>
#include <uthash.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "storage/statements.h"

/* Spec: "Size limits": 255 bytes each. */
enum { REMEMBERED_BYTES_MAX = 32 << 20, JOINED_BYTES_MAX = 2 * 256 };

enum { INTERN, FIND, RESOLVE, INTERN_MANY, FIND_MANY };

static const struct db_statement statements[] = {
    /* The second branch answers when the pair is there already. */
    [INTERN] = {"state_key_intern", "WITH inserted AS ( "
                                    "  INSERT INTO state_keys (type, state_key) VALUES ($1, $2) "
                                    "      ON CONFLICT (type, state_key) DO NOTHING "
                                    "  RETURNING state_key_nid) "
                                    "SELECT state_key_nid FROM inserted "
                                    " UNION ALL "
                                    "SELECT state_key_nid FROM state_keys "
                                    " WHERE type = $1 AND state_key = $2"},

    [FIND] = {"state_key_find", "SELECT state_key_nid FROM state_keys "
                                " WHERE type = $1 AND state_key = $2"},

    [RESOLVE] = {"state_keys_resolve", "SELECT state_key_nid, type, state_key FROM state_keys "
                                       " WHERE state_key_nid = ANY($1)"},

    [INTERN_MANY] = {"state_keys_intern_many",
                     "INSERT INTO state_keys (type, state_key) "
                     "SELECT DISTINCT n.type, n.state_key "
                     "  FROM unnest($1::text[], $2::text[]) AS n (type, state_key) "
                     " WHERE NOT EXISTS (SELECT 1 FROM state_keys k "
                     "                    WHERE k.type = n.type AND k.state_key = n.state_key) "
                     " ORDER BY n.type, n.state_key "
                     "    ON CONFLICT (type, state_key) DO NOTHING"},

    [FIND_MANY] = {"state_keys_find_many",
                   "SELECT n.ordinal, k.state_key_nid "
                   "  FROM unnest($1::text[], $2::text[]) WITH ORDINALITY "
                   "         AS n (type, state_key, ordinal) "
                   "  JOIN state_keys k ON k.type = n.type AND k.state_key = n.state_key"},
};
STATEMENT_TABLE(state_keys, statements);

struct remembered {
    int64_t nid;
    struct state_key_pair pair;
    const char *joined; /* type, NUL, state_key */
    UT_hash_handle by_nid;
    UT_hash_handle by_pair;
};

struct state_keys {
    pthread_mutex_t lock;
    struct arena *arena;
    struct remembered *nids;
    struct remembered *pairs;
};

struct state_keys *state_keys_create(void)
{
    struct state_keys *keys = calloc(1, sizeof(*keys));

    if (keys == NULL)
        abort();
    pthread_mutex_init(&keys->lock, NULL);
    keys->arena = arena_create();
    return keys;
}

static void forget_all(struct state_keys *keys)
{
    HASH_CLEAR(by_nid, keys->nids);
    HASH_CLEAR(by_pair, keys->pairs);
    arena_reset(keys->arena);
}

void state_keys_destroy(struct state_keys *keys)
{
    if (keys == NULL)
        return;
    forget_all(keys);
    arena_destroy(keys->arena);
    pthread_mutex_destroy(&keys->lock);
    free(keys);
}

/* type, NUL, state_key: neither holds a NUL, so the joined text names one pair only. */
static char *join_pair(struct arena *arena, const char *type, const char *state_key,
                       size_t *size_out)
{
    size_t type_size = strlen(type) + 1, key_size = strlen(state_key) + 1;
    char *joined = arena_alloc(arena, type_size + key_size);

    memcpy(joined, type, type_size);
    memcpy(joined + type_size, state_key, key_size);
    *size_out = type_size + key_size;
    return joined;
}

/* Asked all the time, so without an allocation. What is longer than an event may have it can not
 * be known. */
static int64_t recall(struct state_keys *keys, const char *type, const char *state_key)
{
    size_t type_size = strlen(type) + 1, size = type_size + strlen(state_key) + 1;
    struct remembered *found;
    char joined[JOINED_BYTES_MAX];

    if (size > sizeof(joined))
        return 0;
    memcpy(joined, type, type_size);
    memcpy(joined + type_size, state_key, size - type_size);
    pthread_mutex_lock(&keys->lock);
    HASH_FIND(by_pair, keys->pairs, joined, size, found);
    int64_t nid = found != NULL ? found->nid : 0;
    pthread_mutex_unlock(&keys->lock);
    return nid;
}

static void remember(struct state_keys *keys, int64_t nid, const char *type, const char *state_key)
{
    struct remembered *entry;
    size_t size;

    pthread_mutex_lock(&keys->lock);
    if (arena_bytes_used(keys->arena) > REMEMBERED_BYTES_MAX)
        forget_all(keys);
    HASH_FIND(by_nid, keys->nids, &nid, sizeof(nid), entry);
    if (entry == NULL) {
        entry = ARENA_NEW(keys->arena, struct remembered);
        entry->nid = nid;
        entry->joined = join_pair(keys->arena, type, state_key, &size);
        entry->pair.type = entry->joined;
        entry->pair.state_key = entry->joined + strlen(entry->joined) + 1;
        HASH_ADD(by_nid, keys->nids, nid, sizeof(entry->nid), entry);
        HASH_ADD_KEYPTR(by_pair, keys->pairs, entry->joined, size, entry);
    }
    pthread_mutex_unlock(&keys->lock);
}

static enum errcode ask(struct state_keys *keys, struct db *db, int statement,
                        const struct state_key_pair *pair, int64_t *nid_out)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[statement], PARAMS(TEXT(pair->type), TEXT(pair->state_key)),
                 &rows));
    if (rows_count(rows) == 0)
        return OK;
    *nid_out = rows_int(rows, 0, 0);
    remember(keys, *nid_out, pair->type, pair->state_key);
    return OK;
}

static enum errcode look_up(struct state_keys *keys, struct db *db, int statement,
                            const struct state_key_pair *pair, int64_t *nid_out)
{
    *nid_out = recall(keys, pair->type, pair->state_key);
    return *nid_out != 0 ? OK : ask(keys, db, statement, pair, nid_out);
}

enum errcode state_key_find(struct state_keys *keys, struct db *db, const char *type,
                            const char *state_key, int64_t *nid_out)
{
    return look_up(keys, db, FIND, &(struct state_key_pair){type, state_key}, nid_out);
}

enum errcode state_key_intern(struct state_keys *keys, struct db *db, const char *type,
                              const char *state_key, int64_t *nid_out)
{
    const struct state_key_pair pair = {type, state_key};

    /* Interning can find nothing when another session inserts the pair at this very moment: its row
     * is not visible to the statement that waited for it. The next look sees it. */
    for (int attempt = 0; attempt < 3; attempt++) {
        TRY(look_up(keys, db, INTERN, &pair, nid_out));
        if (*nid_out != 0)
            return OK;
    }
    return E_DATABASE;
}

enum errcode state_keys_intern(struct db *db, struct arena *arena,
                               const struct state_key_pair *pairs, size_t count, int64_t *nids_out)
{
    const char **types = ARENA_ARRAY(arena, count, const char *);
    const char **state_keys = ARENA_ARRAY(arena, count, const char *);
    struct db_rows *rows;

    for (size_t i = 0; i < count; i++) {
        types[i] = pairs[i].type;
        state_keys[i] = pairs[i].state_key;
        nids_out[i] = 0;
    }
    const struct db_params params = PARAMS(TEXT_ARRAY(types, count), TEXT_ARRAY(state_keys, count));
    TRY(db_execute(db, &statements[INTERN_MANY], params, NULL));
    TRY(db_query(db, arena, &statements[FIND_MANY], params, &rows));
    for (size_t i = 0; i < rows_count(rows); i++)
        nids_out[rows_int(rows, i, 0) - 1] = rows_int(rows, i, 1);
    for (size_t i = 0; i < count; i++) {
        if (nids_out[i] == 0)
            return E_DATABASE;
    }
    return OK;
}

static bool recall_pair(struct state_keys *keys, struct arena *arena, int64_t nid,
                        struct state_key_pair *out)
{
    struct remembered *found;

    pthread_mutex_lock(&keys->lock);
    HASH_FIND(by_nid, keys->nids, &nid, sizeof(nid), found);
    if (found != NULL) {
        out->type = arena_strdup(arena, found->pair.type);
        out->state_key = arena_strdup(arena, found->pair.state_key);
    }
    pthread_mutex_unlock(&keys->lock);
    return found != NULL;
}

enum errcode state_keys_resolve(struct state_keys *keys, struct db *db, struct arena *arena,
                                const int64_t *nids, size_t count, struct state_key_pair **out)
{
    struct state_key_pair *pairs = ARENA_ARRAY(arena, count, struct state_key_pair);
    ARRAY_OF(int64_t) missing = {0};
    struct db_rows *rows;

    for (size_t i = 0; i < count; i++) {
        if (!recall_pair(keys, arena, nids[i], &pairs[i]))
            array_push(arena, &missing, nids[i]);
    }
    *out = pairs;
    if (missing.count == 0)
        return OK;
    TRY(db_query(db, arena, &statements[RESOLVE], PARAMS(INT_ARRAY(missing.items, missing.count)),
                 &rows));
    for (size_t i = 0; i < rows_count(rows); i++)
        remember(keys, rows_int(rows, i, 0), rows_text(rows, i, 1), rows_text(rows, i, 2));
    for (size_t i = 0; i < count; i++) {
        if (pairs[i].type == NULL)
            recall_pair(keys, arena, nids[i], &pairs[i]);
    }
    return OK;
}
