/* From the stream to queues. */
#include "homeserver/appservice/delivery_stream.h"

#include <stdlib.h>

#include "homeserver/appservice/interest.h"
#include "homeserver/appservice/sender.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/services.h"
#include "storage/appservices.h"
#include "storage/journal.h"

enum {
    EVENTS_PER_ROUND = 500,
    /* Where nothing concerned anybody, how far the pass got is written down only so often. */
    POSITIONS_UNWRITTEN_MAX = 2000,
};

struct delivery_stream {
    struct interest *interest;
    int64_t position; /* looked at up to here */
    int64_t written;  /* the same as the database knows it */
};

/* What goes into the queues in one round. */
struct round {
    struct call *call;
    struct sender_list *senders;
    ARRAY_OF(const char *) ids;
    ARRAY_OF(int64_t) positions;
    ARRAY_OF(int64_t) kinds;
    ARRAY_OF(int64_t) event_nids;
};

struct delivery_stream *delivery_stream_create(void)
{
    struct delivery_stream *stream = calloc(1, sizeof(*stream));

    if (stream == NULL)
        abort();
    stream->interest = interest_create();
    return stream;
}

void delivery_stream_destroy(struct delivery_stream *stream)
{
    interest_destroy(stream->interest);
    free(stream);
}

enum errcode delivery_stream_begin(struct delivery_stream *stream, struct call *call)
{
    TRY(appservice_stream_position(call->db, call->arena, &stream->position));
    stream->written = stream->position;
    return OK;
}

static void add(struct round *round, struct sender *sender, const struct appservice_item *item)
{
    struct arena *arena = round->call->arena;

    if (!sender_wants(sender, item->position))
        return;
    array_push(arena, &round->ids, sender->id);
    array_push(arena, &round->positions, item->position);
    array_push(arena, &round->kinds, (int64_t)item->kind);
    array_push(arena, &round->event_nids, item->event_nid);
    sender->has_waiting = true;
}

static void add_for_all(struct round *round, uint64_t mask, const struct appservice_item *item)
{
    for (size_t i = 0; i < APPSERVICES_MAX; i++) {
        if ((mask & (UINT64_C(1) << i)) != 0)
            add(round, round->senders->by_index[i], item);
    }
}

static enum errcode add_events(struct delivery_stream *stream, struct round *round,
                               const struct appservice_event *events, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct appservice_item item = {
            .position = events[i].position,
            .kind = APPSERVICE_EVENT,
            .event_nid = events[i].event_nid,
        };
        uint64_t mask;
        TRY(interest_in_event(stream->interest, round->call, &events[i], &mask));
        add_for_all(round, mask, &item);
    }
    return OK;
}

static bool anybody_wants_ephemeral(const struct appservice_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->items[i].receives_ephemeral)
            return true;
    }
    return false;
}

/* Only of those who asked for what is not an event. */
static void add_for_listeners(struct round *round, uint64_t mask,
                              const struct appservice_item *item)
{
    for (size_t i = 0; i < APPSERVICES_MAX; i++) {
        struct sender *sender = round->senders->by_index[i];
        if ((mask & (UINT64_C(1) << i)) != 0 && sender->appservice->receives_ephemeral)
            add(round, sender, item);
    }
}

static uint64_t mask_of_id(const struct appservice_set *set, const char *id)
{
    const struct appservice *appservice = appservice_by_id(set, id);

    return appservice != NULL ? UINT64_C(1) << appservice->index : 0;
}

static enum errcode add_receipts(struct delivery_stream *stream, struct round *round,
                                 const struct appservice_set *set, struct position_range range)
{
    struct appservice_receipt *receipts;
    size_t count;

    TRY(appservice_receipts(round->call->db, round->call->arena, range, &receipts, &count));
    for (size_t i = 0; i < count; i++) {
        const struct receipt *receipt = &receipts[i].receipt;
        const struct interest_room room = {receipt->room_nid, receipts[i].room_id,
                                           receipt->position};
        const struct appservice_item item = {receipt->position, APPSERVICE_RECEIPT, 0};
        uint64_t mask;
        TRY(interest_in_room(stream->interest, round->call, &room, &mask));
        if (receipts[i].appservice_id != NULL)
            mask = mask_of_id(set, receipts[i].appservice_id);
        add_for_listeners(round, mask, &item);
    }
    return OK;
}

static enum errcode add_messages(struct round *round, const struct appservice_set *set,
                                 struct position_range range)
{
    struct appservice_message *messages;
    size_t count;

    TRY(appservice_messages(round->call->db, round->call->arena, range, &messages, &count));
    for (size_t i = 0; i < count; i++) {
        const struct appservice_item item = {messages[i].position, APPSERVICE_TO_DEVICE, 0};
        add_for_listeners(round, mask_of_id(set, messages[i].appservice_id), &item);
    }
    return OK;
}

static enum errcode write_round(struct delivery_stream *stream, const struct round *round,
                                int64_t position)
{
    const struct appservice_items items = {
        .appservice_ids = round->ids.items,
        .positions = round->positions.items,
        .kinds = round->kinds.items,
        .event_nids = round->event_nids.items,
        .count = round->ids.count,
    };

    if (items.count > 0 || position - stream->written > POSITIONS_UNWRITTEN_MAX) {
        TRY(appservice_stream_advance(round->call->db, position, &items));
        stream->written = position;
    }
    stream->position = position;
    return OK;
}

enum errcode delivery_stream_follow(struct delivery_stream *stream, struct call *call,
                                    const struct appservice_set *set, struct sender_list *senders,
                                    bool *has_more_out)
{
    struct position_range range = {
        .since = stream->position,
        .until = journal_position(call->services->journal),
        .limit = EVENTS_PER_ROUND,
    };
    struct round round = {.call = call, .senders = senders};
    struct appservice_event *events;
    size_t count;

    *has_more_out = false;
    if (range.since >= range.until)
        return OK;
    TRY(appservice_events(call->db, call->arena, range, &events, &count));
    *has_more_out = count == EVENTS_PER_ROUND;
    if (*has_more_out)
        range.until = events[count - 1].position;
    interest_begin(stream->interest, set);
    TRY(add_events(stream, &round, events, count));
    if (anybody_wants_ephemeral(set)) {
        TRY(add_receipts(stream, &round, set, range));
        TRY(add_messages(&round, set, range));
    }
    return write_round(stream, &round, range.until);
}
