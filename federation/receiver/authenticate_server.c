/* Verifying X-Matrix. */
#include "federation/receiver/authenticate_server.h"

#include <string.h>
#include <strings.h>

#include "config/config.h"
#include "federation/client/federation_client.h"
#include "federation/client/federation_metrics.h"
#include "federation/receiver/verify_keys.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/log.h"
#include "homeserver/protocol/request_auth.h"
#include "homeserver/services.h"

enum { HEADERS_MAX = 8 };

/* A sender older than v1.3 does not say whom it means; then it is our first domain. */
static enum errcode find_destination(struct call *call, const struct request_auth *auth,
                                     const char **out)
{
    const struct config *config = config_current(call->services->config);

    *out = auth->destination != NULL ? auth->destination : config->domains[0].name;
    if (!config_hosts(config, *out))
        return fail(call->error, M_UNAUTHORIZED, "The request is meant for another server.");
    return OK;
}

static enum errcode check_policy(struct call *call, const char *origin)
{
    const struct config *config = config_current(call->services->config);
    const char *why;

    if (config_hosts(config, origin) || federation_allows(config, origin, &why))
        return OK;
    federation_count(FEDERATION_REQUEST_NOT_ALLOWED, 1);
    log_info(LOG_FEDERATION, "A request of %s was refused: %s.", origin, why);
    return fail(call->error, M_FORBIDDEN, "This server does not talk to yours: %s.", why);
}

static enum errcode check_signature(struct call *call, const struct signed_server_request *request,
                                    const struct request_auth *auth, const char *destination)
{
    const struct signed_request signed_request = {
        .method = request->method,
        .uri = request->target,
        .origin = auth->origin,
        .destination = destination,
        .content = request->content,
        .content_bytes = request->content_bytes,
        .content_size = request->content_size,
    };
    struct ed25519_public_key key;

    TRY(request_key_load(call, auth->origin, auth->key_id, clock_wall_ms(), &key));
    if (!request_auth_verify(auth, &signed_request, &key))
        return fail(call->error, M_UNAUTHORIZED, "The signature of the request is not valid.");
    return OK;
}

static bool is_x_matrix(const char *header)
{
    return strncasecmp(header, "X-Matrix", 8) == 0 && (header[8] == ' ' || header[8] == '\t');
}

enum errcode authenticate_server(struct call *call, const struct signed_server_request *request,
                                 const char **origin_out, const char **destination_out)
{
    enum errcode outcome = fail(call->error, M_UNAUTHORIZED, "The request is not signed.");
    const char *origin = NULL;

    /* Several headers: one per key of the same server, all of them; one that holds is enough. */
    for (size_t i = 0; i < request->authorization_count && i < HEADERS_MAX; i++) {
        struct request_auth auth;
        if (!is_x_matrix(request->authorizations[i]))
            continue;
        TRY(request_auth_parse(call->arena, request->authorizations[i], call->error, &auth));
        if (origin != NULL && strcmp(origin, auth.origin) != 0)
            return fail(call->error, M_UNAUTHORIZED, "The request is signed by two servers.");
        origin = auth.origin;
        TRY(find_destination(call, &auth, destination_out));
        TRY(check_policy(call, auth.origin));
        if (outcome == M_UNAUTHORIZED)
            outcome = check_signature(call, request, &auth, *destination_out);
    }
    TRY(outcome);
    error_clear(call->error);
    *origin_out = origin;
    return OK;
}
