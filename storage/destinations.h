#ifndef STORAGE_DESTINATIONS_H
#define STORAGE_DESTINATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct arena;
struct db;

/* Whether other servers answer, over restarts; times in ms since 1970. */
struct stored_destination {
    int64_t failing_since_ts; /* 0: it answers */
    int64_t retry_ts;         /* not before this */
    int64_t retry_interval_ms;
};

/* All zero when nothing is known. */
enum errcode destination_load(struct db *db, struct arena *arena, const char *server_name,
                              struct stored_destination *out) MUST_CHECK;
enum errcode destination_store(struct db *db, const char *server_name,
                               const struct stored_destination *destination) MUST_CHECK;

#endif
