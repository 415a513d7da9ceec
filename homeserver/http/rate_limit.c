/* The `limit` column of the route table: whose bucket, and how large it is. */
#include "homeserver/http/rate_limit.h"

#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/rate_limiter.h"
#include "homeserver/http/client_ip.h"
#include "homeserver/http/connection.h"
#include "homeserver/http/server_internal.h"
#include "homeserver/services.h"

static const struct config_rate *rate_of(const struct config_rate_limits *limits, enum limit limit)
{
    switch (limit) {
    case LIMIT_MESSAGE:
        return &limits->message;
    case LIMIT_LOGIN:
        return &limits->login;
    case LIMIT_REGISTRATION:
        return &limits->registration;
    case LIMIT_JOIN:
        return &limits->join;
    case LIMIT_INVITE:
        return &limits->invite;
    case LIMIT_THREEPID:
        return &limits->threepid;
    case LIMIT_SEARCH:
        return &limits->search;
    case LIMIT_MEDIA:
        return &limits->media;
    case LIMIT_OTHER:
        return &limits->other;
    case LIMIT_FEDERATION:
        return &limits->federation;
    case LIMIT_NONE:
    case LIMIT_COUNT:
        break;
    }
    return NULL;
}

static bool counts_by_address(const struct request *req)
{
    enum limit limit = req->route->limit;

    return limit == LIMIT_LOGIN || limit == LIMIT_REGISTRATION || limit == LIMIT_THREEPID ||
           (req->requester.user_id == NULL && req->requester.server_name == NULL);
}

static const char *bucket_key(struct request *req)
{
    int limit = (int)req->route->limit;
    char network[INET6_ADDRSTRLEN];

    if (counts_by_address(req)) {
        client_ip_network(req->client_address, network);
        return arena_printf(req->call.arena, "%d address %s", limit, network);
    }
    if (req->requester.user_id == NULL)
        return arena_printf(req->call.arena, "%d server %s", limit, req->requester.server_name);
    return arena_printf(req->call.arena, "%d user %s", limit, req->requester.user_id);
}

enum errcode rate_limit_check(struct request *req)
{
    const struct config_rate_limits *limits = &server_config(req->connection->server)->rate_limits;
    const struct config_rate *rate = rate_of(limits, req->route->limit);
    struct rate_limiter *limiter = req->call.services->rate_limiter;

    if (!limits->enabled || rate == NULL || req->requester.is_unlimited)
        return OK;
    int64_t wait_ms = rate_limiter_take(limiter, bucket_key(req), rate->per_second, rate->burst,
                                        clock_monotonic_ms());
    if (wait_ms == 0)
        return OK;
    error_set_int(&req->error, "retry_after_ms", wait_ms);
    return M_LIMIT_EXCEEDED;
}
