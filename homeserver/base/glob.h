#ifndef HOMESERVER_BASE_GLOB_H
#define HOMESERVER_BASE_GLOB_H

#include <stdbool.h>

/*
 * Glob-style matching (appendix "Glob-style matching"): `*` is zero or more characters, `?` exactly
 * one, everything else itself; the whole text must match. Characters are UTF-8 code points.
 * ASCII letters match case-insensitively when `ignore_case`. Cost: linear in practice, at worst
 * pattern x text, never exponential.
 */
bool glob_match(const char *pattern, const char *text, bool ignore_case);

#endif
