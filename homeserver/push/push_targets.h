#ifndef HOMESERVER_PUSH_PUSH_TARGETS_H
#define HOMESERVER_PUSH_PUSH_TARGETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "homeserver/base/error.h"

/*
 * The pushers that have something to be told, in memory: who waits, who is being told, how many
 * requests each gateway has. Belongs to the notifier's thread; only the answers come from another.
 */
struct push_targets;
struct http_answer;

struct push_gateway {
    char *url;
    size_t under_way;
    struct push_gateway *next;
};

/* A pusher. Forgotten when there is nothing to do for it. */
struct push_job {
    struct push_targets *targets;
    int64_t pusher_nid;
    bool has_waiting;    /* perhaps: something in the queue */
    int64_t next_try_ts; /* ms since 1970; after a failure */

    char *url;                    /* of its gateway, when last seen; or NULL */
    struct push_gateway *gateway; /* NULL: no request is under way */
    int64_t position;             /* what of the queue the request is about */
    int64_t badge;                /* the count that it tells */
    char *pushkey;

    /* The answer; protected by the targets' lock until it was taken. */
    enum errcode outcome;
    int status;
    char *body;
    size_t body_size;
    struct push_job *next_answered;

    struct push_job *next, *next_in_bucket;
};

struct push_targets *push_targets_create(void (*wake)(void *context), void *context);
void push_targets_destroy(struct push_targets *targets);

/* Something is in the pusher's queue. */
void push_targets_mark(struct push_targets *targets, int64_t pusher_nid);

/* Those that wait or are under way, in the order in which they came: `push_targets_next(t, NULL)`
 * is the first. */
struct push_job *push_targets_next(const struct push_targets *targets, const struct push_job *job);

/* Frees those for which there is nothing to do. */
void push_targets_sweep(struct push_targets *targets);

/* Takes a place at the gateway; NULL when it, or all of them together, have enough to do. */
struct push_gateway *push_gateway_enter(struct push_targets *targets, const char *url);
/* False when that would be so. `url` NULL: any gateway. */
bool push_gateway_has_room(const struct push_targets *targets, const char *url);
void push_job_set_url(struct push_job *job, const char *url);
/* The request ended. */
void push_job_leave_gateway(struct push_job *job);

/* For http_client_start(); the context is the job. */
void push_job_on_answer(void *job, enum errcode outcome, const struct http_answer *answer,
                        const char *why);

/* The next job whose answer came in; NULL when there is none. */
struct push_job *push_targets_take_answered(struct push_targets *targets);

#endif
