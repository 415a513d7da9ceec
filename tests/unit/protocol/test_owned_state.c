#include "homeserver/base/arena.h"
#include "homeserver/base/compiler.h"
#include "homeserver/protocol/owned_state.h"
#include "homeserver/protocol/room_version.h"
#include "tests/support/room_script.h"
#include "tests/support/test.h"

static void a_key_belongs_to_the_user_before_the_first_underscore_of_the_domain(void **state)
{
    (void)state;
    static const struct {
        const char *state_key, *owner;
    } keys[] = {
        {"", ""},
        {"_@a:one", ""},
        {"@a:one", "@a:one"},
        {"@a:one_", "@a:one"},
        {"@a:one_b_c:!@#$", "@a:one"},
        {"@a_b:one_c", "@a_b:one"},
        {"@a_@b:one_c", "@a_@b:one"},
        {"@a:one:8448_c", "@a:one:8448"},
        {"@a:[::1]_c", "@a:[::1]"},
        {"@a:onec", "@a:onec"},
    };
    struct state_key_owner owner;

    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        assert_true(owned_state_key_parse(keys[i].state_key, &owner));
        assert_string_equal(owner.user_id, keys[i].owner);
    }
    assert_false(owned_state_key_parse("@", &owner));
    assert_false(owned_state_key_parse("@oops", &owner));
    assert_false(owned_state_key_parse("@a:_b", &owner));
    assert_false(owned_state_key_parse("@a:one@b", &owner));
}

static void user_and_suffix_have_limits_of_their_own(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct state_key_owner owner;

    assert_true(owned_state_key_parse(arena_printf(arena, "%0255d", 0), &owner));
    assert_false(owned_state_key_parse(arena_printf(arena, "%0256d", 0), &owner));
    assert_true(owned_state_key_parse(arena_printf(arena, "@%0252d:b_%0255d", 0, 0), &owner));
    assert_int_equal(strlen(owner.user_id), 255);
    assert_false(owned_state_key_parse(arena_printf(arena, "@%0253d:b_", 0), &owner));
    assert_false(owned_state_key_parse(arena_printf(arena, "@a:b_%0256d", 0), &owner));
}

#define ROOM                                                                                       \
    "@a create; @a join; @a power @b 50; @a rules public; @b join; @c join; @a power events x 0;"

static void own_keys_and_those_of_weaker_users_may_be_set(void **state)
{
    (void)state;
    static const char *const versions[] = {"org.matrix.msc3757.10", "org.matrix.msc3757.11"};

    for (size_t i = 0; i < COUNT_OF(versions); i++) {
        SCOPED(arena_release) struct arena *arena = arena_create();
        struct script_room *room = script_room_create(arena, room_version_find(versions[i]));

        if (!script_room_play(room, ROOM
                              "@c put x @c:one {}; @c put x @c:one_1 {}; @c put x _@b:one {};"
                              "!9 @c put x @b:one {}; !9 @c put x @b:one_1 {};"
                              "!9 @c put x @c:onetwo {}; !9 @c put x @d:one_1 {};"
                              "@b put x @c:one_1 {}; @b put x @d:one {}; !9 @b put x @a:one_1 {};"
                              "!9 @a put x @a:one@ {}"))
            fail_msg("%s: %s", versions[i], room->problem);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_belongs_to_the_user_before_the_first_underscore_of_the_domain),
        cmocka_unit_test(user_and_suffix_have_limits_of_their_own),
        cmocka_unit_test(own_keys_and_those_of_weaker_users_may_be_set),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
