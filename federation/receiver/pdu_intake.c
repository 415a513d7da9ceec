/* Verifying events of other servers, with their keys fetched once for all. */
#include "federation/receiver/pdu_intake.h"

#include <string.h>

#include "federation/receiver/verify_keys.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/log.h"
#include "homeserver/protocol/event.h"

static enum errcode validate(struct call *call, const struct pdu_batch *batch, json_t *json,
                             struct error *error, const struct pdu_valid **out)
{
    const struct pdu_raw raw = {
        .version = batch->version,
        .json = json,
        .is_history = batch->is_history,
    };

    TRY(pdu_validate(call->arena, &raw, error, out));
    if (strcmp(pdu_valid_event(*out)->room_id, batch->room_id) != 0)
        return fail(error, M_BAD_JSON, "The event belongs to another room.");
    return OK;
}

enum errcode pdus_verify(struct call *call, const struct pdu_batch *batch,
                         const struct pdu_signed ***out, size_t *count_out)
{
    size_t count = json_array_size(batch->pdus), valid_count = 0, i;
    const struct pdu_valid **valid = ARENA_ARRAY(call->arena, count, const struct pdu_valid *);
    size_t *indexes = ARENA_ARRAY(call->arena, count, size_t);
    struct verify_keys *keys;
    json_t *json;

    *out = ARENA_ARRAY(call->arena, count, const struct pdu_signed *);
    *count_out = count;
    json_array_foreach (batch->pdus, i, json) {
        struct error why = {0};
        if (validate(call, batch, json, &why, &valid[valid_count]) == OK)
            indexes[valid_count++] = i;
        else
            log_info(LOG_FEDERATION, "An event for %s was dropped: %s", batch->room_id, why.text);
    }
    TRY(verify_keys_load(call, valid, valid_count, &keys));
    for (i = 0; i < valid_count; i++) {
        struct error why = {0};
        if (pdu_verify(call->arena, valid[i], verify_keys_lookup, keys, &why,
                       &(*out)[indexes[i]]) != OK) {
            (*out)[indexes[i]] = NULL;
            log_info(LOG_FEDERATION, "Event %s was dropped: %s",
                     pdu_valid_event(valid[i])->event_id, why.text);
        }
    }
    return OK;
}

enum errcode pdu_verify_one(struct call *call, const struct pdu_batch *batch, json_t *json,
                            const struct pdu_signed **out)
{
    const struct pdu_valid *valid;
    struct verify_keys *keys;

    TRY(validate(call, batch, json, call->error, &valid));
    TRY(verify_keys_load(call, &valid, 1, &keys));
    return pdu_verify(call->arena, valid, verify_keys_lookup, keys, call->error, out);
}
