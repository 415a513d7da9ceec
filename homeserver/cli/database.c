/* Opening the database for a command. */
#include "homeserver/cli/database.h"

#include <string.h>

#include "config/config.h"
#include "storage/database_check.h"
#include "storage/db.h"
#include "storage/embedded_cluster.h"
#include "storage/migrate.h"

/* What a tool needs; a server asks for one per worker. */
enum { CONNECTIONS_OF_A_TOOL = 8, CONNECTIONS_MAX = 1000 };

static enum errcode start_cluster(const struct config *config, bool may_share, struct error *error,
                                  struct cli_database *database)
{
    const struct embedded_cluster_options options = {
        .data_directory = config->data_directory,
        .connections = config->limits.database_connections,
        .may_share = may_share,
    };

    TRY(embedded_cluster_start(&options, &database->cluster, error));
    database->conninfo = embedded_cluster_conninfo(database->cluster);
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

enum errcode cli_database_open(const struct config *config, bool may_share, struct error *error,
                               struct cli_database *out)
{
    struct cli_database database = {.conninfo = config->database};

    if (strcmp(config->database, "embedded") == 0)
        TRY(start_cluster(config, may_share, error, &database));
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
