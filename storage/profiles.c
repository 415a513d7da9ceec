/*
 * Profiles of local users. Spec: client-server API, "Profiles".
 *
 * Values are stored as canonical JSON text, not jsonb: jsonb refuses U+0000 and rewrites numbers.
 */
#include "storage/profiles.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/protocol/json.h"
#include "storage/db.h"
#include "storage/statements.h"

enum { LOAD, LOCK_ACCOUNT, MEASURE_OTHERS, SET_FIELD, DELETE_FIELD, DELETE_ALL };

/* clang-format off */
static const struct db_statement statements[] = {
    [LOAD] = {"profiles_load",
        "SELECT field, value "
        "  FROM profile_fields "
        " WHERE user_nid = $1 "
        " ORDER BY field"},

    [LOCK_ACCOUNT] = {"profiles_lock_account",
        "SELECT 1 FROM accounts WHERE user_nid = $1 FOR UPDATE"},

    /* Each member costs its name in quotes, a colon, its value and a comma. Names hold nothing
     * that JSON escapes. */
    [MEASURE_OTHERS] = {"profiles_measure_others",
        "SELECT COALESCE(SUM(octet_length(field) + octet_length(value) + 4), 0)::bigint "
        "  FROM profile_fields "
        " WHERE user_nid = $1 AND field <> $2"},

    [SET_FIELD] = {"profiles_set_field",
        "INSERT INTO profile_fields (user_nid, field, value) "
        "VALUES ($1, $2, $3) "
        "    ON CONFLICT (user_nid, field) DO UPDATE SET value = EXCLUDED.value"},

    [DELETE_FIELD] = {"profiles_delete_field",
        "DELETE FROM profile_fields WHERE user_nid = $1 AND field = $2"},

    [DELETE_ALL] = {"profiles_delete_all",
        "DELETE FROM profile_fields WHERE user_nid = $1"},
};
STATEMENT_TABLE(profiles, statements);
/* clang-format on */

enum errcode profile_load(struct db *db, struct arena *arena, int64_t user_nid, json_t **out)
{
    json_t *profile = json_on_arena(arena, json_object());
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD], PARAMS(INT(user_nid)), &rows));
    for (size_t row = 0; row < rows_count(rows); row++) {
        const char *text = rows_text(rows, row, 1);
        json_t *value =
            json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);

        if (json_object_set_new(profile, rows_text(rows, row, 0), value) != 0)
            return E_DATABASE; /* we wrote it: it can only be damaged */
    }
    *out = profile;
    return OK;
}

enum errcode profile_load_summary(struct db *db, struct arena *arena, int64_t user_nid,
                                  struct profile_summary *out)
{
    json_t *profile;

    TRY(profile_load(db, arena, user_nid, &profile));
    out->display_name = json_get_string(profile, "displayname");
    out->avatar_url = json_get_string(profile, "avatar_url");
    return OK;
}

enum errcode profile_set_field(struct db *tx, struct arena *arena,
                               const struct profile_change *change)
{
    size_t member_bytes = strlen(change->field) + strlen(change->value) + 4;
    struct db_rows *rows;

    TRY(db_query(tx, arena, &statements[LOCK_ACCOUNT], PARAMS(INT(change->user_nid)), &rows));
    TRY(db_query(tx, arena, &statements[MEASURE_OTHERS],
                 PARAMS(INT(change->user_nid), TEXT(change->field)), &rows));
    /* One comma less than members, two braces. */
    if ((size_t)rows_int(rows, 0, 0) + member_bytes + 1 > change->bytes_max)
        return M_PROFILE_TOO_LARGE;
    return db_execute(tx, &statements[SET_FIELD],
                      PARAMS(INT(change->user_nid), TEXT(change->field), TEXT(change->value)),
                      NULL);
}

enum errcode profile_delete_field(struct db *db, int64_t user_nid, const char *field)
{
    return db_execute(db, &statements[DELETE_FIELD], PARAMS(INT(user_nid), TEXT(field)), NULL);
}

enum errcode profile_delete(struct db *db, int64_t user_nid)
{
    return db_execute(db, &statements[DELETE_ALL], PARAMS(INT(user_nid)), NULL);
}
