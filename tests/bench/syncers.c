/* Waiting clients. */
#include "tests/bench/syncers.h"

#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "tests/bench/population.h"

enum {
    POLL_MS = 600000,        /* longer than any scenario: nothing but an event may answer */
    FIRST_CONNECTION = 1024, /* below are those of work_run() */
    FIRST_SYNCS_AT_ONCE = 32,
    SINCE_BYTES = 96,
    ERRORS_MAX = 100,
};

#define FIRST_FILTER "{\"timeline\":{\"limit\":1},\"state\":{\"lazy_load_members\":true}}"

struct syncer {
    struct syncers *syncers;
    int number;
    char since[SINCE_BYTES];
};

static const struct bench_user *user_of(const struct syncers *syncers, int64_t number)
{
    return &syncers->bench->users[number % syncers->bench->user_count];
}

static void note_since(struct syncer *syncer, const struct http_answer *answer)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    const char *since = answer_text(arena, answer, "next_batch");

    if (since != NULL)
        snprintf(syncer->since, sizeof(syncer->since), "%s", since);
}

static void poll_again(struct syncer *syncer);

static void on_answer(void *context, const struct http_answer *answer)
{
    struct syncer *syncer = context;
    struct syncers *syncers = syncer->syncers;

    if (answer->status != 200) {
        if (++syncers->errors <= ERRORS_MAX)
            poll_again(syncer);
        return;
    }
    syncers->answers++;
    note_since(syncer, answer);
    if (syncers->on_answer != NULL)
        syncers->on_answer(syncers->context, syncer->number, answer);
    poll_again(syncer);
}

static void poll_again(struct syncer *syncer)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct bench *bench = syncer->syncers->bench;
    const struct http_request request = {
        .method = "GET",
        .target = arena_printf(arena, "%s&timeout=%d&since=%s", syncer->syncers->target, POLL_MS,
                               percent_encode(arena, syncer->since)),
        .token = user_of(syncer->syncers, syncer->number)->token,
    };

    http_conn_request(bench_conn(bench, FIRST_CONNECTION + syncer->number), &request, on_answer,
                      syncer);
}

static bool make_first(void *context, int slot UNUSED, int64_t index, struct arena *arena,
                       struct http_request *out)
{
    const struct syncers *syncers = context;

    out->method = "GET";
    out->target = arena_printf(arena, "%s&timeout=0", syncers->target);
    out->token = user_of(syncers, index)->token;
    return true;
}

static void first_done(void *context, int slot UNUSED, int64_t index,
                       const struct http_answer *answer)
{
    struct syncers *syncers = context;

    note_since(&syncers->each[index], answer);
}

bool syncers_start(struct syncers *syncers, struct bench *bench, int count)
{
    const struct work work = {
        .name = "initial sync",
        .count = count,
        .width = count < FIRST_SYNCS_AT_ONCE ? count : FIRST_SYNCS_AT_ONCE,
        .make = make_first,
        .done = first_done,
        .context = syncers,
    };

    syncers->bench = bench;
    syncers->count = count;
    syncers->target =
        arena_printf(bench->arena, "/_matrix/client/v3/sync?set_presence=offline&filter=%s",
                     population_filter(bench, FIRST_FILTER));
    syncers->each = ARENA_ARRAY(bench->arena, (size_t)count, struct syncer);
    for (int i = 0; i < count; i++)
        syncers->each[i] = (struct syncer){.syncers = syncers, .number = i};
    if (!work_run(bench, &work, bench_result(bench)))
        return false;
    for (int i = 0; i < count; i++)
        poll_again(&syncers->each[i]);
    return true;
}

void syncers_stop(struct syncers *syncers)
{
    for (int i = 0; i < syncers->count; i++)
        http_conn_abort(bench_conn(syncers->bench, FIRST_CONNECTION + i));
}

void syncers_wait(struct syncers *syncers, int64_t us)
{
    http_loop_run(syncers->bench->loop, clock_monotonic_us() + us);
}
