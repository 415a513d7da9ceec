/*
 * Starting, refreshing and ending sessions.
 *
 * Tokens are over 256 bits of the kernel's randomness and stored as SHA-256. The prefixes carry no
 * meaning here: they let scanners of leaked secrets recognise what they found.
 */
#include "homeserver/accounts/sessions.h"

#include <string.h>

#include "homeserver/accounts/token_cache.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/log.h"
#include "homeserver/base/random.h"
#include "homeserver/base/sha256.h"
#include "homeserver/call.h"
#include "homeserver/services.h"
#include "storage/access_tokens.h"
#include "storage/account_data.h"
#include "storage/cross_signing_keys.h"
#include "storage/db.h"
#include "storage/device_list_changes.h"
#include "storage/devices.h"
#include "storage/journal.h"
#include "storage/key_signatures.h"
#include "storage/refresh_tokens.h"

enum { TOKEN_CHARS = 43, MADE_DEVICE_ID_CHARS = 10 };

/* An access token that can be refreshed lives for an hour: a revoked session ends at once anyway,
 * and every refresh costs the client a round trip. A device that stays away for ninety days has to
 * log in again. */
static const int64_t ACCESS_TOKEN_LIFETIME_MS = INT64_C(3600) * 1000;
static const int64_t REFRESH_TOKEN_LIFETIME_MS = INT64_C(90) * 24 * 3600 * 1000;

/* What one pair of tokens is made for. */
struct issue {
    int64_t user_nid;
    const char *device_id;
    int64_t previous_nid; /* the refresh token that is traded in; 0: none */
    bool with_refresh_token;
};

static enum errcode issue_tokens(struct call *call, struct db *tx, const struct issue *issue,
                                 struct session *out)
{
    int64_t now_ms = clock_wall_ms();
    struct access_token_draft access = {
        .user_nid = issue->user_nid,
        .device_id = issue->device_id,
        .created_ts = now_ms,
    };
    const struct refresh_token_draft refresh = {
        .user_nid = issue->user_nid,
        .device_id = issue->device_id,
        .previous_nid = issue->previous_nid,
        .expires_ts = now_ms + REFRESH_TOKEN_LIFETIME_MS,
    };
    uint8_t hash[SHA256_BYTES];

    *out = (struct session){.device_id = issue->device_id};
    out->access_token = arena_printf(call->arena, "bfa_%s", random_token(call->arena, TOKEN_CHARS));
    if (issue->with_refresh_token) {
        out->refresh_token =
            arena_printf(call->arena, "bfr_%s", random_token(call->arena, TOKEN_CHARS));
        out->expires_in_ms = ACCESS_TOKEN_LIFETIME_MS;
        access.expires_ts = now_ms + ACCESS_TOKEN_LIFETIME_MS;
        sha256(out->refresh_token, strlen(out->refresh_token), hash);
        TRY(refresh_token_insert(tx, call->arena, hash, &refresh, &access.refresh_nid));
    }
    sha256(out->access_token, strlen(out->access_token), hash);
    return access_token_insert(tx, hash, &access);
}

static enum errcode end_tokens_of_device(struct db *tx, int64_t user_nid, const char *device_id)
{
    TRY(access_tokens_delete_of_device(tx, user_nid, device_id));
    return refresh_tokens_delete_of_device(tx, user_nid, device_id);
}

static enum errcode check_name(struct call *call, const char *display_name)
{
    if (display_name != NULL && strlen(display_name) > DEVICE_NAME_BYTES_MAX)
        return fail(call->error, M_TOO_LARGE, "The name of a device has at most %d bytes.",
                    DEVICE_NAME_BYTES_MAX);
    return OK;
}

static enum errcode check_lengths(struct call *call, const struct session_draft *draft)
{
    if (draft->device_id != NULL &&
        (draft->device_id[0] == '\0' || strlen(draft->device_id) > DEVICE_ID_BYTES_MAX))
        return fail(call->error, M_INVALID_PARAM, "A device ID has 1 to %d bytes.",
                    DEVICE_ID_BYTES_MAX);
    return check_name(call, draft->display_name);
}

/* Signatures name devices and cross-signing keys in the same way: no device may be called as one of
 * the user's keys. */
static enum errcode check_not_a_key(struct call *call, const struct session_draft *draft)
{
    bool is_key;

    if (draft->device_id == NULL)
        return OK;
    TRY(cross_signing_key_exists(call->db, call->arena, draft->user_nid, draft->device_id,
                                 &is_key));
    if (is_key)
        return fail(call->error, M_INVALID_PARAM, "One of your keys has this ID.");
    return OK;
}

enum errcode session_check_draft(struct call *call, const struct session_draft *draft)
{
    TRY(check_lengths(call, draft));
    return check_not_a_key(call, draft);
}

enum errcode session_start(struct call *call, const struct session_draft *draft,
                           struct session *out)
{
    SCOPED(db_transaction_end) struct db *tx = NULL;
    struct session session;
    const struct issue issue = {
        .user_nid = draft->user_nid,
        .device_id = draft->device_id != NULL ? draft->device_id
                                              : random_upper(call->arena, MADE_DEVICE_ID_CHARS),
        .with_refresh_token = draft->wants_refresh_token,
    };

    TRY(session_check_draft(call, draft));
    TRY(db_begin(call->db, &tx));
    TRY(device_insert(tx, issue.user_nid, issue.device_id, draft->display_name, clock_wall_ms()));
    TRY(end_tokens_of_device(tx, issue.user_nid, issue.device_id));
    TRY(issue_tokens(call, tx, &issue, &session));
    TRY(db_commit(&tx));
    token_cache_invalidate_user(call->services->token_cache, issue.user_nid);
    *out = session;
    return OK;
}

static enum errcode end_replayed_family(struct call *call, struct db **tx,
                                        const struct refresh_token *token)
{
    log_warn(LOG_ACCOUNTS, "A used refresh token of %s (device %s) came back: its session ends.",
             token->user_id, token->device_id);
    TRY(end_tokens_of_device(*tx, token->user_nid, token->device_id));
    TRY(db_commit(tx));
    token_cache_invalidate_user(call->services->token_cache, token->user_nid);
    error_set_bool(call->error, "soft_logout", true);
    return fail(call->error, M_UNKNOWN_TOKEN, "The refresh token was used before: log in again.");
}

static enum errcode check_refreshable(struct call *call, const struct refresh_token *token)
{
    if (token->is_locked) {
        error_set_bool(call->error, "soft_logout", true);
        return M_USER_LOCKED;
    }
    if (token->expires_ts <= clock_wall_ms()) {
        error_set_bool(call->error, "soft_logout", true);
        return fail(call->error, M_UNKNOWN_TOKEN, "The refresh token has expired: log in again.");
    }
    return OK;
}

enum errcode session_refresh(struct call *call, const char *refresh_token, struct session *out)
{
    SCOPED(db_transaction_end) struct db *tx = NULL;
    struct refresh_token token;
    struct session session;
    uint8_t hash[SHA256_BYTES];
    enum errcode code;

    sha256(refresh_token, strlen(refresh_token), hash);
    TRY(db_begin(call->db, &tx));
    code = refresh_token_find_locked(tx, call->arena, hash, &token);
    if (code == M_NOT_FOUND)
        return fail(call->error, M_UNKNOWN_TOKEN, "The refresh token is not valid: log in again.");
    TRY(code);
    if (token.is_replaced)
        return end_replayed_family(call, &tx, &token);
    TRY(check_refreshable(call, &token));

    if (token.is_unconfirmed)
        TRY(refresh_token_confirm(tx, token.refresh_nid, clock_wall_ms()));
    /* A client that never got our last answer asks again: what that answer held was never used,
     * and goes, so that there is one chain. */
    TRY(refresh_token_delete_successors(tx, token.refresh_nid));
    const struct issue issue = {
        .user_nid = token.user_nid,
        .device_id = token.device_id,
        .previous_nid = token.refresh_nid,
        .with_refresh_token = true,
    };
    TRY(issue_tokens(call, tx, &issue, &session));
    TRY(db_commit(&tx));
    token_cache_invalidate_user(call->services->token_cache, token.user_nid);
    *out = session;
    return OK;
}

/* MSC3890: what the user's other clients know about the notifications of the device. */
static void forget_notification_settings(struct call *call, struct journal_entry *entry,
                                         int64_t user_nid, const char *const *device_ids,
                                         size_t count)
{
    static const char *const prefixes[] = {"org.matrix.msc3890.local_notification_settings.",
                                           "m.local_notification_settings."};

    for (size_t i = 0; i < count * COUNT_OF(prefixes); i++) {
        const struct account_data_key key = {user_nid, ACCOUNT_DATA_GLOBAL,
                                             arena_printf(call->arena, "%s%s",
                                                          prefixes[i % COUNT_OF(prefixes)],
                                                          device_ids[i / COUNT_OF(prefixes)])};

        account_data_delete_in(entry, &key);
    }
}

/* Tokens, keys and queued messages hang on the device's row and go with it; each line here is what
 * does not. */
static enum errcode add_deletions(struct call *call, struct journal_entry *entry, int64_t user_nid,
                                  const char *const *device_ids, size_t count)
{
    /* Open syncs of these devices find out that they are over: this wakes the user too. */
    TRY(device_list_changed_in(call->db, call->arena, entry, user_nid));
    key_signatures_forget_in(entry, user_nid, device_ids, count);
    forget_notification_settings(call, entry, user_nid, device_ids, count);
    devices_delete_in(entry, user_nid, device_ids, count);
    return OK;
}

enum errcode session_end_devices(struct call *call, int64_t user_nid, const char *const *device_ids,
                                 size_t count)
{
    struct journal_entry *entry;
    struct commit_group *group;
    enum errcode outcome;

    if (count == 0)
        return OK;
    entry = journal_entry_create();
    outcome = add_deletions(call, entry, user_nid, device_ids, count);
    if (outcome != OK) {
        journal_entry_destroy(entry);
        return outcome;
    }

    group = commit_group_create();
    journal_submit(call->services->journal, entry, group);
    outcome = commit_group_wait(group);
    commit_group_release(group);
    token_cache_invalidate_user(call->services->token_cache, user_nid);
    return outcome;
}

enum errcode session_rename_device(struct call *call, int64_t user_nid, const char *device_id,
                                   const char *display_name)
{
    struct journal_entry *entry;
    enum errcode outcome;

    TRY(check_name(call, display_name));
    entry = journal_entry_create();
    outcome = device_list_changed_in(call->db, call->arena, entry, user_nid);
    if (outcome != OK) {
        journal_entry_destroy(entry);
        return outcome;
    }
    device_rename_in(entry, user_nid, device_id, display_name);
    journal_submit(call->services->journal, entry, call->commits);
    return OK;
}

enum errcode session_end_device(struct call *call, int64_t user_nid, const char *device_id)
{
    return session_end_devices(call, user_nid, &device_id, 1);
}

enum errcode session_end_all(struct call *call, int64_t user_nid, const char *kept_device_id)
{
    ARRAY_OF(const char *) ending = {0};
    const struct device *devices;
    size_t count;

    TRY(devices_load(call->db, call->arena, user_nid, &devices, &count));
    for (size_t i = 0; i < count; i++) {
        if (kept_device_id == NULL || strcmp(devices[i].device_id, kept_device_id) != 0)
            array_push(call->arena, &ending, devices[i].device_id);
    }
    return session_end_devices(call, user_nid, ending.items, ending.count);
}
