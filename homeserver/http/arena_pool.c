/* A stack of idle arenas. */
#include "homeserver/http/arena_pool.h"

#include "homeserver/base/arena.h"

/* Enough for most requests: a second block is freed after each of them. */
enum { FIRST_BLOCK_BYTES = 16 << 10 };

void arena_pool_init(struct arena_pool *pool)
{
    pthread_mutex_init(&pool->lock, NULL);
    pool->idle_count = 0;
}

void arena_pool_finish(struct arena_pool *pool)
{
    while (pool->idle_count > 0)
        arena_destroy(pool->idle[--pool->idle_count]);
    pthread_mutex_destroy(&pool->lock);
}

struct arena *arena_pool_take(struct arena_pool *pool)
{
    struct arena *arena = NULL;

    pthread_mutex_lock(&pool->lock);
    if (pool->idle_count > 0)
        arena = pool->idle[--pool->idle_count];
    pthread_mutex_unlock(&pool->lock);
    return arena != NULL ? arena : arena_create_sized(FIRST_BLOCK_BYTES);
}

void arena_pool_give(struct arena_pool *pool, struct arena *arena_owned)
{
    /* Outside the lock: releasing a large JSON tree takes its time. */
    arena_reset(arena_owned);
    pthread_mutex_lock(&pool->lock);
    if (pool->idle_count < ARENA_POOL_KEEP) {
        pool->idle[pool->idle_count++] = arena_owned;
        arena_owned = NULL;
    }
    pthread_mutex_unlock(&pool->lock);
    arena_destroy(arena_owned);
}
