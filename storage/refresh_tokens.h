#ifndef STORAGE_REFRESH_TOKENS_H
#define STORAGE_REFRESH_TOKENS_H

#include <stdbool.h>
#include <stdint.h>

#include "homeserver/base/error.h"
#include "homeserver/base/sha256.h"

struct arena;
struct db;

struct refresh_token {
    int64_t refresh_nid;
    int64_t user_nid;
    const char *user_id;
    const char *device_id;
    int64_t expires_ts;
    bool is_replaced;    /* its successor was used: whoever shows it now replays it */
    bool is_unconfirmed; /* its predecessor is still valid */
    bool is_locked;      /* the account */
};

/* Locks the row until the end of the transaction, so that parallel refreshes go one after the
 * other. M_NOT_FOUND when there is no such token or the account is deactivated. */
enum errcode refresh_token_find_locked(struct db *tx, struct arena *arena,
                                       const uint8_t hash[SHA256_BYTES],
                                       struct refresh_token *out) MUST_CHECK;

struct refresh_token_draft {
    int64_t user_nid;
    const char *device_id;
    int64_t previous_nid; /* 0: the first of its chain */
    int64_t expires_ts;
};
enum errcode refresh_token_insert(struct db *db, struct arena *arena,
                                  const uint8_t hash[SHA256_BYTES],
                                  const struct refresh_token_draft *draft,
                                  int64_t *refresh_nid_out) MUST_CHECK;

/* The token, or its access token, was used: its predecessor and the predecessor's access token end.
 * Harmless when that happened before. Forgets predecessors that are older than a week. */
enum errcode refresh_token_confirm(struct db *db, int64_t refresh_nid, int64_t now_ms) MUST_CHECK;

/* Deletes the unused successor of a token that is presented a second time. */
enum errcode refresh_token_delete_successors(struct db *db, int64_t refresh_nid) MUST_CHECK;

enum errcode refresh_tokens_delete_of_device(struct db *db, int64_t user_nid,
                                             const char *device_id) MUST_CHECK;

#endif
