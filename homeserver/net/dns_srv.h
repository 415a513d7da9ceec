#ifndef HOMESERVER_NET_DNS_SRV_H
#define HOMESERVER_NET_DNS_SRV_H

#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct arena;

/* Only SRV records are asked for here. Addresses are resolved by the system (getaddrinfo), so that
 * /etc/hosts and whatever else an administrator set up counts. */
struct srv_target {
    const char *host; /* without the final dot */
    int port;
};

/* Blocks at most about `timeout_ms`. The targets in the order in which to try them (RFC 2782:
 * priority, then weighted chance); count 0 when the name does not exist or says "no such service".
 * E_TIMEOUT or E_REMOTE when the name servers fail. */
enum errcode dns_srv_lookup(struct arena *arena, const char *name, int64_t timeout_ms,
                            struct error *error, struct srv_target **out,
                            size_t *count_out) MUST_CHECK;

#endif
