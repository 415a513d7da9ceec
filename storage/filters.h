#ifndef STORAGE_FILTERS_H
#define STORAGE_FILTERS_H

#include <stdint.h>

#include "homeserver/base/error.h"
#include "storage/db.h"

enum { FILTERS_PER_USER_MAX = 1000 };

/* Stores a filter, or finds the equal one this user stored before; its ID is a number as text.
 * M_RESOURCE_LIMIT_EXCEEDED when the user has FILTERS_PER_USER_MAX already. */
enum errcode filter_save(struct db *db, struct arena *arena, int64_t user_nid, const char *content,
                         const char **filter_id_out) MUST_CHECK;

/* The JSON text of a user's own filter. M_NOT_FOUND for any other ID, numeric or not. */
enum errcode filter_load(struct db *db, struct arena *arena, int64_t user_nid,
                         const char *filter_id, const char **content_out) MUST_CHECK;

#endif
