#ifndef FEDERATION_CLIENT_CLIENT_INTERNAL_H
#define FEDERATION_CLIENT_CLIENT_INTERNAL_H

#include "federation/client/federation_client.h"

struct discovery;
struct destination_health;

struct federation_client {
    struct config_holder *config;
    struct http_client *http;
    struct federation_identity *identities;
    size_t identity_count;
    struct discovery *discovery;
    struct destination_health *health;
};

#endif
