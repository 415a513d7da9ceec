#include "homeserver/base/compiler.h"
#include "homeserver/base/suggest.h"
#include "tests/support/test.h"

static const char *const words[] = {"serve", "migrate", "user", "list-routes"};

static void a_typing_error_finds_the_word(void **state)
{
    (void)state;
    static const struct {
        const char *typed, *meant;
    } cases[] = {
        {"sevre", "serve"},
        {"migrat", "migrate"},
        {"usr", "user"},
        {"LIST_ROUTES", "list-routes"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_string_equal(suggest_word(cases[i].typed, words, COUNT_OF(words)), cases[i].meant);
}

static void something_else_entirely_finds_nothing(void **state)
{
    (void)state;
    char long_word[100] = {0};

    memset(long_word, 'a', sizeof(long_word) - 1);
    assert_null(suggest_word("x", words, COUNT_OF(words)));
    assert_null(suggest_word("", words, COUNT_OF(words)));
    assert_null(suggest_word("banana", words, COUNT_OF(words)));
    assert_null(suggest_word(long_word, words, COUNT_OF(words)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_typing_error_finds_the_word),
        cmocka_unit_test(something_else_entirely_finds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
