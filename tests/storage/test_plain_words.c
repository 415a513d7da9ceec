/* The words that we split ourselves are those that PostgreSQL finds. */
#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/compiler.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/base/utf8.h"
#include "storage/db.h"
#include "storage/plain_words.h"
#include "tests/support/postgres.h"
#include "tests/support/test.h"

enum { ROOM = 7, TEXTS_MAX = 6000 };

static const struct db_statement find_difference = {
    "test_find_difference",
    "SELECT n.text, n.plain, to_tsvector('simple', n.text)::text "
    "  FROM unnest($1::text[], $2::text[]) AS n (text, plain) "
    " WHERE n.plain::tsvector "
    "       <> strip(to_tsvector('simple', n.text)) || array_to_tsvector(ARRAY['!7'])"};

static const char *folded(struct arena *arena, const char *text)
{
    size_t length;

    return utf8_casefold(arena, text, strlen(text), &length);
}

static void assert_same_words(struct storage_fixture *fixture, const char *const *texts,
                              const char *const *plain, size_t count)
{
    struct db_rows *rows;

    assert_int_equal(db_query(fixture->db, fixture->arena, &find_difference,
                              PARAMS(TEXT_ARRAY(texts, count), TEXT_ARRAY(plain, count)), &rows),
                     OK);
    if (rows_count(rows) > 0)
        fail_msg("\"%s\": %s, but PostgreSQL finds %s", rows_text(rows, 0, 0),
                 rows_text(rows, 0, 1), rows_text(rows, 0, 2));
}

static void plain_sentences_are_split_as_postgresql_does(void **state)
{
    static const char *const sentences[] = {
        "hello",
        "Hello, world! How are you?",
        "L'\303\251t\303\251 dernier, \303\240 No\303\253l : \305\223uvre, \303\247a et l\303\240 "
        "(c'est s\303\273r).",
        "The same words, the same WORDS: the end.",
        "room 42, message 123 of b2b teams",
        "wait! what?! \"quoted\" - said so; done",
        "a\nb\tc",
        "Stra\303\237e und \303\204pfel",
        "1. first 2. second",
        "   ",
        "0",
    };
    struct storage_fixture *fixture = *state;
    const char *texts[COUNT_OF(sentences)], *plain[COUNT_OF(sentences)];

    for (size_t i = 0; i < COUNT_OF(sentences); i++) {
        texts[i] = folded(fixture->arena, sentences[i]);
        plain[i] = plain_words_vector(fixture->arena, texts[i], ROOM);
        if (plain[i] == NULL)
            fail_msg("\"%s\" is plain", sentences[i]);
    }
    assert_same_words(fixture, texts, plain, COUNT_OF(sentences));
}

static void what_is_not_plain_is_left_to_postgresql(void **state)
{
    static const char *const texts[] = {
        "see https://example.com/a?b=c",
        "example.com",
        "anna@example.com",
        "well-known",
        "-5",
        "+5",
        "3.14",
        "1e5",
        "2nd",
        "a_b",
        "<b>bold</b>",
        "&amp;",
        "/usr/bin",
        "l\342\200\231eau",
        "\346\227\245\346\234\254\350\252\236",
        "\360\237\221\215",
        "a\302\240b",
        "host:80",
        "wait...",
        "it\\'s",
    };
    struct storage_fixture *fixture = *state;

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        if (plain_words_vector(fixture->arena, texts[i], ROOM) != NULL)
            fail_msg("\"%s\" is not plain", texts[i]);
    }
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static const char *random_text(struct arena *arena, uint32_t *seed)
{
    static const char *const pieces[] = {
        "a",    "b",   "word", "ab1", "1",  "42", "e",  "x",   "\303\251", "\305\223",
        " ",    " ",   " ",    ". ",  ".",  ": ", ", ", ",",   "! ",       "? ",
        "'",    "\"",  "(",    ")",   ";",  "\n", "\t", " - ", "- ",       "-",
        "http", "www", "com",  "v",   "th", "ft", "..", "!",   "?",        ":"};
    struct strbuf text;

    strbuf_init(&text, 0);
    for (uint32_t left = 1 + next_random(seed) % 12; left > 0; left--)
        strbuf_add_string(&text, pieces[next_random(seed) % COUNT_OF(pieces)]);
    const char *copy = arena_strdup(arena, text.data);
    strbuf_finish(&text);
    return copy;
}

static void random_texts_are_split_as_postgresql_does_or_not_at_all(void **state)
{
    struct storage_fixture *fixture = *state;
    const char **texts = ARENA_ARRAY(fixture->arena, TEXTS_MAX, const char *);
    const char **plain = ARENA_ARRAY(fixture->arena, TEXTS_MAX, const char *);
    uint32_t seed = 20261127;
    size_t count = 0;

    for (int i = 0; i < 4 * TEXTS_MAX && count < TEXTS_MAX; i++) {
        texts[count] = random_text(fixture->arena, &seed);
        plain[count] = plain_words_vector(fixture->arena, texts[count], ROOM);
        count += plain[count] != NULL ? 1 : 0;
    }
    assert_in_range(count, TEXTS_MAX / 2, TEXTS_MAX);
    assert_same_words(fixture, texts, plain, count);
}

static void long_texts_are_left_to_postgresql(void **state)
{
    struct storage_fixture *fixture = *state;
    struct strbuf text;

    strbuf_init(&text, 0);
    for (int i = 0; i < 2049; i++)
        strbuf_add_string(&text, "a ");
    assert_null(plain_words_vector(fixture->arena, text.data, ROOM));
    strbuf_truncate(&text, 0);
    for (int i = 0; i < 256; i++)
        strbuf_add_char(&text, 'a');
    assert_null(plain_words_vector(fixture->arena, text.data, ROOM));
    strbuf_finish(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(plain_sentences_are_split_as_postgresql_does,
                                        storage_setup_empty, storage_teardown),
        cmocka_unit_test_setup_teardown(what_is_not_plain_is_left_to_postgresql,
                                        storage_setup_empty, storage_teardown),
        cmocka_unit_test_setup_teardown(random_texts_are_split_as_postgresql_does_or_not_at_all,
                                        storage_setup_empty, storage_teardown),
        cmocka_unit_test_setup_teardown(long_texts_are_left_to_postgresql, storage_setup_empty,
                                        storage_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
