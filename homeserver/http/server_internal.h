#ifndef HOMESERVER_HTTP_SERVER_INTERNAL_H
#define HOMESERVER_HTTP_SERVER_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "homeserver/http/arena_pool.h"
#include "homeserver/http/client_ip.h"
#include "homeserver/http/server.h"

/* Private to homeserver/http: what the I/O threads and the workers share. */
struct io_thread;
struct listener;
struct parked;
struct router;
struct route_metrics;
struct thread_pool;

enum { LISTENERS_MAX = 16, IO_THREADS_MAX = 64 };

/* What is counted beside the routes (access_log.h). */
struct server_metrics {
    struct metric_gauge *connections;
    struct metric_gauge *parked;
    struct metric_histogram *queue; /* from the last byte of a request to its worker */
};

struct http_server {
    struct http_server_options options;
    struct router *router;
    struct route_metrics *route_metrics;
    struct server_metrics metrics;
    struct arena_pool arenas;
    struct thread_pool *workers;
    struct thread_pool *outward_workers; /* for what may wait for other servers */
    struct parked *parked;
    struct listener *listeners[LISTENERS_MAX];
    size_t listener_count;
    struct io_thread *io_threads[IO_THREADS_MAX];
    size_t io_thread_count;
    unsigned connection_limit; /* per I/O thread and listener */
    atomic_bool draining;
    atomic_bool closed;       /* no request may go to a worker any more */
    atomic_size_t running;    /* with a worker, parked, or waiting for COMMIT */
    atomic_size_t active;     /* exchanges whose request has arrived and whose answer is not out */
    atomic_size_t body_bytes; /* of all bodies in memory */
};

/* What each worker thread, and each I/O thread for QUICK routes, has for itself. */
struct worker {
    struct http_server *server;
    struct db *db;
};

struct worker *worker_create(struct http_server *server, struct db *db_owned);
void worker_destroy(struct worker *worker);

const struct config *server_config(const struct http_server *server);

#endif
