/* Full text search. The configuration `simple` treats all languages alike: no stems, no stop words.
 */
#include "storage/search.h"

#include "homeserver/base/arena.h"
#include "storage/journal.h"
#include "storage/plain_words.h"
#include "storage/statements.h"

enum { ADD, REMOVE, BY_RANK, BY_AGE, COUNT_HITS, WORDS };

/* What is asked once for all hits. The room is a word of the text, with a `!` that no other word
 * has: the index finds words in the rooms that are asked for, however often they are written
 * elsewhere. */
#define ASKED                                                                                      \
    "WITH asked AS MATERIALIZED ( "                                                                \
    "  SELECT plainto_tsquery('simple', $3) AS words, "                                            \
    "         string_agg('''!' || r.room_nid || '''', '|')::tsquery AS rooms, "                    \
    "         array_agg(r.room_nid ORDER BY r.room_nid) AS room_nids, "                            \
    "         array_agg(r.until ORDER BY r.room_nid) AS until "                                    \
    "    FROM unnest($1::bigint[], $2::bigint[]) AS r (room_nid, until)) "

#define WORDS_ASKED "(SELECT words FROM asked)"

/* A hit's room is found in the list by halving: a join of hits and rooms would be as many steps as
 * there are pairs of them. */
#define PLACE "width_bucket(s.room_nid, (SELECT room_nids FROM asked))"
#define FROM_SEARCH                                                                                \
    "  FROM event_search s "                                                                       \
    " WHERE s.vector @@ " WORDS_ASKED " AND s.vector @@ (SELECT rooms FROM asked) "                \
    "   AND s.key = ANY($4::bigint[]) "                                                            \
    "   AND s.room_nid = (SELECT room_nids FROM asked)[" PLACE "] "                                \
    "   AND s.position <= (SELECT until FROM asked)[" PLACE "] "

static const struct db_statement statements[] = {
    [ADD] = {"search_add", "INSERT INTO event_search (event_nid, room_nid, key, position, vector) "
                           "SELECT n.event_nid, n.room_nid, n.key, n.position, "
                           "       COALESCE(n.plain::tsvector, "
                           "                to_tsvector('simple', n.text) "
                           "                || array_to_tsvector(ARRAY['!' || n.room_nid])) "
                           "  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], "
                           "              $5::text[], $6::text[]) "
                           "    AS n (event_nid, room_nid, key, position, text, plain) "
                           "    ON CONFLICT (event_nid) DO NOTHING"},

    [REMOVE] = {"search_remove", "DELETE FROM event_search WHERE event_nid = $1"},

    [BY_RANK] = {"search_by_rank",
                 ASKED "SELECT s.event_nid, s.room_nid, s.position, "
                       "       ts_rank(s.vector, " WORDS_ASKED ")::float8 AS rank " FROM_SEARCH
                       " ORDER BY rank DESC, s.position DESC "
                       " LIMIT $5 OFFSET $6"},

    /* Only what is shown gets its rank. */
    [BY_AGE] = {"search_by_age", ASKED "SELECT h.event_nid, h.room_nid, h.position, "
                                       "       ts_rank(h.vector, " WORDS_ASKED ")::float8 AS rank "
                                       "  FROM (SELECT s.* " FROM_SEARCH "   AND s.position <= $6 "
                                       "         ORDER BY s.position DESC "
                                       "         LIMIT $5) AS h "
                                       " ORDER BY h.position DESC"},

    [COUNT_HITS] = {"search_count",
                    ASKED "SELECT count(*) FROM (SELECT 1 " FROM_SEARCH " LIMIT $5) AS hits"},

    [WORDS] = {"search_words", "SELECT tsvector_to_array(to_tsvector('simple', $1))"},
};

STATEMENT_TABLE(search, statements);

void search_add_in(struct journal_entry *entry, const struct searchable *searchable)
{
    const char *plain =
        plain_words_vector(journal_entry_arena(entry), searchable->text, searchable->room_nid);

    journal_entry_add_row(entry, &statements[ADD],
                          PARAMS(INT(searchable->event_nid), INT(searchable->room_nid),
                                 INT(searchable->key), POSITION,
                                 TEXT(plain == NULL ? searchable->text : NULL), TEXT(plain)));
}

void search_remove_in(struct journal_entry *entry, int64_t event_nid)
{
    journal_entry_add(entry, &statements[REMOVE], PARAMS(INT(event_nid)));
}

enum errcode search_events(struct db *db, struct arena *arena, const struct search_query *query,
                           struct search_hit **out, size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[query->by_rank ? BY_RANK : BY_AGE],
                 PARAMS(INT_ARRAY(query->room_nids, query->room_count),
                        INT_ARRAY(query->until, query->room_count), TEXT(query->term),
                        INT_ARRAY(query->keys, query->key_count), INT(query->limit),
                        INT(query->by_rank ? query->skip : query->until_position)),
                 &rows));
    *count_out = rows_count(rows);
    *out = ARENA_ARRAY(arena, *count_out, struct search_hit);
    for (size_t i = 0; i < *count_out; i++)
        (*out)[i] = (struct search_hit){rows_int(rows, i, 0), rows_int(rows, i, 1),
                                        rows_int(rows, i, 2), rows_double(rows, i, 3)};
    return OK;
}

enum errcode search_count(struct db *db, struct arena *arena, const struct search_query *query,
                          int64_t *out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[COUNT_HITS],
                 PARAMS(INT_ARRAY(query->room_nids, query->room_count),
                        INT_ARRAY(query->until, query->room_count), TEXT(query->term),
                        INT_ARRAY(query->keys, query->key_count), INT(SEARCH_COUNT_MAX)),
                 &rows));
    *out = rows_int(rows, 0, 0);
    return OK;
}

enum errcode search_words(struct db *db, struct arena *arena, const char *term, const char ***out,
                          size_t *count_out)
{
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[WORDS], PARAMS(TEXT(term)), &rows));
    *out = rows_text_array(rows, 0, 0, arena, count_out);
    return OK;
}
