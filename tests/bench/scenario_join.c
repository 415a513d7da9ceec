/* People join public rooms, one after the other in each. */
#include "homeserver/base/arena.h"
#include "tests/bench/population.h"

enum { USERS = 200, ROOMS = 4, CONNECTIONS = 8 };

static bool make_join(void *context, int slot UNUSED, int64_t index, struct arena *arena,
                      struct http_request *out)
{
    const struct bench *bench = context;
    int64_t room = index % bench->room_count;

    out->method = "POST";
    out->target = arena_printf(arena, "/_matrix/client/v3/join/%s", bench->rooms[room]);
    out->token = population_member(bench, room, 1 + index / bench->room_count)->token;
    out->body = "{}";
    return true;
}

static bool run(struct bench *bench)
{
    int64_t users = bench_option(bench->options.users, USERS);
    const struct population wanted = {users, bench_option(bench->options.rooms, ROOMS), 1, 0};
    const struct work work = {
        .name = "join",
        .count = (users - 1) * wanted.rooms,
        .width = (int)bench_option(bench->options.connections, CONNECTIONS),
        .make = make_join,
        .context = bench,
    };

    if (users < 2) {
        fprintf(stderr, "beffroi-bench: join wants two users at least\n");
        return false;
    }
    if (bench->options.population_path != NULL) {
        fprintf(stderr, "beffroi-bench: join needs new rooms: run it without --population\n");
        return false;
    }
    if (!population_make(bench, &wanted))
        return false;
    struct bench_meter meter = bench_meter_start(bench);
    struct work_result *result = bench_result(bench);
    bool worked = work_run(bench, &work, result);
    bench_meter_report(bench, &meter, result->latency.count, "joins");
    return worked;
}

const struct scenario scenario_join = {
    .name = "join",
    .summary = "everybody joins every room",
    .defaults = "--users 200 --rooms 4 --connections 8",
    .run = run,
};
