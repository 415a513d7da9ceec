#ifndef HOMESERVER_BASE_METRICS_H
#define HOMESERVER_BASE_METRICS_H

#include <stdint.h>

struct strbuf;

/*
 * Counters, gauges and histograms of the process, in the text form of Prometheus. They are
 * registered at start, by table entry and never by user data, and live as long as the process.
 * Registering the same name and labels again returns the same metric. Updating is lock-free.
 *
 * `labels` is ready text such as `route="/x",method="GET"`, or NULL; it is copied. `name` and
 * `help` are literals.
 */
struct metric_counter;
struct metric_gauge;
struct metric_histogram;

struct metric_counter *metrics_counter(const char *name, const char *help, const char *labels);
struct metric_gauge *metrics_gauge(const char *name, const char *help, const char *labels);
struct metric_histogram *metrics_histogram(const char *name, const char *help, const char *labels);

void metric_count(struct metric_counter *counter, uint64_t by);
void metric_set(struct metric_gauge *gauge, int64_t value);
void metric_change(struct metric_gauge *gauge, int64_t by);
void metric_observe_us(struct metric_histogram *histogram, int64_t duration_us);

uint64_t metric_counter_value(const struct metric_counter *counter);
uint64_t metric_histogram_count(const struct metric_histogram *histogram);

/* Everything, as `text/plain; version=0.0.4`. */
void metrics_write(struct strbuf *out);

#endif
