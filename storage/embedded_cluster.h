#ifndef STORAGE_EMBEDDED_CLUSTER_H
#define STORAGE_EMBEDDED_CLUSTER_H

#include <stdbool.h>

#include "homeserver/base/error.h"

/*
 * A private PostgreSQL below the data directory (`database: embedded`), so that a first server
 * needs nothing but the package. It listens on a Unix socket that only its own user can reach, and
 * asks for no password. A thread keeps it running while we run; when we die, it stops.
 *
 *     <data_directory>/postgresql/data   PostgreSQL's own directory, the socket included
 *     <data_directory>/postgresql/log    what PostgreSQL says, the last file as log.1
 *     <data_directory>/postgresql/lock   held by the process that runs the cluster
 *
 * As root, PostgreSQL's processes run as the user `postgres` (or `nobody`).
 */
struct embedded_cluster;

struct embedded_cluster_options {
    const char *data_directory; /* is made when it does not exist */
    int connections;            /* how many sessions the server wants at most */
    bool may_share;             /* use the cluster of a server that is running, for the tools */
    bool without_durability;    /* fsync off: for tests only */
};

/*
 * Starts the cluster, makes it when it does not exist, and waits until it answers; after a crash
 * that takes as long as PostgreSQL's recovery. What an earlier run has left behind is ended first.
 * E_SYSTEM, with a sentence for the administrator in `error`.
 */
enum errcode embedded_cluster_start(const struct embedded_cluster_options *options,
                                    struct embedded_cluster **out, struct error *error) MUST_CHECK;

/* For db_create(); valid in this process only. Borrowed until the cluster is stopped. */
const char *embedded_cluster_conninfo(const struct embedded_cluster *cluster);

/* PostgreSQL's fast shutdown: ends the sessions that are left, loses nothing. NULL is allowed. */
void embedded_cluster_stop(struct embedded_cluster *cluster);

#endif
