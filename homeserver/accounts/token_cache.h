#ifndef HOMESERVER_ACCOUNTS_TOKEN_CACHE_H
#define HOMESERVER_ACCOUNTS_TOKEN_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "homeserver/base/sha256.h"
#include "storage/access_tokens.h"

struct arena;

/*
 * What the database said about recently used access tokens.
 *
 * Whatever ends tokens, or changes an account, invalidates what is known of its user: in this
 * process at once, in others by a notification (token_watch.h). What is known is used while the
 * notifications are known to arrive, and without them for at most TOKEN_CACHE_LIFETIME_MS: one
 * second is the time security asks for. Safe from all threads.
 */
struct token_cache;

enum { TOKEN_CACHE_LIFETIME_MS = 1000 };

struct token_cache *token_cache_create(void);
void token_cache_destroy(struct token_cache *cache);

/* False when there is no fresh entry. Strings are copied to the arena. Who is told that the device
 * was last seen longer ago than `seen_interval_ms` is to note that: others are told it was now. */
struct token_question {
    const uint8_t *hash; /* SHA256_BYTES */
    int64_t now_ms;      /* monotonic */
    int64_t wall_ms;
    int64_t seen_interval_ms;
};
bool token_cache_find(struct token_cache *cache, struct arena *arena,
                      const struct token_question *question, struct access_token *out);

/* Ask for the epoch before reading the database and store with it: what was read before an
 * invalidation is then never stored as if it were newer. Times are monotonic. */
uint64_t token_cache_epoch(struct token_cache *cache);
void token_cache_store(struct token_cache *cache, uint64_t epoch, const uint8_t hash[SHA256_BYTES],
                       int64_t now_ms, const struct access_token *token);

/* After the change that ends a user's tokens, or that locks or suspends the account, is committed;
 * and for everybody. */
void token_cache_invalidate_user(struct token_cache *cache, int64_t user_nid);
void token_cache_invalidate(struct token_cache *cache);

/* Everything that was committed anywhere before `asked_ms` (monotonic) has been taken account of.
 */
void token_cache_confirm(struct token_cache *cache, int64_t asked_ms);

#endif
