/* Many waiting clients and nothing to tell them. */
#include "tests/bench/population.h"
#include "tests/bench/syncers.h"

enum { USERS = 100, CONNECTIONS = 10000, SECONDS = 20, SETTLE_US = 3000000 };

static bool run(struct bench *bench)
{
    int64_t connections = bench_option(bench->options.connections, CONNECTIONS);
    int64_t seconds = bench_option(bench->options.seconds, SECONDS);
    struct syncers syncers = {0};

    if (!population_users(bench, bench_option(bench->options.users, USERS)) ||
        !population_rooms(bench, 1) || !population_join(bench, bench->user_count - 1))
        return false;
    struct bench_meter before = bench_meter_start(bench);
    if (!syncers_start(&syncers, bench, (int)connections))
        return false;
    syncers_wait(&syncers, SETTLE_US);
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
