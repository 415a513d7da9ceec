/* The registry: a list of families (one name), each a list of metrics (one set of labels). */
#include "homeserver/base/metrics.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "homeserver/base/compiler.h"
#include "homeserver/base/strbuf.h"

enum kind { COUNTER, GAUGE, HISTOGRAM };

static const int64_t bounds_us[] = {1000,   2500,   5000,    10000,   25000,   50000,    100000,
                                    250000, 500000, 1000000, 2500000, 5000000, 10000000, 30000000};
enum { BOUNDS = COUNT_OF(bounds_us) };

struct metric_counter {
    _Atomic uint64_t value;
};

struct metric_gauge {
    _Atomic int64_t value;
};

struct metric_histogram {
    _Atomic uint64_t buckets[BOUNDS + 1]; /* the last one is for all that is longer */
    _Atomic uint64_t sum_us;
};

struct metric {
    struct metric *next;
    char *labels; /* "" for none */
    union {
        struct metric_counter counter;
        struct metric_gauge gauge;
        struct metric_histogram histogram;
    } value;
};

struct family {
    struct family *next;
    const char *name;
    const char *help;
    enum kind kind;
    struct metric *metrics;
    struct metric **end;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct family *families;

static NORETURN void out_of_memory(void)
{
    fprintf(stderr, "<2>beffroi: out of memory for metrics; stopping.\n");
    abort();
}

static struct family *find_family_locked(const char *name, const char *help, enum kind kind)
{
    for (struct family *family = families; family != NULL; family = family->next) {
        if (strcmp(family->name, name) == 0)
            return family;
    }
    struct family *family = calloc(1, sizeof(*family));
    if (family == NULL)
        out_of_memory();
    *family = (struct family){.next = families, .name = name, .help = help, .kind = kind};
    family->end = &family->metrics;
    families = family;
    return family;
}

static struct metric *find_metric(const char *name, const char *help, enum kind kind,
                                  const char *labels)
{
    const char *wanted = labels == NULL ? "" : labels;

    pthread_mutex_lock(&lock);
    struct family *family = find_family_locked(name, help, kind);
    struct metric *metric = family->metrics;
    while (metric != NULL && strcmp(metric->labels, wanted) != 0)
        metric = metric->next;
    if (metric == NULL) {
        metric = calloc(1, sizeof(*metric));
        if (metric == NULL || (metric->labels = strdup(wanted)) == NULL)
            out_of_memory();
        *family->end = metric;
        family->end = &metric->next;
    }
    pthread_mutex_unlock(&lock);
    return metric;
}

struct metric_counter *metrics_counter(const char *name, const char *help, const char *labels)
{
    return &find_metric(name, help, COUNTER, labels)->value.counter;
}

struct metric_gauge *metrics_gauge(const char *name, const char *help, const char *labels)
{
    return &find_metric(name, help, GAUGE, labels)->value.gauge;
}

struct metric_histogram *metrics_histogram(const char *name, const char *help, const char *labels)
{
    return &find_metric(name, help, HISTOGRAM, labels)->value.histogram;
}

void metric_count(struct metric_counter *counter, uint64_t by)
{
    atomic_fetch_add_explicit(&counter->value, by, memory_order_relaxed);
}

void metric_set(struct metric_gauge *gauge, int64_t value)
{
    atomic_store_explicit(&gauge->value, value, memory_order_relaxed);
}

void metric_change(struct metric_gauge *gauge, int64_t by)
{
    atomic_fetch_add_explicit(&gauge->value, by, memory_order_relaxed);
}

void metric_observe_us(struct metric_histogram *histogram, int64_t duration_us)
{
    size_t bucket = 0;

    if (duration_us < 0)
        duration_us = 0;
    while (bucket < BOUNDS && duration_us > bounds_us[bucket])
        bucket++;
    atomic_fetch_add_explicit(&histogram->buckets[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->sum_us, (uint64_t)duration_us, memory_order_relaxed);
}

uint64_t metric_counter_value(const struct metric_counter *counter)
{
    return atomic_load_explicit(&counter->value, memory_order_relaxed);
}

uint64_t metric_histogram_count(const struct metric_histogram *histogram)
{
    uint64_t count = 0;

    for (size_t i = 0; i <= BOUNDS; i++)
        count += atomic_load_explicit(&histogram->buckets[i], memory_order_relaxed);
    return count;
}

static void write_histogram(struct strbuf *out, const struct family *family,
                            const struct metric *metric)
{
    const struct metric_histogram *histogram = &metric->value.histogram;
    const char *comma = metric->labels[0] == '\0' ? "" : ",";
    uint64_t sum_us = atomic_load_explicit(&histogram->sum_us, memory_order_relaxed);
    uint64_t count = 0;

    for (size_t i = 0; i < BOUNDS; i++) {
        count += atomic_load_explicit(&histogram->buckets[i], memory_order_relaxed);
        strbuf_printf(out, "%s_bucket{%s%sle=\"%g\"} %" PRIu64 "\n", family->name, metric->labels,
                      comma, (double)bounds_us[i] / 1e6, count);
    }
    count += atomic_load_explicit(&histogram->buckets[BOUNDS], memory_order_relaxed);
    strbuf_printf(out, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", family->name, metric->labels,
                  comma, count);
    strbuf_printf(out, "%s_sum{%s} %.6f\n", family->name, metric->labels, (double)sum_us / 1e6);
    strbuf_printf(out, "%s_count{%s} %" PRIu64 "\n", family->name, metric->labels, count);
}

static void write_metric(struct strbuf *out, const struct family *family,
                         const struct metric *metric)
{
    switch (family->kind) {
    case COUNTER:
        strbuf_printf(out, "%s{%s} %" PRIu64 "\n", family->name, metric->labels,
                      metric_counter_value(&metric->value.counter));
        break;
    case GAUGE:
        strbuf_printf(out, "%s{%s} %" PRId64 "\n", family->name, metric->labels,
                      atomic_load_explicit(&metric->value.gauge.value, memory_order_relaxed));
        break;
    case HISTOGRAM:
        /* Hundreds of routes: those never called would be most of the output. */
        if (metric_histogram_count(&metric->value.histogram) > 0)
            write_histogram(out, family, metric);
        break;
    }
}

void metrics_write(struct strbuf *out)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};

    pthread_mutex_lock(&lock);
    for (const struct family *family = families; family != NULL; family = family->next) {
        strbuf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help, family->name,
                      types[family->kind]);
        for (const struct metric *m = family->metrics; m != NULL; m = m->next)
            write_metric(out, family, m);
    }
    pthread_mutex_unlock(&lock);
}
