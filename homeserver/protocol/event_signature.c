/*
 * Signing events and checking who signed them.
 * Spec: server-server API, "Signing Events", "Validating hashes and signatures on received events";
 * room versions 5 (key validity) and 8 (restricted joins).
 */
#include "homeserver/protocol/event_signature.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/event_hash.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/redaction.h"
#include "homeserver/protocol/room_version.h"
#include "homeserver/protocol/signing_json.h"

/* The invite of somebody who was known by a third-party identifier may be sent by the server of
 * the invited user; the auth rules check the signature that it carries instead. */
static bool is_third_party_invite(const struct event *event)
{
    const char *membership = event_membership(event);

    return membership != NULL && strcmp(membership, "invite") == 0 &&
           json_object_get(event->content, "third_party_invite") != NULL;
}

/* The user whose server vouches that a restricted join is allowed; NULL when none. The rule asks
 * for the signature wherever the member stands, whatever the membership. */
static const char *authorising_user(const struct event *event)
{
    if (!event->version->restricted_join || strcmp(event->type, "m.room.member") != 0)
        return NULL;
    return json_get_string(event->content, "join_authorised_via_users_server");
}

static size_t add_server(const char **servers, size_t count, const char *id)
{
    const char *server = identifier_domain(id);

    if (server == NULL)
        server = ""; /* Nobody can sign for it, so verification fails, as it must. */
    for (size_t i = 0; i < count; i++) {
        if (strcmp(servers[i], server) == 0)
            return count;
    }
    servers[count] = server;
    return count + 1;
}

size_t event_signing_servers(const struct event *event, const char *servers[SIGNING_SERVERS_MAX])
{
    const char *vouching_user = authorising_user(event);
    size_t count = 0;

    if (!is_third_party_invite(event))
        count = add_server(servers, count, event->sender);
    if (event->version->event_id_format == EVENT_ID_CARRIED)
        count = add_server(servers, count, event->event_id);
    if (vouching_user != NULL)
        count = add_server(servers, count, vouching_user);
    return count;
}

/* Keys of algorithms that we do not know are passed over, as the appendix asks. */
static bool is_federation_key(const char *key_id)
{
    return signing_key_id_is_valid(key_id) && strcmp(key_id, POLICY_SERVER_KEY_ID) != 0;
}

static json_t *signatures_of(const struct event *event, const char *server)
{
    return json_get_object(json_get_object(event->json, "signatures"), server);
}

size_t event_needed_keys(struct arena *arena, const struct event *event,
                         const struct event_key_need **out)
{
    ARRAY_OF(struct event_key_need) needs = {0};
    const char *servers[SIGNING_SERVERS_MAX];
    size_t server_count = event_signing_servers(event, servers);
    const char *key_id;
    json_t *signature;

    for (size_t i = 0; i < server_count; i++) {
        json_object_foreach (signatures_of(event, servers[i]), key_id, signature) {
            const struct event_key_need need = {.server_name = servers[i], .key_id = key_id};
            if (is_federation_key(key_id))
                array_push(arena, &needs, need);
        }
    }
    *out = needs.items;
    return needs.count;
}

static bool key_vouches_for(const struct verify_key *key, const struct event *event)
{
    if (!key->is_expired && !event->version->enforce_key_validity)
        return true;
    return event->origin_server_ts <= key->valid_until_ts;
}

static bool signature_is_valid(const struct ed25519_public_key *key, const json_t *signature,
                               struct json_span signed_bytes)
{
    uint8_t bytes[ED25519_SIGNATURE_BYTES];

    return json_is_text(signature) &&
           ed25519_signature_decode(bytes, json_string_value(signature)) &&
           ed25519_verify(key, signed_bytes.bytes, signed_bytes.size, bytes);
}

struct verification {
    const struct event *event;
    struct json_span signed_bytes;
    verify_key_lookup lookup;
    void *context;
    struct error *error;
};

static enum errcode verify_server(const struct verification *verification, const char *server)
{
    struct verify_key key;
    bool is_signed = false;
    const char *key_id;
    json_t *signature;

    json_object_foreach (signatures_of(verification->event, server), key_id, signature) {
        if (!is_federation_key(key_id) ||
            !verification->lookup(verification->context, server, key_id, &key) ||
            !key_vouches_for(&key, verification->event))
            continue;
        if (!signature_is_valid(&key.key, signature, verification->signed_bytes))
            return fail(verification->error, M_INVALID_SIGNATURE,
                        "The signature of %s on the event is not valid.", server);
        is_signed = true;
    }
    if (!is_signed)
        return fail(verification->error, M_UNAUTHORIZED,
                    "The event has no signature of %s with a key that is known and valid.", server);
    return OK;
}

static enum errcode write_signed_bytes(const struct room_version *version, const json_t *event,
                                       struct strbuf *out)
{
    SCOPED(json_decrefp) json_t *redacted = redaction_apply(version, event);

    return signing_json_bytes(redacted, out);
}

enum errcode event_verify_signatures_of(const struct event *event, struct json_span signed_bytes,
                                        verify_key_lookup lookup, void *context,
                                        struct error *error)
{
    const char *servers[SIGNING_SERVERS_MAX];
    size_t count = event_signing_servers(event, servers);
    const struct verification verification = {
        .event = event,
        .signed_bytes = signed_bytes,
        .lookup = lookup,
        .context = context,
        .error = error,
    };

    for (size_t i = 0; i < count; i++)
        TRY(verify_server(&verification, servers[i]));
    return OK;
}

enum errcode event_verify_signatures(const struct event *event, verify_key_lookup lookup,
                                     void *context, struct error *error)
{
    SCOPED(strbuf_finish) struct strbuf bytes;

    strbuf_init(&bytes, 0);
    TRY(write_signed_bytes(event->version, event->json, &bytes));
    return event_verify_signatures_of(event, (struct json_span){bytes.data, bytes.length}, lookup,
                                      context, error);
}

bool event_is_signed_with(const struct room_version *version, const json_t *event,
                          const char *server_name, const char *key_id,
                          const struct ed25519_public_key *key)
{
    SCOPED(json_decrefp) json_t *redacted = redaction_apply(version, event);

    return signing_json_verify(redacted, server_name, key_id, key);
}

static bool object_is_signed_with(const json_t *object, const char *public_key)
{
    const char *entity, *key_id;
    json_t *keys, *signature;
    struct ed25519_public_key key;

    if (!ed25519_public_key_decode(&key, public_key))
        return false;
    json_object_foreach (json_get_object(object, "signatures"), entity, keys) {
        json_object_foreach (keys, key_id, signature) {
            if (signing_key_id_is_valid(key_id) &&
                signing_json_verify(object, entity, key_id, &key))
                return true;
        }
    }
    return false;
}

const json_t *third_party_invite_signing_key(const json_t *signed_part,
                                             const json_t *invite_content)
{
    const json_t *listed;
    size_t i;

    if (object_is_signed_with(signed_part, json_get_string(invite_content, "public_key")))
        return invite_content;
    json_array_foreach (json_get_array(invite_content, "public_keys"), i, listed) {
        if (object_is_signed_with(signed_part, json_get_string(listed, "public_key")))
            return listed;
    }
    return NULL;
}

bool event_third_party_invite_is_signed(const struct event *member, const struct event *invite)
{
    const json_t *claim = json_get_object(member->content, "third_party_invite");

    return third_party_invite_signing_key(json_get_object(claim, "signed"), invite->content) !=
           NULL;
}

enum errcode event_sign(const struct room_version *version, json_t *event, const char *server_name,
                        const struct signing_key *key)
{
    uint8_t signature[ED25519_SIGNATURE_BYTES];
    SCOPED(strbuf_finish) struct strbuf bytes;

    strbuf_init(&bytes, 0);
    TRY(write_signed_bytes(version, event, &bytes));
    ed25519_sign(&key->pair, bytes.data, bytes.length, signature);
    signing_json_add_signature(event, server_name, key->key_id, signature);
    return OK;
}

enum errcode event_seal(const struct room_version *version, json_t *event, const char *server_name,
                        const struct signing_key *key)
{
    TRY(event_add_content_hash(event));
    return event_sign(version, event, server_name, key);
}
