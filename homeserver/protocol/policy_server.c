/*
 * Policy servers: who they are and what they signed.
 * Spec: server-server API, "Policy Servers".
 */
#include "homeserver/protocol/policy_server.h"

#include "homeserver/protocol/event.h"
#include "homeserver/protocol/event_signature.h"
#include "homeserver/protocol/json.h"

bool policy_server_of(const struct event *policy, struct policy_server *out)
{
    const json_t *content = policy != NULL ? policy->content : NULL;
    const char *via = json_get_string(content, "via");
    const char *key = json_get_string(json_get_object(content, "public_keys"), "ed25519");

    if (via == NULL || key == NULL)
        return false;
    *out = (struct policy_server){.server_name = via};
    out->key_is_usable = ed25519_public_key_decode(&out->key, key);
    return true;
}

bool policy_server_must_sign(const struct event *event)
{
    return !event_is(event, "m.room.policy", "");
}

bool policy_server_has_signed(const struct policy_server *policy_server, const struct event *event)
{
    return policy_server->key_is_usable &&
           event_is_signed_with(event->version, event->json, policy_server->server_name,
                                POLICY_SERVER_KEY_ID, &policy_server->key);
}
