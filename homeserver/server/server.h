#ifndef HOMESERVER_SERVER_SERVER_H
#define HOMESERVER_SERVER_SERVER_H

#include <stdbool.h>

#include "homeserver/base/error.h"

struct config;

struct server_options {
    const struct config *config; /* taken */
    const char *conninfo;        /* of the database, which must be running */
    bool allow_unsafe_database;  /* a cluster without fsync: for tests only */
    /* On SIGHUP: a new configuration, or NULL (after a warning) to keep the old one. May be NULL:
     * then only certificates are read again. */
    const struct config *(*reload)(void *context);
    void *context;
};

/*
 * Brings the database up to date, builds all parts from the bottom up, serves until SIGTERM or
 * SIGINT and takes everything down again. Logs what happens. On failure `error` says what to do.
 */
enum errcode server_run(const struct server_options *options, struct error *error) MUST_CHECK;

#endif
