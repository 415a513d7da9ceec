#ifndef HOMESERVER_HTTP_BODY_H
#define HOMESERVER_HTTP_BODY_H

#include <stdbool.h>
#include <stddef.h>

#include "homeserver/base/error.h"

struct connection;

/* All bodies in memory together: beyond that new ones are refused (503). */
enum { BODY_BUDGET_BYTES = 256 << 20 };

/* How large a body the matched route takes. */
size_t body_limit(const struct connection *connection);

/* True when the server has memory left for a body of this size. */
bool body_fits_budget(const struct connection *connection, size_t size);

/* M_TOO_LARGE beyond the connection's limit, E_UNAVAILABLE beyond the budget of the server. */
enum errcode body_append(struct connection *connection, const char *bytes, size_t size) MUST_CHECK;
void body_free(struct connection *connection);

/* Parses the body as the route's row says. Sets `connection->json`. */
enum errcode body_parse(struct connection *connection) MUST_CHECK;

#endif
