/* Signatures that were added to keys after their upload. */
#include "storage/key_signatures.h"

#include "homeserver/base/arena.h"
#include "storage/db.h"
#include "storage/journal.h"
#include "storage/statements.h"

enum { LOAD, ADD, FORGET, DELETE_OF_USER };

/* clang-format off */
static const struct db_statement statements[] = {
    [LOAD] = {"key_signatures_load",
        "SELECT wanted.place, s.target_id, u.user_id, s.signer_key_id, s.signature "
        "  FROM unnest($1::bigint[]) WITH ORDINALITY AS wanted (user_nid, place) "
        "  JOIN key_signatures s ON s.target_nid = wanted.user_nid "
        "  JOIN users u ON u.user_nid = s.signer_nid "
        " WHERE s.signer_nid IN (s.target_nid, $2) "
        " ORDER BY wanted.place, s.target_id, u.user_id, s.signer_key_id"},

    [ADD] = {"key_signatures_add",
        "INSERT INTO key_signatures (target_nid, target_id, signer_nid, signer_key_id, signature, "
        "                            position) "
        "VALUES ($1, $2, $3, $4, $5, $6) "
        "    ON CONFLICT (target_nid, target_id, signer_nid, signer_key_id) DO UPDATE "
        "   SET signature = EXCLUDED.signature, position = EXCLUDED.position"},

    [FORGET] = {"key_signatures_forget",
        "DELETE FROM key_signatures "
        " WHERE (target_nid = $1 AND target_id = ANY ($2::text[])) "
        "    OR (signer_nid = $1 AND signer_key_id = ANY (ARRAY ( "
        "        SELECT 'ed25519:' || key_id FROM unnest($2::text[]) AS ended (key_id))))"},

    [DELETE_OF_USER] = {"key_signatures_delete_of_user",
        "DELETE FROM key_signatures WHERE target_nid = $1 OR signer_nid = $1"},
};
STATEMENT_TABLE(key_signatures, statements);
/* clang-format on */

enum errcode key_signatures_load(struct db *db, struct arena *arena,
                                 const struct key_signature_query *query,
                                 struct key_signature **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD],
                 PARAMS(INT_ARRAY(query->user_nids, query->user_count), INT(query->viewer_nid)),
                 &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct key_signature);
    for (size_t i = 0; i < *count_out; i++)
        (*out)[i] = (struct key_signature){
            .user = (size_t)rows_int(rows, i, 0) - 1,
            .target_id = rows_text(rows, i, 1),
            .signer = rows_text(rows, i, 2),
            .signer_key_id = rows_text(rows, i, 3),
            .signature = rows_text(rows, i, 4),
        };
    return OK;
}

void key_signature_add_in(struct journal_entry *entry, const struct new_key_signature *signature)
{
    journal_entry_add(entry, &statements[ADD],
                      PARAMS(INT(signature->target_nid), TEXT(signature->target_id),
                             INT(signature->signer_nid), TEXT(signature->signer_key_id),
                             TEXT(signature->signature), POSITION));
}

void key_signatures_forget_in(struct journal_entry *entry, int64_t user_nid,
                              const char *const *key_ids, size_t count)
{
    journal_entry_add(entry, &statements[FORGET],
                      PARAMS(INT(user_nid), TEXT_ARRAY(key_ids, count)));
}

void key_signatures_delete_of_user_in(struct journal_entry *entry, int64_t user_nid)
{
    journal_entry_add(entry, &statements[DELETE_OF_USER], PARAMS(INT(user_nid)));
}
