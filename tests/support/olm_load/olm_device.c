/* Olm and Megolm for one device of the load client. */
#include "tests/support/olm_load/olm_device.h"

#include <olm/olm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/compiler.h"
#include "homeserver/base/map.h"
#include "homeserver/base/random.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/encryption/olm_keys.h"
#include "homeserver/protocol/canonical_json.h"
#include "homeserver/protocol/json.h"

/* The Olm sessions that one other device began with us, the newest first. */
struct inbound {
    OlmSession *session;
    struct inbound *next;
};

struct olm_device {
    struct arena *arena;
    const char *user_id;
    const char *device_id;
    OlmAccount *account;
    const char *curve25519;
    const char *ed25519;
    struct map *inbound;       /* curve25519 of the sender -> struct inbound */
    struct map *room_sessions; /* session ID -> OlmInboundGroupSession */
    OlmOutboundGroupSession *outbound;
    const char *outbound_id;
    const char *room_id;
};

static void end_unless(bool good, const char *what, const char *why)
{
    if (good)
        return;
    fprintf(stderr, "olm_load: %s: %s\n", what, why);
    abort();
}

#define ACCOUNT_MUST(device, result)                                                               \
    end_unless((result) != olm_error(), #result, olm_account_last_error((device)->account))
#define SESSION_MUST(session, result)                                                              \
    end_unless((result) != olm_error(), #result, olm_session_last_error(session))
#define OUTBOUND_MUST(session, result)                                                             \
    end_unless((result) != olm_error(), #result, olm_outbound_group_session_last_error(session))

static void *random_on(struct arena *arena, size_t size)
{
    void *bytes = arena_alloc(arena, size > 0 ? size : 1);

    random_bytes(bytes, size);
    return bytes;
}

/* A text of libolm: `size` bytes without a NUL. */
static char *text_on(struct arena *arena, size_t size)
{
    return arena_alloc(arena, size + 1);
}

static const char *identity_key(struct olm_device *device, const char *name)
{
    size_t size = olm_account_identity_keys_length(device->account);
    char *text = text_on(device->arena, size);
    json_t *keys;

    ACCOUNT_MUST(device, olm_account_identity_keys(device->account, text, size));
    end_unless(json_parse_object(device->arena, text, size, NULL, &keys) == OK, "keys", "no JSON");
    return json_get_string(keys, name);
}

struct olm_device *olm_device_create(const char *user_id, const char *device_id)
{
    struct arena *arena = arena_create();
    struct olm_device *device = ARENA_NEW(arena, struct olm_device);

    *device = (struct olm_device){
        .arena = arena,
        .user_id = user_id,
        .device_id = device_id,
        .account = olm_account(arena_alloc(arena, olm_account_size())),
        .inbound = map_create(arena),
        .room_sessions = map_create(arena),
    };
    size_t size = olm_create_account_random_length(device->account);
    ACCOUNT_MUST(device, olm_create_account(device->account, random_on(arena, size), size));
    device->curve25519 = identity_key(device, "curve25519");
    device->ed25519 = identity_key(device, "ed25519");
    return device;
}

static void sign(struct olm_device *device, json_t *object)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    SCOPED(strbuf_finish) struct strbuf bytes;
    size_t size = olm_account_signature_length(device->account);
    char *signature = text_on(arena, size);

    strbuf_init(&bytes, 0);
    end_unless(canonical_json_write(object, CANONICAL_JSON_STRICT, &bytes, NULL) == OK, "signing",
               "not canonical");
    ACCOUNT_MUST(device,
                 olm_account_sign(device->account, bytes.data, bytes.length, signature, size));
    signature[size] = '\0';
    json_t *own = json_object();
    json_object_set_new(own, arena_printf(arena, "ed25519:%s", device->device_id),
                        json_string(signature));
    json_object_set_new(object, "signatures", json_pack("{s:o}", device->user_id, own));
}

json_t *olm_device_keys(struct olm_device *device)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    json_t *document = json_pack(
        "{s:s, s:s, s:[s, s], s:{s:s, s:s}}", "user_id", device->user_id, "device_id",
        device->device_id, "algorithms", "m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2",
        "keys", arena_printf(arena, "curve25519:%s", device->device_id), device->curve25519,
        arena_printf(arena, "ed25519:%s", device->device_id), device->ed25519);

    sign(device, document);
    return document;
}

json_t *olm_device_one_time_keys(struct olm_device *device, size_t count)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    size_t size = olm_account_generate_one_time_keys_random_length(device->account, count);
    json_t *result = json_object(), *keys, *key;
    const char *key_id;

    ACCOUNT_MUST(device, olm_account_generate_one_time_keys(device->account, count,
                                                            random_on(arena, size), size));
    size = olm_account_one_time_keys_length(device->account);
    char *text = text_on(arena, size);
    ACCOUNT_MUST(device, olm_account_one_time_keys(device->account, text, size));
    end_unless(json_parse_object(arena, text, size, NULL, &keys) == OK, "keys", "no JSON");
    json_object_foreach (json_get_object(keys, "curve25519"), key_id, key) {
        json_t *signed_key = json_pack("{s:O}", "key", key);
        sign(device, signed_key);
        json_object_set_new(result, arena_printf(arena, "signed_curve25519:%s", key_id),
                            signed_key);
    }
    return result;
}

void olm_device_mark_published(struct olm_device *device)
{
    ACCOUNT_MUST(device, olm_account_mark_keys_as_published(device->account));
}

bool olm_device_begin_session(struct olm_device *device, struct olm_peer *peer,
                              const json_t *one_time_key)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    const char *key = json_get_string(one_time_key, "key");

    if (key == NULL ||
        !olm_key_signed(one_time_key, peer->user_id,
                        arena_printf(arena, "ed25519:%s", peer->device_id), peer->ed25519))
        return false;
    peer->session = olm_session(arena_alloc(device->arena, olm_session_size()));
    size_t size = olm_create_outbound_session_random_length(peer->session);
    SESSION_MUST(peer->session,
                 olm_create_outbound_session(peer->session, device->account, peer->curve25519,
                                             strlen(peer->curve25519), key, strlen(key),
                                             random_on(arena, size), size));
    return true;
}

void olm_device_rotate(struct olm_device *device, const char *room_id)
{
    SCOPED(arena_release) struct arena *arena = arena_create();

    device->room_id = room_id;
    device->outbound =
        olm_outbound_group_session(arena_alloc(device->arena, olm_outbound_group_session_size()));
    size_t size = olm_init_outbound_group_session_random_length(device->outbound);
    OUTBOUND_MUST(device->outbound,
                  olm_init_outbound_group_session(device->outbound, random_on(arena, size), size));
    size = olm_outbound_group_session_id_length(device->outbound);
    char *id = text_on(device->arena, size);
    OUTBOUND_MUST(device->outbound,
                  olm_outbound_group_session_id(device->outbound, (uint8_t *)id, size));
    id[size] = '\0';
    device->outbound_id = id;
}

/* What stands inside an Olm message, as text. */
static char *room_key_text(struct olm_device *device, const struct olm_peer *peer)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    size_t size = olm_outbound_group_session_key_length(device->outbound);
    char *key = text_on(arena, size);

    OUTBOUND_MUST(device->outbound,
                  olm_outbound_group_session_key(device->outbound, (uint8_t *)key, size));
    key[size] = '\0';
    json_t *event = json_pack(
        "{s:s, s:s, s:s, s:{s:s}, s:{s:s}, s:{s:s, s:s, s:s, s:s}}", "type", "m.room_key", "sender",
        device->user_id, "recipient", peer->user_id, "recipient_keys", "ed25519", peer->ed25519,
        "keys", "ed25519", device->ed25519, "content", "algorithm", "m.megolm.v1.aes-sha2",
        "room_id", device->room_id, "session_id", device->outbound_id, "session_key", key);
    char *text = json_dumps(event, JSON_COMPACT);
    json_decref(event);
    return text;
}

json_t *olm_device_share_key(struct olm_device *device, const struct olm_peer *peer)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    char *text = room_key_text(device, peer);
    size_t type = olm_encrypt_message_type(peer->session);
    size_t random_size = olm_encrypt_random_length(peer->session);
    size_t size = olm_encrypt_message_length(peer->session, strlen(text));
    char *message = text_on(arena, size);

    SESSION_MUST(peer->session,
                 olm_encrypt(peer->session, text, strlen(text), random_on(arena, random_size),
                             random_size, message, size));
    free(text);
    message[size] = '\0';
    return json_pack("{s:s, s:s, s:{s:{s:I, s:s}}}", "algorithm", "m.olm.v1.curve25519-aes-sha2",
                     "sender_key", device->curve25519, "ciphertext", peer->curve25519, "type",
                     (json_int_t)type, "body", message);
}

json_t *olm_device_encrypt(struct olm_device *device, const char *text)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    json_t *event = json_pack("{s:s, s:s, s:{s:s, s:s}}", "type", "m.room.message", "room_id",
                              device->room_id, "content", "msgtype", "m.text", "body", text);
    char *plain = json_dumps(event, JSON_COMPACT);
    size_t size = olm_group_encrypt_message_length(device->outbound, strlen(plain));
    char *message = text_on(arena, size);

    OUTBOUND_MUST(device->outbound, olm_group_encrypt(device->outbound, (const uint8_t *)plain,
                                                      strlen(plain), (uint8_t *)message, size));
    free(plain);
    json_decref(event);
    message[size] = '\0';
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "algorithm", "m.megolm.v1.aes-sha2", "sender_key",
                     device->curve25519, "device_id", device->device_id, "session_id",
                     device->outbound_id, "ciphertext", message);
}

/* libolm decodes messages in place, so each try has its own copy. */
static char *try_session(struct arena *arena, OlmSession *session, size_t type, const char *body)
{
    size_t length = strlen(body);
    size_t size =
        olm_decrypt_max_plaintext_length(session, type, arena_strdup(arena, body), length);

    if (size == olm_error())
        return NULL;
    char *text = text_on(arena, size);
    size = olm_decrypt(session, type, arena_strdup(arena, body), length, text, size);
    if (size == olm_error())
        return NULL;
    text[size] = '\0';
    return text;
}

static char *try_known_sessions(struct olm_device *device, struct arena *arena,
                                const char *sender_key, size_t type, const char *body)
{
    for (struct inbound *known = map_get(device->inbound, sender_key); known != NULL;
         known = known->next) {
        if (type == OLM_MESSAGE_TYPE_PRE_KEY &&
            olm_matches_inbound_session_from(known->session, sender_key, strlen(sender_key),
                                             arena_strdup(arena, body), strlen(body)) != 1)
            continue;
        char *text = try_session(arena, known->session, type, body);
        if (text != NULL)
            return text;
    }
    return NULL;
}

static char *try_new_session(struct olm_device *device, struct arena *arena, const char *sender_key,
                             const char *body)
{
    OlmSession *session = olm_session(arena_alloc(device->arena, olm_session_size()));
    struct inbound *inbound = ARENA_NEW(device->arena, struct inbound);

    if (olm_create_inbound_session_from(session, device->account, sender_key, strlen(sender_key),
                                        arena_strdup(arena, body), strlen(body)) == olm_error()) {
        fprintf(stderr, "olm_load: no session from a pre-key message: %s\n",
                olm_session_last_error(session));
        return NULL;
    }
    ACCOUNT_MUST(device, olm_remove_one_time_keys(device->account, session));
    *inbound = (struct inbound){session, map_get(device->inbound, sender_key)};
    map_set(device->inbound, sender_key, inbound);
    return try_session(arena, session, OLM_MESSAGE_TYPE_PRE_KEY, body);
}

static bool take_room_key(struct olm_device *device, const json_t *content)
{
    const char *session_id = json_get_string(content, "session_id");
    const char *key = json_get_string(content, "session_key");

    if (session_id == NULL || key == NULL)
        return false;
    if (map_contains(device->room_sessions, session_id))
        return true;
    OlmInboundGroupSession *session =
        olm_inbound_group_session(arena_alloc(device->arena, olm_inbound_group_session_size()));
    if (olm_init_inbound_group_session(session, (const uint8_t *)key, strlen(key)) == olm_error())
        return false;
    map_set(device->room_sessions, session_id, session);
    return true;
}

bool olm_device_receive(struct olm_device *device, const json_t *content)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    const char *sender_key = json_get_string(content, "sender_key");
    json_t *message = json_get_object(json_get_object(content, "ciphertext"), device->curve25519);
    const char *body = json_get_string(message, "body");
    int64_t type;
    json_t *event;

    if (sender_key == NULL || body == NULL || !json_get_int(message, "type", &type))
        return false;
    char *text = try_known_sessions(device, arena, sender_key, (size_t)type, body);
    if (text == NULL && type == OLM_MESSAGE_TYPE_PRE_KEY)
        text = try_new_session(device, arena, sender_key, body);
    return text != NULL && json_parse_object(arena, text, strlen(text), NULL, &event) == OK &&
           take_room_key(device, json_get_object(event, "content"));
}

char *olm_device_decrypt(struct olm_device *device, const json_t *content)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    const char *session_id = json_get_string(content, "session_id");
    const char *body = json_get_string(content, "ciphertext");
    OlmInboundGroupSession *session =
        session_id != NULL ? map_get(device->room_sessions, session_id) : NULL;
    uint32_t message_index;
    json_t *event;

    if (session == NULL || body == NULL)
        return NULL;
    size_t size = olm_group_decrypt_max_plaintext_length(
        session, (uint8_t *)arena_strdup(arena, body), strlen(body));
    if (size == olm_error())
        return NULL;
    char *text = text_on(arena, size);
    size = olm_group_decrypt(session, (uint8_t *)arena_strdup(arena, body), strlen(body),
                             (uint8_t *)text, size, &message_index);
    if (size == olm_error() || json_parse_object(arena, text, size, NULL, &event) != OK)
        return NULL;
    const char *said = json_get_string(json_get_object(event, "content"), "body");
    return said != NULL ? strdup(said) : NULL;
}
