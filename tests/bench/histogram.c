/* Below HISTOGRAM_STEPS each value has a bucket; above, each power of two has HISTOGRAM_STEPS. */
#include "tests/bench/histogram.h"

static int bucket_of(int64_t us)
{
    int shift = 0;

    while (us >> shift >= 2 * HISTOGRAM_STEPS)
        shift++;
    int bucket = shift * HISTOGRAM_STEPS + (int)(us >> shift);
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/* The smallest value of the next bucket, less one. */
static int64_t upper_end(int bucket)
{
    int shift = bucket / HISTOGRAM_STEPS;

    if (shift > 0)
        shift--;
    return ((int64_t)(bucket - shift * HISTOGRAM_STEPS + 1) << shift) - 1;
}

void histogram_add(struct histogram *histogram, int64_t us)
{
    if (us < 0)
        us = 0;
    histogram->count++;
    histogram->buckets[bucket_of(us)]++;
    if (us > histogram->largest_us)
        histogram->largest_us = us;
}

int64_t histogram_quantile(const struct histogram *histogram, double quantile)
{
    int64_t wanted = (int64_t)(quantile * (double)histogram->count + 0.999999), seen = 0;

    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen >= wanted && seen > 0) {
            int64_t end = upper_end(i);
            return end < histogram->largest_us ? end : histogram->largest_us;
        }
    }
    return histogram->largest_us;
}
