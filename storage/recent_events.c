/* A few newest events per room; rooms in the order in which they were written to last. */
#include "storage/recent_events.h"

#include <pthread.h>
#include <stdatomic.h>
#include <uthash.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/cache.h"
#include "storage/journal.h"

enum { EVENTS_PER_ROOM = 32 };

/* The rest of the limit is for the timelines. */
#define STATE_SHARE(limit_bytes) ((limit_bytes) / 2)

struct kept_event {
    _Atomic int references;
    size_t bytes;
    struct stored_event event;    /* its texts follow */
    struct event_effects effects; /* of `event`, if any are known; its lists are apart */
    struct personal_action *personal;
};

struct kept_room {
    int64_t room_nid;
    int64_t complete_after; /* every visible event with a later position is in `events` */
    struct kept_event *events[EVENTS_PER_ROOM]; /* oldest first */
    size_t count;
    UT_hash_handle hh;
};

struct recent_events {
    pthread_mutex_t lock; /* protects the rooms */
    struct kept_room *rooms;
    size_t bytes;
    size_t limit_bytes;
    _Atomic uint64_t rewrites; /* what was read before the last one is not put into `state` */
    struct cache *state;       /* by event_nid */
};

static void *allocate(size_t size)
{
    void *memory = calloc(1, size);

    if (memory == NULL)
        abort();
    return memory;
}

static int by_user(const void *a, const void *b)
{
    const struct personal_action *left = a, *right = b;

    return left->user_nid < right->user_nid ? -1 : left->user_nid > right->user_nid;
}

static size_t text_size(const char *text)
{
    return text != NULL ? strlen(text) + 1 : 0;
}

/* Moves the text to `*place` and that behind it; NULL stays NULL. */
static const char *put_text(char **place, const char *text)
{
    char *here = *place;

    if (text == NULL)
        return NULL;
    memcpy(here, text, text_size(text));
    *place += text_size(text);
    return here;
}

static size_t effects_bytes(const struct event_effects *effects)
{
    if (effects == NULL)
        return 0;
    return text_size(effects->thread) + text_size(effects->transaction_id) +
           text_size(effects->transaction_device_id) +
           effects->personal_count * sizeof(*effects->personal);
}

static void keep_effects(struct kept_event *kept, const struct event_effects *effects, char *texts)
{
    size_t bytes = effects->personal_count * sizeof(*effects->personal);

    kept->event.effects = &kept->effects;
    kept->effects = *effects;
    kept->effects.thread = put_text(&texts, effects->thread);
    kept->effects.transaction_id = put_text(&texts, effects->transaction_id);
    kept->effects.transaction_device_id = put_text(&texts, effects->transaction_device_id);
    if (effects->personal_count == 0)
        return;
    kept->personal = allocate(bytes);
    memcpy(kept->personal, effects->personal, bytes);
    qsort(kept->personal, effects->personal_count, sizeof(*kept->personal), by_user);
    kept->effects.personal = kept->personal;
}

static struct kept_event *keep(const struct stored_event *event)
{
    size_t id_size = strlen(event->event_id) + 1;
    size_t bytes =
        sizeof(struct kept_event) + id_size + event->json_size + 1 + effects_bytes(event->effects);
    struct kept_event *kept = allocate(bytes);
    char *texts = (char *)(kept + 1);

    kept->references = 1;
    kept->bytes = bytes;
    kept->event = *event;
    kept->event.event_id = memcpy(texts, event->event_id, id_size);
    kept->event.json = memcpy(texts + id_size, event->json, event->json_size);
    if (event->effects != NULL)
        keep_effects(kept, event->effects, texts + id_size + event->json_size + 1);
    return kept;
}

static void acquire(void *kept)
{
    atomic_fetch_add(&((struct kept_event *)kept)->references, 1);
}

static void release(void *kept)
{
    struct kept_event *event = kept;

    if (atomic_fetch_sub(&event->references, 1) != 1)
        return;
    free(event->personal);
    free(event);
}

static void release_deferred(void *kept)
{
    release(kept);
}

/* The copy's texts live as long as the arena. */
static void lend(struct arena *arena, struct kept_event *kept, struct stored_event *out)
{
    acquire(kept);
    arena_defer(arena, release_deferred, kept);
    *out = kept->event;
}

struct recent_events *recent_events_create(size_t limit_bytes)
{
    struct recent_events *recent = allocate(sizeof(*recent));
    const struct cache_options options = {
        .name = "state_events",
        .limit_bytes = STATE_SHARE(limit_bytes),
        .acquire = acquire,
        .release = release,
    };

    pthread_mutex_init(&recent->lock, NULL);
    recent->limit_bytes = limit_bytes - STATE_SHARE(limit_bytes);
    recent->state = cache_create(&options);
    return recent;
}

static void drop_oldest_event(struct recent_events *recent, struct kept_room *room)
{
    struct kept_event *oldest = room->events[0];

    room->complete_after = oldest->event.position;
    recent->bytes -= oldest->bytes;
    release(oldest);
    room->count--;
    memmove(room->events, room->events + 1, room->count * sizeof(*room->events));
}

static void drop_room(struct recent_events *recent, struct kept_room *room)
{
    while (room->count > 0)
        drop_oldest_event(recent, room);
    recent->bytes -= sizeof(*room);
    HASH_DEL(recent->rooms, room);
    free(room);
}

static void forget_everything(struct recent_events *recent)
{
    struct kept_room *room, *next;

    HASH_ITER (hh, recent->rooms, room, next)
        drop_room(recent, room);
}

void recent_events_destroy(struct recent_events *recent)
{
    if (recent == NULL)
        return;
    forget_everything(recent);
    cache_destroy(recent->state);
    pthread_mutex_destroy(&recent->lock);
    free(recent);
}

static struct kept_room *find_room(struct recent_events *recent, int64_t room_nid)
{
    struct kept_room *room;

    HASH_FIND(hh, recent->rooms, &room_nid, sizeof(room_nid), room);
    return room;
}

/* uthash keeps the order of insertion: the room written to last stands at the end. */
static struct kept_room *room_for_writing(struct recent_events *recent,
                                          const struct stored_event *event)
{
    struct kept_room *room = find_room(recent, event->room_nid);

    if (room != NULL) {
        HASH_DEL(recent->rooms, room);
    } else {
        room = allocate(sizeof(*room));
        room->room_nid = event->room_nid;
        room->complete_after = event->position - 1;
        recent->bytes += sizeof(*room);
    }
    HASH_ADD(hh, recent->rooms, room_nid, sizeof(room->room_nid), room);
    return room;
}

void recent_events_add(struct recent_events *recent, const struct stored_event *event)
{
    const unsigned hidden = EVENT_REJECTED | EVENT_SOFT_FAILED | EVENT_OUTLIER;

    if (recent == NULL || event->position <= 0 || (event->flags & hidden) != 0)
        return;
    pthread_mutex_lock(&recent->lock);
    struct kept_room *room = room_for_writing(recent, event);
    if (room->count == EVENTS_PER_ROOM)
        drop_oldest_event(recent, room);
    room->events[room->count] = keep(event);
    recent->bytes += room->events[room->count++]->bytes;
    while (recent->bytes > recent->limit_bytes && recent->rooms != room)
        drop_room(recent, recent->rooms);
    pthread_mutex_unlock(&recent->lock);
}

/* Which event it was is not said: rewriting is rare, and state is read again quickly. */
void recent_events_rewritten(struct recent_events *recent, int64_t room_nid)
{
    if (recent == NULL)
        return;
    pthread_mutex_lock(&recent->lock);
    struct kept_room *room = find_room(recent, room_nid);
    if (room != NULL)
        drop_room(recent, room);
    atomic_fetch_add(&recent->rewrites, 1);
    cache_clear(recent->state);
    pthread_mutex_unlock(&recent->lock);
}

void recent_events_on_change(void *context, const struct journal_change *change)
{
    struct recent_events *recent = context;

    if (!change->from_other_node && !change->everything)
        return;
    if (change->everything) {
        pthread_mutex_lock(&recent->lock);
        forget_everything(recent);
        pthread_mutex_unlock(&recent->lock);
        recent_events_rewritten(recent, 0);
    }
    for (size_t i = 0; i < change->room_count; i++)
        recent_events_rewritten(recent, change->room_nids[i]);
    pthread_mutex_lock(&recent->lock);
    for (size_t i = 0; i < change->message_room_count; i++) {
        struct kept_room *room = find_room(recent, change->message_room_nids[i]);
        if (room != NULL)
            drop_room(recent, room);
    }
    pthread_mutex_unlock(&recent->lock);
}

bool recent_events_find(struct recent_events *recent, struct arena *arena,
                        const struct recent_range *range, struct stored_event **out,
                        size_t *count_out)
{
    size_t first, end = 0;

    if (recent == NULL)
        return false;
    pthread_mutex_lock(&recent->lock);
    struct kept_room *room = find_room(recent, range->room_nid);
    if (room != NULL) {
        end = room->count;
        while (end > 0 && room->events[end - 1]->event.position > range->until)
            end--;
    }
    for (first = end; first > 0 && end - first < (size_t)range->limit &&
                      room->events[first - 1]->event.position > range->after;)
        first--;
    bool is_known = room != NULL &&
                    (range->after >= room->complete_after || end - first == (size_t)range->limit);
    if (is_known) {
        *count_out = end - first;
        *out = ARENA_ARRAY(arena, *count_out, struct stored_event);
        for (size_t i = 0; i < *count_out; i++)
            lend(arena, room->events[first + i], &(*out)[i]);
    }
    pthread_mutex_unlock(&recent->lock);
    return is_known;
}

static int by_position(const void *a, const void *b)
{
    const struct stored_event *left = a, *right = b;

    if (left->position != right->position)
        return left->position < right->position ? -1 : 1;
    return left->event_nid < right->event_nid ? -1 : left->event_nid > right->event_nid;
}

/* Reads those in `nids` and remembers them. */
static enum errcode load_missing(struct recent_events *recent, struct db *db, struct arena *arena,
                                 struct nid_list nids, struct stored_event *out, size_t *count_out)
{
    uint64_t rewrites = atomic_load(&recent->rewrites);
    struct stored_event *loaded;

    TRY(events_load(db, arena, nids.items, nids.count, &loaded, count_out));
    for (size_t i = 0; i < *count_out; i++) {
        struct kept_event *kept = keep(&loaded[i]);
        out[i] = loaded[i];
        pthread_mutex_lock(&recent->lock);
        if (rewrites == atomic_load(&recent->rewrites))
            cache_put(recent->state, &kept->event.event_nid, sizeof(kept->event.event_nid), kept,
                      kept->bytes);
        pthread_mutex_unlock(&recent->lock);
        release(kept);
    }
    return OK;
}

enum errcode recent_events_load(struct recent_events *recent, struct db *db, struct arena *arena,
                                struct nid_list event_nids, struct stored_event **out,
                                size_t *count_out)
{
    int64_t *missing = ARENA_ARRAY(arena, event_nids.count, int64_t);
    size_t found = 0, missing_count = 0, loaded = 0;

    if (recent == NULL)
        return events_load(db, arena, event_nids.items, event_nids.count, out, count_out);
    *out = ARENA_ARRAY(arena, event_nids.count, struct stored_event);
    for (size_t i = 0; i < event_nids.count; i++) {
        const int64_t nid = event_nids.items[i];
        struct kept_event *kept = cache_get(recent->state, &nid, sizeof(nid));
        if (kept == NULL) {
            missing[missing_count++] = nid;
            continue;
        }
        lend(arena, kept, &(*out)[found++]);
        release(kept);
    }
    if (missing_count > 0)
        TRY(load_missing(recent, db, arena, (struct nid_list){missing, missing_count}, *out + found,
                         &loaded));
    *count_out = found + loaded;
    qsort(*out, *count_out, sizeof(**out), by_position);
    return OK;
}
