/* The head of a request: what can be decided before its body arrives. */
#include "homeserver/http/head.h"

#include <ctype.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/config.h"
#include "homeserver/base/random.h"
#include "homeserver/http/body.h"
#include "homeserver/http/client_ip.h"
#include "homeserver/http/connection.h"
#include "homeserver/http/io_thread.h"
#include "homeserver/http/listener.h"
#include "homeserver/http/server_internal.h"

enum { HEADERS_MAX = 100 };

/* Headers whose repetition means that two parties read the request differently. */
struct header_census {
    int total;
    int hosts;
    int content_lengths;
    int transfer_encodings;
};

static enum MHD_Result count_header(void *context, enum MHD_ValueKind kind, const char *name,
                                    const char *value)
{
    struct header_census *census = context;

    (void)kind;
    (void)value;
    census->total++;
    census->hosts += strcasecmp(name, "Host") == 0;
    census->content_lengths += strcasecmp(name, "Content-Length") == 0;
    census->transfer_encodings += strcasecmp(name, "Transfer-Encoding") == 0;
    return MHD_YES;
}

static enum errcode refuse(struct connection *connection, int status, enum errcode code,
                           const char *text)
{
    connection->close_after = true;
    connection->request.error.http_status = status;
    return fail(&connection->request.error, code, "%s", text);
}

static enum errcode check_headers(struct connection *connection)
{
    struct header_census census = {0};

    MHD_get_connection_values(connection->mhd, MHD_HEADER_KIND, count_header, &census);
    connection->has_body = census.content_lengths > 0 || census.transfer_encodings > 0;
    if (census.total > HEADERS_MAX)
        return refuse(connection, 431, M_UNKNOWN, "The request has too many headers.");
    if (census.hosts > 1 || census.content_lengths > 1 || census.transfer_encodings > 1)
        return refuse(connection, 400, M_UNKNOWN, "A header must not be repeated.");
    const char *encoding = census.transfer_encodings > 0
                               ? request_header(&connection->request, "Transfer-Encoding")
                               : NULL;
    if (encoding != NULL && strcasecmp(encoding, "chunked") != 0)
        return refuse(connection, 501, M_UNKNOWN, "The only transfer encoding known is chunked.");
    if (census.content_lengths > 0 && census.transfer_encodings > 0)
        return refuse(connection, 400, M_UNKNOWN, "The length of the body is told twice.");
    return OK;
}

static enum errcode read_content_length(struct connection *connection)
{
    const char *text =
        connection->has_body ? request_header(&connection->request, "Content-Length") : NULL;
    char *end;

    if (text == NULL)
        return OK;
    if (!isdigit((unsigned char)text[0]) || strlen(text) > 18)
        return refuse(connection, 400, M_UNKNOWN, "Content-Length is not valid.");
    connection->content_length = strtoll(text, &end, 10);
    if (*end != '\0')
        return refuse(connection, 400, M_UNKNOWN, "Content-Length is not valid.");
    connection->has_body = connection->content_length > 0;
    return OK;
}

static bool is_harmless_id(const char *id)
{
    size_t length = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    return length > 0 && id[length] == '\0' && length < REQUEST_ID_BYTES;
}

static void set_request_id(struct connection *connection)
{
    static _Atomic uint64_t counter;
    static _Atomic uint32_t process;
    const char *sent = request_header(&connection->request, "X-Request-ID");
    uint32_t expected = 0;

    if (sent != NULL && is_harmless_id(sent)) {
        snprintf(connection->request_id, REQUEST_ID_BYTES, "%s", sent);
        return;
    }
    if (atomic_load(&process) == 0)
        atomic_compare_exchange_strong(&process, &expected, random_below(UINT32_MAX) + 1);
    snprintf(connection->request_id, REQUEST_ID_BYTES, "%08" PRIx32 "-%" PRIu64,
             atomic_load(&process), atomic_fetch_add(&counter, 1));
}

static void set_client_address(struct connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct config *config = server_config(connection->server);
    char peer[INET6_ADDRSTRLEN];

    client_ip_format(info->client_addr, peer);
    client_ip_resolve(
        peer,
        config->trusted_proxy_count > 0 ? request_header(&connection->request, "X-Forwarded-For")
                                        : NULL,
        config->trusted_proxies, config->trusted_proxy_count, connection->client_address);
}

static enum http_method parse_method(const char *text)
{
    static const char *const names[METHOD_COUNT] = {
        [GET] = "GET",       [PUT] = "PUT",         [POST] = "POST",
        [DELETE] = "DELETE", [OPTIONS] = "OPTIONS", [HEAD] = "HEAD"};

    for (enum http_method method = 0; method < METHOD_COUNT; method++) {
        if (strcmp(text, names[method]) == 0)
            return method;
    }
    return METHOD_COUNT;
}

/* Which APIs a path belongs to; a listener serves those that it was given. */
static unsigned apis_of(const char *path)
{
    static const struct {
        const char *prefix;
        unsigned apis;
    } prefixes[] = {
        {"/_matrix/federation/", API_FEDERATION},
        {"/_matrix/key/", API_FEDERATION},
        {"/_matrix/policy/", API_FEDERATION},
        {"/.well-known/matrix/server", API_FEDERATION | API_CLIENT},
        {"/_synapse/admin/", API_ADMIN},
        {"/_beffroi/admin/", API_ADMIN},
        {"/metrics", API_METRICS},
        {"/health/", API_HEALTH},
    };

    for (size_t i = 0; i < COUNT_OF(prefixes); i++) {
        if (strncmp(path, prefixes[i].prefix, strlen(prefixes[i].prefix)) == 0)
            return prefixes[i].apis;
    }
    return API_CLIENT;
}

static enum errcode find_route(struct connection *connection)
{
    struct error *error = &connection->request.error;
    size_t length = strcspn(connection->target, "?");

    if ((apis_of(connection->target) & connection->daemon->listener->apis) == 0)
        return M_UNRECOGNIZED;
    router_match(connection->server->router, connection->method, connection->target, length,
                 &connection->match);
    connection->request.route = connection->match.route;
    if (connection->match.route == NULL && connection->match.path_is_known) {
        error->http_status = 405;
        return fail(error, M_UNRECOGNIZED, "This method is not supported here.");
    }
    return connection->match.route == NULL ? M_UNRECOGNIZED : OK;
}

static enum errcode check_body(struct connection *connection)
{
    struct request *req = &connection->request;
    const char *encoding = connection->has_body ? request_header(req, "Content-Encoding") : NULL;

    if (encoding != NULL && strcasecmp(encoding, "identity") != 0) {
        req->error.http_status = 415;
        return fail(&req->error, M_UNKNOWN, "Compressed bodies are not supported.");
    }
    connection->body.limit = body_limit(connection);
    if (connection->match.route->body == STREAM_BODY || connection->content_length <= 0)
        return OK;
    if ((uint64_t)connection->content_length > connection->body.limit)
        return fail(&req->error, M_TOO_LARGE, "The body is larger than %zu bytes.",
                    connection->body.limit);
    if (!body_fits_budget(connection, (size_t)connection->content_length))
        return E_UNAVAILABLE;
    return OK;
}

enum errcode head_read(struct connection *connection, const char *method)
{
    const char *host = request_header(&connection->request, "Host");

    connection->method = parse_method(method);
    if (host != NULL)
        connection->request.host = host;
    set_request_id(connection);
    set_client_address(connection);
    TRY(check_headers(connection));
    TRY(read_content_length(connection));
    if (connection->method == OPTIONS)
        return OK;
    TRY(find_route(connection));
    return check_body(connection);
}
