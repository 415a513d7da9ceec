#ifndef STORAGE_REGISTRATION_TOKENS_H
#define STORAGE_REGISTRATION_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct arena;
struct db;

/* What an administrator hands out so that somebody may register. */
struct registration_token {
    const char *token;
    int64_t uses_allowed; /* -1: any number */
    int64_t uses_completed;
    int64_t expires_ts; /* milliseconds since 1970; 0: never */
};

/* M_INVALID_PARAM when a token with this text exists. `uses_completed` is not read. */
enum errcode registration_token_insert(struct db *db, const struct registration_token *token,
                                       int64_t now_ms) MUST_CHECK;

/* M_NOT_FOUND when there is no such token. In order of the text. */
enum errcode registration_token_load(struct db *db, struct arena *arena, const char *token,
                                     struct registration_token *out) MUST_CHECK;
enum errcode registration_tokens_load(struct db *db, struct arena *arena,
                                      const struct registration_token **out,
                                      size_t *count_out) MUST_CHECK;

/* Changes how often and until when it may be used; M_NOT_FOUND when there is no such token. */
enum errcode registration_token_update(struct db *db,
                                       const struct registration_token *token) MUST_CHECK;
enum errcode registration_token_delete(struct db *db, const char *token) MUST_CHECK;

/* Could somebody register with it now? */
enum errcode registration_token_is_valid(struct db *db, struct arena *arena, const char *token,
                                         int64_t now_ms, bool *out) MUST_CHECK;

/* Counts one use; of many who try at once only as many as allowed succeed. M_FORBIDDEN when it is
 * used up, has expired or does not exist. Run it in the transaction that makes the account. */
enum errcode registration_token_use(struct db *tx, const char *token, int64_t now_ms) MUST_CHECK;

/* Nonces of the shared-secret registration: each can be taken once. M_NOT_FOUND when it was taken,
 * has expired or was never given. */
enum errcode registration_nonce_insert(struct db *db, const char *nonce, int64_t now_ms,
                                       int64_t expires_ts) MUST_CHECK;
enum errcode registration_nonce_take(struct db *db, const char *nonce, int64_t now_ms) MUST_CHECK;

#endif
