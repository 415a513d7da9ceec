#ifndef TESTS_BENCH_WORK_H
#define TESTS_BENCH_WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/bench/histogram.h"
#include "tests/bench/http_loop.h"

struct arena;
struct bench;

/*
 * Most of what a load generator does: `count` requests, numbered, by `width` connections that each
 * send the next one as soon as the last is answered (a closed loop).
 */
struct work {
    const char *name; /* for progress and errors: "joining rooms" */
    int64_t count;    /* requests; 0: until `seconds` are over */
    int64_t seconds;  /* 0: no limit */
    int width;
    /* Fills the request number `index` of connection `slot`; texts live on `arena` until it is
     * sent. False: this slot has nothing more to do. */
    bool (*make)(void *context, int slot, int64_t index, struct arena *arena,
                 struct http_request *out);
    /* A 2xx answer; may be NULL. */
    void (*done)(void *context, int slot, int64_t index, const struct http_answer *answer);
    void *context;
    bool patient; /* what the server refuses with 429 is tried again every second */
};

struct work_result {
    const char *name;
    struct histogram latency; /* of 2xx answers */
    int64_t errors;
    int64_t bytes; /* of answers */
    int64_t took_us;
    char first_error[256];
};

/* Notes an answer that is no 2xx. */
struct http_answer;
void work_note_error(struct work_result *result, const struct http_answer *answer);

/* False when too much failed; explained on standard error. */
bool work_run(struct bench *bench, const struct work *work, struct work_result *out);

#endif
