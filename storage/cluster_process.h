#ifndef STORAGE_CLUSTER_PROCESS_H
#define STORAGE_CLUSTER_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "homeserver/base/error.h"

struct arena;

/* Private to embedded_cluster.c: running PostgreSQL's programs as a user that is not root. */

struct cluster_user {
    uid_t uid;
    gid_t gid;
    bool drops_root; /* we are root and become this user */
};

/*
 * The user for PostgreSQL's processes: we ourselves, or as root the owner of `data_directory`, or
 * `postgres`, or `nobody` when it does not exist yet. E_SYSTEM, with a sentence for the
 * administrator, when that user may not have the directory.
 */
enum errcode cluster_user_find(const char *data_directory, struct cluster_user *out,
                               struct error *error) MUST_CHECK;

/* How a command finds `directory_fd`, however long its path and whoever may enter its parents. */
#define CLUSTER_DIRECTORY "/proc/self/fd/3"
enum { CLUSTER_DIRECTORY_FD = 3 };

struct cluster_command {
    const char *const *argv; /* argv[0] is an absolute path */
    int directory_fd;        /* what it works on */
    int log_fd;              /* its standard output and error */
    int death_signal;        /* what it gets when the calling thread ends */
};

/* Starts the command in a session of its own, with an empty environment; -1 when that fails. */
pid_t cluster_spawn(const struct cluster_user *user, const struct cluster_command *command);

/* Processes whose command line contains the text, at most `max`. */
size_t cluster_find_processes(const char *text, pid_t *pids_out, size_t max);

/*
 * Ends what an earlier run has left of the cluster with the setting cluster_name=`mark`: politely
 * (fast shutdown), then by force. False when something is still there in the end.
 */
bool cluster_end_leftovers(const char *mark);

/* Deletes a directory with everything below it. */
void cluster_delete_directory(const char *path);

#endif
