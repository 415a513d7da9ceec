#ifndef FEDERATION_CLIENT_WELL_KNOWN_H
#define FEDERATION_CLIENT_WELL_KNOWN_H

#include <stdint.h>

#include "homeserver/base/error.h"

struct arena;
struct config;
struct http_client;

/* What https://<host>/.well-known/matrix/server says. Spec: server-server API, "Server Discovery".
 */
struct well_known {
    const char *delegated; /* a valid server name; NULL: no delegation */
    int64_t lifetime_ms;   /* how long to believe it, also when there is none */
    const char *why;       /* there is none: a fragment for people; NULL */
};

/* Blocks. Whatever goes wrong means "no delegation": the spec goes on with step 4. */
void well_known_fetch(struct http_client *http, const struct config *config, struct arena *arena,
                      const char *host, struct well_known *out);

/* The lifetime that the headers give, within the limits of the spec. */
int64_t well_known_lifetime_ms(const char *cache_control, int64_t fallback_ms);

#endif
