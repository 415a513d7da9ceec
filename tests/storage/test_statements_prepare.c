/*
 * Has PostgreSQL check every statement of the program against the migrated schema: names, types,
 * and that the db layer can send its parameters and read its columns.
 */
#include "homeserver/base/arena.h"
#include "homeserver/base/map.h"
#include "storage/db_wire.h"
#include "storage/statements.h"
#include "tests/support/postgres.h"
#include "tests/support/test.h"

enum { PARAMETERS_MAX = 64, NAME_CHARS_MAX = 63 };

/* The type that db.h sends where PostgreSQL expects `inferred`; 0 when it has none. */
static Oid sent_type(Oid inferred)
{
    static const struct {
        Oid inferred;
        Oid sent;
    } types[] = {
        {OID_INT2, OID_INT8},
        {OID_INT4, OID_INT8},
        {OID_INT8, OID_INT8},
        {OID_BOOL, OID_BOOL},
        {OID_FLOAT4, OID_FLOAT8},
        {OID_FLOAT8, OID_FLOAT8},
        {OID_TEXT, OID_TEXT},
        {OID_VARCHAR, OID_TEXT},
        {OID_NAME, OID_TEXT},
        {OID_BYTEA, OID_BYTEA},
        {OID_BOOL_ARRAY, OID_BOOL_ARRAY},
        {OID_BYTEA_ARRAY, OID_BYTEA_ARRAY},
        {OID_INT8_ARRAY, OID_INT8_ARRAY},
        {OID_TEXT_ARRAY, OID_TEXT_ARRAY},
    };

    for (size_t i = 0; i < COUNT_OF(types); i++) {
        if (types[i].inferred == inferred)
            return types[i].sent;
    }
    return 0;
}

/* Prepares the statement and describes it; NULL when PostgreSQL refuses. */
static PGresult *prepare(PGconn *connection, const struct db_statement *statement, int type_count,
                         const Oid *types)
{
    PGresult *prepared = PQprepare(connection, "", statement->sql, type_count, types);
    ExecStatusType status = PQresultStatus(prepared);

    PQclear(prepared);
    if (status != PGRES_COMMAND_OK)
        return NULL;
    PGresult *described = PQdescribePrepared(connection, "");
    assert_int_equal(PQresultStatus(described), PGRES_COMMAND_OK);
    return described;
}

/* The parameter that could be two kinds of integer, so that PostgreSQL gave up; 0 when it was
 * something else. */
static int ambiguous_parameter(PGconn *connection)
{
    static const char complaint[] = "inconsistent types deduced for parameter $";
    const char *message = strstr(PQerrorMessage(connection), complaint);

    return message != NULL ? (int)strtol(message + strlen(complaint), NULL, 10) : 0;
}

/* With the types that PostgreSQL infers, or with bigint, which is what we send, where it can not.
 */
static PGresult *prepare_inferring(PGconn *connection, const struct db_statement *statement)
{
    Oid types[PARAMETERS_MAX] = {0};
    int ambiguous, type_count = 0;
    PGresult *described = prepare(connection, statement, 0, NULL);

    while (described == NULL && (ambiguous = ambiguous_parameter(connection)) > 0 &&
           types[ambiguous - 1] == 0) {
        types[ambiguous - 1] = OID_INT8;
        type_count = ambiguous > type_count ? ambiguous : type_count;
        described = prepare(connection, statement, type_count, types);
    }
    if (described == NULL)
        print_error("%s: %s", statement->name, PQerrorMessage(connection));
    return described;
}

/* What pg_notify() and the like return: nothing to read. */
enum { OID_VOID = 2278 };

static bool columns_are_readable(const struct db_statement *statement, const PGresult *described)
{
    for (int i = 0; i < PQnfields(described); i++) {
        if (PQftype(described, i) != OID_VOID && !rows_can_read(PQftype(described, i))) {
            print_error("%s: column %d has the type %u, which storage/db_rows.c can not read\n",
                        statement->name, i, PQftype(described, i));
            return false;
        }
    }
    return true;
}

/* First as PostgreSQL infers the types, then with those that are really sent. */
static bool check_statement(PGconn *connection, const struct db_statement *statement)
{
    Oid types[PARAMETERS_MAX];
    PGresult *described = prepare_inferring(connection, statement);

    if (described == NULL)
        return false;
    int count = PQnparams(described);
    bool is_good = columns_are_readable(statement, described);
    assert_true(count <= PARAMETERS_MAX);
    for (int i = 0; i < count; i++) {
        types[i] = sent_type(PQparamtype(described, i));
        if (types[i] == 0) {
            print_error("%s: parameter $%d has the type %u, which db.h can not send\n",
                        statement->name, i + 1, PQparamtype(described, i));
            is_good = false;
        }
    }
    PQclear(described);
    if (!is_good)
        return false;
    described = prepare(connection, statement, count, types);
    is_good = described != NULL;
    PQclear(described);
    if (!is_good)
        print_error("%s: with the types of db.h: %s", statement->name, PQerrorMessage(connection));
    return is_good;
}

static void every_statement_can_be_prepared(void **state)
{
    struct storage_fixture *fixture = *state;
    PGconn *connection = PQconnectdb(test_database_conninfo(fixture->database));
    size_t table_count, bad = 0;
    const struct statement_table *const *tables = statement_tables(&table_count);

    assert_int_equal(PQstatus(connection), CONNECTION_OK);
    for (size_t i = 0; i < table_count; i++) {
        for (size_t j = 0; j < tables[i]->count; j++)
            bad += check_statement(connection, &tables[i]->statements[j]) ? 0 : 1;
    }
    PQfinish(connection);
    assert_int_equal(bad, 0);
}

static void every_statement_has_a_name_of_its_own(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct map *names = map_create(arena);
    size_t table_count;
    const struct statement_table *const *tables = statement_tables(&table_count);

    for (size_t i = 0; i < table_count; i++) {
        for (size_t j = 0; j < tables[i]->count; j++) {
            const char *name = tables[i]->statements[j].name;
            if (name == NULL || map_contains(names, name) || strlen(name) > NAME_CHARS_MAX)
                fail_msg("storage/%s.c: statement %zu (%s)", tables[i]->file, j,
                         name != NULL ? name : "no name: a hole in the table");
            map_set(names, name, NULL);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_statement_can_be_prepared, storage_setup,
                                        storage_teardown),
        cmocka_unit_test(every_statement_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
