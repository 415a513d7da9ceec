#ifndef TESTS_BENCH_SYNCERS_H
#define TESTS_BENCH_SYNCERS_H

#include "tests/bench/bench.h"

/*
 * Clients that always have a /sync waiting, each on its own connection, as a Matrix client does
 * while its user reads. Number i is user i modulo the number of users.
 */
struct syncers {
    struct bench *bench;
    int count;
    struct syncer *each;
    const char *target; /* path and filter of their syncs */
    int64_t answers;    /* of long polls */
    int64_t errors;
    /* Called for every answer, before the next poll starts; may be NULL. */
    void (*on_answer)(void *context, int number, const struct http_answer *answer);
    void *context;
};

/* The first sync of each (as a result named "initial sync"), then the long polls are sent off.
 * They are answered while http_loop_run() or work_run() runs. */
bool syncers_start(struct syncers *syncers, struct bench *bench, int count);
void syncers_stop(struct syncers *syncers);

/* Runs the loop for so long. */
void syncers_wait(struct syncers *syncers, int64_t us);

#endif
