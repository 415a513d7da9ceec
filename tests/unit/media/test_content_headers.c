#include "homeserver/base/arena.h"
#include "homeserver/base/compiler.h"
#include "homeserver/media/content_headers.h"
#include "tests/support/test.h"

static void names_are_read_from_what_other_servers_send(void **state)
{
    static const struct {
        const char *header, *name;
    } cases[] = {
        {"inline; filename=a.txt", "a.txt"},
        {"attachment; filename=\"a b.txt\"", "a b.txt"},
        {"attachment;filename=\"a\\\"b;c.txt\" ; x=y", "a\"b;c.txt"},
        {"inline; filename*=utf-8''gr%C3%B6%C3%9Fe", "größe"},
        {"inline; filename=plain; filename*=UTF-8'en'fancy%20", "fancy "},
        {"inline; filename*=utf-8''fancy; filename=plain", "fancy"},
        {"inline; filename*=latin1''%E9; filename=plain", "plain"},
        {"inline; filename*=utf-8''%FF; filename=plain", NULL},
        {"inline; filename*=utf-8''a%00b; filename=plain", "plain"},
        {"inline; filename*=utf-8''..%2F..%2Fetc%2Fpasswd", "passwd"},
        {"inline; filename=\"unfinished", "unfinished"},
        {"inline; filename=", NULL},
        {"inline; filename=..", NULL},
        {"inline; ; =; filename", NULL},
        {"inline", NULL},
        {"", NULL},
        {NULL, NULL},
    };

    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *name = content_disposition_name(arena, cases[i].header);
        if (cases[i].name == NULL)
            assert_null(name);
        else
            assert_string_equal(name, cases[i].name);
    }
}

static void a_name_survives_writing_and_reading(void **state)
{
    static const char *const names[] = {"a.txt", "a b.txt", "a\"b\\c", "größe ☕.txt", "a%20b", "'"};

    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const char *header = content_disposition(arena, "image/png", names[i]);
        assert_string_equal(content_disposition_name(arena, header), names[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_read_from_what_other_servers_send),
        cmocka_unit_test(a_name_survives_writing_and_reading),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
