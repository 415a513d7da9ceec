/* The event loop of one I/O thread. */
#include "homeserver/http/io_thread.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "homeserver/base/clock.h"
#include "homeserver/base/log.h"
#include "homeserver/base/thread.h"
#include "homeserver/http/connection.h"
#include "homeserver/http/dispatch.h"
#include "homeserver/http/intake.h"
#include "homeserver/http/io_thread_internal.h"
#include "homeserver/http/listener.h"
#include "homeserver/http/parking.h"
#include "homeserver/http/server_internal.h"
#include "homeserver/http/tls_identity.h"
#include "storage/db.h"

enum {
    EVENTS_MAX = 256,
    READY_AT_ONCE = 64,      /* then answers go out before the next ones are made */
    SWEEP_INTERVAL_MS = 1000 /* deadlines are many seconds; each sweep looks at all sockets */
};

/* The one that runs on this thread. */
static _Thread_local struct io_thread *own;

/* Tells what an epoll event is about: the address of the thread (its eventfd), of a daemon, or of a
 * client's socket. */
static struct io_daemon *find_daemon(struct io_thread *thread, const void *pointer)
{
    for (size_t i = 0; i < thread->daemon_count; i++) {
        if (pointer == &thread->daemons[i])
            return &thread->daemons[i];
    }
    return NULL;
}

static void hang_up(struct client_socket *hung_up)
{
    atomic_store(&hung_up->has_hung_up, true);
    if (hung_up->connection != NULL)
        parking_hung_up(hung_up->connection);
}

static void take_event(struct io_thread *thread, const struct epoll_event *event)
{
    struct io_daemon *daemon = find_daemon(thread, event->data.ptr);
    uint64_t ignored;

    if (event->data.ptr == thread) {
        if (read(thread->event_fd, &ignored, sizeof(ignored)) < 0 && errno != EAGAIN)
            log_error(LOG_HTTP, "An eventfd could not be read: %s.", strerrordesc_np(errno));
    } else if (daemon != NULL) {
        daemon->is_due = true;
    } else {
        hang_up(event->data.ptr);
    }
}

static void resume(struct connection *connection)
{
    connection->daemon->is_due = true;
    intake_resumed(connection);
    MHD_resume_connection(connection->mhd);
}

static size_t take_ready(struct io_thread *thread, struct connection *out[READY_AT_ONCE])
{
    size_t count = 0;

    pthread_mutex_lock(&thread->lock);
    while (thread->ready != NULL && count < READY_AT_ONCE) {
        out[count++] = thread->ready;
        thread->ready = thread->ready->next_ready;
    }
    if (thread->ready == NULL)
        thread->ready_end = &thread->ready;
    thread->has_more = thread->ready != NULL;
    pthread_mutex_unlock(&thread->lock);
    return count;
}

/* What runs here is mostly done, and ready again, at once. */
static void go_on(struct io_thread *thread)
{
    struct connection *ready[READY_AT_ONCE];
    size_t count = take_ready(thread, ready);

    for (size_t i = 0; i < count; i++) {
        if (ready[i]->phase == PHASE_QUICK)
            dispatch_run_quick(ready[i], thread->quick);
        else
            resume(ready[i]);
    }
}

static void stop_accepting(struct io_thread *thread)
{
    thread->is_accepting = false;
    for (size_t i = 0; i < thread->daemon_count; i++) {
        MHD_socket fd = MHD_quiesce_daemon(thread->daemons[i].mhd);
        if (fd >= 0)
            close(fd);
    }
}

/* Cuts off the sockets that made no progress in time; MHD then sees the end of the stream. */
static void sweep(struct io_thread *thread, int64_t now_ms)
{
    for (struct client_socket *s = thread->sockets; s != NULL; s = s->next) {
        if (s->deadline_ms != 0 && s->deadline_ms <= now_ms) {
            s->deadline_ms = 0;
            shutdown(s->fd, SHUT_RDWR);
        }
    }
    thread->next_sweep_ms = now_ms + SWEEP_INTERVAL_MS;
}

static void run_daemon(struct io_daemon *daemon, int64_t now_ms)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms;

    daemon->is_due = false;
    tls_identity_select(daemon->listener->tls);
    MHD_run(daemon->mhd);
    daemon->due_ms = INT64_MAX;
    if (MHD_get_timeout(daemon->mhd, &timeout_ms) == MHD_YES && timeout_ms < INT32_MAX)
        daemon->due_ms = now_ms + (int64_t)timeout_ms;
}

static int wait_ms(const struct io_thread *thread, int64_t now_ms)
{
    int64_t until = thread->has_more ? now_ms : thread->next_sweep_ms;

    for (size_t i = 0; i < thread->daemon_count; i++) {
        if (thread->daemons[i].due_ms < until)
            until = thread->daemons[i].due_ms;
    }
    return until <= now_ms ? 0 : (int)(until - now_ms);
}

/* Hang-ups are handled before MHD runs: MHD may free connections that later events name. */
static void turn(struct io_thread *thread)
{
    struct epoll_event events[EVENTS_MAX];
    int count =
        epoll_wait(thread->epoll_fd, events, EVENTS_MAX, wait_ms(thread, clock_monotonic_ms()));

    for (int i = 0; i < count; i++)
        take_event(thread, &events[i]);
    go_on(thread);

    int64_t now_ms = clock_monotonic_ms();
    if (now_ms >= thread->next_sweep_ms)
        sweep(thread, now_ms);
    for (size_t i = 0; i < thread->daemon_count; i++) {
        struct io_daemon *daemon = &thread->daemons[i];
        if (daemon->is_due || daemon->due_ms <= now_ms)
            run_daemon(daemon, now_ms);
    }
    if (thread->is_accepting && atomic_load(&thread->server->draining))
        stop_accepting(thread);
}

static void *run_thread(void *argument)
{
    struct io_thread *thread = argument;

    own = thread;
    log_collect(&thread->log);
    while (!atomic_load(&thread->stopping)) {
        turn(thread);
        log_write_collected();
    }
    log_collect(NULL);
    return NULL;
}

static void ring(struct io_thread *thread)
{
    const uint64_t one = 1;

    /* It fails only when the counter is full: then the thread is awake already. */
    if (write(thread->event_fd, &one, sizeof(one)) < 0)
        log_debug(LOG_HTTP, "An eventfd is full.");
}

void io_thread_stop_accepting(struct io_thread *thread)
{
    ring(thread);
}

void io_thread_hand_over(struct connection *connection)
{
    struct io_thread *thread = connection->daemon->thread;

    pthread_mutex_lock(&thread->lock);
    bool was_empty = thread->ready == NULL;
    connection->next_ready = NULL;
    *thread->ready_end = connection;
    thread->ready_end = &connection->next_ready;
    /* Inside the lock: the moment it is released the thread may run and be destroyed. */
    if (thread == own)
        thread->has_more = true;
    else if (was_empty)
        ring(thread);
    pthread_mutex_unlock(&thread->lock);
}

/* Once for all requests on the socket: edge-triggered, so that it is told once. */
bool io_thread_watch(struct connection *connection)
{
    struct client_socket *watched = connection->socket;
    struct epoll_event event = {.events = EPOLLRDHUP | EPOLLET, .data.ptr = watched};
    int epoll_fd = connection->daemon->thread->epoll_fd;

    if (!watched->is_watched && epoll_ctl(epoll_fd, EPOLL_CTL_ADD, watched->fd, &event) != 0)
        log_debug(LOG_HTTP, "A parked connection can not be watched.");
    watched->is_watched = true;
    return atomic_load(&watched->has_hung_up);
}

static bool watch_fd(struct io_thread *thread, int fd, void *pointer)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = pointer};

    return epoll_ctl(thread->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static enum errcode add_daemon(struct io_thread *thread, struct listener *listener,
                               struct error *error)
{
    struct io_daemon *daemon = &thread->daemons[thread->daemon_count];
    int fd;

    daemon->thread = thread;
    daemon->listener = listener;
    TRY(listener_open_socket(listener, error, &fd));
    daemon->mhd = intake_start_daemon(daemon, fd);
    if (daemon->mhd == NULL) {
        close(fd);
        return fail(error, E_SYSTEM, "The HTTP library refuses to listen on %s.", listener->text);
    }
    thread->daemon_count++;
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon->mhd, MHD_DAEMON_INFO_EPOLL_FD);
    if (info == NULL || !watch_fd(thread, info->epoll_fd, daemon))
        return fail(error, E_SYSTEM, "%s can not be watched.", listener->text);
    return OK;
}

static enum errcode set_up(struct io_thread *thread, struct error *error)
{
    thread->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    thread->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (thread->epoll_fd < 0 || thread->event_fd < 0 || !watch_fd(thread, thread->event_fd, thread))
        return fail(error, E_SYSTEM, "No descriptors are left for an I/O thread.");
    for (size_t i = 0; i < thread->server->listener_count; i++)
        TRY(add_daemon(thread, thread->server->listeners[i], error));

    thread->is_running = thread_start(&thread->thread, "http-io", run_thread, thread);
    if (!thread->is_running)
        return fail(error, E_SYSTEM, "An I/O thread could not be started.");
    return OK;
}

enum errcode io_thread_create(struct http_server *server, struct error *error,
                              struct io_thread **out)
{
    struct io_thread *thread = calloc(1, sizeof(*thread));

    if (thread == NULL)
        return E_SYSTEM;
    thread->server = server;
    thread->is_accepting = true;
    thread->epoll_fd = -1;
    thread->event_fd = -1;
    thread->ready_end = &thread->ready;
    thread->quick = worker_create(server, db_create_absent());
    pthread_mutex_init(&thread->lock, NULL);
    enum errcode outcome = set_up(thread, error);
    if (outcome != OK)
        io_thread_destroy(thread);
    else
        *out = thread;
    return outcome;
}

void io_thread_destroy(struct io_thread *thread)
{
    if (thread == NULL)
        return;
    if (thread->is_running) {
        atomic_store(&thread->stopping, true);
        ring(thread);
        pthread_join(thread->thread, NULL);
    }
    if (thread->is_accepting)
        stop_accepting(thread);
    for (size_t i = 0; i < thread->daemon_count; i++)
        MHD_stop_daemon(thread->daemons[i].mhd);
    if (thread->epoll_fd >= 0)
        close(thread->epoll_fd);
    if (thread->event_fd >= 0)
        close(thread->event_fd);
    pthread_mutex_lock(&thread->lock); /* the last ring() has left the lock */
    pthread_mutex_unlock(&thread->lock);
    pthread_mutex_destroy(&thread->lock);
    worker_destroy(thread->quick);
    free(thread);
}
