/*
 * Globs of push rules, matched as a row of segments between stars: each segment is looked for once,
 * to the right of the one before, because the leftmost place never rules out a later match.
 * Spec: client-server API, "Conditions" (event_match); appendices, "Glob-style matching".
 */
#include "homeserver/protocol/push_pattern.h"

#include <string.h>

#include "homeserver/base/utf8.h"

struct text {
    const char *bytes;
    size_t length;
};

/* What stands between two stars. */
struct segment {
    const char *bytes;
    size_t length;
    bool has_wildcard; /* a `?` */
    bool is_last;
};

static const size_t NOWHERE = SIZE_MAX;

static bool spend(int64_t *steps_left, size_t steps)
{
    *steps_left -= (int64_t)steps;
    return *steps_left > 0;
}

static struct segment first_segment(const char *pattern)
{
    size_t length = strcspn(pattern, "*");

    return (struct segment){
        .bytes = pattern,
        .length = length,
        .has_wildcard = memchr(pattern, '?', length) != NULL,
        .is_last = pattern[length] == '\0',
    };
}

static struct segment next_segment(const struct segment *segment)
{
    return first_segment(segment->bytes + segment->length + 1);
}

/* The end of the segment's match that starts at `start`, or NOWHERE. */
static size_t match_here(const struct segment *segment, const struct text *text, size_t start,
                         int64_t *steps_left)
{
    size_t at = start;

    for (size_t i = 0; i < segment->length; i++) {
        if (at == text->length || !spend(steps_left, 1))
            return NOWHERE;
        if (segment->bytes[i] == '?')
            at += utf8_character_bytes(text->bytes + at, text->length - at);
        else if (segment->bytes[i] == text->bytes[at])
            at++;
        else
            return NOWHERE;
    }
    return at;
}

/* The first place at or after `from` where the segment matches, or NOWHERE. */
static size_t find(const struct segment *segment, const struct text *text, size_t from,
                   size_t *end_out, int64_t *steps_left)
{
    if (!segment->has_wildcard) {
        /* memmem() is linear and fast: sixteen bytes count as one step. */
        const char *place =
            memmem(text->bytes + from, text->length - from, segment->bytes, segment->length);
        size_t passed = place != NULL ? (size_t)(place - text->bytes) - from : text->length - from;
        if (!spend(steps_left, passed / 16 + 1) || place == NULL)
            return NOWHERE;
        *end_out = (size_t)(place - text->bytes) + segment->length;
        return (size_t)(place - text->bytes);
    }
    for (size_t at = from; at <= text->length && *steps_left > 0;
         at += utf8_character_bytes(text->bytes + at, text->length - at)) {
        *end_out = match_here(segment, text, at, steps_left);
        if (*end_out != NOWHERE)
            return at;
    }
    return NOWHERE;
}

/* The last segment must match the end of the text and start at or after `from`. */
static bool matches_at_end(const struct segment *segment, const struct text *text, size_t from,
                           int64_t *steps_left)
{
    size_t at = text->length;

    for (size_t i = segment->length; i > 0; i--) {
        if (at <= from || !spend(steps_left, 1))
            return false;
        at--;
        if (segment->bytes[i - 1] == '?') {
            while (at > from && ((unsigned char)text->bytes[at] & 0xC0) == 0x80)
                at--;
        } else if (segment->bytes[i - 1] != text->bytes[at]) {
            return false;
        }
    }
    return true;
}

bool push_pattern_matches_all(const char *pattern, const char *text, size_t length,
                              int64_t *steps_left)
{
    const struct text value = {text, length};
    struct segment segment = first_segment(pattern);
    size_t end = match_here(&segment, &value, 0, steps_left);

    if (end == NOWHERE)
        return false;
    if (segment.is_last)
        return end == length;
    for (segment = next_segment(&segment); !segment.is_last; segment = next_segment(&segment)) {
        if (find(&segment, &value, end, &end, steps_left) == NOWHERE)
            return false;
    }
    return matches_at_end(&segment, &value, end, steps_left);
}

static bool is_word_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool is_word_start(const struct text *text, size_t at)
{
    return at == 0 || !is_word_character(text->bytes[at - 1]);
}

static bool is_word_end(const struct text *text, size_t at)
{
    return at == text->length || !is_word_character(text->bytes[at]);
}

/* Like find(), but the match must start, or end, or both, at a word boundary. */
static size_t find_at_boundary(const struct segment *segment, const struct text *text, size_t from,
                               bool word_start, int64_t *steps_left)
{
    size_t end = 0;
    size_t at = find(segment, text, from, &end, steps_left);

    while (at != NOWHERE) {
        if ((!word_start || is_word_start(text, at)) &&
            (!segment->is_last || is_word_end(text, end)))
            return end;
        if (at == text->length)
            return NOWHERE;
        at = find(segment, text, at + utf8_character_bytes(text->bytes + at, text->length - at),
                  &end, steps_left);
    }
    return NOWHERE;
}

bool push_pattern_matches_words(const char *pattern, const char *text, size_t length,
                                int64_t *steps_left)
{
    const struct text value = {text, length};
    struct segment segment = first_segment(pattern);
    size_t end = find_at_boundary(&segment, &value, 0, true, steps_left);

    while (end != NOWHERE && !segment.is_last) {
        segment = next_segment(&segment);
        end = find_at_boundary(&segment, &value, end, false, steps_left);
    }
    return end != NOWHERE;
}
