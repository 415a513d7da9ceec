#include "homeserver/base/arena.h"
#include "homeserver/base/base64.h"
#include "tests/support/test.h"

/* Appendix "Unpadded Base64". */
static const struct {
    const char *text, *encoded;
} vectors[] = {
    {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
    {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xff\xef\xfe", "/+/+"},
};

static void encoding_follows_the_examples_of_the_appendix(void **state)
{
    (void)state;
    SCOPED(arena_release) struct arena *arena = arena_create();

    for (size_t i = 0; i < COUNT_OF(vectors); i++)
        assert_string_equal(
            base64_encode(arena, vectors[i].text, strlen(vectors[i].text), BASE64_STANDARD),
            vectors[i].encoded);
    assert_string_equal(base64_encode(arena, "\xff\xef\xfe", 3, BASE64_URLSAFE), "_-_-");
}

static bool decodes_to(const char *text, enum base64_alphabet alphabet, const char *expected)
{
    char bytes[64];
    size_t size;

    return base64_decode_into(bytes, sizeof(bytes), &size, text, strlen(text), alphabet) &&
           size == strlen(expected) && memcmp(bytes, expected, size) == 0;
}

static void decoding_accepts_padding_and_stray_trailing_bits(void **state)
{
    (void)state;

    for (size_t i = 0; i < COUNT_OF(vectors); i++)
        assert_true(decodes_to(vectors[i].encoded, BASE64_STANDARD, vectors[i].text));
    assert_true(decodes_to("Zg==", BASE64_STANDARD, "f"));
    assert_true(decodes_to("Zm8=", BASE64_STANDARD, "fo"));
    assert_true(decodes_to("Zh", BASE64_STANDARD, "f"));
    assert_true(decodes_to("Zm9", BASE64_STANDARD, "fo"));
    assert_true(decodes_to("_-_-", BASE64_URLSAFE, "\xff\xef\xfe"));
}

static void decoding_refuses_everything_else(void **state)
{
    (void)state;
    char small[2];
    size_t size;
    const char *const refused[] = {"Z",    "Zm9vZ",    "Zm 9v", "Zm9v\n",
                                   "_-_-", "Zm9v====", "Z=g",   "Z*"};

    for (size_t i = 0; i < COUNT_OF(refused); i++)
        assert_false(base64_decode_into((char[64]){0}, 64, &size, refused[i], strlen(refused[i]),
                                        BASE64_STANDARD));
    assert_false(base64_decode_into(small, 2, &size, "Zm9v", 4, BASE64_STANDARD));
    assert_false(base64_decode_into(small, 2, &size, "Zm9vYg", 6, BASE64_STANDARD));
    assert_false(base64_decode_into(small, 2, &size, "Z\0", 2, BASE64_STANDARD));
}

/* Keys, signatures and hashes of others. */
static void one_rule_for_what_others_write(void **state)
{
    (void)state;
    const struct {
        const char *text;
        bool is_right;
    } cases[] = {
        {"/+/+", true}, {"_-_-", true},   {"/-/-", false}, {"Zm9v", true}, {"Zm9vYg", false},
        {"Zm8", false}, {"Zm 9v", false}, {"", false},     {NULL, false},
    };
    char bytes[3];

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(base64_decode_exactly(bytes, sizeof(bytes), cases[i].text),
                         cases[i].is_right);
    assert_true(base64_decode_exactly(bytes, 2, "Zm8="));
    assert_true(base64_decode_exactly(bytes, 2, "Zm9"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encoding_follows_the_examples_of_the_appendix),
        cmocka_unit_test(decoding_accepts_padding_and_stray_trailing_bits),
        cmocka_unit_test(decoding_refuses_everything_else),
        cmocka_unit_test(one_rule_for_what_others_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
