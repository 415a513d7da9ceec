/* From the stream to queues. */
#include "homeserver/appservice/delivery_stream.h"

#include <stdlib.h>

#include "homeserver/appservice/interest.h"
#include "homeserver/appservice/sender.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/services.h"
#include "storage/appservice_changes.h"
#include "storage/appservices.h"
#include "storage/journal.h"
#include "storage/rooms.h"

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

/* Those who asked for what is not an event. */
struct listeners {
    uint64_t ephemeral;  /* receipts, presence, typing */
    uint64_t encryption; /* device lists, key counts */
};

static struct listeners listeners_of(const struct appservice_set *set)
{
    struct listeners listeners = {0};

    for (size_t i = 0; i < set->count; i++) {
        if (set->items[i].receives_ephemeral)
            listeners.ephemeral |= UINT64_C(1) << i;
        if (set->items[i].wants_encryption_fields)
            listeners.encryption |= UINT64_C(1) << i;
    }
    return listeners;
}

static uint64_t mask_of_id(const struct appservice_set *set, const char *id)
{
    const struct appservice *appservice = appservice_by_id(set, id);

    return appservice != NULL ? UINT64_C(1) << appservice->index : 0;
}

static enum errcode add_receipts(struct delivery_stream *stream, struct round *round,
                                 const struct appservice_set *set, struct position_range range)
{
    const uint64_t listening = listeners_of(set).ephemeral;
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
        add_for_all(round, mask & listening, &item);
    }
    return OK;
}

static enum errcode add_messages(struct round *round, const struct appservice_set *set,
                                 struct position_range range)
{
    const struct listeners listeners = listeners_of(set);
    struct appservice_message *messages;
    size_t count;

    TRY(appservice_messages(round->call->db, round->call->arena, range, &messages, &count));
    for (size_t i = 0; i < count; i++) {
        const struct appservice_item item = {messages[i].position, APPSERVICE_TO_DEVICE, 0};
        add_for_all(round,
                    mask_of_id(set, messages[i].appservice_id) &
                        (listeners.ephemeral | listeners.encryption),
                    &item);
    }
    return OK;
}

/* Of users, for those who are interested in them. */
static enum errcode add_changes(struct delivery_stream *stream, struct round *round,
                                uint64_t listening, enum appservice_item_kind kind,
                                const struct appservice_change *changes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct interest_user user = {changes[i].user_nid, changes[i].user_id,
                                           changes[i].position};
        const struct appservice_item item = {changes[i].position, kind, 0};
        uint64_t mask;
        TRY(interest_in_user(stream->interest, round->call, &user, &mask));
        add_for_all(round, mask & listening, &item);
    }
    return OK;
}

static enum errcode add_presence(struct delivery_stream *stream, struct round *round,
                                 const struct appservice_set *set, struct position_range range)
{
    struct appservice_change *changes;
    size_t count;

    TRY(appservice_presence(round->call->db, round->call->arena, range, &changes, &count));
    return add_changes(stream, round, listeners_of(set).ephemeral, APPSERVICE_PRESENCE, changes,
                       count);
}

static enum errcode add_encryption(struct delivery_stream *stream, struct round *round,
                                   const struct appservice_set *set, struct position_range range)
{
    const uint64_t listening = listeners_of(set).encryption;
    struct call *call = round->call;
    struct appservice_change *changes;
    size_t count;

    TRY(appservice_device_lists(call->db, call->arena, range, &changes, &count));
    TRY(add_changes(stream, round, listening, APPSERVICE_DEVICE_LIST, changes, count));
    TRY(appservice_key_counts(call->db, call->arena, range, &changes, &count));
    for (size_t i = 0; i < count; i++) {
        const struct appservice_item item = {changes[i].position, APPSERVICE_KEY_COUNTS, 0};
        add_for_all(round, mask_of_id(set, changes[i].appservice_id) & listening, &item);
    }
    return OK;
}

/* What is kept in memory only: one that is lost costs nothing. */
static enum errcode add_typing(struct delivery_stream *stream, struct round *round,
                               const struct appservice_set *set, const struct nid_list *room_nids)
{
    const uint64_t listening = listeners_of(set).ephemeral;
    const char **room_ids;

    if (room_nids->count == 0 || listening == 0)
        return OK;
    TRY(room_ids_load(round->call->db, round->call->arena, room_nids->items, room_nids->count,
                      &room_ids));
    for (size_t i = 0; i < room_nids->count; i++) {
        const struct interest_room room = {room_nids->items[i], room_ids[i], stream->position};
        uint64_t mask;
        if (room.room_id == NULL)
            continue;
        TRY(interest_in_room(stream->interest, round->call, &room, &mask));
        for (size_t j = 0; j < set->count; j++) {
            if ((mask & listening & (UINT64_C(1) << j)) != 0)
                sender_add_typing(round->senders->by_index[j], room.room_nid);
        }
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

static enum errcode add_all(struct delivery_stream *stream, struct round *round,
                            const struct appservice_set *set, struct position_range range)
{
    const struct listeners listeners = listeners_of(set);

    if (listeners.ephemeral != 0) {
        TRY(add_receipts(stream, round, set, range));
        TRY(add_presence(stream, round, set, range));
    }
    if ((listeners.ephemeral | listeners.encryption) != 0)
        TRY(add_messages(round, set, range));
    if (listeners.encryption != 0)
        TRY(add_encryption(stream, round, set, range));
    return OK;
}

enum errcode delivery_stream_follow(struct delivery_stream *stream, struct call *call,
                                    const struct delivery_news *news, struct sender_list *senders,
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
    interest_begin(stream->interest, news->set);
    if (range.since < range.until) {
        TRY(appservice_events(call->db, call->arena, range, &events, &count));
        *has_more_out = count == EVENTS_PER_ROUND;
        if (*has_more_out)
            range.until = events[count - 1].position;
        TRY(add_events(stream, &round, events, count));
        TRY(add_all(stream, &round, news->set, range));
        TRY(write_round(stream, &round, range.until));
    }
    return add_typing(stream, &round, news->set, &news->typing_rooms);
}
