#include "homeserver/base/arena.h"
#include "homeserver/base/compiler.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/room_version.h"
#include "homeserver/protocol/state_map.h"
#include "homeserver/protocol/state_resolution.h"
#include "tests/support/builders.h"
#include "tests/support/memory_room.h"
#include "tests/support/room_script.h"
#include "tests/support/test.h"

/*
 * Forks told as scripts: `before` is played in both branches, then each goes its own way. What
 * happens in `left` is older than what happens in `right`.
 */
struct fork {
    struct arena *arena;
    const struct room_version *version;
    struct memory_room *room;
    struct state_map *sets[3];
};

/* Plays one more branch on top of the common events; IDs tell branches apart. */
static void play_branch(struct fork *fork, size_t branch, const char *before, const char *script)
{
    struct script_room *script_room = script_room_create(fork->arena, fork->version);

    if (!script_room_play(script_room, before))
        fail_msg("%s", script_room->problem);
    size_t common = script_room->events.count;
    script_room->branch = arena_printf(fork->arena, "%c", 'a' + (int)branch);
    if (!script_room_play(script_room, script))
        fail_msg("%s", script_room->problem);
    for (size_t i = 0; i < script_room->events.count; i++) {
        struct event *event = script_room->events.items[i];
        int64_t ref = memory_room_ref(fork->room, event->event_id);
        if (ref == 0) {
            if (i >= common)
                event->origin_server_ts += (int64_t)branch * 1000000;
            ref = memory_room_add(fork->room, event);
        }
        if (event->state_key != NULL)
            memory_room_apply(fork->room, &fork->sets[branch], ref);
    }
}

static struct fork make_fork(struct arena *arena, const struct room_version *version,
                             const char *before, const char *left, const char *right)
{
    struct fork fork = {.arena = arena, .version = version, .room = memory_room_create(arena)};

    play_branch(&fork, 0, before, left);
    play_branch(&fork, 1, before, right);
    return fork;
}

static void finish_fork(struct fork *fork)
{
    for (size_t i = 0; i < COUNT_OF(fork->sets); i++)
        state_map_release(fork->sets[i]);
}

static struct state_map *resolve(struct fork *fork, struct state_map *const *sets, size_t count)
{
    const struct state_resolution request = {
        .version = fork->version,
        .state_sets = sets,
        .set_count = count,
        .source = &fork->room->source,
    };
    struct state_map *resolved = NULL;

    assert_int_equal(state_resolution_resolve(fork->arena, &request, &resolved), OK);
    return resolved;
}

static const struct event *find(struct fork *fork, const struct state_map *state, const char *type,
                                const char *state_key)
{
    return memory_room_event(fork->room,
                             state_map_get(state, memory_room_key(fork->room, type, state_key)));
}

static const char *membership(struct fork *fork, const struct state_map *state, const char *user)
{
    const struct event *event = find(fork, state, "m.room.member", user);

    return event != NULL ? event_membership(event) : "none";
}

#define PUBLIC_ROOM "@a create; @a join; @a power ban 50; @a rules public; @b join; @c join; "

/* Versions with one of the two newer algorithms. */
static const char *const newer_versions[] = {"2", "6", "11", "12"};

static void a_ban_wins_over_what_the_banned_do_meanwhile(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(newer_versions); i++) {
        SCOPED(arena_release) struct arena *arena = arena_create();
        struct fork fork =
            make_fork(arena, room_version_find(newer_versions[i]), PUBLIC_ROOM "@a power @b 50; ",
                      "@b put m.room.topic \"\" {'topic': 'b'}", "@a ban @b");
        struct state_map *resolved = resolve(&fork, fork.sets, 2);

        assert_string_equal(membership(&fork, resolved, "@b:one"), "ban");
        assert_null(find(&fork, resolved, "m.room.topic", ""));
        state_map_release(resolved);
        finish_fork(&fork);
    }
}

static void a_demoted_moderator_can_not_act_on_another_fork(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(newer_versions); i++) {
        SCOPED(arena_release) struct arena *arena = arena_create();
        struct fork fork =
            make_fork(arena, room_version_find(newer_versions[i]), PUBLIC_ROOM "@a power @b 50; ",
                      "@a power @b 0", "@b ban @c; @b rules invite");
        struct state_map *resolved = resolve(&fork, fork.sets, 2);

        assert_string_equal(membership(&fork, resolved, "@c:one"), "join");
        assert_string_equal(
            json_string_value(json_object_get(
                find(&fork, resolved, "m.room.join_rules", "")->content, "join_rule")),
            "public");
        state_map_release(resolved);
        finish_fork(&fork);
    }
}

static void of_two_equal_changes_the_later_one_stays(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(newer_versions); i++) {
        SCOPED(arena_release) struct arena *arena = arena_create();
        struct fork fork = make_fork(arena, room_version_find(newer_versions[i]), PUBLIC_ROOM,
                                     "@a put m.room.topic \"\" {'topic': 'left'}",
                                     "@a put m.room.topic \"\" {'topic': 'right'}");
        struct state_map *resolved = resolve(&fork, fork.sets, 2);
        const struct event *topic = find(&fork, resolved, "m.room.topic", "");

        assert_string_equal(json_string_value(json_object_get(topic->content, "topic")), "right");
        state_map_release(resolved);
        finish_fork(&fork);
    }
}

static void who_joined_while_the_room_was_closed_elsewhere_stays_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(newer_versions); i++) {
        SCOPED(arena_release) struct arena *arena = arena_create();
        struct fork fork = make_fork(arena, room_version_find(newer_versions[i]), PUBLIC_ROOM,
                                     "@a rules invite", "@d join");
        struct state_map *resolved = resolve(&fork, fork.sets, 2);

        assert_string_equal(membership(&fork, resolved, "@d:one"), "none");
        state_map_release(resolved);
        finish_fork(&fork);
    }
}

static void in_v1_the_deeper_event_wins_when_it_is_allowed(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct fork fork = make_fork(arena, room_version_find("1"), PUBLIC_ROOM,
                                 "@a put m.room.topic \"\" {'topic': 'left'}; @a rules knock",
                                 "@a put m.room.name \"\" {}; @a rules invite;"
                                 "@a put m.room.topic \"\" {'topic': 'right'}; @a power @b 50");
    struct state_map *resolved = resolve(&fork, fork.sets, 2);
    const struct event *topic = find(&fork, resolved, "m.room.topic", "");

    assert_string_equal(json_string_value(json_object_get(topic->content, "topic")), "right");
    /* What one side alone has is no conflict. */
    assert_non_null(find(&fork, resolved, "m.room.name", ""));
    state_map_release(resolved);
    finish_fork(&fork);
}

static void in_v1_members_follow_each_other_while_they_are_allowed(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct fork fork = make_fork(arena, room_version_find("1"), PUBLIC_ROOM,
                                 "@a send x; @a send x; @a send x; @b leave; @c leave",
                                 "@a ban @b; @a power @c 1; @c leave; @c join");
    struct state_map *resolved = resolve(&fork, fork.sets, 2);

    /* The ban comes first; the deeper leave by @b is not allowed after it. */
    assert_string_equal(membership(&fork, resolved, "@b:one"), "ban");
    assert_string_equal(membership(&fork, resolved, "@c:one"), "leave");
    state_map_release(resolved);
    finish_fork(&fork);
}

static void sets_that_are_the_same_come_back_as_they_are(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct fork fork = make_fork(arena, room_version_find("11"), PUBLIC_ROOM, "", "");
    struct state_map *same[] = {fork.sets[0], fork.sets[0], fork.sets[1]};

    for (size_t count = 1; count <= 3; count++) {
        struct state_map *resolved = resolve(&fork, same, count);
        assert_ptr_equal(resolved, fork.sets[0]);
        state_map_release(resolved);
    }
    assert_null(resolve(&fork, NULL, 0));
    finish_fork(&fork);
}

static bool note_difference(void *context, int64_t key, int64_t old_value, int64_t new_value)
{
    (void)key;
    (void)old_value;
    (void)new_value;
    ++*(size_t *)context;
    return true;
}

static void the_order_of_the_sets_does_not_matter(void **state)
{
    (void)state;
    static const size_t orders[][3] = {{0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    static const char *const versions[] = {"1", "2", "11", "12"};

    for (size_t v = 0; v < COUNT_OF(versions); v++) {
        SCOPED(arena_release) struct arena *arena = arena_create();
        struct fork fork =
            make_fork(arena, room_version_find(versions[v]), PUBLIC_ROOM "@a power @b 50; ",
                      "@b ban @c; @b put m.room.topic \"\" {}; @d join",
                      "@a power @b 0; @a rules invite; @c leave");
        play_branch(&fork, 2, PUBLIC_ROOM "@a power @b 50; ", "@c:one leave; @c join; @a ban @b");
        struct state_map *expected = resolve(&fork, fork.sets, 3);

        for (size_t i = 0; i < COUNT_OF(orders); i++) {
            struct state_map *sets[] = {fork.sets[orders[i][0]], fork.sets[orders[i][1]],
                                        fork.sets[orders[i][2]]};
            struct state_map *resolved = resolve(&fork, sets, 3);
            size_t differences = 0;
            state_map_diff(expected, resolved, note_difference, &differences);
            assert_int_equal(differences, 0);
            state_map_release(resolved);
        }
        state_map_release(expected);
        finish_fork(&fork);
    }
}

static const char busy_left[] = "@b ban @c; @a power @d 10; @a power @d 20; @d join; @d leave";
static const char busy_right[] = "@a power @b 0; @a rules invite; @c leave; @a invite @e; @e join";

static void the_work_is_bounded_and_can_be_cancelled(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct fork fork = make_fork(arena, room_version_find("12"), PUBLIC_ROOM "@a power @b 50; ",
                                 busy_left, busy_right);
    atomic_bool cancelled = true;
    struct state_resolution request = {
        .version = fork.version,
        .state_sets = fork.sets,
        .set_count = 2,
        .source = &fork.room->source,
    };
    struct state_map *resolved = NULL;
    uint64_t limit = 1;

    for (; limit < 1000; limit++) {
        request.work_limit = limit;
        enum errcode code = state_resolution_resolve(arena, &request, &resolved);
        if (code == OK)
            break;
        assert_int_equal(code, E_UNAVAILABLE);
    }
    assert_in_range(limit, 10, 200);
    state_map_release(resolved);
    request.cancelled = &cancelled;
    assert_int_equal(state_resolution_resolve(arena, &request, &resolved), E_UNAVAILABLE);
    request.set_count = STATE_SETS_MAX + 1;
    assert_int_equal(state_resolution_resolve(arena, &request, &resolved), M_TOO_LARGE);
    finish_fork(&fork);
}

/* Wraps a source and fails at the n-th call of anything. */
struct failing_source {
    struct event_source inner;
    size_t calls_left;
};

static bool fails_now(struct failing_source *failing)
{
    return failing->calls_left == 0 || --failing->calls_left == 0;
}

static enum errcode failing_event(void *context, int64_t ref, const struct event **out)
{
    struct failing_source *failing = context;

    return fails_now(failing) ? E_DATABASE : failing->inner.event(failing->inner.context, ref, out);
}

static enum errcode failing_ref(void *context, const char *event_id, int64_t *out)
{
    struct failing_source *failing = context;

    return fails_now(failing) ? E_DATABASE
                              : failing->inner.event_ref(failing->inner.context, event_id, out);
}

static enum errcode failing_key(void *context, const char *type, const char *state_key,
                                int64_t *out)
{
    struct failing_source *failing = context;

    return fails_now(failing)
               ? E_DATABASE
               : failing->inner.state_key(failing->inner.context, type, state_key, out);
}

static enum errcode failing_cited_by(void *context, int64_t ref, const int64_t **refs_out,
                                     size_t *count)
{
    struct failing_source *failing = context;

    return fails_now(failing)
               ? E_DATABASE
               : failing->inner.cited_by(failing->inner.context, ref, refs_out, count);
}

static enum errcode failing_prefetch(void *context, const int64_t *refs, size_t count)
{
    struct failing_source *failing = context;

    return fails_now(failing) ? E_DATABASE
                              : failing->inner.prefetch(failing->inner.context, refs, count);
}

static struct event_source wrap(struct failing_source *failing)
{
    return (struct event_source){
        .context = failing,
        .event = failing_event,
        .event_ref = failing_ref,
        .state_key = failing_key,
        .cited_by = failing->inner.cited_by != NULL ? failing_cited_by : NULL,
        .prefetch = failing->inner.prefetch != NULL ? failing_prefetch : NULL,
    };
}

static void fail_everywhere(struct fork *fork)
{
    struct failing_source failing = {.inner = fork->room->source};
    const struct event_source source = wrap(&failing);
    const struct state_resolution request = {
        .version = fork->version, .state_sets = fork->sets, .set_count = 2, .source = &source};
    struct state_map *resolved = NULL;
    enum errcode code = E_DATABASE;

    for (size_t calls = 1; code != OK; calls++) {
        assert_true(calls < 5000);
        failing.calls_left = calls;
        code = state_resolution_resolve(fork->arena, &request, &resolved);
        assert_true(code == OK || code == E_DATABASE);
    }
    state_map_release(resolved);
}

static void an_error_of_the_source_ends_the_resolution_wherever_it_comes(void **state)
{
    (void)state;
    static const char *const versions[] = {"1", "11", "12"};

    for (size_t v = 0; v < COUNT_OF(versions); v++) {
        SCOPED(arena_release) struct arena *arena = arena_create();
        struct fork fork = make_fork(arena, room_version_find(versions[v]),
                                     PUBLIC_ROOM "@a power @b 50; ", busy_left, busy_right);
        fail_everywhere(&fork);
        memory_room_use_index(fork.room, false);
        fail_everywhere(&fork);
        finish_fork(&fork);
    }
}

static void an_auth_event_that_was_rejected_gives_no_permission(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    /* @b was invited on the left only; the join cites an invite that is no longer in any state. */
    struct fork fork = make_fork(arena, room_version_find("11"), "@a create; @a join; ",
                                 "@a invite @b; @b join", "@a put m.room.name \"\" {}");
    struct state_map *resolved = resolve(&fork, fork.sets, 2);
    assert_string_equal(membership(&fork, resolved, "@b:one"), "join");
    state_map_release(resolved);

    struct event *invite = NULL;
    for (size_t i = 0; i < fork.room->events.count; i++) {
        const struct event *event = fork.room->events.items[i];
        if (strcmp(event->type, "m.room.member") == 0 &&
            strcmp(event_membership(event), "invite") == 0) {
            invite = arena_memdup(arena, event, sizeof(*event));
            fork.room->events.items[i] = invite;
        }
    }
    /* An invite is judged again when it is in the auth difference, so also forbid it now. */
    invite->rejected = true;
    invite->sender = "@stranger:one";
    resolved = resolve(&fork, fork.sets, 2);
    assert_string_equal(membership(&fork, resolved, "@b:one"), "none");
    state_map_release(resolved);
    finish_fork(&fork);
}

static void events_that_are_not_known_are_left_out(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct fork fork = make_fork(arena, room_version_find("11"), PUBLIC_ROOM,
                                 "@a put m.room.topic \"\" {}", "@a put m.room.name \"\" {}");
    int64_t key = memory_room_key(fork.room, "m.room.avatar", "");
    struct state_map *with_ghost = state_map_set(fork.sets[0], key, 4711);
    struct state_map *sets[] = {with_ghost, fork.sets[1]};
    struct state_map *resolved = resolve(&fork, sets, 2);

    assert_int_equal(state_map_get(resolved, key), 0);
    assert_non_null(find(&fork, resolved, "m.room.topic", ""));
    assert_non_null(find(&fork, resolved, "m.room.name", ""));
    state_map_release(resolved);
    state_map_release(with_ghost);
    finish_fork(&fork);
}

static void circles_of_auth_events_do_no_harm(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct fork fork =
        make_fork(arena, room_version_find("2"), PUBLIC_ROOM,
                  "@a power @b 10; @a power @b 20; @a put x y {}", "@a put m.room.topic \"\" {}");
    /* The first of the two cites the second: free event IDs make that possible. */
    const struct event *second = find(&fork, fork.sets[0], "m.room.power_levels", "");
    int64_t first_ref = memory_room_ref(fork.room, second->event_id) - 1;
    struct event *first =
        arena_memdup(arena, memory_room_event(fork.room, first_ref), sizeof(struct event));
    const char **circle = ARENA_ARRAY(arena, first->auth_event_count, const char *);

    for (size_t i = 0; i < first->auth_event_count; i++)
        circle[i] = second->event_id;
    first->auth_events = circle;
    fork.room->events.items[first_ref - 1] = first;
    for (int i = 0; i < 2; i++) {
        struct state_map *resolved = resolve(&fork, fork.sets, 2);
        assert_non_null(find(&fork, resolved, "m.room.topic", ""));
        state_map_release(resolved);
        memory_room_use_index(fork.room, false);
    }
    finish_fork(&fork);
}

static enum errcode no_key(void *context, const char *type, const char *state_key, int64_t *out)
{
    (void)context;
    (void)type;
    (void)state_key;
    *out = 0;
    return OK;
}

static size_t fetches_of(struct fork *fork)
{
    size_t before = fork->room->fetched;

    state_map_release(resolve(fork, fork->sets, 2));
    return fork->room->fetched - before;
}

static void the_cost_does_not_grow_with_the_members(void **state)
{
    (void)state;
    enum { MEMBERS = 400, FETCHES_MAX = 30 };
    SCOPED(arena_release) struct arena *arena = arena_create();
    const char *before = PUBLIC_ROOM;

    for (int i = 0; i < MEMBERS; i++)
        before = arena_printf(arena, "%s@u%d join; ", before, i);
    struct fork topics = make_fork(arena, room_version_find("12"), before,
                                   "@a put m.room.topic \"\" {}", "@a put m.room.topic \"\" {}");
    assert_in_range(fetches_of(&topics), 1, FETCHES_MAX);
    memory_room_use_index(topics.room, false);
    assert_in_range(fetches_of(&topics), 1, FETCHES_MAX);

    /* Here old events are in the auth difference, and only the index tells that nobody cites them.
     */
    struct fork powers = make_fork(arena, room_version_find("12"), before,
                                   "@a power @b 50; @a power @b 40; @a power @b 30", "@a ban @c");
    assert_in_range(fetches_of(&powers), 1, FETCHES_MAX);
    memory_room_use_index(powers.room, false);
    assert_in_range(fetches_of(&powers), MEMBERS, MEMBERS + FETCHES_MAX);
    finish_fork(&topics);
    finish_fork(&powers);
}

static void a_source_that_does_not_know_the_keys_of_its_events_is_broken(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct fork fork =
        make_fork(arena, room_version_find("11"), PUBLIC_ROOM, "@a put m.room.topic \"\" {}", "");
    const struct state_resolution request = {.version = fork.version,
                                             .state_sets = fork.sets,
                                             .set_count = 2,
                                             .source = &fork.room->source};
    struct state_map *resolved = NULL;

    fork.room->source.state_key = no_key;
    assert_int_equal(state_resolution_resolve(arena, &request, &resolved), E_SYSTEM);
    finish_fork(&fork);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ban_wins_over_what_the_banned_do_meanwhile),
        cmocka_unit_test(a_demoted_moderator_can_not_act_on_another_fork),
        cmocka_unit_test(of_two_equal_changes_the_later_one_stays),
        cmocka_unit_test(who_joined_while_the_room_was_closed_elsewhere_stays_out),
        cmocka_unit_test(in_v1_the_deeper_event_wins_when_it_is_allowed),
        cmocka_unit_test(in_v1_members_follow_each_other_while_they_are_allowed),
        cmocka_unit_test(sets_that_are_the_same_come_back_as_they_are),
        cmocka_unit_test(the_order_of_the_sets_does_not_matter),
        cmocka_unit_test(the_work_is_bounded_and_can_be_cancelled),
        cmocka_unit_test(an_error_of_the_source_ends_the_resolution_wherever_it_comes),
        cmocka_unit_test(an_auth_event_that_was_rejected_gives_no_permission),
        cmocka_unit_test(events_that_are_not_known_are_left_out),
        cmocka_unit_test(circles_of_auth_events_do_no_harm),
        cmocka_unit_test(the_cost_does_not_grow_with_the_members),
        cmocka_unit_test(a_source_that_does_not_know_the_keys_of_its_events_is_broken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
