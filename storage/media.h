#ifndef STORAGE_MEDIA_H
#define STORAGE_MEDIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct arena;
struct db;

/* What an mxc:// URI names: ours, or a copy of what another server has. Times are milliseconds
 * since 1970, 0 when it did not happen. */
struct media {
    int64_t media_nid;
    const char *server_name;
    const char *media_id;
    int64_t user_nid; /* who uploaded it; 0: it is of another server */
    int64_t file_nid; /* storage/media_files.h; 0: not uploaded yet, or deleted */
    const char *content_type;
    const char *file_name; /* NULL: none was told */
    int64_t created_ts;
    int64_t uploaded_ts;       /* or fetched */
    int64_t unused_expires_ts; /* of an ID that waits for its content */
    int64_t accessed_ts;       /* up to an hour old */
    int64_t quarantined_ts;
    int64_t deleted_ts;
    bool is_protected;
};

/* M_NOT_FOUND. */
enum errcode media_load(struct db *db, struct arena *arena, const char *server_name,
                        const char *media_id, struct media *out) MUST_CHECK;

/* Reads all but media_nid, the times of later and the flags. M_CANNOT_OVERWRITE_MEDIA when the ID
 * exists. */
enum errcode media_insert(struct db *db, struct arena *arena, const struct media *media,
                          int64_t *nid_out) MUST_CHECK;

/* Fills an ID that waits for its content; M_CANNOT_OVERWRITE_MEDIA when somebody was first. Reads
 * media_nid, file_nid, content_type, file_name and uploaded_ts. */
enum errcode media_fill(struct db *db, const struct media *media) MUST_CHECK;

/* A copy of what another server has, new or again. */
enum errcode media_put_remote(struct db *db, const struct media *media) MUST_CHECK;

enum errcode media_set_accessed(struct db *db, int64_t media_nid, int64_t now_ms) MUST_CHECK;

/* What counts against a user's limits. */
struct media_usage {
    int64_t files;
    int64_t bytes;
    int64_t waiting; /* IDs that were made for later and have not expired */
};
enum errcode media_usage_of_user(struct db *db, struct arena *arena, int64_t user_nid,
                                 int64_t now_ms, struct media_usage *out) MUST_CHECK;
/* Bytes that all users keep here: one statement over all media, so not for every request. */
enum errcode media_usage_of_all(struct db *db, struct arena *arena, int64_t *bytes_out) MUST_CHECK;
/* Forgets what was not looked at for longest, until what is kept of another server is at most
 * `bytes_max`. */
enum errcode media_trim_server(struct db *db, const char *server_name,
                               int64_t bytes_max) MUST_CHECK;

/* IDs that nobody filled in time become deleted ones. */
enum errcode media_expire_unused(struct db *db, int64_t now_ms) MUST_CHECK;

#endif
