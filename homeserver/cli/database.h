#ifndef HOMESERVER_CLI_DATABASE_H
#define HOMESERVER_CLI_DATABASE_H

#include <stdbool.h>

#include "homeserver/base/error.h"

struct config;
struct db;
struct embedded_cluster;

/* The database that a configuration names. */
struct cli_database {
    struct embedded_cluster *cluster; /* NULL for a PostgreSQL server of the administrator's */
    const char *conninfo;             /* valid until this is closed */
    struct db *db;                    /* NULL after cli_database_start() */
};

enum cli_database_use {
    CLI_DATABASE_SERVE, /* for many threads; an embedded cluster is ours alone */
    CLI_DATABASE_TOOL   /* a few connections; uses the embedded cluster of a running server too */
};

/* Starts the embedded cluster when there is one. `error` has a sentence on failure. */
enum errcode cli_database_start(const struct config *config, enum cli_database_use use,
                                struct error *error, struct cli_database *out) MUST_CHECK;

/* The same for a tool, and connects, checks the database's settings and migrates. */
enum errcode cli_database_open(const struct config *config, struct error *error,
                               struct cli_database *out) MUST_CHECK;

/* For SCOPED(); a zeroed struct is allowed. */
void cli_database_close(struct cli_database *database);

#endif
