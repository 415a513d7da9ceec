/* One message to a room in which everybody waits: when does the first learn of it, when the last?
 */
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "tests/bench/population.h"
#include "tests/bench/syncers.h"

enum { MEMBERS = 1000, MESSAGES = 20, PATIENCE_US = 60000000, SETTLE_US = 500000 };

struct fanout {
    struct bench *bench;
    struct syncers syncers;
    struct work_result *first, *last, *each;
    int64_t sent_at_us;
    int64_t reached;
    bool sending; /* an answer now is a delivery of the message under way */
    bool answered;
};

static void on_delivery(void *context, int number UNUSED, const struct http_answer *answer)
{
    struct fanout *fanout = context;
    int64_t took_us = clock_monotonic_us() - fanout->sent_at_us;

    /* Every message has the words "The minutes": other answers are none of it. */
    if (!fanout->sending || memmem(answer->body, answer->size, "The minutes", 11) == NULL)
        return;
    fanout->each->bytes += (int64_t)answer->size;
    histogram_add(&fanout->each->latency, took_us);
    if (++fanout->reached == 1)
        histogram_add(&fanout->first->latency, took_us);
    if (fanout->reached == fanout->syncers.count) {
        histogram_add(&fanout->last->latency, took_us);
        if (fanout->answered)
            http_loop_stop(fanout->bench->loop);
    }
}

static void on_sent(void *context, const struct http_answer *answer)
{
    struct fanout *fanout = context;

    fanout->answered = true;
    if (answer->status != 200)
        fanout->each->errors++;
    if (answer->status != 200 || fanout->reached == fanout->syncers.count)
        http_loop_stop(fanout->bench->loop);
}

static void send_one(struct fanout *fanout)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct bench *bench = fanout->bench;
    struct http_request request = {0};

    population_message(bench, arena, 0, population_creator(bench, 0), &request);
    fanout->reached = 0;
    fanout->answered = false;
    fanout->sending = true;
    fanout->sent_at_us = clock_monotonic_us();
    http_conn_request(bench_conn(bench, 0), &request, on_sent, fanout);
    http_loop_run(bench->loop, fanout->sent_at_us + PATIENCE_US);
    fanout->sending = false;
    if (fanout->reached < fanout->syncers.count)
        fanout->each->errors += fanout->syncers.count - fanout->reached;
    fanout->each->took_us += clock_monotonic_us() - fanout->sent_at_us;
    /* The polls that follow should be waiting before the next message. */
    syncers_wait(&fanout->syncers, SETTLE_US);
}

static bool run(struct bench *bench)
{
    int64_t members = bench_option(bench->options.members, MEMBERS);
    struct fanout fanout = {.bench = bench};

    const struct population everybody = {.users = members, .rooms = 1, .members = members};

    if (!population_make(bench, &everybody) || !syncers_start(&fanout.syncers, bench, (int)members))
        return false;
    fanout.syncers.on_answer = on_delivery;
    fanout.syncers.context = &fanout;
    fanout.first = bench_named_result(bench, "time to the first");
    fanout.last = bench_named_result(bench, "time to the last");
    fanout.each = bench_named_result(bench, "time to each");
    syncers_wait(&fanout.syncers, 4 * SETTLE_US);
    struct bench_meter meter = bench_meter_start(bench);
    for (int64_t i = 0; i < bench_option(bench->options.count, MESSAGES); i++)
        send_one(&fanout);
    fanout.first->took_us = fanout.last->took_us = fanout.each->took_us;
    bench_meter_report(bench, &meter, fanout.each->latency.count, "deliveries");
    syncers_stop(&fanout.syncers);
    return true;
}

const struct scenario scenario_fanout = {
    .name = "fanout",
    .summary = "one sender, all others wait in /sync: time to the first and to the last",
    .defaults = "--members 1000 --count 20 --bytes 100",
    .run = run,
};
