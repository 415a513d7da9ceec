#ifndef HOMESERVER_HTTP_ARENA_POOL_H
#define HOMESERVER_HTTP_ARENA_POOL_H

#include <pthread.h>
#include <stddef.h>

struct arena;

/* Arenas between two requests: kept warm, up to a number. */
enum { ARENA_POOL_KEEP = 64 };

struct arena_pool {
    pthread_mutex_t lock;
    struct arena *idle[ARENA_POOL_KEEP];
    size_t idle_count;
};

void arena_pool_init(struct arena_pool *pool);
void arena_pool_finish(struct arena_pool *pool);

/* Never NULL. */
struct arena *arena_pool_take(struct arena_pool *pool);
/* Resets the arena, or destroys it when enough are idle. */
void arena_pool_give(struct arena_pool *pool, struct arena *arena_owned);

#endif
