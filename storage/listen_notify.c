/* The listening thread: connect, LISTEN, hand over payloads, and begin again when that ends. */
#include "storage/listen_notify.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/random.h"
#include "homeserver/base/thread.h"
#include "storage/db.h"
#include "storage/statements.h"

/* PostgreSQL hands over what is notified before it says that a statement is done. No row: this is
 * another connection than the one that listened, for statements connect again by themselves. */
static const struct db_statement look_for_server = {"listen_notify_check",
                                                    "SELECT FROM pg_listening_channels()"};
STATEMENT_TABLE_OF_ONE(look_for_server);

enum { FIRST_PAUSE_MS = 50, PAUSE_MS_MAX = 5000, WITHOUT_LIMIT = -1 };

struct listen_notify {
    struct db *db;
    struct listen_options options;
    int64_t check_at_ms; /* monotonic */
    int stop_fd;         /* becomes readable when the thread has to end */
    pthread_t thread;
};

/* Waits for the stop signal, and for `fd` unless it is -1. False when it is time to stop. */
static bool wait_for(const struct listen_notify *listener, int fd, int timeout_ms)
{
    struct pollfd poll_fds[] = {{.fd = listener->stop_fd, .events = POLLIN},
                                {.fd = fd, .events = POLLIN}};

    /* poll() ignores negative descriptors; an interrupted call only returns early. */
    (void)poll(poll_fds, COUNT_OF(poll_fds), timeout_ms);
    return poll_fds[0].revents == 0;
}

static void hand_over(struct listen_notify *listener, struct arena *arena)
{
    const char *payload;

    while ((payload = db_take_notification(listener->db, arena)) != NULL)
        listener->options.callback(listener->options.context, payload);
    arena_reset(arena);
}

/* Looks when it is time, and tells how long to wait for the next look. False: nobody listens. */
static bool check_server(struct listen_notify *listener, struct arena *arena, int *wait_ms_out)
{
    const struct listen_options *options = &listener->options;
    int64_t now_ms = clock_monotonic_ms(), channels;

    *wait_ms_out = WITHOUT_LIMIT;
    if (options->check_every_ms == 0)
        return true;
    if (now_ms >= listener->check_at_ms) {
        listener->check_at_ms = now_ms + options->check_every_ms;
        if (db_execute(listener->db, &look_for_server, NO_PARAMS, &channels) != OK || channels == 0)
            return false;
        hand_over(listener, arena);
        options->checked(options->context, now_ms);
    }
    *wait_ms_out = (int)(listener->check_at_ms - now_ms);
    return true;
}

/* Until the connection is lost; false when it is time to stop. */
static bool listen_on(struct listen_notify *listener, struct arena *arena)
{
    listener->options.callback(listener->options.context, NULL);
    for (;;) {
        int wait_ms;

        hand_over(listener, arena);
        if (!check_server(listener, arena, &wait_ms))
            return true;
        int fd = db_socket(listener->db);
        if (fd < 0)
            return true;
        if (!wait_for(listener, fd, wait_ms))
            return false;
    }
}

static void *run(void *context)
{
    struct listen_notify *listener = context;
    SCOPED(arena_release) struct arena *arena = arena_create();
    bool goes_on = true;
    int pause_ms = FIRST_PAUSE_MS;

    while (goes_on) {
        if (db_execute(listener->db, listener->options.listen, NO_PARAMS, NULL) == OK) {
            pause_ms = FIRST_PAUSE_MS;
            goes_on = listen_on(listener, arena);
        } else {
            /* Random, so that the nodes do not come back all at the same moment. */
            int jitter_ms = (int)random_below((uint32_t)pause_ms);
            goes_on = wait_for(listener, -1, pause_ms / 2 + jitter_ms);
            pause_ms = pause_ms * 2 < PAUSE_MS_MAX ? pause_ms * 2 : PAUSE_MS_MAX;
        }
    }
    return NULL;
}

static void dispose(struct listen_notify *listener)
{
    if (listener->stop_fd >= 0)
        close(listener->stop_fd);
    db_destroy(listener->db);
    free(listener);
}

enum errcode listen_notify_create(const struct listen_options *options, struct listen_notify **out)
{
    struct listen_notify *listener = calloc(1, sizeof(*listener));

    if (listener == NULL)
        abort();
    listener->db = db_create(options->conninfo);
    listener->options = *options;
    listener->stop_fd = eventfd(0, EFD_CLOEXEC);
    if (listener->stop_fd < 0 || !thread_start(&listener->thread, "listen-notify", run, listener)) {
        dispose(listener);
        return E_SYSTEM;
    }
    *out = listener;
    return OK;
}

void listen_notify_destroy(struct listen_notify *listener)
{
    if (listener == NULL)
        return;
    /* Can not fail: an eventfd that nobody has written to takes any number. */
    (void)eventfd_write(listener->stop_fd, 1);
    pthread_join(listener->thread, NULL);
    dispose(listener);
}
