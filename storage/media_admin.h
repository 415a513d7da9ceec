#ifndef STORAGE_MEDIA_ADMIN_H
#define STORAGE_MEDIA_ADMIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct arena;
struct db;

/* Choosing many media at once, for administrators and retention. */
enum media_origin { MEDIA_OF_ANYONE, MEDIA_OF_OURS, MEDIA_OF_OTHERS };

/* Everything that is set must hold. Only media that have content. */
struct media_selection {
    const char *server_name, *media_id; /* NULL: any */
    const char *user_id;                /* who uploaded it; NULL: anybody */
    const char *room_id;                /* an event of this room names it; NULL: any */
    enum media_origin origin;
    int64_t not_accessed_since; /* ms since 1970; 0: any */
    int64_t larger_than;        /* bytes; -1: any */
    bool with_protected;        /* protected ones too */
    bool without_quarantined;   /* they are kept to be looked into */
    bool without_avatars; /* nor pictures of users and rooms: few look at them, but all the time */
};

struct media_choice {
    int64_t media_nid;
    const char *server_name, *media_id;
    const char *content_type, *file_name; /* the latter may be NULL */
    int64_t size_bytes;
    int64_t created_ts, accessed_ts, quarantined_ts;
    bool is_ours;
    bool is_protected;
};

enum { MEDIA_CHOSEN_AT_ONCE = 500 };

/* The next MEDIA_CHOSEN_AT_ONCE after `after_nid`. */
enum errcode media_choose(struct db *db, struct arena *arena,
                          const struct media_selection *selection, int64_t after_nid,
                          const struct media_choice **out, size_t *count_out) MUST_CHECK;

/* Takes the content away: ours stay as deleted IDs, copies of others' go whole unless they are in
 * quarantine. */
enum errcode media_delete(struct db *db, const int64_t *nids, size_t count,
                          int64_t now_ms) MUST_CHECK;
/* `by_nid` 0: the command line; `now_ms` 0: not any more. The number changed. */
enum errcode media_set_quarantined(struct db *db, const int64_t *nids, size_t count, int64_t by_nid,
                                   int64_t now_ms) MUST_CHECK;
enum errcode media_set_protected(struct db *db, const int64_t *nids, size_t count,
                                 bool is_protected) MUST_CHECK;

struct media_totals {
    int64_t local_files, local_bytes, remote_files, remote_bytes;
    int64_t stored_files, stored_bytes; /* identical ones once, thumbnails too */
    int64_t quarantined, waiting;
};
enum errcode media_count_all(struct db *db, struct arena *arena,
                             struct media_totals *out) MUST_CHECK;

struct media_user_total {
    const char *user_id;
    const char *display_name; /* may be NULL */
    int64_t files, bytes;
};
struct media_user_page {
    const struct media_user_total *totals;
    size_t count;
    int64_t users; /* in all; 0 beyond the last page */
};
/* Who keeps most, from `from` on, at most `limit`. */
enum errcode media_count_by_user(struct db *db, struct arena *arena, int64_t from, int64_t limit,
                                 struct media_user_page *out) MUST_CHECK;

#endif
