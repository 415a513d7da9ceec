/* A thread, a condition, a deadline. */
#include "homeserver/base/looper.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "homeserver/base/clock.h"
#include "homeserver/base/thread.h"

/* Under load many changes make one round: it costs the same for one as for a hundred. */
enum { ROUNDS_APART_MS = 5 };

struct looper {
    const char *name;
    looper_round round;
    void *context;
    pthread_t thread;
    bool is_started;
    int64_t begun_ms; /* the last round; monotonic */
    pthread_mutex_t lock;
    pthread_cond_t woken;
    bool has_news; /* protected by lock */
    bool stop;     /* protected by lock */
};

struct looper *looper_create(const char *name, looper_round round, void *context)
{
    struct looper *looper = calloc(1, sizeof(*looper));
    pthread_condattr_t attributes;

    if (looper == NULL)
        abort();
    looper->name = name;
    looper->round = round;
    looper->context = context;
    pthread_mutex_init(&looper->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&looper->woken, &attributes);
    pthread_condattr_destroy(&attributes);
    return looper;
}

static void wait_until_locked(struct looper *looper, int64_t due_ms, bool news_end_it)
{
    const struct timespec deadline = {.tv_sec = due_ms / 1000, .tv_nsec = due_ms % 1000 * 1000000};

    while (!looper->stop && !(news_end_it && looper->has_news) && clock_monotonic_ms() < due_ms)
        pthread_cond_timedwait(&looper->woken, &looper->lock, &deadline);
}

/* Sleeps until there is news or the time is over; false when the thread is to stop. */
static bool wait_for_news(struct looper *looper, int64_t wait_ms)
{
    bool stop;

    pthread_mutex_lock(&looper->lock);
    wait_until_locked(looper, clock_monotonic_ms() + wait_ms, true);
    wait_until_locked(looper, looper->begun_ms + ROUNDS_APART_MS, false);
    looper->has_news = false;
    stop = looper->stop;
    pthread_mutex_unlock(&looper->lock);
    looper->begun_ms = clock_monotonic_ms();
    return !stop;
}

static void *work(void *context)
{
    struct looper *looper = context;
    int64_t wait_ms = 0;

    while (wait_for_news(looper, wait_ms))
        wait_ms = looper->round(looper->context);
    return NULL;
}

void looper_start(struct looper *looper)
{
    if (!thread_start(&looper->thread, looper->name, work, looper))
        abort();
    looper->is_started = true;
}

void looper_stop(struct looper *looper)
{
    if (looper == NULL || !looper->is_started)
        return;
    pthread_mutex_lock(&looper->lock);
    looper->stop = true;
    pthread_cond_signal(&looper->woken);
    pthread_mutex_unlock(&looper->lock);
    pthread_join(looper->thread, NULL);
    looper->is_started = false;
}

void looper_destroy(struct looper *looper)
{
    if (looper == NULL)
        return;
    looper_stop(looper);
    pthread_cond_destroy(&looper->woken);
    pthread_mutex_destroy(&looper->lock);
    free(looper);
}

void looper_wake(struct looper *looper)
{
    pthread_mutex_lock(&looper->lock);
    looper->has_news = true;
    pthread_cond_signal(&looper->woken);
    pthread_mutex_unlock(&looper->lock);
}
