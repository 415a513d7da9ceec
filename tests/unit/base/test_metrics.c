#include <pthread.h>

#include "homeserver/base/compiler.h"
#include "homeserver/base/metrics.h"
#include "homeserver/base/strbuf.h"
#include "tests/support/test.h"

static void assert_written(const char *expected)
{
    struct strbuf text;

    strbuf_init(&text, 0);
    metrics_write(&text);
    if (strstr(text.data, expected) == NULL)
        fprintf(stderr, "%s\n", text.data);
    assert_non_null(strstr(text.data, expected));
    strbuf_finish(&text);
}

static void registering_twice_gives_the_same_metric(void **state)
{
    (void)state;
    struct metric_counter *first = metrics_counter("t_total", "Help.", "a=\"1\"");
    assert_ptr_equal(metrics_counter("t_total", "Help.", "a=\"1\""), first);
    assert_ptr_not_equal(metrics_counter("t_total", "Help.", "a=\"2\""), first);
}

static void counters_and_gauges_are_written(void **state)
{
    (void)state;
    metric_count(metrics_counter("t_things_total", "Things.", "kind=\"x\""), 3);
    metric_set(metrics_gauge("t_level", "Level.", NULL), 7);
    metric_change(metrics_gauge("t_level", "Level.", NULL), -9);
    assert_written("# HELP t_things_total Things.\n# TYPE t_things_total counter\n"
                   "t_things_total{kind=\"x\"} 3\n");
    assert_written("# TYPE t_level gauge\nt_level{} -2\n");
}

static void histograms_are_cumulative_and_in_seconds(void **state)
{
    struct metric_histogram *histogram = metrics_histogram("t_seconds", "Time.", "r=\"/x\"");

    (void)state;
    metric_observe_us(histogram, 500);
    metric_observe_us(histogram, 1000);
    metric_observe_us(histogram, 7000);
    metric_observe_us(histogram, 3600 * INT64_C(1000000));
    assert_int_equal(metric_histogram_count(histogram), 4);
    assert_written("t_seconds_bucket{r=\"/x\",le=\"0.001\"} 2\n");
    assert_written("t_seconds_bucket{r=\"/x\",le=\"0.01\"} 3\n");
    assert_written("t_seconds_bucket{r=\"/x\",le=\"30\"} 3\n");
    assert_written("t_seconds_bucket{r=\"/x\",le=\"+Inf\"} 4\n"
                   "t_seconds_sum{r=\"/x\"} 3600.008500\n"
                   "t_seconds_count{r=\"/x\"} 4\n");
}

static void *count_often(void *counter)
{
    for (int i = 0; i < 10000; i++)
        metric_count(counter, 1);
    return NULL;
}

static void threads_lose_no_counts(void **state)
{
    struct metric_counter *counter = metrics_counter("t_threads_total", "Threads.", NULL);
    pthread_t threads[4];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        pthread_create(&threads[i], NULL, count_often, counter);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(metric_counter_value(counter), 40000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registering_twice_gives_the_same_metric),
        cmocka_unit_test(counters_and_gauges_are_written),
        cmocka_unit_test(histograms_are_cumulative_and_in_seconds),
        cmocka_unit_test(threads_lose_no_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
