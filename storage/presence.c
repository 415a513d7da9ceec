/* Who is online. */
#include "storage/presence.h"

#include "homeserver/base/arena.h"
#include "storage/journal.h"
#include "storage/statements.h"

#define PRESENCE_COLUMNS                                                                           \
    "p.user_nid, u.user_id, p.state, p.status_msg, p.last_active_ts, p.currently_active, p.node, " \
    "p.position "

#define FROM_PRESENCE "  FROM presence p JOIN users u USING (user_nid) "

enum { LOAD, CHANGED, TO_FEDERATE, SET, SET_STATE, TIME_OUT, NODE_SEEN, NODES_FORGET, ORPHANS };

static const struct db_statement statements[] = {
    [LOAD] = {"presence_load", "SELECT " PRESENCE_COLUMNS FROM_PRESENCE " WHERE p.user_nid = $1"},

    /* OFFSET 0: one by one, by the viewer's own rooms, whatever PostgreSQL expects to find. */
    [CHANGED] = {"presence_changed",
                 "WITH told AS ( "
                 "    SELECT changed.user_nid "
                 "      FROM presence changed "
                 "     WHERE changed.position > $2 AND changed.position <= $3 "
                 "       AND NOT ($2 = 0 AND changed.state = 0) "
                 "       AND EXISTS (SELECT 1 FROM memberships mine "
                 "                     JOIN memberships theirs USING (room_nid) "
                 "                    WHERE mine.user_nid = $1 AND mine.membership = 2 "
                 "                      AND theirs.user_nid = changed.user_nid "
                 "                      AND theirs.membership = 2 OFFSET 0) "
                 "     UNION "
                 "    SELECT met.user_nid "
                 "      FROM memberships mine JOIN memberships met USING (room_nid) "
                 "           JOIN presence ON presence.user_nid = met.user_nid "
                 "     WHERE mine.user_nid = $1 AND mine.room_nid = ANY ($5::bigint[]) "
                 "       AND mine.membership = 2 AND mine.joined_position > $2 "
                 "       AND met.membership = 2 AND presence.state <> 0 "
                 "     UNION "
                 "    SELECT came.user_nid "
                 "      FROM memberships came JOIN presence USING (user_nid) "
                 "     WHERE came.room_nid = ANY ($5::bigint[]) AND came.membership = 2 "
                 "       AND came.position > $2 AND came.joined_position > $2 "
                 "       AND presence.state <> 0) "
                 "SELECT " PRESENCE_COLUMNS "  FROM told "
                 "       CROSS JOIN LATERAL (SELECT user_nid, state, status_msg, last_active_ts, "
                 "                                  currently_active, node, position "
                 "                             FROM presence "
                 "                            WHERE presence.user_nid = told.user_nid OFFSET 0) p "
                 "       CROSS JOIN LATERAL (SELECT user_id FROM users "
                 "                            WHERE users.user_nid = told.user_nid OFFSET 0) u "
                 " WHERE told.user_nid <> $1 "
                 " ORDER BY p.position "
                 " LIMIT $4"},

    [TO_FEDERATE] = {"presence_to_federate", "SELECT " PRESENCE_COLUMNS FROM_PRESENCE
                                             " WHERE p.position > $1 AND p.position <= $2 "
                                             "   AND u.is_local "
                                             " ORDER BY p.position "
                                             " LIMIT $3"},

    [SET] = {"presence_set",
             "INSERT INTO presence (user_nid, state, status_msg, last_active_ts, "
             "                      currently_active, node, position) "
             "VALUES ($1, $2, $3, $4, $5, $6, $7) "
             "    ON CONFLICT (user_nid) DO UPDATE "
             "   SET state = EXCLUDED.state, status_msg = EXCLUDED.status_msg, "
             "       last_active_ts = EXCLUDED.last_active_ts, "
             "       currently_active = EXCLUDED.currently_active, node = EXCLUDED.node, "
             "       position = EXCLUDED.position"},

    [SET_STATE] = {"presence_set_state",
                   "INSERT INTO presence (user_nid, state, last_active_ts, "
                   "                      currently_active, node, position) "
                   "VALUES ($1, $2, $3, $4, $5, $6) "
                   "    ON CONFLICT (user_nid) DO UPDATE "
                   "   SET state = EXCLUDED.state, last_active_ts = EXCLUDED.last_active_ts, "
                   "       currently_active = EXCLUDED.currently_active, node = EXCLUDED.node, "
                   "       position = EXCLUDED.position"},

    [TIME_OUT] = {"presence_time_out", "UPDATE presence "
                                       "   SET state = $2, last_active_ts = $3, "
                                       "       currently_active = $4, position = $6 "
                                       " WHERE user_nid = $1 AND node = $5"},

    [NODE_SEEN] = {"presence_node_seen",
                   "INSERT INTO presence_nodes (node, seen_ts) VALUES ($1, $2) "
                   "    ON CONFLICT (node) DO UPDATE SET seen_ts = EXCLUDED.seen_ts"},

    [NODES_FORGET] = {"presence_nodes_forget", "DELETE FROM presence_nodes WHERE seen_ts < $1"},

    [ORPHANS] = {"presence_orphans",
                 "SELECT " PRESENCE_COLUMNS FROM_PRESENCE " WHERE p.state <> 0 AND p.node <> 0 "
                 "   AND p.node NOT IN (SELECT node FROM presence_nodes) "
                 " ORDER BY p.user_nid "
                 " LIMIT 1000"},
};

STATEMENT_TABLE(presence, statements);

static const char *const state_texts[] = {
    [PRESENCE_OFFLINE] = "offline",
    [PRESENCE_UNAVAILABLE] = "unavailable",
    [PRESENCE_ONLINE] = "online",
};

bool presence_state_parse(const char *text, enum presence_state *out)
{
    for (size_t i = 0; i < COUNT_OF(state_texts); i++) {
        if (strcmp(text, state_texts[i]) == 0) {
            *out = (enum presence_state)i;
            return true;
        }
    }
    return false;
}

const char *presence_state_text(enum presence_state state)
{
    return state_texts[state];
}

static void read_row(struct db_rows *rows, size_t row, struct presence_row *out)
{
    *out = (struct presence_row){
        .user_nid = rows_int(rows, row, 0),
        .user_id = rows_text(rows, row, 1),
        .state = (enum presence_state)rows_int(rows, row, 2),
        .status_msg = rows_text(rows, row, 3),
        .last_active_ts = rows_int(rows, row, 4),
        .currently_active = rows_bool(rows, row, 5),
        .node = rows_int(rows, row, 6),
        .position = rows_int(rows, row, 7),
    };
}

static void read_all(struct db_rows *rows, struct arena *arena, struct presence_row **out,
                     size_t *count_out)
{
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct presence_row);
    for (size_t i = 0; i < *count_out; i++)
        read_row(rows, i, &(*out)[i]);
}

enum errcode presence_load(struct db *db, struct arena *arena, int64_t user_nid,
                           struct presence_row *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[LOAD], PARAMS(INT(user_nid)), &rows));
    if (rows_count(rows) == 0)
        return M_NOT_FOUND;
    read_row(rows, 0, out);
    return OK;
}

enum errcode presence_changed(struct db *db, struct arena *arena,
                              const struct presence_query *query, struct presence_row **out,
                              size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[CHANGED],
                 PARAMS(INT(query->viewer_nid), INT(query->range.since), INT(query->range.until),
                        INT(PRESENCE_CHANGES_MAX),
                        INT_ARRAY(query->rooms.items, query->rooms.count)),
                 &rows));
    read_all(rows, arena, out, count_out);
    return OK;
}

enum errcode presence_to_federate(struct db *db, struct arena *arena, struct position_range range,
                                  struct presence_row **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[TO_FEDERATE],
                 PARAMS(INT(range.since), INT(range.until), INT(range.limit)), &rows));
    read_all(rows, arena, out, count_out);
    return OK;
}

void presence_set_in(struct journal_entry *entry, const struct presence_row *row)
{
    journal_entry_add(entry, &statements[SET],
                      PARAMS(INT(row->user_nid), INT(row->state), TEXT(row->status_msg),
                             INT(row->last_active_ts), BOOL(row->currently_active), INT(row->node),
                             POSITION));
}

void presence_set_state_in(struct journal_entry *entry, const struct presence_row *row)
{
    journal_entry_add(entry, &statements[SET_STATE],
                      PARAMS(INT(row->user_nid), INT(row->state), INT(row->last_active_ts),
                             BOOL(row->currently_active), INT(row->node), POSITION));
}

void presence_time_out_in(struct journal_entry *entry, const struct presence_row *row)
{
    journal_entry_add(entry, &statements[TIME_OUT],
                      PARAMS(INT(row->user_nid), INT(row->state), INT(row->last_active_ts),
                             BOOL(row->currently_active), INT(row->node), POSITION));
}

enum errcode presence_node_seen(struct db *db, int64_t node, int64_t now_ms, int64_t dead_before_ts)
{
    TRY(db_execute(db, &statements[NODES_FORGET], PARAMS(INT(dead_before_ts)), NULL));
    return db_execute(db, &statements[NODE_SEEN], PARAMS(INT(node), INT(now_ms)), NULL);
}

enum errcode presence_orphans(struct db *db, struct arena *arena, struct presence_row **out,
                              size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[ORPHANS], NO_PARAMS, &rows));
    read_all(rows, arena, out, count_out);
    return OK;
}
