#ifndef FEDERATION_CLIENT_SIGNED_REQUEST_H
#define FEDERATION_CLIENT_SIGNED_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "federation/client/federation_client.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/call.h"
#include "homeserver/net/http_client.h"

/*
 * Requests to other servers, signed by one of our domains.
 * Spec: server-server API, "Request Authentication".
 */
struct federation_request {
    const char *method;
    const char *origin;        /* the hosted domain that asks */
    const char *destination;   /* server name */
    const char *target;        /* path and query, percent-encoded: see federation_target() */
    const json_t *content;     /* NULL: no body */
    int64_t timeout_ms;        /* 0: FEDERATION_TIMEOUT_MS */
    size_t answer_limit_bytes; /* 0: FEDERATION_ANSWER_BYTES_MAX */
    /* Somebody waits for just this: try although the server failed a moment ago. */
    bool although_failing;
    bool is_unsigned; /* GET /key/v2/server and the like: no proof of who asks */
    /* As in struct http_call. The answer's status is for it to look at. */
    enum errcode (*on_body)(void *context, const struct http_answer *answer, const void *bytes,
                            size_t size);
    void *context;
};

enum {
    FEDERATION_TIMEOUT_MS = 30 * 1000,
    FEDERATION_ANSWER_BYTES_MAX = 10 << 20,
    FEDERATION_JOIN_BYTES_MAX = 500 << 20,
};

/* A path with its parameters percent-encoded: each `%` + `s` of the format takes one text. The
 * format's own characters go as they are. On the arena. */
char *federation_target(struct arena *arena, const char *format, ...);
/* One text, as a part of a path or query. */
char *federation_encode(struct arena *arena, const char *text);

/* Blocks. A JSON object is answered: borrowed from the call's arena. What the other server refused
 * with a code of the specification comes back as that code, with its text and status; everything
 * else is E_REMOTE or E_TIMEOUT. M_FORBIDDEN when we do not talk to that server. */
enum errcode federation_fetch(struct call *call, const struct federation_request *request,
                              json_t **out) MUST_CHECK;

/* The same for what may be large and is not parsed as a whole: the text of an answer that is no
 * refusal is appended to `body`, whose limit is the request's. */
enum errcode federation_fetch_text(struct call *call, const struct federation_request *request,
                                   struct strbuf *body) MUST_CHECK;

/* The same without looking at the answer; any HTTP status is OK. */
enum errcode federation_fetch_raw(struct call *call, const struct federation_request *request,
                                  struct http_answer *out) MUST_CHECK;

/* From an answer to the object in it, or to the error that it tells. */
enum errcode federation_read_answer(struct arena *arena, const char *server_name,
                                    const struct http_answer *answer, struct error *error,
                                    json_t **out) MUST_CHECK;

/* True when a call that ended like this says that the server itself is in trouble. */
bool federation_is_unwell(enum errcode outcome, int status);
/* … and why, for administrators; `text` says why there was no answer. */
const char *federation_why_unwell(struct arena *arena, const char *text, enum errcode outcome,
                                  int status);

/* Asynchronous, for the sender: E_UNAVAILABLE when the route is not known yet
 * (federation_find_route() blocks for it), otherwise `done` is called, see http_client_start(). The
 * back-off is the caller's affair. */
enum errcode federation_start(struct federation_client *client,
                              const struct federation_request *request, struct error *error,
                              http_done done, void *context) MUST_CHECK;
enum errcode federation_find_route(struct federation_client *client, const char *destination,
                                   struct error *error) MUST_CHECK;

#endif
