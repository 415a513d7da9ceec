#ifndef HOMESERVER_HTTP_IO_THREAD_H
#define HOMESERVER_HTTP_IO_THREAD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "homeserver/base/error.h"

/*
 * A thread that reads and writes for its share of the connections and never blocks. It drives one
 * MHD daemon per listener by MHD_run() from its own epoll loop:
 *
 *   - MHD's internal polling thread can stall when exactly 128 events arrive at once (0.9.75);
 *     MHD_run() never waits, so it can not;
 *   - a resume by another thread can be lost in this mode, so workers put finished connections on
 *     this thread's list and write its eventfd, and only this thread calls MHD_resume_connection().
 */
struct connection;
struct http_server;
struct listener;
struct MHD_Daemon;

struct io_daemon {
    struct io_thread *thread;
    struct listener *listener;
    struct MHD_Daemon *mhd;
    int64_t due_ms; /* monotonic; when MHD wants to run although nothing arrived */
    bool is_due;
};

/* An open socket: it must make progress before its deadline (slow senders are cut off). */
struct client_socket {
    struct client_socket *next;
    struct client_socket *previous;
    int fd;
    int64_t deadline_ms;           /* 0: none, we are busy or sending */
    struct connection *connection; /* the exchange on it; NULL: none */
    bool is_watched;               /* the I/O thread's epoll tells when the client hangs up */
    atomic_bool has_hung_up;       /* … and has told */
};

enum errcode io_thread_create(struct http_server *server, struct error *error,
                              struct io_thread **out) MUST_CHECK;

/* No connection may be with a worker any more. NULL is allowed. */
void io_thread_destroy(struct io_thread *thread);

/* Stops accepting connections. From any thread; takes effect soon. */
void io_thread_stop_accepting(struct io_thread *thread);

/* From any thread: gives the connection back; it goes on in the phase it has, in its turn. */
void io_thread_hand_over(struct connection *connection);

/* From the owner of a connection that is about to be parked and has its ticket: from now on the I/O
 * thread notices when the client hangs up. True when it did already. */
bool io_thread_watch(struct connection *connection) MUST_CHECK;

#endif
