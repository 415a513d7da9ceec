/*
 * The body in memory and the readers of its JSON members. What all bodies use together is counted,
 * so many large uploads at once meet a 503 and not the kernel's out-of-memory killer.
 */
#include "homeserver/http/body.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/http/connection.h"
#include "homeserver/http/server_internal.h"
#include "homeserver/protocol/foreign_json.h"
#include "homeserver/protocol/json.h"

enum {
    SMALL_BODY_BYTES = 64 << 10,
    /* A transaction holds up to 50 PDUs of 64 KiB and 100 EDUs. */
    SERVER_BODY_BYTES = 16 << 20,
    CAPACITY_START = 1024
};

size_t body_limit(const struct connection *connection)
{
    const struct route *route = connection->match.route;
    const struct config *config = server_config(connection->server);

    switch (route->body) {
    case JSON_BODY:
    case JSON_OPTIONAL:
        if (route->access == SERVER || route->access == APPSERVICE)
            return SERVER_BODY_BYTES;
        return (size_t)config->limits.request_body_bytes;
    case STREAM_BODY:
        return STREAM_CHUNK_BYTES;
    case NO_BODY:
    case RAW_BODY:
        break;
    }
    return SMALL_BODY_BYTES;
}

bool body_fits_budget(const struct connection *connection, size_t size)
{
    return atomic_load(&connection->server->body_bytes) + size <= BODY_BUDGET_BYTES;
}

static enum errcode grow(struct connection *connection, size_t needed)
{
    struct body_buffer *body = &connection->body;
    size_t capacity = body->capacity == 0 ? CAPACITY_START : body->capacity;

    while (capacity < needed)
        capacity *= 2;
    if (!body_fits_budget(connection, capacity - body->capacity))
        return E_UNAVAILABLE;
    char *grown = realloc(body->bytes, capacity);
    if (grown == NULL)
        return E_UNAVAILABLE;
    atomic_fetch_add(&connection->server->body_bytes, capacity - body->capacity);
    body->bytes = grown;
    body->capacity = capacity;
    return OK;
}

enum errcode body_append(struct connection *connection, const char *bytes, size_t size)
{
    struct body_buffer *body = &connection->body;

    if (size > body->limit - body->size)
        return fail(&connection->request.error, M_TOO_LARGE, "The body is larger than %zu bytes.",
                    body->limit);
    if (body->size + size > body->capacity)
        TRY(grow(connection, body->size + size));
    memcpy(body->bytes + body->size, bytes, size);
    body->size += size;
    return OK;
}

void body_free(struct connection *connection)
{
    struct body_buffer *body = &connection->body;

    atomic_fetch_sub(&connection->server->body_bytes, body->capacity);
    free(body->bytes);
    body->bytes = NULL;
    body->size = 0;
    body->capacity = 0;
}

static enum errcode parse_object(struct connection *connection)
{
    const struct body_buffer *body = &connection->body;
    bool is_foreign = connection->match.route->access == SERVER;

    return (is_foreign ? json_parse_foreign
                       : json_parse_object)(connection_arena(connection), body->bytes, body->size,
                                            &connection->request.error, &connection->json);
}

enum errcode body_parse(struct connection *connection)
{
    switch (connection->match.route->body) {
    case JSON_BODY:
        if (connection->body.size == 0)
            return fail(&connection->request.error, M_NOT_JSON, "The request needs a JSON body.");
        return parse_object(connection);
    case JSON_OPTIONAL:
        if (connection->body.size > 0)
            return parse_object(connection);
        connection->json = json_on_arena(connection_arena(connection), json_object());
        return OK;
    case NO_BODY:
    case RAW_BODY:
    case STREAM_BODY:
        break;
    }
    return OK;
}

json_t *request_body(struct request *req)
{
    return req->connection->json;
}

const char *request_body_bytes(struct request *req, size_t *size_out)
{
    const struct body_buffer *body = &req->connection->body;

    *size_out = body->size;
    return body->bytes == NULL ? "" : body->bytes;
}

/* NULL when the member is absent or null: clients send null for "nothing". */
static json_t *optional_member(struct request *req, const char *name)
{
    json_t *member = json_object_get(request_body(req), name);

    return json_is_null(member) ? NULL : member;
}

static enum errcode wrong_type(struct request *req, const char *name, const char *expected)
{
    return fail(&req->error, M_BAD_JSON, "%s must be %s.", name, expected);
}

static enum errcode missing(struct request *req, const char *name)
{
    return fail(&req->error, M_MISSING_PARAM, "%s is missing.", name);
}

enum errcode body_string_optional(struct request *req, const char *name, const char **out)
{
    const json_t *member = optional_member(req, name);

    if (member != NULL && !json_is_text(member))
        return wrong_type(req, name, "a string");
    *out = json_string_value(member);
    return OK;
}

enum errcode body_string(struct request *req, const char *name, const char **out)
{
    const char *value;

    if (json_object_get(request_body(req), name) == NULL)
        return missing(req, name);
    TRY(body_string_optional(req, name, &value));
    if (value == NULL)
        return wrong_type(req, name, "a string");
    *out = value;
    return OK;
}

enum errcode body_object_optional(struct request *req, const char *name, json_t **out)
{
    json_t *member = optional_member(req, name);

    if (member != NULL && !json_is_object(member))
        return wrong_type(req, name, "an object");
    *out = member;
    return OK;
}

enum errcode body_object(struct request *req, const char *name, json_t **out)
{
    json_t *value = NULL;

    if (json_object_get(request_body(req), name) == NULL)
        return missing(req, name);
    TRY(body_object_optional(req, name, &value));
    if (value == NULL)
        return wrong_type(req, name, "an object");
    *out = value;
    return OK;
}

enum errcode body_array_optional(struct request *req, const char *name, json_t **out)
{
    json_t *member = optional_member(req, name);

    if (member != NULL && !json_is_array(member))
        return wrong_type(req, name, "an array");
    *out = member;
    return OK;
}

enum errcode body_bool_optional(struct request *req, const char *name, bool fallback, bool *out)
{
    const json_t *member = optional_member(req, name);

    if (member != NULL && !json_is_boolean(member))
        return wrong_type(req, name, "true or false");
    *out = member == NULL ? fallback : json_is_true(member);
    return OK;
}

enum errcode body_int_optional(struct request *req, const char *name, int64_t fallback,
                               int64_t *out)
{
    const json_t *member = optional_member(req, name);

    if (member != NULL && !json_is_integer(member))
        return wrong_type(req, name, "an integer");
    *out = member == NULL ? fallback : json_integer_value(member);
    return OK;
}
