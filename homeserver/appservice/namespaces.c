/* Namespaces as compiled PCRE2 expressions. */
#include "homeserver/appservice/namespaces.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>

#include "homeserver/base/arena.h"

/* An identifier has at most 255 bytes: honest expressions need a few hundred steps. */
enum {
    PATTERN_BYTES_MAX = 1024,
    MATCH_STEPS_MAX = 20000,
    MATCH_DEPTH_MAX = 500,
    HEAP_KIB_MAX = 256
};

struct expression {
    pcre2_code *code;
    bool is_exclusive;
};

struct namespaces {
    struct expression *items;
    size_t count;
    pcre2_match_context *limits;
};

static void free_code(void *code)
{
    pcre2_code_free(code);
}

static void free_limits(void *limits)
{
    pcre2_match_context_free(limits);
}

static enum errcode compile(struct arena *arena, const char *regex, struct error *error,
                            pcre2_code **out)
{
    size_t offset;
    int number;

    if (strlen(regex) > PATTERN_BYTES_MAX)
        return fail(error, M_INVALID_PARAM, "A namespace is longer than %d bytes.",
                    PATTERN_BYTES_MAX);
    *out = pcre2_compile((PCRE2_SPTR)regex, PCRE2_ZERO_TERMINATED, PCRE2_ANCHORED | PCRE2_UTF,
                         &number, &offset, NULL);
    if (*out == NULL) {
        PCRE2_UCHAR why[128];
        pcre2_get_error_message(number, why, sizeof(why));
        return fail(error, M_INVALID_PARAM, "The namespace %.100s is not a regular expression: %s.",
                    regex, (const char *)why);
    }
    arena_defer(arena, free_code, *out);
    return OK;
}

enum errcode namespaces_compile(struct arena *arena, const struct appservice_namespaces *from,
                                struct error *error, struct namespaces **out)
{
    struct namespaces *made = ARENA_NEW(arena, struct namespaces);

    made->limits = pcre2_match_context_create(NULL);
    if (made->limits == NULL)
        return E_SYSTEM;
    arena_defer(arena, free_limits, made->limits);
    pcre2_set_match_limit(made->limits, MATCH_STEPS_MAX);
    pcre2_set_depth_limit(made->limits, MATCH_DEPTH_MAX);
    pcre2_set_heap_limit(made->limits, HEAP_KIB_MAX);
    made->items = ARENA_ARRAY(arena, from->count, struct expression);
    for (; made->count < from->count; made->count++) {
        struct expression *item = &made->items[made->count];
        TRY(compile(arena, from->items[made->count].regex, error, &item->code));
        item->is_exclusive = from->items[made->count].is_exclusive;
    }
    *out = made;
    return OK;
}

static bool matches(const struct namespaces *namespaces, const struct expression *expression,
                    const char *identifier)
{
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    int outcome;

    if (data == NULL)
        return false;
    outcome = pcre2_match(expression->code, (PCRE2_SPTR)identifier, strlen(identifier), 0, 0, data,
                          namespaces->limits);
    pcre2_match_data_free(data);
    return outcome >= 0;
}

bool namespaces_match(const struct namespaces *namespaces, const char *identifier)
{
    for (size_t i = 0; i < namespaces->count; i++) {
        if (matches(namespaces, &namespaces->items[i], identifier))
            return true;
    }
    return false;
}

bool namespaces_match_exclusively(const struct namespaces *namespaces, const char *identifier)
{
    for (size_t i = 0; i < namespaces->count; i++) {
        if (namespaces->items[i].is_exclusive &&
            matches(namespaces, &namespaces->items[i], identifier))
            return true;
    }
    return false;
}

bool namespaces_are_empty(const struct namespaces *namespaces)
{
    return namespaces->count == 0;
}
