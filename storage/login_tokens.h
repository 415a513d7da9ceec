#ifndef STORAGE_LOGIN_TOKENS_H
#define STORAGE_LOGIN_TOKENS_H

#include <stdint.h>

#include "homeserver/base/error.h"
#include "homeserver/base/sha256.h"

struct arena;
struct db;

/* Tokens for m.login.token: short-lived, used once. Stored as SHA-256. */

/* Forgets the expired ones of everybody on the way. */
enum errcode login_token_insert(struct db *db, const uint8_t hash[SHA256_BYTES], int64_t user_nid,
                                int64_t now_ms, int64_t expires_ts) MUST_CHECK;

/* Uses the token up; M_NOT_FOUND when it was used, has expired or never existed. */
enum errcode login_token_take(struct db *db, struct arena *arena, const uint8_t hash[SHA256_BYTES],
                              int64_t now_ms, int64_t *user_nid_out) MUST_CHECK;

enum errcode login_tokens_delete_of_user(struct db *db, int64_t user_nid) MUST_CHECK;

#endif
