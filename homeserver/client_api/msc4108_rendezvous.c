/*
 * Rendezvous sessions: where a new device and one that is logged in meet when a code is scanned.
 * What they write is encrypted between them; we keep one text and tell whether it changed.
 * Spec: MSC4108 in the form of 2024, which clients use, with its unstable prefix.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/random.h"
#include "homeserver/base/rate_limiter.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/request_domain.h"
#include "homeserver/http/request.h"
#include "homeserver/services.h"
#include "storage/rendezvous_sessions.h"

enum {
    PAYLOAD_BYTES_MAX = 4096,
    SESSION_ID_CHARS = 43,
    ETAG_CHARS = 22,
    HTTP_DATE_BYTES = 40,
    SESSIONS_MAX = 10000,
    READS_BURST = 30, /* two devices look once a second each */
};

/* Long enough to log in with a second factor meanwhile. */
#define SESSION_LIFETIME_MS (INT64_C(5) * 60 * 1000)

static enum errcode check_enabled(struct request *req)
{
    if (config_current(req->call.services->config)->encryption.qr_login)
        return OK;
    return fail(&req->error, M_UNRECOGNIZED, "Signing in by a code is switched off here.");
}

static enum errcode not_found(struct request *req, enum errcode outcome)
{
    if (outcome == M_NOT_FOUND)
        return fail(&req->error, M_NOT_FOUND, "There is no such session, or no longer.");
    return outcome;
}

/* Content-Length is not asked for, though the proposal says so: proxies pass bodies on in chunks.
 */
static enum errcode read_payload(struct request *req, struct rendezvous_session *session)
{
    static const char wanted[] = "text/plain";
    const char *type = request_header(req, "Content-Type");

    if (type == NULL)
        return fail(&req->error, M_MISSING_PARAM, "The header Content-Type is missing.");
    if (strncasecmp(type, wanted, strlen(wanted)) != 0 ||
        strchr("; ", type[strlen(wanted)]) == NULL)
        return fail(&req->error, M_INVALID_PARAM, "The Content-Type must be text/plain.");
    const char *bytes = request_body_bytes(req, &session->payload_size);
    session->payload = bytes != NULL ? bytes : "";
    if (session->payload_size > PAYLOAD_BYTES_MAX)
        return fail(&req->error, M_TOO_LARGE, "A payload has at most %d bytes.", PAYLOAD_BYTES_MAX);
    return OK;
}

static void add_date(struct request *req, const char *name, int64_t ms)
{
    char text[HTTP_DATE_BYTES];
    time_t seconds = (time_t)(ms / 1000);
    struct tm utc;

    strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&seconds, &utc));
    response_header(req, name, text);
}

static void add_headers(struct request *req, const struct rendezvous_session *session)
{
    response_header(req, "ETag", arena_printf(req->call.arena, "\"%s\"", session->etag));
    add_date(req, "Expires", session->expires_ts);
    add_date(req, "Last-Modified", session->modified_ts);
    response_header(req, "Cache-Control", "no-store");
    response_header(req, "Pragma", "no-cache");
}

static enum errcode respond_payload(struct request *req, int status, const char *bytes, size_t size)
{
    char *copy = malloc(size + 1);

    if (copy == NULL)
        return E_SYSTEM;
    if (size > 0)
        memcpy(copy, bytes, size);
    /* Anybody may write anything here: no browser shall take it for a page. */
    response_header(req, "X-Content-Type-Options", "nosniff");
    response_header(req, "Content-Security-Policy", "sandbox; default-src 'none'");
    return respond_bytes(req, status, status == 200 ? "text/plain" : NULL, copy, size);
}

/* POST /_matrix/client/unstable/org.matrix.msc4108/rendezvous */
enum errcode client_create_rendezvous_session(struct request *req)
{
    struct rendezvous_session session = {
        .session_id = random_token(req->call.arena, SESSION_ID_CHARS),
        .etag = random_token(req->call.arena, ETAG_CHARS),
        .modified_ts = clock_wall_ms(),
    };

    TRY(check_enabled(req));
    TRY(read_payload(req, &session));
    session.expires_ts = session.modified_ts + SESSION_LIFETIME_MS;
    TRY(rendezvous_session_insert(req->call.db, &session, SESSIONS_MAX));
    add_headers(req, &session);
    const char *base_url = request_client_base_url(req, request_domain(req));
    return respond(
        req, 201,
        json_pack("{s:o}", "url",
                  json_sprintf("%s%s/%s", base_url, req->route->path, session.session_id)));
}

/* Per session, not per address: a whole office may be behind one. */
static enum errcode limit_reads(struct request *req, const char *session_id)
{
    const char *bucket = arena_printf(req->call.arena, "rendezvous %s", session_id);

    if (!config_current(req->call.services->config)->rate_limits.enabled)
        return OK;
    int64_t wait_ms = rate_limiter_take(req->call.services->rate_limiter, bucket, READS_BURST,
                                        READS_BURST, clock_monotonic_ms());
    if (wait_ms == 0)
        return OK;
    error_set_int(&req->error, "retry_after_ms", wait_ms);
    return M_LIMIT_EXCEEDED;
}

/* GET /_matrix/client/unstable/org.matrix.msc4108/rendezvous/{sessionId} */
enum errcode client_get_rendezvous_session(struct request *req)
{
    const char *session_id, *seen = request_header(req, "If-None-Match");
    struct rendezvous_session session;

    TRY(check_enabled(req));
    TRY(path_string(req, "sessionId", &session_id));
    TRY(not_found(req, rendezvous_session_load(req->call.db, req->call.arena, session_id,
                                               clock_wall_ms(), &session)));
    TRY(limit_reads(req, session_id));
    add_headers(req, &session);
    /* A proxy that compresses makes weak tags of ours. */
    if (seen != NULL && strncmp(seen, "W/", 2) == 0)
        seen += 2;
    if (seen != NULL && strcmp(seen, arena_printf(req->call.arena, "\"%s\"", session.etag)) == 0)
        return respond_payload(req, 304, "", 0);
    return respond_payload(req, 200, session.payload, session.payload_size);
}

/* The tag inside its quotes: strong, and only one. */
static enum errcode read_if_match(struct request *req, const char **out)
{
    const char *value = request_header(req, "If-Match");

    if (value == NULL)
        return fail(&req->error, M_MISSING_PARAM, "The header If-Match is missing.");
    size_t length = strlen(value);
    if (length < 2 || value[0] != '"' || strchr(value + 1, '"') != value + length - 1)
        return fail(&req->error, M_INVALID_PARAM, "If-Match must be one strong entity tag.");
    *out = arena_strndup(req->call.arena, value + 1, length - 2);
    return OK;
}

/* PUT /_matrix/client/unstable/org.matrix.msc4108/rendezvous/{sessionId} */
enum errcode client_update_rendezvous_session(struct request *req)
{
    struct rendezvous_session session = {
        .etag = random_token(req->call.arena, ETAG_CHARS),
        .modified_ts = clock_wall_ms(),
    };
    const char *expected;
    bool was_written;

    TRY(check_enabled(req));
    TRY(path_string(req, "sessionId", &session.session_id));
    TRY(read_payload(req, &session));
    TRY(read_if_match(req, &expected));
    TRY(not_found(req, rendezvous_session_update(req->call.db, req->call.arena, expected, &session,
                                                 &was_written)));
    add_headers(req, &session);
    if (!was_written) {
        req->error.http_status = 412;
        error_set_string(&req->error, "org.matrix.msc4108.errcode", "M_CONCURRENT_WRITE");
        return fail(&req->error, M_UNKNOWN, "Somebody else wrote meanwhile.");
    }
    return respond_payload(req, 202, "", 0);
}

/* DELETE /_matrix/client/unstable/org.matrix.msc4108/rendezvous/{sessionId} */
enum errcode client_delete_rendezvous_session(struct request *req)
{
    const char *session_id;

    TRY(check_enabled(req));
    TRY(path_string(req, "sessionId", &session_id));
    TRY(not_found(req, rendezvous_session_delete(req->call.db, session_id, clock_wall_ms())));
    return respond_payload(req, 204, "", 0);
}
