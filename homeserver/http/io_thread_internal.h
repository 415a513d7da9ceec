#ifndef HOMESERVER_HTTP_IO_THREAD_INTERNAL_H
#define HOMESERVER_HTTP_IO_THREAD_INTERNAL_H

#include <stdatomic.h>

#include "homeserver/base/log.h"
#include "homeserver/http/io_thread.h"
#include "homeserver/http/server_internal.h"

/* Private to io_thread.c and intake.c. */
struct io_thread {
    struct http_server *server;
    pthread_t thread;
    bool is_running;
    bool is_accepting;
    atomic_bool stopping;
    int epoll_fd; /* the eventfd, the daemons' epoll descriptors, sockets that requests wait on */
    int event_fd;
    pthread_mutex_t lock;
    struct connection *ready; /* under the lock: handed over, oldest first */
    struct connection **ready_end;
    bool has_more; /* private: some are ready, although nobody rings */
    struct worker *quick;
    struct io_daemon daemons[LISTENERS_MAX];
    size_t daemon_count;
    struct client_socket *sockets;
    int64_t next_sweep_ms;
    struct log_collected log; /* the lines of one turn */
};

#endif
