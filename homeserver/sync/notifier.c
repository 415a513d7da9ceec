/*
 * The notifier: users who sync, their rooms, and who waits.
 *
 * One lock for all: every operation under it is a few hash look-ups. The journal's thread and the
 * workers meet here, so nothing under the lock may block; a wake handle never does.
 */
#include "homeserver/sync/notifier.h"

#include <pthread.h>
#include <uthash.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/services.h"
#include "storage/journal.h"

struct waiter {
    struct waiter *next;
    struct wake_handle handle;
};

struct subscriber;

/* One user in one room: an element of the user's array and of the room's list. */
struct link {
    struct subscriber *subscriber;
    struct watched_room *room;
    struct link *previous_in_room;
    struct link *next_in_room;
    struct membership_row membership;
};

struct watched_room {
    int64_t room_nid;
    int64_t last_change;
    int64_t last_other_change;
    struct link *links;
    UT_hash_handle hh;
};

struct known_device {
    struct known_device *next;
    char *device_id;
    struct device_memory memory;
    struct told_members told;
};

struct subscriber {
    int64_t user_nid;
    uint64_t sequence;
    uint64_t generation; /* counts what made `links` stale */
    bool is_current;     /* `links` are the user's rooms */
    int64_t last_change; /* position of the newest change that was the user's own */
    int64_t used_ms;     /* monotonic */
    struct waiter *waiters;
    struct known_device *devices;
    struct link *links; /* array */
    size_t link_count;
    UT_hash_handle hh;
};

struct notifier {
    pthread_mutex_t lock;
    struct subscriber *subscribers;
    struct watched_room *rooms;
    int64_t position; /* newest change we were told of */
    struct wake_source source;
};

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count > 0 ? count : 1, size);

    if (memory == NULL)
        abort();
    return memory;
}

static struct subscriber *find_subscriber(struct notifier *notifier, int64_t user_nid)
{
    struct subscriber *subscriber;

    HASH_FIND(hh, notifier->subscribers, &user_nid, sizeof(user_nid), subscriber);
    return subscriber;
}

static struct subscriber *obtain_subscriber(struct notifier *notifier, int64_t user_nid)
{
    struct subscriber *subscriber = find_subscriber(notifier, user_nid);

    if (subscriber == NULL) {
        subscriber = allocate(1, sizeof(*subscriber));
        subscriber->user_nid = user_nid;
        subscriber->last_change = INT64_MAX; /* anything, until their rooms are read */
        HASH_ADD(hh, notifier->subscribers, user_nid, sizeof(user_nid), subscriber);
    }
    subscriber->used_ms = clock_monotonic_ms();
    return subscriber;
}

/* A room nobody watched until now: anything up to `position` may have changed in it. */
static struct watched_room *obtain_room(struct notifier *notifier, int64_t room_nid,
                                        int64_t position)
{
    struct watched_room *room;

    HASH_FIND(hh, notifier->rooms, &room_nid, sizeof(room_nid), room);
    if (room == NULL) {
        room = allocate(1, sizeof(*room));
        room->room_nid = room_nid;
        room->last_change = position;
        room->last_other_change = position;
        HASH_ADD(hh, notifier->rooms, room_nid, sizeof(room_nid), room);
    }
    return room;
}

static void unlink_from_room(struct notifier *notifier, struct link *link)
{
    struct watched_room *room = link->room;

    if (link->previous_in_room != NULL)
        link->previous_in_room->next_in_room = link->next_in_room;
    else
        room->links = link->next_in_room;
    if (link->next_in_room != NULL)
        link->next_in_room->previous_in_room = link->previous_in_room;
    if (room->links == NULL) {
        HASH_DEL(notifier->rooms, room);
        free(room);
    }
}

static void drop_links(struct notifier *notifier, struct subscriber *subscriber)
{
    for (size_t i = 0; i < subscriber->link_count; i++)
        unlink_from_room(notifier, &subscriber->links[i]);
    free(subscriber->links);
    subscriber->links = NULL;
    subscriber->link_count = 0;
    subscriber->is_current = false;
}

static void forget_memory(struct device_memory *memory)
{
    /* Copies of ours: see notifier_remember_device(). */
    free((void *)(uintptr_t)memory->key_counts);
    free((void *)(uintptr_t)memory->ignored);
    *memory = (struct device_memory){0};
}

static void drop_subscriber(struct notifier *notifier, struct subscriber *subscriber)
{
    drop_links(notifier, subscriber);
    while (subscriber->waiters != NULL) {
        struct waiter *waiter = subscriber->waiters;
        subscriber->waiters = waiter->next;
        free(waiter);
    }
    while (subscriber->devices != NULL) {
        struct known_device *device = subscriber->devices;
        subscriber->devices = device->next;
        forget_memory(&device->memory);
        free(device->device_id);
        free(device);
    }
    HASH_DEL(notifier->subscribers, subscriber);
    free(subscriber);
}

/* Moves those who wait to `woken`. */
static void wake_subscriber(struct subscriber *subscriber, struct waiter **woken)
{
    subscriber->sequence++;
    while (subscriber->waiters != NULL) {
        struct waiter *waiter = subscriber->waiters;
        subscriber->waiters = waiter->next;
        waiter->next = *woken;
        *woken = waiter;
    }
}

/* Without the lock, which all who wake up take. */
static void fire(struct waiter *woken)
{
    while (woken != NULL) {
        struct waiter *waiter = woken;
        woken = waiter->next;
        waiter->handle.wake(waiter->handle.context, waiter->handle.ticket);
        free(waiter);
    }
}

/* The user's list of rooms may have changed: it is read again at their next sync. */
static void make_stale(struct subscriber *subscriber, int64_t position, struct waiter **woken)
{
    if (position > subscriber->last_change)
        subscriber->last_change = position;
    subscriber->is_current = false;
    subscriber->generation++;
    wake_subscriber(subscriber, woken);
}

static void change_room(struct notifier *notifier, int64_t room_nid, int64_t position,
                        bool only_messages, struct waiter **woken)
{
    struct watched_room *room;

    HASH_FIND(hh, notifier->rooms, &room_nid, sizeof(room_nid), room);
    if (room == NULL)
        return;
    if (position > room->last_change)
        room->last_change = position;
    if (!only_messages && position > room->last_other_change)
        room->last_other_change = position;
    for (struct link *link = room->links; link != NULL; link = link->next_in_room)
        wake_subscriber(link->subscriber, woken);
}

void notifier_on_change(void *context, const struct journal_change *change)
{
    struct notifier *notifier = context;
    struct subscriber *subscriber, *next;
    struct waiter *woken = NULL;

    pthread_mutex_lock(&notifier->lock);
    if (change->position > notifier->position)
        notifier->position = change->position;
    if (change->everything) {
        HASH_ITER (hh, notifier->subscribers, subscriber, next) {
            drop_links(notifier, subscriber);
            make_stale(subscriber, change->position, &woken);
        }
    }
    for (size_t i = 0; i < change->room_count; i++)
        change_room(notifier, change->room_nids[i], change->position, false, &woken);
    for (size_t i = 0; i < change->message_room_count; i++)
        change_room(notifier, change->message_room_nids[i], change->position, true, &woken);
    for (size_t i = 0; i < change->user_count; i++) {
        subscriber = find_subscriber(notifier, change->user_nids[i]);
        if (subscriber != NULL)
            make_stale(subscriber, change->position, &woken);
    }
    pthread_mutex_unlock(&notifier->lock);
    fire(woken);
}

void notifier_wake_room(struct notifier *notifier, int64_t room_nid)
{
    struct waiter *woken = NULL;

    pthread_mutex_lock(&notifier->lock);
    change_room(notifier, room_nid, 0, true, &woken);
    pthread_mutex_unlock(&notifier->lock);
    fire(woken);
}

void notifier_wake_user(struct notifier *notifier, int64_t user_nid)
{
    struct waiter *woken = NULL;

    pthread_mutex_lock(&notifier->lock);
    struct subscriber *subscriber = find_subscriber(notifier, user_nid);
    if (subscriber != NULL)
        wake_subscriber(subscriber, &woken);
    pthread_mutex_unlock(&notifier->lock);
    fire(woken);
}

static bool wait_for_user(void *context, int64_t user_nid, uint64_t seen, struct wake_handle handle)
{
    struct notifier *notifier = context;
    bool is_kept;

    pthread_mutex_lock(&notifier->lock);
    struct subscriber *subscriber = obtain_subscriber(notifier, user_nid);
    is_kept = subscriber->sequence == seen;
    if (is_kept) {
        struct waiter *waiter = allocate(1, sizeof(*waiter));
        waiter->handle = handle;
        waiter->next = subscriber->waiters;
        subscriber->waiters = waiter;
    }
    pthread_mutex_unlock(&notifier->lock);
    return is_kept;
}

static void forget_waiter(void *context, int64_t user_nid, struct wake_handle handle)
{
    struct notifier *notifier = context;

    pthread_mutex_lock(&notifier->lock);
    struct subscriber *subscriber = find_subscriber(notifier, user_nid);
    struct waiter **place = subscriber != NULL ? &subscriber->waiters : NULL;
    while (place != NULL && *place != NULL) {
        struct waiter *waiter = *place;
        if (waiter->handle.context == handle.context && waiter->handle.ticket == handle.ticket) {
            *place = waiter->next;
            free(waiter);
            break;
        }
        place = &waiter->next;
    }
    pthread_mutex_unlock(&notifier->lock);
}

struct notifier *notifier_create(void)
{
    struct notifier *notifier = allocate(1, sizeof(*notifier));

    pthread_mutex_init(&notifier->lock, NULL);
    notifier->source = (struct wake_source){notifier, wait_for_user, forget_waiter};
    return notifier;
}

void notifier_begin(struct notifier *notifier, int64_t position)
{
    pthread_mutex_lock(&notifier->lock);
    if (position > notifier->position)
        notifier->position = position;
    pthread_mutex_unlock(&notifier->lock);
}

void notifier_destroy(struct notifier *notifier)
{
    struct subscriber *subscriber, *next;

    if (notifier == NULL)
        return;
    HASH_ITER (hh, notifier->subscribers, subscriber, next)
        drop_subscriber(notifier, subscriber);
    pthread_mutex_destroy(&notifier->lock);
    free(notifier);
}

const struct wake_source *notifier_wake_source(struct notifier *notifier)
{
    return &notifier->source;
}

/* The rows become the subscriber's links, unless they were outdated while they were read. */
static void install_links(struct notifier *notifier, struct subscriber *subscriber,
                          const struct membership_row *rows, size_t count, int64_t position)
{
    drop_links(notifier, subscriber);
    if (subscriber->last_change == INT64_MAX)
        subscriber->last_change = position;
    subscriber->links = allocate(count, sizeof(*subscriber->links));
    for (size_t i = 0; i < count; i++) {
        struct link *link = &subscriber->links[subscriber->link_count];
        /* Committed, but we were not told yet: then the list is read once more. */
        if (rows[i].position > notifier->position)
            continue;
        subscriber->link_count++;
        link->subscriber = subscriber;
        link->membership = rows[i];
        link->room = obtain_room(notifier, rows[i].room_nid, position);
        link->next_in_room = link->room->links;
        if (link->next_in_room != NULL)
            link->next_in_room->previous_in_room = link;
        link->room->links = link;
    }
    subscriber->is_current = true;
}

static void copy_view(const struct notifier *notifier, const struct subscriber *subscriber,
                      struct arena *arena, struct user_view *out)
{
    struct user_room *rooms = ARENA_ARRAY(arena, subscriber->link_count, struct user_room);

    for (size_t i = 0; i < subscriber->link_count; i++) {
        rooms[i].membership = subscriber->links[i].membership;
        rooms[i].last_change = subscriber->links[i].room->last_change;
        rooms[i].last_other_change = subscriber->links[i].room->last_other_change;
    }
    out->position = notifier->position;
    out->sequence = subscriber->sequence;
    out->last_change = subscriber->last_change;
    out->rooms = rooms;
    out->room_count = subscriber->link_count;
}

enum errcode notifier_user_view(struct call *call, int64_t user_nid, struct user_view *out)
{
    struct notifier *notifier = call->services->notifier;
    struct membership_row *rows;
    size_t count;

    pthread_mutex_lock(&notifier->lock);
    struct subscriber *subscriber = obtain_subscriber(notifier, user_nid);
    bool is_current = subscriber->is_current;
    uint64_t generation = subscriber->generation;
    if (is_current)
        copy_view(notifier, subscriber, call->arena, out);
    pthread_mutex_unlock(&notifier->lock);
    if (is_current)
        return OK;

    TRY(memberships_of_user(call->db, call->arena, user_nid, true, &rows, &count));
    pthread_mutex_lock(&notifier->lock);
    subscriber = obtain_subscriber(notifier, user_nid);
    /* Under the lock: what is committed later will find the rooms watched. */
    install_links(notifier, subscriber, rows, count, journal_position(call->services->journal));
    subscriber->is_current = subscriber->generation == generation;
    copy_view(notifier, subscriber, call->arena, out);
    pthread_mutex_unlock(&notifier->lock);
    return OK;
}

static struct known_device *find_device(const struct subscriber *subscriber, const char *device_id)
{
    struct known_device *device = subscriber->devices;

    while (device != NULL && strcmp(device->device_id, device_id) != 0)
        device = device->next;
    return device;
}

static void *copy_bytes(const void *bytes, size_t size)
{
    void *copy = allocate(size, 1);

    if (size > 0)
        memcpy(copy, bytes, size);
    return copy;
}

void notifier_remember_device(struct notifier *notifier, int64_t user_nid, const char *device_id,
                              const struct device_memory *memory)
{
    pthread_mutex_lock(&notifier->lock);
    struct subscriber *subscriber = find_subscriber(notifier, user_nid);
    struct known_device *device = subscriber != NULL ? find_device(subscriber, device_id) : NULL;
    if (subscriber != NULL && device == NULL) {
        device = allocate(1, sizeof(*device));
        device->device_id = copy_bytes(device_id, strlen(device_id) + 1);
        device->next = subscriber->devices;
        subscriber->devices = device;
    }
    if (device != NULL && memory->read_at >= device->memory.read_at) {
        forget_memory(&device->memory);
        device->memory = *memory;
        device->memory.key_counts = copy_bytes(memory->key_counts, strlen(memory->key_counts) + 1);
        device->memory.ignored =
            copy_bytes(memory->ignored, memory->ignored_count * sizeof(*memory->ignored));
    }
    pthread_mutex_unlock(&notifier->lock);
}

bool notifier_recall_device(struct call *call, int64_t user_nid, const char *device_id,
                            struct device_memory *out)
{
    struct notifier *notifier = call->services->notifier;
    bool is_good = false;

    pthread_mutex_lock(&notifier->lock);
    struct subscriber *subscriber = find_subscriber(notifier, user_nid);
    struct known_device *device = subscriber != NULL ? find_device(subscriber, device_id) : NULL;
    if (device != NULL && subscriber->last_change <= device->memory.read_at) {
        *out = device->memory;
        out->key_counts = arena_strdup(call->arena, out->key_counts);
        out->ignored =
            arena_memdup(call->arena, out->ignored, out->ignored_count * sizeof(*out->ignored));
        is_good = true;
    }
    pthread_mutex_unlock(&notifier->lock);
    return is_good;
}

void notifier_told_members(struct notifier *notifier, int64_t user_nid, const char *device_id,
                           struct told_members *out)
{
    pthread_mutex_lock(&notifier->lock);
    struct subscriber *subscriber = find_subscriber(notifier, user_nid);
    struct known_device *device = subscriber != NULL ? find_device(subscriber, device_id) : NULL;
    *out = device != NULL ? device->told : (struct told_members){0};
    pthread_mutex_unlock(&notifier->lock);
}

void notifier_keep_told_members(struct notifier *notifier, int64_t user_nid, const char *device_id,
                                const struct told_members *told)
{
    pthread_mutex_lock(&notifier->lock);
    struct subscriber *subscriber = find_subscriber(notifier, user_nid);
    struct known_device *device = subscriber != NULL ? find_device(subscriber, device_id) : NULL;
    if (device != NULL)
        device->told = *told;
    pthread_mutex_unlock(&notifier->lock);
}

size_t notifier_forget_idle(struct notifier *notifier, int64_t idle_ms)
{
    int64_t now_ms = clock_monotonic_ms();
    struct subscriber *subscriber, *next;
    size_t forgotten = 0;

    pthread_mutex_lock(&notifier->lock);
    HASH_ITER (hh, notifier->subscribers, subscriber, next) {
        if (subscriber->waiters == NULL && now_ms - subscriber->used_ms > idle_ms) {
            drop_subscriber(notifier, subscriber);
            forgotten++;
        }
    }
    pthread_mutex_unlock(&notifier->lock);
    return forgotten;
}
