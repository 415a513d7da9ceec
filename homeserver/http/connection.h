#ifndef HOMESERVER_HTTP_CONNECTION_H
#define HOMESERVER_HTTP_CONNECTION_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "homeserver/http/request.h"
#include "homeserver/http/router.h"

/*
 * Private to homeserver/http: one HTTP exchange, from its head to the end of its answer.
 *
 * It is owned by one party at a time, and only the owner touches it:
 *   the I/O thread    while the head or the body is read and while the answer is sent, and while it
 *                     runs the handler of a QUICK row;
 *   a worker          while the handler runs;
 *   parked.c          while it waits for a wake-up or a deadline;
 *   the journal       while the answer is held back until COMMIT.
 * From the moment it leaves the I/O thread until it comes back, MHD's connection is suspended and
 * is not touched by MHD; its header values stay readable.
 */
struct MHD_Connection;
struct MHD_Response;
struct http_server;
struct client_socket;
struct io_daemon;

enum phase {
    PHASE_HEAD,     /* the head has not been looked at */
    PHASE_BODY,     /* the body arrives */
    PHASE_RECEIVE,  /* a STREAM_BODY handler wants the body now */
    PHASE_RUNNING,  /* suspended; owned by a worker, parked.c or the journal */
    PHASE_QUICK,    /* suspended; the I/O thread is to run the handler */
    PHASE_DISCARD,  /* the answer is ready but the rest of the body must be read away first */
    PHASE_ANSWER,   /* the answer is ready */
    PHASE_SENDING,  /* MHD has the answer */
    PHASE_ABANDONED /* the client went away while the request was parked */
};

enum {
    REQUEST_ID_BYTES = 65,
    USER_BYTES = 256,
    RUNS_MAX = 5, /* of one handler, when what it wrote met a conflict */
    STREAM_CHUNK_BYTES = 65536,
    /* Of a refused body, read away: many clients do not look for an answer before they are done. */
    DISCARD_MAX_BYTES = 16 << 20
};

struct response_header {
    const char *name;
    const char *value;
    struct response_header *next;
};

struct query_parameter {
    const char *name;
    const char *value;
};

/* The body, as far as it is in memory. */
struct body_buffer {
    char *bytes; /* malloc'ed; NULL while empty */
    size_t size;
    size_t capacity;
    size_t limit;
    bool is_complete;
};

struct body_stream {
    const struct body_sink *sink; /* NULL: not streaming */
    void *context;
    int64_t limit_bytes;
    int64_t received_bytes;
    bool was_used; /* some of the body is gone: the handler can not run again */
};

struct parking {
    bool wanted; /* the handler asked for it in this run */
    const struct wake_source *source;
    int64_t key;
    uint64_t seen;
    int64_t deadline_ms;
    _Atomic uint64_t ticket; /* the I/O thread reads it when the client hangs up */
    bool woken_by_deadline;
    void *memo;
};

struct connection {
    struct request request; /* what the handler sees */
    struct http_server *server;
    struct io_daemon *daemon;
    struct MHD_Connection *mhd;
    struct client_socket *socket;
    struct connection *next_ready;
    enum phase phase;

    /* The head; `request` borrows from here. */
    char *target; /* malloc'ed */
    enum http_method method;
    struct route_match match; /* points into `target` */
    char request_id[REQUEST_ID_BYTES];
    char client_address[INET6_ADDRSTRLEN];
    int64_t content_length; /* -1: not told */
    bool has_body;
    bool is_body_unread;     /* nothing of it has been asked for yet */
    int64_t body_started_ms; /* without the time we held it up ourselves */
    int64_t paused_ms;

    struct body_buffer body;
    struct body_stream stream;
    struct parking parking;

    /* One run; on the arena. */
    struct query_parameter *query;
    size_t query_count;
    json_t *json;
    struct response_header *headers;

    /* The answer. */
    struct MHD_Response *response;
    int status;
    bool close_after;
    int64_t discard_left_bytes;
    bool is_active; /* the request is here; what is still being read is not waited for */

    int runs;
    bool was_counted;  /* against its rate limit */
    bool goes_outward; /* it turned out to wait for another server */
    enum errcode commit_outcome;
    int64_t submitted_us;  /* to the workers */
    int64_t started_us;    /* monotonic */
    char user[USER_BYTES]; /* for the access log; "" when nobody is authenticated */
};

/* On the I/O thread. `uri` is copied. Never NULL. */
struct connection *connection_create(struct io_daemon *daemon, struct MHD_Connection *mhd,
                                     const char *uri);
void connection_destroy(struct connection *connection);

/* From now on a server that stops waits for this exchange. */
void connection_set_active(struct connection *connection);

/* The run's arena; taken from the server's free list when there is none yet. */
struct arena *connection_arena(struct connection *connection);
/* Ends a run: gives the arena back and forgets all that lay on it. */
void connection_release_arena(struct connection *connection);

/* Seconds are enough for the log; microseconds for the metrics. */
int64_t connection_age_us(const struct connection *connection);

#endif
