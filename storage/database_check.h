#ifndef STORAGE_DATABASE_CHECK_H
#define STORAGE_DATABASE_CHECK_H

#include <stdbool.h>

#include "homeserver/base/error.h"

struct db;

/*
 * Whether this PostgreSQL can be trusted with messages (I8). E_SYSTEM, with a sentence in `error`
 * that says what to do, when it is too old, does not store UTF-8, or would lose committed data in a
 * crash (fsync, full_page_writes or synchronous_commit off). The last three are accepted when
 * `allow_unsafe` is set: for the private cluster of the tests only.
 */
enum errcode database_check_server(struct db *db, bool allow_unsafe,
                                   struct error *error) MUST_CHECK;

/*
 * To be called after migrate(): E_SYSTEM when an index sorts texts by a collation of the system's
 * libraries, which an upgrade of those libraries would silently break.
 */
enum errcode database_check_collations(struct db *db, struct error *error) MUST_CHECK;

/* Whether a statement can be run right now. */
bool database_answers(struct db *db);

#endif
