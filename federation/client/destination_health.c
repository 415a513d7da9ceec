/* Back-off by server. A table in memory over the rows of storage/destinations. */
#include "federation/client/destination_health.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/random.h"
#include "storage/destinations.h"

enum {
    FIRST_INTERVAL_MS = 1000,
    INTERVAL_MAX_MS = 60 * 60 * 1000,
    DESTINATIONS_MAX = 20000,
    REASON_BYTES_MAX = 256,
    FIRST_SILENCE_MS = 5000,
    SILENCE_MAX_MS = 60 * 1000,
};

struct destination {
    char *server_name;
    struct stored_destination state;
    int64_t silence_ms; /* 0: it does not let us wait */
    int64_t silent_until_ts;
    UT_hash_handle hh;
};

struct destination_health {
    pthread_mutex_t lock;
    struct destination *destinations; /* protected by lock */
};

struct destination_health *destination_health_create(void)
{
    struct destination_health *health = calloc(1, sizeof(*health));

    if (health == NULL)
        abort();
    pthread_mutex_init(&health->lock, NULL);
    return health;
}

static void forget(struct destination_health *health, struct destination *destination)
{
    HASH_DEL(health->destinations, destination);
    free(destination->server_name);
    free(destination);
}

void destination_health_destroy(struct destination_health *health)
{
    struct destination *destination, *next;

    if (health == NULL)
        return;
    HASH_ITER (hh, health->destinations, destination, next)
        forget(health, destination);
    pthread_mutex_destroy(&health->lock);
    free(health);
}

static bool find(struct destination_health *health, const char *server_name,
                 struct stored_destination *out)
{
    struct destination *destination;

    pthread_mutex_lock(&health->lock);
    HASH_FIND_STR(health->destinations, server_name, destination);
    if (destination != NULL)
        *out = destination->state;
    pthread_mutex_unlock(&health->lock);
    return destination != NULL;
}

static struct destination *obtain_locked(struct destination_health *health, const char *server_name)
{
    struct destination *destination;

    HASH_FIND_STR(health->destinations, server_name, destination);
    if (destination == NULL) {
        /* The oldest entry goes: the database has it still. */
        if (HASH_COUNT(health->destinations) >= DESTINATIONS_MAX)
            forget(health, health->destinations);
        destination = calloc(1, sizeof(*destination));
        if (destination == NULL)
            abort();
        destination->server_name = strdup(server_name);
        HASH_ADD_KEYPTR(hh, health->destinations, destination->server_name,
                        strlen(destination->server_name), destination);
    }
    return destination;
}

static void keep(struct destination_health *health, const char *server_name,
                 const struct stored_destination *state)
{
    pthread_mutex_lock(&health->lock);
    obtain_locked(health, server_name)->state = *state;
    pthread_mutex_unlock(&health->lock);
}

static enum errcode load(struct destination_health *health, struct db *db, const char *server_name,
                         struct stored_destination *out)
{
    SCOPED(arena_release) struct arena *arena = NULL;

    if (find(health, server_name, out))
        return OK;
    arena = arena_create();
    TRY(destination_load(db, arena, server_name, out));
    keep(health, server_name, out);
    return OK;
}

enum errcode destination_health_retry_ts(struct destination_health *health, struct db *db,
                                         const char *server_name, int64_t *out)
{
    struct stored_destination state;

    TRY(load(health, db, server_name, &state));
    *out = state.failing_since_ts > 0 ? state.retry_ts : 0;
    return OK;
}

enum errcode destination_health_answered(struct destination_health *health, struct db *db,
                                         const char *server_name)
{
    static const struct stored_destination in_order;
    struct stored_destination state;

    TRY(load(health, db, server_name, &state));
    if (state.failing_since_ts == 0)
        return OK;
    keep(health, server_name, &in_order);
    return destination_store(db, server_name, &in_order, NULL);
}

/* It may quote what the other server said, in whatever bytes. */
static void copy_reason(const char *why, char out[static REASON_BYTES_MAX])
{
    snprintf(out, REASON_BYTES_MAX, "%s", why);
    for (char *c = out; *c != '\0'; c++) {
        if (*c < ' ' || *c > '~')
            *c = '?';
    }
}

enum errcode destination_health_failed(struct destination_health *health, struct db *db,
                                       const char *server_name, const char *why)
{
    const int64_t now_ms = clock_wall_ms();
    struct stored_destination state;
    char reason[REASON_BYTES_MAX];

    TRY(load(health, db, server_name, &state));
    /* Several calls that were under way when it went down are one failure. */
    if (state.failing_since_ts > 0 && state.retry_ts > now_ms)
        return OK;
    if (state.failing_since_ts == 0)
        state.failing_since_ts = now_ms;
    state.retry_interval_ms =
        state.retry_interval_ms == 0 ? FIRST_INTERVAL_MS : state.retry_interval_ms * 2;
    if (state.retry_interval_ms > INTERVAL_MAX_MS)
        state.retry_interval_ms = INTERVAL_MAX_MS;
    state.retry_ts =
        now_ms + state.retry_interval_ms + random_below((uint32_t)(state.retry_interval_ms / 4));
    keep(health, server_name, &state);
    copy_reason(why, reason);
    return destination_store(db, server_name, &state, reason);
}

bool destination_health_spoke(struct destination_health *health, const char *server_name)
{
    struct destination *destination;
    bool was_failing;

    pthread_mutex_lock(&health->lock);
    HASH_FIND_STR(health->destinations, server_name, destination);
    was_failing = destination != NULL && destination->state.failing_since_ts > 0;
    if (destination != NULL)
        destination->silence_ms = destination->silent_until_ts = 0;
    if (was_failing) {
        destination->state.retry_ts = 0;
        destination->state.retry_interval_ms = 0;
    }
    pthread_mutex_unlock(&health->lock);
    return was_failing;
}

void destination_health_fell_silent(struct destination_health *health, const char *server_name,
                                    int64_t now_ms)
{
    pthread_mutex_lock(&health->lock);
    struct destination *destination = obtain_locked(health, server_name);
    /* Several that waited at the same time are one silence. */
    if (destination->silent_until_ts <= now_ms) {
        destination->silence_ms =
            destination->silence_ms == 0 ? FIRST_SILENCE_MS : destination->silence_ms * 2;
        if (destination->silence_ms > SILENCE_MAX_MS)
            destination->silence_ms = SILENCE_MAX_MS;
        destination->silent_until_ts = now_ms + destination->silence_ms;
    }
    pthread_mutex_unlock(&health->lock);
}

void destination_health_broke_silence(struct destination_health *health, const char *server_name)
{
    struct destination *destination;

    pthread_mutex_lock(&health->lock);
    HASH_FIND_STR(health->destinations, server_name, destination);
    if (destination != NULL)
        destination->silence_ms = destination->silent_until_ts = 0;
    pthread_mutex_unlock(&health->lock);
}

int64_t destination_health_silent_until(struct destination_health *health, const char *server_name)
{
    struct destination *destination;

    pthread_mutex_lock(&health->lock);
    HASH_FIND_STR(health->destinations, server_name, destination);
    int64_t until_ts = destination != NULL ? destination->silent_until_ts : 0;
    pthread_mutex_unlock(&health->lock);
    return until_ts;
}

enum errcode destination_health_heed_retries(struct destination_health *health, struct db *db)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    const char **server_names;
    size_t count;

    TRY(destinations_to_retry(db, arena, &server_names, &count));
    for (size_t i = 0; i < count; i++)
        (void)destination_health_spoke(health, server_names[i]); /* whether it was known to fail */
    return OK;
}
