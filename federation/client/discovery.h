#ifndef FEDERATION_CLIENT_DISCOVERY_H
#define FEDERATION_CLIENT_DISCOVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "homeserver/base/error.h"

struct arena;
struct config_holder;
struct http_client;
struct strbuf;

/*
 * From a server name to where its requests go.
 * Spec: server-server API, "Resolving server names", steps 1 to 6.
 */
struct discovery;

struct server_route {
    const char *base_url;   /* "https://host:port"; the host is the name on the certificate */
    const char *host;       /* for the Host header */
    const char *connect_to; /* "host:port" that an SRV record named; NULL: the URL's */
};

struct discovery *discovery_create(struct config_holder *config, struct http_client *http);
void discovery_destroy(struct discovery *discovery);

/* From memory, else from the network, which blocks. M_INVALID_PARAM when it is no server name. A
 * server that tells nothing about itself has a route nevertheless: port 8448. */
enum errcode discovery_resolve(struct discovery *discovery, struct arena *arena,
                               const char *server_name, struct error *error,
                               struct server_route *out) MUST_CHECK;

/* Never blocks; false when it would have to. */
bool discovery_recall(struct discovery *discovery, struct arena *arena, const char *server_name,
                      struct server_route *out);

/* The route did not work: the next caller asks again. */
void discovery_forget(struct discovery *discovery, const char *server_name);

/* Step by step, past the memory, for `beffroi federation check`: one line of text each. */
enum errcode discovery_explain(struct discovery *discovery, struct arena *arena,
                               const char *server_name, struct strbuf *steps, struct error *error,
                               struct server_route *out) MUST_CHECK;

#endif
