#ifndef STORAGE_CLUSTER_SUPERVISOR_H
#define STORAGE_CLUSTER_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

#include "storage/cluster_process.h"

/* Private to embedded_cluster.c: a thread that runs the postmaster, and runs it again when it ends
 * without having been told to. */
struct cluster_supervisor;

struct cluster_server {
    struct cluster_user user;
    struct cluster_command command; /* `directory_fd` is PostgreSQL's data directory */
    const char *mark;               /* the value of cluster_name in the command */
};

/* What the pointers and descriptors in `server` lead to is borrowed until the stop. */
enum errcode supervisor_start(const struct cluster_server *server, struct cluster_supervisor **out,
                              struct error *error) MUST_CHECK;

/* Waits at most `wait_ms`; true when PostgreSQL has ended and is not started again. */
bool supervisor_has_ended(struct cluster_supervisor *supervisor, int64_t wait_ms);

/* PostgreSQL works: from now on it is started again when it ends. */
void supervisor_confirm(struct cluster_supervisor *supervisor);

/* Fast shutdown; after a minute an immediate one. NULL is allowed. */
void supervisor_stop(struct cluster_supervisor *supervisor);

#endif
