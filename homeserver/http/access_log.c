/* What remains of a request: one log line and a count. */
#include "homeserver/http/access_log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "homeserver/base/log.h"
#include "homeserver/base/metrics.h"
#include "homeserver/http/connection.h"
#include "homeserver/http/server_internal.h"

struct route_metrics {
    const struct route *routes;
    struct metric_histogram *unrouted;
    struct metric_counter *failures;   /* answers of 500 and above */
    struct metric_counter *deprecated; /* to see when a row can go */
    struct metric_histogram *by_route[];
};

static const char *const method_names[METHOD_COUNT + 1] = {
    [GET] = "GET",         [PUT] = "PUT",   [POST] = "POST",         [DELETE] = "DELETE",
    [OPTIONS] = "OPTIONS", [HEAD] = "HEAD", [METHOD_COUNT] = "other"};

static struct metric_histogram *add_histogram(const char *method, const char *path)
{
    char labels[256];

    snprintf(labels, sizeof(labels), "method=\"%s\",route=\"%s\"", method, path);
    return metrics_histogram("beffroi_http_request_seconds",
                             "Time from the request line to the end of the answer.", labels);
}

struct route_metrics *route_metrics_create(const struct route *routes, size_t count)
{
    struct route_metrics *metrics =
        calloc(1, sizeof(*metrics) + count * sizeof(metrics->by_route[0]));

    if (metrics == NULL)
        abort();
    metrics->routes = routes;
    metrics->unrouted = add_histogram("other", "none");
    metrics->failures = metrics_counter("beffroi_http_failures_total",
                                        "Answers with a status of 500 and above.", NULL);
    metrics->deprecated =
        metrics_counter("beffroi_http_deprecated_total", "Requests to deprecated endpoints.", NULL);
    for (size_t i = 0; i < count; i++)
        metrics->by_route[i] = add_histogram(method_names[routes[i].method], routes[i].path);
    return metrics;
}

void route_metrics_destroy(struct route_metrics *metrics)
{
    free(metrics);
}

void access_log_write(const struct connection *connection, bool was_delivered)
{
    const struct route_metrics *metrics = connection->server->route_metrics;
    const struct route *route = connection->match.route;
    int64_t age_us = connection_age_us(connection);

    metric_observe_us(
        route == NULL ? metrics->unrouted : metrics->by_route[route - metrics->routes], age_us);
    if (connection->status >= 500)
        metric_count(metrics->failures, 1);
    if (route != NULL && (route->flags & DEPRECATED) != 0)
        metric_count(metrics->deprecated, 1);
    log_info(LOG_HTTP, "%s %.*s status=%d ms=%" PRId64 " client=%s user=%s request=%s%s",
             method_names[connection->method], (int)strcspn(connection->target, "?"),
             connection->target, connection->status, age_us / 1000, connection->client_address,
             connection->user[0] == '\0' ? "-" : connection->user, connection->request_id,
             was_delivered ? "" : " aborted");
}
