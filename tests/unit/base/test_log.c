#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "homeserver/base/log.h"
#include "tests/support/test.h"

static int file, kept_stderr;

/* Standard error is a file while a test runs. */
static int redirect(void **state)
{
    char path[] = "/tmp/beffroi-log-XXXXXX";

    (void)state;
    kept_stderr = dup(STDERR_FILENO);
    file = mkstemp(path);
    unlink(path);
    dup2(file, STDERR_FILENO);
    return file < 0 || kept_stderr < 0;
}

static int restore(void **state)
{
    (void)state;
    log_set_context(NULL, NULL);
    log_collect(NULL);
    dup2(kept_stderr, STDERR_FILENO);
    close(kept_stderr);
    close(file);
    return 0;
}

static const char *written(void)
{
    static char text[65536];
    ssize_t size = pread(file, text, sizeof(text) - 1, 0);

    assert_true(size >= 0);
    text[size] = '\0';
    return text;
}

static void a_line_says_for_whom_it_is(void **state)
{
    (void)state;
    log_info(LOG_HTTP, "nobody");
    assert_null(strstr(written(), "request="));
    log_set_context("r-1", "");
    log_info(LOG_HTTP, "a request");
    assert_non_null(strstr(written(), " category=http request=r-1 message=\"a request\"\n"));
    log_set_context("r-2", "@alice:a\"b");
    log_info(LOG_HTTP, "a user");
    assert_non_null(strstr(written(), " request=r-2 user=@alice:a\\\"b message=\"a user\"\n"));
}

static void collected_lines_wait_until_they_are_called(void **state)
{
    static struct log_collected collected;

    (void)state;
    log_collect(&collected);
    log_info(LOG_HTTP, "one");
    log_info(LOG_HTTP, "two");
    assert_string_equal(written(), "");
    log_write_collected();
    assert_non_null(strstr(written(), "\"one\"\n"));
    assert_true(strstr(written(), "\"two\"") > strstr(written(), "\"one\""));
    log_info(LOG_HTTP, "three");
    log_collect(NULL);
    assert_non_null(strstr(written(), "\"three\""));
}

static void a_warning_waits_for_nothing_and_comes_last(void **state)
{
    static struct log_collected collected;

    (void)state;
    log_collect(&collected);
    log_info(LOG_HTTP, "before");
    log_warn(LOG_HTTP, "a warning");
    assert_true(strstr(written(), "\"a warning\"") > strstr(written(), "\"before\""));
    assert_non_null(strstr(written(), "\"before\""));
}

static void a_full_buffer_is_written_in_whole_lines(void **state)
{
    static struct log_collected collected;

    (void)state;
    log_collect(&collected);
    for (int i = 0; written()[0] == '\0'; i++) {
        assert_true(i < LOG_COLLECTED_BYTES);
        log_info(LOG_HTTP, "line %d", i);
    }
    size_t size = strlen(written());
    assert_true(size <= LOG_COLLECTED_BYTES && size > LOG_COLLECTED_BYTES / 2);
    assert_int_equal(written()[size - 1], '\n');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_says_for_whom_it_is, redirect, restore),
        cmocka_unit_test_setup_teardown(collected_lines_wait_until_they_are_called, redirect,
                                        restore),
        cmocka_unit_test_setup_teardown(a_warning_waits_for_nothing_and_comes_last, redirect,
                                        restore),
        cmocka_unit_test_setup_teardown(a_full_buffer_is_written_in_whole_lines, redirect, restore),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
