#ifndef FEDERATION_CLIENT_FEDERATION_CLIENT_H
#define FEDERATION_CLIENT_FEDERATION_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "homeserver/base/error.h"

struct config;
struct config_holder;
struct http_client;
struct signing_key;

/*
 * What all calls to other servers share: our keys, what is known of the others' addresses and
 * health. Thread-safe.
 */
struct federation_client;

/* A hosted domain; borrowed for the life of the client. */
struct federation_identity {
    const char *server_name;
    const struct signing_key *key;
};

struct federation_client_options {
    struct config_holder *config;
    struct http_client *http;
    const struct federation_identity *identities; /* copied */
    size_t identity_count;
};

struct federation_client *federation_client_create(const struct federation_client_options *options);
void federation_client_destroy(struct federation_client *client);

/* The key of a hosted domain; NULL for any other. */
const struct signing_key *federation_client_key(const struct federation_client *client,
                                                const char *server_name);

/* Whether we talk to this server at all: switch, deny list, allow list. Asked at dial, and by those
 * who take requests and events. `why_out` (may be NULL) gets a fragment for people. */
bool federation_allows(const struct config *config, const char *server_name, const char **why_out);

#endif
