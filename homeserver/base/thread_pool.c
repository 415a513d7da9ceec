/* A ring of tasks under one lock; threads sleep on a condition while it is empty. */
#include "homeserver/base/thread_pool.h"

#include <pthread.h>
#include <stdlib.h>

#include "homeserver/base/thread.h"

struct task {
    thread_pool_task run;
    void *argument;
};

struct thread_pool {
    struct thread_pool_options options;
    pthread_t *threads;
    size_t thread_count;
    pthread_mutex_t lock;
    pthread_cond_t not_empty;
    struct task *ring; /* `count` tasks from `first` on */
    size_t capacity;
    size_t first;
    size_t count;
    bool stopping;
};

enum { RING_START = 64 };

static NORETURN void out_of_memory(void)
{
    fprintf(stderr, "<2>beffroi: out of memory in a thread pool; stopping.\n");
    abort();
}

/* False when the pool stops and nothing is left to do. */
static bool next_task(struct thread_pool *pool, struct task *out)
{
    pthread_mutex_lock(&pool->lock);
    while (pool->count == 0 && !pool->stopping)
        pthread_cond_wait(&pool->not_empty, &pool->lock);
    bool found = pool->count > 0;
    if (found) {
        *out = pool->ring[pool->first];
        pool->first = (pool->first + 1) % pool->capacity;
        pool->count--;
    }
    pthread_mutex_unlock(&pool->lock);
    return found;
}

static void *run_thread(void *argument)
{
    struct thread_pool *pool = argument;
    void *state = NULL;
    struct task task;

    if (pool->options.thread_start != NULL)
        state = pool->options.thread_start(pool->options.context);
    while (next_task(pool, &task))
        task.run(state, task.argument);
    if (pool->options.thread_stop != NULL)
        pool->options.thread_stop(state);
    return NULL;
}

static bool start_threads(struct thread_pool *pool)
{
    while (pool->thread_count < pool->options.threads) {
        pthread_t *thread = &pool->threads[pool->thread_count];
        if (!thread_start(thread, pool->options.name, run_thread, pool))
            break;
        pool->thread_count++;
    }
    return pool->thread_count == pool->options.threads;
}

struct thread_pool *thread_pool_create(const struct thread_pool_options *options)
{
    struct thread_pool *pool = calloc(1, sizeof(*pool));

    if (pool == NULL)
        return NULL;
    pool->options = *options;
    pool->capacity = RING_START;
    pool->ring = calloc(pool->capacity, sizeof(*pool->ring));
    pool->threads = calloc(options->threads, sizeof(*pool->threads));
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->not_empty, NULL);
    if (pool->ring == NULL || pool->threads == NULL || !start_threads(pool)) {
        thread_pool_destroy(pool);
        return NULL;
    }
    return pool;
}

void thread_pool_destroy(struct thread_pool *pool)
{
    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->not_empty);
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->thread_count; i++)
        pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->not_empty);
    pthread_mutex_destroy(&pool->lock);
    free(pool->threads);
    free(pool->ring);
    free(pool);
}

static void grow_ring_locked(struct thread_pool *pool)
{
    struct task *grown = calloc(pool->capacity * 2, sizeof(*grown));

    if (grown == NULL)
        out_of_memory();
    for (size_t i = 0; i < pool->count; i++)
        grown[i] = pool->ring[(pool->first + i) % pool->capacity];
    free(pool->ring);
    pool->ring = grown;
    pool->capacity *= 2;
    pool->first = 0;
}

static void push_locked(struct thread_pool *pool, thread_pool_task task, void *argument)
{
    if (pool->count == pool->capacity)
        grow_ring_locked(pool);
    size_t last = (pool->first + pool->count) % pool->capacity;
    pool->ring[last] = (struct task){.run = task, .argument = argument};
    pool->count++;
    pthread_cond_signal(&pool->not_empty);
}

bool thread_pool_submit(struct thread_pool *pool, thread_pool_task task, void *argument)
{
    pthread_mutex_lock(&pool->lock);
    bool admitted = pool->count < pool->options.queue_max;
    if (admitted)
        push_locked(pool, task, argument);
    pthread_mutex_unlock(&pool->lock);
    return admitted;
}

void thread_pool_continue(struct thread_pool *pool, thread_pool_task task, void *argument)
{
    pthread_mutex_lock(&pool->lock);
    push_locked(pool, task, argument);
    pthread_mutex_unlock(&pool->lock);
}

size_t thread_pool_waiting(struct thread_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    size_t waiting = pool->count;
    pthread_mutex_unlock(&pool->lock);
    return waiting;
}
