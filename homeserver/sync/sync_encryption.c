/*
 * What a device has to know to encrypt: whose keys changed, and how many of its own are left.
 * Spec: client-server API, "Extensions to /sync" of "End-to-End Encryption".
 */
#include "homeserver/accounts/requester.h"
#include "homeserver/sync/device_lists.h"
#include "homeserver/sync/sync_internal.h"
#include "storage/one_time_keys.h"

static void write_users(const struct device_list_change *changes, size_t count, bool is_left,
                        struct strbuf *out)
{
    bool any = false;

    strbuf_add_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (changes[i].is_left != is_left)
            continue;
        if (any)
            strbuf_add_char(out, ',');
        strbuf_add_json_string(out, changes[i].user_id, strlen(changes[i].user_id));
        any = true;
    }
    strbuf_add_char(out, ']');
}

enum errcode sync_write_device_lists(struct sync *sync, struct strbuf *out)
{
    const struct position_range range = {.since = sync->since, .until = sync->until};
    struct device_list_change *changes;
    size_t count;

    /* Who begins asks for the keys of everybody in any case. */
    if (sync->since == 0)
        return OK;
    TRY(device_lists_between(sync->call, sync->request->requester->user_nid, &sync->view, range,
                             &changes, &count));
    if (count == 0)
        return OK;
    sync->is_empty = false;
    sync_begin_member(out, "device_lists");
    strbuf_add_string(out, "{\"changed\":");
    write_users(changes, count, false, out);
    strbuf_add_string(out, ",\"left\":");
    write_users(changes, count, true, out);
    strbuf_add_char(out, '}');
    return OK;
}

/* Clients make new keys when they see a small number, so a number of 0 must be said: for the one
 * algorithm in use always. */
static void write_counts(const struct key_counts *counts, struct strbuf *out)
{
    static const char usual[] = "signed_curve25519";
    bool has_usual = false;

    sync_begin_member(out, "device_one_time_keys_count");
    strbuf_add_char(out, '{');
    for (size_t i = 0; i < counts->count; i++) {
        sync_begin_member(out, counts->counts[i].algorithm);
        strbuf_add_int(out, counts->counts[i].count);
        has_usual |= strcmp(counts->counts[i].algorithm, usual) == 0;
    }
    if (!has_usual) {
        sync_begin_member(out, usual);
        strbuf_add_int(out, 0);
    }
    strbuf_add_char(out, '}');
}

static void write_fallback_types(const struct key_counts *counts, const char *name,
                                 struct strbuf *out)
{
    sync_begin_member(out, name);
    strbuf_add_char(out, '[');
    for (size_t i = 0; i < counts->unused_fallback_count; i++) {
        const char *algorithm = counts->unused_fallback_algorithms[i];
        if (i > 0)
            strbuf_add_char(out, ',');
        strbuf_add_json_string(out, algorithm, strlen(algorithm));
    }
    strbuf_add_char(out, ']');
}

enum errcode sync_write_key_counts(struct sync *sync, struct strbuf *out)
{
    const struct requester *requester = sync->request->requester;
    const struct device_address device = {requester->user_nid, requester->device_id};
    struct key_counts counts = {0};

    if (sync->known != NULL) {
        if (sync->known->key_count_position > sync->since)
            sync->is_empty = false;
        strbuf_printf(out, ",%s", sync->known->key_counts);
        return OK;
    }
    if (requester->device_id != NULL)
        TRY(key_counts_load(sync->call->db, sync->call->arena, &device, &counts));
    if (counts.position > sync->since)
        sync->is_empty = false;
    sync->key_count_position = counts.position;
    write_counts(&counts, out);
    write_fallback_types(&counts, "device_unused_fallback_key_types", out);
    /* The name of MSC2732, which clients asked for before there was another. */
    write_fallback_types(&counts, "org.matrix.msc2732.device_unused_fallback_key_types", out);
    return OK;
}
