/* Unread counts, brought up to date from events that are in memory. */
#include "homeserver/push/unread_memory.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/base/cache.h"
#include "homeserver/protocol/push_rules.h"
#include "homeserver/push/push_actions.h"
#include "homeserver/services.h"
#include "storage/receipts.h"
#include "storage/recent_events.h"

enum { EVENTS_TO_ADD_MAX = 64 };

/* Of one user in one room. */
struct kept_counts {
    _Atomic int references;
    int64_t position; /* events up to here are in it */
    size_t bytes;
    size_t count;
    struct unread_count items[]; /* their texts follow */
};

struct unread_memory {
    struct cache *cache;
};

struct key {
    int64_t user_nid;
    int64_t room_nid;
};

struct counts {
    ARRAY_OF(struct unread_count) list; /* texts are borrowed */
};

static void acquire(void *kept)
{
    atomic_fetch_add(&((struct kept_counts *)kept)->references, 1);
}

static void release(void *kept)
{
    if (atomic_fetch_sub(&((struct kept_counts *)kept)->references, 1) == 1)
        free(kept);
}

static void release_kept(struct kept_counts **kept)
{
    if (*kept != NULL)
        release(*kept);
}

struct unread_memory *unread_memory_create(size_t limit_bytes)
{
    struct unread_memory *memory = calloc(1, sizeof(*memory));
    const struct cache_options options = {
        .name = "unread_counts",
        .limit_bytes = limit_bytes,
        .acquire = acquire,
        .release = release,
    };

    if (memory == NULL)
        abort();
    memory->cache = cache_create(&options);
    return memory;
}

void unread_memory_destroy(struct unread_memory *memory)
{
    if (memory == NULL)
        return;
    cache_destroy(memory->cache);
    free(memory);
}

static void keep(struct unread_memory *memory, const struct key *key, int64_t position,
                 const struct unread_count *items, size_t count)
{
    size_t bytes = sizeof(struct kept_counts) + count * sizeof(*items);

    for (size_t i = 0; i < count; i++)
        bytes += strlen(items[i].thread) + 1;
    SCOPED(release_kept) struct kept_counts *kept = calloc(1, bytes);
    if (kept == NULL)
        abort();
    char *text = (char *)&kept->items[count];
    kept->references = 1;
    kept->position = position;
    kept->bytes = bytes;
    kept->count = count;
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(items[i].thread) + 1;
        kept->items[i] = items[i];
        kept->items[i].thread = memcpy(text, items[i].thread, size);
        text += size;
    }
    cache_put(memory->cache, key, sizeof(*key), kept, bytes);
}

/* The place of a thread; the order is that of unread_counts(). */
static struct unread_count *count_of(struct arena *arena, struct counts *counts, int64_t room_nid,
                                     const char *thread)
{
    size_t place = 0;

    while (place < counts->list.count && strcmp(counts->list.items[place].thread, thread) < 0)
        place++;
    if (place == counts->list.count || strcmp(counts->list.items[place].thread, thread) != 0) {
        array_push(arena, &counts->list, (struct unread_count){0});
        struct unread_count *here = &counts->list.items[place];
        memmove(here + 1, here, (counts->list.count - 1 - place) * sizeof(*here));
        *here = (struct unread_count){.room_nid = room_nid, .thread = thread};
    }
    return &counts->list.items[place];
}

static unsigned push_flags_for(const struct stored_event *event, int64_t user_nid)
{
    const struct personal_action *personal = event_effects_for(event->effects, user_nid);

    return personal != NULL ? personal->flags : push_flags_of_event(event->flags);
}

static void add_one(int64_t *number)
{
    if (*number < UNREAD_COUNT_MAX)
        (*number)++;
}

/* The same account that unread_counts() gives: an own event reads its thread. */
static void add_event(struct arena *arena, struct counts *counts, const struct stored_event *event,
                      int64_t user_nid)
{
    const char *thread = event->effects->thread != NULL ? event->effects->thread : RECEIPT_MAIN;
    struct unread_count *place = count_of(arena, counts, event->room_nid, thread);
    unsigned flags = push_flags_for(event, user_nid);

    if (event->sender_nid == user_nid) {
        place->notifications = place->highlights = 0;
        return;
    }
    if ((flags & PUSH_NOTIFY) != 0)
        add_one(&place->notifications);
    if ((flags & PUSH_HIGHLIGHT) != 0)
        add_one(&place->highlights);
}

static void drop_empty(struct counts *counts)
{
    size_t kept = 0;

    for (size_t i = 0; i < counts->list.count; i++) {
        if (counts->list.items[i].notifications > 0 || counts->list.items[i].highlights > 0)
            counts->list.items[kept++] = counts->list.items[i];
    }
    counts->list.count = kept;
}

/* Adds the events after `position`; false when they are not all known. */
static bool add_events(struct call *call, const struct unread_question *question,
                       struct position_range after, struct counts *counts)
{
    const struct recent_range range = {question->room_nid, after.since, after.until,
                                       EVENTS_TO_ADD_MAX};
    struct stored_event *events;
    size_t count;

    if (after.since >= after.until)
        return true;
    if (!recent_events_find(call->services->recent_events, call->arena, &range, &events, &count) ||
        count == EVENTS_TO_ADD_MAX)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (events[i].effects == NULL)
            return false;
        add_event(call->arena, counts, &events[i], question->user_nid);
    }
    drop_empty(counts);
    return true;
}

static bool recall_one(struct call *call, const struct unread_question *question, int64_t until,
                       struct counts *out)
{
    struct unread_memory *memory = call->services->unread_memory;
    const struct key key = {question->user_nid, question->room_nid};
    SCOPED(release_kept)
    struct kept_counts *kept = cache_get(memory->cache, &key, sizeof(key));

    if (kept == NULL || kept->position < question->reliable_from)
        return false;
    for (size_t i = 0; i < kept->count; i++) {
        struct unread_count copy = kept->items[i];
        copy.thread = arena_strdup(call->arena, copy.thread);
        array_push(call->arena, &out->list, copy);
    }
    if (!add_events(call, question,
                    (struct position_range){.since = kept->position, .until = until}, out))
        return false;
    if (kept->position < until)
        keep(memory, &key, until, out->list.items, out->list.count);
    return true;
}

/* Counts the rooms that are wanted and not known, all in one query. */
static enum errcode count_missing(struct call *call, const struct unread_question *questions,
                                  const struct nid_list *missing, int64_t until,
                                  struct counts *counts)
{
    struct unread_memory *memory = call->services->unread_memory;
    struct unread_query query = {.room_nids = *missing, .until = until};
    struct unread_count *rows;
    size_t count;

    if (missing->count == 0)
        return OK;
    query.user_nid = questions[0].user_nid;
    TRY(unread_counts(call->db, call->arena, &query, &rows, &count));
    for (size_t i = 0; i < missing->count; i++) {
        const struct key key = {query.user_nid, missing->items[i]};
        size_t first = 0, end;
        while (first < count && rows[first].room_nid != key.room_nid)
            first++;
        for (end = first; end < count && rows[end].room_nid == key.room_nid; end++)
            array_push(call->arena, &counts->list, rows[end]);
        keep(memory, &key, until, rows + first, end - first);
    }
    return OK;
}

enum errcode unread_recall(struct call *call, const struct unread_question *questions, size_t count,
                           int64_t until, struct unread_count **out, size_t *count_out)
{
    int64_t *nids = ARENA_ARRAY(call->arena, count, int64_t);
    struct nid_list missing = {nids, 0};
    struct counts all = {0};

    for (size_t i = 0; i < count; i++) {
        struct counts room = {0};
        bool is_known = recall_one(call, &questions[i], until, &room);
        if (!is_known && questions[i].is_wanted)
            nids[missing.count++] = questions[i].room_nid;
        for (size_t j = 0; is_known && questions[i].is_wanted && j < room.list.count; j++)
            array_push(call->arena, &all.list, room.list.items[j]);
    }
    TRY(count_missing(call, questions, &missing, until, &all));
    *out = all.list.items;
    *count_out = all.list.count;
    return OK;
}
