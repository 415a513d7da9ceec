/* Many waiting clients and nothing to tell them. Every connection has had an answer before it
 * waits, as those of real clients: a first request is what makes a server keep buffers for it. */
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "tests/bench/population.h"
#include "tests/bench/syncers.h"

enum {
    USERS = 100,
    CONNECTIONS = 10000,
    SECONDS = 20,
    SETTLE_SECONDS = 3,
    PATIENCE_US = 120000000,
    SENDER = 0, /* its connection */
};

static void woken(void *context, int number UNUSED, const struct http_answer *answer UNUSED)
{
    struct syncers *syncers = context;

    if (syncers->answers >= syncers->count)
        http_loop_stop(syncers->bench->loop);
}

static void sent(void *context UNUSED, const struct http_answer *answer UNUSED)
{
}

/* One message to the room of all; false when it did not reach everybody. */
static bool wake_all(struct bench *bench, struct syncers *syncers)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    int64_t began_us = clock_monotonic_us();
    struct http_request request = {0};

    syncers->answers = 0;
    syncers->on_answer = woken;
    syncers->context = syncers;
    population_message(bench, arena, 0, population_creator(bench, 0), &request);
    http_conn_request(bench_conn(bench, SENDER), &request, sent, NULL);
    syncers_wait(syncers, PATIENCE_US);
    bench_figure(bench, "one message reached all in",
                 (double)(clock_monotonic_us() - began_us) / 1000, "ms");
    syncers->on_answer = NULL;
    if (syncers->answers >= syncers->count)
        return true;
    fprintf(stderr, "idle: a message reached only %lld of %d\n", (long long)syncers->answers,
            syncers->count);
    return false;
}

static bool run(struct bench *bench)
{
    int64_t connections = bench_option(bench->options.connections, CONNECTIONS);
    int64_t seconds = bench_option(bench->options.seconds, SECONDS);
    int64_t settle_us = 1000000 * (seconds < SETTLE_SECONDS ? seconds : SETTLE_SECONDS);
    struct syncers syncers = {0};

    int64_t users = bench_option(bench->options.users, USERS);
    const struct population wanted = {users, 1, users, 0};

    if (!population_make(bench, &wanted))
        return false;
    struct bench_meter before = bench_meter_start(bench);
    if (!syncers_start(&syncers, bench, (int)connections))
        return false;
    syncers_wait(&syncers, settle_us);
    if (!wake_all(bench, &syncers))
        return false;
    syncers_wait(&syncers, settle_us);
    syncers.answers = 0;
    struct bench_meter parked = bench_meter_start(bench);
    syncers_wait(&syncers, seconds * 1000000);
    struct bench_meter end = bench_meter_start(bench);
    double elapsed_us = (double)(end.at_us - parked.at_us);
    bench_figure(bench, "waiting", (double)connections, "");
    bench_figure(bench, "server memory per wait",
                 (double)(parked.server.rss_bytes - before.server.rss_bytes) / 1024 /
                     (double)connections,
                 "KiB");
    bench_figure(bench, "server CPU",
                 100.0 * (double)(end.server.cpu_us - parked.server.cpu_us) / elapsed_us,
                 "% of a core");
    bench_figure(bench, "postgres CPU",
                 100.0 * (double)(end.postgres.cpu_us - parked.postgres.cpu_us) / elapsed_us,
                 "% of a core");
    bench_figure(bench, "answered meanwhile", (double)syncers.answers, "");
    bench_figure(bench, "errors", (double)syncers.errors, "");
    syncers_stop(&syncers);
    return syncers.errors == 0;
}

const struct scenario scenario_idle = {
    .name = "idle",
    .summary = "many waiting syncs and no news: memory per wait, and CPU",
    .defaults = "--connections 10000 --users 100 --seconds 20",
    .run = run,
};
