#ifndef HOMESERVER_PROTOCOL_PUSH_PATTERN_H
#define HOMESERVER_PROTOCOL_PUSH_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The globs of push rules. Pattern and text come in folded case (utf8_casefold). Patterns are free
 * of NUL, texts need not be.
 *
 * Users choose patterns and senders choose texts, so the work is counted: `*steps_left` falls by
 * about one for each byte compared, and when it is used up nothing matches any more.
 */

/* The whole text matches. */
bool push_pattern_matches_all(const char *pattern, const char *text, size_t length,
                              int64_t *steps_left);

/* A part of the text matches that starts and ends at a word boundary: at the start or the end of
 * the text, or next to a character that is not in [A-Za-z0-9_]. */
bool push_pattern_matches_words(const char *pattern, const char *text, size_t length,
                                int64_t *steps_left);

#endif
