/*
 * The rooms of a sliding sync answer: those that the lists and subscriptions match, as far as
 * something in them is new to the client. Spec: MSC4186, "Room results".
 */
#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/services.h"
#include "homeserver/sync/sliding_internal.h"
#include "storage/account_data.h"
#include "storage/receipts.h"

/* As in sync_joined.c: memory stays bounded. */
enum { ROOMS_AT_ONCE = 100 };

int64_t sliding_since(const struct sliding *sliding, const struct sliding_known *known)
{
    if (known == NULL)
        return 0;
    return known->since != 0 ? known->since : sliding->sync.since;
}

static bool is_in(const struct sliding_item *item)
{
    return item->match->room->membership == SLIDING_JOINED;
}

static bool is_asked_in(const struct sliding_item *item)
{
    return item->match->room->membership == SLIDING_INVITED ||
           item->match->room->membership == SLIDING_KNOCKED;
}

static bool changed_after(const struct user_room *info, int64_t position)
{
    return info->membership.position > position ||
           (info->membership.membership == STORED_JOIN && info->last_change > position);
}

/* False when nothing about the room can be new to the client. */
static bool may_tell(const struct sliding *sliding, const struct sliding_item *item)
{
    const struct sliding_match *match = item->match;
    const struct sliding_known *known = item->known;

    if (known == NULL || known->membership != match->room->membership ||
        changed_after(item->info, sliding_since(sliding, known)))
        return true;
    return is_in(item) &&
           (known->is_dm != match->room->is_dm || match->timeline_limit > known->timeline_limit ||
            strcmp(known->wanted, item->wanted) != 0);
}

/* Lists usually want the same of all rooms: the text is made once. */
static const char *wanted_text(struct sliding *sliding, const struct sliding_match *match,
                               const struct sliding_item *previous)
{
    if (previous != NULL && previous->match->wanted_count == match->wanted_count &&
        memcmp(previous->match->wanted, match->wanted,
               match->wanted_count * sizeof(*match->wanted)) == 0)
        return previous->wanted;
    return sliding_wanted_format(sliding->sync.call->arena, match);
}

static void select_items(struct sliding *sliding)
{
    const struct sliding_window *window = &sliding->window;
    struct sliding_item *items =
        ARENA_ARRAY(sliding->sync.call->arena, window->match_count, struct sliding_item);
    const struct sliding_item *previous = NULL;

    for (size_t i = 0; i < window->match_count; i++) {
        struct sliding_item *item = &items[i];
        item->match = &window->matches[i];
        item->known = sliding_memory_find(&sliding->told, item->match->room->room_nid);
        item->info = &sliding->sync.view.rooms[item->match->room->index];
        item->wanted = wanted_text(sliding, item->match, previous);
        previous = item;
        item->has_news = may_tell(sliding, item);
    }
    sliding->items = items;
    sliding->item_count = window->match_count;
}

/* Whether members are wanted whom a room that was entered a moment ago may lack: then it is told
 * when all are there, as in /sync (MSC3902). */
static bool wants_members(const struct sliding *sliding, const struct sliding_match *match)
{
    const struct config *config = config_current(sliding->sync.call->services->config);
    const struct state_pattern somebody = {"m.room.member", "@"};

    if (sliding_wanted_selects(match->wanted, match->wanted_count, &somebody,
                               sliding->question->requester->user_id))
        return true;
    for (size_t i = 0; i < match->wanted_count; i++) {
        for (size_t j = 0; j < match->wanted[i]->include_count; j++) {
            const struct state_pattern *wanted = &match->wanted[i]->include[j];
            if (wanted->type != NULL && strcmp(wanted->type, "m.room.member") == 0 &&
                wanted->state_key != NULL && user_id_is_valid(wanted->state_key) &&
                !config_hosts_user(config, wanted->state_key))
                return true;
        }
    }
    return false;
}

/* When the members came after the last answer, all that is wanted is news again. */
static void follow_completeness(const struct sliding *sliding, struct sliding_item *item)
{
    const struct room_head *head = item->room.reader.head;

    if (!is_in(item))
        return;
    item->is_withheld = head->is_partial && wants_members(sliding, item->match);
    item->has_news = !item->is_withheld;
    item->room.all_state = !item->is_initial && head->completed_position > item->room.since;
}

static enum errcode open_item(struct sliding *sliding, struct sliding_item *item)
{
    const struct membership_row *row = &item->info->membership;
    const struct sliding_known *known = item->known;
    struct sync_room *room = &item->room;
    struct room_head *head;

    item->is_initial = known == NULL || (is_in(item) && known->membership != SLIDING_JOINED);
    item->is_expanded =
        !item->is_initial && is_in(item) && item->match->timeline_limit > known->timeline_limit;
    *room = (struct sync_room){
        .reader = {.requester = sliding->question->requester,
                   .membership = *row,
                   .until = is_in(item) ? sliding->sync.until : row->position},
        .is_full = item->is_initial,
        .since = sliding_since(sliding, known),
        .other_change = item->info->last_other_change,
        .limit = item->match->timeline_limit,
    };
    room->after = item->is_initial || item->is_expanded ? INT64_MIN : room->since;
    /* Who was never in the room sees nothing of it but how the invite ended. */
    if (row->last_join_position == 0)
        room->after = row->position - 1;
    TRY(room_open_by_nid(sliding->sync.call, row->room_nid, &room->reader.room));
    TRY(room_committed_head(sliding->sync.call, room->reader.room, &head));
    room->reader.head = head;
    follow_completeness(sliding, item);
    return OK;
}

/* Rooms that are read together: those new to the client first. */
struct batch {
    struct sliding_item *items[ROOMS_AT_ONCE];
    struct sync_room rooms[ROOMS_AT_ONCE];
    size_t count;
    size_t initial_count;
    struct unread_list unread;
};

static void add_items(struct batch *batch, struct sliding_item **items, size_t count, bool initial)
{
    for (size_t i = 0; i < count; i++) {
        if (!items[i]->has_news || !is_in(items[i]) || items[i]->is_initial != initial)
            continue;
        batch->items[batch->count] = items[i];
        batch->rooms[batch->count++] = items[i]->room;
    }
    if (initial)
        batch->initial_count = batch->count;
}

static void keep_receipts(struct sliding *sliding, const struct receipt_list *more)
{
    struct receipt_list *all = &sliding->receipts;
    struct receipt *items;

    if (more->count == 0)
        return;
    items = ARENA_ARRAY(sliding->sync.call->arena, all->count + more->count, struct receipt);
    if (all->count > 0)
        memcpy(items, all->items, all->count * sizeof(*items));
    memcpy(items + all->count, more->items, more->count * sizeof(*items));
    *all = (struct receipt_list){items, all->count + more->count};
}

/* Of rooms new to the client: the user's own receipts, and those at events that it is shown. */
static enum errcode load_recent_receipts(struct sliding *sliding, const struct batch *batch)
{
    struct call *call = sliding->sync.call;
    int64_t *nids = ARENA_ARRAY(call->arena, batch->initial_count, int64_t);
    int64_t *first = ARENA_ARRAY(call->arena, batch->initial_count, int64_t);
    struct receipt_list list;

    for (size_t i = 0; i < batch->initial_count; i++) {
        const struct sync_room *room = &batch->rooms[i];
        nids[i] = room_nid(room->reader.room);
        first[i] = room->event_count > 0 ? room->events[0].position : INT64_MAX;
    }
    const struct receipt_query query = {
        .room_nids = {nids, batch->initial_count},
        .viewer_nid = sliding->question->requester->user_nid,
        .range = {.until = sliding->sync.until},
    };
    TRY(receipts_recent(call->db, call->arena, &query, first, &list.items, &list.count));
    keep_receipts(sliding, &list);
    return OK;
}

static enum errcode load_bumps(struct sliding *sliding, struct batch *batch)
{
    struct call *call = sliding->sync.call;
    int64_t *nids = ARENA_ARRAY(call->arena, batch->initial_count, int64_t), *bumps;

    for (size_t i = 0; i < batch->initial_count; i++)
        nids[i] = room_nid(batch->rooms[i].reader.room);
    TRY(room_bumps_load(call->db, call->arena, (struct nid_list){nids, batch->initial_count},
                        sliding->sync.until, &bumps));
    for (size_t i = 0; i < batch->initial_count; i++)
        batch->items[i]->bump =
            bumps[i] != 0 ? bumps[i] : batch->items[i]->info->membership.position;
    return OK;
}

static enum errcode load_batch(struct sliding *sliding, struct batch *batch)
{
    struct sync *sync = &sliding->sync;
    size_t old = batch->count - batch->initial_count;
    struct receipt_list changed = {0};

    if (batch->count == 0)
        return OK;
    TRY(sync_load_timelines(sync, batch->rooms, batch->count));
    if (batch->initial_count > 0) {
        TRY(load_recent_receipts(sliding, batch));
        TRY(load_bumps(sliding, batch));
    }
    if (old > 0)
        TRY(sync_load_receipts(sync, batch->rooms + batch->initial_count, old, &changed));
    keep_receipts(sliding, &changed);
    TRY(sync_load_unread(sync, batch->rooms, batch->count, &changed, &batch->unread));
    for (size_t i = 0; i < batch->count; i++)
        batch->items[i]->room = batch->rooms[i];
    return OK;
}

static enum errcode load_left(struct sliding *sliding, struct sliding_item *item)
{
    int64_t until = sliding->sync.until;

    /* The timeline ends where the user left. */
    sliding->sync.until = item->room.reader.until;
    enum errcode loaded = sync_load_timelines(&sliding->sync, &item->room, 1);
    sliding->sync.until = until;
    return loaded;
}

static enum errcode write_item(struct sliding *sliding, struct sliding_item *item,
                               const struct batch *batch, struct strbuf *out)
{
    size_t start = out->length, body;

    sync_begin_member(out, item->match->room->room_id);
    strbuf_add_char(out, '{');
    body = out->length;
    if (is_asked_in(item))
        TRY(sliding_write_invited(sliding, item, out));
    else
        TRY(sliding_write_room(sliding, item, &batch->unread, out));
    item->was_told = out->length > body;
    if (item->was_told)
        strbuf_add_char(out, '}');
    else
        strbuf_truncate(out, start);
    return OK;
}

static enum errcode write_some(struct sliding *sliding, struct sliding_item **items, size_t count,
                               struct strbuf *out)
{
    struct batch *batch = ARENA_NEW(sliding->sync.call->arena, struct batch);

    for (size_t i = 0; i < count; i++) {
        enum errcode opened = is_asked_in(items[i]) ? OK : open_item(sliding, items[i]);
        if (opened == M_NOT_FOUND)
            items[i]->has_news = false; /* deleted meanwhile */
        else
            TRY(opened);
    }
    add_items(batch, items, count, true);
    add_items(batch, items, count, false);
    TRY(load_batch(sliding, batch));
    for (size_t i = 0; i < count; i++) {
        if (!items[i]->has_news)
            continue;
        if (!is_in(items[i]) && !is_asked_in(items[i]))
            TRY(load_left(sliding, items[i]));
        TRY(write_item(sliding, items[i], batch, out));
    }
    return OK;
}

enum errcode sliding_write_rooms(struct sliding *sliding, struct strbuf *out)
{
    struct sliding_item *some[ROOMS_AT_ONCE];
    size_t count = 0, start;

    select_items(sliding);
    sync_begin_member(out, "rooms");
    strbuf_add_char(out, '{');
    start = out->length;
    for (size_t i = 0; i < sliding->item_count; i++) {
        if (sliding->items[i].has_news)
            some[count++] = &sliding->items[i];
        if (count == ROOMS_AT_ONCE || (count > 0 && i + 1 == sliding->item_count)) {
            TRY(write_some(sliding, some, count, out));
            count = 0;
        }
    }
    if (out->length > start)
        sliding->sync.is_empty = false;
    strbuf_add_char(out, '}');
    return OK;
}

/* ── Memory ──────────────────────────────────────────────────────────────────────────────────── */

/* How many of the latest events the client has for sure. */
static int64_t known_limit(const struct sliding_item *item)
{
    bool is_known = item->known != NULL && !item->is_initial && !item->is_expanded;

    if (is_known && !(item->was_told && item->room.is_limited))
        return item->known->timeline_limit;
    return item->match->timeline_limit;
}

/* A room that is not looked at any more is behind from the first change on. */
static void fall_behind(struct sliding *sliding, struct sliding_memory *memory)
{
    const struct sync *sync = &sliding->sync;

    for (size_t i = 0; i < sync->view.room_count; i++) {
        const struct user_room *info = &sync->view.rooms[i];
        struct sliding_known *known = sliding_memory_find(memory, info->membership.room_nid);
        if (known != NULL && known->since == 0 &&
            (changed_after(info, sync->since) ||
             sync_has_account_data(sync, info->membership.room_nid)))
            known->since = sync->since;
    }
}

struct sliding_memory sliding_remember(struct sliding *sliding)
{
    size_t told = sliding->told.count;
    struct sliding_memory memory = {.extensions = sliding->told.extensions};

    memory.rooms =
        ARENA_ARRAY(sliding->sync.call->arena, told + sliding->item_count, struct sliding_known);
    if (told > 0)
        memcpy(memory.rooms, sliding->told.rooms, told * sizeof(*memory.rooms));
    memory.count = told;
    fall_behind(sliding, &memory);
    for (size_t i = 0; i < sliding->item_count; i++) {
        const struct sliding_item *item = &sliding->items[i];
        if (item->is_withheld && item->known == NULL)
            continue;
        if (item->is_withheld) {
            memory.rooms[item->known - sliding->told.rooms].since =
                sliding_since(sliding, item->known);
            continue;
        }
        const struct sliding_known now = {
            .room_nid = item->match->room->room_nid,
            .timeline_limit = known_limit(item),
            .wanted = item->wanted,
            .membership = item->match->room->membership,
            .is_dm = item->match->room->is_dm,
        };
        if (item->known != NULL)
            memory.rooms[item->known - sliding->told.rooms] = now;
        else
            memory.rooms[memory.count++] = now;
    }
    sliding_memory_tidy(&memory);
    return memory;
}
