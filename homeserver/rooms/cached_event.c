/* Shared parsed events, and a cache of them: a hash by number in order of use. */
#include "homeserver/rooms/cached_event.h"

#include <pthread.h>
#include <stdatomic.h>
#include <uthash.h>

#include "homeserver/base/arena.h"
#include "homeserver/protocol/json.h"
#include "storage/events.h"

/* Enough for the IDs of an event, and for what is read of one beside its JSON. */
enum { MEMBER_BYTES = 640, PARSED_BYTES = 1024 };

struct cached_event {
    _Atomic int references;
    struct arena *arena;
    const struct event *event;
    int64_t event_nid;
    _Atomic int64_t position;
};

struct cached_event *cached_event_create(struct arena *arena, const struct event *event,
                                         int64_t event_nid)
{
    struct cached_event *cached = ARENA_NEW(arena, struct cached_event);

    atomic_init(&cached->references, 1);
    cached->arena = arena;
    cached->event = event;
    cached->event_nid = event_nid;
    return cached;
}

struct cached_event *cached_event_acquire(struct cached_event *cached)
{
    if (cached != NULL)
        atomic_fetch_add_explicit(&cached->references, 1, memory_order_relaxed);
    return cached;
}

void cached_event_release(struct cached_event *cached)
{
    if (cached != NULL &&
        atomic_fetch_sub_explicit(&cached->references, 1, memory_order_acq_rel) == 1)
        arena_destroy(cached->arena);
}

const struct event *cached_event_get(const struct cached_event *cached)
{
    return cached != NULL ? cached->event : NULL;
}

int64_t cached_event_nid(const struct cached_event *cached)
{
    return cached != NULL ? cached->event_nid : 0;
}

int64_t cached_event_position(const struct cached_event *cached)
{
    return cached != NULL ? atomic_load_explicit(&cached->position, memory_order_relaxed) : 0;
}

void cached_event_set_position(struct cached_event *cached, int64_t position)
{
    atomic_store_explicit(&cached->position, position, memory_order_relaxed);
}

/* uthash keeps the order of insertion: what is used is taken out and added again, so the first one
 * is the one not used for longest. */
struct slot {
    int64_t event_nid;
    struct cached_event *cached;
    UT_hash_handle hh;
};

struct event_cache {
    pthread_mutex_t lock;
    struct slot *slots;
    size_t events_max;
};

struct event_cache *event_cache_create(size_t events_max)
{
    struct event_cache *cache = calloc(1, sizeof(*cache));

    if (cache == NULL)
        abort();
    pthread_mutex_init(&cache->lock, NULL);
    cache->events_max = events_max;
    return cache;
}

static void drop(struct event_cache *cache, struct slot *slot)
{
    HASH_DEL(cache->slots, slot);
    cached_event_release(slot->cached);
    free(slot);
}

void event_cache_destroy(struct event_cache *cache)
{
    struct slot *slot, *next;

    if (cache == NULL)
        return;
    HASH_ITER (hh, cache->slots, slot, next)
        drop(cache, slot);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

static struct cached_event *find(struct event_cache *cache, int64_t event_nid)
{
    struct cached_event *cached = NULL;
    struct slot *slot;

    pthread_mutex_lock(&cache->lock);
    HASH_FIND(hh, cache->slots, &event_nid, sizeof(event_nid), slot);
    if (slot != NULL) {
        HASH_DEL(cache->slots, slot);
        HASH_ADD(hh, cache->slots, event_nid, sizeof(slot->event_nid), slot);
        cached = cached_event_acquire(slot->cached);
    }
    pthread_mutex_unlock(&cache->lock);
    return cached;
}

/* A fifth of the memory. */
static struct cached_event *keep_member(const struct cached_event *cached)
{
    const struct event *event = cached->event;
    struct arena *arena = arena_create_sized(MEMBER_BYTES);
    const struct event member = {
        .version = event->version,
        .event_id = arena_strdup(arena, event->event_id),
        .room_id = arena_strdup(arena, event->room_id),
        .type = "m.room.member",
        .sender = arena_strdup(arena, event->sender),
        .state_key = arena_strdup(arena, event->state_key),
        .content = json_on_arena(arena, json_incref(event->content)),
        .origin_server_ts = event->origin_server_ts,
        .depth = event->depth,
        .rejected = event->rejected,
    };
    struct cached_event *kept =
        cached_event_create(arena, arena_memdup(arena, &member, sizeof(member)), cached->event_nid);

    cached_event_set_position(kept, cached_event_position(cached));
    return kept;
}

static struct cached_event *keep(struct cached_event *cached)
{
    const struct event *event = cached->event;

    if (event_is_state(event) && strcmp(event->type, "m.room.member") == 0)
        return keep_member(cached);
    return cached_event_acquire(cached);
}

void event_cache_add(struct event_cache *cache, struct cached_event *cached)
{
    struct slot *slot;

    pthread_mutex_lock(&cache->lock);
    HASH_FIND(hh, cache->slots, &cached->event_nid, sizeof(cached->event_nid), slot);
    if (slot == NULL) {
        slot = calloc(1, sizeof(*slot));
        if (slot == NULL)
            abort();
        slot->event_nid = cached->event_nid;
        slot->cached = keep(cached);
        HASH_ADD(hh, cache->slots, event_nid, sizeof(slot->event_nid), slot);
        if (HASH_COUNT(cache->slots) > cache->events_max)
            drop(cache, cache->slots);
    }
    pthread_mutex_unlock(&cache->lock);
}

void event_cache_remove(struct event_cache *cache, int64_t event_nid)
{
    struct slot *slot;

    pthread_mutex_lock(&cache->lock);
    HASH_FIND(hh, cache->slots, &event_nid, sizeof(event_nid), slot);
    if (slot != NULL)
        drop(cache, slot);
    pthread_mutex_unlock(&cache->lock);
}

enum errcode stored_event_parse(struct arena *arena, const struct room_version *version,
                                const struct stored_event *stored, const struct event **out)
{
    TRY(event_parse_stored(arena, version, stored->event_id, stored->json, stored->json_size, out));
    if ((stored->flags & EVENT_REJECTED) != 0) {
        struct event *rejected = arena_memdup(arena, *out, sizeof(*rejected));
        rejected->rejected = true;
        *out = rejected;
    }
    return OK;
}

enum errcode event_cache_load(struct event_cache *cache, struct call *call,
                              const struct room_version *version, int64_t event_nid,
                              struct cached_event **out)
{
    struct stored_event stored;
    const struct event *event;

    *out = find(cache, event_nid);
    if (*out != NULL)
        return OK;
    TRY(event_load(call->db, call->arena, event_nid, &stored));

    SCOPED(arena_release) struct arena *arena = arena_create_sized(PARSED_BYTES);
    TRY(stored_event_parse(arena, version, &stored, &event));
    *out = cached_event_create(arena, event, event_nid);
    cached_event_set_position(*out, stored.position);
    arena = NULL; /* it belongs to the event now */
    event_cache_add(cache, *out);
    return OK;
}
