/* The seam between requests and user-interactive authentication. */
#include "homeserver/client_api/client_uia.h"

#include <string.h>

#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/client_api/request_domain.h"
#include "homeserver/http/request.h"

static const struct uia_flow password_flow = {{"m.login.password"}};

const struct client_uia client_uia_password = {.flows = &password_flow, .flow_count = 1};

static const char *method_text(const struct request *req)
{
    return req->route->method == DELETE ? "DELETE" : "POST";
}

enum errcode client_uia_authorise(struct request *req, const struct client_uia *uia,
                                  struct uia_outcome *out)
{
    const struct requester *requester = &req->requester;
    const struct uia_operation operation = {
        .flows = uia->flows,
        .flow_count = uia->flow_count,
        .requester = requester,
        .method = method_text(req),
        .path = arena_strndup(req->call.arena, req->target, strcspn(req->target, "?")),
        .address = req->client_address,
        .server_name =
            requester->user_id != NULL ? requester->server_name : request_domain(req)->name,
        .secret_member = uia->secret_member,
        .body = request_body(req),
    };

    return uia_authorise(&req->call, &operation, out);
}

enum errcode client_uia_challenge(struct request *req, const struct uia_outcome *outcome)
{
    return respond(req, 401, json_incref(outcome->challenge));
}
