/* Spec: client-server API, "Cross-signing", POST /keys/signatures/upload (cross_signing.yaml). */
#include "homeserver/encryption/signature_upload.h"

#include <string.h>

#include "homeserver/accounts/requester.h"
#include "homeserver/base/arena.h"
#include "homeserver/call.h"
#include "homeserver/encryption/cross_signing.h"
#include "homeserver/encryption/key_query.h"
#include "homeserver/encryption/olm_keys.h"
#include "homeserver/protocol/json.h"
#include "homeserver/services.h"
#include "storage/device_keys.h"
#include "storage/device_list_changes.h"
#include "storage/journal.h"
#include "storage/key_signatures.h"
#include "storage/users.h"

struct signing {
    struct call *call;
    const struct requester *requester;
    struct cross_signing_set own;
    struct journal_entry *entry;
    bool changes_own_keys;
    size_t added;
};

/* One key that is signed. */
struct target {
    const char *user_id;
    int64_t user_nid;
    const char *id;                         /* device ID or public key */
    const json_t *stored;                   /* the document that we have */
    const struct cross_signing_key *signer; /* NULL: any device of the requester */
};

static enum errcode find_own(struct signing *signing, struct target *target)
{
    struct call *call = signing->call;
    const struct cross_signing_key *master = &signing->own.keys[CROSS_SIGNING_MASTER];
    const char *text;
    json_t *json;

    target->user_nid = signing->requester->user_nid;
    if (master->json != NULL && strcmp(master->public_key, target->id) == 0) {
        target->stored = master->json;
        target->signer = NULL;
        return OK;
    }
    TRY(device_keys_load(call->db, call->arena, target->user_nid, target->id, &text));
    TRY(json_parse_object(call->arena, text, strlen(text), NULL, &json));
    target->stored = json;
    target->signer = &signing->own.keys[CROSS_SIGNING_SELF_SIGNING];
    return OK;
}

static enum errcode find_target(struct signing *signing, struct target *target)
{
    struct call *call = signing->call;
    struct cross_signing_set theirs;

    if (strcmp(target->user_id, signing->requester->user_id) == 0)
        return find_own(signing, target);
    TRY(user_nid_find(call->db, call->arena, target->user_id, &target->user_nid));
    TRY(cross_signing_load(call, target->user_id, target->user_nid, &theirs));
    const struct cross_signing_key *master = &theirs.keys[CROSS_SIGNING_MASTER];
    if (master->json == NULL || strcmp(master->public_key, target->id) != 0)
        return M_NOT_FOUND;
    target->stored = master->json;
    target->signer = &signing->own.keys[CROSS_SIGNING_USER_SIGNING];
    return OK;
}

/* The same document, but for who signed it. */
static bool is_same_document(struct arena *arena, const json_t *a, const json_t *b)
{
    json_t *bare_a = json_on_arena(arena, json_copy((json_t *)(uintptr_t)a));
    json_t *bare_b = json_on_arena(arena, json_copy((json_t *)(uintptr_t)b));

    json_object_del(bare_a, "signatures");
    json_object_del(bare_b, "signatures");
    json_object_del(bare_a, "unsigned");
    json_object_del(bare_b, "unsigned");
    return json_equal(bare_a, bare_b) == 1;
}

/* The public key that this signature is to be checked with; NULL when it is not one that may sign
 * the target: others in the document are passed over. */
static enum errcode find_public_key(struct signing *signing, const struct target *target,
                                    const char *key_id, const char **out)
{
    struct call *call = signing->call;
    const char *text;
    json_t *keys;

    *out = NULL;
    if (target->signer != NULL) {
        if (target->signer->json != NULL && strcmp(target->signer->key_id, key_id) == 0)
            *out = target->signer->public_key;
        return OK;
    }
    if (strncmp(key_id, "ed25519:", strlen("ed25519:")) != 0)
        return OK;
    enum errcode found = device_keys_load(call->db, call->arena, signing->requester->user_nid,
                                          key_id + strlen("ed25519:"), &text);
    if (found == M_NOT_FOUND)
        return OK;
    TRY(found);
    TRY(json_parse_object(call->arena, text, strlen(text), NULL, &keys));
    *out = json_get_string(json_get_object(keys, "keys"), key_id);
    return OK;
}

static enum errcode add_signatures(struct signing *signing, const struct target *target,
                                   const json_t *document)
{
    struct call *call = signing->call;
    const char *user_id = signing->requester->user_id, *key_id, *public_key;
    json_t *signatures = json_get_object(json_get_object(document, "signatures"), user_id);
    json_t *signature;
    size_t added = 0;

    json_object_foreach (signatures, key_id, signature) {
        TRY(find_public_key(signing, target, key_id, &public_key));
        if (public_key == NULL)
            continue;
        if (!olm_key_signed(document, user_id, key_id, public_key))
            return fail(call->error, M_INVALID_SIGNATURE, "The signature by %s is not valid.",
                        key_id);
        const struct new_key_signature row = {
            .target_nid = target->user_nid,
            .target_id = target->id,
            .signer_nid = signing->requester->user_nid,
            .signer_key_id = key_id,
            .signature = json_string_value(signature),
        };
        key_signature_add_in(signing->entry, &row);
        added++;
    }
    if (added == 0)
        return fail(call->error, M_INVALID_SIGNATURE,
                    "The document has no signature by a key that may sign it.");
    signing->added += added;
    signing->changes_own_keys |= target->user_nid == signing->requester->user_nid;
    return OK;
}

static enum errcode take_document(struct signing *signing, const char *user_id, const char *id,
                                  const json_t *document)
{
    struct call *call = signing->call;
    struct target target = {.user_id = user_id, .id = id};

    if (!json_is_object(document))
        return fail(call->error, M_BAD_JSON, "A signed key must be an object.");
    enum errcode found = find_target(signing, &target);
    if (found == M_NOT_FOUND)
        return fail(call->error, M_NOT_FOUND, "There is no such key.");
    TRY(found);
    if (!is_same_document(call->arena, document, target.stored))
        return fail(call->error, M_INVALID_PARAM, "The key is not the one that is stored.");
    return add_signatures(signing, &target, document);
}

static void note_failure(struct signing *signing, json_t *failures, const char *user_id,
                         const char *id, enum errcode code)
{
    struct error *error = signing->call->error;

    json_object_set_new(
        key_object_obtain(failures, user_id), id,
        json_pack("{s:s, s:s}", "errcode", errcode_wire_name(code), "error",
                  error->text[0] != '\0' ? error->text : errcode_default_text(code)));
    error_clear(error);
}

static enum errcode take_documents(struct signing *signing, json_t *documents, json_t *failures)
{
    const char *user_id, *id;
    json_t *of_user, *document;

    json_object_foreach (documents, user_id, of_user) {
        if (!json_is_object(of_user))
            return fail(signing->call->error, M_BAD_JSON, "The body must map users to keys.");
        json_object_foreach (of_user, id, document) {
            enum errcode code = take_document(signing, user_id, id, document);
            if (errcode_is_internal(code))
                return code;
            if (code != OK)
                note_failure(signing, failures, user_id, id, code);
        }
    }
    if (!signing->changes_own_keys)
        return OK;
    return device_list_changed_in(signing->call->db, signing->call->arena, signing->entry,
                                  signing->requester->user_nid);
}

enum errcode signatures_upload(struct call *call, const struct requester *requester,
                               json_t *documents, json_t **failures_out)
{
    struct signing signing = {.call = call, .requester = requester};
    json_t *failures = json_on_arena(call->arena, json_object());
    enum errcode outcome;

    TRY(cross_signing_load(call, requester->user_id, requester->user_nid, &signing.own));
    signing.entry = journal_entry_create();
    outcome = take_documents(&signing, documents, failures);
    if (outcome != OK || signing.added == 0) {
        journal_entry_destroy(signing.entry);
    } else {
        journal_entry_wake_user(signing.entry, requester->user_nid);
        journal_submit(call->services->journal, signing.entry, call->commits);
    }
    *failures_out = failures;
    return outcome;
}
