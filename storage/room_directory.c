/* Pages of the public room directory, from the index of published rooms. */
#include "storage/room_directory.h"

#include "homeserver/base/arena.h"
#include "storage/statements.h"

#define FROM_PUBLISHED                                                                             \
    "  FROM room_summaries s JOIN rooms r USING (room_nid) "                                       \
    " WHERE s.is_published AND NOT r.is_deleted "

/* What application services list as well; $8 is one network, NULL stands for all of them. */
#define FROM_LISTED                                                                                \
    "  FROM room_summaries s JOIN rooms r USING (room_nid) "                                       \
    " WHERE (s.is_published OR s.networks <> '{}') AND NOT r.is_deleted "                          \
    "   AND ($8::text IS NULL OR $8 = ANY(s.networks)) "

#define MATCHES                                                                                    \
    "   AND ($3::text IS NULL OR strpos(coalesce(s.name_folded, ''), $3) > 0 "                     \
    "        OR strpos(coalesce(s.topic_folded, ''), $3) > 0 "                                     \
    "        OR strpos(coalesce(s.canonical_alias_folded, ''), $3) > 0) "                          \
    "   AND (NOT $4::boolean OR s.room_type = ANY($5) "                                            \
    "        OR (s.room_type IS NULL AND $6::boolean)) "

#define AFTER_PLACE                                                                                \
    "   AND (s.joined_members, s.room_nid) < ($1, $2) " MATCHES                                    \
    " ORDER BY s.joined_members DESC, s.room_nid DESC LIMIT $7"

#define BEFORE_PLACE                                                                               \
    "   AND (s.joined_members, s.room_nid) > ($1, $2) " MATCHES                                    \
    " ORDER BY s.joined_members, s.room_nid LIMIT $7"

enum { FORWARDS, BACKWARDS, FORWARDS_LISTED, BACKWARDS_LISTED, COUNT_ALL };

static const struct db_statement statements[] = {
    [FORWARDS] = {"room_directory_forwards",
                  "SELECT " ROOM_SUMMARY_COLUMNS FROM_PUBLISHED AFTER_PLACE},

    [BACKWARDS] = {"room_directory_backwards",
                   "SELECT " ROOM_SUMMARY_COLUMNS FROM_PUBLISHED BEFORE_PLACE},

    [FORWARDS_LISTED] = {"room_directory_forwards_listed",
                         "SELECT " ROOM_SUMMARY_COLUMNS FROM_LISTED AFTER_PLACE},

    [BACKWARDS_LISTED] = {"room_directory_backwards_listed",
                          "SELECT " ROOM_SUMMARY_COLUMNS FROM_LISTED BEFORE_PLACE},

    /* An estimate for people: nobody counts further. */
    [COUNT_ALL] = {"room_directory_count", "SELECT count(*) FROM (SELECT 1 FROM room_summaries "
                                           "WHERE is_published LIMIT 10000) AS first"},
};

STATEMENT_TABLE(room_directory, statements);

enum errcode room_directory_list(struct db *db, struct arena *arena,
                                 const struct directory_query *query, struct room_summary **out,
                                 size_t *count_out)
{
    bool with_untyped = false, by_network = query->all_networks || query->network != NULL;
    const struct db_statement *forwards = &statements[by_network ? FORWARDS_LISTED : FORWARDS];
    const struct db_statement *backwards = &statements[by_network ? BACKWARDS_LISTED : BACKWARDS];
    struct db_params params;
    struct db_rows *rows;

    for (size_t i = 0; i < query->room_type_count; i++)
        with_untyped |= query->room_types[i] == NULL;
    params = PARAMS(INT(query->place.joined_members), INT(query->place.room_nid), TEXT(query->term),
                    BOOL(query->by_type), TEXT_ARRAY(query->room_types, query->room_type_count),
                    BOOL(with_untyped), INT(query->limit), TEXT(query->network));
    params.count -= by_network ? 0 : 1;
    TRY(db_query(db, arena, query->backwards ? backwards : forwards, params, &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct room_summary);
    for (size_t i = 0; i < *count_out; i++)
        room_summary_read(rows, i, arena, &(*out)[i]);
    return OK;
}

enum errcode room_directory_count(struct db *db, struct arena *arena, int64_t *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[COUNT_ALL], NO_PARAMS, &rows));
    *out = rows_int(rows, 0, 0);
    return OK;
}
