/* The open loop: actions fall due at random moments and wait for a connection when all are busy. */
#include "tests/bench/crowd.h"

#include <inttypes.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/random.h"
#include "tests/bench/population.h"

enum {
    POOL = 512, /* connections for actions; below those of syncers.c */
    BACKLOG_MAX = 1 << 16,
    SECOND_US = 1000000,
    PERCENT = 100,
    ROOMS_EACH = 5, /* five users per room … */
    MEMBERS = 30,   /* … and thirty members: everybody is in six */
    HISTORY = 20,
};

struct actor {
    struct day *day;
    int number;
    int64_t room;
    const struct crowd_action *action;
    int64_t due_us;
};

/* One run of a crowd. */
struct day {
    struct crowd *crowd;
    struct crowd_outcome *outcome;
    struct arena *arena;
    struct actor actors[POOL];
    int free_actors[POOL];
    int free_count;
    int64_t *backlog; /* when its actions were due; a ring */
    int64_t backlog_start, backlog_count;
    int64_t started_us, ends_us, next_us;
};

struct population crowd_population(const struct bench *bench, int64_t users)
{
    const struct bench_options *options = &bench->options;
    int64_t rooms = bench_option(options->rooms, (users + ROOMS_EACH - 1) / ROOMS_EACH);
    int64_t members = bench_option(options->members, users < MEMBERS ? users : MEMBERS);

    return (struct population){users, rooms, members, bench_option(options->history, HISTORY)};
}

static int64_t below(int64_t bound)
{
    return random_below((uint32_t)bound);
}

static const struct crowd_action *choose_action(void)
{
    int64_t roll = below(PERCENT);
    size_t i = 0;

    while (i < CROWD_ACTIONS - 1 && roll >= crowd_actions[i].percent)
        roll -= crowd_actions[i++].percent;
    return &crowd_actions[i];
}

static bool is_over(const struct day *day)
{
    return clock_monotonic_us() >= day->ends_us && day->backlog_count == 0 &&
           day->free_count == POOL;
}

static void start(struct day *day, int64_t due_us);

static void note_event(struct crowd *crowd, const struct actor *actor,
                       const struct http_answer *answer)
{
    if (actor->action != &crowd_actions[0])
        return;
    /* One per message of a run: the arena of the run bears it. */
    const char *event_id = answer_text(crowd->bench->arena, answer, "event_id");
    if (event_id != NULL)
        crowd->last_events[actor->room] = event_id;
}

static void on_answer(void *context, const struct http_answer *answer)
{
    struct actor *actor = context;
    struct day *day = actor->day;
    struct crowd_outcome *outcome = day->outcome;
    int64_t waited_us = answer->sent_at_us - actor->due_us;
    int64_t took_us = answer->took_us + (waited_us > 0 ? waited_us : 0);
    struct work_result *kind = outcome->kinds[actor->action - crowd_actions];

    if (kind != NULL)
        bench_count_answer(kind, answer, took_us);
    if (bench_count_answer(outcome->all, answer, took_us))
        note_event(day->crowd, actor, answer);
    day->free_actors[day->free_count++] = actor->number;
    if (day->backlog_count > 0) {
        int64_t due_us = day->backlog[day->backlog_start++ % BACKLOG_MAX];
        day->backlog_count--;
        start(day, due_us);
    }
    if (is_over(day))
        http_loop_stop(day->crowd->bench->loop);
}

/* There is a free connection. */
static void start(struct day *day, int64_t due_us)
{
    struct crowd *crowd = day->crowd;
    const struct bench *bench = crowd->bench;
    struct actor *actor = &day->actors[day->free_actors[--day->free_count]];
    struct http_request request = {0};
    int64_t members = crowd_population(bench, bench->user_count).members;

    arena_reset(day->arena);
    actor->due_us = due_us;
    actor->room = below(bench->room_count);
    actor->action = choose_action();
    int64_t member = below(members);
    request.token = population_member(bench, actor->room, member)->token;
    if (!actor->action->make(crowd, actor->room, member, day->arena, &request)) {
        actor->action = &crowd_actions[0]; /* nothing is known of the room: write to it */
        actor->action->make(crowd, actor->room, member, day->arena, &request);
    }
    http_conn_request(bench_conn(crowd->bench, actor->number), &request, on_answer, actor);
}

static void on_time(void *context)
{
    struct day *day = context;
    struct crowd *crowd = day->crowd;
    int64_t now_us = clock_monotonic_us();
    int64_t mean_us = (int64_t)(SECOND_US / crowd->actions_per_second) + 1;

    for (; day->next_us <= now_us && day->next_us < day->ends_us;
         day->next_us += 1 + below(2 * mean_us)) {
        if (day->free_count > 0)
            start(day, now_us); /* the timer is right to a millisecond; not the server's fault */
        else if (day->backlog_count < BACKLOG_MAX)
            day->backlog[(day->backlog_start + day->backlog_count++) % BACKLOG_MAX] = day->next_us;
        else
            day->outcome->unanswered++;
    }
    if (is_over(day))
        http_loop_stop(crowd->bench->loop);
    else
        http_loop_at(crowd->bench->loop, day->next_us < day->ends_us ? day->next_us : day->ends_us,
                     on_time, day);
}

static void on_delivery(void *context, int number UNUSED, const struct http_answer *answer)
{
    struct day *day = context;
    int64_t age_us = population_age_us(answer, day->started_us);

    if (age_us >= 0)
        bench_count_answer(day->outcome->delivery, answer, age_us);
}

static void on_second(void *context)
{
    const struct day *day = context;
    struct bench *bench = day->crowd->bench;
    int64_t seconds = (clock_monotonic_us() - day->started_us) / SECOND_US;

    bench_sample(bench);
    if (bench->options.quiet)
        return;
    fprintf(stderr,
            "\r\033[Kat work: %" PRId64 " of %" PRId64 " s, %" PRId64 " actions, %" PRId64
            " deliveries, %" PRId64 " waiting",
            seconds, day->crowd->seconds, day->outcome->all->latency.count,
            day->outcome->delivery->latency.count, day->backlog_count);
    fflush(stderr);
}

/* What the server never answered is an error, and took as long as it was waited for. */
static void count_unanswered(struct day *day)
{
    struct crowd_outcome *outcome = day->outcome;
    int64_t now_us = clock_monotonic_us();

    for (int i = 0; i < POOL; i++) {
        struct http_conn *conn = bench_conn(day->crowd->bench, i);
        if (!http_conn_is_busy(conn))
            continue;
        http_conn_abort(conn);
        histogram_add(&outcome->all->latency, now_us - day->actors[i].due_us);
        outcome->unanswered++;
    }
    for (int64_t i = 0; i < day->backlog_count; i++)
        histogram_add(&outcome->all->latency,
                      now_us - day->backlog[(day->backlog_start + i) % BACKLOG_MAX]);
    outcome->unanswered += day->backlog_count;
    outcome->all->errors += outcome->unanswered;
}

bool crowd_prepare(struct crowd *crowd, struct bench *bench, struct syncers *syncers)
{
    crowd->bench = bench;
    crowd->syncers = syncers;
    crowd->last_events = ARENA_ARRAY(bench->arena, (size_t)bench->room_count, const char *);
    memset(crowd->last_events, 0, (size_t)bench->room_count * sizeof(*crowd->last_events));
    return syncers_start(syncers, bench, (int)bench->user_count);
}

void crowd_run(struct crowd *crowd, struct crowd_outcome *outcome)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    SCOPED(arena_release) struct arena *own = arena_create();
    struct bench *bench = crowd->bench;
    struct day *day = ARENA_NEW(own, struct day);

    memset(day, 0, sizeof(*day));
    day->crowd = crowd;
    day->outcome = outcome;
    day->arena = arena;
    day->backlog = ARENA_ARRAY(own, BACKLOG_MAX, int64_t);
    for (int i = 0; i < POOL; i++) {
        day->actors[i] = (struct actor){.day = day, .number = i};
        day->free_actors[day->free_count++] = POOL - 1 - i;
    }
    day->started_us = day->next_us = clock_monotonic_us();
    day->ends_us = day->started_us + crowd->seconds * SECOND_US;
    crowd->syncers->on_answer = on_delivery;
    crowd->syncers->context = day;
    http_loop_on_second(bench->loop, on_second, day);
    http_loop_at(bench->loop, day->next_us, on_time, day);
    http_loop_hold(bench->loop, 1); /* for the timer */
    http_loop_run(bench->loop, day->ends_us + crowd->patience_us);
    http_loop_hold(bench->loop, -1);
    http_loop_at(bench->loop, 0, NULL, NULL);
    http_loop_on_second(bench->loop, NULL, NULL);
    count_unanswered(day);
    crowd->syncers->on_answer = NULL;
    int64_t took_us = clock_monotonic_us() - day->started_us;
    outcome->all->took_us = outcome->delivery->took_us = took_us;
    for (size_t i = 0; i < CROWD_ACTIONS; i++) {
        if (outcome->kinds[i] != NULL)
            outcome->kinds[i]->took_us = took_us;
    }
    if (!bench->options.quiet)
        fprintf(stderr, "\r\033[K");
}
