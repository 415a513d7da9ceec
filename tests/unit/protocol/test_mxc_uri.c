#include "homeserver/base/arena.h"
#include "homeserver/protocol/mxc_uri.h"
#include "tests/support/test.h"

static void uris_are_made_and_taken_apart(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct mxc_uri uri;

    assert_true(mxc_uri_parse(arena, "mxc://a.b:80/Media_-1", &uri));
    assert_string_equal(uri.server_name, "a.b:80");
    assert_string_equal(uri.media_id, "Media_-1");
    assert_string_equal(mxc_uri_format(arena, "a.b", "x"), "mxc://a.b/x");
}

static void uris_that_could_name_another_file_are_refused(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const char *const cases[] = {
        "",           "mxc://",          "mxc://a.b",      "mxc://a.b/",      "mxc:///x",
        "http://a/x", "mxc://a.b/x/y",   "mxc://a.b/../x", "mxc://a.b/x.png", "mxc://a b/x",
        "mxc://a/x?", "mxc://a.b/x%2fy", "MXC://a/x",      "mxc://a/x#f",     "mxc://../x y"};
    struct mxc_uri uri;

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_false(mxc_uri_parse(arena, cases[i], &uri));
    assert_false(mxc_uri_parse(arena, NULL, &uri));
    assert_false(mxc_uri_parse(arena, arena_printf(arena, "mxc://%0256d/x", 1), &uri));
    assert_false(media_id_is_valid(NULL));
    assert_false(media_id_is_valid(arena_printf(arena, "%0256d", 1)));
    assert_true(media_id_is_valid(arena_printf(arena, "%0255d", 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uris_are_made_and_taken_apart),
        cmocka_unit_test(uris_that_could_name_another_file_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
