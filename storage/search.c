/* Full text search. The configuration `simple` treats all languages alike: no stems, no stop words.
 */
#include "storage/search.h"

#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "storage/journal.h"
#include "storage/plain_words.h"
#include "storage/statements.h"

enum { ADD, REMOVE, NEWEST, BY_WORDS, WORDS };

enum {
    /* How often a word is written is seen from so many of the newest events … */
    SAMPLE_EVENTS = 128,
    /* … and if it is in one of eight, going through events finds enough sooner than the index does,
     * which tells all hits there ever were. */
    FREQUENT_ONE_IN = 8,
    EVENTS_PER_STEP = 4096, /* at most */
    FIRST_SPAN_POSITIONS = 256,
    SPAN_GROWTH = 8,
    STEPS_MAX = 8,
};

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

/* How much of a text the words are that were asked for, all of which it has: the room is a word
 * more in the vector, and operators stand between the words of the question. Places of words are
 * not stored; rows of earlier versions have them. */
#define RANK "(numnode(" WORDS_ASKED ") + 1) / 2 / greatest(length(s.vector) - 1, 1)::float8 "

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
                           "                strip(to_tsvector('simple', n.text)) "
                           "                || array_to_tsvector(ARRAY['!' || n.room_nid])) "
                           "  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], "
                           "              $5::text[], $6::text[]) "
                           "    AS n (event_nid, room_nid, key, position, text, plain) "
                           "    ON CONFLICT (event_nid) DO NOTHING"},

    [REMOVE] = {"search_remove", "DELETE FROM event_search WHERE event_nid = $1"},

    /* The newest events of the rooms, and which of them are hits. One row at least: how many events
     * there were, and the position of the oldest. */
    [NEWEST] = {"search_newest",
                "WITH asked AS MATERIALIZED (SELECT plainto_tsquery('simple', $3) AS words), "
                "seen AS MATERIALIZED ( "
                "  SELECT e.event_nid, e.position "
                "    FROM unnest($1::bigint[], $2::bigint[]) AS r (room_nid, until) "
                "   CROSS JOIN LATERAL ( "
                "         SELECT n.event_nid, n.position FROM events n "
                "          WHERE n.room_nid = r.room_nid AND n.position > $6 "
                "            AND n.position <= least(r.until, $7) "
                "          ORDER BY n.position DESC "
                "          LIMIT $8) e "
                "   ORDER BY e.position DESC "
                "   LIMIT $8), "
                "hits AS ( "
                "  SELECT h.* FROM seen "
                "   CROSS JOIN LATERAL ( "
                "         SELECT s.event_nid, s.room_nid, s.position, "
                "                " RANK "AS rank "
                "           FROM event_search s "
                "          WHERE s.event_nid = seen.event_nid AND s.vector @@ " WORDS_ASKED
                "            AND s.key = ANY($4::bigint[]) OFFSET 0) h " /* one by one */
                "   ORDER BY h.position DESC "
                "   LIMIT $5) "
                "SELECT h.event_nid, h.room_nid, h.position, h.rank, a.events, a.oldest "
                "  FROM (SELECT count(*) AS events, min(position) AS oldest FROM seen) a "
                "  LEFT JOIN hits h ON true "
                " ORDER BY h.position DESC"},

    /* Only what is shown gets its rank. */
    [BY_WORDS] = {"search_by_words",
                  ASKED "SELECT s.event_nid, s.room_nid, s.position, " RANK
                        "  FROM (SELECT s.* " FROM_SEARCH "           AND s.position <= $6 "
                        "         ORDER BY s.position DESC "
                        "         LIMIT $5) AS s "
                        " ORDER BY s.position DESC"},

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

/* A search on its way back through the rooms. */
struct search_walk {
    const struct search_query *query;
    ARRAY_OF(struct search_hit) hits;
    int64_t events; /* looked at */
    int64_t until;  /* where it goes on */
};

static bool has_enough(const struct search_walk *walk)
{
    return walk->until <= 0 || (int64_t)walk->hits.count >= walk->query->limit;
}

static bool is_frequent(const struct search_walk *walk)
{
    return walk->events < SAMPLE_EVENTS ||
           (int64_t)walk->hits.count * FREQUENT_ONE_IN >= walk->events;
}

static void add_hits(struct search_walk *walk, struct arena *arena, const struct db_rows *rows)
{
    for (size_t i = 0; i < rows_count(rows) && !rows_is_null(rows, i, 0); i++) {
        const struct search_hit hit = {rows_int(rows, i, 0), rows_int(rows, i, 1),
                                       rows_int(rows, i, 2), rows_double(rows, i, 3)};
        array_push(arena, &walk->hits, hit);
    }
}

/* As many events as will have the hits that are missing, judged by those before. */
static int64_t events_wanted(const struct search_walk *walk)
{
    int64_t missing = walk->query->limit - (int64_t)walk->hits.count;
    int64_t wanted = walk->hits.count > 0
                         ? missing * walk->events / (int64_t)walk->hits.count * 9 / 8
                         : EVENTS_PER_STEP;

    if (walk->events < SAMPLE_EVENTS || wanted < SAMPLE_EVENTS)
        return SAMPLE_EVENTS;
    return wanted < EVENTS_PER_STEP ? wanted : EVENTS_PER_STEP;
}

/* Positions that will have so many events of the rooms, and not many more: most may be of others.
 */
static int64_t span_for(const struct search_walk *walk, int64_t events)
{
    int64_t walked = walk->query->until_position - walk->until;
    int64_t span = walk->events > 0 ? events * walked / walk->events * 9 / 8 : walked * SPAN_GROWTH;

    return span > FIRST_SPAN_POSITIONS ? span : FIRST_SPAN_POSITIONS;
}

static enum errcode step_back(struct search_walk *walk, struct db *db, struct arena *arena)
{
    const struct search_query *query = walk->query;
    int64_t limit = events_wanted(walk);
    int64_t span = span_for(walk, limit);
    int64_t after = walk->until > span ? walk->until - span : 0;
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[NEWEST],
                 PARAMS(INT_ARRAY(query->room_nids, query->room_count),
                        INT_ARRAY(query->until, query->room_count), TEXT(query->term),
                        INT_ARRAY(query->keys, query->key_count),
                        INT(query->limit - (int64_t)walk->hits.count), INT(after), INT(walk->until),
                        INT(limit)),
                 &rows));
    add_hits(walk, arena, rows);
    bool is_all = rows_int(rows, 0, 4) < limit;
    walk->events += rows_int(rows, 0, 4);
    walk->until = is_all ? after : rows_int(rows, 0, 5) - 1;
    return OK;
}

static enum errcode ask_index(struct search_walk *walk, struct db *db, struct arena *arena)
{
    const struct search_query *query = walk->query;
    struct db_rows *rows;

    TRY(db_query(db, arena, &statements[BY_WORDS],
                 PARAMS(INT_ARRAY(query->room_nids, query->room_count),
                        INT_ARRAY(query->until, query->room_count), TEXT(query->term),
                        INT_ARRAY(query->keys, query->key_count),
                        INT(query->limit - (int64_t)walk->hits.count), INT(walk->until)),
                 &rows));
    add_hits(walk, arena, rows);
    return OK;
}

enum errcode search_events(struct db *db, struct arena *arena, const struct search_query *query,
                           struct search_hit **out, size_t *count_out)
{
    struct search_walk walk = {
        .query = query,
        .until = query->room_count > 0 ? query->until_position : 0,
    };

    for (int i = 0; i < STEPS_MAX && !has_enough(&walk) && is_frequent(&walk); i++)
        TRY(step_back(&walk, db, arena));
    if (!has_enough(&walk))
        TRY(ask_index(&walk, db, arena));
    *out = walk.hits.items;
    *count_out = walk.hits.count;
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
