#ifndef STORAGE_RENDEZVOUS_SESSIONS_H
#define STORAGE_RENDEZVOUS_SESSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct arena;
struct db;

/* Texts that two devices write to each other by turns (MSC4108). */
struct rendezvous_session {
    const char *session_id;
    const char *etag; /* without quotes */
    const char *payload;
    size_t payload_size;
    int64_t modified_ts; /* ms */
    int64_t expires_ts;  /* ms */
};

/* M_LIMIT_EXCEEDED when there are `sessions_max` already. */
enum errcode rendezvous_session_insert(struct db *db, const struct rendezvous_session *session,
                                       int64_t sessions_max) MUST_CHECK;

/* M_NOT_FOUND when it does not exist, or no longer. */
enum errcode rendezvous_session_load(struct db *db, struct arena *arena, const char *session_id,
                                     int64_t now_ms, struct rendezvous_session *out) MUST_CHECK;

/* Writes payload, etag and modified_ts (now) of `session` when its etag is still `expected`, and
 * fills in expires_ts; otherwise fills in all of it as it is stored. M_NOT_FOUND when it does not
 * exist. */
enum errcode rendezvous_session_update(struct db *db, struct arena *arena, const char *expected,
                                       struct rendezvous_session *session,
                                       bool *was_written_out) MUST_CHECK;

enum errcode rendezvous_session_delete(struct db *db, const char *session_id,
                                       int64_t now_ms) MUST_CHECK;

enum errcode rendezvous_sessions_expire(struct db *db, int64_t now_ms) MUST_CHECK;

#endif
