#ifndef HOMESERVER_PROTOCOL_REDACTION_H
#define HOMESERVER_PROTOCOL_REDACTION_H

#include <jansson.h>

#include "homeserver/base/error.h"

struct room_version;
struct strbuf;

/*
 * The redaction algorithm: what is left of an event when everything is stripped that the room's
 * rules do not need. Signatures and reference hashes cover this form.
 * A new reference; values that are kept whole are shared with `event`, so treat both as immutable.
 * Spec: room version pages, "Redactions".
 */
json_t *redaction_apply(const struct room_version *version, const json_t *event);

/* Appends its canonical form. */
enum errcode redaction_write(const struct room_version *version, const json_t *event,
                             struct strbuf *out) MUST_CHECK;

#endif
