/* A table of the work under way; the last one to leave an entry frees it. */
#include "homeserver/base/singleflight.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "homeserver/base/clock.h"

#define uthash_fatal(message) abort()
#include <uthash.h>

struct flight {
    UT_hash_handle hh;
    char *key;
    int inside; /* threads that work or wait */
    bool is_done;
    enum errcode outcome;
};

struct singleflight {
    pthread_mutex_t lock;
    pthread_cond_t landed;
    struct flight *flights;
};

static NORETURN void out_of_memory(void)
{
    fprintf(stderr, "<2>beffroi: out of memory for concurrent work; stopping.\n");
    abort();
}

struct singleflight *singleflight_create(void)
{
    struct singleflight *flights = calloc(1, sizeof(*flights));
    pthread_condattr_t attributes;

    if (flights == NULL)
        out_of_memory();
    pthread_mutex_init(&flights->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&flights->landed, &attributes);
    pthread_condattr_destroy(&attributes);
    return flights;
}

void singleflight_destroy(struct singleflight *flights)
{
    if (flights == NULL)
        return;
    pthread_cond_destroy(&flights->landed);
    pthread_mutex_destroy(&flights->lock);
    free(flights);
}

static struct flight *start_locked(struct singleflight *flights, const char *key)
{
    struct flight *flight = calloc(1, sizeof(*flight));

    if (flight == NULL || (flight->key = strdup(key)) == NULL)
        out_of_memory();
    HASH_ADD_KEYPTR(hh, flights->flights, flight->key, strlen(flight->key), flight);
    return flight;
}

static enum errcode leave_locked(struct flight *flight)
{
    enum errcode outcome = flight->outcome;

    if (--flight->inside == 0) {
        free(flight->key);
        free(flight);
    }
    return outcome;
}

/* Who comes from now on starts anew. */
static void land_locked(struct singleflight *flights, struct flight *flight, enum errcode outcome)
{
    flight->outcome = outcome;
    flight->is_done = true;
    HASH_DELETE(hh, flights->flights, flight);
    pthread_cond_broadcast(&flights->landed);
}

enum errcode singleflight_run(struct singleflight *flights, const char *key,
                              enum errcode (*work)(void *context), void *context,
                              bool *was_first_out)
{
    struct flight *flight;

    pthread_mutex_lock(&flights->lock);
    HASH_FIND_STR(flights->flights, key, flight);
    bool is_first = flight == NULL;
    if (is_first)
        flight = start_locked(flights, key);
    flight->inside++;
    if (is_first) {
        pthread_mutex_unlock(&flights->lock);
        enum errcode outcome = work(context);
        pthread_mutex_lock(&flights->lock);
        land_locked(flights, flight, outcome);
    }
    while (!flight->is_done)
        pthread_cond_wait(&flights->landed, &flights->lock);
    enum errcode outcome = leave_locked(flight);
    pthread_mutex_unlock(&flights->lock);
    if (was_first_out != NULL)
        *was_first_out = is_first;
    return outcome;
}

bool singleflight_begin(struct singleflight *flights, const char *key)
{
    struct flight *flight;

    pthread_mutex_lock(&flights->lock);
    HASH_FIND_STR(flights->flights, key, flight);
    bool is_first = flight == NULL;
    if (is_first)
        start_locked(flights, key)->inside++;
    pthread_mutex_unlock(&flights->lock);
    return is_first;
}

void singleflight_end(struct singleflight *flights, const char *key)
{
    struct flight *flight;

    pthread_mutex_lock(&flights->lock);
    HASH_FIND_STR(flights->flights, key, flight);
    land_locked(flights, flight, OK);
    (void)leave_locked(flight);
    pthread_mutex_unlock(&flights->lock);
}

void singleflight_wait(struct singleflight *flights, const char *key, int64_t until_ms)
{
    const struct timespec deadline = {.tv_sec = until_ms / 1000,
                                      .tv_nsec = until_ms % 1000 * 1000000};
    struct flight *flight;

    pthread_mutex_lock(&flights->lock);
    HASH_FIND_STR(flights->flights, key, flight);
    if (flight != NULL) {
        flight->inside++;
        while (!flight->is_done && clock_monotonic_ms() < until_ms)
            pthread_cond_timedwait(&flights->landed, &flights->lock, &deadline);
        (void)leave_locked(flight);
    }
    pthread_mutex_unlock(&flights->lock);
}
