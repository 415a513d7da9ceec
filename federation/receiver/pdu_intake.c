/* Verifying events of other servers, with their keys fetched once for all. */
#include "federation/receiver/pdu_intake.h"

#include <stdlib.h>
#include <string.h>

#include "federation/receiver/verify_keys.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/log.h"
#include "homeserver/base/parallel.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/foreign_json.h"
#include "homeserver/protocol/json.h"
#include "storage/events.h"

static enum errcode validate(struct arena *arena, const struct pdu_batch *batch, json_t *json,
                             struct error *error, const struct pdu_valid **out)
{
    const struct pdu_raw raw = {
        .version = batch->version,
        .json = json,
        .is_history = batch->is_history,
    };

    TRY(pdu_validate(arena, &raw, error, out));
    if (strcmp(pdu_valid_event(*out)->room_id, batch->room_id) != 0)
        return fail(error, M_BAD_JSON, "The event belongs to another room.");
    return OK;
}

/* Hashes and signatures of many events, on all processors; no two steps touch the same JSON. */
struct verification {
    const struct pdu_batch *batch;
    struct verify_keys *keys;
    const struct pdu_valid **valid;     /* by place in the batch; NULL: it is not valid */
    const struct pdu_signed **verified; /* likewise */
};

static enum errcode read_one(const struct pdu_batch *batch, size_t i, struct arena *arena,
                             struct error *error, json_t **out)
{
    if (batch->pdus != NULL) {
        *out = json_array_get(batch->pdus, i);
        return OK;
    }
    if (batch->texts[i].size > EVENT_TEXT_BYTES_MAX)
        return fail(error, M_TOO_LARGE, "It has more than %d bytes.", EVENT_TEXT_BYTES_MAX);
    return json_parse_foreign(arena, batch->texts[i].bytes, batch->texts[i].size, error, out);
}

static void validate_one(void *context, struct arena *arena, size_t i)
{
    struct verification *verification = context;
    struct error why = {0};
    json_t *json;

    if (read_one(verification->batch, i, arena, &why, &json) == OK &&
        validate(arena, verification->batch, json, &why, &verification->valid[i]) == OK)
        return;
    verification->valid[i] = NULL;
    log_info(LOG_FEDERATION, "An event for %s was dropped: %s", verification->batch->room_id,
             why.text);
}

static void verify_one(void *context, struct arena *arena, size_t i)
{
    struct verification *verification = context;
    const struct pdu_valid *valid = verification->valid[i];
    struct error why = {0};

    if (valid == NULL || pdu_verify(arena, valid, verify_keys_lookup, verification->keys, &why,
                                    &verification->verified[i]) == OK)
        return;
    verification->verified[i] = NULL;
    log_info(LOG_FEDERATION, "Event %s was dropped: %s", pdu_valid_event(valid)->event_id,
             why.text);
}

/* What is stored was verified then. */
static enum errcode leave_out_stored(struct call *call, int64_t room_nid,
                                     const struct pdu_valid **valid, size_t count)
{
    const char **ids = ARENA_ARRAY(call->arena, count, const char *);
    int64_t *nids = ARENA_ARRAY(call->arena, count, int64_t);

    for (size_t i = 0; i < count; i++)
        ids[i] = valid[i] != NULL ? pdu_valid_event(valid[i])->event_id : "";
    TRY(event_nids_find(call->db, call->arena, room_nid, ids, count, nids));
    for (size_t i = 0; i < count; i++) {
        if (nids[i] != 0)
            valid[i] = NULL;
    }
    return OK;
}

enum errcode pdus_verify(struct call *call, const struct pdu_batch *batch,
                         const struct pdu_signed ***out, size_t *count_out)
{
    size_t count = batch->pdus != NULL ? json_array_size(batch->pdus) : batch->text_count;
    size_t valid_count = 0;
    const struct pdu_valid **valid = ARENA_ARRAY(call->arena, count, const struct pdu_valid *);
    struct verification verification = {
        .batch = batch,
        .valid = ARENA_ARRAY(call->arena, count, const struct pdu_valid *),
        .verified = ARENA_ARRAY(call->arena, count, const struct pdu_signed *),
    };

    parallel_run(call->arena, count, validate_one, &verification);
    if (batch->stored_in != 0)
        TRY(leave_out_stored(call, batch->stored_in, verification.valid, count));
    for (size_t i = 0; i < count; i++) {
        if (verification.valid[i] != NULL)
            valid[valid_count++] = verification.valid[i];
    }
    TRY(verify_keys_load(call, valid, valid_count, &verification.keys));
    parallel_run(call->arena, count, verify_one, &verification);
    *out = verification.verified;
    *count_out = count;
    return OK;
}

static int compare_depth(const void *a, const void *b)
{
    const struct event *left = pdu_signed_event(*(const struct pdu_signed *const *)a);
    const struct event *right = pdu_signed_event(*(const struct pdu_signed *const *)b);

    return (left->depth > right->depth) - (left->depth < right->depth);
}

size_t pdus_oldest_first(const struct pdu_signed **pdus, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        if (pdus[i] != NULL)
            pdus[kept++] = pdus[i];
    }
    if (kept > 1)
        qsort(pdus, kept, sizeof(*pdus), compare_depth);
    return kept;
}

enum errcode pdu_verify_one(struct call *call, const struct pdu_batch *batch, json_t *json,
                            const struct pdu_signed **out)
{
    const struct pdu_valid *valid;
    struct verify_keys *keys;

    TRY(validate(call->arena, batch, json, call->error, &valid));
    TRY(verify_keys_load(call, &valid, 1, &keys));
    return pdu_verify(call->arena, valid, verify_keys_lookup, keys, call->error, out);
}
