/*
 * How long one conflict takes in a room with many members. Target: under 10 ms with the index, in a
 * room of 100,000, whatever the conflict is about.
 *
 *     bench_state_resolution [members]
 */
#include "homeserver/base/arena.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/compiler.h"
#include "homeserver/base/map.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/room_version.h"
#include "homeserver/protocol/state_map.h"
#include "homeserver/protocol/state_resolution.h"
#include "tests/support/builders.h"
#include "tests/support/memory_room.h"
#include "tests/support/room_script.h"

enum { MEMBERS_DEFAULT = 100000, REPEATS = 5 };

struct bench {
    struct arena *arena;
    struct memory_room *room;
    struct script_room *story;
    struct state_map *state;
};

static void play(struct bench *bench, struct state_map **state, const char *script)
{
    size_t known = bench->story->events.count;

    if (!script_room_play(bench->story, script)) {
        fprintf(stderr, "%s\n", bench->story->problem);
        exit(1);
    }
    for (size_t i = known; i < bench->story->events.count; i++) {
        int64_t ref = memory_room_add(bench->room, bench->story->events.items[i]);
        memory_room_apply(bench->room, state, ref);
    }
}

static void fill_room(struct bench *bench, const struct room_version *version, long members)
{
    bench->room = memory_room_create(bench->arena);
    bench->story = script_room_create(bench->arena, version);
    play(bench, &bench->state, "@a create; @a join; @a power ban 50; @a rules public; @b join");
    for (long i = 0; i < members; i++) {
        SCOPED(arena_release) struct arena *scratch = arena_create();
        play(bench, &bench->state, arena_printf(scratch, "@u%ld join", i));
    }
}

static size_t resolve_once(struct bench *bench, struct state_map *const *sets)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct state_resolution request = {
        .version = bench->story->version,
        .state_sets = sets,
        .set_count = 2,
        .source = &bench->room->source,
    };
    struct state_map *resolved;
    size_t fetched = bench->room->fetched;

    if (state_resolution_resolve(arena, &request, &resolved) != OK)
        exit(1);
    state_map_release(resolved);
    return bench->room->fetched - fetched;
}

static void measure(struct bench *bench, struct state_map *const *sets, const char *name)
{
    for (int with_index = 1; with_index >= 0; with_index--) {
        int64_t best = INT64_MAX;
        size_t fetched = 0;
        memory_room_use_index(bench->room, with_index == 1);
        for (int i = 0; i < REPEATS; i++) {
            int64_t start = clock_monotonic_us();
            fetched = resolve_once(bench, sets);
            int64_t took = clock_monotonic_us() - start;
            best = took < best ? took : best;
        }
        printf("version %-2s  %-34s %-14s %8.2f ms, %6zu events fetched\n",
               bench->story->version->id, name, with_index ? "with index" : "without index",
               (double)best / 1000, fetched);
    }
}

static struct map *copy_of(struct arena *arena, const struct map *map)
{
    struct map *copy = map_create(arena);

    for (const struct map_entry *e = map_first(map); e != NULL; e = map_next(e))
        map_set(copy, e->key, e->value);
    return copy;
}

/* Plays a branch that does not see what other branches did. */
static struct state_map *play_branch(struct bench *bench, const char *script)
{
    struct script_room *story = bench->story;
    struct map *common = story->state;
    struct state_map *state = state_map_acquire(bench->state);

    story->branch = arena_printf(bench->arena, "%s'", story->branch);
    story->state = copy_of(bench->arena, common);
    play(bench, &state, script);
    story->state = common;
    return state;
}

static void measure_fork(struct bench *bench, const char *name, const char *left, const char *right)
{
    struct state_map *sets[] = {play_branch(bench, left), play_branch(bench, right)};

    measure(bench, sets, name);
    state_map_release(sets[0]);
    state_map_release(sets[1]);
}

int main(int argc, char **argv)
{
    static const char *const versions[] = {"11", "12"};
    long members = argc > 1 ? strtol(argv[1], NULL, 10) : MEMBERS_DEFAULT;

    for (size_t i = 0; i < COUNT_OF(versions); i++) {
        SCOPED(arena_release) struct arena *arena = arena_create();
        struct bench bench = {.arena = arena};

        fill_room(&bench, room_version_find(versions[i]), members);
        measure_fork(&bench, "one topic, twice", "@a put m.room.topic \"\" {}",
                     "@a put m.room.topic \"\" {'topic': 'x'}");
        measure_fork(&bench, "a ban and a leave", "@a ban @u5", "@u5 leave");
        measure_fork(&bench, "power levels changed on both sides",
                     "@a power @b 50; @a power @u7 20; @a power @u7 none",
                     "@a power @b 40; @a power @b 30; @u9 leave");
        state_map_release(bench.state);
    }
    return 0;
}
