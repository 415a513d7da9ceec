/*
 * Known filters. Two kinds of keys share the values: the text of a filter, and the user and ID that
 * stand for it.
 */
#include "homeserver/sync/known_filters.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/cache.h"
#include "homeserver/call.h"
#include "homeserver/protocol/filter.h"
#include "homeserver/protocol/json.h"
#include "homeserver/services.h"
#include "storage/filters.h"

enum {
    LIMIT_BYTES = 2 << 20,
    /* Arena and tree of a filter, about. */
    PARSED_BYTES = 8192,
    PARSED_BYTES_PER_BYTE = 16
};

struct known_filters {
    struct cache *cache;
};

struct known_filter {
    atomic_int references;
    struct arena *arena;
    const struct filter *filter;
};

static void acquire(void *value)
{
    struct known_filter *known = value;

    atomic_fetch_add(&known->references, 1);
}

static void release(void *value)
{
    struct known_filter *known = value;

    if (atomic_fetch_sub(&known->references, 1) != 1)
        return;
    arena_destroy(known->arena);
    free(known);
}

struct known_filters *known_filters_create(void)
{
    struct known_filters *known = calloc(1, sizeof(*known));
    const struct cache_options options = {
        .name = "filters", .limit_bytes = LIMIT_BYTES, .acquire = acquire, .release = release};

    if (known == NULL)
        abort();
    known->cache = cache_create(&options);
    return known;
}

void known_filters_destroy(struct known_filters *known)
{
    if (known == NULL)
        return;
    cache_destroy(known->cache);
    free(known);
}

static enum errcode parse(struct arena *arena, const char *text, struct error *error,
                          const struct filter **out)
{
    json_t *json;

    if (json_parse_object(arena, text, strlen(text), NULL, &json) != OK)
        return fail(error, M_INVALID_PARAM, "The filter is not a JSON object.");
    return filter_parse(arena, json, error, out);
}

/* With a reference for the caller. */
static enum errcode find_text(struct call *call, const char *text, struct known_filter **out)
{
    struct cache *cache = call->services->known_filters->cache;
    size_t length = strlen(text);
    struct known_filter *known = cache_get(cache, text, length);

    *out = known;
    if (known != NULL)
        return OK;
    known = calloc(1, sizeof(*known));
    if (known == NULL)
        abort();
    atomic_init(&known->references, 1);
    known->arena = arena_create();
    enum errcode parsed = parse(known->arena, text, call->error, &known->filter);
    if (parsed != OK) {
        release(known);
        return parsed;
    }
    cache_put(cache, text, length, known, PARSED_BYTES + PARSED_BYTES_PER_BYTE * length);
    *out = known;
    return OK;
}

static enum errcode find_id(struct call *call, int64_t user_nid, const char *id,
                            struct known_filter **out)
{
    struct cache *cache = call->services->known_filters->cache;
    const char *key = arena_printf(call->arena, "%" PRId64 "/%s", user_nid, id);
    const char *text;

    *out = cache_get(cache, key, strlen(key));
    if (*out != NULL)
        return OK;
    enum errcode found = filter_load(call->db, call->arena, user_nid, id, &text);
    if (found == M_NOT_FOUND)
        return fail(call->error, M_INVALID_PARAM, "You have no filter with this ID.");
    TRY(found);
    TRY(find_text(call, text, out));
    cache_put(cache, key, strlen(key), *out, sizeof(**out));
    return OK;
}

enum errcode known_filter_find(struct call *call, int64_t user_nid, const char *text,
                               const struct filter **out)
{
    struct known_filter *known;

    if (text == NULL || *text == '{')
        TRY(find_text(call, text != NULL ? text : "{}", &known));
    else
        TRY(find_id(call, user_nid, text, &known));
    arena_defer(call->arena, release, known);
    *out = known->filter;
    return OK;
}
