#include "homeserver/base/arena.h"
#include "homeserver/http/percent.h"
#include "homeserver/http/router.h"
#include "tests/support/test.h"

static enum errcode handler(struct request *req)
{
    (void)req;
    return OK;
}

/* clang-format off */
static const struct route routes[] = {
    {GET,    "/",                                handler, ANYONE, LIMIT_NONE, NO_BODY,   0},
    {GET,    "/rooms/{roomId}/state",            handler, ANYONE, LIMIT_NONE, NO_BODY,   0},
    {GET,    "/rooms/{roomId}/state/{type}",     handler, ANYONE, LIMIT_NONE, NO_BODY,   0},
    {PUT,    "/rooms/{roomId}/state/{type}/{key}", handler, ANYONE, LIMIT_NONE, JSON_BODY, 0},
    {GET,    "/rooms/{roomId}/state/special/{key}/x", handler, ANYONE, LIMIT_NONE, NO_BODY, 0},
    {POST,   "/rooms/new",                       handler, ANYONE, LIMIT_NONE, JSON_BODY, 0},
    {DELETE, "/files/{path...}",                 handler, ANYONE, LIMIT_NONE, NO_BODY,   0},
    {GET,    "/client/v3/{id}",                  handler, ANYONE, LIMIT_NONE, NO_BODY,   0},
};
/* clang-format on */

struct fixture {
    struct router *router;
    struct route_match match;
};

static int set_up(void **state)
{
    static struct fixture fixture;

    fixture.router = router_create(routes, COUNT_OF(routes));
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    router_destroy(((struct fixture *)*state)->router);
    return 0;
}

static const struct route_match *find(void **state, enum http_method method, const char *path)
{
    struct fixture *fixture = *state;

    router_match(fixture->router, method, path, strlen(path), &fixture->match);
    return &fixture->match;
}

static void assert_row(const struct route_match *match, const char *path)
{
    assert_non_null(match->route);
    assert_string_equal(match->route->path, path);
}

static void assert_param(const struct route_match *match, size_t index, const char *name,
                         const char *value)
{
    const struct route_param *param = &match->params[index];

    assert_true(index < match->param_count);
    assert_int_equal(param->name_length, strlen(name));
    assert_memory_equal(param->name, name, param->name_length);
    assert_int_equal(param->value_length, strlen(value));
    assert_memory_equal(param->value, value, param->value_length);
}

static void parameters_are_split_before_they_are_decoded(void **state)
{
    const struct route_match *match = find(state, PUT, "/rooms/!a%2Fb/state/m.room.name/k");

    assert_row(match, "/rooms/{roomId}/state/{type}/{key}");
    assert_int_equal(match->param_count, 3);
    assert_param(match, 0, "roomId", "!a%2Fb");
    assert_param(match, 1, "type", "m.room.name");
    assert_param(match, 2, "key", "k");
}

static void an_empty_segment_is_a_parameter_only_at_the_end(void **state)
{
    const struct route_match *match = find(state, PUT, "/rooms/!a/state/m.room.name/");

    assert_row(match, "/rooms/{roomId}/state/{type}/{key}");
    assert_param(match, 2, "key", "");
    assert_null(find(state, GET, "/rooms//state")->route);
    assert_null(find(state, GET, "/rooms/!a/state/x/y/")->route);
}

static void a_trailing_slash_makes_another_path(void **state)
{
    assert_row(find(state, GET, "/rooms/!a/state"), "/rooms/{roomId}/state");
    assert_row(find(state, GET, "/rooms/!a/state/"), "/rooms/{roomId}/state/{type}");
    assert_null(find(state, POST, "/rooms/new/")->route);
}

static void a_literal_beats_a_parameter_and_a_dead_end_is_left_again(void **state)
{
    assert_row(find(state, GET, "/rooms/!a/state/special/k/x"),
               "/rooms/{roomId}/state/special/{key}/x");
    assert_row(find(state, PUT, "/rooms/!a/state/special/k"), "/rooms/{roomId}/state/{type}/{key}");
}

static void a_known_path_with_another_method_is_told_apart(void **state)
{
    assert_true(find(state, DELETE, "/rooms/new")->path_is_known);
    assert_null(find(state, DELETE, "/rooms/new")->route);
    assert_false(find(state, GET, "/nothing")->path_is_known);
    assert_true(find(state, METHOD_COUNT, "/rooms/new")->path_is_known);
}

static void head_is_served_by_get(void **state)
{
    assert_row(find(state, HEAD, "/rooms/!a/state"), "/rooms/{roomId}/state");
    assert_null(find(state, HEAD, "/rooms/new")->route);
}

static void the_rest_of_a_path_keeps_its_slashes(void **state)
{
    const struct route_match *match = find(state, DELETE, "/files/a/b//c");

    assert_row(match, "/files/{path...}");
    assert_param(match, 0, "path", "a/b//c");
    assert_null(find(state, DELETE, "/files/")->route);
}

static void the_root_and_odd_paths_are_handled(void **state)
{
    assert_row(find(state, GET, "/"), "/");
    assert_null(find(state, GET, "")->route);
    assert_null(find(state, GET, "http://example.org/")->route);
    assert_null(find(state, GET, "//")->route);
}

static void broken_escapes_and_bad_utf8_are_refused(void **state)
{
    static const char *const bad[] = {"%",      "%4",        "%zz", "a%00b",
                                      "%c0%af", "%ed%a0%80", "%ff", "\xff"};
    SCOPED(arena_release) struct arena *arena = arena_create();

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_null(percent_decode(arena, bad[i], strlen(bad[i]), false));
    assert_string_equal(percent_decode(arena, "a%2Fb+c%C3%A9", 13, false), "a/b+c\xc3\xa9");
    assert_string_equal(percent_decode(arena, "a+b", 3, true), "a b");
}

static void r0_in_a_path_counts_as_v3(void **state)
{
    const struct route_match *match = find(state, GET, "/client/r0/r0");

    assert_row(match, "/client/v3/{id}");
    assert_param(match, 0, "id", "r0");
    assert_null(find(state, GET, "/client/r1/x")->route);
    assert_row(find(state, GET, "/rooms/r0/state"), "/rooms/{roomId}/state");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_are_split_before_they_are_decoded),
        cmocka_unit_test(an_empty_segment_is_a_parameter_only_at_the_end),
        cmocka_unit_test(a_trailing_slash_makes_another_path),
        cmocka_unit_test(a_literal_beats_a_parameter_and_a_dead_end_is_left_again),
        cmocka_unit_test(a_known_path_with_another_method_is_told_apart),
        cmocka_unit_test(head_is_served_by_get),
        cmocka_unit_test(the_rest_of_a_path_keeps_its_slashes),
        cmocka_unit_test(the_root_and_odd_paths_are_handled),
        cmocka_unit_test(r0_in_a_path_counts_as_v3),
        cmocka_unit_test(broken_escapes_and_bad_utf8_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
