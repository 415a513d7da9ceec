/* Keys for a batch of events. */
#include "federation/receiver/verify_keys.h"

#include <string.h>

#include "federation/receiver/key_ring.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/map.h"
#include "homeserver/protocol/pdu.h"
#include "homeserver/rooms/room_service.h"
#include "homeserver/services.h"

enum { KEYS_IN_BATCH_MAX = 10000, KEY_NAME_MAX = 1024 };

struct verify_keys {
    struct map *keys; /* "server key_id" -> struct verify_key, NULL when it can not be had */
};

static char *name_key(struct arena *arena, const char *server_name, const char *key_id)
{
    return arena_printf(arena, "%s %s", server_name, key_id);
}

static enum errcode find_key(struct call *call, const struct event_key_need *need,
                             struct verify_key **out)
{
    const struct signing_key *own =
        room_service_signing_key(call->services->rooms, need->server_name);
    struct verify_key *key = ARENA_NEW(call->arena, struct verify_key);
    bool is_known = false;

    *out = key;
    if (own != NULL && strcmp(own->key_id, need->key_id) == 0) {
        *key = (struct verify_key){.key = own->pair.public_key, .valid_until_ts = INT64_MAX};
        return OK;
    }
    if (own == NULL)
        TRY(key_ring_find(call, need->server_name, need->key_id, key, &is_known));
    if (!is_known)
        *out = NULL;
    return OK;
}

enum errcode verify_keys_load(struct call *call, const struct pdu_valid *const *pdus, size_t count,
                              struct verify_keys **out)
{
    struct verify_keys *keys = ARENA_NEW(call->arena, struct verify_keys);

    keys->keys = map_create(call->arena);
    for (size_t i = 0; i < count; i++) {
        const struct event_key_need *needs;
        size_t need_count = event_needed_keys(call->arena, pdu_valid_event(pdus[i]), &needs);
        for (size_t k = 0; k < need_count && map_count(keys->keys) < KEYS_IN_BATCH_MAX; k++) {
            const char *name = name_key(call->arena, needs[k].server_name, needs[k].key_id);
            struct verify_key *key;
            if (map_contains(keys->keys, name))
                continue;
            TRY(find_key(call, &needs[k], &key));
            map_set(keys->keys, name, key);
        }
    }
    *out = keys;
    return OK;
}

bool verify_keys_lookup(void *context, const char *server_name, const char *key_id,
                        struct verify_key *out)
{
    const struct verify_keys *keys = context;
    char name[KEY_NAME_MAX];
    const struct verify_key *key;

    /* Asked for every signature: no allocation. A longer name is no key's. */
    if (snprintf(name, sizeof(name), "%s %s", server_name, key_id) >= (int)sizeof(name))
        return false;
    key = map_get(keys->keys, name);

    if (key == NULL)
        return false;
    *out = *key;
    return true;
}

enum errcode request_key_load(struct call *call, const char *server_name, const char *key_id,
                              int64_t now_ms, struct ed25519_public_key *out)
{
    const struct event_key_need need = {server_name, key_id};
    struct verify_key *key;

    TRY(find_key(call, &need, &key));
    if (key == NULL || key->is_expired || key->valid_until_ts < now_ms)
        return fail(call->error, M_UNAUTHORIZED, "The key %s of %s can not be had.", key_id,
                    server_name);
    *out = key->key;
    return OK;
}
