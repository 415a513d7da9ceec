/* Opening the database for a command. */
#include "homeserver/cli/database.h"

#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "storage/database_check.h"
#include "storage/db.h"
#include "storage/embedded_cluster.h"
#include "storage/migrate.h"

enum { CONNECTIONS_OF_A_TOOL = 8, CONNECTIONS_BESIDE_WORKERS = 20, WORKERS_PER_CORE = 4 };

/* As many sessions as the server can want: one per worker, of which there are two kinds
 * (homeserver/http), and some for the journal and for tools. */
static int connections_wanted(const struct config *config, enum cli_database_use use)
{
    int workers = config->limits.worker_threads;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    if (use == CLI_DATABASE_TOOL)
        return CONNECTIONS_OF_A_TOOL;
    if (config->limits.database_connections > 0)
        return config->limits.database_connections;
    if (workers == 0)
        workers = cores > 2 ? (int)cores * WORKERS_PER_CORE : 2 * WORKERS_PER_CORE;
    return 2 * workers + CONNECTIONS_BESIDE_WORKERS;
}

enum errcode cli_database_start(const struct config *config, enum cli_database_use use,
                                struct error *error, struct cli_database *out)
{
    const struct embedded_cluster_options options = {
        .data_directory = config->data_directory,
        .connections = connections_wanted(config, use),
        .may_share = use == CLI_DATABASE_TOOL,
    };

    *out = (struct cli_database){.conninfo = config->database};
    if (strcmp(config->database, "embedded") != 0)
        return OK;
    TRY(embedded_cluster_start(&options, &out->cluster, error));
    out->conninfo = embedded_cluster_conninfo(out->cluster);
    return OK;
}

static enum errcode check_and_migrate(struct db *db, struct error *error)
{
    enum errcode code = database_check_server(db, false, error);

    if (code == OK)
        code = migrate(db, error);
    if (code == OK)
        code = database_check_collations(db, error);
    if (code != OK && error->text[0] == '\0')
        return fail(error, code, "The database can not be used: %s", db_last_message(db));
    return code;
}

enum errcode cli_database_open(const struct config *config, struct error *error,
                               struct cli_database *out)
{
    struct cli_database database;

    TRY(cli_database_start(config, CLI_DATABASE_TOOL, error, &database));
    database.db = db_create(database.conninfo);
    enum errcode code = check_and_migrate(database.db, error);
    if (code != OK) {
        cli_database_close(&database);
        return code;
    }
    *out = database;
    return OK;
}

void cli_database_close(struct cli_database *database)
{
    db_destroy(database->db);
    embedded_cluster_stop(database->cluster);
    *database = (struct cli_database){0};
}
