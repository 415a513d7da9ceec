#ifndef FEDERATION_SENDER_QUEUE_H
#define FEDERATION_SENDER_QUEUE_H

#include <jansson.h>
#include <stdbool.h>
#include <uthash.h>

#include "federation/sender/transaction_builder.h"

/*
 * A queue as the sender's thread has it in memory: what the database says, and what is under way.
 * Used by that thread alone.
 */
struct sender_queue {
    char *name;                    /* "origin server_name" */
    struct federation_queue state; /* texts are our own */
    bool is_busy;                  /* a transaction, or the search for the route, is under way */
    int64_t busy_until_position;   /* what is sent when it is delivered */
    size_t busy_pdus, busy_edus;
    int64_t busy_newest_ts; /* of its events */
    int64_t pdu_limit;
    int64_t not_before_ts; /* wall clock; 0: now */
    json_t *edus[TRANSACTION_VOLATILE_EDUS_MAX];
    size_t edu_count;
    UT_hash_handle hh;
};

struct sender_queues {
    struct sender_queue *table;
};

/* Made when there is none. */
struct sender_queue *sender_queue_obtain(struct sender_queues *queues, const char *origin,
                                         const char *server_name);
void sender_queue_forget(struct sender_queues *queues, struct sender_queue *queue);
void sender_queues_finish(struct sender_queues *queues);

/* What the database says. A queue that was fully sent may have moved ahead. */
void sender_queue_update(struct sender_queue *queue, const struct federation_queue *row);

bool sender_queue_has_work(const struct sender_queue *queue);

/* For the next transaction only, and worth nothing later. The oldest goes when there are too many.
 */
void sender_queue_add_edu(struct sender_queue *queue, json_t *edu_owned);
void sender_queue_drop_edus(struct sender_queue *queue);

#endif
