/*
 * The first bytes of the token's hash choose a set of a few slots, in which a newcomer replaces
 * whoever was stored first. No lists, no eviction, and a bound on memory. With one slot to choose
 * from, sixteen of a thousand tokens would push each other out.
 */
#include "homeserver/accounts/token_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/log.h"

/* Users share a bucket: what ends one's tokens makes a few others' be read again. */
enum { SLOT_COUNT = 65536, SET_SLOTS = 4, BUCKET_COUNT = 4096 };

/* `text` holds user_id, device_id and appservice_id, each with its NUL; the last may be missing. */
struct entry {
    uint8_t hash[SHA256_BYTES];
    uint64_t epoch;
    int64_t stored_ms;
    struct access_token token;
    char text[];
};

struct token_cache {
    pthread_mutex_t lock;         /* protects everything below */
    uint64_t epoch;               /* grows with every invalidation */
    uint64_t all_ended;           /* the epoch of the last one that was for everybody */
    uint64_t ended[BUCKET_COUNT]; /* … for a user */
    int64_t confirmed_ms;
    struct entry *slots[SLOT_COUNT];
};

struct token_cache *token_cache_create(void)
{
    struct token_cache *cache = calloc(1, sizeof(*cache));

    if (cache == NULL)
        abort();
    pthread_mutex_init(&cache->lock, NULL);
    return cache;
}

void token_cache_destroy(struct token_cache *cache)
{
    if (cache == NULL)
        return;
    for (size_t i = 0; i < SLOT_COUNT; i++)
        free(cache->slots[i]);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

static bool is_of(const struct entry *entry, const uint8_t hash[SHA256_BYTES])
{
    return entry != NULL && memcmp(entry->hash, hash, SHA256_BYTES) == 0;
}

/* Where the token is, or else is to be. */
static struct entry **slot_of(struct token_cache *cache, const uint8_t hash[SHA256_BYTES])
{
    size_t chosen = (((size_t)hash[0] << 8) | hash[1]) % SLOT_COUNT;
    struct entry **set = &cache->slots[chosen - chosen % SET_SLOTS], **slot = set;

    for (size_t i = 0; i < SET_SLOTS; i++) {
        if (is_of(set[i], hash))
            return &set[i];
        if (*slot != NULL && (set[i] == NULL || set[i]->stored_ms < (*slot)->stored_ms))
            slot = &set[i];
    }
    return slot;
}

static uint64_t *bucket_of(struct token_cache *cache, int64_t user_nid)
{
    return &cache->ended[(uint64_t)user_nid % BUCKET_COUNT];
}

static bool is_fresh(struct token_cache *cache, const struct entry *entry, int64_t now_ms)
{
    int64_t true_at_ms =
        entry->stored_ms > cache->confirmed_ms ? entry->stored_ms : cache->confirmed_ms;

    return now_ms - true_at_ms < TOKEN_CACHE_LIFETIME_MS && entry->epoch >= cache->all_ended &&
           entry->epoch >= *bucket_of(cache, entry->token.user_nid);
}

bool token_cache_find(struct token_cache *cache, struct arena *arena,
                      const struct token_question *question, struct access_token *out)
{
    struct entry *entry;
    bool found;

    pthread_mutex_lock(&cache->lock);
    entry = *slot_of(cache, question->hash);
    found = is_of(entry, question->hash) && is_fresh(cache, entry, question->now_ms);
    if (found) {
        *out = entry->token;
        out->user_id = arena_strdup(arena, entry->token.user_id);
        out->device_id = arena_strdup(arena, entry->token.device_id);
        if (entry->token.appservice_id != NULL)
            out->appservice_id = arena_strdup(arena, entry->token.appservice_id);
        if (question->wall_ms - entry->token.last_seen_ts >= question->seen_interval_ms)
            entry->token.last_seen_ts = question->wall_ms;
    }
    pthread_mutex_unlock(&cache->lock);
    return found;
}

uint64_t token_cache_epoch(struct token_cache *cache)
{
    uint64_t epoch;

    pthread_mutex_lock(&cache->lock);
    epoch = cache->epoch;
    pthread_mutex_unlock(&cache->lock);
    return epoch;
}

static const char *append(char **end, const char *text)
{
    size_t size = strlen(text) + 1;
    char *start = *end;

    memcpy(start, text, size);
    *end += size;
    return start;
}

void token_cache_store(struct token_cache *cache, uint64_t epoch, const uint8_t hash[SHA256_BYTES],
                       int64_t now_ms, const struct access_token *token)
{
    const char *appservice_id = token->appservice_id;
    size_t text_bytes = strlen(token->user_id) + 1 + strlen(token->device_id) + 1 +
                        (appservice_id != NULL ? strlen(appservice_id) + 1 : 0);
    struct entry *entry = calloc(1, sizeof(*entry) + text_bytes);
    struct entry **slot;
    char *end;

    if (entry == NULL)
        return; /* a cache may forget */
    memcpy(entry->hash, hash, SHA256_BYTES);
    entry->epoch = epoch;
    entry->stored_ms = now_ms;
    entry->token = *token;
    end = entry->text;
    entry->token.user_id = append(&end, token->user_id);
    entry->token.device_id = append(&end, token->device_id);
    if (appservice_id != NULL)
        entry->token.appservice_id = append(&end, appservice_id);

    pthread_mutex_lock(&cache->lock);
    slot = slot_of(cache, hash);
    free(*slot);
    *slot = entry;
    pthread_mutex_unlock(&cache->lock);
}

void token_cache_invalidate_user(struct token_cache *cache, int64_t user_nid)
{
    pthread_mutex_lock(&cache->lock);
    *bucket_of(cache, user_nid) = ++cache->epoch;
    pthread_mutex_unlock(&cache->lock);
}

void token_cache_invalidate(struct token_cache *cache)
{
    pthread_mutex_lock(&cache->lock);
    cache->all_ended = ++cache->epoch;
    pthread_mutex_unlock(&cache->lock);
}

void token_cache_confirm(struct token_cache *cache, int64_t asked_ms)
{
    pthread_mutex_lock(&cache->lock);
    if (asked_ms > cache->confirmed_ms)
        cache->confirmed_ms = asked_ms;
    pthread_mutex_unlock(&cache->lock);
}
