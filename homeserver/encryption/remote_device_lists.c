/* Spec: server-server API, "Device Management". */
#include "homeserver/encryption/remote_device_lists.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/base/log.h"
#include "homeserver/call.h"
#include "homeserver/encryption/cross_signing.h"
#include "homeserver/protocol/edu.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/services.h"
#include "storage/cross_signing_keys.h"
#include "storage/device_list_changes.h"
#include "storage/journal.h"
#include "storage/partial_state_rooms.h"
#include "storage/remote_device_lists.h"
#include "storage/users.h"

static const int told_usages[] = {CROSS_SIGNING_MASTER, CROSS_SIGNING_SELF_SIGNING};

/* False when it is no key of this user; then nothing is known of it. */
static bool read_signing_key(struct call *call, const char *user_id, const json_t *json, int usage,
                             struct cross_signing_row *out)
{
    struct cross_signing_key key;
    struct error why = {0};

    if (cross_signing_key_parse(json, user_id, (enum cross_signing_usage)usage, &why, &key) != OK)
        return false;
    *out = (struct cross_signing_row){.usage = usage, .public_key = key.public_key};
    return key_document_text(call, user_id, json, &out->keys) == OK;
}

static void set_signing_keys(struct call *call, const struct device_list_fetch *fetch,
                             struct journal_entry *entry)
{
    static const char *const members[] = {"master_key", "self_signing_key"};
    struct cross_signing_row row;

    for (size_t i = 0; i < COUNT_OF(told_usages); i++) {
        const json_t *key = json_get_object(fetch->answer, members[i]);
        if (key != NULL && read_signing_key(call, fetch->user_id, key, told_usages[i], &row))
            cross_signing_key_set_in(entry, fetch->user_nid, &row);
        else
            cross_signing_key_delete_in(entry, fetch->user_nid, told_usages[i]);
    }
}

/* False when it is left out: without keys nobody can encrypt for it. */
static bool read_device(struct call *call, const char *user_id, const json_t *json,
                        struct remote_device *out)
{
    json_t *keys = json_get_object(json, "keys");
    struct error why = {0};

    *out = (struct remote_device){
        .device_id = json_get_string(json, "device_id"),
        .display_name = json_get_string(json, "device_display_name"),
    };
    return out->device_id != NULL && keys != NULL &&
           device_keys_check(keys, user_id, out->device_id, &why) == OK &&
           key_document_text(call, user_id, keys, &out->keys) == OK;
}

enum errcode remote_device_list_store(struct call *call, const struct device_list_fetch *fetch)
{
    const json_t *devices = json_get_array(fetch->answer, "devices"), *json;
    ARRAY_OF(struct remote_device) found = {0};
    struct fetched_device_list list = {
        .user_nid = fetch->user_nid,
        .tracked_position = fetch->tracked_position,
        .generation = fetch->generation,
    };
    const char *user_id = json_get_string(fetch->answer, "user_id");
    struct remote_device device;
    size_t i;

    if (user_id == NULL || strcmp(user_id, fetch->user_id) != 0 || devices == NULL ||
        !json_get_int(fetch->answer, "stream_id", &list.stream_id))
        return fail(call->error, M_BAD_JSON, "This is no device list of %s", fetch->user_id);
    json_array_foreach (devices, i, json) {
        if (found.count < REMOTE_DEVICES_MAX && read_device(call, fetch->user_id, json, &device))
            array_push(call->arena, &found, device);
    }
    list.devices = found.items;
    list.device_count = found.count;
    struct journal_entry *entry = journal_entry_create();
    remote_device_list_set_in(entry, call->arena, &list);
    set_signing_keys(call, fetch, entry);
    journal_submit(call->services->journal, entry, call->commits);
    return OK;
}

/* Clients are told to ask for the user's keys again. */
static enum errcode begin_entry(struct call *call, int64_t user_nid, struct journal_entry **out)
{
    struct journal_entry *entry = journal_entry_create();

    enum errcode added = device_list_changed_in(call->db, call->arena, entry, user_nid);
    if (added != OK) {
        journal_entry_destroy(entry);
        return added;
    }
    *out = entry;
    return OK;
}

/* 0: nobody here ever had to do with them. While a room lacks members anybody of the servers in it
 * may turn out to be one. */
static enum errcode find_user(struct call *call, const char *user_id, int64_t *out)
{
    enum errcode found = user_nid_find(call->db, call->arena, user_id, out);
    bool may_be_member;

    if (found != M_NOT_FOUND)
        return found;
    *out = 0;
    TRY(partial_state_any_with(call->db, call->arena, identifier_domain(user_id), &may_be_member));
    return may_be_member ? user_nid_intern(call->db, call->arena, user_id, out) : OK;
}

enum errcode remote_device_list_updated(struct call *call,
                                        const struct device_list_update_edu *update)
{
    struct device_list_step step = {
        .stream_id = update->stream_id,
        .newest_prev_id = -1,
        .device = {.device_id = update->device_id, .display_name = update->display_name},
    };
    struct journal_entry *entry;

    TRY(find_user(call, update->user_id, &step.user_nid));
    if (step.user_nid == 0)
        return OK;
    for (size_t i = 0; i < update->prev_id_count; i++) {
        if (update->prev_ids[i] > step.newest_prev_id)
            step.newest_prev_id = update->prev_ids[i];
    }
    if (update->keys != NULL && !update->is_deleted)
        TRY(key_document_text(call, update->user_id, update->keys, &step.device.keys));
    TRY(begin_entry(call, step.user_nid, &entry));
    remote_device_list_update_in(entry, &step);
    journal_submit(call->services->journal, entry, call->commits);
    return OK;
}

enum errcode remote_signing_keys_updated(struct call *call,
                                         const struct signing_key_update_edu *update)
{
    const json_t *keys[] = {update->master_key, update->self_signing_key};
    struct remote_device_list *list;
    struct cross_signing_row row;
    struct journal_entry *entry;
    int64_t user_nid;

    TRY(find_user(call, update->user_id, &user_nid));
    if (user_nid == 0)
        return OK;
    TRY(remote_device_lists_load(call->db, call->arena, &user_nid, 1, &list));
    TRY(begin_entry(call, user_nid, &entry));
    remote_device_list_heard_in(entry, user_nid);
    for (size_t i = 0; i < COUNT_OF(told_usages); i++) {
        if (list->is_stored && keys[i] != NULL &&
            read_signing_key(call, update->user_id, keys[i], told_usages[i], &row))
            cross_signing_key_set_in(entry, user_nid, &row);
    }
    journal_submit(call->services->journal, entry, call->commits);
    return OK;
}

enum errcode remote_device_lists_expire(struct call *call)
{
    return remote_device_lists_forget(call->db);
}
