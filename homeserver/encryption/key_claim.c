/* Spec: client-server API, "POST /keys/claim" (keys.yaml). */
#include "homeserver/encryption/key_claim.h"

#include <string.h>

#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/rate_limiter.h"
#include "homeserver/call.h"
#include "homeserver/encryption/key_query.h"
#include "homeserver/protocol/json.h"
#include "homeserver/services.h"
#include "storage/db.h"
#include "storage/db_transaction.h"
#include "storage/journal.h"
#include "storage/one_time_keys.h"
#include "storage/users.h"

typedef ARRAY_OF(struct key_claim) claim_array;

/* Keys of one device that one claimant may have at once, and in the long run. */
struct claim_rate {
    int burst;
    double per_second;
};
static const struct claim_rate user_rate = {50, 0.02}, server_rate = {500, 1};

static int64_t take_claims(struct call *call, const char *claimant, const char *user_id,
                           json_t *devices)
{
    const struct claim_rate *rate = claimant[0] == '@' ? &user_rate : &server_rate;
    int64_t wait_ms = 0;
    const char *device_id;
    json_t *algorithm;

    json_object_foreach (devices, device_id, algorithm) {
        const char *key = arena_printf(call->arena, "claim %s %s %s", claimant, user_id, device_id);
        int64_t needed_ms = rate_limiter_take(call->services->rate_limiter, key, rate->per_second,
                                              rate->burst, clock_monotonic_ms());
        wait_ms = needed_ms > wait_ms ? needed_ms : wait_ms;
    }
    return wait_ms;
}

enum errcode key_claims_limit(struct call *call, const char *claimant, json_t *wanted)
{
    int64_t wait_ms = 0;
    const char *user_id;
    json_t *devices;

    if (!config_current(call->services->config)->rate_limits.enabled)
        return OK;
    json_object_foreach (wanted, user_id, devices) {
        int64_t needed_ms = take_claims(call, claimant, user_id, devices);
        wait_ms = needed_ms > wait_ms ? needed_ms : wait_ms;
    }
    if (wait_ms == 0)
        return OK;
    error_set_int(call->error, "retry_after_ms", wait_ms);
    return fail(call->error, M_LIMIT_EXCEEDED, "Too many keys of one device were claimed.");
}

struct claims {
    struct call *call;
    claim_array wanted;
    ARRAY_OF(const char *) user_ids; /* parallel to wanted */
};

static enum errcode check_devices(struct call *call, json_t *devices)
{
    const char *device_id;
    json_t *algorithm;

    if (!json_is_object(devices))
        return fail(call->error, M_BAD_JSON, "\"one_time_keys\" must map users to devices.");
    json_object_foreach (devices, device_id, algorithm) {
        if (!json_is_text(algorithm))
            return fail(call->error, M_BAD_JSON, "The algorithm of a device must be text.");
    }
    return OK;
}

static enum errcode add_user(struct claims *claims, const char *user_id, json_t *devices)
{
    struct call *call = claims->call;
    const char *device_id;
    json_t *algorithm;

    json_object_foreach (devices, device_id, algorithm) {
        struct key_claim claim = {.device.device_id = device_id, .algorithm = json_text(algorithm)};
        if (claims->wanted.count == KEY_CLAIMS_MAX)
            return fail(call->error, M_TOO_LARGE, "Keys of at most %d devices can be claimed.",
                        KEY_CLAIMS_MAX);
        array_push(call->arena, &claims->wanted, claim);
        array_push(call->arena, &claims->user_ids, user_id);
    }
    return OK;
}

static enum errcode find_users(struct claims *claims)
{
    size_t count = claims->wanted.count;
    int64_t *nids = ARENA_ARRAY(claims->call->arena, count, int64_t);

    TRY(user_nids_find(claims->call->db, claims->call->arena, claims->user_ids.items, count, nids));
    for (size_t i = 0; i < count; i++)
        claims->wanted.items[i].device.user_nid = nids[i];
    return OK;
}

static enum errcode take_keys(struct db *tx, void *context)
{
    struct claims *claims = context;

    return one_time_keys_claim(tx, claims->call->arena, claims->wanted.items, claims->wanted.count);
}

/* The devices learn by sync that they have fewer keys. If we die before this is written, they
 * learn it from the counts of their next sync. */
static void announce_counts(const struct claims *claims)
{
    struct call *call = claims->call;
    struct journal_entry *entry = NULL;

    for (size_t i = 0; i < claims->wanted.count; i++) {
        const struct key_claim *claim = &claims->wanted.items[i];
        if (!claim->changes_counts)
            continue;
        if (entry == NULL)
            entry = journal_entry_create();
        one_time_keys_changed_in(entry, &claim->device);
        journal_entry_wake_user(entry, claim->device.user_nid);
    }
    if (entry != NULL)
        journal_submit(call->services->journal, entry, call->commits);
}

static enum errcode write_keys(const struct claims *claims, json_t *out)
{
    struct arena *arena = claims->call->arena;

    for (size_t i = 0; i < claims->wanted.count; i++) {
        const struct key_claim *claim = &claims->wanted.items[i];
        json_t *key;
        if (claim->key == NULL)
            continue;
        TRY(json_parse(arena, claim->key, strlen(claim->key), NULL, &key));
        json_t *device = key_object_obtain(key_object_obtain(out, claims->user_ids.items[i]),
                                           claim->device.device_id);
        json_object_set(device, arena_printf(arena, "%s:%s", claim->algorithm, claim->key_id), key);
    }
    return OK;
}

enum errcode keys_claim(struct call *call, json_t *wanted, json_t **keys_out)
{
    const struct config *config = config_current(call->services->config);
    struct claims claims = {.call = call};
    const char *user_id;
    json_t *devices;

    *keys_out = json_on_arena(call->arena, json_object());
    json_object_foreach (wanted, user_id, devices) {
        TRY(check_devices(call, devices));
        if (config_hosts_user(config, user_id))
            TRY(add_user(&claims, user_id, devices));
    }
    if (claims.wanted.count == 0)
        return OK;
    TRY(find_users(&claims));
    TRY(db_transaction_run(call->db, take_keys, &claims));
    announce_counts(&claims);
    return write_keys(&claims, *keys_out);
}
