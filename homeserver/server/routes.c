/*
 * THE route table. A row is a complete security statement: who may call, how often, with how much
 * body, what works while an account is locked or suspended. Paths are spelled as in the
 * specification; tests/lint/check_routes.py compares the rows with it.
 */
#include "homeserver/server/routes.h"

#include "homeserver/base/compiler.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/server/health.h"

/* method, path, handler, access, limit, body, flags */
/* clang-format off */
const struct route routes[] = {
    /* ── The server itself ──────────────────────────────────────────────────────────────────── */
    {GET,    "/health/live",                                          health_get_live,            ANYONE, LIMIT_NONE,    NO_BODY,   0},
    {GET,    "/health/ready",                                         health_get_ready,           ANYONE, LIMIT_NONE,    NO_BODY,   0},
    {GET,    "/metrics",                                              health_get_metrics,         ANYONE, LIMIT_NONE,    NO_BODY,   0},

    /* ── Client-server API: Versions ────────────────────────────────────────────────────────── */
    {GET,    "/_matrix/client/versions",                              client_get_versions,        OPTIONAL_USER, LIMIT_NONE, NO_BODY, 0},
};
/* clang-format on */

const size_t route_count = COUNT_OF(routes);
