#ifndef STORAGE_ACCESS_TOKENS_H
#define STORAGE_ACCESS_TOKENS_H

#include <stdbool.h>
#include <stdint.h>

#include "homeserver/base/error.h"
#include "homeserver/base/sha256.h"

struct arena;
struct db;
struct db_statement;

/* An access token and whom it acts for. Times are milliseconds since 1970. */
struct access_token {
    int64_t token_nid;
    int64_t user_nid;
    const char *user_id;
    const char *device_id;
    int64_t expires_ts;      /* 0: never */
    int64_t unconfirmed_nid; /* not 0: the refresh token of a rotation that was not used yet */
    int64_t last_seen_ts;    /* of the device; 0: never */
    const char *appservice_id;
    bool is_guest;
    bool is_admin;
    bool is_locked;
    bool is_suspended;
};

/* For storage/listen_notify.h: the payload is the user_nid of somebody whose tokens, or whose
 * account, are not what they were. */
extern const struct db_statement access_tokens_listen;

/* M_NOT_FOUND when there is no such token. Expired tokens are found. */
enum errcode access_token_find(struct db *db, struct arena *arena, const uint8_t hash[SHA256_BYTES],
                               struct access_token *out) MUST_CHECK;

/* `refresh_nid` 0: without a refresh token. `expires_ts` 0: never. The device exists. */
struct access_token_draft {
    int64_t user_nid;
    const char *device_id;
    int64_t refresh_nid;
    int64_t created_ts;
    int64_t expires_ts;
};
enum errcode access_token_insert(struct db *db, const uint8_t hash[SHA256_BYTES],
                                 const struct access_token_draft *draft) MUST_CHECK;

/* Ends what the device's tokens can do; the device stays (soft logout). */
enum errcode access_tokens_delete_of_device(struct db *db, int64_t user_nid,
                                            const char *device_id) MUST_CHECK;

#endif
