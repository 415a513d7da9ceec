#include "homeserver/base/arena.h"
#include "homeserver/base/utf8.h"
#include "tests/support/test.h"

static void case_is_folded_in_every_script(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"Room 9", "room 9"},  {"École", "école"},   {"ΑΘΉΝΑ", "αθήνα"},
        {"Straße", "strasse"}, {"МОСКВА", "москва"}, {"", ""},
    };
    SCOPED(arena_release) struct arena *arena = arena_create();

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t length;
        char *folded = utf8_casefold(arena, cases[i][0], strlen(cases[i][0]), &length);
        assert_string_equal(folded, cases[i][1]);
        assert_int_equal(length, strlen(cases[i][1]));
    }
}

static void a_nul_is_an_ordinary_character(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();
    size_t length;
    char *folded = utf8_casefold(arena, "A\0B", 3, &length);

    assert_int_equal(length, 3);
    assert_memory_equal(folded, "a\0b", 3);
}

static void characters_are_as_long_as_their_bytes(void **state)
{
    (void)state;
    assert_int_equal(utf8_character_bytes("a", 1), 1);
    assert_int_equal(utf8_character_bytes("é!", 3), 2);
    assert_int_equal(utf8_character_bytes("😀", 4), 4);
    assert_int_equal(utf8_character_bytes("😀", 2), 2);
    assert_int_equal(utf8_character_bytes("", 0), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(case_is_folded_in_every_script),
        cmocka_unit_test(a_nul_is_an_ordinary_character),
        cmocka_unit_test(characters_are_as_long_as_their_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
