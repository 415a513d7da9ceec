#ifndef HOMESERVER_CALL_H
#define HOMESERVER_CALL_H

#include <stdbool.h>

#include "homeserver/base/error.h"

/*
 * What every service function works with. A request, a job and a federation transaction each have
 * one. `db` is this thread's own connection; what a call returns lives on `arena` unless its header
 * says otherwise; `error` receives the text for people and is never NULL.
 */
struct arena;
struct db;
struct services;
struct commit_group;

struct call {
    const struct services *services;
    struct db *db;
    struct arena *arena;
    struct error *error;
    /* What this call has handed to the journal and must see committed before it answers.
     * Never NULL; see storage/journal.h. */
    struct commit_group *commits;
    /* This thread serves everybody: who would have to wait for another server returns E_OUTWARD
     * instead, before anything was changed, and runs again on a thread that may wait. */
    bool must_not_wait;
};

#endif
