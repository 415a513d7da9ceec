/* The `access` column of the route table. */
#include "homeserver/http/access.h"

#include <string.h>
#include <strings.h>

#include "config/config.h"
#include "homeserver/http/connection.h"
#include "homeserver/http/server_internal.h"

/* NULL when the client sent none. */
static const char *find_token(struct request *req)
{
    static const char scheme[] = "Bearer ";
    const char *header = request_header(req, "Authorization");

    if (header != NULL && strncasecmp(header, scheme, strlen(scheme)) == 0)
        return header + strlen(scheme) + strspn(header + strlen(scheme), " ");
    if (!server_config(req->connection->server)->access_token_in_query)
        return NULL;
    return query_string(req, "access_token");
}

/* Which device an application service acts as: since v1.17, before that MSC3202. */
static const char *asserted_device(struct request *req)
{
    const char *device_id = query_string(req, "device_id");

    return device_id != NULL ? device_id : query_string(req, "org.matrix.msc3202.device_id");
}

/* `as_asserted`: an application service acts as the user that it names. */
static enum errcode identify(struct request *req, bool is_required, bool as_asserted)
{
    const struct http_server_options *options = &req->connection->server->options;
    const char *user_id = as_asserted ? query_string(req, "user_id") : NULL;
    const char *device_id = as_asserted ? asserted_device(req) : NULL;
    const char *token = find_token(req);

    if (token == NULL || token[0] == '\0')
        return is_required ? M_MISSING_TOKEN : OK;
    TRY(options->authenticate_user(&req->call, token, user_id, device_id, &req->requester));
    if (options->note_use != NULL)
        options->note_use(&req->call, &req->requester, req->client_address,
                          request_header(req, "User-Agent"));
    return OK;
}

static enum errcode identify_user(struct request *req, bool is_required)
{
    return identify(req, is_required, true);
}

static enum errcode check_account(struct request *req)
{
    const struct requester *requester = &req->requester;
    unsigned flags = req->route->flags;
    bool is_read = req->route->method == GET;

    if (requester->is_locked && (flags & WHILE_LOCKED) == 0) {
        error_set_bool(&req->error, "soft_logout", true);
        return M_USER_LOCKED;
    }
    if (requester->is_suspended && !is_read && (flags & WHILE_SUSPENDED) == 0)
        return M_USER_SUSPENDED;
    if (requester->is_guest && req->route->access != GUEST && req->route->access != OPTIONAL_USER)
        return M_GUEST_ACCESS_FORBIDDEN;
    return OK;
}

/* Whoever else shows a token is treated as if there was none: clients send old ones along. The body
 * says who is to be registered or signed in; frameworks (matrix-bot-sdk) name that user in the
 * query as well, who need not exist yet. */
static enum errcode identify_appservice(struct request *req)
{
    enum errcode code = identify(req, false, false);

    if (code == OK && req->requester.appservice_id != NULL)
        return check_account(req);
    if (code == M_UNKNOWN_TOKEN) {
        error_clear(&req->error);
        code = OK;
    }
    req->requester = (struct requester){0};
    return code;
}

static const char *method_name(enum http_method method)
{
    switch (method) {
    case PUT:
        return "PUT";
    case POST:
        return "POST";
    case DELETE:
        return "DELETE";
    case GET:
    case HEAD:
    case OPTIONS:
    case METHOD_COUNT:
        break;
    }
    return "GET";
}

static enum errcode identify_server(struct request *req)
{
    const struct http_server_options *options = &req->connection->server->options;
    size_t count;
    const char **authorizations = request_headers(req, "Authorization", 8, &count);
    struct server_request request = {
        .method = method_name(req->connection->method),
        .target = req->target,
        .host = req->host,
        .authorizations = authorizations,
        .authorization_count = count,
        .content = req->connection->body.size > 0 ? request_body(req) : NULL,
    };

    request.content_bytes = request_body_bytes(req, &request.content_size);

    if (options->authenticate_server == NULL)
        return M_UNRECOGNIZED;
    return options->authenticate_server(&req->call, &request, &req->requester);
}

enum errcode access_check(struct request *req)
{
    switch (req->route->access) {
    case ANYONE:
        return (req->route->flags & KNOWS_APPSERVICES) != 0 ? identify_appservice(req) : OK;
    case SERVER:
        return identify_server(req);
    case OPTIONAL_USER:
        TRY(identify_user(req, false));
        return check_account(req);
    case GUEST:
    case USER:
        TRY(identify_user(req, true));
        return check_account(req);
    case ADMIN:
        TRY(identify_user(req, true));
        TRY(check_account(req));
        if (!req->requester.is_admin)
            return fail(&req->error, M_FORBIDDEN, "Only server administrators may do this.");
        return OK;
    case APPSERVICE:
        TRY(identify_user(req, true));
        if (req->requester.appservice_id == NULL)
            return fail(&req->error, M_FORBIDDEN, "Only application services may do this.");
        return OK;
    }
    return M_FORBIDDEN;
}
