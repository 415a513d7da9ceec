/* Searching all one's rooms for a word that is in one message, and for one that is in all. */
#include <inttypes.h>

#include "homeserver/base/arena.h"
#include "tests/bench/population.h"

enum { USERS = 8, ROOMS = 20, HISTORY = 250, SEARCHES = 200, CONNECTIONS = 4 };

struct searching {
    struct bench *bench;
    bool rare;
};

/* Every message has a number as its second word. */
static bool make_search(void *context, int slot UNUSED, int64_t index, struct arena *arena,
                        struct http_request *out)
{
    const struct searching *searching = context;
    const struct bench *bench = searching->bench;
    int64_t messages = bench->room_count * bench_option(bench->options.history, HISTORY);

    out->method = "POST";
    out->target = "/_matrix/client/v3/search";
    out->token = bench->users[index % bench->user_count].token;
    const char *term =
        searching->rare ? arena_printf(arena, "%" PRId64, index * 7919 % messages) : "minutes";
    out->body = arena_printf(arena,
                             "{\"search_categories\":{\"room_events\":{\"search_term\":\"%s\","
                             "\"order_by\":\"recent\"}}}",
                             term);
    return true;
}

static bool search_for(struct bench *bench, bool rare)
{
    struct searching searching = {bench, rare};
    const struct work work = {
        .name = rare ? "a rare word" : "a word of every message",
        .seconds = bench->options.seconds,
        .count = bench->options.seconds > 0 ? 0 : bench_option(bench->options.count, SEARCHES),
        .width = (int)bench_option(bench->options.connections, CONNECTIONS),
        .make = make_search,
        .context = &searching,
    };

    return work_run(bench, &work, bench_result(bench));
}

static bool run(struct bench *bench)
{
    const struct bench_options *options = &bench->options;
    int64_t users = bench_option(options->users, USERS);
    const struct population wanted = {users, bench_option(options->rooms, ROOMS),
                                      bench_option(options->members, users),
                                      bench_option(options->history, HISTORY)};

    if (!population_make(bench, &wanted))
        return false;
    struct bench_meter meter = bench_meter_start(bench);
    size_t first = bench->result_count;
    bool worked = search_for(bench, true) && search_for(bench, false);
    int64_t searches = 0;
    for (size_t i = first; i < bench->result_count; i++)
        searches += bench->results[i]->latency.count;
    bench_meter_report(bench, &meter, searches, "searches");
    return worked;
}

const struct scenario scenario_search = {
    .name = "search",
    .summary = "searching all one's rooms, for a rare word and for a common one",
    .defaults = "--users 8 --rooms 20 --members USERS --history 250 --count 200 --connections 4",
    .run = run,
};
