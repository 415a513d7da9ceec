/* Audiences of rooms, cached. */
#include "homeserver/push/push_audience.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/cache.h"
#include "homeserver/base/map.h"
#include "homeserver/protocol/json.h"
#include "homeserver/services.h"
#include "storage/journal.h"
#include "storage/push_rules.h"

enum {
    CACHE_BYTES = 128 << 20,
    PARSED_BYTES_PER_BYTE = 6, /* a parsed rule takes about that many times its text */
};

struct push_audiences {
    struct cache *cache;         /* room_nid -> struct held_audience */
    atomic_uint_least64_t epoch; /* counts changes of anybody's rules */
};

struct held_audience {
    struct push_audience public; /* first: handed out */
    atomic_int references;
    struct arena *arena;
    int64_t snapshot_nid;
    uint64_t epoch;
};

static void acquire(void *value)
{
    struct held_audience *held = value;

    atomic_fetch_add(&held->references, 1);
}

static void release(void *value)
{
    struct held_audience *held = value;

    if (atomic_fetch_sub(&held->references, 1) == 1)
        arena_destroy(held->arena); /* holds the audience itself */
}

struct push_audiences *push_audiences_create(void)
{
    const struct cache_options options = {
        .name = "push_audiences",
        .limit_bytes = CACHE_BYTES,
        .acquire = acquire,
        .release = release,
    };
    struct push_audiences *audiences = calloc(1, sizeof(*audiences));

    if (audiences == NULL)
        abort();
    audiences->cache = cache_create(&options);
    return audiences;
}

void push_audiences_destroy(struct push_audiences *audiences)
{
    if (audiences == NULL)
        return;
    cache_destroy(audiences->cache);
    free(audiences);
}

void push_audiences_forget(struct push_audiences *audiences)
{
    if (audiences != NULL)
        atomic_fetch_add(&audiences->epoch, 1);
}

/* Runs before whoever made the change is answered: their next event is judged by the new rules. */
static void forget_on_commit(void *context, enum errcode outcome, int64_t position)
{
    (void)position;
    if (outcome == OK)
        push_audiences_forget(context);
}

void push_audiences_forget_after(struct push_audiences *audiences, struct journal_entry *entry)
{
    journal_entry_on_outcome(entry, forget_on_commit, audiences);
}

static const char *parse_name(struct arena *arena, const char *text)
{
    json_t *name = NULL;

    if (text == NULL || json_parse(arena, text, strlen(text), NULL, &name) != OK)
        return NULL;
    return json_is_text(name) ? json_string_value(name) : NULL;
}

static struct push_member parse_member(struct arena *arena, const struct push_listener *listener)
{
    struct map *scopes = map_create(arena);

    for (size_t i = 0; i < listener->scope_count; i++)
        map_set(scopes, listener->scopes[i], NULL);
    return (struct push_member){
        .user_nid = listener->user_nid,
        .user_id = arena_strdup(arena, listener->user_id),
        .display_name = parse_name(arena, listener->display_name),
        .rules = push_rules_parse_text(arena, listener->rules),
        .scopes = scopes,
    };
}

/* With one reference, for the caller; `*bytes_out` is about what it costs to keep. */
static enum errcode load(struct call *call, const struct push_room *room,
                         struct held_audience **out, size_t *bytes_out)
{
    struct push_listener *listeners;
    size_t count, text_bytes = 0;

    TRY(push_listeners(call->db, call->arena, room->room_nid, room->room_id, &listeners, &count));

    struct arena *arena = arena_create();
    struct held_audience *held = ARENA_NEW(arena, struct held_audience);
    struct push_member *members = ARENA_ARRAY(arena, count, struct push_member);
    for (size_t i = 0; i < count; i++) {
        members[i] = parse_member(arena, &listeners[i]);
        text_bytes += listeners[i].rules != NULL ? strlen(listeners[i].rules) : 0;
    }
    held->public = (struct push_audience){members, count};
    held->arena = arena;
    atomic_init(&held->references, 1);
    *out = held;
    *bytes_out = arena_bytes_used(arena) + PARSED_BYTES_PER_BYTE * text_bytes;
    return OK;
}

/* NULL unless the room's audience is held and up to date. */
static struct held_audience *find(struct push_audiences *audiences, const struct push_room *room,
                                  uint64_t epoch)
{
    struct held_audience *held =
        cache_get(audiences->cache, &room->room_nid, sizeof(room->room_nid));

    if (held == NULL || (held->snapshot_nid == room->snapshot_nid && held->epoch == epoch))
        return held;
    release(held);
    return NULL;
}

enum errcode push_audience_load(struct call *call, const struct push_room *room,
                                const struct push_audience **out)
{
    struct push_audiences *audiences = call->services->push_audiences;
    bool may_keep = audiences != NULL && room->snapshot_nid != 0;
    /* Read before the rules are: what changes meanwhile makes them out of date. */
    uint64_t epoch = may_keep ? atomic_load(&audiences->epoch) : 0;
    struct held_audience *held = may_keep ? find(audiences, room, epoch) : NULL;
    size_t bytes;

    if (held == NULL) {
        TRY(load(call, room, &held, &bytes));
        held->snapshot_nid = room->snapshot_nid;
        held->epoch = epoch;
        if (may_keep)
            cache_put(audiences->cache, &room->room_nid, sizeof(room->room_nid), held, bytes);
    }
    arena_defer(call->arena, release, held);
    *out = &held->public;
    return OK;
}
