#ifndef TESTS_BENCH_HISTOGRAM_H
#define TESTS_BENCH_HISTOGRAM_H

#include <stdint.h>

/* Durations in buckets that grow with the value: any quantile is right to 1/32, in constant memory.
 */
enum { HISTOGRAM_STEPS = 32, HISTOGRAM_BUCKETS = 40 * HISTOGRAM_STEPS };

struct histogram {
    int64_t count;
    int64_t largest_us;
    uint32_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *histogram, int64_t us);
/* `quantile` from 0 to 1; microseconds, 0 when nothing was added. */
int64_t histogram_quantile(const struct histogram *histogram, double quantile);

#endif
