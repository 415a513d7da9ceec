#ifndef HOMESERVER_PROTOCOL_REDACTION_H
#define HOMESERVER_PROTOCOL_REDACTION_H

#include <jansson.h>

#include "homeserver/base/error.h"
#include "homeserver/protocol/json_scan.h"

struct room_version;
struct strbuf;

/*
 * The redaction algorithm: what is left of an event when everything is stripped that the room's
 * rules do not need. Signatures and reference hashes cover this form.
 * A new reference; values that are kept whole are shared with `event`, so treat both as immutable.
 * Spec: room version pages, "Redactions".
 */
json_t *redaction_apply(const struct room_version *version, const json_t *event);

/*
 * Appends the canonical form of the redacted event without `signatures`: what signatures and
 * reference hashes cover. Cut from `canonical`, the event's own canonical bytes without `unsigned`;
 * `type` is the event's. A check of an event needs no tree of its own for this.
 */
void redaction_splice(const struct room_version *version, const char *type,
                      struct json_span canonical, struct strbuf *out);

/* Appends its canonical form. */
enum errcode redaction_write(const struct room_version *version, const json_t *event,
                             struct strbuf *out) MUST_CHECK;

#endif
