/* Messages from many senders to many rooms, each waiting for its answer: durable sends. */
#include <inttypes.h>

#include "homeserver/base/arena.h"
#include "tests/bench/population.h"

enum { USERS = 16, ROOMS = 1, MESSAGES = 5000 };

static bool is_state(const struct bench *bench, int64_t index)
{
    int64_t percent = bench->options.state_percent;

    return percent > 0 && index % 100 < percent;
}

/* Sender i writes to room i modulo the number of rooms. Only its creator may set state. */
static bool make_send(void *context, int slot, int64_t index, struct arena *arena,
                      struct http_request *out)
{
    struct bench *bench = context;
    int64_t room = slot % bench->room_count;

    if (!is_state(bench, index)) {
        population_message(bench, arena, room, &bench->users[slot % bench->user_count], out);
        return true;
    }
    out->method = "PUT";
    out->target = arena_printf(arena, "/_matrix/client/v3/rooms/%s/state/org.example.bench/%d",
                               bench->rooms[room], slot);
    out->token = population_creator(bench, room)->token;
    out->body = arena_printf(arena, "{\"number\":%" PRId64 "}", index);
    return true;
}

/* Every sender is in the room it writes to, however many of both there are. */
static bool make_join(void *context, int slot UNUSED, int64_t index, struct arena *arena,
                      struct http_request *out)
{
    const struct bench *bench = context;

    out->method = "POST";
    out->target =
        arena_printf(arena, "/_matrix/client/v3/join/%s", bench->rooms[index % bench->room_count]);
    out->token = bench->users[index].token;
    out->body = "{}";
    return true;
}

static bool run(struct bench *bench)
{
    int64_t users = bench_option(bench->options.users, USERS);
    struct work_result joined;
    const struct work join = {
        .name = "joining rooms", .count = users, .width = 8, .make = make_join, .context = bench};
    struct work send = {
        .name = "send",
        .seconds = bench->options.seconds,
        .count = bench->options.seconds > 0 ? 0 : bench_option(bench->options.count, MESSAGES),
        .width = (int)bench_option(bench->options.connections, users),
        .make = make_send,
        .context = bench,
    };

    const struct population wanted = {users, bench_option(bench->options.rooms, ROOMS), 1, 0};

    if (!population_make(bench, &wanted) || !work_run(bench, &join, &joined))
        return false;
    struct bench_meter meter = bench_meter_start(bench);
    struct work_result *result = bench_result(bench);
    bool worked = work_run(bench, &send, result);
    bench_meter_report(bench, &meter, result->latency.count, "events");
    return worked;
}

const struct scenario scenario_send = {
    .name = "send",
    .summary = "many senders, each waiting for the answer to its last message",
    .defaults = "--users 16 --rooms 1 --count 5000 --state-percent 0 --bytes 100",
    .run = run,
};
