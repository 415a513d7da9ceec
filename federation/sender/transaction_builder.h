#ifndef FEDERATION_SENDER_TRANSACTION_BUILDER_H
#define FEDERATION_SENDER_TRANSACTION_BUILDER_H

#include <jansson.h>

#include "homeserver/base/error.h"
#include "storage/federation_queues.h"

/* The next transaction of a queue. Spec: at most 50 PDUs and 100 EDUs. */
struct transaction_plan {
    const struct federation_queue *queue;
    int64_t pdu_limit;   /* fewer than 50 while the other server chokes on something */
    json_t *const *edus; /* beside those of the journal; borrowed */
    size_t edu_count;    /* at most TRANSACTION_VOLATILE_EDUS_MAX */
};
enum { TRANSACTION_PDUS_MAX = 50, TRANSACTION_VOLATILE_EDUS_MAX = 10 };

struct planned_transaction {
    json_t *content; /* on the arena; NULL: there is nothing to say up to `until` */
    int64_t until;   /* what the queue has sent when this is delivered */
    size_t pdu_count;
    size_t edu_count;
    int64_t newest_ts; /* of the events; 0: there are none */
};

enum errcode transaction_plan(struct db *db, struct arena *arena,
                              const struct transaction_plan *plan,
                              struct planned_transaction *out) MUST_CHECK;

#endif
