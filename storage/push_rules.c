/* Push rules of users and their scopes. */
#include "storage/push_rules.h"

#include "homeserver/base/arena.h"
#include "storage/journal.h"
#include "storage/statements.h"

enum {
    LOAD,
    CREATE,
    REPLACE,
    SCOPES_DELETE,
    SCOPES_ADD,
    IGNORED_DELETE,
    CANDIDATES,
    MEMBERS,
    OF_ROOM
};

static const struct db_statement statements[] = {
    [LOAD] = {"push_rules_load", "SELECT rules, position FROM push_rule_sets WHERE user_nid = $1"},

    [CREATE] = {"push_rules_create", "INSERT INTO push_rule_sets (user_nid, rules, position) "
                                     "VALUES ($1, $2, $3) "
                                     "    ON CONFLICT (user_nid) DO NOTHING"},

    [REPLACE] = {"push_rules_replace", "UPDATE push_rule_sets SET rules = $2, position = $3 "
                                       " WHERE user_nid = $1 AND position = $4"},

    [SCOPES_DELETE] = {"push_rule_scopes_delete",
                       "DELETE FROM push_rule_scopes "
                       " WHERE user_nid = $1 AND NOT starts_with(scope, 'ignore:')"},

    [SCOPES_ADD] = {"push_rule_scopes_add", "INSERT INTO push_rule_scopes (user_nid, scope) "
                                            "SELECT $1, scope FROM unnest($2::text[]) AS n (scope) "
                                            "    ON CONFLICT (user_nid, scope) DO NOTHING"},

    [IGNORED_DELETE] = {"push_rule_ignored_delete",
                        "DELETE FROM push_rule_scopes "
                        " WHERE user_nid = $1 AND starts_with(scope, 'ignore:')"},

    [CANDIDATES] =
        {"push_candidates",
         "WITH found AS ( "
         "  SELECT s.user_nid, s.scope "
         "    FROM push_rule_scopes s "
         "    JOIN memberships m ON m.user_nid = s.user_nid AND m.room_nid = $1 "
         "   WHERE s.scope = ANY ($3) AND m.membership = 2 AND m.is_local "
         "  UNION ALL "
         "  SELECT u.user_nid, NULL "
         "    FROM users u "
         "    JOIN memberships m ON m.user_nid = u.user_nid AND m.room_nid = $1 "
         "   WHERE u.user_id = ANY ($4) AND m.membership = 2 AND m.is_local "
         "  UNION ALL "
         "  SELECT u.user_nid, NULL FROM users u WHERE u.user_id = $5 AND u.is_local "
         "  UNION ALL "
         "  SELECT s.user_nid, s.scope "
         "    FROM users u JOIN push_rule_scopes s USING (user_nid) "
         "   WHERE u.user_id = $5 AND s.scope = ANY ($3)), "
         "who AS ( "
         "  SELECT user_nid, bool_or(coalesce(starts_with(scope, 'ignore:'), false)) AS ignores "
         "    FROM found "
         "   WHERE user_nid <> $2 "
         "   GROUP BY user_nid) "
         "SELECT w.user_nid, u.user_id, s.rules, p.value, w.ignores "
         "  FROM who w "
         "  JOIN users u USING (user_nid) "
         "  LEFT JOIN push_rule_sets s USING (user_nid) "
         "  LEFT JOIN profile_fields p ON p.user_nid = w.user_nid AND p.field = 'displayname' "
         " ORDER BY w.user_nid"},

    [MEMBERS] = {"push_member_count",
                 "SELECT count(*) "
                 "  FROM (SELECT 1 FROM memberships "
                 "         WHERE room_nid = $1 AND membership = 2 LIMIT $2) members"},

    [OF_ROOM] = {"push_rules_users_of_room", "SELECT user_nid FROM push_rule_scopes "
                                             " WHERE scope = $1 "
                                             " ORDER BY user_nid"},
};

STATEMENT_TABLE(push_rules, statements);

enum errcode push_rules_load(struct db *db, struct arena *arena, int64_t user_nid,
                             struct push_rules_row *out)
{
    struct db_rows *rows;

    *out = (struct push_rules_row){0};
    TRY(db_query(db, arena, &statements[LOAD], PARAMS(INT(user_nid)), &rows));
    if (rows_count(rows) > 0)
        *out = (struct push_rules_row){rows_text(rows, 0, 0), rows_int(rows, 0, 1)};
    return OK;
}

void push_rules_replace_in(struct journal_entry *entry, const struct push_rules_change *change)
{
    if (change->read_position == 0)
        journal_entry_add_expecting(entry, &statements[CREATE],
                                    PARAMS(INT(change->user_nid), TEXT(change->rules), POSITION),
                                    1);
    else
        journal_entry_add_expecting(entry, &statements[REPLACE],
                                    PARAMS(INT(change->user_nid), TEXT(change->rules), POSITION,
                                           INT(change->read_position)),
                                    1);
    journal_entry_add(entry, &statements[SCOPES_DELETE], PARAMS(INT(change->user_nid)));
    journal_entry_add(
        entry, &statements[SCOPES_ADD],
        PARAMS(INT(change->user_nid), TEXT_ARRAY(change->scopes, change->scope_count)));
}

void push_ignored_replace_in(struct journal_entry *entry, int64_t user_nid,
                             const char *const *scopes, size_t count)
{
    journal_entry_add(entry, &statements[IGNORED_DELETE], PARAMS(INT(user_nid)));
    journal_entry_add(entry, &statements[SCOPES_ADD],
                      PARAMS(INT(user_nid), TEXT_ARRAY(scopes, count)));
}

enum errcode push_candidates(struct db *db, struct arena *arena,
                             const struct push_candidate_query *query, struct push_candidate **out,
                             size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[CANDIDATES],
                 PARAMS(INT(query->room_nid), INT(query->sender_nid),
                        TEXT_ARRAY(query->scopes, query->scope_count),
                        TEXT_ARRAY(query->mentioned, query->mentioned_count), TEXT(query->invited)),
                 &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct push_candidate);
    for (size_t i = 0; i < *count_out; i++) {
        (*out)[i] = (struct push_candidate){
            .user_nid = rows_int(rows, i, 0),
            .user_id = rows_text(rows, i, 1),
            .rules = rows_text(rows, i, 2),
            .display_name = rows_text(rows, i, 3),
            .ignores_sender = rows_bool(rows, i, 4),
        };
    }
    return OK;
}

enum errcode push_member_count(struct db *db, struct arena *arena, int64_t room_nid, int64_t *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[MEMBERS], PARAMS(INT(room_nid), INT(PUSH_MEMBER_COUNT_MAX)),
                 &rows));
    *out = rows_int(rows, 0, 0);
    return OK;
}

enum errcode push_rules_users_of_room(struct db *db, struct arena *arena, const char *room_id,
                                      struct nid_list *user_nids_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[OF_ROOM], PARAMS(TEXT(room_id)), &rows));
    int64_t *nids = ARENA_ARRAY(arena, rows_count(rows), int64_t);
    for (size_t i = 0; i < rows_count(rows); i++)
        nids[i] = rows_int(rows, i, 0);
    *user_nids_out = (struct nid_list){nids, rows_count(rows)};
    return OK;
}
