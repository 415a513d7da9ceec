/* Reading a request: path, query, headers. */
#include "homeserver/http/request.h"

#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/http/connection.h"
#include "homeserver/http/percent.h"
#include "homeserver/http/query.h"
#include "homeserver/protocol/identifiers.h"

enum errcode path_string(struct request *req, const char *name, const char **out)
{
    const struct route_match *match = &req->connection->match;
    size_t length = strlen(name);

    for (size_t i = 0; i < match->param_count; i++) {
        const struct route_param *param = &match->params[i];
        if (param->name_length != length || memcmp(param->name, name, length) != 0)
            continue;
        const char *value =
            percent_decode(req->call.arena, param->value, param->value_length, false);
        if (value == NULL)
            return fail(&req->error, M_INVALID_PARAM, "%s in the path is not valid.", name);
        *out = value;
        return OK;
    }
    return fail(&req->error, M_MISSING_PARAM, "The path has no %s.", name);
}

static enum errcode path_identifier(struct request *req, const char *name,
                                    bool (*is_valid)(const char *), const char **out)
{
    const char *value;

    TRY(path_string(req, name, &value));
    if (!is_valid(value))
        return fail(&req->error, M_INVALID_PARAM, "%s in the path is not valid.", name);
    *out = value;
    return OK;
}

enum errcode path_user_id(struct request *req, const char *name, const char **out)
{
    return path_identifier(req, name, user_id_is_valid, out);
}

enum errcode path_room_id(struct request *req, const char *name, const char **out)
{
    return path_identifier(req, name, room_id_is_valid, out);
}

enum errcode path_event_id(struct request *req, const char *name, const char **out)
{
    return path_identifier(req, name, event_id_is_valid, out);
}

enum errcode path_room_alias(struct request *req, const char *name, const char **out)
{
    return path_identifier(req, name, room_alias_is_valid, out);
}

enum errcode path_check(struct connection *connection)
{
    const struct route_match *match = &connection->match;
    struct arena *arena = connection_arena(connection);

    for (size_t i = 0; i < match->param_count; i++) {
        const struct route_param *param = &match->params[i];
        if (percent_decode(arena, param->value, param->value_length, false) == NULL)
            return fail(&connection->request.error, M_INVALID_PARAM,
                        "%.*s in the path is not valid.", (int)param->name_length, param->name);
    }
    return OK;
}

static enum errcode parse_parameter(struct connection *connection, const char *text, size_t length)
{
    struct arena *arena = connection_arena(connection);
    const char *equals = memchr(text, '=', length);
    size_t name_length = equals == NULL ? length : (size_t)(equals - text);
    size_t value_start = equals == NULL ? length : name_length + 1;
    struct query_parameter *parameter = &connection->query[connection->query_count];

    parameter->name = percent_decode(arena, text, name_length, true);
    parameter->value = percent_decode(arena, text + value_start, length - value_start, true);
    if (parameter->name == NULL || parameter->value == NULL)
        return fail(&connection->request.error, M_INVALID_PARAM, "The query is not valid.");
    connection->query_count++;
    return OK;
}

enum errcode query_parse(struct connection *connection)
{
    const char *text = strchr(connection->target, '?');
    size_t count = 1;

    if (text == NULL)
        return OK;
    text++;
    for (const char *c = text; *c != '\0'; c++)
        count += *c == '&' ? 1 : 0;
    connection->query = ARENA_ARRAY(connection_arena(connection), count, struct query_parameter);
    while (*text != '\0') {
        size_t length = strcspn(text, "&");
        if (length > 0)
            TRY(parse_parameter(connection, text, length));
        text += length + (text[length] == '&' ? 1 : 0);
    }
    return OK;
}

const char *query_string(struct request *req, const char *name)
{
    const struct connection *connection = req->connection;

    for (size_t i = 0; i < connection->query_count; i++) {
        if (strcmp(connection->query[i].name, name) == 0)
            return connection->query[i].value;
    }
    return NULL;
}

enum errcode query_int(struct request *req, const char *name, int64_t fallback, int64_t min,
                       int64_t max, int64_t *out)
{
    const char *text = query_string(req, name);
    char *end;

    *out = fallback;
    if (text == NULL)
        return OK;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    /* A number beyond 64 bits is an integer all the same: clamped like any other. */
    if (end == text || *end != '\0' || text[strspn(text, "-0123456789")] != '\0')
        return fail(&req->error, M_INVALID_PARAM, "%s must be an integer.", name);
    if (value < min)
        value = min;
    *out = value > max ? max : value;
    return OK;
}

enum errcode query_int_required(struct request *req, const char *name, int64_t min, int64_t *out)
{
    if (query_string(req, name) == NULL)
        return fail(&req->error, M_MISSING_PARAM, "%s is missing.", name);
    TRY(query_int(req, name, min, INT64_MIN, INT64_MAX, out));
    if (*out < min)
        return fail(&req->error, M_INVALID_PARAM, "%s must be at least %lld.", name,
                    (long long)min);
    return OK;
}

enum errcode query_direction(struct request *req, bool fallback, bool *backwards_out)
{
    const char *dir = query_string(req, "dir");

    *backwards_out = dir == NULL ? fallback : strcmp(dir, "b") == 0;
    if (dir == NULL || *backwards_out || strcmp(dir, "f") == 0)
        return OK;
    return fail(&req->error, M_INVALID_PARAM, "dir must be b or f.");
}

enum errcode query_direction_required(struct request *req, bool *backwards_out)
{
    if (query_string(req, "dir") == NULL)
        return fail(&req->error, M_MISSING_PARAM, "dir is required: b or f.");
    return query_direction(req, false, backwards_out);
}

enum errcode query_bool(struct request *req, const char *name, bool fallback, bool *out)
{
    const char *text = query_string(req, name);

    if (text == NULL)
        *out = fallback;
    else if (strcmp(text, "true") == 0)
        *out = true;
    else if (strcmp(text, "false") == 0)
        *out = false;
    else
        return fail(&req->error, M_INVALID_PARAM, "%s must be true or false.", name);
    return OK;
}

const char **query_strings(struct request *req, const char *name, size_t max, size_t *count_out)
{
    const struct connection *connection = req->connection;
    ARRAY_OF(const char *) values = {0};

    for (size_t i = 0; i < connection->query_count && values.count < max; i++) {
        if (strcmp(connection->query[i].name, name) == 0)
            array_push(req->call.arena, &values, connection->query[i].value);
    }
    *count_out = values.count;
    return values.items;
}

bool request_is_repeated(const struct request *req)
{
    return req->connection->runs > 1;
}

const char *request_header(struct request *req, const char *name)
{
    return MHD_lookup_connection_value(req->connection->mhd, MHD_HEADER_KIND, name);
}

struct header_search {
    const char *name;
    const char **values;
    size_t count;
    size_t max;
};

static enum MHD_Result collect_header(void *context, enum MHD_ValueKind kind, const char *name,
                                      const char *value)
{
    struct header_search *search = context;

    (void)kind;
    if (search->count < search->max && value != NULL && strcasecmp(name, search->name) == 0)
        search->values[search->count++] = value;
    return MHD_YES;
}

const char **request_headers(struct request *req, const char *name, size_t max, size_t *count_out)
{
    struct header_search search = {
        .name = name, .values = ARENA_ARRAY(req->call.arena, max, const char *), .max = max};

    MHD_get_connection_values(req->connection->mhd, MHD_HEADER_KIND, collect_header, &search);
    *count_out = search.count;
    return search.values;
}

int64_t request_content_length(const struct request *req)
{
    return req->connection->content_length;
}

int64_t req_started_ms(const struct request *req)
{
    return req->connection->started_us / 1000;
}
