/* Building, draining and tearing down the HTTP server. */
#include "homeserver/http/server.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "config/config.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/log.h"
#include "homeserver/base/metrics.h"
#include "homeserver/base/thread_pool.h"
#include "homeserver/http/access_log.h"
#include "homeserver/http/io_thread.h"
#include "homeserver/http/listener.h"
#include "homeserver/http/parking.h"
#include "homeserver/http/router.h"
#include "homeserver/http/server_internal.h"
#include "homeserver/http/tls_identity.h"
#include "homeserver/services.h"
#include "storage/db.h"

enum {
    WORKERS_MIN = 8,
    WORKERS_PER_CORE = 4,
    IO_THREADS_MIN = 4, /* resuming costs more the more requests a thread has parked */
    QUEUE_MAX = 16384,
    DESCRIPTORS_MIN = 1024,
    DESCRIPTORS_MAX = 1 << 20,
    DESCRIPTORS_RESERVED = 256, /* databases, files, outgoing connections */
    DRAIN_STEP_MS = 10,
    HEAD_MS = 10 * 1000,
    BODY_MS = 30 * 1000,
    KEEP_ALIVE_MS = 60 * 1000
};

const struct config *server_config(const struct http_server *server)
{
    return config_current(server->options.services->config);
}

static int core_count(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    return cores < 1 ? 1 : (int)cores;
}

static int or_default(int configured, int automatic, int minimum)
{
    if (configured > 0)
        return configured;
    return automatic < minimum ? minimum : automatic;
}

struct worker *worker_create(struct http_server *server, struct db *db_owned)
{
    struct worker *worker = calloc(1, sizeof(*worker));

    if (worker == NULL)
        abort();
    worker->server = server;
    worker->db = db_owned;
    return worker;
}

void worker_destroy(struct worker *worker)
{
    db_destroy(worker->db);
    free(worker);
}

static void *worker_start(void *context)
{
    struct http_server *server = context;

    return worker_create(server, db_create(server->options.conninfo));
}

static void worker_stop(void *state)
{
    worker_destroy(state);
}

/* As many descriptors as the kernel lets us have. */
static unsigned raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return DESCRIPTORS_MIN;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur > DESCRIPTORS_MAX)
        return DESCRIPTORS_MAX;
    return limit.rlim_cur < DESCRIPTORS_MIN ? DESCRIPTORS_MIN : (unsigned)limit.rlim_cur;
}

static struct thread_pool *start_pool(struct http_server *server, const char *name)
{
    int configured = server_config(server)->limits.worker_threads;
    const struct thread_pool_options options = {
        .name = name,
        .threads = (size_t)or_default(configured, core_count() * WORKERS_PER_CORE, WORKERS_MIN),
        .queue_max = QUEUE_MAX,
        .thread_start = worker_start,
        .thread_stop = worker_stop,
        .context = server,
    };

    return thread_pool_create(&options);
}

static enum errcode start_workers(struct http_server *server, struct error *error)
{
    server->parked = parked_create(parking_end);
    server->workers = start_pool(server, "http-worker");
    server->outward_workers = start_pool(server, "http-outward");
    if (server->parked == NULL || server->workers == NULL || server->outward_workers == NULL)
        return fail(error, E_SYSTEM, "The worker threads could not be started.");
    return OK;
}

static enum errcode open_listeners(struct http_server *server, struct error *error)
{
    const struct config *config = server_config(server);

    if (config->listener_count > LISTENERS_MAX)
        return fail(error, E_SYSTEM, "At most %d listeners are possible.", LISTENERS_MAX);
    for (size_t i = 0; i < config->listener_count; i++) {
        TRY(listener_create(&config->listeners[i], error, &server->listeners[i]));
        server->listener_count++;
    }
    return OK;
}

static enum errcode start_io_threads(struct http_server *server, struct error *error)
{
    int configured = server_config(server)->limits.io_threads;
    size_t count = (size_t)or_default(configured, core_count(), IO_THREADS_MIN);

    if (count > IO_THREADS_MAX)
        count = IO_THREADS_MAX;
    /* Each connection is a descriptor; the kernel spreads them evenly enough. */
    server->connection_limit = (raise_descriptor_limit() - DESCRIPTORS_RESERVED) / (unsigned)count;
    while (server->io_thread_count < count) {
        TRY(io_thread_create(server, error, &server->io_threads[server->io_thread_count]));
        server->io_thread_count++;
    }
    return OK;
}

static enum errcode start(struct http_server *server, struct error *error)
{
    TRY(start_workers(server, error));
    TRY(open_listeners(server, error));
    return start_io_threads(server, error);
}

static void register_metrics(struct server_metrics *metrics)
{
    metrics->connections =
        metrics_gauge("beffroi_http_connections", "Connections of clients that are open.", NULL);
    metrics->parked = metrics_gauge("beffroi_http_parked", "Long polls that wait.", NULL);
    metrics->queue = metrics_histogram("beffroi_http_queue_seconds",
                                       "How long requests wait for a worker.", NULL);
}

static void set_patience(struct http_patience *patience)
{
    if (patience->head_ms == 0)
        patience->head_ms = HEAD_MS;
    if (patience->body_ms == 0)
        patience->body_ms = BODY_MS;
    if (patience->keep_alive_ms == 0)
        patience->keep_alive_ms = KEEP_ALIVE_MS;
}

enum errcode http_server_create(const struct http_server_options *options, struct error *error,
                                struct http_server **out)
{
    struct http_server *server = calloc(1, sizeof(*server));

    if (server == NULL)
        return E_SYSTEM;
    server->options = *options;
    set_patience(&server->options.patience);
    server->router = router_create(options->routes, options->route_count);
    server->route_metrics = route_metrics_create(options->routes, options->route_count);
    register_metrics(&server->metrics);
    arena_pool_init(&server->arenas);
    enum errcode outcome = start(server, error);
    if (outcome != OK)
        http_server_destroy(server);
    else
        *out = server;
    return outcome;
}

uint16_t http_server_port(const struct http_server *server, size_t listener)
{
    return listener_port(server->listeners[listener]);
}

void http_server_reload(struct http_server *server)
{
    for (size_t i = 0; i < server->listener_count; i++) {
        struct listener *listener = server->listeners[i];
        struct error error = {0};
        if (listener->tls != NULL && tls_identity_reload(listener->tls, &error) != OK)
            log_warn(LOG_HTTP, "The certificate of %s stays the old one: %s", listener->text,
                     error.text);
    }
}

bool http_server_is_draining(const struct http_server *server)
{
    return atomic_load(&server->draining);
}

bool http_server_drain(struct http_server *server, int64_t grace_ms)
{
    const struct timespec step = {.tv_nsec = DRAIN_STEP_MS * 1000000};
    int64_t until_ms = clock_monotonic_ms() + grace_ms;

    atomic_store(&server->draining, true);
    for (size_t i = 0; i < server->io_thread_count; i++)
        io_thread_stop_accepting(server->io_threads[i]);
    parked_drain(server->parked);
    while (atomic_load(&server->active) > 0 && clock_monotonic_ms() < until_ms)
        nanosleep(&step, NULL);
    atomic_store(&server->closed, true);
    return atomic_load(&server->running) == 0;
}

void http_server_destroy(struct http_server *server)
{
    if (server == NULL)
        return;
    for (size_t i = 0; i < server->io_thread_count; i++)
        io_thread_destroy(server->io_threads[i]);
    thread_pool_destroy(server->workers);
    thread_pool_destroy(server->outward_workers);
    parked_destroy(server->parked);
    for (size_t i = 0; i < server->listener_count; i++)
        listener_destroy(server->listeners[i]);
    router_destroy(server->router);
    route_metrics_destroy(server->route_metrics);
    arena_pool_finish(&server->arenas);
    free(server);
}
