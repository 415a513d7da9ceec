/* Reading back: everybody pages through the whole history of a room, from the newest message to
 * the oldest. What is far back should cost no more than what is near. */
#include "homeserver/base/arena.h"
#include "tests/bench/population.h"

enum { USERS = 8, HISTORY = 5000, PAGE = 50, PASSES = 3, TOKEN_BYTES = 128 };

struct reader {
    char from[TOKEN_BYTES]; /* "": at the newest message */
    int64_t page;
};

struct reading {
    struct bench *bench;
    struct reader *readers;
    int64_t limit, pages; /* of the whole history */
    struct work_result *newest, *oldest;
};

static bool make_page(void *context, int slot, int64_t index UNUSED, struct arena *arena,
                      struct http_request *out)
{
    const struct reading *reading = context;
    const struct reader *reader = &reading->readers[slot];

    out->method = "GET";
    out->target =
        arena_printf(arena, "/_matrix/client/v3/rooms/%s/messages?dir=b&limit=%lld%s%s",
                     reading->bench->rooms[0], (long long)reading->limit,
                     reader->from[0] != '\0' ? "&from=" : "", percent_encode(arena, reader->from));
    out->token = population_member(reading->bench, 0, slot)->token;
    return true;
}

static void page_read(void *context, int slot, int64_t index UNUSED,
                      const struct http_answer *answer)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct reading *reading = context;
    struct reader *reader = &reading->readers[slot];
    const char *end = answer_text(arena, answer, "end");

    if (reader->page < reading->pages / 4)
        histogram_add(&reading->newest->latency, answer->took_us);
    else if (reader->page >= reading->pages - reading->pages / 4)
        histogram_add(&reading->oldest->latency, answer->took_us);
    reader->page++;
    if (end == NULL) {
        *reader = (struct reader){0};
        return;
    }
    snprintf(reader->from, sizeof(reader->from), "%s", end);
}

static bool run(struct bench *bench)
{
    const struct bench_options *options = &bench->options;
    int64_t users = bench_option(options->users, USERS);
    const struct population wanted = {users, 1, users, bench_option(options->history, HISTORY)};
    struct reading reading = {.bench = bench, .limit = bench_option(options->page, PAGE)};

    reading.pages = wanted.history / reading.limit;
    const struct work work = {
        .name = "page of history",
        .seconds = options->seconds,
        .count = options->seconds > 0
                     ? 0
                     : bench_option(options->count, PASSES * users * (reading.pages + 1)),
        .width = (int)bench_option(options->connections, users),
        .make = make_page,
        .done = page_read,
        .context = &reading,
    };

    if (!population_make(bench, &wanted))
        return false;
    reading.readers = ARENA_ARRAY(bench->arena, (size_t)work.width, struct reader);
    memset(reading.readers, 0, (size_t)work.width * sizeof(struct reader));
    struct bench_meter meter = bench_meter_start(bench);
    struct work_result *result = bench_result(bench);
    reading.newest = bench_named_result(bench, "… of the newest quarter");
    reading.oldest = bench_named_result(bench, "… of the oldest quarter");
    bool worked = work_run(bench, &work, result);
    reading.newest->took_us = reading.oldest->took_us = result->took_us;
    bench_meter_report(bench, &meter, result->latency.count, "pages");
    return worked;
}

const struct scenario scenario_messages = {
    .name = "messages",
    .summary = "everybody pages through the whole history of one room",
    .defaults = "--users 8 --history 5000 --page 50 --connections USERS --count (3 passes)",
    .run = run,
};
