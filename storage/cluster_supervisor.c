/*
 * The thread that keeps the embedded PostgreSQL running. The postmaster gets a signal when this
 * thread ends, so it does not outlive us, whatever kills us (PR_SET_PDEATHSIG).
 */
#include "storage/cluster_supervisor.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "homeserver/base/clock.h"
#include "homeserver/base/log.h"
#include "homeserver/base/thread.h"

enum { FAST_SHUTDOWN_MS = 60 * 1000, RESTART_PAUSE_MS = 1000 };

struct cluster_supervisor {
    struct cluster_user user;
    struct cluster_command command;
    const char *mark;
    pthread_t thread;
    pthread_mutex_t lock; /* protects all below */
    pthread_cond_t changed;
    pid_t postmaster;  /* 0: not running */
    bool has_ended;    /* the thread has given up or was told to stop */
    bool is_confirmed; /* PostgreSQL has come up once, so it is worth starting it again */
    bool stopping;
};

/* Starts the postmaster; false when that is not possible or not wanted any more. */
static bool start_postmaster(struct cluster_supervisor *supervisor)
{
    /* Backends of a postmaster that was killed hold on for a moment. */
    if (!cluster_end_leftovers(supervisor->mark))
        return false;
    /* With all processes gone, its note about itself can only mislead: the number in it may by now
     * belong to somebody else. */
    (void)unlinkat(supervisor->command.directory_fd, "postmaster.pid", 0);
    pthread_mutex_lock(&supervisor->lock);
    if (!supervisor->stopping)
        supervisor->postmaster = cluster_spawn(&supervisor->user, &supervisor->command);
    bool is_started = supervisor->postmaster > 0;
    pthread_mutex_unlock(&supervisor->lock);
    return is_started;
}

/* Waits for the postmaster's end. It is reaped under the lock, so that nobody signals a process
 * that happens to get the same number. */
static void wait_for_end(struct cluster_supervisor *supervisor)
{
    siginfo_t info;

    while (waitid(P_PID, (id_t)supervisor->postmaster, &info, WEXITED | WNOWAIT) != 0 &&
           errno == EINTR)
        continue;
    pthread_mutex_lock(&supervisor->lock);
    waitpid(supervisor->postmaster, NULL, 0);
    supervisor->postmaster = 0;
    pthread_cond_broadcast(&supervisor->changed);
    pthread_mutex_unlock(&supervisor->lock);
}

static struct timespec after_ms(int64_t wait_ms)
{
    int64_t end_ms = clock_monotonic_ms() + wait_ms;

    return (struct timespec){.tv_sec = end_ms / 1000, .tv_nsec = end_ms % 1000 * 1000000};
}

/* Whether an end of the postmaster calls for a new one; pauses before that. */
static bool should_restart(struct cluster_supervisor *supervisor)
{
    struct timespec end = after_ms(RESTART_PAUSE_MS);
    int status = 0;

    pthread_mutex_lock(&supervisor->lock);
    bool is_wanted = supervisor->is_confirmed && !supervisor->stopping;
    if (is_wanted)
        log_error(LOG_DATABASE, "the embedded PostgreSQL has ended unexpectedly; its log says why");
    while (is_wanted && !supervisor->stopping && status == 0)
        status = pthread_cond_timedwait(&supervisor->changed, &supervisor->lock, &end);
    is_wanted = is_wanted && !supervisor->stopping;
    pthread_mutex_unlock(&supervisor->lock);
    return is_wanted;
}

static void *run(void *context)
{
    struct cluster_supervisor *supervisor = context;

    do {
        if (start_postmaster(supervisor))
            wait_for_end(supervisor);
    } while (should_restart(supervisor));

    pthread_mutex_lock(&supervisor->lock);
    supervisor->has_ended = true;
    pthread_cond_broadcast(&supervisor->changed);
    pthread_mutex_unlock(&supervisor->lock);
    return NULL;
}

static void dispose(struct cluster_supervisor *supervisor)
{
    pthread_cond_destroy(&supervisor->changed);
    pthread_mutex_destroy(&supervisor->lock);
    free(supervisor);
}

enum errcode supervisor_start(const struct cluster_server *server, struct cluster_supervisor **out,
                              struct error *error)
{
    struct cluster_supervisor *supervisor = calloc(1, sizeof(*supervisor));
    pthread_condattr_t attributes;

    if (supervisor == NULL)
        abort();
    supervisor->user = server->user;
    supervisor->command = server->command;
    supervisor->mark = server->mark;
    pthread_mutex_init(&supervisor->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&supervisor->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    if (!thread_start(&supervisor->thread, "postgresql", run, supervisor)) {
        dispose(supervisor);
        return fail(error, E_SYSTEM, "No thread can be made for the embedded PostgreSQL");
    }
    *out = supervisor;
    return OK;
}

bool supervisor_has_ended(struct cluster_supervisor *supervisor, int64_t wait_ms)
{
    struct timespec end = after_ms(wait_ms);

    pthread_mutex_lock(&supervisor->lock);
    if (!supervisor->has_ended)
        pthread_cond_timedwait(&supervisor->changed, &supervisor->lock, &end);
    bool has_ended = supervisor->has_ended;
    pthread_mutex_unlock(&supervisor->lock);
    return has_ended;
}

void supervisor_confirm(struct cluster_supervisor *supervisor)
{
    pthread_mutex_lock(&supervisor->lock);
    supervisor->is_confirmed = true;
    pthread_mutex_unlock(&supervisor->lock);
}

void supervisor_stop(struct cluster_supervisor *supervisor)
{
    if (supervisor == NULL)
        return;
    struct timespec end = after_ms(FAST_SHUTDOWN_MS);
    int status = 0;

    pthread_mutex_lock(&supervisor->lock);
    supervisor->stopping = true;
    pthread_cond_broadcast(&supervisor->changed);
    if (supervisor->postmaster > 0)
        kill(supervisor->postmaster, SIGINT);
    while (!supervisor->has_ended && status == 0)
        status = pthread_cond_timedwait(&supervisor->changed, &supervisor->lock, &end);
    if (supervisor->postmaster > 0) {
        log_warn(LOG_DATABASE, "the embedded PostgreSQL takes long to stop; ending it at once");
        kill(supervisor->postmaster, SIGQUIT);
    }
    pthread_mutex_unlock(&supervisor->lock);
    pthread_join(supervisor->thread, NULL);
    dispose(supervisor);
}
