/* The first sync of people who are in many rooms, with the filters that clients use. */
#include "homeserver/base/arena.h"
#include "tests/bench/population.h"

enum { USERS = 20, ROOMS = 40, HISTORY = 30, CONNECTIONS = 4 };

struct sync_filter {
    const char *name;
    const char *room; /* its member "room" */
};

static const struct sync_filter filters[] = {
    {"timeline 1, lazy members",
     "{\"timeline\":{\"limit\":1},\"state\":{\"lazy_load_members\":true}}"},
    {"timeline 5, lazy members",
     "{\"timeline\":{\"limit\":5},\"state\":{\"lazy_load_members\":true}}"},
    {"timeline 20, lazy members",
     "{\"timeline\":{\"limit\":20},\"state\":{\"lazy_load_members\":true}}"},
    {"timeline 10, all members", "{\"timeline\":{\"limit\":10}}"},
};

struct initial {
    struct bench *bench;
    const char *target;
};

static bool make_sync(void *context, int slot UNUSED, int64_t index, struct arena *arena UNUSED,
                      struct http_request *out)
{
    const struct initial *initial = context;

    out->method = "GET";
    out->target = initial->target;
    out->token = initial->bench->users[index % initial->bench->user_count].token;
    return true;
}

static bool run_filter(struct bench *bench, const struct sync_filter *filter)
{
    struct initial initial = {
        .bench = bench,
        .target = arena_printf(bench->arena, "/_matrix/client/v3/sync?timeout=0&filter=%s",
                               population_filter(bench, filter->room)),
    };
    const struct work work = {
        .name = filter->name,
        .count = bench_option(bench->options.count, bench->user_count),
        .width = (int)bench_option(bench->options.connections, CONNECTIONS),
        .make = make_sync,
        .context = &initial,
    };
    struct bench_meter meter = bench_meter_start(bench);
    struct work_result *result = bench_result(bench);
    bool worked = work_run(bench, &work, result);

    struct bench_meter end = bench_meter_start(bench);
    double cpu_us = (double)(end.server.cpu_us - meter.server.cpu_us + end.postgres.cpu_us -
                             meter.postgres.cpu_us);
    if (end.server.processes > 0 && result->latency.count > 0)
        bench_figure(bench, arena_printf(bench->arena, "CPU, %s", filter->name),
                     cpu_us / (double)result->latency.count / 1e3, "ms");
    return worked;
}

static bool run(struct bench *bench)
{
    int64_t users = bench_option(bench->options.users, USERS);
    const struct population wanted = {users, bench_option(bench->options.rooms, ROOMS),
                                      bench_option(bench->options.members, users),
                                      bench_option(bench->options.history, HISTORY)};

    if (!population_make(bench, &wanted))
        return false;
    for (size_t i = 0; i < COUNT_OF(filters); i++) {
        if (!run_filter(bench, &filters[i]))
            return false;
    }
    bench_meter_report(bench, &(struct bench_meter){0}, 0, "syncs");
    return true;
}

const struct scenario scenario_initial_sync = {
    .name = "initial-sync",
    .summary = "the first sync of everybody, with four filters",
    .defaults = "--users 20 --rooms 40 --members USERS --history 30 --connections 4",
    .run = run,
};
