/* Monday morning: everybody signs in, uploads keys and syncs at once; then they work. */
#include "homeserver/base/arena.h"
#include "tests/bench/crowd.h"
#include "tests/bench/population.h"

enum { USERS = 1000, SECONDS = 60, PER_MINUTE = 4, PATIENCE_US = 30000000 };

static bool run(struct bench *bench)
{
    int64_t users = bench_option(bench->options.users, USERS);
    const struct population wanted = crowd_population(bench, users);
    struct crowd_outcome outcome = {0};
    struct syncers syncers = {0};
    struct crowd crowd = {
        .actions_per_second =
            (double)users * (double)bench_option(bench->options.rate, PER_MINUTE) / 60,
        .seconds = bench_option(bench->options.seconds, SECONDS),
        .patience_us = PATIENCE_US,
    };

    if (!population_make(bench, &wanted))
        return false;
    struct bench_meter meter = bench_meter_start(bench);
    if (!crowd_sign_in(bench) || !crowd_prepare(&crowd, bench, &syncers))
        return false;
    struct bench_meter work = bench_meter_start(bench);
    outcome.all = bench_named_result(bench, "all actions");
    outcome.delivery = bench_named_result(bench, "message to each sync");
    for (size_t i = 0; i < CROWD_ACTIONS; i++)
        outcome.kinds[i] = bench_named_result(bench, crowd_actions[i].name);
    crowd_run(&crowd, &outcome);
    struct bench_meter end = bench_meter_start(bench);
    bench_figure(bench, "syncs answered meanwhile", (double)syncers.answers, "");
    bench_figure(bench, "everybody is in after", (double)(work.at_us - meter.at_us) / 1e6, "s");
    if (end.server.processes > 0)
        bench_figure(bench, "server CPU while they work",
                     100.0 * (double)(end.server.cpu_us - work.server.cpu_us) /
                         (double)(end.at_us - work.at_us),
                     "% of a core");
    bench_figure(bench, "unanswered", (double)outcome.unanswered, "");
    bench_meter_report(bench, &work, outcome.all->latency.count, "actions");
    syncers_stop(&syncers);
    return outcome.unanswered == 0 && outcome.all->errors == 0 && syncers.errors == 0;
}

const struct scenario scenario_morning = {
    .name = "morning",
    .summary = "everybody signs in and syncs, then reads, writes, types, asks for keys",
    .defaults = "--users 1000 --rooms USERS/5 --members 30 --history 20 --seconds 60 --rate 4",
    .run = run,
};
