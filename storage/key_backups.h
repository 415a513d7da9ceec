#ifndef STORAGE_KEY_BACKUPS_H
#define STORAGE_KEY_BACKUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct arena;
struct db;

/* Backups of room keys. Whoever changes the keys of a backup holds its row's lock. */
struct key_backup {
    int64_t version;
    const char *algorithm;
    const char *auth_data; /* JSON text */
    int64_t etag;
    int64_t key_count;
};

enum errcode key_backup_create(struct db *db, struct arena *arena, int64_t user_nid,
                               const char *algorithm, const char *auth_data,
                               int64_t *version_out) MUST_CHECK;

/* The newest backup of a user that is not deleted; M_NOT_FOUND. */
enum errcode key_backup_load_newest(struct db *db, struct arena *arena, int64_t user_nid,
                                    struct key_backup *out) MUST_CHECK;
/* M_NOT_FOUND when it is another user's, too. */
enum errcode key_backup_load(struct db *db, struct arena *arena, int64_t user_nid, int64_t version,
                             struct key_backup *out) MUST_CHECK;
/* The same inside a transaction, with the row locked to its end. */
enum errcode key_backup_load_locked(struct db *tx, struct arena *arena, int64_t user_nid,
                                    int64_t version, struct key_backup *out) MUST_CHECK;

enum errcode key_backup_set_auth_data(struct db *db, int64_t version,
                                      const char *auth_data) MUST_CHECK;

/* Notes a change of the keys: another etag, and so many keys more. */
enum errcode key_backup_touch(struct db *tx, int64_t version, int64_t more_keys) MUST_CHECK;

/* With its keys; inside a transaction. M_NOT_FOUND when there never was such a backup. */
enum errcode key_backup_delete(struct db *tx, int64_t user_nid, int64_t version) MUST_CHECK;
enum errcode key_backups_delete_of_user(struct db *tx, int64_t user_nid) MUST_CHECK;

struct key_backup_session {
    const char *room_id;
    const char *session_id;
    int64_t first_message_index;
    int64_t forwarded_count;
    bool is_verified;
    const char *data; /* JSON text; NULL: there is no such session */
};

/* What of a backup: all, one room, or one session. */
struct key_backup_scope {
    int64_t version;
    const char *room_id;    /* NULL: all rooms */
    const char *session_id; /* NULL: all sessions */
};

/* In order of room and session. */
enum errcode key_backup_sessions_load(struct db *db, struct arena *arena,
                                      const struct key_backup_scope *scope,
                                      struct key_backup_session **out,
                                      size_t *count_out) MUST_CHECK;
enum errcode key_backup_sessions_delete(struct db *tx, const struct key_backup_scope *scope,
                                        int64_t *deleted_out) MUST_CHECK;

/* What is stored under the names of these sessions, parallel to them. */
enum errcode key_backup_sessions_find(struct db *tx, struct arena *arena, int64_t version,
                                      const struct key_backup_session *sessions, size_t count,
                                      struct key_backup_session **out) MUST_CHECK;

/* Adds or replaces; no session twice. */
enum errcode key_backup_sessions_put(struct db *tx, struct arena *arena, int64_t version,
                                     const struct key_backup_session *sessions,
                                     size_t count) MUST_CHECK;

#endif
