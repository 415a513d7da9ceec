/* What a transaction holds: the next events of a queue and what happened beside them. */
#include "federation/sender/transaction_builder.h"

#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/protocol/edu.h"
#include "homeserver/protocol/json.h"

enum {
    OUTBOX_MAX = 40,
    DEVICE_CHANGES_MAX = 40,
    RECEIPTS_MAX = 2000, /* one EDU */
    PRESENCE_MAX = 200,  /* one EDU */
};

struct builder {
    struct db *db;
    struct arena *arena;
    const struct transaction_plan *plan;
    struct federation_part part; /* `until` shrinks while things do not fit */
    json_t *pdus, *edus;
    int64_t newest_ts;
};

static enum errcode add_json(struct builder *builder, json_t *list, const char *text, size_t size)
{
    json_t *json;

    TRY(json_parse_object(builder->arena, text, size, NULL, &json));
    json_array_append(list, json);
    return OK;
}

/* A full page: what comes after it is for the next transaction. */
static void end_at(struct builder *builder, size_t count, int64_t limit, int64_t last_position)
{
    if ((int64_t)count == limit && last_position < builder->part.until)
        builder->part.until = last_position;
}

static enum errcode add_pdus(struct builder *builder)
{
    struct federation_pdu *pdus;
    size_t count;

    builder->part.limit = builder->plan->pdu_limit;
    TRY(federation_pdus_load(builder->db, builder->arena, &builder->part, &pdus, &count));
    if (count > 0)
        end_at(builder, count, builder->part.limit, pdus[count - 1].position);
    for (size_t i = 0; i < count; i++) {
        if (pdus[i].position > builder->part.until)
            break;
        TRY(add_json(builder, builder->pdus, pdus[i].json, pdus[i].json_size));
        builder->newest_ts = pdus[i].origin_server_ts;
    }
    return OK;
}

static enum errcode add_outbox(struct builder *builder, const struct federation_edu *edus,
                               size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (edus[i].position <= builder->part.until)
            TRY(add_json(builder, builder->edus, edus[i].json, strlen(edus[i].json)));
    }
    return OK;
}

/* Without prev_id the other server asks for the whole list: one EDU says it all, whatever was
 * changed, and cross-signing keys come along. */
static void add_device_changes(struct builder *builder,
                               const struct federation_device_change *changes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct device_list_update_edu update = {
            .user_id = changes[i].user_id,
            .device_id = changes[i].device_id,
            .stream_id = changes[i].position,
        };
        if (changes[i].position <= builder->part.until)
            json_array_append_new(builder->edus, edu_build_device_list_update(&update));
    }
}

static enum errcode add_receipts(struct builder *builder)
{
    struct federation_receipt *found;
    struct receipt_edu *receipts;
    size_t count;

    builder->part.limit = RECEIPTS_MAX;
    TRY(federation_receipts_load(builder->db, builder->arena, &builder->part, &found, &count));
    if (count == 0)
        return OK;
    receipts = ARENA_ARRAY(builder->arena, count, struct receipt_edu);
    for (size_t i = 0; i < count; i++)
        receipts[i] = (struct receipt_edu){
            .room_id = found[i].room_id,
            .user_id = found[i].user_id,
            .event_id = found[i].event_id,
            .ts = found[i].ts,
            .thread_id = found[i].thread[0] != '\0' ? found[i].thread : NULL,
        };
    edu_add_receipts(builder->edus, receipts, count);
    return OK;
}

static enum errcode add_presence(struct builder *builder)
{
    const int64_t now_ms = clock_wall_ms();
    struct presence_row *rows;
    struct presence_edu *users;
    size_t count;

    builder->part.limit = PRESENCE_MAX;
    TRY(federation_presence_load(builder->db, builder->arena, &builder->part, &rows, &count));
    if (count == 0)
        return OK;
    users = ARENA_ARRAY(builder->arena, count, struct presence_edu);
    for (size_t i = 0; i < count; i++)
        users[i] = (struct presence_edu){
            .user_id = rows[i].user_id,
            .presence = presence_state_text(rows[i].state),
            .status_msg = rows[i].status_msg,
            .last_active_ago =
                now_ms > rows[i].last_active_ts ? now_ms - rows[i].last_active_ts : 0,
            .is_currently_active = rows[i].currently_active,
        };
    json_array_append_new(builder->edus, edu_build_presence(users, count));
    return OK;
}

/* The parts that may fill their page come first: together they say how far this transaction goes.
 */
static enum errcode fill(struct builder *builder)
{
    struct federation_device_change *changes;
    struct federation_edu *outbox;
    size_t outbox_count, change_count;

    builder->part.limit = OUTBOX_MAX;
    TRY(federation_outbox_load(builder->db, builder->arena, &builder->part, &outbox,
                               &outbox_count));
    if (outbox_count > 0)
        end_at(builder, outbox_count, OUTBOX_MAX, outbox[outbox_count - 1].position);
    builder->part.limit = DEVICE_CHANGES_MAX;
    TRY(federation_device_changes_load(builder->db, builder->arena, &builder->part, &changes,
                                       &change_count));
    if (change_count > 0)
        end_at(builder, change_count, DEVICE_CHANGES_MAX, changes[change_count - 1].position);
    TRY(add_pdus(builder));
    TRY(add_outbox(builder, outbox, outbox_count));
    add_device_changes(builder, changes, change_count);
    TRY(add_receipts(builder));
    TRY(add_presence(builder));
    for (size_t i = 0; i < builder->plan->edu_count; i++)
        json_array_append(builder->edus, builder->plan->edus[i]);
    return OK;
}

enum errcode transaction_plan(struct db *db, struct arena *arena,
                              const struct transaction_plan *plan, struct planned_transaction *out)
{
    struct builder builder = {
        .db = db,
        .arena = arena,
        .plan = plan,
        .part = {plan->queue, plan->queue->sent_position, plan->queue->wanted_position, 0},
        .pdus = json_on_arena(arena, json_array()),
        .edus = json_on_arena(arena, json_array()),
    };

    TRY(fill(&builder));
    *out = (struct planned_transaction){
        .until = builder.part.until,
        .pdu_count = json_array_size(builder.pdus),
        .edu_count = json_array_size(builder.edus),
        .newest_ts = builder.newest_ts,
    };
    if (out->pdu_count + out->edu_count > 0)
        out->content =
            json_on_arena(arena, json_pack("{ss,sI,sO,sO}", "origin", plan->queue->origin,
                                           "origin_server_ts", (json_int_t)clock_wall_ms(), "pdus",
                                           builder.pdus, "edus", builder.edus));
    return OK;
}
