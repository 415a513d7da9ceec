#include "homeserver/base/arena.h"
#include "homeserver/protocol/key_backup.h"
#include "tests/support/builders.h"
#include "tests/support/test.h"

#define SESSION                                                                                    \
    "{'first_message_index':1,'forwarded_count':2,'is_verified':true,'session_data':{'x':1}}"

static void sessions_are_read(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    const char *const names[] = {"first_message_index", "forwarded_count", "is_verified",
                                 "session_data"};
    struct backed_up_session session;
    struct error error = {0};

    assert_int_equal(backed_up_session_parse(build_json_on(arena, SESSION), &error, &session), OK);
    assert_int_equal(session.first_message_index, 1);
    assert_int_equal(session.forwarded_count, 2);
    assert_true(session.is_verified);
    assert_int_equal(json_object_size(session.session_data), 1);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        json_t *json = build_json_on(arena, SESSION);
        json_object_set_new(json, names[i], json_string("wrong"));
        assert_int_equal(backed_up_session_parse(json, &error, &session), M_BAD_JSON);
        assert_non_null(strstr(error.text, names[i]));
    }
}

static void the_better_session_wins(void **state)
{
    (void)state;
    const struct {
        struct backed_up_session candidate, stored;
        bool replaces;
    } cases[] = {
        {{.is_verified = true, .first_message_index = 9}, {.first_message_index = 1}, true},
        {{.first_message_index = 1}, {.is_verified = true, .first_message_index = 9}, false},
        {{.first_message_index = 1}, {.first_message_index = 2}, true},
        {{.first_message_index = 2}, {.first_message_index = 1}, false},
        {{.forwarded_count = 1}, {.forwarded_count = 2}, true},
        {{.forwarded_count = 2}, {.forwarded_count = 1}, false},
        {{.forwarded_count = 1}, {.forwarded_count = 1}, false},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(backed_up_session_replaces(&cases[i].candidate, &cases[i].stored),
                         cases[i].replaces);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_are_read),
        cmocka_unit_test(the_better_session_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
