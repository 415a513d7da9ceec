/* What must be true of a PostgreSQL before we promise anybody that a message is stored. */
#include "storage/database_check.h"

#include "homeserver/base/arena.h"
#include "storage/db.h"
#include "storage/statements.h"

enum { SETTINGS, FOREIGN_COLLATION, PING };

enum { VERSION_NUMBER_MIN = 150000 };

static const struct db_statement statements[] = {
    [SETTINGS] = {"database_check_settings",
                  "SELECT current_setting('server_version_num')::bigint, "
                  "       current_setting('server_version'), "
                  "       current_setting('server_encoding'), "
                  "       current_setting('fsync'), "
                  "       current_setting('full_page_writes'), "
                  "       current_setting('synchronous_commit')"},

    /* indcollation is 0 for columns that do not sort by a collation. C and POSIX compare bytes; so
     * does the database's default when it is one of them and comes from libc. */
    [FOREIGN_COLLATION] =
        {"database_check_foreign_collation",
         "SELECT i.indexrelid::regclass::text, c.collname "
         "  FROM pg_index i "
         "  JOIN pg_class t ON t.oid = i.indrelid "
         "  JOIN pg_collation c ON c.oid = ANY (i.indcollation) "
         "  JOIN pg_database d ON d.datname = current_database() "
         " WHERE t.relnamespace = current_schema()::regnamespace "
         "   AND c.collname NOT IN ('C', 'POSIX') "
         "   AND NOT (c.collname = 'default' "
         "            AND d.datlocprovider = 'c' AND d.datcollate IN ('C', 'POSIX')) "
         " ORDER BY 1 "
         " LIMIT 1"},

    [PING] = {"database_check_ping", "SELECT 1"},
};
STATEMENT_TABLE(database_check, statements);

static enum errcode check_durability(const char *setting, const char *value, struct error *error)
{
    if (strcmp(value, "off") != 0)
        return OK;
    return fail(error, E_SYSTEM,
                "PostgreSQL runs with %s=off: a crash would lose messages that users were told are "
                "sent. Set %s=on in postgresql.conf (or by ALTER SYSTEM, ALTER DATABASE and ALTER "
                "ROLE) and restart PostgreSQL.",
                setting, setting);
}

enum errcode database_check_server(struct db *db, bool allow_unsafe, struct error *error)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct db_rows *rows;

    enum errcode code = db_query(db, arena, &statements[SETTINGS], NO_PARAMS, &rows);
    if (code != OK)
        return fail(error, code, "The database can not be used: %s", db_last_message(db));
    if (rows_int(rows, 0, 0) < VERSION_NUMBER_MIN)
        return fail(error, E_SYSTEM,
                    "PostgreSQL %s is too old: beffroi needs version 15 or newer. Upgrade it with "
                    "pg_upgradecluster or pg_upgrade.",
                    rows_text(rows, 0, 1));
    if (strcmp(rows_text(rows, 0, 2), "UTF8") != 0)
        return fail(error, E_SYSTEM,
                    "The database stores text as %s; beffroi needs UTF8. Create it anew: createdb "
                    "--template=template0 --encoding=UTF8 --locale=C NAME",
                    rows_text(rows, 0, 2));
    if (allow_unsafe)
        return OK;
    TRY(check_durability("fsync", rows_text(rows, 0, 3), error));
    TRY(check_durability("full_page_writes", rows_text(rows, 0, 4), error));
    return check_durability("synchronous_commit", rows_text(rows, 0, 5), error);
}

enum errcode database_check_collations(struct db *db, struct error *error)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct db_rows *rows;

    enum errcode code = db_query(db, arena, &statements[FOREIGN_COLLATION], NO_PARAMS, &rows);
    if (code != OK)
        return fail(error, code, "The database can not be used: %s", db_last_message(db));
    if (rows_count(rows) == 0)
        return OK;
    return fail(error, E_SYSTEM,
                "The index %s sorts by the collation \"%s\": an upgrade of the system's libraries "
                "would silently break it. Dump the database and restore it into one made by: "
                "createdb --template=template0 --encoding=UTF8 --locale=C NAME",
                rows_text(rows, 0, 0), rows_text(rows, 0, 1));
}

bool database_answers(struct db *db)
{
    return db_execute(db, &statements[PING], NO_PARAMS, NULL) == OK;
}
