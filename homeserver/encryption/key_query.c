/* Spec: client-server API, "POST /keys/query" (keys.yaml). */
#include "homeserver/encryption/key_query.h"

#include <string.h>

#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/call.h"
#include "homeserver/encryption/cross_signing.h"
#include "homeserver/encryption/remote_keys.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/services.h"
#include "storage/cross_signing_keys.h"
#include "storage/device_keys.h"
#include "storage/key_signatures.h"
#include "storage/users.h"

/* The users of a query and what becomes the answer. */
struct query {
    struct call *call;
    const char **user_ids; /* with room for all that are wanted */
    json_t **wanted_devices;
    int64_t *user_nids;
    size_t user_count;
    /* These come first: their keys are stored. Of the others we have what their server told, and
     * the viewer's signatures. */
    size_t stored_count;
    json_t *device_keys;
    json_t *cross_signing_keys[CROSS_SIGNING_USAGES];
    int64_t viewer_nid;
};

json_t *key_object_obtain(json_t *parent, const char *name)
{
    json_t *child = json_object_get(parent, name);

    if (child == NULL) {
        child = json_object();
        json_object_set_new(parent, name, child);
    }
    return child;
}

void key_failure_add(json_t *failures, const char *user_id)
{
    const char *server_name = identifier_domain(user_id);

    if (server_name != NULL)
        json_object_set_new(
            failures, server_name,
            json_pack("{s:i, s:s}", "status", 503, "message", "This server could not be reached."));
}

static enum errcode check_devices(struct call *call, const json_t *devices)
{
    const json_t *device;
    size_t i;

    if (!json_is_array(devices))
        return fail(call->error, M_BAD_JSON, "\"device_keys\" must map users to lists of devices.");
    json_array_foreach (devices, i, device) {
        if (!json_is_text(device))
            return fail(call->error, M_BAD_JSON, "A device ID must be text.");
    }
    return OK;
}

/* A member of the answer that maps users to one key each. */
static const char *const key_members[CROSS_SIGNING_USAGES] = {
    [CROSS_SIGNING_MASTER] = "master_keys",
    [CROSS_SIGNING_SELF_SIGNING] = "self_signing_keys",
    [CROSS_SIGNING_USER_SIGNING] = "user_signing_keys",
};

static void add_user(struct query *query, const char *user_id, json_t *devices)
{
    query->user_ids[query->user_count] = user_id;
    query->wanted_devices[query->user_count++] = devices;
    key_object_obtain(query->device_keys, user_id);
}

static enum errcode read_query(struct call *call, json_t *wanted, struct query *out)
{
    const struct config *config = config_current(call->services->config);
    size_t count = json_object_size(wanted);
    const char *user_id;
    json_t *devices;

    if (count > KEY_QUERY_USERS_MAX)
        return fail(call->error, M_TOO_LARGE, "At most %d users can be asked for at once.",
                    KEY_QUERY_USERS_MAX);
    *out = (struct query){
        .call = call,
        .user_ids = ARENA_ARRAY(call->arena, count, const char *),
        .wanted_devices = ARENA_ARRAY(call->arena, count, json_t *),
        .user_nids = ARENA_ARRAY(call->arena, count, int64_t),
        .device_keys = json_object(),
    };
    json_on_arena(call->arena, out->device_keys);
    json_object_foreach (wanted, user_id, devices) {
        TRY(check_devices(call, devices));
        if (config_hosts_user(config, user_id))
            add_user(out, user_id, devices);
    }
    return OK;
}

static enum errcode ask_others(struct query *query, const struct key_query *key_query,
                               json_t *answer)
{
    struct call *call = query->call;
    json_t *wanted = remote_keys_wanted(call, key_query->wanted), *told;
    struct remote_keys remote;
    const char *user_id;

    TRY(remote_keys_query(call, key_query->asker, wanted, json_object_get(answer, "failures"),
                          &remote));
    for (size_t i = 0; i < remote.stored_count; i++)
        add_user(query, remote.stored_user_ids[i],
                 json_object_get(wanted, remote.stored_user_ids[i]));
    query->stored_count = query->user_count;
    json_object_foreach (json_get_object(remote.told, "device_keys"), user_id, told) {
        add_user(query, user_id, json_object_get(wanted, user_id));
        json_object_set(query->device_keys, user_id, told);
    }
    for (size_t usage = 0; usage < CROSS_SIGNING_USAGES; usage++)
        json_object_update(query->cross_signing_keys[usage],
                           json_get_object(remote.told, key_members[usage]));
    return OK;
}

static bool is_wanted(const json_t *devices, const char *device_id)
{
    const json_t *device;
    size_t i;

    json_array_foreach (devices, i, device) {
        if (strcmp(json_string_value(device), device_id) == 0)
            return true;
    }
    return json_array_size(devices) == 0;
}

static enum errcode write_device(struct query *query, const struct device_keys_row *row)
{
    json_t *of_user = json_object_get(query->device_keys, query->user_ids[row->user]);
    json_t *keys;

    if (!is_wanted(query->wanted_devices[row->user], row->device_id))
        return OK;
    TRY(json_parse_object(query->call->arena, row->keys, strlen(row->keys), NULL, &keys));
    json_object_set_new(keys, "unsigned",
                        json_pack("{s:s*}", "device_display_name", row->display_name));
    json_object_set(of_user, row->device_id, keys);
    return OK;
}

static enum errcode write_devices(struct query *query)
{
    struct device_keys_row *rows;
    size_t count;

    TRY(device_keys_of_users(query->call->db, query->call->arena, query->user_nids,
                             query->stored_count, &rows, &count));
    for (size_t i = 0; i < count; i++)
        TRY(write_device(query, &rows[i]));
    return OK;
}

/* Whom a user trusts is nobody else's affair: user-signing keys are for their owner. */
static enum errcode write_cross_signing_keys(struct query *query)
{
    struct cross_signing_row *rows;
    size_t count;
    json_t *keys;

    TRY(cross_signing_keys_of_users(query->call->db, query->call->arena, query->user_nids,
                                    query->stored_count, &rows, &count));
    for (size_t i = 0; i < count; i++) {
        if (rows[i].usage == CROSS_SIGNING_USER_SIGNING &&
            query->user_nids[rows[i].user] != query->viewer_nid)
            continue;
        TRY(json_parse_object(query->call->arena, rows[i].keys, strlen(rows[i].keys), NULL, &keys));
        json_object_set(query->cross_signing_keys[rows[i].usage], query->user_ids[rows[i].user],
                        keys);
    }
    return OK;
}

static bool is_named(const json_t *cross_signing_key, const char *public_key)
{
    const char *key_id =
        json_object_iter_key(json_object_iter(json_get_object(cross_signing_key, "keys")));

    return key_id != NULL && strcmp(key_id + strlen("ed25519:"), public_key) == 0;
}

/* The document in the answer that a signature belongs to, or NULL. */
static json_t *find_document(const struct query *query, const struct key_signature *signature)
{
    const char *user_id = query->user_ids[signature->user];
    json_t *device =
        json_object_get(json_object_get(query->device_keys, user_id), signature->target_id);

    if (device != NULL)
        return device;
    for (size_t usage = 0; usage < CROSS_SIGNING_USAGES; usage++) {
        json_t *key = json_object_get(query->cross_signing_keys[usage], user_id);
        if (is_named(key, signature->target_id))
            return key;
    }
    return NULL;
}

/* Adds the signatures that came after the keys. */
static enum errcode write_signatures(struct query *query)
{
    const struct key_signature_query wanted = {query->viewer_nid, query->user_nids,
                                               query->user_count};
    struct key_signature *rows;
    size_t count;

    TRY(key_signatures_load(query->call->db, query->call->arena, &wanted, &rows, &count));
    for (size_t i = 0; i < count; i++) {
        json_t *document = find_document(query, &rows[i]);
        if (document == NULL)
            continue;
        json_t *signatures = key_object_obtain(document, "signatures");
        json_object_set_new(key_object_obtain(signatures, rows[i].signer), rows[i].signer_key_id,
                            json_string(rows[i].signature));
    }
    return OK;
}

enum errcode keys_query(struct call *call, const struct key_query *key_query, json_t **out)
{
    json_t *answer = json_on_arena(call->arena, json_object());
    struct query query = {0};

    json_object_set_new(answer, "failures", json_object());
    TRY(read_query(call, key_query->wanted, &query));
    query.viewer_nid = key_query->viewer_nid;
    json_object_set(answer, "device_keys", query.device_keys);
    for (size_t usage = 0; usage < CROSS_SIGNING_USAGES; usage++) {
        query.cross_signing_keys[usage] = json_object();
        json_object_set_new(answer, key_members[usage], query.cross_signing_keys[usage]);
    }
    query.stored_count = query.user_count;
    if (key_query->asker != NULL)
        TRY(ask_others(&query, key_query, answer));
    TRY(user_nids_find(call->db, call->arena, query.user_ids, query.user_count, query.user_nids));
    TRY(write_devices(&query));
    TRY(write_cross_signing_keys(&query));
    TRY(write_signatures(&query));
    *out = answer;
    return OK;
}
