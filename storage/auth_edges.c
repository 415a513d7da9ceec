/* Which state event names which among its auth events. */
#include "storage/auth_edges.h"

#include "homeserver/base/arena.h"
#include "storage/journal.h"
#include "storage/statements.h"

enum { ADD, ADD_MANY, CHAIN, CITING };

static const struct db_statement statements[] = {
    [ADD] = {"auth_edges_add", "INSERT INTO event_auth_edges (event_nid, auth_nid) "
                               "SELECT $1, n.auth_nid FROM unnest($2::bigint[]) AS n (auth_nid) "
                               "    ON CONFLICT DO NOTHING"},

    [ADD_MANY] = {"auth_edges_add_many",
                  "INSERT INTO event_auth_edges (event_nid, auth_nid) "
                  "SELECT n.event_nid, n.auth_nid "
                  "  FROM unnest($1::bigint[], $2::bigint[]) AS n (event_nid, auth_nid) "
                  "    ON CONFLICT DO NOTHING"},

    [CHAIN] = {"auth_edges_chain",
               "WITH RECURSIVE chain AS ( "
               "  SELECT e.auth_nid AS event_nid "
               "    FROM unnest($1::bigint[]) AS n (event_nid) "
               "    JOIN event_auth_edges e USING (event_nid) "
               "   UNION "
               "  SELECT e.auth_nid FROM chain c JOIN event_auth_edges e USING (event_nid)) "
               "SELECT event_nid FROM chain"},

    [CITING] = {"auth_edges_citing", "SELECT event_nid FROM event_auth_edges WHERE auth_nid = $1 "
                                     " ORDER BY event_nid"},
};
STATEMENT_TABLE(auth_edges, statements);

void auth_edges_add_in(struct journal_entry *entry, int64_t event_nid, struct nid_list auth_nids)
{
    if (auth_nids.count > 0)
        journal_entry_add(entry, &statements[ADD],
                          PARAMS(INT(event_nid), INT_ARRAY(auth_nids.items, auth_nids.count)));
}

void auth_edges_add_many_in(struct journal_entry *entry, struct nid_list from_nids,
                            const int64_t *auth_nids)
{
    if (from_nids.count > 0)
        journal_entry_add(entry, &statements[ADD_MANY],
                          PARAMS(INT_ARRAY(from_nids.items, from_nids.count),
                                 INT_ARRAY(auth_nids, from_nids.count)));
}

static enum errcode read_nids(struct db *db, struct arena *arena,
                              const struct db_statement *statement, struct db_params params,
                              struct nid_list *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, statement, params, &rows));
    int64_t *nids = ARENA_ARRAY(arena, rows_count(rows), int64_t);
    for (size_t i = 0; i < rows_count(rows); i++)
        nids[i] = rows_int(rows, i, 0);
    *out = (struct nid_list){nids, rows_count(rows)};
    return OK;
}

enum errcode auth_chain_load(struct db *db, struct arena *arena, struct nid_list nids,
                             struct nid_list *out)
{
    return read_nids(db, arena, &statements[CHAIN], PARAMS(INT_ARRAY(nids.items, nids.count)), out);
}

enum errcode auth_edges_citing(struct db *db, struct arena *arena, int64_t auth_nid,
                               struct nid_list *out)
{
    return read_nids(db, arena, &statements[CITING], PARAMS(INT(auth_nid)), out);
}
