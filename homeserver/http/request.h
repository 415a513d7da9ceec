#ifndef HOMESERVER_HTTP_REQUEST_H
#define HOMESERVER_HTTP_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/accounts/requester.h"
#include "homeserver/base/wake.h"
#include "homeserver/call.h"
#include "homeserver/http/route.h"

/*
 * One request, as a handler sees it. Everything it returns is borrowed from the request's arena,
 * which is reset when the answer has gone out or the request is parked.
 */
struct connection; /* homeserver/http/connection.h */

struct request {
    struct call call; /* services, db, arena, error: hand `&req->call` to services */
    const struct route *route;
    struct requester requester;
    const char *request_id;     /* X-Request-ID, ours when the client sent none */
    const char *client_address; /* as text, behind trusted proxies the forwarded one */
    const char *target;         /* raw path and query, exactly as sent: X-Matrix signs it */
    const char *host;           /* Host header, or "" */
    struct error error;         /* call.error points here */
    struct connection *connection;
};

/* The handler ran before and what it built on has changed meanwhile (E_CONFLICT). */
bool request_is_repeated(const struct request *req);

/* ── Reading: path, query, headers ─────────────────────────────────────────────────────────────
 * Path parameters are percent-decoded; one that holds NUL or invalid UTF-8 never reaches a handler
 * (M_INVALID_PARAM). The typed readers check the grammar: M_INVALID_PARAM with the parameter's name
 * in the text. */
enum errcode path_string(struct request *req, const char *name, const char **out) MUST_CHECK;
enum errcode path_user_id(struct request *req, const char *name, const char **out) MUST_CHECK;
enum errcode path_room_id(struct request *req, const char *name, const char **out) MUST_CHECK;
enum errcode path_event_id(struct request *req, const char *name, const char **out) MUST_CHECK;
enum errcode path_room_alias(struct request *req, const char *name, const char **out) MUST_CHECK;

/* NULL when absent. The first of doubled parameters wins. */
const char *query_string(struct request *req, const char *name);
/* `fallback` when absent; M_INVALID_PARAM when it is not an integer; clamped to [min, max]. */
enum errcode query_int(struct request *req, const char *name, int64_t fallback, int64_t min,
                       int64_t max, int64_t *out) MUST_CHECK;
/* M_MISSING_PARAM when absent, M_INVALID_PARAM when it is not an integer of at least `min`. */
enum errcode query_int_required(struct request *req, const char *name, int64_t min,
                                int64_t *out) MUST_CHECK;
/* M_INVALID_PARAM unless "true" or "false". */
enum errcode query_bool(struct request *req, const char *name, bool fallback, bool *out) MUST_CHECK;
/* `dir`, as the specification uses it everywhere: "b" is backwards, "f" is not; M_INVALID_PARAM for
 * others. */
enum errcode query_direction(struct request *req, bool fallback, bool *backwards_out) MUST_CHECK;
/* The same where it must be there: M_MISSING_PARAM. */
enum errcode query_direction_required(struct request *req, bool *backwards_out) MUST_CHECK;
/* All values of a repeated parameter (`via`), at most `max` of them. */
const char **query_strings(struct request *req, const char *name, size_t max, size_t *count_out);

/* NULL when absent. */
const char *request_header(struct request *req, const char *name);
/* The values of a repeated header, at most `max` of them. */
const char **request_headers(struct request *req, const char *name, size_t max, size_t *count_out);

/* ── Reading: body ───────────────────────────────────────────────────────────────────────────── */

/* The JSON object of a JSON_BODY or JSON_OPTIONAL route; borrowed; never NULL. */
json_t *request_body(struct request *req);
/* The bytes of any body that was kept in memory. */
const char *request_body_bytes(struct request *req, size_t *size_out);

/* Members of the body. M_MISSING_PARAM when a required one is absent, M_BAD_JSON when it has
 * another type (the text names the member). The `_optional` ones leave `*out` NULL / `fallback`
 * when absent or null. Strings with embedded NUL are M_BAD_JSON. */
enum errcode body_string(struct request *req, const char *name, const char **out) MUST_CHECK;
enum errcode body_string_optional(struct request *req, const char *name,
                                  const char **out) MUST_CHECK;
enum errcode body_object(struct request *req, const char *name, json_t **out) MUST_CHECK;
enum errcode body_object_optional(struct request *req, const char *name, json_t **out) MUST_CHECK;
enum errcode body_array_optional(struct request *req, const char *name, json_t **out) MUST_CHECK;
enum errcode body_bool_optional(struct request *req, const char *name, bool fallback,
                                bool *out) MUST_CHECK;
enum errcode body_int_optional(struct request *req, const char *name, int64_t fallback,
                               int64_t *out) MUST_CHECK;

/* ── Answering ─────────────────────────────────────────────────────────────────────────────────
 * A handler answers once and returns OK, or returns an error code. Nothing is sent before all that
 * the call gave to the journal is committed; if that fails the answer is dropped and an error sent,
 * or, on E_CONFLICT, the handler runs again (so it must not have other lasting effects before). */

/* `body_owned` is taken. NULL (out of memory, invalid pack) is answered as 500. */
enum errcode respond(struct request *req, int status, json_t *body_owned);
/* `{}` with 200. */
enum errcode respond_empty(struct request *req);
/* Ready bytes, malloc'ed; taken. */
enum errcode respond_bytes(struct request *req, int status, const char *content_type,
                           char *bytes_owned, size_t size);
/* An HTML page for people; sets a strict Content-Security-Policy unless the handler set one of its
 * own by response_header(). Borrowed. */
enum errcode respond_html(struct request *req, int status, const char *html);
enum errcode respond_redirect(struct request *req, const char *location);
/* A file, from `offset`, `size` bytes; the descriptor is taken. */
enum errcode respond_file(struct request *req, int status, const char *content_type, int fd_owned,
                          uint64_t offset, uint64_t size);
/* A whole file that clients may ask for in parts: one range of it is answered with 206, an
 * `etag` (quoted) that they have already with 304. Spec: RFC 9110, 13 and 14. */
enum errcode respond_file_ranged(struct request *req, const char *content_type, int fd_owned,
                                 uint64_t size, const char *etag);
/* A whole file with text (copied) before and after it, streamed like a file. */
enum errcode respond_file_between(struct request *req, const char *content_type, const char *before,
                                  int fd_owned, uint64_t size, const char *after);
/* Before answering. The value must not hold CR or LF (they are dropped). */
void response_header(struct request *req, const char *name, const char *value);

/* ── Waiting ───────────────────────────────────────────────────────────────────────────────────
 * Parks the request (only on a PARKS route): no thread waits, and everything on the arena is gone.
 * The same handler runs again, from its start and after a new look at the access token, when `key`
 * of `source` changes or at `deadline_ms` (monotonic), whichever is first:
 *
 *     uint64_t seen = …the source's sequence of the key…;
 *     …read; something to tell: respond…
 *     return req_park(req, source, key, seen, deadline_ms);
 *
 * A change between reading the sequence and parking is never missed: then the handler runs again
 * at once. `source` may be NULL: only the deadline counts. In the run after the deadline
 * req_woken_by_deadline() is true and the handler must answer. */
enum errcode req_park(struct request *req, const struct wake_source *source, int64_t key,
                      uint64_t seen, int64_t deadline_ms) MUST_CHECK;
/* For what wakes nobody: the handler runs again in a moment, until `timeout_ms` after its first
 * run; then false and nothing is parked. */
bool req_park_briefly(struct request *req, int64_t timeout_ms) MUST_CHECK;
bool req_woken_by_deadline(const struct request *req);
/* True in every run after the first wait. */
bool req_was_parked(const struct request *req);
/* Monotonic time at which this request first reached its handler. */
int64_t req_started_ms(const struct request *req);
/* What must survive from one run to the next; NULL in the first run. malloc'ed; taken. */
void req_set_memo(struct request *req, void *memo_owned);
void *req_memo(const struct request *req);

/* ── Receiving a body while it arrives (STREAM_BODY routes) ────────────────────────────────────
 * The handler runs when the head has arrived, before any of the body is read (a client that asked
 * `Expect: 100-continue` still waits). It checks what it can, opens its target and returns
 * req_receive_body(…). Then `chunk` is called for every piece (some 64 KiB; no thread is held while
 * the next one arrives), and at the end `finish`, which answers like a handler. An error from
 * either is answered, and the rest of the body is dropped. The arena lives until the end. */
struct body_sink {
    enum errcode (*chunk)(struct request *req, void *context, const char *bytes, size_t size);
    enum errcode (*finish)(struct request *req, void *context);
    /* Called exactly once, last, whatever happened: closes and frees. `complete` is true when
     * `finish` returned OK. */
    void (*close)(void *context, bool complete);
};

/* M_TOO_LARGE when the body is, or becomes, larger than `limit_bytes`. `sink` is borrowed for
 * ever (make it static). */
enum errcode req_receive_body(struct request *req, int64_t limit_bytes,
                              const struct body_sink *sink, void *context) MUST_CHECK;
/* Content-Length, or -1 when the client did not say. */
int64_t request_content_length(const struct request *req);

#endif
