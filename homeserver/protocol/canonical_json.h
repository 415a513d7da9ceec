#ifndef HOMESERVER_PROTOCOL_CANONICAL_JSON_H
#define HOMESERVER_PROTOCOL_CANONICAL_JSON_H

#include <jansson.h>

#include "homeserver/base/error.h"

struct strbuf;

/*
 * Canonical JSON (appendix "Canonical JSON"): no white space, members in code point order, the
 * shortest escapes. Values that satisfy the strict rules come out the same under both.
 */
enum canonical_json_rules {
    /* Room versions 6 and later: integers within ±(2^53-1) only. */
    CANONICAL_JSON_STRICT,
    /* Room versions 1 to 5, and everything that is signed but is no event: any 64-bit integer,
     * and floats, printed as Python prints them, since the events of those rooms were hashed so. */
    CANONICAL_JSON_LEGACY,
};

/* Appends the canonical form of `value`. M_BAD_JSON when the rules do not allow the value (`error`
 * says why) or it is nested deeper than JSON_NESTING_MAX; M_TOO_LARGE when `out` is full. After a
 * failure `out` holds a part. */
enum errcode canonical_json_write(const json_t *value, enum canonical_json_rules rules,
                                  struct strbuf *out, struct error *error) MUST_CHECK;

/* The same for an object without the members named in `omitted`, a NULL-terminated list. */
enum errcode canonical_json_write_without(const json_t *object, const char *const *omitted,
                                          enum canonical_json_rules rules, struct strbuf *out,
                                          struct error *error) MUST_CHECK;

#endif
