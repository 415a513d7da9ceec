/* What an application service needs to encrypt for its users: whose keys changed, and how many keys
 * their devices have left. Spec: MSC3202, under the names of its unstable form. */
#include <stdlib.h>
#include <string.h>

#include "homeserver/appservice/transaction_body.h"
#include "homeserver/protocol/json.h"
#include "storage/appservice_changes.h"
#include "storage/one_time_keys.h"

static void write_member(const char *name, json_t *json, struct strbuf *out)
{
    char *text = json_dumps(json, JSON_COMPACT);

    strbuf_printf(out, ",\"org.matrix.msc3202.%s\":", name);
    strbuf_add_string(out, text);
    free(text);
}

static json_t *texts_json(const char **texts, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(texts[i]));
    return list;
}

static enum errcode write_device_lists(struct call *call, const struct transaction_content *content,
                                       struct strbuf *out)
{
    struct nid_list positions = transaction_positions(call, content, APPSERVICE_DEVICE_LIST);
    struct nid_list events = transaction_event_nids(call, content);
    const char **changed = NULL, **left = NULL;
    size_t changed_count = 0, left_count = 0;

    if (positions.count > 0)
        TRY(appservice_device_lists_load(call->db, call->arena, positions, &changed,
                                         &changed_count));
    if (events.count > 0)
        TRY(appservice_departed_load(call->db, call->arena, content->appservice->id, events, &left,
                                     &left_count));
    if (changed_count == 0 && left_count == 0)
        return OK;
    json_t *lists = json_pack("{s:o, s:o}", "changed", texts_json(changed, changed_count), "left",
                              texts_json(left, left_count));
    write_member("device_lists", json_on_arena(call->arena, lists), out);
    return OK;
}

/* The devices of a user in `users`. */
static json_t *devices_of(json_t *users, const char *user_id)
{
    json_t *devices = json_object_get(users, user_id);

    if (devices == NULL) {
        devices = json_object();
        json_object_set_new(users, user_id, devices);
    }
    return devices;
}

/* 0 is said too: it is the number at which new keys are most needed. */
static json_t *counts_json(const struct key_counts *counts)
{
    json_t *json = json_pack("{s:i}", "signed_curve25519", 0);

    for (size_t i = 0; i < counts->count; i++)
        json_object_set_new(json, counts->counts[i].algorithm,
                            json_integer(counts->counts[i].count));
    return json;
}

static json_t *fallbacks_json(const struct key_counts *counts)
{
    json_t *json = json_array();

    for (size_t i = 0; i < counts->unused_fallback_count; i++)
        json_array_append_new(json, json_string(counts->unused_fallback_algorithms[i]));
    return json;
}

static enum errcode write_key_counts(struct call *call, const struct transaction_content *content,
                                     struct strbuf *out)
{
    struct nid_list positions = transaction_positions(call, content, APPSERVICE_KEY_COUNTS);
    json_t *counts = json_on_arena(call->arena, json_object());
    json_t *fallbacks = json_on_arena(call->arena, json_object());
    struct appservice_device *devices;
    size_t count;

    if (positions.count == 0)
        return OK;
    TRY(appservice_devices_load(call->db, call->arena, content->appservice->id, positions, &devices,
                                &count));
    for (size_t i = 0; i < count; i++) {
        const struct device_address device = {devices[i].user_nid, devices[i].device_id};
        struct key_counts found;
        TRY(key_counts_load(call->db, call->arena, &device, &found));
        json_object_set_new(devices_of(counts, devices[i].user_id), device.device_id,
                            counts_json(&found));
        json_object_set_new(devices_of(fallbacks, devices[i].user_id), device.device_id,
                            fallbacks_json(&found));
    }
    if (count == 0)
        return OK;
    write_member("device_one_time_keys_count", counts, out);
    write_member("device_unused_fallback_key_types", fallbacks, out);
    return OK;
}

enum errcode transaction_write_encryption(struct call *call,
                                          const struct transaction_content *content,
                                          struct strbuf *out)
{
    TRY(write_device_lists(call, content, out));
    return write_key_counts(call, content, out);
}
