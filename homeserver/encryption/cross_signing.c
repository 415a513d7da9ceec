/* Spec: client-server API, "Cross-signing", POST /keys/device_signing/upload. */
#include "homeserver/encryption/cross_signing.h"

#include <string.h>

#include "homeserver/accounts/requester.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/call.h"
#include "homeserver/encryption/olm_keys.h"
#include "homeserver/protocol/canonical_json.h"
#include "homeserver/protocol/json.h"
#include "homeserver/services.h"
#include "storage/cross_signing_keys.h"
#include "storage/device_keys.h"
#include "storage/device_list_changes.h"
#include "storage/devices.h"
#include "storage/journal.h"
#include "storage/key_signatures.h"

/* One upload: what is stored, and what the body brings. */
struct upload {
    struct call *call;
    const struct requester *requester;
    struct cross_signing_set stored;
    struct cross_signing_set brought;
};

enum errcode cross_signing_load(struct call *call, const char *user_id, int64_t user_nid,
                                struct cross_signing_set *out)
{
    struct cross_signing_row *rows;
    json_t *json;
    size_t count;

    *out = (struct cross_signing_set){0};
    TRY(cross_signing_keys_of_users(call->db, call->arena, &user_nid, 1, &rows, &count));
    for (size_t i = 0; i < count; i++) {
        TRY(json_parse_object(call->arena, rows[i].keys, strlen(rows[i].keys), NULL, &json));
        TRY(cross_signing_key_parse(json, user_id, (enum cross_signing_usage)rows[i].usage,
                                    call->error, &out->keys[rows[i].usage]));
    }
    return OK;
}

static const json_t *body_key(struct call *call, const json_t *body, int usage)
{
    const char *name = cross_signing_usage_text((enum cross_signing_usage)usage);
    const json_t *key = json_object_get(body, arena_printf(call->arena, "%s_key", name));

    return json_is_null(key) ? NULL : key;
}

static enum errcode read_upload(struct upload *upload, const json_t *body)
{
    struct call *call = upload->call;
    const struct requester *requester = upload->requester;

    TRY(cross_signing_load(call, requester->user_id, requester->user_nid, &upload->stored));
    for (int usage = 0; usage < CROSS_SIGNING_USAGES; usage++) {
        const json_t *key = body_key(call, body, usage);
        if (key == NULL)
            continue;
        if (!json_is_object(key))
            return fail(call->error, M_BAD_JSON, "A cross-signing key must be an object.");
        TRY(cross_signing_key_parse(key, requester->user_id, (enum cross_signing_usage)usage,
                                    call->error, &upload->brought.keys[usage]));
    }
    return OK;
}

static bool is_same_key(const struct cross_signing_key *a, const struct cross_signing_key *b)
{
    return a->json != NULL && b->json != NULL && strcmp(a->public_key, b->public_key) == 0;
}

enum errcode cross_signing_upload_is_harmless(struct call *call, const struct requester *requester,
                                              const json_t *body, bool *out)
{
    struct upload upload = {.call = call, .requester = requester};

    TRY(read_upload(&upload, body));
    *out = true;
    if (upload.stored.keys[CROSS_SIGNING_MASTER].json == NULL)
        return OK;
    for (int usage = 0; usage < CROSS_SIGNING_USAGES; usage++) {
        if (upload.brought.keys[usage].json != NULL &&
            !is_same_key(&upload.brought.keys[usage], &upload.stored.keys[usage]))
            *out = false;
    }
    return OK;
}

/* The master key may carry signatures of devices; those that can be checked must be right. */
static enum errcode check_master(const struct upload *upload,
                                 const struct cross_signing_key *master)
{
    struct call *call = upload->call;
    const char *user_id = upload->requester->user_id;
    struct device_keys_row *rows;
    size_t count;
    json_t *keys;

    TRY(device_keys_of_users(call->db, call->arena, &upload->requester->user_nid, 1, &rows,
                             &count));
    for (size_t i = 0; i < count; i++) {
        const char *key_id = arena_printf(call->arena, "ed25519:%s", rows[i].device_id);
        const json_t *signatures =
            json_get_object(json_get_object(master->json, "signatures"), user_id);
        if (json_object_get(signatures, key_id) == NULL)
            continue;
        TRY(json_parse_object(call->arena, rows[i].keys, strlen(rows[i].keys), NULL, &keys));
        if (!olm_key_signed(master->json, user_id, key_id,
                            json_get_string(json_get_object(keys, "keys"), key_id)))
            return fail(call->error, M_INVALID_SIGNATURE,
                        "The signature of the master key by the device %s is not valid.",
                        rows[i].device_id);
    }
    return OK;
}

static enum errcode check_signatures(const struct upload *upload)
{
    struct call *call = upload->call;
    const struct cross_signing_key *master = &upload->brought.keys[CROSS_SIGNING_MASTER];

    if (master->json != NULL)
        TRY(check_master(upload, master));
    else
        master = &upload->stored.keys[CROSS_SIGNING_MASTER];
    for (int usage = CROSS_SIGNING_SELF_SIGNING; usage < CROSS_SIGNING_USAGES; usage++) {
        const struct cross_signing_key *key = &upload->brought.keys[usage];
        if (key->json == NULL)
            continue;
        if (master->json == NULL)
            return fail(call->error, M_MISSING_PARAM, "There is no master key.");
        if (!olm_key_signed(key->json, upload->requester->user_id, master->key_id,
                            master->public_key))
            return fail(call->error, M_INVALID_SIGNATURE,
                        "The key for \"%s\" is not signed by the master key.",
                        cross_signing_usage_text((enum cross_signing_usage)usage));
    }
    return OK;
}

/* Signatures name devices and cross-signing keys in the same way: they must not be mixed up. */
static enum errcode check_names(const struct upload *upload)
{
    struct call *call = upload->call;
    struct device device;

    for (int usage = 0; usage < CROSS_SIGNING_USAGES; usage++) {
        if (upload->brought.keys[usage].json == NULL)
            continue;
        enum errcode found = device_load(call->db, call->arena, upload->requester->user_nid,
                                         upload->brought.keys[usage].public_key, &device);
        if (found == OK)
            return fail(call->error, M_FORBIDDEN, "One of your devices has the ID of this key.");
        if (found != M_NOT_FOUND)
            return found;
    }
    return OK;
}

enum errcode key_document_text(struct call *call, const char *user_id, const json_t *key,
                               const char **out)
{
    static const char *const omitted[] = {"unsigned", NULL};
    SCOPED(strbuf_finish) struct strbuf text;
    json_t *copy = json_on_arena(call->arena, json_copy((json_t *)(uintptr_t)key));
    json_t *own = json_get_object(json_get_object(key, "signatures"), user_id);

    json_object_del(copy, "signatures");
    if (own != NULL)
        json_object_set_new(copy, "signatures", json_pack("{s:O}", user_id, own));
    strbuf_init(&text, KEY_DOCUMENT_BYTES_MAX);
    TRY(canonical_json_write_without(copy, omitted, CANONICAL_JSON_STRICT, &text, call->error));
    *out = arena_strndup(call->arena, text.data, text.length);
    return OK;
}

static enum errcode add_key(const struct upload *upload, struct journal_entry *entry, int usage)
{
    struct call *call = upload->call;
    int64_t user_nid = upload->requester->user_nid;
    const struct cross_signing_key *stored = &upload->stored.keys[usage];
    const struct cross_signing_key *brought = &upload->brought.keys[usage];
    struct cross_signing_row row = {.usage = usage, .public_key = brought->public_key};
    bool is_replaced = stored->json != NULL && !is_same_key(stored, brought);
    bool has_new_master = upload->brought.keys[CROSS_SIGNING_MASTER].json != NULL &&
                          !is_same_key(&upload->brought.keys[CROSS_SIGNING_MASTER],
                                       &upload->stored.keys[CROSS_SIGNING_MASTER]);

    /* What an old master key vouched for ends with it. */
    if (is_replaced && (brought->json != NULL || has_new_master)) {
        key_signatures_forget_in(entry, user_nid, &stored->public_key, 1);
        cross_signing_key_delete_in(entry, user_nid, usage);
    }
    if (brought->json == NULL)
        return OK;
    TRY(key_document_text(call, upload->requester->user_id, brought->json, &row.keys));
    cross_signing_key_set_in(entry, user_nid, &row);
    return OK;
}

static enum errcode fill_entry(const struct upload *upload, struct journal_entry *entry)
{
    for (int usage = 0; usage < CROSS_SIGNING_USAGES; usage++)
        TRY(add_key(upload, entry, usage));
    return device_list_changed_in(upload->call->db, upload->call->arena, entry,
                                  upload->requester->user_nid);
}

static bool brings_nothing(const struct upload *upload)
{
    for (int usage = 0; usage < CROSS_SIGNING_USAGES; usage++) {
        if (upload->brought.keys[usage].json != NULL &&
            !is_same_key(&upload->brought.keys[usage], &upload->stored.keys[usage]))
            return false;
    }
    return true;
}

enum errcode cross_signing_upload(struct call *call, const struct requester *requester,
                                  const json_t *body)
{
    struct upload upload = {.call = call, .requester = requester};

    TRY(read_upload(&upload, body));
    TRY(check_names(&upload));
    TRY(check_signatures(&upload));
    if (brings_nothing(&upload))
        return OK;

    struct journal_entry *entry = journal_entry_create();
    enum errcode outcome = fill_entry(&upload, entry);
    if (outcome != OK) {
        journal_entry_destroy(entry);
        return outcome;
    }
    journal_submit(call->services->journal, entry, call->commits);
    return OK;
}
