#include "homeserver/base/arena.h"
#include "homeserver/base/strbuf.h"
#include "storage/search.h"
#include "tests/support/postgres.h"
#include "tests/support/test.h"

/* Room 1 and 2 are busy, 3 is quiet, 4 is busier than all and not asked about; from room 2 one left
 * halfway. Of the words one is in every event, others in one of 3, 20 and 400, one in one event. */
enum { EVENTS = 3000, ROOMS = 3, WORDS = 6 };

/* Positions lie as far apart as where others write a lot, or write nothing. */
static void furnish(struct storage_fixture *fixture, int apart)
{
    test_sql(fixture->db, "CREATE TABLE made (event_nid bigint, position bigint, room_nid bigint)");
    test_sql(fixture->db,
             arena_printf(fixture->arena,
                          "INSERT INTO made "
                          "SELECT i, i::bigint * %d, "
                          "       CASE WHEN i %% 97 = 0 THEN 3 WHEN hashint4(i) & 1 = 0 THEN 4 "
                          "            ELSE 1 + i / 2 %% 2 END "
                          "  FROM generate_series(1, %d) i",
                          apart, EVENTS));
    test_sql(fixture->db,
             "INSERT INTO events (event_nid, room_nid, position, depth, origin_server_ts, "
             "                    sender_nid, event_id) "
             "SELECT event_nid, room_nid, position, 1, 1, 1, '$' || event_nid FROM made");
    test_sql(fixture->db,
             "INSERT INTO event_search (event_nid, room_nid, key, position, vector) "
             "SELECT event_nid, room_nid, CASE WHEN event_nid % 11 = 0 THEN 2 ELSE 1 END, position,"
             "       to_tsvector('simple', format('all c%s t%s h%s n%s', r % 3, r % 20, r % 400, "
             "                                    event_nid)) "
             "       || array_to_tsvector(ARRAY['!' || room_nid]) "
             "  FROM made, LATERAL (SELECT hashint8(event_nid) & 65535 AS r) random "
             " WHERE event_nid % 13 <> 0");
}

/* What reading all the words finds. */
static const char *found_by_reading(struct storage_fixture *fixture,
                                    const struct search_query *query)
{
    return test_sql_text(
        fixture->db, fixture->arena,
        arena_printf(fixture->arena,
                     "SELECT coalesce(string_agg(format('%%s@%%s/%%s ', event_nid, position, "
                     "                                  room_nid), '' ORDER BY position DESC), '') "
                     "  FROM (SELECT * FROM event_search "
                     "         WHERE '%s' = ANY (tsvector_to_array(vector)) AND position <= %lld "
                     "           AND (room_nid IN (1, 3) OR room_nid = 2 AND position <= %lld) "
                     "           AND key IN (2, %d) "
                     "         ORDER BY position DESC LIMIT %lld) s",
                     query->term, (long long)query->until_position, (long long)query->until[1],
                     query->key_count == 1 ? 2 : 1, (long long)query->limit));
}

static void check(struct storage_fixture *fixture, const struct search_query *query)
{
    struct search_hit *hits;
    struct strbuf found;
    size_t count;

    assert_int_equal(search_events(fixture->db, fixture->arena, query, &hits, &count), OK);
    strbuf_init(&found, 0);
    for (size_t i = 0; i < count; i++) {
        assert_true(hits[i].rank > 0);
        strbuf_printf(&found, "%lld@%lld/%lld ", (long long)hits[i].event_nid,
                      (long long)hits[i].position, (long long)hits[i].room_nid);
    }
    assert_string_equal(count > 0 ? found.data : "", found_by_reading(fixture, query));
    strbuf_finish(&found);
}

static void check_all(struct storage_fixture *fixture, int apart)
{
    static const char *const words[WORDS] = {"all", "c1", "t7", "h5", "n2001", "absent"};
    static const int64_t limits[] = {1, 11, 1000};
    static const int64_t rooms[ROOMS] = {1, 2, 3}, keys[] = {2, 1};
    const int64_t end = (int64_t)EVENTS * apart;
    const int64_t until[ROOMS] = {INT64_MAX, end / 2, INT64_MAX};
    const int64_t from[] = {end, end - apart * 7, end - apart * 19, end / 2, apart};

    furnish(fixture, apart);
    for (size_t i = 0; i < WORDS * COUNT_OF(limits) * COUNT_OF(from); i++) {
        const struct search_query query = {
            .room_nids = rooms,
            .until = until,
            .room_count = ROOMS,
            .term = words[i % WORDS],
            .keys = keys,
            .key_count = 1 + i / 5 % 2,
            .until_position = from[i / WORDS / COUNT_OF(limits)],
            .limit = limits[i / WORDS % COUNT_OF(limits)],
        };
        check(fixture, &query);
    }
}

static void the_newest_hits_are_found_among_few_others(void **state)
{
    check_all(*state, 1);
}

static void the_newest_hits_are_found_among_very_many_others(void **state)
{
    check_all(*state, 100000);
}

static void nothing_is_found_in_no_room(void **state)
{
    struct storage_fixture *fixture = *state;
    const struct search_query query = {.term = "all", .until_position = 10, .limit = 10};
    struct search_hit *hits;
    size_t count;

    furnish(fixture, 1);
    assert_int_equal(search_events(fixture->db, fixture->arena, &query, &hits, &count), OK);
    assert_int_equal(count, 0);
}

static void a_frequent_word_is_found_without_its_index(void **state)
{
    static const int64_t rooms[] = {1}, until[] = {INT64_MAX}, keys[] = {1, 2};
    struct storage_fixture *fixture = *state;
    const struct search_query query = {
        .room_nids = rooms,
        .until = until,
        .room_count = 1,
        .term = "c1",
        .keys = keys,
        .key_count = 2,
        .until_position = EVENTS,
        .limit = 150,
    };
    struct search_hit *hits;
    size_t count;

    furnish(fixture, 1);
    int64_t before = db_statements_run(fixture->db);
    assert_int_equal(search_events(fixture->db, fixture->arena, &query, &hits, &count), OK);
    assert_int_equal(count, 150);
    assert_in_range(db_statements_run(fixture->db), before + 1, before + 4);
    /* What is older is not looked at. */
    test_sql(fixture->db, arena_printf(fixture->arena,
                                       "UPDATE event_search SET vector = '' WHERE position < %lld",
                                       (long long)hits[149].position));
    test_sql(fixture->db, "DROP INDEX event_search_vector");
    assert_int_equal(search_events(fixture->db, fixture->arena, &query, &hits, &count), OK);
    assert_int_equal(count, 150);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, storage_setup, storage_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_newest_hits_are_found_among_few_others),
        TEST(the_newest_hits_are_found_among_very_many_others),
        TEST(nothing_is_found_in_no_room),
        TEST(a_frequent_word_is_found_without_its_index),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
