#ifndef HOMESERVER_ACCOUNTS_TOKEN_CACHE_H
#define HOMESERVER_ACCOUNTS_TOKEN_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "homeserver/base/sha256.h"
#include "storage/access_tokens.h"

struct arena;

/*
 * What the database said about recently used access tokens, for at most TOKEN_CACHE_LIFETIME_MS.
 *
 * A token that this process ends is refused at once: token_cache_invalidate() makes every entry
 * stale, which costs one indexed read per active token and can not miss one. A token that another
 * node ends is refused when the lifetime is over: one second is the time security asks for, and
 * still spares the reads of the bursts in which clients send requests. Safe from all threads.
 */
struct token_cache;

enum { TOKEN_CACHE_LIFETIME_MS = 1000 };

struct token_cache *token_cache_create(void);
void token_cache_destroy(struct token_cache *cache);

/* False when there is no fresh entry. Strings are copied to the arena. */
bool token_cache_find(struct token_cache *cache, struct arena *arena,
                      const uint8_t hash[SHA256_BYTES], int64_t now_ms, struct access_token *out);

/* Ask for the epoch before reading the database and store with it: what was read before an
 * invalidation is then never stored as if it were newer. Times are monotonic. */
uint64_t token_cache_epoch(struct token_cache *cache);
void token_cache_store(struct token_cache *cache, uint64_t epoch, const uint8_t hash[SHA256_BYTES],
                       int64_t now_ms, const struct access_token *token);

/* After the change that ends tokens, or that locks or suspends an account, is committed. */
void token_cache_invalidate(struct token_cache *cache);

#endif
