#include "homeserver/appservice/namespaces.h"
#include "homeserver/base/arena.h"
#include "tests/support/test.h"

static struct arena *arena;

static int set_up(void **state UNUSED)
{
    arena = arena_create();
    return 0;
}

static int tear_down(void **state UNUSED)
{
    arena_destroy(arena);
    return 0;
}

static struct namespaces *compile(const char *regex, bool is_exclusive)
{
    const struct appservice_namespace item = {regex, is_exclusive};
    const struct appservice_namespaces from = {&item, 1};
    struct error error = {0};
    struct namespaces *namespaces = NULL;

    if (namespaces_compile(arena, &from, &error, &namespaces) == OK)
        return namespaces;
    assert_string_not_equal(error.text, "");
    return NULL;
}

static void expressions_match_from_the_start(void **state UNUSED)
{
    const struct namespaces *irc = compile("@_irc_.*:example\\.org", true);

    assert_true(namespaces_match(irc, "@_irc_tom:example.org"));
    assert_false(namespaces_match(irc, "@tom_@_irc_tom:example.org"));
    assert_false(namespaces_match(irc, "@_irc_tom:exampleXorg"));
    assert_false(namespaces_match(irc, ""));
}

static void expressions_know_digits_and_look_aheads(void **state UNUSED)
{
    const struct namespaces *phones = compile("@(?!\\d+0:)\\d{3,}:.*", false);

    assert_true(namespaces_match(phones, "@331:example.org"));
    assert_false(namespaces_match(phones, "@330:example.org"));
}

static void only_exclusive_ones_reserve(void **state UNUSED)
{
    assert_true(namespaces_match_exclusively(compile("@a", true), "@a:b"));
    assert_false(namespaces_match_exclusively(compile("@a", false), "@a:b"));
}

static void bad_expressions_are_refused(void **state UNUSED)
{
    char long_one[2000];

    memset(long_one, 'a', sizeof(long_one) - 1);
    long_one[sizeof(long_one) - 1] = '\0';
    assert_null(compile("@_irc_(", true));
    assert_null(compile("*", true));
    assert_null(compile(long_one, true));
}

/* Without a limit this takes longer than the sun will shine. */
static void an_expression_that_explodes_matches_nothing(void **state UNUSED)
{
    const struct namespaces *evil = compile("@(a+)+$", true);
    char name[200] = "@";

    memset(name + 1, 'a', 150);
    name[151] = '!';
    assert_false(namespaces_match(evil, name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_match_from_the_start),
        cmocka_unit_test(expressions_know_digits_and_look_aheads),
        cmocka_unit_test(only_exclusive_ones_reserve),
        cmocka_unit_test(bad_expressions_are_refused),
        cmocka_unit_test(an_expression_that_explodes_matches_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
