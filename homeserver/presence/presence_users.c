/*
 * A user is what the most present device says; a user who is online without doing anything for five
 * minutes is idle, until something is done. Spec: client-server API, "Presence", "Idle timeout".
 */
#include "homeserver/presence/presence_users.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "homeserver/presence/presence.h"

/* More devices than that can not make anybody more present. */
enum { DEVICES_MAX = 16, DEVICE_NAME_BYTES = 64 };

struct device {
    char name[DEVICE_NAME_BYTES]; /* cut: an equal beginning makes two devices one, harmlessly */
    enum presence_state state;
    int64_t until_ms;
};

struct user {
    int64_t user_nid;
    enum presence_state shown; /* as others know it */
    bool is_untold;            /* … but they could not be told */
    int64_t active_ms;
    struct device devices[DEVICES_MAX];
    size_t device_count;
    UT_hash_handle hh;
};

struct presence_users {
    pthread_mutex_t lock; /* protects everything below */
    struct user *users;
};

struct presence_users *presence_users_create(void)
{
    struct presence_users *users = calloc(1, sizeof(*users));

    if (users == NULL)
        abort();
    pthread_mutex_init(&users->lock, NULL);
    return users;
}

static void forget_user(struct presence_users *users, struct user *user)
{
    HASH_DEL(users->users, user);
    free(user);
}

void presence_users_destroy(struct presence_users *users)
{
    struct user *user;
    struct user *next;

    if (users == NULL)
        return;
    HASH_ITER (hh, users->users, user, next)
        forget_user(users, user);
    pthread_mutex_destroy(&users->lock);
    free(users);
}

static struct user *find_user(struct presence_users *users, int64_t user_nid)
{
    struct user *user;

    HASH_FIND(hh, users->users, &user_nid, sizeof(user_nid), user);
    return user;
}

static struct user *make_user(struct presence_users *users, int64_t user_nid, int64_t now_ms)
{
    struct user *user = find_user(users, user_nid);

    if (user != NULL)
        return user;
    user = calloc(1, sizeof(*user));
    if (user == NULL)
        abort();
    user->user_nid = user_nid;
    user->active_ms = now_ms;
    HASH_ADD(hh, users->users, user_nid, sizeof(user->user_nid), user);
    return user;
}

static struct device *find_device(struct user *user, const char *name)
{
    for (size_t i = 0; i < user->device_count; i++) {
        if (strncmp(user->devices[i].name, name, DEVICE_NAME_BYTES - 1) == 0)
            return &user->devices[i];
    }
    return NULL;
}

/* The place of a new device: a free one, or that of the device that will be gone first. */
static struct device *place_for_device(struct user *user)
{
    struct device *first_gone = &user->devices[0];

    if (user->device_count < DEVICES_MAX)
        return &user->devices[user->device_count++];
    for (size_t i = 1; i < DEVICES_MAX; i++) {
        if (user->devices[i].until_ms < first_gone->until_ms)
            first_gone = &user->devices[i];
    }
    return first_gone;
}

static void drop_disconnected(struct user *user, int64_t now_ms)
{
    size_t kept = 0;

    for (size_t i = 0; i < user->device_count; i++) {
        if (user->devices[i].until_ms > now_ms && user->devices[i].state != PRESENCE_OFFLINE)
            user->devices[kept++] = user->devices[i];
    }
    user->device_count = kept;
}

static enum presence_state state_of(struct user *user, int64_t now_ms)
{
    enum presence_state state = PRESENCE_OFFLINE;

    drop_disconnected(user, now_ms);
    for (size_t i = 0; i < user->device_count; i++) {
        if (user->devices[i].state > state)
            state = user->devices[i].state;
    }
    if (state == PRESENCE_ONLINE && now_ms - user->active_ms >= PRESENCE_IDLE_MS)
        return PRESENCE_UNAVAILABLE;
    return state;
}

/* Works out the state; true when it is news. */
static bool update(struct user *user, int64_t now_ms, struct presence_view *out)
{
    enum presence_state state = state_of(user, now_ms);
    bool changed = state != user->shown || user->is_untold;

    user->shown = state;
    user->is_untold = false;
    *out = (struct presence_view){
        .user_nid = user->user_nid,
        .state = state,
        .active_ago_ms = now_ms - user->active_ms,
    };
    return changed;
}

static void note_report(struct user *user, const struct presence_report *report, int64_t now_ms)
{
    const char *name = report->device_id != NULL ? report->device_id : "";
    struct device *device = find_device(user, name);

    if (device == NULL) {
        device = place_for_device(user);
        memset(device, 0, sizeof(*device));
        snprintf(device->name, sizeof(device->name), "%s", name);
    }
    /* Coming online is an activity; staying online is none. */
    if (report->state == PRESENCE_ONLINE && device->state != PRESENCE_ONLINE)
        user->active_ms = now_ms;
    device->state = report->state;
    device->until_ms = now_ms + report->connected_ms;
}

bool presence_users_report(struct presence_users *users, const struct presence_report *report,
                           int64_t now_ms, struct presence_view *out)
{
    struct user *user;
    bool changed;

    pthread_mutex_lock(&users->lock);
    user = make_user(users, report->user_nid, now_ms);
    drop_disconnected(user, now_ms);
    note_report(user, report, now_ms);
    changed = update(user, now_ms, out);
    pthread_mutex_unlock(&users->lock);
    return changed;
}

bool presence_users_active(struct presence_users *users, int64_t user_nid, int64_t now_ms,
                           struct presence_view *out)
{
    struct user *user;
    bool changed = false;

    *out = (struct presence_view){.user_nid = user_nid};
    pthread_mutex_lock(&users->lock);
    user = find_user(users, user_nid);
    if (user != NULL) {
        user->active_ms = now_ms;
        changed = update(user, now_ms, out);
    }
    pthread_mutex_unlock(&users->lock);
    return changed;
}

void presence_users_untold(struct presence_users *users, int64_t user_nid)
{
    struct user *user;

    pthread_mutex_lock(&users->lock);
    user = find_user(users, user_nid);
    if (user != NULL)
        user->is_untold = true;
    pthread_mutex_unlock(&users->lock);
}

size_t presence_users_expire(struct presence_users *users, int64_t now_ms,
                             struct presence_view *out, size_t max)
{
    struct user *user;
    struct user *next;
    size_t count = 0;

    pthread_mutex_lock(&users->lock);
    HASH_ITER (hh, users->users, user, next) {
        if (count == max)
            break;
        if (update(user, now_ms, &out[count]))
            count++;
        if (user->shown == PRESENCE_OFFLINE)
            forget_user(users, user);
    }
    pthread_mutex_unlock(&users->lock);
    return count;
}
