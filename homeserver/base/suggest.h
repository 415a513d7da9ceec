#ifndef HOMESERVER_BASE_SUGGEST_H
#define HOMESERVER_BASE_SUGGEST_H

#include <stddef.h>

/*
 * "Did you mean …?" for people: the candidate that is closest to a mistyped word, or NULL when none
 * is close. One typing error is a letter missing, added, wrong, or swapped with its neighbour; a
 * third of the letters may be wrong, at least one and at most three. Case is ignored.
 */
const char *suggest_word(const char *word, const char *const *candidates, size_t count);

#endif
