/* Access with the token of an application service. */
#include "homeserver/appservice/appservice_access.h"

#include <string.h>

#include "config/config.h"
#include "homeserver/accounts/authenticate.h"
#include "homeserver/accounts/registration.h"
#include "homeserver/accounts/token_cache.h"
#include "homeserver/appservice/appservices.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/call.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/services.h"
#include "storage/accounts.h"
#include "storage/devices.h"

/* Somebody for whom an application service acts. */
struct assertion {
    const struct appservice *appservice;
    const char *user_id;
    const char *device_id; /* "": none */
};

static enum errcode load_account(struct call *call, const struct assertion *assertion,
                                 const struct account **out)
{
    const struct registration registration = {
        .user_id = assertion->user_id,
        .appservice_id = assertion->appservice->id,
    };
    enum errcode found = account_load(call->db, call->arena, assertion->user_id, out);
    int64_t user_nid;

    if (found != M_NOT_FOUND)
        return found;
    if (strcmp(assertion->user_id, assertion->appservice->sender) != 0)
        return fail(call->error, M_FORBIDDEN, "The user %.255s is not registered.",
                    assertion->user_id);
    /* Two of its requests may be the first at once. */
    found = registration_create(call, &registration, &user_nid);
    if (found != OK && found != M_USER_IN_USE)
        return found;
    return account_load(call->db, call->arena, assertion->user_id, out);
}

static enum errcode check_device(struct call *call, int64_t user_nid, const char *device_id)
{
    struct device device;
    enum errcode found;

    if (device_id[0] == '\0')
        return OK;
    found = device_load(call->db, call->arena, user_nid, device_id, &device);
    if (found == M_NOT_FOUND)
        return fail(call->error, M_UNKNOWN_DEVICE, "The user has no device %.255s.", device_id);
    return found;
}

static enum errcode look_up(struct call *call, const struct assertion *assertion,
                            struct access_token *out)
{
    const struct account *account;

    TRY(load_account(call, assertion, &account));
    if (account->deactivated_ts != 0)
        return M_USER_DEACTIVATED;
    TRY(check_device(call, account->user_nid, assertion->device_id));
    *out = (struct access_token){
        .user_nid = account->user_nid,
        .user_id = account->user_id,
        .device_id = assertion->device_id,
        .is_guest = account->is_guest,
        .is_admin = account->is_admin,
        .is_locked = account->is_locked,
        .is_suspended = account->is_suspended,
    };
    return OK;
}

/* What the database said is kept as it is for tokens. */
static enum errcode find(struct call *call, const struct assertion *assertion,
                         struct access_token *out)
{
    struct token_cache *cache = call->services->token_cache;
    const char *key = arena_printf(call->arena, "appservice %s %s %s", assertion->appservice->id,
                                   assertion->user_id, assertion->device_id);
    uint8_t hash[SHA256_BYTES];
    const struct token_question question = {
        .hash = hash, .now_ms = clock_monotonic_ms(), .seen_interval_ms = INT64_MAX};
    uint64_t epoch;

    sha256(key, strlen(key), hash);
    if (token_cache_find(cache, call->arena, &question, out))
        return OK;
    epoch = token_cache_epoch(cache);
    TRY(look_up(call, assertion, out));
    token_cache_store(cache, epoch, hash, question.now_ms, out);
    return OK;
}

static enum errcode check_user(struct call *call, const struct assertion *assertion)
{
    const struct config *config = config_current(call->services->config);

    if (user_id_is_valid(assertion->user_id) && config_hosts_user(config, assertion->user_id) &&
        appservice_owns_user(assertion->appservice, assertion->user_id))
        return OK;
    return fail(call->error, M_FORBIDDEN,
                "The user %.255s does not belong to this application service.", assertion->user_id);
}

enum errcode appservice_authenticate(struct call *call, const char *token,
                                     const char *asserted_user_id, const char *asserted_device_id,
                                     struct requester *out)
{
    const struct appservice_set *set = appservices_current(call->services->appservices);
    struct assertion assertion = {.appservice = appservice_by_token(set, token)};
    struct access_token found;

    if (assertion.appservice == NULL)
        return authenticate_token(call, token, NULL, NULL, out);
    assertion.user_id = asserted_user_id != NULL ? asserted_user_id : assertion.appservice->sender;
    assertion.device_id = asserted_device_id != NULL ? asserted_device_id : "";
    TRY(check_user(call, &assertion));
    TRY(find(call, &assertion, &found));
    *out = (struct requester){
        .user_id = found.user_id,
        .user_nid = found.user_nid,
        .device_id = asserted_device_id != NULL ? found.device_id : NULL,
        .is_guest = found.is_guest,
        .is_admin = found.is_admin,
        .is_locked = found.is_locked,
        .is_suspended = found.is_suspended,
        .appservice_id = assertion.appservice->id,
        .is_unlimited = !assertion.appservice->is_rate_limited ||
                        strcmp(found.user_id, assertion.appservice->sender) == 0,
        .server_name = identifier_domain(found.user_id),
    };
    return OK;
}
