#ifndef HOMESERVER_HTTP_ACCESS_LOG_H
#define HOMESERVER_HTTP_ACCESS_LOG_H

#include <stdbool.h>
#include <stddef.h>

struct connection;
struct route;
struct route_metrics;

/* One histogram for each row of the route table, and one for what has no route. */
struct route_metrics *route_metrics_create(const struct route *routes, size_t count);
void route_metrics_destroy(struct route_metrics *metrics);

/* When a request is over: one line, and its duration into the metrics of its route. The line shows
 * the path without its query, which may hold tokens. */
void access_log_write(const struct connection *connection, bool was_delivered);

#endif
