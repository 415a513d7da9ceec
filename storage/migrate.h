#ifndef STORAGE_MIGRATE_H
#define STORAGE_MIGRATE_H

#include <stddef.h>

#include "homeserver/base/error.h"

struct db;
struct migration;

/*
 * Brings the schema up to date: runs the files of migrations/ that the database lacks, each in a
 * transaction of its own and under a lock that all nodes share. Interrupted at any point, the next
 * call continues. See migrations/README.md.
 *
 * Refuses, with a sentence for the administrator in `error` and without changing anything, when the
 * database was used by a newer version or when a file that was applied is not the same any more
 * (E_SYSTEM).
 */
enum errcode migrate(struct db *db, struct error *error) MUST_CHECK;

/* The same with another list; for tests. */
enum errcode migrate_with(struct db *db, const struct migration *list, size_t count,
                          struct error *error) MUST_CHECK;

#endif
