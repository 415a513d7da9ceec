/*
 * What MHD calls, all on the I/O thread: a socket opens, a head arrives, a piece of the body, the
 * end of it, a request is done, the socket closes.
 */
#include "homeserver/http/intake.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "homeserver/base/clock.h"
#include "homeserver/base/log.h"
#include "homeserver/base/metrics.h"
#include "homeserver/http/access_log.h"
#include "homeserver/http/body.h"
#include "homeserver/http/connection.h"
#include "homeserver/http/dispatch.h"
#include "homeserver/http/io_thread_internal.h"
#include "homeserver/http/listener.h"
#include "homeserver/http/response.h"
#include "homeserver/http/server_internal.h"
#include "homeserver/http/tls_identity.h"

/* A connection's memory in libmicrohttpd is kept while its client waits. It bounds the head, too,
 * in which cookies, which nobody needs here, count twice. With 10 KiB a first line of 5 KiB, as a
 * server sends it that asks for the history before 100 events, was never answered. */
enum {
    CONNECTION_MEMORY_BYTES = 14 << 10,
    INACTIVITY_S = 90,    /* a client that does not take its answer */
    BODY_BYTES_PER_MS = 8 /* on the whole, after a start */
};

/* TLS 1.0 and 1.1 are deprecated (RFC 8996). */
static const char tls_priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

static void set_deadline(const struct connection *connection, int64_t deadline_ms)
{
    connection->socket->deadline_ms = deadline_ms;
}

static void await_body(struct connection *connection)
{
    const struct http_patience *patience = &connection->server->options.patience;
    int64_t received = (int64_t)connection->body.size + connection->stream.received_bytes;

    set_deadline(connection,
                 connection->body_started_ms + patience->body_ms + received / BODY_BYTES_PER_MS);
}

/* Clients that write the body only when the head was acknowledged (Nagle's algorithm: old httpx,
 * for one) would wait for 40 ms each time. */
static void acknowledge_head(const struct connection *connection)
{
    int on = 1;

    setsockopt(connection->socket->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}

static enum MHD_Result send_answer(struct connection *connection)
{
    connection->phase = PHASE_SENDING;
    connection_set_active(connection);
    set_deadline(connection, 0); /* from here on MHD's own inactivity limit counts */
    return MHD_queue_response(connection->mhd, (unsigned)connection->status, connection->response);
}

/* The answer was made before the body arrived. A small rest is read away first, so the connection
 * can go on; otherwise it ends with the answer. */
static enum MHD_Result answer_early(struct connection *connection)
{
    bool waits = MHD_lookup_connection_value(connection->mhd, MHD_HEADER_KIND, "Expect") != NULL;

    if (!connection->has_body) {
        connection->phase = PHASE_DISCARD; /* the final call comes at once */
        return MHD_YES;
    }
    if (waits || connection->close_after || connection->content_length > DISCARD_MAX_BYTES)
        return send_answer(connection);
    connection->phase = PHASE_DISCARD;
    connection->discard_left_bytes = DISCARD_MAX_BYTES;
    await_body(connection);
    return MHD_YES;
}

/* The connection leaves this thread. Suspended first: a worker may be done before this returns. */
static enum MHD_Result hand_to_worker(struct connection *connection)
{
    struct http_server *server = connection->server;

    atomic_fetch_add(&server->running, 1);
    if (atomic_load(&server->closed)) {
        atomic_fetch_sub(&server->running, 1);
        return MHD_NO;
    }
    connection->phase = PHASE_RUNNING;
    connection_set_active(connection);
    connection->paused_ms = clock_monotonic_ms();
    set_deadline(connection, 0);
    MHD_suspend_connection(connection->mhd);
    dispatch_submit(connection);
    return MHD_YES;
}

static enum MHD_Result read_head(struct connection *connection, const char *method)
{
    connection->body_started_ms = clock_monotonic_ms();
    if (!dispatch_head(connection, method))
        return answer_early(connection);
    if (connection->match.route->body == STREAM_BODY) {
        connection->is_body_unread = true;
        return hand_to_worker(connection);
    }
    connection->phase = PHASE_BODY;
    if (connection->match.route->body != NO_BODY)
        acknowledge_head(connection);
    await_body(connection);
    return MHD_YES;
}

/* The rest of the body is of no interest. */
static void refuse_body(struct connection *connection, enum errcode code)
{
    body_free(connection);
    response_error(connection, code);
    response_complete(connection);
    connection->phase = PHASE_DISCARD;
    connection->discard_left_bytes = DISCARD_MAX_BYTES;
}

/* A stream's buffer is taken by a worker when it is full; MHD keeps what did not fit. */
static enum MHD_Result read_stream(struct connection *connection, const char *data, size_t *size)
{
    struct body_buffer *body = &connection->body;
    int64_t before = connection->stream.received_bytes + (int64_t)body->size;
    size_t room = body->limit - body->size;
    size_t taken = *size < room ? *size : room;
    enum errcode outcome = M_TOO_LARGE;

    if (before + (int64_t)taken <= connection->stream.limit_bytes)
        outcome = body_append(connection, data, taken);
    if (outcome != OK) {
        *size = 0;
        refuse_body(connection, outcome);
        return MHD_YES;
    }
    *size -= taken;
    /* Only when something is left: otherwise MHD goes on with the next chunk in its buffer at once,
     * although the connection is suspended. */
    if (body->size == body->limit && *size > 0)
        return hand_to_worker(connection);
    await_body(connection);
    return MHD_YES;
}

static enum MHD_Result read_body(struct connection *connection, const char *data, size_t *size)
{
    if (*size == 0) {
        connection->body.is_complete = true;
        return hand_to_worker(connection);
    }
    if (connection->stream.sink != NULL)
        return read_stream(connection, data, size);
    enum errcode outcome = body_append(connection, data, *size);
    *size = 0;
    if (outcome != OK)
        refuse_body(connection, outcome);
    await_body(connection);
    return MHD_YES;
}

static enum MHD_Result discard(struct connection *connection, size_t *size)
{
    if (*size == 0)
        return send_answer(connection);
    connection->discard_left_bytes -= (int64_t)*size;
    *size = 0;
    return connection->discard_left_bytes > 0 ? MHD_YES : MHD_NO;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *mhd, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **context)
{
    struct connection *connection = *context;

    (void)cls;
    (void)mhd;
    (void)url; /* the raw target is kept from on_target() */
    (void)version;
    switch (connection->phase) {
    case PHASE_HEAD:
        return read_head(connection, method);
    case PHASE_BODY:
        return read_body(connection, data, size);
    case PHASE_DISCARD:
        return discard(connection, size);
    case PHASE_RECEIVE: /* MHD repeats the call that brought the head */
        connection->is_body_unread = false;
        connection->phase = PHASE_BODY;
        return MHD_YES;
    case PHASE_ANSWER:
        return connection->is_body_unread ? answer_early(connection) : send_answer(connection);
    case PHASE_RUNNING:
    case PHASE_QUICK:
    case PHASE_SENDING:
    case PHASE_ABANDONED:
        break;
    }
    return MHD_NO;
}

void intake_resumed(struct connection *connection)
{
    atomic_fetch_sub(&connection->server->running, 1);
    if (connection->phase == PHASE_ANSWER || connection->phase == PHASE_ABANDONED)
        return;
    /* Our own time is not held against the sender. */
    connection->body_started_ms += clock_monotonic_ms() - connection->paused_ms;
    await_body(connection);
}

/* The request line is there: MHD hands out the target before it changes it. */
static void *on_target(void *cls, const char *uri, struct MHD_Connection *mhd)
{
    return connection_create(cls, mhd, uri);
}

static void on_request_done(void *cls, struct MHD_Connection *mhd, void **context,
                            enum MHD_RequestTerminationCode reason)
{
    struct connection *connection = *context;

    (void)cls;
    (void)mhd;
    if (connection == NULL)
        return;
    if (connection->phase != PHASE_HEAD)
        access_log_write(connection, reason == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    set_deadline(connection,
                 clock_monotonic_ms() + connection->server->options.patience.keep_alive_ms);
    connection_destroy(connection);
    *context = NULL;
}

static void open_socket(struct io_thread *thread, struct MHD_Connection *mhd, void **context)
{
    struct client_socket *opened = calloc(1, sizeof(*opened));
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);

    if (opened == NULL)
        abort();
    opened->fd = info->connect_fd;
    opened->deadline_ms = clock_monotonic_ms() + thread->server->options.patience.head_ms;
    opened->next = thread->sockets;
    if (thread->sockets != NULL)
        thread->sockets->previous = opened;
    thread->sockets = opened;
    metric_change(thread->server->metrics.connections, 1);
    *context = opened;
}

static void close_socket(struct io_thread *thread, struct client_socket *closed)
{
    if (closed->previous != NULL)
        closed->previous->next = closed->next;
    else
        thread->sockets = closed->next;
    if (closed->next != NULL)
        closed->next->previous = closed->previous;
    metric_change(thread->server->metrics.connections, -1);
    free(closed);
}

static void on_socket(void *cls, struct MHD_Connection *mhd, void **context,
                      enum MHD_ConnectionNotificationCode code)
{
    struct io_daemon *daemon = cls;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        open_socket(daemon->thread, mhd, context);
    } else {
        close_socket(daemon->thread, *context);
        *context = NULL;
    }
}

/* Paths and queries are decoded by us, after splitting. */
static size_t leave_encoded(void *cls, struct MHD_Connection *mhd, char *text)
{
    (void)cls;
    (void)mhd;
    return strlen(text);
}

static void PRINTF_LIKE(2, 0) on_library_log(void *cls, const char *format, va_list args)
{
    char text[256];

    (void)cls;
    vsnprintf(text, sizeof(text), format, args);
    text[strcspn(text, "\n")] = '\0';
    log_debug(LOG_HTTP, "libmicrohttpd: %s", text);
}

struct MHD_Daemon *intake_start_daemon(struct io_daemon *daemon, int listen_fd)
{
    const unsigned flags = MHD_USE_EPOLL | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME |
                           MHD_USE_ERROR_LOG | (daemon->listener->tls != NULL ? MHD_USE_TLS : 0);
    /* Only who sees to SIGPIPE, which I/O threads block, gets sendfile(2): a tenth of the work.
     * Not by MHD_OPTION_ARRAY: there MHD 0.9.75 loses the certificate callback. */
    const enum MHD_OPTION tls_or_end =
        daemon->listener->tls != NULL ? MHD_OPTION_HTTPS_CERT_CALLBACK : MHD_OPTION_END;

    return MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, daemon, MHD_OPTION_EXTERNAL_LOGGER, on_library_log, NULL,
        MHD_OPTION_LISTEN_SOCKET, listen_fd, MHD_OPTION_URI_LOG_CALLBACK, on_target, daemon,
        MHD_OPTION_NOTIFY_COMPLETED, on_request_done, NULL, MHD_OPTION_NOTIFY_CONNECTION, on_socket,
        daemon, MHD_OPTION_UNESCAPE_CALLBACK, leave_encoded, NULL,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY_BYTES,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)INACTIVITY_S, MHD_OPTION_CONNECTION_LIMIT,
        daemon->thread->server->connection_limit, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, tls_or_end, tls_identity_retrieve,
        MHD_OPTION_HTTPS_PRIORITIES, tls_priorities, MHD_OPTION_END);
}
