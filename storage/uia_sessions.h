#ifndef STORAGE_UIA_SESSIONS_H
#define STORAGE_UIA_SESSIONS_H

#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct arena;
struct db;

/* User-interactive authentication under way, bound to one operation of one device. */
struct uia_session {
    const char *session_id;
    int64_t user_nid;      /* 0: nobody is logged in */
    const char *device_id; /* "" when nobody is logged in */
    const char *method;
    const char *path;
    const char *body; /* canonical JSON of the request without `auth` and without secrets */
    const char *const *completed; /* stages, in order */
    size_t completed_count;
    const char *proofs; /* JSON: what the stages established */
    int64_t expires_ts; /* milliseconds since 1970 */
};

/* Forgets expired sessions, and the oldest of this user beyond `sessions_max`. */
enum errcode uia_session_insert(struct db *db, const struct uia_session *session, int64_t now_ms,
                                int64_t sessions_max) MUST_CHECK;

/* M_NOT_FOUND when there is none or it has expired. */
enum errcode uia_session_load(struct db *db, struct arena *arena, const char *session_id,
                              int64_t now_ms, struct uia_session *out) MUST_CHECK;

/* Replaces body, completed and proofs. */
enum errcode uia_session_update(struct db *db, const struct uia_session *session) MUST_CHECK;

enum errcode uia_session_delete(struct db *db, const char *session_id) MUST_CHECK;

#endif
