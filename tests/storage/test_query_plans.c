/*
 * No query grows with the server where it should grow with its answer: the plans that PostgreSQL
 * makes for our own statements on a populated database.
 */
#include <jansson.h>
#include <libpq-fe.h>
#include <string.h>

#include "homeserver/base/strbuf.h"
#include "storage/statements.h"
#include "tests/storage/plan_population.h"
#include "tests/support/postgres.h"
#include "tests/support/test.h"

/* Tables that grow with the server and are filled here: nothing may read one from end to end. */
static const char *const big_tables[] = {
    "accounts",   "account_data",   "devices",        "device_list_changes",
    "event_json", "event_search",   "events",         "memberships",
    "presence",   "profile_fields", "push_actions",   "receipts",
    "relations",  "room_heads",     "room_summaries", "rooms",
    "state_keys", "thread_events",  "threads",        "user_directory",
    "users",
};

/* Statements that may, and why that is no harm. */
static const struct {
    const char *name, *why;
} whole_tables[] = {
    {"room_directory_count", "stops at 10,000"},
    {"federation_queues_probe", "stops at the first member of another server"},
    /* Who reads forward reads little, but this plan can not know how far it is behind: theirs is
     * another (DB_PLANS_BY_VALUES). */
    {"appservice_presence", "reads forward"},
    {"appservice_device_lists", "reads forward"},
    {"federation_device_changes_load", "reads forward"},
    {"federation_queues_scan", "reads forward"},
    {"federation_pdus_load", "reads forward"},
};

static PGconn *connection;
static struct test_database *database;

static bool is_big(const char *table)
{
    for (size_t i = 0; i < COUNT_OF(big_tables); i++) {
        if (strcmp(big_tables[i], table) == 0)
            return true;
    }
    return false;
}

static const char *why_whole(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(whole_tables); i++) {
        if (strcmp(whole_tables[i].name, name) == 0)
            return whole_tables[i].why;
    }
    return NULL;
}

/* What a plan does, its parts included. */
struct plan_cost {
    const char *whole_table; /* read from end to end; NULL: none */
    double rows;             /* that were looked at in tables and indexes */
};

static double number(const json_t *node, const char *name)
{
    return json_number_value(json_object_get(node, name));
}

static void add_cost(const json_t *node, struct plan_cost *cost)
{
    const char *type = json_string_value(json_object_get(node, "Node Type"));
    const char *table = json_string_value(json_object_get(node, "Relation Name"));
    const json_t *loops = json_object_get(node, "Actual Loops"); /* NULL: it was only planned */
    const json_t *part;
    size_t i;
    bool runs = loops == NULL || json_number_value(loops) > 0;

    if (runs && table != NULL && strcmp(type, "Seq Scan") == 0 && is_big(table))
        cost->whole_table = table;
    if (table != NULL || strcmp(type, "Bitmap Index Scan") == 0)
        cost->rows += (number(node, "Actual Rows") + number(node, "Rows Removed by Filter") +
                       number(node, "Rows Removed by Index Recheck")) *
                      number(node, "Actual Loops");
    json_array_foreach (json_object_get(node, "Plans"), i, part)
        add_cost(part, cost);
}

static const char *word(const json_t *node, const char *name)
{
    const char *value = json_string_value(json_object_get(node, name));

    return value != NULL ? value : "";
}

/* What somebody needs who mends a query. */
static void print_plan(const json_t *node, int depth)
{
    const json_t *part;
    size_t i;

    print_error(
        "%*s%s %s %s rows=%.0f removed=%.0f loops=%.0f\n", 2 * depth, "", word(node, "Node Type"),
        word(node, "Relation Name"), word(node, "Index Name"), number(node, "Actual Rows"),
        number(node, "Rows Removed by Filter") + number(node, "Rows Removed by Index Recheck"),
        number(node, "Actual Loops"));
    json_array_foreach (json_object_get(node, "Plans"), i, part)
        print_plan(part, depth + 1);
}

static const struct db_statement *find_statement(const char *name)
{
    size_t table_count;
    const struct statement_table *const *tables = statement_tables(&table_count);

    for (size_t i = 0; i < table_count; i++) {
        for (size_t j = 0; j < tables[i]->count; j++) {
            if (strcmp(tables[i]->statements[j].name, name) == 0)
                return &tables[i]->statements[j];
        }
    }
    fail_msg("there is no statement %s", name);
    return NULL;
}

static bool succeeds(PGresult *result, ExecStatusType wanted)
{
    bool is_good = PQresultStatus(result) == wanted;

    if (!is_good)
        print_error("%s", PQresultErrorMessage(result));
    PQclear(result);
    return is_good;
}

static void run(const char *sql)
{
    if (!succeeds(PQexec(connection, sql), PGRES_COMMAND_OK))
        fail_msg("%s", sql);
}

/* Prepares under its own name; where PostgreSQL can not tell the kind of integer it is ours. */
static int prepare(const struct db_statement *statement)
{
    static const char complaint[] = "inconsistent types deduced for parameter $";
    enum { BIGINT = 20 };
    Oid types[64] = {0};
    int type_count = 0;

    for (bool is_done = false; !is_done;) {
        PGresult *result =
            PQprepare(connection, statement->name, statement->sql, type_count, types);
        const char *which = strstr(PQresultErrorMessage(result), complaint);
        int ambiguous = which != NULL ? (int)strtol(which + strlen(complaint), NULL, 10) : 0;

        is_done = PQresultStatus(result) == PGRES_COMMAND_OK;
        if (!is_done && (ambiguous == 0 || types[ambiguous - 1] == BIGINT))
            fail_msg("%s: %s", statement->name, PQresultErrorMessage(result));
        if (!is_done) {
            types[ambiguous - 1] = BIGINT;
            type_count = ambiguous > type_count ? ambiguous : type_count;
        }
        PQclear(result);
    }
    PGresult *described = PQdescribePrepared(connection, statement->name);
    int parameters = PQnparams(described);
    PQclear(described);
    return parameters;
}

static void forget(const struct db_statement *statement)
{
    struct strbuf sql;

    strbuf_init(&sql, 0);
    strbuf_printf(&sql, "DEALLOCATE \"%s\"", statement->name);
    run(sql.data);
    strbuf_finish(&sql);
}

/* A new reference to the plan's JSON. `values`: the parameters as SQL. */
static json_t *explain(const struct db_statement *statement, bool really, const char *values)
{
    struct strbuf sql;
    PGresult *result;
    json_t *plan;

    strbuf_init(&sql, 0);
    strbuf_printf(&sql, "EXPLAIN (%sFORMAT JSON) EXECUTE \"%s\"%s%s%s",
                  really ? "ANALYZE, TIMING OFF, " : "", statement->name,
                  *values != '\0' ? "(" : "", values, *values != '\0' ? ")" : "");
    result = PQexec(connection, sql.data);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql.data, PQresultErrorMessage(result));
    strbuf_finish(&sql);
    plan = json_loads(PQgetvalue(result, 0, 0), 0, NULL);
    PQclear(result);
    assert_non_null(plan);
    return plan;
}

static struct plan_cost cost_of(const json_t *plan)
{
    struct plan_cost cost = {0};

    add_cost(json_object_get(json_array_get(plan, 0), "Plan"), &cost);
    return cost;
}

static void print_failure(const char *name, const char *table, const json_t *plan)
{
    print_error("%s reads all of %s\n", name, table);
    print_plan(json_object_get(json_array_get(plan, 0), "Plan"), 1);
}

/* The generic plan, which knows no values: what a connection uses in the long run. */
static bool check_generic_plan(const struct db_statement *statement)
{
    struct strbuf nulls;
    int parameters = prepare(statement);

    strbuf_init(&nulls, 0);
    for (int i = 0; i < parameters; i++)
        strbuf_add_string(&nulls, i == 0 ? "NULL" : ", NULL");
    json_t *plan = explain(statement, false, nulls.data);
    struct plan_cost cost = cost_of(plan);
    bool is_good = cost.whole_table == NULL || why_whole(statement->name) != NULL;
    if (!is_good)
        print_failure(statement->name, cost.whole_table, plan);
    strbuf_finish(&nulls);
    json_decref(plan);
    forget(statement);
    return is_good;
}

static bool is_explainable(const char *sql)
{
    static const char *const beginnings[] = {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH"};

    for (size_t i = 0; i < COUNT_OF(beginnings); i++) {
        if (strncmp(sql, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    }
    return false;
}

static void no_statement_reads_a_big_table_from_end_to_end(void **state)
{
    (void)state;
    size_t table_count, bad = 0;
    const struct statement_table *const *tables = statement_tables(&table_count);

    run("SET plan_cache_mode = force_generic_plan");
    for (size_t i = 0; i < table_count; i++) {
        for (size_t j = 0; j < tables[i]->count; j++) {
            if (is_explainable(tables[i]->statements[j].sql))
                bad += check_generic_plan(&tables[i]->statements[j]) ? 0 : 1;
        }
    }
    assert_int_equal(bad, 0);
}

/* The user 2,000 is in the rooms 75 to 99, each with 500 members and 200 messages. In the full size
 * these are twice as many rooms, each twice as large: four times the rows. */
enum { FULL_FACTOR = 4 };
#define ROOMS "'{75,76,77,78,79,80,81,82,83,84,85,86,87,88,89,90,91,92,93,94,95,96,97,98,99}'"
#define NOW   "9000000000"

/* A question as a client asks it, and how many rows of tables and indexes may be looked at. An
 * index and its table count apart, and a row of a room's members is one for each of them. */
static const struct {
    const char *name, *values;
    double rows_max;
} questions[] = {
    /* sync: the user's rooms, what is new in them, what one catches up on in one of them */
    {"memberships_of_user", "2000, false", 60},
    {"events_of_rooms", ROOMS ", " ROOMS ", array_fill(10::bigint, ARRAY[25]), " NOW, 600},
    {"receipts_changed", ROOMS ", 2000, 99000400, " NOW ", 100", 3000},
    {"account_data_changed", "2000, 99000000, " NOW, 10},
    {"account_data_of_rooms", "2000, " ROOMS ", " NOW, 60},
    {"listed_rooms_load", ROOMS, 160},
    {"room_last_positions", ROOMS, 60},
    {"room_bumps_load", ROOMS ", " NOW, 25 * 310},
    {"presence_changed", "2000, 19990, 20000, 100, '{}'", 400},
    {"device_list_changes_load", "2000, 99000000, 99000100, '{}'", 4000},
    /* messages */
    {"events_range_backwards", "80, 0, " NOW ", 20, false", 60},
    {"events_range_forwards", "80, 0, " NOW ", 20, false", 60},
    /* … a span of 70 minutes, in which these rooms have all their events */
    {"events_closest_after", "80, 80000300, 0, 10", 800},
    {"events_closest_before", "80, 80000300, 0, 10", 800},
    {"relations_threads",
     "ARRAY[80, 80]::bigint[], ARRAY['$80000600', '$80000603'], '{}', " NOW ", 2000", 60},
    {"threads_list", "80, " NOW ", 0, 20", 60},
    /* members */
    {"memberships_of_room", "80, 2, false", 1100},
    {"memberships_count", "80", 4},
    {"memberships_heroes", "ARRAY[80]::bigint[], 2, 5", 30},
    {"memberships_share_room", "2000, 2001", 60},
    {"memberships_mutual", "2000, 2001, 0, 100", 200},
    {"users_load_ids", ROOMS, 60},
    /* unread counts */
    {"unread_counts", "2000, " ROOMS ", 100, " NOW, 25 * 250},
    {"unread_rooms", "2000", 25 * 300},
    {"notifications_list", "2000, " NOW ", false, 20", 25 * 90},
    /* directories */
    {"room_directory_forwards", NOW ", " NOW ", NULL, false, '{}', false, 21", 60},
    {"room_directory_backwards", "0, 0, NULL, false, '{}', false, 21", 60},
    {"room_directory_forwards_listed", NOW ", " NOW ", NULL, false, '{}', false, 21, NULL", 60},
    {"user_directory_search", "2000, 'name 2001', 10", 2000},
    /* search */
    {"search_newest",
     ROOMS ", array_fill(9000000000::bigint, ARRAY[25]), 'common', '{1}', 10, 0, " NOW ", 100",
     25 * 100 + 300},
    {"search_by_words",
     ROOMS ", array_fill(9000000000::bigint, ARRAY[25]), 'word7', '{1}', 10, " NOW, 200},
};

static bool check_question(const char *name, const char *values, double rows_max, const char *mode)
{
    const struct db_statement *statement = find_statement(name);
    struct strbuf sql;

    strbuf_init(&sql, 0);
    strbuf_printf(&sql, "SET plan_cache_mode = %s", mode);
    run(sql.data);
    strbuf_finish(&sql);
    (void)prepare(statement);
    json_t *plan = explain(statement, true, values);
    struct plan_cost cost = cost_of(plan);
    bool is_good = cost.whole_table == NULL && cost.rows <= rows_max;
    if (!is_good) {
        print_error("%s (%s) looks at %.0f rows instead of %.0f; whole table: %s\n", name, mode,
                    cost.rows, rows_max, cost.whole_table != NULL ? cost.whole_table : "none");
        print_plan(json_object_get(json_array_get(plan, 0), "Plan"), 1);
    }
    forget(statement);
    json_decref(plan);
    return is_good;
}

static void questions_look_at_rows_in_proportion_to_their_answers(void **state)
{
    (void)state;
    static const char *const modes[] = {"force_generic_plan", "force_custom_plan"};
    const int factor = plan_size_is_full() ? FULL_FACTOR : 1;
    size_t bad = 0;

    for (size_t i = 0; i < COUNT_OF(questions) * COUNT_OF(modes); i++) {
        const char *mode = modes[i % COUNT_OF(modes)];
        size_t q = i / COUNT_OF(modes);
        bad += check_question(questions[q].name, questions[q].values,
                              factor * questions[q].rows_max, mode)
                   ? 0
                   : 1;
    }
    assert_int_equal(bad, 0);
}

static int populate(void **state)
{
    (void)state;
    const struct plan_size size = plan_size();
    struct db *db;

    database = test_database_create();
    db = db_create(test_database_conninfo(database));
    plan_populate(db, &size);
    db_destroy(db);
    connection = PQconnectdb(test_database_conninfo(database));
    assert_int_equal(PQstatus(connection), CONNECTION_OK);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    PQfinish(connection);
    test_database_destroy(database);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_statement_reads_a_big_table_from_end_to_end),
        cmocka_unit_test(questions_look_at_rows_in_proportion_to_their_answers),
    };
    return cmocka_run_group_tests(tests, populate, drop);
}
