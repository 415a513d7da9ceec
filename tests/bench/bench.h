#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "tests/bench/proc.h"
#include "tests/bench/work.h"

struct arena;

/* What the command line says; 0 or NULL: the scenario's own default. */
struct bench_options {
    const char *url;
    const char *json_path;
    const char *database_directory;
    const char *gateway_pem; /* of the push gateway: certificate and key */
    int64_t gateway_port;
    const char *population_path;
    int64_t server_pid, postgres_pid;
    int64_t users, rooms, members, history, connections, seconds, count, bytes;
    int64_t state_percent, page, rate;

    bool quiet;
};

struct bench_user {
    const char *user_id;
    const char *device_id;
    const char *token;
};

enum { BENCH_FIGURES_MAX = 64, BENCH_RESULTS_MAX = 32, BENCH_CONNECTIONS_MAX = 65536 };

struct bench_figure {
    const char *name; /* "bytes per event on disk" */
    double value;
    const char *unit;
};

struct bench {
    struct bench_options options;
    struct arena *arena; /* lives as long as the run */
    struct http_loop *loop;
    struct http_conn **conns;
    int conn_count;
    const char *run; /* a random word: names of this run are new on any server */
    struct bench_user *users;
    int64_t user_count;
    const char **rooms; /* percent-encoded, for paths */
    int64_t room_count;
    int64_t transaction;
    pid_t server, postgres;
    int64_t server_peak_bytes, postgres_peak_bytes;
    int64_t sampled_at_ms;
    struct bench_figure figures[BENCH_FIGURES_MAX];
    size_t figure_count;
    struct work_result *results[BENCH_RESULTS_MAX];
    size_t result_count;
};

/* A scenario; false when it could not be carried out (explained). */
struct scenario {
    const char *name;
    const char *summary;
    const char *defaults; /* which options count, with their defaults */
    bool (*run)(struct bench *bench);
};
extern const struct scenario scenario_send, scenario_fanout, scenario_initial_sync, scenario_idle,
    scenario_login, scenario_messages, scenario_search, scenario_join, scenario_media,
    scenario_incremental, scenario_morning, scenario_capacity, scenario_push;

/* Connection number i, made when it is first asked for. */
struct http_conn *bench_conn(struct bench *bench, int number);

/* `given` unless it is 0. */
int64_t bench_option(int64_t given, int64_t standard);

/* ── What a scenario found ── */

void bench_figure(struct bench *bench, const char *name, double value, const char *unit);
/* Takes a result into the report; work_run() names it. */
struct work_result *bench_result(struct bench *bench);
/* The same for what work_run() does not fill. */
struct work_result *bench_named_result(struct bench *bench, const char *name);
/* One more answer: counts a 2xx with its time, anything else as an error. False for the latter. */
struct http_answer;
bool bench_count_answer(struct work_result *result, const struct http_answer *answer,
                        int64_t took_us);

/* Server and PostgreSQL between two moments; the difference goes into the report. `operations`
 * divides it; `noun` says what they are ("events"). */
struct bench_meter {
    struct proc_usage server, postgres;
    int64_t disk_bytes;
    int64_t at_us;
};
struct bench_meter bench_meter_start(struct bench *bench); /* {0}: only how it is at the end */
/* Looks at the memory of both, at most every second second, for the peaks in the report; called by
 * what runs long. */
void bench_sample(struct bench *bench);
void bench_meter_report(struct bench *bench, const struct bench_meter *start, int64_t operations,
                        const char *noun);

/* Prints the report; writes it as JSON where the options say so. */
bool bench_report(const struct bench *bench, const struct scenario *scenario);

#endif
