/* Runs the jobs of the table when their time has come. */
#include "homeserver/jobs/scheduler.h"

#include <pthread.h>
#include <stdlib.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/log.h"
#include "homeserver/base/thread.h"
#include "storage/db.h"
#include "storage/journal.h"

struct scheduler {
    const struct services *services;
    struct db *db;
    pthread_t thread;
    int64_t *due_ms; /* of each job; monotonic */
    pthread_mutex_t lock;
    pthread_cond_t stopping; /* signalled when `stop` is set */
    bool stop;               /* protected by lock */
};

/* What a job wrote is committed before it counts as done. */
static enum errcode run_and_commit(struct call *call, const struct job *job)
{
    TRY(job->run(call));
    return commit_group_wait(call->commits);
}

static void run(struct scheduler *scheduler, const struct job *job)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct error error = {0};
    struct call call = {
        .services = scheduler->services,
        .db = scheduler->db,
        .arena = arena,
        .error = &error,
        .commits = commit_group_create(),
    };
    enum errcode outcome = run_and_commit(&call, job);

    commit_group_release(call.commits);
    if (outcome != OK)
        log_warn(LOG_JOBS, "The job %s failed and will be repeated: %s", job->name,
                 error.text[0] != '\0' ? error.text : errcode_default_text(outcome));
}

static int64_t earliest_due(const struct scheduler *scheduler)
{
    int64_t earliest = INT64_MAX;

    for (size_t i = 0; i < job_count; i++) {
        if (scheduler->due_ms[i] < earliest)
            earliest = scheduler->due_ms[i];
    }
    return earliest;
}

/* Sleeps until then; false when the scheduler is to stop. */
static bool wait_until(struct scheduler *scheduler, int64_t due_ms)
{
    const struct timespec deadline = {.tv_sec = due_ms / 1000, .tv_nsec = due_ms % 1000 * 1000000};
    bool stop;

    pthread_mutex_lock(&scheduler->lock);
    while (!scheduler->stop && clock_monotonic_ms() < due_ms)
        pthread_cond_timedwait(&scheduler->stopping, &scheduler->lock, &deadline);
    stop = scheduler->stop;
    pthread_mutex_unlock(&scheduler->lock);
    return !stop;
}

static void run_due(struct scheduler *scheduler)
{
    for (size_t i = 0; i < job_count; i++) {
        if (scheduler->due_ms[i] > clock_monotonic_ms())
            continue;
        run(scheduler, &jobs[i]);
        scheduler->due_ms[i] = clock_monotonic_ms() + jobs[i].interval_ms;
    }
}

static void *work(void *context)
{
    struct scheduler *scheduler = context;

    while (wait_until(scheduler, earliest_due(scheduler)))
        run_due(scheduler);
    return NULL;
}

struct scheduler *scheduler_create(const struct services *services, const char *conninfo)
{
    struct scheduler *scheduler = calloc(1, sizeof(*scheduler));
    pthread_condattr_t attributes;

    if (scheduler == NULL)
        abort();
    scheduler->services = services;
    scheduler->db = db_create(conninfo);
    scheduler->due_ms = calloc(job_count, sizeof(*scheduler->due_ms));
    if (scheduler->due_ms == NULL)
        abort();
    for (size_t i = 0; i < job_count; i++)
        scheduler->due_ms[i] = clock_monotonic_ms() + jobs[i].interval_ms;
    pthread_mutex_init(&scheduler->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&scheduler->stopping, &attributes);
    pthread_condattr_destroy(&attributes);
    if (!thread_start(&scheduler->thread, "scheduler", work, scheduler))
        abort();
    return scheduler;
}

void scheduler_destroy(struct scheduler *scheduler)
{
    if (scheduler == NULL)
        return;
    pthread_mutex_lock(&scheduler->lock);
    scheduler->stop = true;
    pthread_cond_signal(&scheduler->stopping);
    pthread_mutex_unlock(&scheduler->lock);
    pthread_join(scheduler->thread, NULL);
    pthread_cond_destroy(&scheduler->stopping);
    pthread_mutex_destroy(&scheduler->lock);
    db_destroy(scheduler->db);
    free(scheduler->due_ms);
    free(scheduler);
}
