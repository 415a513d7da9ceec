/* Requests to other servers: route, signature, back-off, and what their answers mean. */
#include "federation/client/signed_request.h"

#include <ctype.h>
#include <stdarg.h>

#include "config/config.h"
#include "federation/client/client_internal.h"
#include "federation/client/destination_health.h"
#include "federation/client/discovery.h"
#include "federation/client/federation_metrics.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/glob.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/protocol/foreign_json.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/request_auth.h"
#include "homeserver/services.h"

static void add_encoded(struct strbuf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (isalnum(c) || strchr("-._~", c) != NULL)
            strbuf_add_char(out, *text);
        else
            strbuf_printf(out, "%%%02X", c);
    }
}

static char *take(struct arena *arena, struct strbuf *buf)
{
    char *text = arena_strndup(arena, buf->data, buf->length);

    strbuf_finish(buf);
    return text;
}

char *federation_encode(struct arena *arena, const char *text)
{
    struct strbuf out;

    strbuf_init(&out, 0);
    add_encoded(&out, text);
    return take(arena, &out);
}

char *federation_target(struct arena *arena, const char *format, ...)
{
    struct strbuf out;
    va_list args;

    strbuf_init(&out, 0);
    va_start(args, format);
    for (; *format != '\0'; format++) {
        if (format[0] == '%' && format[1] == 's') {
            add_encoded(&out, va_arg(args, const char *));
            format++;
        } else {
            strbuf_add_char(&out, *format);
        }
    }
    va_end(args);
    return take(arena, &out);
}

/* Ready to be sent: everything on the arena. */
struct prepared {
    struct http_call call;
    const char *headers[5];
};

static enum errcode sign(const struct federation_client *client, struct arena *arena,
                         const struct federation_request *request, struct error *error,
                         const char **out)
{
    const struct signing_key *key = federation_client_key(client, request->origin);
    const struct signed_request signed_request = {
        .method = request->method,
        .uri = request->target,
        .origin = request->origin,
        .destination = request->destination,
        .content = request->content,
    };
    const char *value;

    if (key == NULL)
        return fail(error, E_SYSTEM, "%s is not hosted here", request->origin);
    value = request_auth_build(arena, &signed_request, key);
    if (value == NULL)
        return fail(error, M_BAD_JSON, "The request can not be signed");
    *out = arena_printf(arena, "Authorization: %s", value);
    return OK;
}

static enum errcode add_body(struct arena *arena, const struct federation_request *request,
                             struct http_call *call)
{
    if (request->content == NULL)
        return OK;
    const char *body = json_compact(arena, request->content);
    if (body == NULL)
        return E_SYSTEM;
    call->body = body;
    call->body_size = strlen(body);
    return OK;
}

static enum errcode prepare(struct federation_client *client, struct arena *arena,
                            const struct federation_request *request,
                            const struct server_route *route, struct error *error,
                            struct prepared *out)
{
    const struct config_federation *config = &config_current(client->config)->federation;
    size_t count = 0;

    out->headers[count++] = arena_printf(arena, "Host: %s", route->host);
    out->headers[count++] = "Content-Type: application/json";
    if (!request->is_unsigned)
        TRY(sign(client, arena, request, error, &out->headers[count++]));
    out->headers[count] = NULL;
    out->call = (struct http_call){
        .method = request->method,
        .url = arena_printf(arena, "%s%s", route->base_url, request->target),
        .headers = out->headers,
        .timeout_ms = request->timeout_ms > 0 ? request->timeout_ms : FEDERATION_TIMEOUT_MS,
        .answer_limit_bytes = request->answer_limit_bytes > 0 ? request->answer_limit_bytes
                                                              : FEDERATION_ANSWER_BYTES_MAX,
        .allow_private_addresses = config->allow_private_addresses,
        .trust = HTTP_TRUST_FEDERATION,
        .connect_to = route->connect_to,
        .on_body = request->on_body,
        .context = request->context,
    };
    federation_set_tls(config_current(client->config), request->destination, &out->call);
    return add_body(arena, request, &out->call);
}

static enum errcode check_allowed(struct federation_client *client, const char *destination,
                                  struct error *error)
{
    const char *why;

    if (federation_allows(config_current(client->config), destination, &why))
        return OK;
    federation_count(FEDERATION_CALL_NOT_ALLOWED, 1);
    return fail(error, M_FORBIDDEN, "%s: %s", destination, why);
}

static enum errcode check_back_off(struct call *call, const struct federation_request *request)
{
    struct federation_client *client = call->services->federation;
    int64_t retry_ts, now_ms = clock_wall_ms();

    if (request->although_failing)
        return OK;
    TRY(destination_health_retry_ts(client->health, call->db, request->destination, &retry_ts));
    if (retry_ts > now_ms)
        return fail(call->error, E_REMOTE,
                    "%s does not answer; it will be tried again in %lld seconds",
                    request->destination, (long long)((retry_ts - now_ms) / 1000 + 1));
    return OK;
}

/* Spec: 5xx says nothing about the request; a server that can not answer is spared for a while. */
bool federation_is_unwell(enum errcode outcome, int status)
{
    return outcome == E_REMOTE || outcome == E_TIMEOUT ||
           (outcome == OK && (status == 502 || status == 503 || status == 504 || status == 429));
}

const char *federation_why_unwell(struct arena *arena, const char *text, enum errcode outcome,
                                  int status)
{
    return outcome == OK ? arena_printf(arena, "HTTP status %d", status) : text;
}

enum errcode federation_fetch_raw(struct call *call, const struct federation_request *request,
                                  struct http_answer *out)
{
    struct federation_client *client = call->services->federation;
    struct server_route route;
    struct prepared prepared;

    TRY(check_allowed(client, request->destination, call->error));
    TRY(check_back_off(call, request));
    TRY(discovery_resolve(client->discovery, call->arena, request->destination, call->error,
                          &route));
    TRY(prepare(client, call->arena, request, &route, call->error, &prepared));
    enum errcode outcome =
        http_client_fetch(client->http, call->arena, &prepared.call, call->error, out);
    if (outcome == E_SHUTDOWN)
        return outcome;
    if (federation_is_unwell(outcome, out->status)) {
        discovery_forget(client->discovery, request->destination);
        /* Whose keys are asked for, strangers say: nothing is stored of whom they invent. */
        if (!request->is_unsigned)
            TRY(destination_health_failed(
                client->health, call->db, request->destination,
                federation_why_unwell(call->arena, call->error->text, outcome, out->status)));
    } else if (outcome == OK) {
        TRY(destination_health_answered(client->health, call->db, request->destination));
    }
    if (outcome != OK) {
        const char *why = arena_strdup(call->arena, call->error->text);
        return fail(call->error, outcome, "%s: %s", request->destination, why);
    }
    return OK;
}

static bool is_success(int status)
{
    return status >= 200 && status < 300;
}

/* The code with this name on the wire, when it is one that a server may tell. */
static enum errcode code_by_name(const char *name)
{
    for (int code = OK + 1; name != NULL && code < ERRCODE_COUNT; code++) {
        if (!errcode_is_internal((enum errcode)code) &&
            strcmp(errcode_wire_name((enum errcode)code), name) == 0)
            return (enum errcode)code;
    }
    return E_REMOTE;
}

enum errcode federation_read_answer(struct arena *arena, const char *server_name,
                                    const struct http_answer *answer, struct error *error,
                                    json_t **out)
{
    struct error unread = {0};
    json_t *json;

    if (json_parse_foreign(arena, answer->body, answer->body_size, &unread, &json) != OK)
        return fail(error, E_REMOTE, "%s answered with status %d and no JSON object", server_name,
                    answer->status);
    if (is_success(answer->status)) {
        *out = json;
        return OK;
    }
    const char *text = json_get_string(json, "error");
    enum errcode code =
        answer->status < 500 ? code_by_name(json_get_string(json, "errcode")) : E_REMOTE;
    /* Whether *we* are who we say is between the servers: nothing that a client could mend. */
    if (code == M_UNAUTHORIZED || code == M_UNKNOWN_TOKEN || code == M_MISSING_TOKEN ||
        code == M_UNKNOWN || code == M_UNRECOGNIZED)
        code = code == M_UNRECOGNIZED ? M_UNRECOGNIZED : E_REMOTE;
    fail(error, code, "%s: %s", server_name, text != NULL ? text : "no reason given");
    if (code != E_REMOTE)
        error->http_status = answer->status;
    const char *version = json_get_string(json, "room_version");
    if (code == M_INCOMPATIBLE_ROOM_VERSION && version != NULL)
        error_set_string(error, "room_version", version);
    return code;
}

enum errcode federation_fetch(struct call *call, const struct federation_request *request,
                              json_t **out)
{
    struct http_answer answer;

    TRY(federation_fetch_raw(call, request, &answer));
    return federation_read_answer(call->arena, request->destination, &answer, call->error, out);
}

/* A refusal is parsed, so it may only be as large as any other answer. */
static enum errcode keep_text(void *context, const struct http_answer *answer, const void *bytes,
                              size_t size)
{
    struct strbuf *body = context;

    strbuf_add(body, bytes, size);
    if (body->overflowed ||
        (!is_success(answer->status) && body->length > FEDERATION_ANSWER_BYTES_MAX))
        return E_REMOTE;
    return OK;
}

enum errcode federation_fetch_text(struct call *call, const struct federation_request *request,
                                   struct strbuf *body)
{
    struct federation_request own = *request;
    struct http_answer answer;
    json_t *refusal;

    own.on_body = keep_text;
    own.context = body;
    TRY(federation_fetch_raw(call, &own, &answer));
    if (is_success(answer.status))
        return OK;
    answer.body = body->data;
    answer.body_size = body->length;
    return federation_read_answer(call->arena, request->destination, &answer, call->error,
                                  &refusal);
}

enum errcode federation_find_route(struct federation_client *client, const char *destination,
                                   struct error *error)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct server_route route;

    TRY(check_allowed(client, destination, error));
    return discovery_resolve(client->discovery, arena, destination, error, &route);
}

enum errcode federation_start(struct federation_client *client,
                              const struct federation_request *request, struct error *error,
                              http_done done, void *context)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct server_route route;
    struct prepared prepared;

    TRY(check_allowed(client, request->destination, error));
    if (!discovery_recall(client->discovery, arena, request->destination, &route))
        return E_UNAVAILABLE;
    TRY(prepare(client, arena, request, &route, error, &prepared));
    http_client_start(client->http, &prepared.call, done, context);
    return OK;
}
