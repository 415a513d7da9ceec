/* The handle of everything that calls other servers, and whom it may call. */
#include "federation/client/federation_client.h"

#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "federation/client/client_internal.h"
#include "federation/client/destination_health.h"
#include "federation/client/discovery.h"
#include "federation/client/federation_metrics.h"
#include "homeserver/base/glob.h"
#include "homeserver/call.h"
#include "homeserver/net/http_client.h"
#include "homeserver/services.h"

struct federation_client *federation_client_create(const struct federation_client_options *options)
{
    struct federation_client *client = calloc(1, sizeof(*client));
    size_t bytes = options->identity_count * sizeof(*options->identities);

    if (client == NULL)
        abort();
    client->config = options->config;
    client->http = options->http;
    client->identity_count = options->identity_count;
    client->identities = malloc(bytes);
    if (client->identities == NULL)
        abort();
    memcpy(client->identities, options->identities, bytes);
    client->discovery = discovery_create(options->config, options->http);
    client->health = destination_health_create();
    federation_metrics_register();
    return client;
}

void federation_client_destroy(struct federation_client *client)
{
    if (client == NULL)
        return;
    destination_health_destroy(client->health);
    discovery_destroy(client->discovery);
    free(client->identities);
    free(client);
}

const struct signing_key *federation_client_key(const struct federation_client *client,
                                                const char *server_name)
{
    for (size_t i = 0; i < client->identity_count; i++) {
        if (strcmp(client->identities[i].server_name, server_name) == 0)
            return client->identities[i].key;
    }
    return NULL;
}

static bool is_listed(const char *const *patterns, size_t count, const char *server_name)
{
    for (size_t i = 0; i < count; i++) {
        if (glob_match(patterns[i], server_name, true))
            return true;
    }
    return false;
}

bool federation_allows(const struct config *config, const char *server_name, const char **why_out)
{
    const struct config_federation *federation = &config->federation;
    const char *why = NULL;

    if (!federation->enabled)
        why = "federation is switched off (federation.enabled)";
    else if (is_listed(federation->deny, federation->deny_count, server_name))
        why = "the server is on the deny list (federation.deny)";
    else if (!is_listed(federation->allow, federation->allow_count, server_name))
        why = "the server is not on the allow list (federation.allow)";
    if (why_out != NULL)
        *why_out = why;
    return why == NULL;
}

void federation_set_tls(const struct config *config, const char *server_name,
                        struct http_call *call)
{
    const struct config_federation *federation = &config->federation;

    for (size_t i = 0; i < federation->destination_count; i++) {
        const struct config_destination *to = &federation->destinations[i];
        if (!is_listed(to->servers, to->server_count, server_name))
            continue;
        call->ca_file = to->ca_file;
        call->client_certificate = to->client_certificate;
        call->client_key = to->client_key;
        return;
    }
}

enum errcode federation_retry_ts(struct federation_client *client, struct db *db,
                                 const char *server_name, int64_t *out)
{
    return destination_health_retry_ts(client->health, db, server_name, out);
}

enum errcode federation_note_health(struct federation_client *client, struct db *db,
                                    const char *server_name, const char *why)
{
    if (why == NULL)
        return destination_health_answered(client->health, db, server_name);
    discovery_forget(client->discovery, server_name);
    return destination_health_failed(client->health, db, server_name, why);
}

bool federation_peer_spoke(struct federation_client *client, const char *server_name)
{
    return destination_health_spoke(client->health, server_name);
}

enum errcode federation_heed_retries(struct call *call)
{
    return destination_health_heed_retries(call->services->federation->health, call->db);
}
