/* Signing in with a password. */
#include "homeserver/base/arena.h"
#include "tests/bench/population.h"

enum { USERS = 50, CONNECTIONS = 8, LOGINS = 200 };

static bool make_login(void *context, int slot UNUSED, int64_t index, struct arena *arena,
                       struct http_request *out)
{
    const struct bench *bench = context;

    population_login(arena, &bench->users[index % bench->user_count], out);
    return true;
}

static bool run(struct bench *bench)
{
    const struct work work = {
        .name = "login",
        .count = bench_option(bench->options.count, LOGINS),
        .width = (int)bench_option(bench->options.connections, CONNECTIONS),
        .make = make_login,
        .context = bench,
    };

    const struct population wanted = {bench_option(bench->options.users, USERS), 0, 0, 0};

    if (!population_make(bench, &wanted))
        return false;
    struct bench_meter meter = bench_meter_start(bench);
    struct work_result *result = bench_result(bench);
    bool worked = work_run(bench, &work, result);
    bench_meter_report(bench, &meter, result->latency.count, "logins");
    return worked;
}

const struct scenario scenario_login = {
    .name = "login",
    .summary = "signing in with a password (what its hash costs is a setting)",
    .defaults = "--users 50 --count 200 --connections 8",
    .run = run,
};
