/* A stack of idle connections under one lock. */
#include "storage/db_pool.h"

#include <assert.h>
#include <pthread.h>

#include "homeserver/base/clock.h"
#include "storage/db.h"
#include "storage/db_session.h"

struct db_pool {
    pthread_mutex_t lock; /* protects everything below */
    pthread_cond_t returned;
    struct db **idle; /* a stack */
    size_t idle_count;
    struct db_pool_stats stats;
};

struct db_pool *db_pool_create(const char *conninfo, size_t size)
{
    struct db_pool *pool = calloc(1, sizeof(*pool));
    pthread_condattr_t attributes;

    assert(size > 0);
    if (pool == NULL)
        abort();
    pool->idle = calloc(size, sizeof(struct db *));
    if (pool->idle == NULL)
        abort();
    for (size_t i = 0; i < size; i++)
        pool->idle[i] = db_create(conninfo);
    pool->idle_count = size;
    pool->stats.size = size;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->returned, &attributes);
    pthread_condattr_destroy(&attributes);
    return pool;
}

void db_pool_destroy(struct db_pool *pool)
{
    if (pool == NULL)
        return;
    assert(pool->idle_count == pool->stats.size);
    for (size_t i = 0; i < pool->idle_count; i++)
        db_destroy(pool->idle[i]);
    free(pool->idle);
    pthread_cond_destroy(&pool->returned);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

static void wait_for_idle_locked(struct db_pool *pool, int64_t wait_ms)
{
    int64_t started_us = clock_monotonic_us();
    int64_t deadline_us = started_us + wait_ms * 1000;
    const struct timespec deadline = {.tv_sec = deadline_us / 1000000,
                                      .tv_nsec = deadline_us % 1000000 * 1000};
    int status = 0;

    pool->stats.waiting++;
    while (pool->idle_count == 0 && status == 0)
        status = pthread_cond_timedwait(&pool->returned, &pool->lock, &deadline);
    pool->stats.waiting--;
    pool->stats.waited_us_total += clock_monotonic_us() - started_us;
}

enum errcode db_pool_lend(struct db_pool *pool, int64_t wait_ms, struct db_lease *out)
{
    struct db *db = NULL;

    pthread_mutex_lock(&pool->lock);
    if (pool->idle_count == 0)
        wait_for_idle_locked(pool, wait_ms);
    if (pool->idle_count > 0) {
        db = pool->idle[--pool->idle_count];
        pool->stats.lent++;
        pool->stats.lent_total++;
    } else {
        pool->stats.refused_total++;
    }
    pthread_mutex_unlock(&pool->lock);

    if (db == NULL)
        return E_UNAVAILABLE;
    *out = (struct db_lease){pool, db};
    return OK;
}

void db_lease_end(struct db_lease *lease)
{
    struct db_pool *pool = lease->pool;

    if (pool == NULL)
        return;
    assert(!lease->db->in_transaction && !lease->db->in_pipeline);
    pthread_mutex_lock(&pool->lock);
    pool->idle[pool->idle_count++] = lease->db;
    pool->stats.lent--;
    pthread_cond_signal(&pool->returned);
    pthread_mutex_unlock(&pool->lock);
    *lease = (struct db_lease){0};
}

struct db_pool_stats db_pool_stats(struct db_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    struct db_pool_stats stats = pool->stats;
    pthread_mutex_unlock(&pool->lock);
    return stats;
}
