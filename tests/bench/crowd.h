#ifndef TESTS_BENCH_CROWD_H
#define TESTS_BENCH_CROWD_H

#include "tests/bench/bench.h"
#include "tests/bench/syncers.h"

/*
 * People at work: each has a sync waiting, and now and then does something. An open loop: what is
 * due is started when it is due, whether the server keeps up or not, and its time counts from
 * there; so a server that stalls can not hide it by being asked less.
 */
struct crowd {
    struct bench *bench;
    struct syncers *syncers; /* already waiting */
    double actions_per_second;
    int64_t seconds;
    int64_t patience_us;      /* for what is open at the end */
    const char **last_events; /* an event ID of each room, percent-encoded, or NULL; of the run */
};

/* A user of the crowd does this with someone of a room. */
struct crowd_action {
    const char *name;
    int percent; /* how often */
    /* Fills the request. False: nothing to do it with yet. */
    bool (*make)(struct crowd *crowd, int64_t room, int64_t member, struct arena *arena,
                 struct http_request *out);
};
enum { CROWD_ACTIONS = 11 };
extern const struct crowd_action crowd_actions[CROWD_ACTIONS];

struct crowd_outcome {
    struct work_result *kinds[CROWD_ACTIONS]; /* NULL where nobody asks */
    struct work_result *all;
    struct work_result *delivery; /* from the making of a message to each sync that brings it */
    int64_t unanswered;           /* still open some seconds after the end; errors of `all` too */
};

/* Everybody signs in once more, and uploads keys: results "sign in" and "keys uploaded". */
bool crowd_sign_in(struct bench *bench);

bool crowd_prepare(struct crowd *crowd, struct bench *bench, struct syncers *syncers);
void crowd_run(struct crowd *crowd, struct crowd_outcome *outcome);

/* The population of `morning` and `capacity` from the options. */
struct population;
struct population crowd_population(const struct bench *bench, int64_t users);

#endif
