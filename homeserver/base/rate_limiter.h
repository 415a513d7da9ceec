#ifndef HOMESERVER_BASE_RATE_LIMITER_H
#define HOMESERVER_BASE_RATE_LIMITER_H

#include <stdint.h>

/*
 * Token buckets in memory, by key. A key may do `burst` things at once and `per_second` in the long
 * run. Buckets that have filled up again are forgotten; beyond a million active keys new ones are
 * let through, because a limiter that eats the memory is worse than none. Thread-safe.
 */
struct rate_limiter;

struct rate_limiter *rate_limiter_create(void);
void rate_limiter_destroy(struct rate_limiter *limiter);

/* Takes one token: 0 when there was one, otherwise the milliseconds until there will be one.
 * `now_ms` is monotonic. A rate of 0 per second never refills. */
int64_t rate_limiter_take(struct rate_limiter *limiter, const char *key, double per_second,
                          int burst, int64_t now_ms);

#endif
