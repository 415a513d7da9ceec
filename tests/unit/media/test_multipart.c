#include <stdio.h>
#include <string.h>

#include "homeserver/base/compiler.h"
#include "homeserver/media/multipart.h"
#include "tests/support/test.h"

struct seen {
    size_t parts;
    char type[64];
    char data[2][256];
    size_t sizes[2];
};

static enum errcode on_part(void *context, size_t number, const char *headers)
{
    struct seen *seen = context;

    assert_int_equal(number, seen->parts);
    seen->parts++;
    multipart_header(headers, "content-type", seen->type, sizeof(seen->type));
    return OK;
}

static enum errcode on_data(void *context, size_t number, const void *bytes, size_t size)
{
    struct seen *seen = context;

    assert_true(number < 2);
    assert_true(seen->sizes[number] + size < sizeof(seen->data[number]));
    memcpy(seen->data[number] + seen->sizes[number], bytes, size);
    seen->sizes[number] += size;
    return OK;
}

static enum errcode read_all(const char *type, const char *body, size_t size, size_t piece,
                             struct seen *seen, bool *complete)
{
    const struct multipart_listener listener = {on_part, on_data, seen};
    struct multipart *reader = multipart_create(type, &listener);
    enum errcode outcome = OK;

    *seen = (struct seen){0};
    assert_non_null(reader);
    for (size_t i = 0; i < size && outcome == OK; i += piece)
        outcome = multipart_feed(reader, body + i, size - i < piece ? size - i : piece);
    *complete = multipart_is_complete(reader);
    multipart_destroy(reader);
    return outcome;
}

static const char boundary_x[] = "multipart/mixed; boundary=x";

static const char usual[] = "--x\r\nContent-Type: application/json\r\n\r\n{}\r\n"
                            "--x\r\nContent-Type: image/png\r\nContent-Disposition: inline\r\n\r\n"
                            "\r\n-- \r\n--y data\r\n\r\n--x--\r\n";

static void the_parts_are_told_apart_however_they_arrive(void **state)
{
    static const char expected[] = "\r\n-- \r\n--y data\r\n";
    struct seen seen;
    bool complete;

    (void)state;
    for (size_t piece = 1; piece < sizeof(usual); piece++) {
        assert_int_equal(read_all(boundary_x, usual, sizeof(usual) - 1, piece, &seen, &complete),
                         OK);
        assert_true(complete);
        assert_int_equal(seen.parts, 2);
        assert_string_equal(seen.type, "image/png");
        assert_string_equal(seen.data[0], "{}");
        assert_int_equal(seen.sizes[1], strlen(expected));
        assert_memory_equal(seen.data[1], expected, strlen(expected));
    }
}

static void a_body_that_is_cut_off_is_not_complete(void **state)
{
    size_t end = (size_t)(strstr(usual, "--x--") - usual) + strlen("--x-");
    struct seen seen;
    bool complete;

    (void)state;
    for (size_t size = 0; size <= end; size++) {
        assert_int_equal(read_all(boundary_x, usual, size, 7, &seen, &complete), OK);
        assert_false(complete);
    }
}

static void odd_but_legal_bodies_are_read(void **state)
{
    static const struct {
        const char *type, *body, *data;
    } cases[] = {
        {"multipart/mixed; charset=x; boundary=\"a b\"", "preamble\r\n--a b\r\n\r\none\r\n--a b--",
         "one"},
        {"Multipart/Mixed;boundary=x", "--x \t\r\nA: b\r\n\r\n\r\n--x--", ""},
        {"multipart/mixed; boundary=x", "--x\r\n\r\n\r\n\r\n--x--epilogue\r\n--x", "\r\n"},
    };
    struct seen seen;
    bool complete;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(
            read_all(cases[i].type, cases[i].body, strlen(cases[i].body), 1, &seen, &complete), OK);
        assert_true(complete);
        assert_string_equal(seen.data[0], cases[i].data);
    }
}

static void what_is_no_multipart_is_refused(void **state)
{
    static char large[64 << 10];
    struct seen seen;
    bool complete;

    (void)state;
    memset(large, 'a', sizeof(large));
    assert_int_equal(read_all(boundary_x, large, sizeof(large), 100, &seen, &complete), E_REMOTE);
    memcpy(large, "--x\r\n", 5);
    assert_int_equal(read_all(boundary_x, large, sizeof(large), 100, &seen, &complete), E_REMOTE);
    assert_int_equal(read_all(boundary_x, "--xyz\r\n", 7, 7, &seen, &complete), E_REMOTE);
    assert_int_equal(read_all(boundary_x, "--x\0\r\n", 6, 6, &seen, &complete), E_REMOTE);
}

static void only_multipart_mixed_with_a_boundary_is_read(void **state)
{
    static const char *const types[] = {
        "text/plain",
        "multipart/mixed",
        "multipart/mixed; boundary=",
        "multipart/mixed; boundary=\"\"",
        "multipart/form-data; boundary=x",
        "multipart/mixed; boundary="
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaa"};
    const struct multipart_listener listener = {on_part, on_data, NULL};

    (void)state;
    assert_null(multipart_create(NULL, &listener));
    for (size_t i = 0; i < COUNT_OF(types); i++)
        assert_null(multipart_create(types[i], &listener));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_parts_are_told_apart_however_they_arrive),
        cmocka_unit_test(a_body_that_is_cut_off_is_not_complete),
        cmocka_unit_test(odd_but_legal_bodies_are_read),
        cmocka_unit_test(what_is_no_multipart_is_refused),
        cmocka_unit_test(only_multipart_mixed_with_a_boundary_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
