#ifndef STORAGE_OPENID_TOKENS_H
#define STORAGE_OPENID_TOKENS_H

#include <stdint.h>

#include "homeserver/base/error.h"
#include "homeserver/base/sha256.h"

struct arena;
struct db;

/* Tokens that prove to third parties who somebody is, and open nothing else here. They are kept
 * apart from access tokens, so that neither can be used as the other. Stored as SHA-256. */

/* Forgets the expired ones of this user on the way. */
enum errcode openid_token_insert(struct db *db, const uint8_t hash[SHA256_BYTES], int64_t user_nid,
                                 int64_t now_ms, int64_t expires_ts) MUST_CHECK;

/* M_NOT_FOUND when it has expired, never existed, or the account is locked or gone. For
 * GET /_matrix/federation/v1/openid/userinfo. */
enum errcode openid_token_find(struct db *db, struct arena *arena, const uint8_t hash[SHA256_BYTES],
                               int64_t now_ms, const char **user_id_out) MUST_CHECK;

enum errcode openid_tokens_delete_of_user(struct db *db, int64_t user_nid) MUST_CHECK;

#endif
