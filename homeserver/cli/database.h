#ifndef HOMESERVER_CLI_DATABASE_H
#define HOMESERVER_CLI_DATABASE_H

#include <stdbool.h>

#include "homeserver/base/error.h"

struct config;
struct db;
struct embedded_cluster;

/* The database that a configuration names, brought up to date. */
struct cli_database {
    struct embedded_cluster *cluster; /* NULL for a PostgreSQL server of the administrator's */
    const char *conninfo;             /* as long as this is open */
    struct db *db;
};

/* Starts the embedded cluster when it does not run; a tool (`may_share`) uses that of a running
 * server. Checks the server's settings and migrates. `error` has a sentence on failure. */
enum errcode cli_database_open(const struct config *config, bool may_share, struct error *error,
                               struct cli_database *out) MUST_CHECK;

/* For SCOPED(); a zeroed struct is allowed. */
void cli_database_close(struct cli_database *database);

#endif
