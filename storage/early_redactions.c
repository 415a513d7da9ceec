/* Redactions that came before what they redact. */
#include "storage/early_redactions.h"

#include "homeserver/base/arena.h"
#include "storage/journal.h"
#include "storage/statements.h"

enum { ADD, FIND };

static const struct db_statement statements[] = {
    [ADD] = {"early_redaction_add",
             "INSERT INTO early_redactions (room_nid, target_id, redaction_nid) "
             "VALUES ($1, $2, $3) "
             "    ON CONFLICT DO NOTHING"},

    [FIND] = {"early_redactions_find", "SELECT redaction_nid "
                                       "  FROM early_redactions "
                                       " WHERE room_nid = $1 AND target_id = $2 "
                                       " ORDER BY redaction_nid "
                                       " LIMIT 20"},
};
STATEMENT_TABLE(early_redactions, statements);

void early_redaction_add_in(struct journal_entry *entry, int64_t room_nid, const char *target_id,
                            int64_t redaction_nid)
{
    journal_entry_add(entry, &statements[ADD],
                      PARAMS(INT(room_nid), TEXT(target_id), INT(redaction_nid)));
}

enum errcode early_redactions_find(struct db *db, struct arena *arena, int64_t room_nid,
                                   const char *target_id, struct nid_list *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[FIND], PARAMS(INT(room_nid), TEXT(target_id)), &rows));
    size_t count = rows_count(rows);
    int64_t *nids = ARENA_ARRAY(arena, count, int64_t);
    for (size_t i = 0; i < count; i++)
        nids[i] = rows_int(rows, i, 0);
    *out = (struct nid_list){nids, count};
    return OK;
}
