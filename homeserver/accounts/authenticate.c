/*
 * From an access token to the person, or program, that shows it.
 * Spec: client-server API, "Client authentication", "Account locking", "Soft logout".
 */
#include "homeserver/accounts/authenticate.h"

#include <string.h>

#include "homeserver/accounts/token_cache.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/log.h"
#include "homeserver/base/sha256.h"
#include "homeserver/call.h"
#include "homeserver/services.h"
#include "storage/access_tokens.h"
#include "storage/db.h"
#include "storage/devices.h"
#include "storage/refresh_tokens.h"

enum { NOTE_USE_INTERVAL_MS = 60 * 1000 };

/* The first use of a rotated token ends its predecessor, once; see storage/refresh_tokens.h. */
static enum errcode confirm_rotation(struct call *call, struct access_token *token)
{
    TRY(refresh_token_confirm(call->db, token->unconfirmed_nid, clock_wall_ms()));
    token->unconfirmed_nid = 0;
    token_cache_invalidate_user(call->services->token_cache, token->user_nid);
    return OK;
}

static enum errcode find_token(struct call *call, const uint8_t hash[SHA256_BYTES],
                               struct access_token *out)
{
    struct token_cache *cache = call->services->token_cache;
    const struct token_question question = {
        .hash = hash,
        .now_ms = clock_monotonic_ms(),
        .wall_ms = clock_wall_ms(),
        /* Who can not note the use leaves it to who can. */
        .seen_interval_ms = db_is_absent(call->db) ? INT64_MAX : NOTE_USE_INTERVAL_MS,
    };
    uint64_t epoch;
    enum errcode code;

    if (token_cache_find(cache, call->arena, &question, out))
        return OK;
    epoch = token_cache_epoch(cache);
    code = access_token_find(call->db, call->arena, hash, out);
    if (code == M_NOT_FOUND)
        return fail(call->error, M_UNKNOWN_TOKEN, "The access token is not valid: log in again.");
    TRY(code);
    if (out->unconfirmed_nid == 0)
        token_cache_store(cache, epoch, hash, question.now_ms, out);
    return OK;
}

/* The part after the first colon: a localpart holds none. */
static const char *server_name_of(const char *user_id)
{
    const char *colon = strchr(user_id, ':');

    return colon != NULL ? colon + 1 : "";
}

enum errcode authenticate_token(struct call *call, const char *token,
                                const char *asserted_user_id UNUSED,
                                const char *asserted_device_id UNUSED, struct requester *out)
{
    struct access_token found;
    uint8_t hash[SHA256_BYTES];

    sha256(token, strlen(token), hash);
    TRY(find_token(call, hash, &found));
    if (found.expires_ts != 0 && found.expires_ts <= clock_wall_ms()) {
        error_set_bool(call->error, "soft_logout", true);
        return fail(call->error, M_UNKNOWN_TOKEN, "The access token has expired.");
    }
    if (found.unconfirmed_nid != 0)
        TRY(confirm_rotation(call, &found));

    *out = (struct requester){
        .user_id = found.user_id,
        .user_nid = found.user_nid,
        .device_id = found.device_id,
        .token_nid = found.token_nid,
        .is_guest = found.is_guest,
        .is_admin = found.is_admin,
        .is_locked = found.is_locked,
        .is_suspended = found.is_suspended,
        .server_name = server_name_of(found.user_id),
        .last_seen_ts = found.last_seen_ts,
    };
    return OK;
}

void authenticate_note_use(struct call *call, const struct requester *requester,
                           const char *address, const char *user_agent)
{
    int64_t now_ms = clock_wall_ms();
    const struct device_use use = {
        .user_nid = requester->user_nid,
        .device_id = requester->device_id,
        .address = address,
        .user_agent = user_agent,
        .now_ms = now_ms,
        .interval_ms = NOTE_USE_INTERVAL_MS,
    };

    if (requester->device_id == NULL || now_ms - requester->last_seen_ts < NOTE_USE_INTERVAL_MS)
        return;
    if (device_note_use(call->db, &use) != OK)
        log_debug(LOG_ACCOUNTS, "The last use of a device could not be noted.");
    /* The cached token may still hold the old time: the statement's own condition keeps that from
     * writing twice. */
}
