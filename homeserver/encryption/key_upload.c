/* Spec: client-server API, "Device keys", "One-time and fallback keys" (keys.yaml). */
#include "homeserver/encryption/key_upload.h"

#include <string.h>

#include "config/config.h"
#include "homeserver/accounts/requester.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/call.h"
#include "homeserver/encryption/olm_keys.h"
#include "homeserver/protocol/canonical_json.h"
#include "homeserver/protocol/device_keys.h"
#include "homeserver/protocol/json.h"
#include "homeserver/services.h"
#include "storage/db.h"
#include "storage/device_keys.h"
#include "storage/device_list_changes.h"
#include "storage/journal.h"
#include "storage/key_signatures.h"

struct key_list {
    struct one_time_key *items;
    size_t count;
};

/* One upload on its way. */
struct upload {
    struct call *call;
    const char *user_id;
    struct device_address device;
    const char *signing_key_id; /* ed25519:<device> */
    const char *stored_keys;    /* the device's keys, canonical JSON; NULL: none */
    const char *new_keys;       /* NULL: they stay */
    const char *signing_key;    /* of the new keys, else of the stored ones; NULL: not known */
    struct key_list one_time;
    struct key_list fallback;
};

static enum errcode canonical_text(struct call *call, const json_t *value, const char *omitted,
                                   const char **out)
{
    const char *const omissions[] = {omitted, NULL};
    SCOPED(strbuf_finish) struct strbuf text;

    strbuf_init(&text, KEY_DOCUMENT_BYTES_MAX);
    if (json_is_object(value))
        TRY(canonical_json_write_without(value, omissions, CANONICAL_JSON_STRICT, &text,
                                         call->error));
    else
        TRY(canonical_json_write(value, CANONICAL_JSON_STRICT, &text, call->error));
    *out = arena_strndup(call->arena, text.data, text.length);
    return OK;
}

static const char *member_key(const json_t *device_keys, const char *key_id)
{
    return json_get_string(json_get_object(device_keys, "keys"), key_id);
}

static enum errcode load_stored_keys(struct upload *upload, json_t **out)
{
    struct call *call = upload->call;
    enum errcode found = device_keys_load(call->db, call->arena, upload->device.user_nid,
                                          upload->device.device_id, &upload->stored_keys);

    *out = NULL;
    if (found == M_NOT_FOUND)
        return OK;
    TRY(found);
    return json_parse_object(call->arena, upload->stored_keys, strlen(upload->stored_keys), NULL,
                             out);
}

static bool accepts_unsigned(const struct upload *upload)
{
    return config_current(upload->call->services->config)->encryption.accept_unsigned_keys;
}

/* Without a signature; one that is wrong is never accepted. */
static bool may_be_unsigned(const struct upload *upload, const json_t *keys)
{
    const json_t *signatures =
        json_object_get(json_object_get(keys, "signatures"), upload->user_id);

    return accepts_unsigned(upload) && json_object_get(signatures, upload->signing_key_id) == NULL;
}

/* The new keys of the device, and whether it became another: one-time keys belong to an identity.
 */
static enum errcode check_device_keys(struct upload *upload, const json_t *keys)
{
    struct call *call = upload->call;
    json_t *stored;
    const char *text;

    TRY(load_stored_keys(upload, &stored));
    upload->signing_key = member_key(stored, upload->signing_key_id);
    if (keys == NULL)
        return OK;
    TRY(device_keys_check(keys, upload->user_id, upload->device.device_id, call->error));
    upload->signing_key = member_key(keys, upload->signing_key_id);
    if (!may_be_unsigned(upload, keys) &&
        !olm_key_signed(keys, upload->user_id, upload->signing_key_id, upload->signing_key))
        return fail(call->error, M_INVALID_SIGNATURE,
                    "The device keys are not signed by the device's key %s.",
                    upload->signing_key_id);
    TRY(canonical_text(call, keys, "unsigned", &text));
    if (upload->stored_keys == NULL || strcmp(text, upload->stored_keys) != 0)
        upload->new_keys = text;
    return OK;
}

static bool is_another_identity(const struct upload *upload)
{
    json_t *stored, *new;

    if (upload->stored_keys == NULL)
        return false;
    if (json_parse_object(upload->call->arena, upload->stored_keys, strlen(upload->stored_keys),
                          NULL, &stored) != OK ||
        json_parse_object(upload->call->arena, upload->new_keys, strlen(upload->new_keys), NULL,
                          &new) != OK)
        return true;
    return !json_equal(json_object_get(stored, "keys"), json_object_get(new, "keys"));
}

static enum errcode store_device_keys(const struct upload *upload)
{
    struct call *call = upload->call;
    struct journal_entry *entry = journal_entry_create();
    enum errcode outcome =
        device_list_changed_in(call->db, call->arena, entry, upload->device.user_nid);

    if (outcome != OK) {
        journal_entry_destroy(entry);
        return outcome;
    }
    if (is_another_identity(upload)) {
        one_time_keys_forget_in(entry, &upload->device);
        key_signatures_forget_in(entry, upload->device.user_nid, &upload->device.device_id, 1);
    }
    device_keys_set_in(entry, upload->device.user_nid, upload->device.device_id, upload->new_keys);

    /* The one-time keys that follow belong to this identity: it must be there first. */
    struct commit_group *group = commit_group_create();
    journal_submit(call->services->journal, entry, group);
    outcome = commit_group_wait(group);
    commit_group_release(group);
    return outcome;
}

/* Keys of a "signed_" algorithm carry the signature of their device. */
static enum errcode check_signature(const struct upload *upload, const char *name,
                                    const json_t *key)
{
    if (strncmp(name, "signed_", strlen("signed_")) != 0)
        return OK;
    if (upload->signing_key == NULL && !accepts_unsigned(upload))
        return fail(upload->call->error, M_INVALID_SIGNATURE,
                    "The key %s can not be checked: the device has not told its own keys.", name);
    if (upload->signing_key != NULL &&
        !olm_key_signed(key, upload->user_id, upload->signing_key_id, upload->signing_key))
        return fail(upload->call->error, M_INVALID_SIGNATURE,
                    "The key %s is not signed by the device.", name);
    return OK;
}

static enum errcode read_keys(const struct upload *upload, json_t *keys, struct key_list *out)
{
    struct call *call = upload->call;
    const char *name;
    json_t *key;

    if (json_object_size(keys) > ONE_TIME_KEYS_MAX)
        return fail(call->error, M_RESOURCE_LIMIT_EXCEEDED, "A device has at most %d keys.",
                    ONE_TIME_KEYS_MAX);
    out->count = 0;
    out->items = ARENA_ARRAY(call->arena, json_object_size(keys), struct one_time_key);
    json_object_foreach (keys, name, key) {
        struct one_time_key *item = &out->items[out->count++];
        TRY(one_time_key_check(name, key, call->error));
        TRY(check_signature(upload, name, key));
        const char *colon = strchr(name, ':');
        item->algorithm = arena_strndup(call->arena, name, (size_t)(colon - name));
        item->key_id = colon + 1;
        TRY(canonical_text(call, key, "unsigned", &item->key));
    }
    return OK;
}

static enum errcode check_count(struct call *call, const struct key_counts *counts)
{
    int64_t total = 0;

    for (size_t i = 0; i < counts->count; i++)
        total += counts->counts[i].count;
    if (total > ONE_TIME_KEYS_MAX)
        return fail(call->error, M_RESOURCE_LIMIT_EXCEEDED,
                    "A device has at most %d one-time keys.", ONE_TIME_KEYS_MAX);
    return OK;
}

static enum errcode store_keys(const struct upload *upload, struct key_counts *out)
{
    const struct key_list *one_time = &upload->one_time, *fallback = &upload->fallback;
    SCOPED(db_transaction_end) struct db *tx = NULL;
    struct call *call = upload->call;
    const char *conflict;

    TRY(db_begin(call->db, &tx));
    TRY(one_time_keys_insert(tx, call->arena, &upload->device, one_time->items, one_time->count,
                             &conflict));
    if (conflict != NULL)
        return fail(call->error, M_INVALID_PARAM,
                    "There is another one-time key with the ID %s already.", conflict);
    TRY(fallback_keys_set(tx, call->arena, &upload->device, fallback->items, fallback->count));
    TRY(key_counts_load(tx, call->arena, &upload->device, out));
    TRY(check_count(call, out));
    return db_commit(&tx);
}

/* A sync that waits tells the device its new counts. */
static void announce_counts(const struct upload *upload)
{
    struct journal_entry *entry = journal_entry_create();

    one_time_keys_changed_in(entry, &upload->device);
    journal_entry_wake_user(entry, upload->device.user_nid);
    journal_submit(upload->call->services->journal, entry, upload->call->commits);
}

static enum errcode check_upload(struct call *call, const struct requester *requester,
                                 const struct key_upload *keys, struct upload *out)
{
    *out = (struct upload){
        .call = call,
        .user_id = requester->user_id,
        .device = {requester->user_nid, requester->device_id},
        .signing_key_id = arena_printf(call->arena, "ed25519:%s", requester->device_id),
    };
    TRY(check_device_keys(out, keys->device_keys));
    TRY(read_keys(out, keys->one_time_keys, &out->one_time));
    return read_keys(out, keys->fallback_keys, &out->fallback);
}

enum errcode keys_check(struct call *call, const struct requester *requester,
                        const struct key_upload *keys)
{
    struct upload upload;

    return check_upload(call, requester, keys, &upload);
}

enum errcode keys_upload(struct call *call, const struct requester *requester,
                         const struct key_upload *keys, struct key_counts *out)
{
    struct upload upload;

    /* Everything is checked before anything is stored. */
    TRY(check_upload(call, requester, keys, &upload));
    if (upload.new_keys != NULL)
        TRY(store_device_keys(&upload));
    if (upload.one_time.count == 0 && upload.fallback.count == 0)
        return key_counts_load(call->db, call->arena, &upload.device, out);
    TRY(store_keys(&upload, out));
    announce_counts(&upload);
    return OK;
}
