/* The threads take portions of the steps in turn, so that none waits for a slow one. */
#include "homeserver/base/parallel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/thread.h"

enum { THREADS_MAX = 8, PORTION = 32 };

struct parallel {
    size_t count;
    parallel_step step;
    void *context;
    _Atomic size_t next;
};

struct worker {
    struct parallel *parallel;
    struct arena *arena;
    pthread_t thread;
};

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct parallel *parallel = worker->parallel;
    size_t start;

    while ((start = atomic_fetch_add(&parallel->next, PORTION)) < parallel->count) {
        for (size_t i = start; i < start + PORTION && i < parallel->count; i++)
            parallel->step(parallel->context, worker->arena, i);
    }
    return NULL;
}

static void destroy_arena_deferred(void *arena)
{
    arena_destroy(arena);
}

static size_t threads_for(size_t count)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t portions = (count + PORTION - 1) / PORTION;
    size_t threads = processors > 1 ? (size_t)processors : 1;

    if (threads > THREADS_MAX)
        threads = THREADS_MAX;
    return threads < portions ? threads : portions;
}

void parallel_run(struct arena *arena, size_t count, parallel_step step, void *context)
{
    struct parallel parallel = {.count = count, .step = step, .context = context};
    struct worker workers[THREADS_MAX], own = {&parallel, arena, 0};
    size_t wanted = threads_for(count), started = 0;

    while (started + 1 < wanted) {
        struct worker *worker = &workers[started];
        *worker = (struct worker){&parallel, arena_create(), 0};
        arena_defer(arena, destroy_arena_deferred, worker->arena);
        if (!thread_start(&worker->thread, "parallel", work, worker))
            break;
        started++;
    }
    work(&own);
    for (size_t i = 0; i < started; i++)
        pthread_join(workers[i].thread, NULL);
}
