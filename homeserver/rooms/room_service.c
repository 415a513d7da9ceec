/*
 * The registry of loaded rooms.
 *
 * Locks, in order: room.build_lock (long: held while an event is built, over database reads), then
 * service.lock and room.head_lock (short: pointers only). The journal's thread takes only short
 * ones.
 */
#include "homeserver/rooms/room_service.h"

#include <pthread.h>
#include <stdatomic.h>
#include <uthash.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/base/cache.h"
#include "homeserver/rooms/follow_state.h"
#include "homeserver/rooms/remote_rooms.h"
#include "homeserver/rooms/snapshot_cache.h"
#include "homeserver/services.h"
#include "storage/journal.h"
#include "storage/rooms.h"

enum { CACHED_EVENTS_MAX = 4096, CACHED_SNAPSHOT_ENTRIES_MAX = 1000000 };

struct room {
    _Atomic int references; /* the registry holds one */
    int64_t nid;
    char *id;
    const struct room_version *version;
    pthread_mutex_t build_lock;
    pthread_mutex_t head_lock;   /* protects what follows */
    struct room_head *pending;   /* newest built; NULL: to be loaded */
    struct room_head *committed; /* newest committed; NULL: to be loaded */
    uint64_t generation;         /* counts resets: outcomes of older builds are ignored */
    UT_hash_handle by_id;
    UT_hash_handle by_nid;
};

struct room_service {
    pthread_mutex_t lock; /* protects the two hashes */
    struct room *ids;
    struct room *nids;
    size_t rooms_max;
    struct domain_key *keys;
    size_t key_count;
    struct nid_source *nid_source;
    struct state_keys *state_keys;
    struct event_cache *events;
    struct cache *snapshots;
    struct cache *remote_rooms;
};

static char *copy_text(const char *text)
{
    char *copy = strdup(text);

    if (copy == NULL)
        abort();
    return copy;
}

struct room_service *room_service_create(const struct domain_key *keys, size_t key_count,
                                         size_t rooms_max)
{
    struct room_service *service = calloc(1, sizeof(*service));

    if (service == NULL)
        abort();
    (void)state_resets_counter();
    pthread_mutex_init(&service->lock, NULL);
    service->rooms_max = rooms_max;
    service->keys = calloc(key_count, sizeof(*keys));
    if (service->keys == NULL)
        abort();
    for (size_t i = 0; i < key_count; i++) {
        service->keys[i] = keys[i];
        service->keys[i].server_name = copy_text(keys[i].server_name);
        service->keys[i].key.key_id = copy_text(keys[i].key.key_id);
    }
    service->key_count = key_count;
    service->nid_source = nid_source_create();
    service->state_keys = state_keys_create();
    service->events = event_cache_create(CACHED_EVENTS_MAX);
    service->snapshots = snapshot_cache_create(CACHED_SNAPSHOT_ENTRIES_MAX);
    service->remote_rooms = remote_rooms_cache_create();
    return service;
}

static void forget_key(struct domain_key *key)
{
    ed25519_key_pair_finish(&key->key.pair);
    /* Copies of ours: see room_service_create(). */
    free((void *)(uintptr_t)key->server_name);
    free((void *)(uintptr_t)key->key.key_id);
}

static void room_unref(struct room *room)
{
    if (atomic_fetch_sub(&room->references, 1) != 1)
        return;
    room_head_release(room->pending);
    room_head_release(room->committed);
    pthread_mutex_destroy(&room->build_lock);
    pthread_mutex_destroy(&room->head_lock);
    free(room->id);
    free(room);
}

static void room_unref_deferred(void *room)
{
    room_unref(room);
}

static void unregister(struct room_service *service, struct room *room)
{
    HASH_DELETE(by_id, service->ids, room);
    HASH_DELETE(by_nid, service->nids, room);
    room_unref(room);
}

void room_service_destroy(struct room_service *service)
{
    struct room *room, *next;

    if (service == NULL)
        return;
    HASH_ITER (by_id, service->ids, room, next)
        unregister(service, room);
    for (size_t i = 0; i < service->key_count; i++)
        forget_key(&service->keys[i]);
    free(service->keys);
    nid_source_destroy(service->nid_source);
    state_keys_destroy(service->state_keys);
    event_cache_destroy(service->events);
    cache_destroy(service->snapshots);
    cache_destroy(service->remote_rooms);
    pthread_mutex_destroy(&service->lock);
    free(service);
}

struct nid_source *room_service_nids(struct room_service *service)
{
    return service->nid_source;
}

struct state_keys *room_service_state_keys(struct room_service *service)
{
    return service->state_keys;
}

struct event_cache *room_service_events(struct room_service *service)
{
    return service->events;
}

struct cache *room_service_snapshots(struct room_service *service)
{
    return service->snapshots;
}

struct cache *room_service_remote_rooms(struct room_service *service)
{
    return service->remote_rooms;
}

const struct signing_key *room_service_signing_key(const struct room_service *service,
                                                   const char *server_name)
{
    for (size_t i = 0; server_name != NULL && i < service->key_count; i++) {
        if (strcmp(service->keys[i].server_name, server_name) == 0)
            return &service->keys[i].key;
    }
    return NULL;
}

int64_t room_nid(const struct room *room)
{
    return room->nid;
}

const char *room_id(const struct room *room)
{
    return room->id;
}

const struct room_version *room_version_of(const struct room *room)
{
    return room->version;
}

/* Lends the room to the call: the reference goes when its arena is reset. */
static struct room *lend(struct call *call, struct room *room)
{
    arena_defer(call->arena, room_unref_deferred, room);
    return room;
}

static struct room *room_create(int64_t nid, const char *id, const struct room_version *version)
{
    struct room *room = calloc(1, sizeof(*room));

    if (room == NULL)
        abort();
    atomic_init(&room->references, 1);
    room->nid = nid;
    room->id = copy_text(id);
    room->version = version;
    pthread_mutex_init(&room->build_lock, NULL);
    pthread_mutex_init(&room->head_lock, NULL);
    return room;
}

/* The registered room with this ID, referenced; registers `fresh` when there is none. Takes the
 * reference of `fresh`. */
static struct room *register_room(struct room_service *service, struct room *fresh)
{
    struct room *room;

    pthread_mutex_lock(&service->lock);
    HASH_FIND(by_id, service->ids, fresh->id, strlen(fresh->id), room);
    if (room == NULL) {
        room = fresh;
        atomic_fetch_add(&room->references, 1);
        HASH_ADD_KEYPTR(by_id, service->ids, room->id, strlen(room->id), room);
        HASH_ADD(by_nid, service->nids, nid, sizeof(room->nid), room);
        if (HASH_CNT(by_id, service->ids) > service->rooms_max)
            unregister(service, service->ids);
    } else {
        atomic_fetch_add(&room->references, 1);
        room_unref(fresh);
    }
    pthread_mutex_unlock(&service->lock);
    return room;
}

/* A room that is used moves to the end: the first is the one not used for longest. */
static struct room *touch(struct room_service *service, struct room *room)
{
    HASH_DELETE(by_id, service->ids, room);
    HASH_ADD_KEYPTR(by_id, service->ids, room->id, strlen(room->id), room);
    atomic_fetch_add(&room->references, 1);
    return room;
}

static struct room *find_by_id(struct room_service *service, const char *id)
{
    struct room *room;

    pthread_mutex_lock(&service->lock);
    HASH_FIND(by_id, service->ids, id, strlen(id), room);
    if (room != NULL)
        touch(service, room);
    pthread_mutex_unlock(&service->lock);
    return room;
}

static struct room *find_by_nid(struct room_service *service, int64_t nid)
{
    struct room *room;

    pthread_mutex_lock(&service->lock);
    HASH_FIND(by_nid, service->nids, &nid, sizeof(nid), room);
    if (room != NULL)
        touch(service, room);
    pthread_mutex_unlock(&service->lock);
    return room;
}

static enum errcode register_stored(struct call *call, const struct stored_room *stored,
                                    struct room **out)
{
    const struct room_version *version = room_version_find(stored->room_version);

    if (version == NULL)
        return fail(call->error, E_DATABASE, "Room %s has the unknown version %s.", stored->room_id,
                    stored->room_version);
    *out = lend(call, register_room(call->services->rooms,
                                    room_create(stored->room_nid, stored->room_id, version)));
    return OK;
}

enum errcode room_open(struct call *call, const char *id, struct room **out)
{
    struct stored_room stored;
    struct room *room = find_by_id(call->services->rooms, id);

    if (room != NULL) {
        *out = lend(call, room);
        return OK;
    }
    enum errcode found = room_load(call->db, call->arena, id, &stored);
    if (found == M_NOT_FOUND)
        return fail(call->error, M_NOT_FOUND, "This server does not know the room.");
    TRY(found);
    return register_stored(call, &stored, out);
}

enum errcode room_open_by_nid(struct call *call, int64_t nid, struct room **out)
{
    struct stored_room stored;
    struct room *room = find_by_nid(call->services->rooms, nid);

    if (room != NULL) {
        *out = lend(call, room);
        return OK;
    }
    TRY(room_load_by_nid(call->db, call->arena, nid, &stored));
    return register_stored(call, &stored, out);
}

struct room *room_prepare(struct call *call, int64_t nid, const char *id,
                          const struct room_version *version)
{
    static const struct stored_head nothing = {0};
    struct room *room = room_create(nid, id, version);

    room->pending = room_head_create(&nothing, (struct snapshot_ref){0}, NULL);
    return lend(call, register_room(call->services->rooms, room));
}

static enum errcode load_key_event(struct call *call, const struct room *room,
                                   const struct state_map *state, const char *type,
                                   struct cached_event **out)
{
    struct room_service *service = call->services->rooms;
    int64_t key;

    TRY(state_key_find(service->state_keys, call->db, type, "", &key));
    int64_t event_nid = key != 0 ? state_map_get(state, key) : 0;
    if (event_nid == 0)
        return OK;
    return event_cache_load(service->events, call, room->version, event_nid, out);
}

enum errcode room_head_load_events(struct call *call, const struct room *room,
                                   struct room_head *head)
{
    TRY(load_key_event(call, room, head->state, "m.room.create", &head->create));
    TRY(load_key_event(call, room, head->state, "m.room.power_levels", &head->power_levels));
    TRY(load_key_event(call, room, head->state, "m.room.join_rules", &head->join_rules));
    return load_key_event(call, room, head->state, "m.room.history_visibility",
                          &head->history_visibility);
}

/* Reads the committed head from the database. `*out` has one reference. */
static enum errcode load_head(struct call *call, const struct room *room, struct room_head **out)
{
    struct stored_room stored;
    struct snapshot_ref snapshot;
    struct member_counts members;
    struct state_map *state;

    TRY(room_load_by_nid(call->db, call->arena, room->nid, &stored));
    TRY(memberships_count(call->db, call->arena, room->nid, &members));
    TRY(snapshot_load(call->db, stored.head.snapshot_nid, &snapshot, &state));
    struct room_head *head = room_head_create(&stored.head, snapshot, state);
    head->members = members;
    enum errcode loaded = room_head_load_events(call, room, head);
    if (loaded != OK) {
        room_head_release(head);
        return loaded;
    }
    *out = head;
    return OK;
}

static void release_head_deferred(void *head)
{
    room_head_release(head);
}

static struct room_head *current_head(struct room *room, bool committed, uint64_t *generation_out)
{
    pthread_mutex_lock(&room->head_lock);
    struct room_head *head = room_head_acquire(committed ? room->committed : room->pending);
    *generation_out = room->generation;
    pthread_mutex_unlock(&room->head_lock);
    return head;
}

/* Installs a head read from the database as committed, and as pending when there is none. When the
 * room was reset after the read began, or moved on, the read one is only for the caller. */
static void install(struct room *room, struct room_head *head, uint64_t generation)
{
    pthread_mutex_lock(&room->head_lock);
    if (room->generation == generation) {
        if (room->committed == NULL)
            room->committed = room_head_acquire(head);
        if (room->pending == NULL)
            room->pending = room_head_acquire(head);
    }
    pthread_mutex_unlock(&room->head_lock);
}

enum errcode room_committed_head(struct call *call, struct room *room, struct room_head **out)
{
    uint64_t generation;
    struct room_head *head = current_head(room, true, &generation);

    if (head == NULL) {
        TRY(load_head(call, room, &head));
        install(room, head, generation);
    }
    arena_defer(call->arena, release_head_deferred, head);
    *out = head;
    return OK;
}

enum errcode room_build_begin(struct call *call, struct room *room, struct room_build *build)
{
    uint64_t generation;

    pthread_mutex_lock(&room->build_lock);
    build->room = room;
    build->head = current_head(room, false, &generation);
    build->generation = generation;
    if (build->head != NULL)
        return OK;
    TRY(load_head(call, room, &build->head));
    install(room, build->head, generation);
    return OK;
}

enum errcode rooms_flush(struct call *call)
{
    journal_submit(call->services->journal, journal_entry_create(), call->commits);
    return commit_group_wait(call->commits);
}

struct held_entries {
    struct arena *arena;
    ARRAY_OF(struct journal_entry *) list;
};

void room_build_hold(struct call *call, struct room_build *build)
{
    build->held = ARENA_NEW(call->arena, struct held_entries);
    build->held->arena = call->arena;
}

void room_build_add(struct call *call, struct room_build *build, struct journal_entry *entry)
{
    if (build->held != NULL)
        array_push(build->held->arena, &build->held->list, entry);
    else
        journal_submit(call->services->journal, entry, call->commits);
}

void room_build_submit(struct call *call, struct room_build *build)
{
    for (size_t i = 0; build->held != NULL && i < build->held->list.count; i++)
        journal_submit(call->services->journal, build->held->list.items[i], call->commits);
    build->held = NULL;
}

static void abandon_held(struct room_build *build)
{
    for (size_t i = 0; build->held != NULL && i < build->held->list.count; i++)
        journal_entry_abandon(build->held->list.items[i]);
    build->held = NULL;
}

void room_build_end(struct room_build *build)
{
    if (build->room == NULL)
        return;
    abandon_held(build);
    room_head_release(build->head);
    pthread_mutex_unlock(&build->room->build_lock);
    build->room = NULL;
}

static void reset_locked(struct room *room)
{
    room->generation++;
    room_head_release(room->pending);
    room_head_release(room->committed);
    room->pending = NULL;
    room->committed = NULL;
}

struct build_outcome {
    struct room *room;          /* a reference */
    struct room_head *head;     /* a reference */
    struct cached_event *event; /* a reference */
    uint64_t generation;
};

static void on_outcome(void *context, enum errcode outcome, int64_t position)
{
    struct build_outcome *build = context;
    struct room *room = build->room;

    pthread_mutex_lock(&room->head_lock);
    if (room->generation == build->generation) {
        if (outcome != OK) {
            reset_locked(room);
        } else {
            build->head->last_position = position;
            cached_event_set_position(build->event, position);
            room_head_release(room->committed);
            room->committed = room_head_acquire(build->head);
        }
    }
    pthread_mutex_unlock(&room->head_lock);
    room_head_release(build->head);
    cached_event_release(build->event);
    room_unref(room);
    free(build);
}

enum errcode room_build_advance(struct room_build *build, struct room_head *head,
                                struct cached_event *event, struct journal_entry *entry)
{
    struct room *room = build->room;
    struct build_outcome *outcome;

    pthread_mutex_lock(&room->head_lock);
    bool was_reset = room->generation != build->generation;
    if (!was_reset) {
        room_head_release(room->pending);
        room->pending = room_head_acquire(head);
    }
    pthread_mutex_unlock(&room->head_lock);
    if (was_reset) {
        room_head_release(head);
        return E_CONFLICT;
    }
    outcome = calloc(1, sizeof(*outcome));
    if (outcome == NULL)
        abort();
    atomic_fetch_add(&room->references, 1);
    *outcome = (struct build_outcome){room, room_head_acquire(head), cached_event_acquire(event),
                                      build->generation};
    journal_entry_on_outcome(entry, on_outcome, outcome);
    room_head_release(build->head);
    build->head = head;
    return OK;
}

static void forget_head(struct room *room)
{
    pthread_mutex_lock(&room->head_lock);
    reset_locked(room);
    pthread_mutex_unlock(&room->head_lock);
}

void rooms_forget_heads(struct room_service *service, const int64_t *room_nids, size_t count)
{
    struct room *room, *next;

    pthread_mutex_lock(&service->lock);
    if (room_nids == NULL) {
        HASH_ITER (by_id, service->ids, room, next)
            forget_head(room);
    }
    for (size_t i = 0; i < count; i++) {
        HASH_FIND(by_nid, service->nids, &room_nids[i], sizeof(room_nids[i]), room);
        if (room != NULL)
            forget_head(room);
    }
    pthread_mutex_unlock(&service->lock);
}
