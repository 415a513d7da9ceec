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
    NAMED,
    LISTENERS,
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

    [NAMED] = {"push_named_users",
               "WITH subscribed AS ( "
               "  SELECT array_agg(user_nid) AS user_nids "
               "    FROM thread_subscriptions "
               "   WHERE room_nid = $1 AND root_event_id = $6 AND is_subscribed) "
               "SELECT u.user_nid, u.user_id, r.rules, "
               "       EXISTS (SELECT 1 FROM push_rule_scopes s "
               "                WHERE s.user_nid = u.user_nid AND s.scope = $3), "
               "       coalesce(u.user_nid = ANY ((SELECT user_nids FROM subscribed)::bigint[]), "
               "                false) "
               "  FROM users u "
               "  LEFT JOIN push_rule_sets r USING (user_nid) "
               " WHERE u.user_nid <> $2 AND u.is_local "
               "   AND (((u.user_id = ANY ($4) "
               "          OR u.user_nid = ANY ((SELECT user_nids FROM subscribed)::bigint[])) "
               "         AND EXISTS (SELECT 1 FROM memberships m "
               "                      WHERE m.room_nid = $1 AND m.user_nid = u.user_nid "
               "                        AND m.membership = 2)) "
               "        OR u.user_id = $5) "
               " ORDER BY u.user_nid"},

    [LISTENERS] =
        {"push_listeners",
         "WITH listening AS ( "
         "  SELECT s.user_nid, array_agg(s.scope) AS scopes "
         "    FROM memberships m JOIN push_rule_scopes s USING (user_nid) "
         "   WHERE m.room_nid = $1 AND m.membership = 2 AND m.is_local "
         "     AND (s.scope IN ('', $2) OR starts_with(s.scope, '@') "
         "          OR starts_with(s.scope, 'ignore:')) "
         "   GROUP BY s.user_nid) "
         "SELECT l.user_nid, u.user_id, r.rules, p.value, l.scopes "
         "  FROM listening l "
         "  JOIN users u USING (user_nid) "
         "  LEFT JOIN push_rule_sets r USING (user_nid) "
         "  LEFT JOIN profile_fields p ON p.user_nid = l.user_nid AND p.field = 'displayname' "
         " ORDER BY l.user_nid"},

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

enum errcode push_named_users(struct db *db, struct arena *arena,
                              const struct push_named_query *query, struct push_named **out,
                              size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[NAMED],
                 PARAMS(INT(query->room_nid), INT(query->sender_nid), TEXT(query->ignore_scope),
                        TEXT_ARRAY(query->mentioned, query->mentioned_count), TEXT(query->invited),
                        TEXT(query->thread_root)),
                 &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct push_named);
    for (size_t i = 0; i < *count_out; i++) {
        (*out)[i] = (struct push_named){
            .user_nid = rows_int(rows, i, 0),
            .user_id = rows_text(rows, i, 1),
            .rules = rows_text(rows, i, 2),
            .ignores_sender = rows_bool(rows, i, 3),
            .is_subscribed = rows_bool(rows, i, 4),
        };
    }
    return OK;
}

enum errcode push_listeners(struct db *db, struct arena *arena, int64_t room_nid,
                            const char *room_id, struct push_listener **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LISTENERS], PARAMS(INT(room_nid), TEXT(room_id)), &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct push_listener);
    for (size_t i = 0; i < *count_out; i++) {
        struct push_listener *listener = &(*out)[i];
        listener->user_nid = rows_int(rows, i, 0);
        listener->user_id = rows_text(rows, i, 1);
        listener->rules = rows_text(rows, i, 2);
        listener->display_name = rows_text(rows, i, 3);
        listener->scopes = rows_text_array(rows, i, 4, arena, &listener->scope_count);
    }
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
