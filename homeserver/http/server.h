#ifndef HOMESERVER_HTTP_SERVER_H
#define HOMESERVER_HTTP_SERVER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "homeserver/accounts/requester.h"
#include "homeserver/call.h"
#include "homeserver/http/route.h"

/*
 * The HTTP server: listens on every `listeners` entry of the configuration, reads requests on a few
 * I/O threads and runs their handlers on worker threads that may block.
 */
struct http_server;

/* Who holds this access token? `asserted_*` are the query parameters user_id and device_id with
 * which an application service acts for one of its users; NULL when absent. */
typedef enum errcode (*authenticate_user_fn)(struct call *call, const char *token,
                                             const char *asserted_user_id,
                                             const char *asserted_device_id, struct requester *out);

/* What the X-Matrix signature of another server covers, and the signature itself. */
struct server_request {
    const char *method;
    const char *target;                /* path and query as sent */
    const char *host;                  /* Host header */
    const char *const *authorizations; /* of each Authorization header: one per signing key */
    size_t authorization_count;
    json_t *content;           /* NULL when the request has no body */
    const char *content_bytes; /* as they came */
    size_t content_size;
};

/* Which server sent this? `out->server_name` becomes the origin. */
typedef enum errcode (*authenticate_server_fn)(struct call *call,
                                               const struct server_request *request,
                                               struct requester *out);

/* Told of every authenticated request of a user. May be NULL. */
typedef void (*note_use_fn)(struct call *call, const struct requester *requester,
                            const char *address, const char *user_agent);

/* How long clients may take, in milliseconds; 0 stands for the default. */
struct http_patience {
    int64_t head_ms;       /* from connecting to the end of the first head: 10 s */
    int64_t body_ms;       /* for a body, plus a second for each 8 KiB of it: 30 s */
    int64_t keep_alive_ms; /* from an answer to the end of the next head: 60 s */
};

struct http_server_options {
    const struct services *services; /* config and rate_limiter must be there */
    const char *conninfo;            /* for the workers' database connections */
    const struct route *routes;      /* borrowed for ever */
    size_t route_count;
    authenticate_user_fn authenticate_user;
    note_use_fn note_use;
    authenticate_server_fn authenticate_server; /* NULL: SERVER routes answer 404 */
    struct http_patience patience;
};

/* Binds, starts all threads and returns. On failure `error` says which address and why. */
enum errcode http_server_create(const struct http_server_options *options, struct error *error,
                                struct http_server **out) MUST_CHECK;

/* The port of a listener, useful when the configuration said 0. */
uint16_t http_server_port(const struct http_server *server, size_t listener);

/* Reads the certificates again; new connections get the new ones. When a file can not be used the
 * old certificate stays and a warning is logged. */
void http_server_reload(struct http_server *server);

/* Stops accepting, answers parked requests and waits until the running ones have finished, at most
 * `grace_ms`. False when some were still running then: the server must not be destroyed. */
bool http_server_drain(struct http_server *server, int64_t grace_ms);
bool http_server_is_draining(const struct http_server *server);

/* After http_server_drain() returned true. NULL is allowed. */
void http_server_destroy(struct http_server *server);

#endif
