/*
 * Sharded open-addressing tables of buckets. A key is kept as 64 bits of its salted hash: two keys
 * that meet share a bucket, which an outsider can neither foresee nor exploit.
 */
#include "homeserver/base/rate_limiter.h"

#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "homeserver/base/compiler.h"
#include "homeserver/base/random.h"
#include "homeserver/base/sha256.h"

enum {
    SHARDS = 16,
    BUCKETS_START = 64,
    BUCKETS_MAX = 1 << 17,
    SALT_BYTES = 16,
    KEY_BYTES_MAX = 1024
};

struct bucket {
    uint64_t key; /* 0: empty place */
    double tokens;
    int64_t updated_ms;
    int64_t full_ms; /* when it will be full again and may be forgotten */
};

struct shard {
    pthread_mutex_t lock;
    struct bucket *buckets;
    size_t capacity; /* a power of two */
    size_t used;
};

struct rate_limiter {
    struct shard shards[SHARDS];
    unsigned char salt[SALT_BYTES];
};

static NORETURN void out_of_memory(void)
{
    fprintf(stderr, "<2>beffroi: out of memory in the rate limiter; stopping.\n");
    abort();
}

static struct bucket *new_buckets(size_t capacity)
{
    struct bucket *buckets = calloc(capacity, sizeof(*buckets));

    if (buckets == NULL)
        out_of_memory();
    return buckets;
}

struct rate_limiter *rate_limiter_create(void)
{
    struct rate_limiter *limiter = calloc(1, sizeof(*limiter));

    if (limiter == NULL)
        out_of_memory();
    random_bytes(limiter->salt, sizeof(limiter->salt));
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_init(&limiter->shards[i].lock, NULL);
        limiter->shards[i].capacity = BUCKETS_START;
        limiter->shards[i].buckets = new_buckets(BUCKETS_START);
    }
    return limiter;
}

void rate_limiter_destroy(struct rate_limiter *limiter)
{
    if (limiter == NULL)
        return;
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_destroy(&limiter->shards[i].lock);
        free(limiter->shards[i].buckets);
    }
    free(limiter);
}

static uint64_t hash_key(const struct rate_limiter *limiter, const char *key)
{
    unsigned char salted[SALT_BYTES + KEY_BYTES_MAX];
    uint8_t digest[SHA256_BYTES];
    size_t length = strnlen(key, KEY_BYTES_MAX);
    uint64_t hash;

    memcpy(salted, limiter->salt, SALT_BYTES);
    memcpy(salted + SALT_BYTES, key, length);
    sha256(salted, SALT_BYTES + length, digest);
    memcpy(&hash, digest, sizeof(hash));
    return hash == 0 ? 1 : hash;
}

/* The bucket of this key, or the empty place where it belongs. */
static struct bucket *find(struct bucket *buckets, size_t capacity, uint64_t key)
{
    size_t place = (size_t)(key / SHARDS) & (capacity - 1);

    while (buckets[place].key != 0 && buckets[place].key != key)
        place = (place + 1) & (capacity - 1);
    return &buckets[place];
}

/* Moves those that still count to a table that they fill by a quarter at most. */
static void rebuild(struct shard *shard, int64_t now_ms)
{
    size_t alive = 0;
    size_t capacity = BUCKETS_START;

    for (size_t i = 0; i < shard->capacity; i++)
        alive += shard->buckets[i].key != 0 && shard->buckets[i].full_ms > now_ms;
    while (capacity < alive * 4 && capacity < BUCKETS_MAX)
        capacity *= 2;
    struct bucket *buckets = new_buckets(capacity);
    for (size_t i = 0; i < shard->capacity; i++) {
        const struct bucket *old = &shard->buckets[i];
        if (old->key != 0 && old->full_ms > now_ms)
            *find(buckets, capacity, old->key) = *old;
    }
    free(shard->buckets);
    shard->buckets = buckets;
    shard->capacity = capacity;
    shard->used = alive;
}

/* NULL when there is no room for another key. */
static struct bucket *find_or_add(struct shard *shard, uint64_t key, double burst, int64_t now_ms)
{
    struct bucket *bucket = find(shard->buckets, shard->capacity, key);

    if (bucket->key != 0)
        return bucket;
    if (shard->used >= shard->capacity / 2) {
        rebuild(shard, now_ms);
        if (shard->used >= BUCKETS_MAX / 2)
            return NULL;
        bucket = find(shard->buckets, shard->capacity, key);
    }
    *bucket = (struct bucket){.key = key, .tokens = burst, .updated_ms = now_ms};
    shard->used++;
    return bucket;
}

static int64_t take(struct bucket *bucket, double per_second, double burst, int64_t now_ms)
{
    const int64_t never_ms = INT64_MAX / 2;
    double per_ms = per_second / 1000;
    double earned = (double)(now_ms - bucket->updated_ms) * per_ms;

    bucket->tokens = fmin(burst, bucket->tokens + fmax(0, earned));
    if (now_ms > bucket->updated_ms)
        bucket->updated_ms = now_ms;
    bool allowed = bucket->tokens >= 1;
    if (allowed)
        bucket->tokens -= 1;
    bucket->full_ms =
        per_ms > 0 ? now_ms + (int64_t)ceil((burst - bucket->tokens) / per_ms) : never_ms;
    if (allowed)
        return 0;
    return per_ms > 0 ? (int64_t)ceil((1 - bucket->tokens) / per_ms) : never_ms;
}

int64_t rate_limiter_take(struct rate_limiter *limiter, const char *key, double per_second,
                          int burst, int64_t now_ms)
{
    uint64_t hash = hash_key(limiter, key);
    struct shard *shard = &limiter->shards[hash % SHARDS];
    int64_t wait_ms = 0;

    pthread_mutex_lock(&shard->lock);
    struct bucket *bucket = find_or_add(shard, hash, burst, now_ms);
    if (bucket != NULL)
        wait_ms = take(bucket, per_second, burst, now_ms);
    pthread_mutex_unlock(&shard->lock);
    return wait_ms;
}
