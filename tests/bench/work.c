/* The closed loop of numbered requests. */
#include "tests/bench/work.h"

#include <inttypes.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "tests/bench/bench.h"

enum { ERRORS_MAX = 200, PROGRESS_AFTER_MS = 2000, PATIENCE_MS = 60000 };

struct slot {
    struct running *running;
    struct http_conn *conn;
    int number;
    int64_t index;
    bool is_waiting; /* to try the same index again */
};

struct running {
    struct bench *bench;
    const struct work *work;
    struct work_result *result;
    struct arena *arena;
    struct slot *slots;
    int64_t next;
    int64_t ends_at_us;
    int64_t started_ms, answered_ms;
};

void work_note_error(struct work_result *result, const struct http_answer *answer)
{
    if (result->errors++ == 0)
        snprintf(result->first_error, sizeof(result->first_error), "%d %.200s", answer->status,
                 answer->status == 0 ? "the connection failed" : answer->body);
}

static void start_next(struct slot *slot);

static void on_answer(void *context, const struct http_answer *answer)
{
    struct slot *slot = context;
    struct running *running = slot->running;

    bool refused = answer->status == 429 && running->work->patient;
    int64_t now_ms = clock_monotonic_ms();

    if (refused && now_ms - running->answered_ms < PATIENCE_MS) {
        slot->is_waiting = true;
        http_loop_hold(running->bench->loop, 1);
        return;
    }
    running->answered_ms = now_ms;
    running->result->bytes += (int64_t)answer->size;
    if (answer->status / 100 != 2) {
        work_note_error(running->result, answer);
        running->result->errors += refused ? ERRORS_MAX : 0; /* its limits are on */
        if (running->result->errors > ERRORS_MAX)
            http_loop_stop(running->bench->loop);
    } else {
        histogram_add(&running->result->latency, answer->took_us);
        if (running->work->done != NULL)
            running->work->done(running->work->context, slot->number, slot->index, answer);
    }
    if (running->result->errors <= ERRORS_MAX)
        start_next(slot);
}

static void start(struct slot *slot)
{
    struct running *running = slot->running;
    const struct work *work = running->work;
    struct http_request request = {0};

    arena_reset(running->arena);
    if (work->make(work->context, slot->number, slot->index, running->arena, &request))
        http_conn_request(slot->conn, &request, on_answer, slot);
}

static void start_next(struct slot *slot)
{
    struct running *running = slot->running;
    const struct work *work = running->work;

    if (work->count > 0 && running->next >= work->count)
        return;
    if (work->seconds > 0 && clock_monotonic_us() >= running->ends_at_us)
        return;
    slot->index = running->next++;
    start(slot);
}

static void try_again(struct running *running)
{
    for (int i = 0; i < running->work->width; i++) {
        struct slot *slot = &running->slots[i];
        if (!slot->is_waiting)
            continue;
        slot->is_waiting = false;
        http_loop_hold(running->bench->loop, -1);
        start(slot);
    }
}

static void show_progress(const struct running *running)
{
    int64_t done = running->result->latency.count;
    int64_t ms = clock_monotonic_ms() - running->started_ms;

    if (ms < PROGRESS_AFTER_MS || running->bench->options.quiet)
        return;
    fprintf(stderr, "\r\033[K%s: %" PRId64, running->work->name, done);
    if (running->work->count > 0)
        fprintf(stderr, " of %" PRId64, running->work->count);
    fprintf(stderr, ", %" PRId64 "/s", done * 1000 / ms);
    fflush(stderr);
}

static void on_second(void *context)
{
    struct running *running = context;

    try_again(running);
    bench_sample(running->bench);
    show_progress(running);
}

bool work_run(struct bench *bench, const struct work *work, struct work_result *out)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    SCOPED(arena_release) struct arena *slots_arena = arena_create();
    struct running running = {
        .bench = bench,
        .work = work,
        .result = out,
        .arena = arena,
        .started_ms = clock_monotonic_ms(),
        .answered_ms = clock_monotonic_ms(),
    };
    int64_t started_us = clock_monotonic_us();

    memset(out, 0, sizeof(*out));
    out->name = work->name;
    running.ends_at_us = started_us + work->seconds * 1000000;
    http_loop_on_second(bench->loop, on_second, &running);
    struct slot *slots = running.slots = ARENA_ARRAY(slots_arena, (size_t)work->width, struct slot);
    for (int i = 0; i < work->width; i++) {
        slots[i] = (struct slot){.running = &running, .conn = bench_conn(bench, i), .number = i};
        start_next(&slots[i]);
    }
    http_loop_run(bench->loop, INT64_MAX);
    for (int i = 0; i < work->width; i++) {
        if (http_conn_is_busy(slots[i].conn))
            http_conn_abort(slots[i].conn);
    }
    out->took_us = clock_monotonic_us() - started_us;
    http_loop_on_second(bench->loop, NULL, NULL);
    if (!bench->options.quiet)
        fprintf(stderr, "\r\033[K");
    if (out->errors > 0)
        fprintf(stderr, "%s: %" PRId64 " errors, the first: %s\n", work->name, out->errors,
                out->first_error);
    return out->errors <= ERRORS_MAX;
}
