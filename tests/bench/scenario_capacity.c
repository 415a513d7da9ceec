/*
 * How many people can this machine serve? More and more of them work, until one action or one
 * delivery of a hundred takes longer than a second; then the limit is approached by halves.
 * An account may do the work of a few people. When there are more, a larger population is made:
 * a client that hears of everything at once, in one long answer, would be too cheap.
 */
#include <inttypes.h>

#include "homeserver/base/arena.h"
#include "tests/bench/crowd.h"
#include "tests/bench/population.h"

enum {
    USERS = 200,
    FIRST_LEVEL = 50,
    MOST_LEVEL = 1 << 20,
    SECONDS = 10,
    PER_MINUTE = 4,
    LIMIT_US = 1000000, /* of the 99th percentile */
    ERRORS_PER_MILLE = 1,
    PATIENCE_US = 2 * LIMIT_US,
    STEPS = 3,
    PEOPLE_PER_ACCOUNT = 8,
    GROWTH = 4,
    ACCOUNTS_MOST = 4000, /* more take minutes to make */
    SETTLE_US = 1000000,
};

struct level {
    int64_t people;
    struct work_result all, delivery;
    bool good;
};

static int64_t p99(const struct work_result *result)
{
    return histogram_quantile(&result->latency, 0.99);
}

static void run_level(struct crowd *crowd, struct level *level)
{
    struct crowd_outcome outcome = {.all = &level->all, .delivery = &level->delivery};
    struct bench *bench = crowd->bench;

    level->all = (struct work_result){.name = "all actions"};
    level->delivery = (struct work_result){.name = "message to each sync"};
    crowd->actions_per_second =
        (double)level->people * (double)bench_option(bench->options.rate, PER_MINUTE) / 60;
    crowd_run(crowd, &outcome);
    level->good = p99(&level->all) < LIMIT_US && p99(&level->delivery) < LIMIT_US &&
                  level->all.errors * 1000 <= level->all.latency.count * ERRORS_PER_MILLE;
    fprintf(stderr,
            "%" PRId64 " people: %" PRId64 " actions, p99 %.0f ms, deliveries p99 %.0f ms, %" PRId64
            " errors: %s\n",
            level->people, level->all.latency.count, (double)p99(&level->all) / 1000,
            (double)p99(&level->delivery) / 1000, level->all.errors,
            level->good ? "good" : "too much");
    bench_figure(bench, arena_printf(bench->arena, "p99 with %" PRId64 " people", level->people),
                 (double)p99(&level->all) / 1000, "ms");
    syncers_wait(crowd->syncers, SETTLE_US);
}

/* Everybody has a sync waiting; false: explained. */
static bool gather(struct crowd *crowd, int64_t users)
{
    struct bench *bench = crowd->bench;
    const struct population wanted = crowd_population(bench, users);

    bench->result_count = 0; /* of the population before */
    return population_make(bench, &wanted) && crowd_sign_in(bench) &&
           crowd_prepare(crowd, bench, crowd->syncers);
}

static bool grow(struct crowd *crowd)
{
    struct bench *bench = crowd->bench;
    int64_t users = GROWTH * bench->user_count;

    if (users > ACCOUNTS_MOST)
        return false;
    syncers_stop(crowd->syncers);
    *crowd->syncers = (struct syncers){0};
    bench->options.population_path = NULL; /* holds the one before */
    bench->run = arena_printf(bench->arena, "%s-%" PRId64, bench->run, users);
    return gather(crowd, users);
}

/* Upwards until it is too much; the people of that level, 0 when there can be no more. */
static int64_t climb(struct crowd *crowd, struct level *level, struct level *best)
{
    for (int64_t people = FIRST_LEVEL; people <= MOST_LEVEL; people *= 2) {
        if (people > PEOPLE_PER_ACCOUNT * crowd->bench->user_count && !grow(crowd))
            return 0;
        level->people = people;
        run_level(crowd, level);
        if (!level->good)
            return people;
        *best = *level;
    }
    return 0;
}

static void halve(struct crowd *crowd, struct level *level, struct level *best, int64_t too_many)
{
    int64_t steps = bench_option(crowd->bench->options.count, STEPS);

    for (int64_t i = 0; i < steps; i++) {
        level->people = (best->people + too_many) / 2;
        run_level(crowd, level);
        if (level->good)
            *best = *level;
        else
            too_many = level->people;
    }
}

static bool run(struct bench *bench)
{
    struct syncers syncers = {0};
    struct crowd crowd = {.bench = bench,
                          .syncers = &syncers,
                          .seconds = bench_option(bench->options.seconds, SECONDS),
                          .patience_us = PATIENCE_US};
    struct level *level = ARENA_NEW(bench->arena, struct level);
    struct level *best = ARENA_NEW(bench->arena, struct level);

    *best = (struct level){0};
    if (!gather(&crowd, bench_option(bench->options.users, USERS)))
        return false;
    int64_t too_many = climb(&crowd, level, best);
    if (too_many > 0)
        halve(&crowd, level, best, too_many);
    syncers_stop(&syncers);
    if (best->people > 0) {
        *bench_result(bench) = best->all;
        *bench_result(bench) = best->delivery;
    }
    bench_figure(bench, "active users", (double)best->people, "");
    bench_meter_report(bench, &(struct bench_meter){0}, 0, "actions");
    printf("This machine serves about %" PRId64 "%s active users: each does %" PRId64
           " things a minute and hears of the messages of %" PRId64 " others.\n",
           best->people, too_many > 0 ? "" : " or more",
           bench_option(bench->options.rate, PER_MINUTE),
           crowd_population(bench, bench->user_count).members - 1);
    return best->people > 0;
}

const struct scenario scenario_capacity = {
    .name = "capacity",
    .summary = "how many people can work before one thing in a hundred takes over a second",
    .defaults = "--users 200 --rooms USERS/5 --members 30 --history 20 --seconds 10 --rate 4\n"
                "      --count 3 (halvings)",
    .run = run,
};
