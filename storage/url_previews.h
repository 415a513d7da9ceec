#ifndef STORAGE_URL_PREVIEWS_H
#define STORAGE_URL_PREVIEWS_H

#include <stdint.h>

#include "homeserver/base/error.h"
#include "homeserver/base/sha256.h"

struct arena;
struct db;

/* What a web page said about itself on one day. */
struct url_preview_row {
    const uint8_t *url_hash; /* SHA256_BYTES */
    int64_t day;             /* since 1970, UTC */
    const char *preview;     /* JSON; NULL: it could not be had */
    int64_t image_nid;       /* storage/media.h; 0: none */
    int64_t fetched_ts;
};

/* Of that day. M_NOT_FOUND. */
enum errcode url_preview_load(struct db *db, struct arena *arena,
                              const uint8_t url_hash[SHA256_BYTES], int64_t day,
                              struct url_preview_row *out) MUST_CHECK;

/* New, or in place of one of the same day. */
enum errcode url_preview_put(struct db *db, const struct url_preview_row *row) MUST_CHECK;

/* Forgets what was fetched before, and the pictures of it; the bytes are for media_sweep(). */
enum errcode url_previews_expire(struct db *db, int64_t before_ts) MUST_CHECK;

#endif
