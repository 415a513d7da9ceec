#include "homeserver/base/arena.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/sliding_memory.h"
#include "homeserver/protocol/sliding_window.h"
#include "tests/support/test.h"

static struct sliding_request parse(struct arena *arena, const char *text)
{
    struct sliding_request request;
    json_t *body;

    assert_int_equal(json_parse_object(arena, text, strlen(text), NULL, &body), OK);
    assert_int_equal(sliding_request_parse(arena, body, NULL, &request), OK);
    return request;
}

static enum errcode try_parse(struct arena *arena, const char *text)
{
    struct sliding_request request;
    json_t *body;

    assert_int_equal(json_parse_object(arena, text, strlen(text), NULL, &body), OK);
    return sliding_request_parse(arena, body, NULL, &request);
}

static struct required_state wanted(struct arena *arena, const char *text)
{
    struct required_state state;
    json_t *json;

    assert_int_equal(json_parse(arena, text, strlen(text), NULL, &json), OK);
    assert_int_equal(required_state_parse(arena, json, NULL, &state), OK);
    return state;
}

static bool selects(const struct required_state *state, const char *type, const char *state_key)
{
    const struct state_pattern key = {type, state_key};

    return required_state_selects(state, &key, "@me:x");
}

/* ── required_state ──────────────────────────────────────────────────────────────────────────── */

static void stars_match_everything(void **unused)
{
    (void)unused;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct required_state all = wanted(arena, "[[\"*\",\"*\"]]");
    struct required_state type = wanted(arena, "[[\"a\",\"*\"]]");
    struct required_state key = wanted(arena, "[[\"*\",\"k\"]]");

    assert_true(selects(&all, "a", "") && selects(&all, "m.room.member", "@you:x"));
    assert_true(selects(&type, "a", "k") && !selects(&type, "b", "k"));
    assert_true(selects(&key, "b", "k") && !selects(&key, "b", "l"));
}

static void me_is_the_user(void **unused)
{
    (void)unused;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct required_state state = wanted(arena, "[[\"m.room.member\",\"$ME\"]]");

    assert_true(selects(&state, "m.room.member", "@me:x"));
    assert_false(selects(&state, "m.room.member", "@you:x"));
    assert_false(selects(&state, "m.room.member", "$ME"));
}

static void lazy_members_are_not_part_of_everything(void **unused)
{
    (void)unused;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct required_state pairs =
        wanted(arena, "[[\"*\",\"*\"],[\"m.room.member\",\"$LAZY\"],[\"m.room.member\",\"$ME\"]]");
    struct required_state objects =
        wanted(arena, "{\"include\":[{},{\"type\":\"m.room.member\",\"state_key\":\"$ME\"}],"
                      "\"lazy_members\":true}");

    for (size_t i = 0; i < 2; i++) {
        const struct required_state *state = i == 0 ? &pairs : &objects;
        assert_true(state->lazy_members);
        assert_true(selects(state, "m.room.topic", ""));
        assert_true(selects(state, "m.room.member", "@me:x"));
        assert_false(selects(state, "m.room.member", "@you:x"));
    }
}

static void what_is_excluded_is_not_selected(void **unused)
{
    (void)unused;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct required_state state =
        wanted(arena, "{\"include\":[{}],\"exclude\":[{\"type\":\"a\",\"state_key\":\"\"}]}");

    assert_false(selects(&state, "a", ""));
    assert_true(selects(&state, "a", "k") && selects(&state, "b", ""));
}

/* ── Requests ────────────────────────────────────────────────────────────────────────────────── */

static void both_forms_of_ranges_are_read(void **unused)
{
    (void)unused;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct sliding_request request = parse(
        arena, "{\"lists\":{\"a\":{\"ranges\":[[0,1],[5,9]]},\"b\":{\"range\":[2,3]},\"c\":{}}}");

    assert_int_equal(request.lists[0].range_count, 2);
    assert_int_equal(request.lists[0].ranges[1].last, 9);
    assert_int_equal(request.lists[1].ranges[0].first, 2);
    assert_false(request.lists[2].has_ranges);
}

static void limits_are_clamped_and_wrong_forms_refused(void **unused)
{
    (void)unused;
    static const char *const wrong[] = {
        "{\"lists\":1}",
        "{\"lists\":{\"a\":1}}",
        "{\"lists\":{\"a\":{\"timeline_limit\":-1}}}",
        "{\"lists\":{\"a\":{\"ranges\":[[0,1,2]]}}}",
        "{\"lists\":{\"a\":{\"ranges\":[[-1,2]]}}}",
        "{\"lists\":{\"a\":{\"range\":\"0-9\"}}}",
        "{\"lists\":{\"a\":{\"required_state\":[[\"a\"]]}}}",
        "{\"lists\":{\"a\":{\"required_state\":[[null,\"a\"]]}}}",
        "{\"lists\":{\"a\":{\"required_state\":{\"include\":[1]}}}}",
        "{\"lists\":{\"a\":{\"filters\":{\"tags\":\"a\"}}}}",
        "{\"lists\":{\"a\":{\"filters\":[]}}}",
        "{\"extensions\":[]}",
        "{\"extensions\":{\"typing\":{\"limit\":-1}}}",
        "{\"extensions\":{\"to_device\":{\"since\":5}}}",
    };
    SCOPED(arena_release) struct arena *arena = arena_create();

    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_int_equal(try_parse(arena, wrong[i]), M_INVALID_PARAM);
    struct sliding_request request =
        parse(arena, "{\"lists\":{\"a\":{\"timeline_limit\":100000}}}");
    assert_int_equal(request.lists[0].config.timeline_limit, SLIDING_TIMELINE_LIMIT_MAX);
}

/* ── Windows ─────────────────────────────────────────────────────────────────────────────────── */

enum { ROOMS = 4 };

static void make_rooms(struct sliding_room *rooms)
{
    static const char *const ids[ROOMS] = {"!a", "!b", "!c", "!d"};

    for (size_t i = 0; i < ROOMS; i++)
        rooms[i] = (struct sliding_room){
            .room_nid = (int64_t)i + 1,
            .room_id = ids[i],
            .activity = (int64_t)i * 10,
            .membership = SLIDING_JOINED,
            .is_listed = true,
        };
}

static void the_most_recent_rooms_are_in_range(void **unused)
{
    (void)unused;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct sliding_request request = parse(arena, "{\"lists\":{\"a\":{\"range\":[0,1]}}}");
    struct sliding_room rooms[ROOMS];
    struct sliding_window window;

    make_rooms(rooms);
    sliding_window_compute(arena, &request, rooms, ROOMS, &window);
    assert_int_equal(window.counts[0], ROOMS);
    assert_int_equal(window.match_count, 2);
    assert_string_equal(window.matches[0].room->room_id, "!d");
    assert_string_equal(window.matches[1].room->room_id, "!c");
}

static void filters_come_before_ranges(void **unused)
{
    (void)unused;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct sliding_request request =
        parse(arena, "{\"lists\":{\"a\":{\"range\":[0,0],\"filters\":{\"is_dm\":true}}}}");
    struct sliding_room rooms[ROOMS];
    struct sliding_window window;

    make_rooms(rooms);
    rooms[0].is_dm = rooms[1].is_dm = true;
    sliding_window_compute(arena, &request, rooms, ROOMS, &window);
    assert_int_equal(window.counts[0], 2);
    assert_int_equal(window.match_count, 1);
    assert_string_equal(window.matches[0].room->room_id, "!b");
}

static void several_lists_want_the_superset(void **unused)
{
    (void)unused;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct sliding_request request = parse(
        arena, "{\"lists\":{\"a\":{\"timeline_limit\":1,\"required_state\":[[\"x\",\"\"]]},"
               "\"b\":{\"range\":[0,0],\"timeline_limit\":5,\"required_state\":[[\"y\",\"\"]]}},"
               "\"room_subscriptions\":{\"!d\":{\"timeline_limit\":3}}}");
    const struct state_pattern x = {"x", ""}, y = {"y", ""};
    struct sliding_room rooms[ROOMS];
    struct sliding_window window;

    make_rooms(rooms);
    sliding_window_compute(arena, &request, rooms, ROOMS, &window);
    assert_int_equal(window.match_count, ROOMS);
    const struct sliding_match *top = &window.matches[0], *other = &window.matches[1];
    assert_int_equal(top->timeline_limit, 5);
    assert_int_equal(top->list_count, 2);
    assert_true(sliding_wanted_selects(top->wanted, top->wanted_count, &x, ""));
    assert_true(sliding_wanted_selects(top->wanted, top->wanted_count, &y, ""));
    assert_int_equal(other->timeline_limit, 1);
    assert_false(sliding_wanted_selects(other->wanted, other->wanted_count, &y, ""));
}

static void rooms_that_are_not_listed_can_be_subscribed_to(void **unused)
{
    (void)unused;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct sliding_request request =
        parse(arena, "{\"lists\":{\"a\":{}},\"room_subscriptions\":{\"!b\":{},\"!z\":{}}}");
    struct sliding_room rooms[ROOMS];
    struct sliding_window window;

    make_rooms(rooms);
    rooms[1].is_listed = rooms[2].is_listed = false;
    sliding_window_compute(arena, &request, rooms, ROOMS, &window);
    assert_int_equal(window.counts[0], 2);
    assert_int_equal(window.match_count, 3);
}

static void extensions_cover_the_lists_and_rooms_they_name(void **unused)
{
    (void)unused;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct sliding_request request =
        parse(arena, "{\"lists\":{\"a\":{\"range\":[0,0]}},\"room_subscriptions\":{\"!a\":{}},"
                     "\"extensions\":{\"typing\":{\"enabled\":true},"
                     "\"receipts\":{\"enabled\":true,\"lists\":[\"a\"],\"rooms\":[]},"
                     "\"account_data\":{\"enabled\":true,\"lists\":[],\"rooms\":[\"!a\"]}}}");
    struct sliding_room rooms[ROOMS];
    struct sliding_window window;

    make_rooms(rooms);
    sliding_window_compute(arena, &request, rooms, ROOMS, &window);
    const struct sliding_match *listed = &window.matches[0], *subscribed = &window.matches[1];
    const struct sliding_extensions *all = &request.extensions;
    assert_true(sliding_extension_covers(&all->typing, &request, listed));
    assert_true(sliding_extension_covers(&all->typing, &request, subscribed));
    assert_true(sliding_extension_covers(&all->receipts, &request, listed));
    assert_false(sliding_extension_covers(&all->receipts, &request, subscribed));
    assert_false(sliding_extension_covers(&all->account_data, &request, listed));
    assert_true(sliding_extension_covers(&all->account_data, &request, subscribed));
    assert_false(sliding_extension_covers(&all->to_device, &request, listed));
}

/* ── Memory ──────────────────────────────────────────────────────────────────────────────────── */

static void a_memory_comes_back_as_it_was(void **unused)
{
    (void)unused;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct sliding_known rooms[] = {
        {7, 0, 20, "[]", SLIDING_JOINED, true},
        {3, 42, 1, "[{\"include\":[]}]", SLIDING_BANNED, false},
        {5, 0, 1, "[]", SLIDING_INVITED, false},
    };
    struct sliding_memory memory = {rooms, COUNT_OF(rooms), 1}, read;

    sliding_memory_tidy(&memory);
    const char *text = sliding_memory_format(arena, &memory);
    assert_true(sliding_memory_parse(arena, text, strlen(text), &read));
    assert_true(sliding_memory_equal(&memory, &read));
    assert_int_equal(sliding_memory_find(&read, 3)->since, 42);
    assert_null(sliding_memory_find(&read, 4));
    read.rooms[0].timeline_limit++;
    assert_false(sliding_memory_equal(&memory, &read));
}

static void a_damaged_memory_is_refused(void **unused)
{
    (void)unused;
    static const char *const texts[] = {
        "",
        "{}",
        "[]",
        "[0]",
        "[0,{}]",
        "[0,[],1]",
        "[0,[],1,0,1,0,1,0]",
        "[0,[\"[]\"],1,0,1,0,9,0]",
        "[0,[\"[]\"],2,0,1,0,1,0,1,0,1,0,1,0]",
        "[0,[\"[]\"],-1,0,1,0,1,0]",
    };
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct sliding_memory memory;

    for (size_t i = 0; i < COUNT_OF(texts); i++)
        assert_false(sliding_memory_parse(arena, texts[i], strlen(texts[i]), &memory));
}

static void what_was_wanted_can_be_read_back(void **unused)
{
    (void)unused;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct sliding_request request =
        parse(arena, "{\"lists\":{\"a\":{\"required_state\":[[\"x\",\"*\"]]},"
                     "\"b\":{\"required_state\":[[\"x\",\"*\"]]},"
                     "\"c\":{\"required_state\":[[\"m.room.member\",\"$LAZY\"]]}}}");
    const struct required_state *const *read = NULL;
    struct sliding_room rooms[ROOMS];
    struct sliding_window window;
    size_t count;

    make_rooms(rooms);
    sliding_window_compute(arena, &request, rooms, ROOMS, &window);
    const char *text = sliding_wanted_format(arena, &window.matches[0]);
    sliding_wanted_parse(arena, text, &read, &count);
    assert_int_equal(count, 2); /* the same is written once */
    assert_true(selects(read[0], "x", "k"));
    assert_true(read[1]->lazy_members);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stars_match_everything),
        cmocka_unit_test(me_is_the_user),
        cmocka_unit_test(lazy_members_are_not_part_of_everything),
        cmocka_unit_test(what_is_excluded_is_not_selected),
        cmocka_unit_test(both_forms_of_ranges_are_read),
        cmocka_unit_test(limits_are_clamped_and_wrong_forms_refused),
        cmocka_unit_test(the_most_recent_rooms_are_in_range),
        cmocka_unit_test(filters_come_before_ranges),
        cmocka_unit_test(several_lists_want_the_superset),
        cmocka_unit_test(rooms_that_are_not_listed_can_be_subscribed_to),
        cmocka_unit_test(extensions_cover_the_lists_and_rooms_they_name),
        cmocka_unit_test(a_memory_comes_back_as_it_was),
        cmocka_unit_test(a_damaged_memory_is_refused),
        cmocka_unit_test(what_was_wanted_can_be_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
