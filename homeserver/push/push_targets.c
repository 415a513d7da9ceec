/* The pushers at work. */
#include "homeserver/push/push_targets.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "homeserver/net/http_client.h"

enum {
    BUCKETS = 1024,
    UNDER_WAY_MAX = 256,
    PER_GATEWAY_MAX = 32, /* who is slow has these, and no more */
};

struct push_targets {
    struct push_job *buckets[BUCKETS];
    struct push_job *first, *last;
    struct push_gateway *gateways; /* those with requests under way */
    size_t under_way;
    void (*wake)(void *context);
    void *context;

    pthread_mutex_t lock;
    struct push_job *answered; /* protected by lock */
};

struct push_targets *push_targets_create(void (*wake)(void *context), void *context)
{
    struct push_targets *targets = calloc(1, sizeof(*targets));

    if (targets == NULL)
        abort();
    targets->wake = wake;
    targets->context = context;
    pthread_mutex_init(&targets->lock, NULL);
    return targets;
}

static void free_job(struct push_job *job)
{
    free(job->url);
    free(job->pushkey);
    free(job->body);
    free(job);
}

void push_targets_destroy(struct push_targets *targets)
{
    if (targets == NULL)
        return;
    for (struct push_job *job = targets->first, *next; job != NULL; job = next) {
        next = job->next;
        free_job(job);
    }
    for (struct push_gateway *gateway = targets->gateways, *next; gateway != NULL; gateway = next) {
        next = gateway->next;
        free(gateway->url);
        free(gateway);
    }
    pthread_mutex_destroy(&targets->lock);
    free(targets);
}

static struct push_job **bucket_of(struct push_targets *targets, int64_t pusher_nid)
{
    return &targets->buckets[(uint64_t)pusher_nid % BUCKETS];
}

static struct push_job *find(struct push_targets *targets, int64_t pusher_nid)
{
    struct push_job *job = *bucket_of(targets, pusher_nid);

    while (job != NULL && job->pusher_nid != pusher_nid)
        job = job->next_in_bucket;
    return job;
}

void push_targets_mark(struct push_targets *targets, int64_t pusher_nid)
{
    struct push_job *job = find(targets, pusher_nid);
    struct push_job **bucket = bucket_of(targets, pusher_nid);

    if (job == NULL) {
        job = calloc(1, sizeof(*job));
        if (job == NULL)
            abort();
        *job = (struct push_job){
            .targets = targets, .pusher_nid = pusher_nid, .next_in_bucket = *bucket};
        *bucket = job;
        if (targets->last != NULL)
            targets->last->next = job;
        else
            targets->first = job;
        targets->last = job;
    }
    job->has_waiting = true;
}

struct push_job *push_targets_next(const struct push_targets *targets, const struct push_job *job)
{
    return job == NULL ? targets->first : job->next;
}

static void unlink_from_bucket(struct push_targets *targets, const struct push_job *job)
{
    struct push_job **place = bucket_of(targets, job->pusher_nid);

    while (*place != job)
        place = &(*place)->next_in_bucket;
    *place = job->next_in_bucket;
}

void push_targets_sweep(struct push_targets *targets)
{
    struct push_job **place = &targets->first;

    targets->last = NULL;
    while (*place != NULL) {
        struct push_job *job = *place;
        if (job->has_waiting || job->gateway != NULL) {
            targets->last = job;
            place = &job->next;
            continue;
        }
        *place = job->next;
        unlink_from_bucket(targets, job);
        free_job(job);
    }
}

static struct push_gateway *find_gateway(const struct push_targets *targets, const char *url)
{
    struct push_gateway *gateway = targets->gateways;

    while (gateway != NULL && strcmp(gateway->url, url) != 0)
        gateway = gateway->next;
    return gateway;
}

bool push_gateway_has_room(const struct push_targets *targets, const char *url)
{
    const struct push_gateway *gateway = url != NULL ? find_gateway(targets, url) : NULL;

    return targets->under_way < UNDER_WAY_MAX &&
           (gateway == NULL || gateway->under_way < PER_GATEWAY_MAX);
}

void push_job_set_url(struct push_job *job, const char *url)
{
    if (job->url != NULL && strcmp(job->url, url) == 0)
        return;
    free(job->url);
    job->url = strdup(url);
}

struct push_gateway *push_gateway_enter(struct push_targets *targets, const char *url)
{
    struct push_gateway *gateway = find_gateway(targets, url);

    if (!push_gateway_has_room(targets, url))
        return NULL;
    if (gateway == NULL) {
        gateway = calloc(1, sizeof(*gateway));
        if (gateway == NULL || (gateway->url = strdup(url)) == NULL)
            abort();
        gateway->next = targets->gateways;
        targets->gateways = gateway;
    }
    gateway->under_way++;
    targets->under_way++;
    return gateway;
}

void push_job_leave_gateway(struct push_job *job)
{
    struct push_gateway **place = &job->targets->gateways;
    struct push_gateway *gateway = job->gateway;

    job->gateway = NULL;
    job->targets->under_way--;
    if (--gateway->under_way > 0)
        return;
    while (*place != gateway)
        place = &(*place)->next;
    *place = gateway->next;
    free(gateway->url);
    free(gateway);
}

void push_job_on_answer(void *context, enum errcode outcome, const struct http_answer *answer,
                        const char *why UNUSED)
{
    struct push_job *job = context;
    struct push_targets *targets = job->targets;

    pthread_mutex_lock(&targets->lock);
    job->outcome = outcome;
    job->status = outcome == OK ? answer->status : 0;
    job->body = outcome == OK ? strndup(answer->body, answer->body_size) : NULL;
    job->body_size = job->body != NULL ? strlen(job->body) : 0;
    job->next_answered = targets->answered;
    targets->answered = job;
    pthread_mutex_unlock(&targets->lock);
    targets->wake(targets->context);
}

struct push_job *push_targets_take_answered(struct push_targets *targets)
{
    struct push_job *job;

    pthread_mutex_lock(&targets->lock);
    job = targets->answered;
    if (job != NULL)
        targets->answered = job->next_answered;
    pthread_mutex_unlock(&targets->lock);
    return job;
}
