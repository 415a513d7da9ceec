/* A pattern, a line break, a text: matching ends within its budget and agrees with itself. */
#include <jansson.h>

#include "homeserver/base/arena.h"
#include "homeserver/base/glob.h"
#include "homeserver/protocol/push_pattern.h"
#include "tests/fuzz/fuzz.h"

enum { BUDGET = 100000000 };

/* Patterns and texts come out of JSON. */
static bool is_utf8(const char *text, size_t length)
{
    json_t *string = json_stringn(text, length);

    json_decref(string);
    return string != NULL;
}

static bool is_ascii(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] <= 0)
            return false;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    const uint8_t *line_break = size > 0 ? memchr(data, '\n', size) : NULL;

    if (line_break == NULL || memchr(data, '\0', (size_t)(line_break - data)) != NULL)
        return 0;
    const char *pattern = arena_strndup(arena, (const char *)data, (size_t)(line_break - data));
    size_t length = size - (size_t)(line_break - data) - 1;
    const char *text = arena_strndup(arena, (const char *)line_break + 1, length);
    if (!is_utf8(pattern, strlen(pattern)) || !is_utf8(text, length))
        return 0;
    int64_t steps = BUDGET;
    int64_t few_steps = 100;
    bool all = push_pattern_matches_all(pattern, text, length, &steps);
    bool words = push_pattern_matches_words(pattern, text, length, &steps);

    /* What matches the whole text matches from its start to its end. */
    MUST(!all || words);
    if (is_ascii(pattern, strlen(pattern)) && is_ascii(text, length))
        MUST(all == glob_match(pattern, text, false));
    /* A small budget may miss a match, but never invents one. */
    MUST(!push_pattern_matches_words(pattern, text, length, &few_steps) || words);
    return 0;
}
