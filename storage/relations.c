/* Relations between events. Spec: client-server API, "Forming relationships between events". */
#include "storage/relations.h"

#include "homeserver/base/arena.h"
#include "storage/journal.h"
#include "storage/statements.h"

#define RELATION_COLUMNS                                                                           \
    "event_nid, room_nid, parent_id, rel_type, event_type, sender_nid, aggregation_key, is_edit, " \
    "origin_server_ts, position"

/* $1 room, $2 parents, $3 ignored senders, $4 newest position. */
#define FROM_PARENTS                                                                               \
    "  FROM unnest($1::bigint[], $2::text[]) AS parent (room_nid, parent_id) "                     \
    "  JOIN relations r USING (room_nid, parent_id) "
#define THAT_COUNT " WHERE r.sender_nid <> ALL($3) AND r.position <= $4 "

enum {
    ADD,
    ADD_ONCE,
    REMOVE,
    IS_REPEATED,
    ADVANCE,
    SHRINK,
    SHRINK_AWAY,
    THREADS,
    EDITS,
    REFERENCES,
    CHILDREN_FORWARDS,
    CHILDREN_BACKWARDS,
    LIST_THREADS
};

#define CHILDREN                                                                                   \
    "WITH RECURSIVE tree (event_nid, event_id, rel_type, event_type, depth) AS ( "                 \
    "    SELECT r.event_nid, e.event_id, r.rel_type, r.event_type, 1::bigint "                     \
    "      FROM relations r JOIN events e USING (event_nid) "                                      \
    "     WHERE r.room_nid = $1 AND r.parent_id = $2 "                                             \
    "     UNION "                                                                                  \
    "    SELECT r.event_nid, e.event_id, r.rel_type, r.event_type, t.depth + 1 "                   \
    "      FROM tree t JOIN relations r ON r.room_nid = $1 AND r.parent_id = t.event_id "          \
    "           JOIN events e ON e.event_nid = r.event_nid "                                       \
    "     WHERE t.depth < $3) "                                                                    \
    "SELECT e.event_nid "                                                                          \
    "  FROM events e "                                                                             \
    " WHERE e.event_nid IN (SELECT t.event_nid FROM tree t "                                       \
    "                        WHERE ($4::text IS NULL OR t.rel_type = $4) "                         \
    "                          AND ($5::text IS NULL OR t.event_type = $5)) "                      \
    "   AND e.position > $6 AND e.position <= $7 AND e.flags & 7 = 0 "

static const struct db_statement statements[] = {
    [ADD] = {"relation_add", "INSERT INTO relations (" RELATION_COLUMNS ") "
                             "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) "
                             "    ON CONFLICT (event_nid) DO NOTHING"},

    [ADD_ONCE] = {"relation_add_once",
                  "INSERT INTO relations (" RELATION_COLUMNS ") "
                  "SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 "
                  " WHERE NOT EXISTS (SELECT 1 FROM relations "
                  "                    WHERE room_nid = $2 AND parent_id = $3 AND rel_type = $4 "
                  "                      AND event_type = $5 AND sender_nid = $6 "
                  "                      AND aggregation_key = $7)"},

    [REMOVE] = {"relation_remove", "DELETE FROM relations WHERE event_nid = $1"},

    [IS_REPEATED] = {"relation_is_repeated",
                     "SELECT EXISTS (SELECT 1 FROM relations "
                     "                WHERE room_nid = $1 AND parent_id = $2 AND rel_type = $3 "
                     "                  AND event_type = $4 AND sender_nid = $5 "
                     "                  AND aggregation_key = $6)"},

    [ADVANCE] = {"thread_advance", "INSERT INTO threads (room_nid, root_id, latest_position) "
                                   "VALUES ($1, $2, $3) "
                                   "    ON CONFLICT (room_nid, root_id) DO UPDATE "
                                   "   SET latest_position = GREATEST(threads.latest_position, "
                                   "                                  EXCLUDED.latest_position)"},

    [SHRINK] = {"thread_shrink", "UPDATE threads t SET latest_position = r.latest "
                                 "  FROM (SELECT max(position) AS latest FROM relations "
                                 "         WHERE room_nid = $1 AND parent_id = $2 "
                                 "           AND rel_type = 'm.thread') r "
                                 " WHERE t.room_nid = $1 AND t.root_id = $2 "
                                 "   AND r.latest IS NOT NULL"},

    [SHRINK_AWAY] = {"thread_shrink_away",
                     "DELETE FROM threads "
                     " WHERE room_nid = $1 AND root_id = $2 "
                     "   AND NOT EXISTS (SELECT 1 FROM relations "
                     "                    WHERE room_nid = $1 AND parent_id = $2 "
                     "                      AND rel_type = 'm.thread')"},

    [THREADS] = {"relations_threads",
                 "SELECT r.parent_id, count(*), "
                 "       (array_agg(r.event_nid ORDER BY r.position DESC))[1], "
                 "       bool_or(r.sender_nid = $5) " FROM_PARENTS THAT_COUNT
                 "   AND r.rel_type = 'm.thread' "
                 " GROUP BY r.parent_id"},

    [EDITS] = {"relations_edits",
               "SELECT DISTINCT ON (r.parent_id, r.event_type) "
               "       r.parent_id, r.event_type, r.event_nid " FROM_PARENTS
               "  JOIN events p ON p.event_id = r.parent_id "
               "  JOIN events e ON e.event_nid = r.event_nid " THAT_COUNT
               "   AND r.rel_type = 'm.replace' AND r.is_edit AND r.sender_nid = p.sender_nid "
               " ORDER BY r.parent_id, r.event_type, r.origin_server_ts DESC, e.event_id DESC"},

    [REFERENCES] =
        {"relations_references",
         "SELECT parent_id, event_id "
         "  FROM (SELECT r.parent_id, e.event_id, r.position, "
         "               row_number() OVER (PARTITION BY r.parent_id "
         "                                      ORDER BY r.position) AS number " FROM_PARENTS
         "  JOIN events e USING (event_nid) " THAT_COUNT
         "           AND r.rel_type = 'm.reference') numbered "
         " WHERE number <= $5 "
         " ORDER BY parent_id, position"},

    [CHILDREN_FORWARDS] = {"relations_children_forwards", CHILDREN " ORDER BY e.position LIMIT $8"},

    [CHILDREN_BACKWARDS] = {"relations_children_backwards",
                            CHILDREN " ORDER BY e.position DESC LIMIT $8"},

    [LIST_THREADS] = {"threads_list",
                      "SELECT e.event_nid, t.latest_position "
                      "  FROM threads t "
                      "       JOIN events e ON e.event_id = t.root_id AND e.room_nid = t.room_nid "
                      " WHERE t.room_nid = $1 AND t.latest_position <= $2 "
                      "   AND ($3::bigint = 0 OR e.sender_nid = $3 "
                      "        OR EXISTS (SELECT 1 FROM relations r "
                      "                    WHERE r.room_nid = $1 AND r.parent_id = t.root_id "
                      "                      AND r.rel_type = 'm.thread' AND r.sender_nid = $3)) "
                      " ORDER BY t.latest_position DESC "
                      " LIMIT $4"},
};

STATEMENT_TABLE(relations, statements);

void relation_add_in(struct journal_entry *entry, const struct stored_relation *r)
{
    journal_entry_add(entry, &statements[ADD],
                      PARAMS(INT(r->event_nid), INT(r->room_nid), TEXT(r->parent_id),
                             TEXT(r->rel_type), TEXT(r->event_type), INT(r->sender_nid),
                             TEXT(r->key), BOOL(r->is_edit), INT(r->origin_server_ts), POSITION));
}

void relation_add_once_in(struct journal_entry *entry, const struct stored_relation *r)
{
    journal_entry_add_expecting(entry, &statements[ADD_ONCE],
                                PARAMS(INT(r->event_nid), INT(r->room_nid), TEXT(r->parent_id),
                                       TEXT(r->rel_type), TEXT(r->event_type), INT(r->sender_nid),
                                       TEXT(r->key), BOOL(r->is_edit), INT(r->origin_server_ts),
                                       POSITION),
                                1);
}

void relation_remove_in(struct journal_entry *entry, int64_t event_nid)
{
    journal_entry_add(entry, &statements[REMOVE], PARAMS(INT(event_nid)));
}

enum errcode relation_is_repeated(struct db *db, struct arena *arena,
                                  const struct stored_relation *r, bool *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[IS_REPEATED],
                 PARAMS(INT(r->room_nid), TEXT(r->parent_id), TEXT(r->rel_type),
                        TEXT(r->event_type), INT(r->sender_nid), TEXT(r->key)),
                 &rows));
    *out = rows_bool(rows, 0, 0);
    return OK;
}

void thread_advance_in(struct journal_entry *entry, int64_t room_nid, const char *root_id)
{
    journal_entry_add(entry, &statements[ADVANCE], PARAMS(INT(room_nid), TEXT(root_id), POSITION));
}

void thread_shrink_in(struct journal_entry *entry, int64_t room_nid, const char *root_id)
{
    journal_entry_add(entry, &statements[SHRINK], PARAMS(INT(room_nid), TEXT(root_id)));
    journal_entry_add(entry, &statements[SHRINK_AWAY], PARAMS(INT(room_nid), TEXT(root_id)));
}

static enum errcode query_parents(struct db *db, struct arena *arena, int statement,
                                  const struct relation_parents *parents, int64_t last,
                                  struct db_rows **out)
{
    return db_query(db, arena, &statements[statement],
                    PARAMS(INT_ARRAY(parents->room_nids, parents->count),
                           TEXT_ARRAY(parents->event_ids, parents->count),
                           INT_ARRAY(parents->ignored.items, parents->ignored.count),
                           INT(parents->until), INT(last)),
                    out);
}

enum errcode relations_threads(struct db *db, struct arena *arena,
                               const struct relation_parents *parents, struct thread_row **out,
                               size_t *count_out)
{
    struct db_rows *rows;

    TRY(query_parents(db, arena, THREADS, parents, parents->viewer_nid, &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct thread_row);
    for (size_t i = 0; i < *count_out; i++)
        (*out)[i] = (struct thread_row){rows_text(rows, i, 0), rows_int(rows, i, 1),
                                        rows_int(rows, i, 2), rows_bool(rows, i, 3)};
    return OK;
}

enum errcode relations_edits(struct db *db, struct arena *arena,
                             const struct relation_parents *parents, struct edit_row **out,
                             size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[EDITS],
                 PARAMS(INT_ARRAY(parents->room_nids, parents->count),
                        TEXT_ARRAY(parents->event_ids, parents->count),
                        INT_ARRAY(parents->ignored.items, parents->ignored.count),
                        INT(parents->until)),
                 &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct edit_row);
    for (size_t i = 0; i < *count_out; i++)
        (*out)[i] =
            (struct edit_row){rows_text(rows, i, 0), rows_text(rows, i, 1), rows_int(rows, i, 2)};
    return OK;
}

enum errcode relations_references(struct db *db, struct arena *arena,
                                  const struct relation_parents *parents,
                                  struct reference_row **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(query_parents(db, arena, REFERENCES, parents, REFERENCES_MAX, &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct reference_row);
    for (size_t i = 0; i < *count_out; i++)
        (*out)[i] = (struct reference_row){rows_text(rows, i, 0), rows_text(rows, i, 1)};
    return OK;
}

enum errcode relations_children(struct db *db, struct arena *arena,
                                const struct children_query *query, struct nid_list *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[query->backwards ? CHILDREN_BACKWARDS : CHILDREN_FORWARDS],
                 PARAMS(INT(query->room_nid), TEXT(query->parent_id), INT(query->depth_max),
                        TEXT(query->rel_type), TEXT(query->event_type), INT(query->after),
                        INT(query->until), INT(query->limit)),
                 &rows));
    int64_t *nids = ARENA_ARRAY(arena, rows_count(rows), int64_t);
    for (size_t i = 0; i < rows_count(rows); i++)
        nids[i] = rows_int(rows, i, 0);
    *out = (struct nid_list){nids, rows_count(rows)};
    return OK;
}

enum errcode threads_list(struct db *db, struct arena *arena, const struct threads_query *query,
                          struct thread_place **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(
        db, arena, &statements[LIST_THREADS],
        PARAMS(INT(query->room_nid), INT(query->until), INT(query->viewer_nid), INT(query->limit)),
        &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct thread_place);
    for (size_t i = 0; i < *count_out; i++)
        (*out)[i] = (struct thread_place){rows_int(rows, i, 0), rows_int(rows, i, 1)};
    return OK;
}
