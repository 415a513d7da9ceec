/* Somebody who is in very many rooms gets one message: what does the sync that fetches it cost? */
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "tests/bench/population.h"

enum { ROOMS = 1000, MESSAGES = 200, SINCE_BYTES = 256, PATIENCE_US = 60000000, TRIES = 100 };

struct incremental {
    struct bench *bench;
    const char *sync_target;
    char since[SINCE_BYTES];
    struct work_result *send, *sync;
    int64_t begin_us;
    bool found, worked;
};

static void on_sent(void *context, const struct http_answer *answer)
{
    struct incremental *incremental = context;

    incremental->worked = bench_count_answer(incremental->send, answer, answer->took_us);
}

static void on_synced(void *context, const struct http_answer *answer)
{
    struct incremental *incremental = context;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const char *since = answer_text(arena, answer, "next_batch");

    incremental->worked = answer->status == 200;
    incremental->found = population_age_us(answer, incremental->begin_us) >= 0;
    if (since != NULL)
        snprintf(incremental->since, sizeof(incremental->since), "%s", since);
    if (!incremental->worked || incremental->found)
        bench_count_answer(incremental->sync, answer, answer->took_us);
}

/* One request, to its answer. */
static bool ask(struct incremental *incremental, const struct http_request *request,
                http_on_answer on_answer)
{
    struct http_conn *conn = bench_conn(incremental->bench, 0);

    incremental->worked = false;
    http_conn_request(conn, request, on_answer, incremental);
    http_loop_run(incremental->bench->loop, clock_monotonic_us() + PATIENCE_US);
    if (http_conn_is_busy(conn))
        http_conn_abort(conn);
    return incremental->worked;
}

/* The one who reads is user 1. */
static bool fetch(struct incremental *incremental)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct http_request request = {
        .method = "GET",
        .target = arena_printf(arena, "%s%s%s", incremental->sync_target,
                               incremental->since[0] != '\0' ? "&since=" : "",
                               percent_encode(arena, incremental->since)),
        .token = incremental->bench->users[1].token,
    };

    return ask(incremental, &request, on_synced);
}

/* Another server may show a message a moment after it answered the sender: it is asked until the
 * message is there, and only the sync that brought it counts. */
static bool send_and_fetch(struct incremental *incremental, int64_t number)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct bench *bench = incremental->bench;
    struct http_request request = {0};

    incremental->begin_us = clock_monotonic_us();
    population_message(bench, arena, number * 7919 % bench->room_count, &bench->users[0], &request);
    if (!ask(incremental, &request, on_sent))
        return false;
    incremental->found = false;
    for (int i = 0; i < TRIES && !incremental->found; i++) {
        if (!fetch(incremental))
            return false;
    }
    return incremental->found;
}

static bool run(struct bench *bench)
{
    const struct population wanted = {2, bench_option(bench->options.rooms, ROOMS), 2, 0};
    struct incremental incremental = {.bench = bench};
    bool worked = true;

    if (!population_make(bench, &wanted))
        return false;
    incremental.sync_target = arena_printf(
        bench->arena, "/_matrix/client/v3/sync?set_presence=offline&timeout=0&filter=%s",
        population_filter(bench, "{}"));
    incremental.send = bench_named_result(bench, "send");
    incremental.sync = bench_named_result(bench, "sync with one message");
    incremental.begin_us = INT64_MAX; /* nothing counts of the first sync */
    if (!fetch(&incremental))
        return false;
    struct bench_meter meter = bench_meter_start(bench);
    int64_t count = bench_option(bench->options.count, MESSAGES);
    int64_t began_us = clock_monotonic_us();
    for (int64_t i = 0; i < count && worked; i++)
        worked = send_and_fetch(&incremental, i);
    incremental.send->took_us = incremental.sync->took_us = clock_monotonic_us() - began_us;
    bench_meter_report(bench, &meter, incremental.sync->latency.count, "syncs");
    return worked;
}

const struct scenario scenario_incremental = {
    .name = "incremental",
    .summary = "somebody in very many rooms fetches one message at a time",
    .defaults = "--rooms 1000 --count 200",
    .run = run,
};
