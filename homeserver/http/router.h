#ifndef HOMESERVER_HTTP_ROUTER_H
#define HOMESERVER_HTTP_ROUTER_H

#include <stdbool.h>
#include <stddef.h>

#include "homeserver/http/route.h"

/*
 * The route table as a trie of path segments, built once. Matching works on the raw path: segments
 * are split at `/` first and percent-decoded afterwards (by the readers of request.h), so that an
 * encoded slash stays inside its parameter.
 *
 * A literal segment beats a parameter. A parameter matches an empty segment only at the end of the
 * path (`…/state/{eventType}/`). There are no other rules about trailing slashes. `r0` in a path
 * counts as `v3` where no row has it: older clients say so.
 */
struct router;

enum { ROUTE_PARAMS_MAX = 8 };

/* A path parameter as sent: still encoded. `name` is borrowed from the table, `value` from the
 * path; neither ends in a NUL. */
struct route_param {
    const char *name;
    size_t name_length;
    const char *value;
    size_t value_length;
};

struct route_match {
    const struct route *route; /* NULL when there is none for this method */
    bool path_is_known;        /* some method has a route here: 405, not 404 */
    struct route_param params[ROUTE_PARAMS_MAX];
    size_t param_count;
};

/* Aborts with a message when the table contradicts itself. `routes` is borrowed for ever. */
struct router *router_create(const struct route *routes, size_t count);
void router_destroy(struct router *router);

/* `method` METHOD_COUNT stands for one that no route has. HEAD is served by GET routes. */
void router_match(const struct router *router, enum http_method method, const char *path,
                  size_t length, struct route_match *out);

#endif
