#ifndef STORAGE_SCAN_RESULTS_H
#define STORAGE_SCAN_RESULTS_H

#include <stdint.h>

#include "homeserver/base/error.h"
#include "homeserver/base/sha256.h"

struct arena;
struct db;

/* What the virus scanner said about some content. */
struct scan_result {
    const char *virus;      /* NULL: clean */
    const char *signatures; /* version of the scanner and its signatures */
    int64_t scanned_ts;
};

/* M_NOT_FOUND: never looked at. */
enum errcode scan_result_load(struct db *db, struct arena *arena, const uint8_t hash[SHA256_BYTES],
                              struct scan_result *out) MUST_CHECK;
/* New, or in place of an older one. */
enum errcode scan_result_put(struct db *db, const uint8_t hash[SHA256_BYTES],
                             const struct scan_result *result) MUST_CHECK;
/* Forgets what was said before. */
enum errcode scan_results_expire(struct db *db, int64_t before_ts) MUST_CHECK;

#endif
