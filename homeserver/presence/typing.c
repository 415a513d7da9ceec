/*
 * Typing notifications. Spec: client-server API, "Typing Notifications".
 */
#include "homeserver/presence/typing.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/random.h"

/* A room where nobody types is remembered this long, so that clients learn that the last one
 * stopped; who has not synced for an hour shows nobody typing any more. */
static const int64_t QUIET_ROOM_KEPT_MS = 60 * 60 * 1000;

enum { EXPIRED_ROOMS_MAX = 256 };

struct typist {
    struct typist *next;
    int64_t until_ms;
    char user_id[];
};

struct typing_room {
    int64_t room_nid;
    int64_t changed_at; /* counter */
    int64_t changed_ms;
    struct typist *typists; /* in the order in which they began */
    size_t typist_count;
    UT_hash_handle hh;
};

struct typing {
    uint32_t epoch;
    typing_listener listener;
    void *listener_context;
    pthread_mutex_t lock; /* protects everything below */
    int64_t counter;
    struct typing_room *rooms;
};

struct typing *typing_create(void)
{
    struct typing *typing = calloc(1, sizeof(*typing));

    if (typing == NULL)
        abort();
    random_bytes(&typing->epoch, sizeof(typing->epoch));
    pthread_mutex_init(&typing->lock, NULL);
    return typing;
}

static void free_room(struct typing *typing, struct typing_room *room)
{
    struct typist *typist = room->typists;

    while (typist != NULL) {
        struct typist *next = typist->next;
        free(typist);
        typist = next;
    }
    HASH_DEL(typing->rooms, room);
    free(room);
}

void typing_destroy(struct typing *typing)
{
    struct typing_room *room;
    struct typing_room *next;

    if (typing == NULL)
        return;
    HASH_ITER (hh, typing->rooms, room, next)
        free_room(typing, room);
    pthread_mutex_destroy(&typing->lock);
    free(typing);
}

void typing_listen(struct typing *typing, typing_listener listener, void *context)
{
    typing->listener = listener;
    typing->listener_context = context;
}

static void tell(const struct typing *typing, int64_t room_nid)
{
    if (typing->listener != NULL)
        typing->listener(typing->listener_context, room_nid);
}

static struct typing_room *find_room_locked(struct typing *typing, int64_t room_nid)
{
    struct typing_room *room;

    HASH_FIND(hh, typing->rooms, &room_nid, sizeof(room_nid), room);
    return room;
}

static struct typing_room *make_room_locked(struct typing *typing, int64_t room_nid)
{
    struct typing_room *room = find_room_locked(typing, room_nid);

    if (room != NULL)
        return room;
    room = calloc(1, sizeof(*room));
    if (room == NULL)
        abort();
    room->room_nid = room_nid;
    HASH_ADD(hh, typing->rooms, room_nid, sizeof(room->room_nid), room);
    return room;
}

static void mark_changed_locked(struct typing *typing, struct typing_room *room, int64_t now_ms)
{
    room->changed_at = ++typing->counter;
    room->changed_ms = now_ms;
}

/* The link to the user's entry, or to the end of the list. */
static struct typist **find_typist(struct typing_room *room, const char *user_id)
{
    struct typist **link = &room->typists;

    while (*link != NULL && strcmp((*link)->user_id, user_id) != 0)
        link = &(*link)->next;
    return link;
}

static void remove_typist(struct typing_room *room, struct typist **link)
{
    struct typist *typist = *link;

    *link = typist->next;
    free(typist);
    room->typist_count--;
}

static void add_typist(struct typing_room *room, struct typist **link, const char *user_id,
                       int64_t until_ms)
{
    size_t size = strlen(user_id) + 1;
    struct typist *typist = malloc(sizeof(*typist) + size);

    if (typist == NULL)
        abort();
    typist->next = NULL;
    typist->until_ms = until_ms;
    memcpy(typist->user_id, user_id, size);
    *link = typist;
    room->typist_count++;
}

/* True when the list of names is another one now. */
static bool set_locked(struct typing_room *room, const char *user_id, int64_t until_ms)
{
    struct typist **link = find_typist(room, user_id);

    if (*link != NULL && until_ms > 0) {
        (*link)->until_ms = until_ms;
        return false;
    }
    if (*link != NULL) {
        remove_typist(room, link);
        return true;
    }
    if (until_ms == 0 || room->typist_count == TYPING_USERS_MAX)
        return false;
    add_typist(room, link, user_id, until_ms);
    return true;
}

static int64_t clamp_timeout(int64_t timeout_ms)
{
    if (timeout_ms < TYPING_TIMEOUT_MIN_MS)
        return TYPING_TIMEOUT_MIN_MS;
    return timeout_ms < TYPING_TIMEOUT_MAX_MS ? timeout_ms : TYPING_TIMEOUT_MAX_MS;
}

void typing_set(struct typing *typing, int64_t room_nid, const char *user_id, int64_t timeout_ms,
                int64_t now_ms)
{
    int64_t until_ms = timeout_ms > 0 ? now_ms + clamp_timeout(timeout_ms) : 0;
    struct typing_room *room;
    bool changed;

    pthread_mutex_lock(&typing->lock);
    room = make_room_locked(typing, room_nid);
    changed = set_locked(room, user_id, until_ms);
    if (changed)
        mark_changed_locked(typing, room, now_ms);
    pthread_mutex_unlock(&typing->lock);
    if (changed)
        tell(typing, room_nid);
}

static bool expire_room_locked(struct typing_room *room, int64_t now_ms)
{
    struct typist **link = &room->typists;
    bool changed = false;

    while (*link != NULL) {
        if ((*link)->until_ms <= now_ms) {
            remove_typist(room, link);
            changed = true;
        } else {
            link = &(*link)->next;
        }
    }
    return changed;
}

/* Expires at most EXPIRED_ROOMS_MAX rooms; the number of them. */
static size_t expire_some(struct typing *typing, int64_t now_ms, int64_t *room_nids)
{
    struct typing_room *room;
    struct typing_room *next;
    size_t count = 0;

    pthread_mutex_lock(&typing->lock);
    HASH_ITER (hh, typing->rooms, room, next) {
        if (count == EXPIRED_ROOMS_MAX)
            break;
        if (expire_room_locked(room, now_ms)) {
            mark_changed_locked(typing, room, now_ms);
            room_nids[count++] = room->room_nid;
        } else if (room->typists == NULL && now_ms - room->changed_ms > QUIET_ROOM_KEPT_MS) {
            free_room(typing, room);
        }
    }
    pthread_mutex_unlock(&typing->lock);
    return count;
}

void typing_expire(struct typing *typing, int64_t now_ms)
{
    int64_t room_nids[EXPIRED_ROOMS_MAX];
    size_t count;

    do {
        count = expire_some(typing, now_ms, room_nids);
        for (size_t i = 0; i < count; i++)
            tell(typing, room_nids[i]);
    } while (count == EXPIRED_ROOMS_MAX);
}

uint32_t typing_epoch(const struct typing *typing)
{
    return typing->epoch;
}

int64_t typing_counter(struct typing *typing)
{
    int64_t counter;

    pthread_mutex_lock(&typing->lock);
    counter = typing->counter;
    pthread_mutex_unlock(&typing->lock);
    return counter;
}

bool typing_changed(struct typing *typing, int64_t room_nid, int64_t since)
{
    const struct typing_room *room;
    bool changed;

    pthread_mutex_lock(&typing->lock);
    room = find_room_locked(typing, room_nid);
    changed = room != NULL && room->changed_at > since;
    pthread_mutex_unlock(&typing->lock);
    return changed;
}

const char **typing_users(struct typing *typing, struct arena *arena, int64_t room_nid,
                          size_t *count_out)
{
    const char **user_ids = NULL;
    const struct typing_room *room;
    size_t count = 0;

    pthread_mutex_lock(&typing->lock);
    room = find_room_locked(typing, room_nid);
    if (room != NULL) {
        user_ids = ARENA_ARRAY(arena, room->typist_count, const char *);
        for (const struct typist *typist = room->typists; typist != NULL; typist = typist->next)
            user_ids[count++] = arena_strdup(arena, typist->user_id);
    }
    pthread_mutex_unlock(&typing->lock);
    *count_out = count;
    return user_ids;
}
