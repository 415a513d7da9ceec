/* From the answer to a sender, which comes after the commit, to the push gateway. */
#include <inttypes.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/compiler.h"
#include "tests/bench/population.h"
#include "tests/bench/push_gateway.h"

enum { MESSAGES = 500, PORT = 8449, WAIT_MS = 10000 };

struct pushes {
    struct bench *bench;
    struct push_gateway *gateway;
    struct work_result *result;
    char event_id[256]; /* of the message that is on its way; empty: of none */
    int64_t answered_at_us;
    int64_t lost;
};

static void wait_for_push(struct pushes *pushes)
{
    int64_t told_at_us;

    if (pushes->event_id[0] == '\0')
        return;
    if (push_gateway_wait(pushes->gateway, pushes->event_id, WAIT_MS, &told_at_us))
        histogram_add(&pushes->result->latency, told_at_us > pushes->answered_at_us
                                                    ? told_at_us - pushes->answered_at_us
                                                    : 0);
    else
        pushes->lost++;
    pushes->event_id[0] = '\0';
}

/* One after the other: the next is sent when the gateway was told of the last. */
static bool make_message(void *context, int slot UNUSED, int64_t index UNUSED, struct arena *arena,
                         struct http_request *out)
{
    struct pushes *pushes = context;

    wait_for_push(pushes);
    population_message(pushes->bench, arena, 0, population_creator(pushes->bench, 0), out);
    return true;
}

static void message_sent(void *context, int slot UNUSED, int64_t index UNUSED,
                         const struct http_answer *answer)
{
    struct pushes *pushes = context;

    pushes->answered_at_us = clock_monotonic_us();
    const char *event_id = answer_text(pushes->bench->arena, answer, "event_id");
    snprintf(pushes->event_id, sizeof(pushes->event_id), "%s", event_id != NULL ? event_id : "");
}

static bool make_pusher(void *context, int slot UNUSED, int64_t index UNUSED, struct arena *arena,
                        struct http_request *out)
{
    const struct bench *bench = context;

    out->method = "POST";
    out->target = "/_matrix/client/v3/pushers/set";
    out->token = population_member(bench, 0, 1)->token;
    out->body = arena_printf(
        arena,
        "{\"kind\":\"http\",\"app_id\":\"bench\",\"pushkey\":\"%s\",\"app_display_name\":\"b\","
        "\"device_display_name\":\"b\",\"lang\":\"en\",\"data\":{\"format\":\"event_id_only\","
        "\"url\":\"https://127.0.0.1:%" PRId64 "/_matrix/push/v1/notify\"}}",
        bench->run, bench_option(bench->options.gateway_port, PORT));
    return true;
}

static bool measure(struct pushes *pushes)
{
    struct bench *bench = pushes->bench;
    struct work_result set = {0}, sent = {0};
    const struct work pusher = {
        .name = "pusher", .count = 1, .width = 1, .make = make_pusher, .context = bench};
    const struct work messages = {
        .name = "push",
        .count = bench_option(bench->options.count, MESSAGES),
        .width = 1,
        .make = make_message,
        .done = message_sent,
        .context = pushes,
    };

    if (!work_run(bench, &pusher, &set) || set.latency.count == 0)
        return false;
    pushes->result = bench_named_result(bench, "from the answer to the gateway");
    struct bench_meter meter = bench_meter_start(bench);
    bool worked = work_run(bench, &messages, &sent);
    wait_for_push(pushes);
    pushes->result->took_us = sent.took_us;
    bench_meter_report(bench, &meter, pushes->result->latency.count, "pushes");
    bench_figure(bench, "lost", (double)pushes->lost, "");
    return worked && pushes->lost == 0;
}

static bool run(struct bench *bench)
{
    const struct population wanted = {2, 1, 2, 0};
    struct pushes pushes = {.bench = bench};

    if (bench->options.gateway_pem == NULL) {
        fprintf(stderr, "beffroi-bench: push wants --gateway-pem FILE, which the server trusts "
                        "(outgoing.ca_file), and outgoing.allow_private_push_gateways: true\n");
        return false;
    }
    if (!population_make(bench, &wanted))
        return false;
    pushes.gateway = push_gateway_start(bench->arena, bench->options.gateway_pem,
                                        (uint16_t)bench_option(bench->options.gateway_port, PORT));
    if (pushes.gateway == NULL)
        return false;
    bool worked = measure(&pushes);
    push_gateway_stop(pushes.gateway);
    return worked;
}

const struct scenario scenario_push = {
    .name = "push",
    .summary = "how long after the answer to a sender a push gateway hears of a message",
    .defaults = "--count 500 --gateway-port 8449; --gateway-pem has none",
    .run = run,
};
