#ifndef HOMESERVER_PROTOCOL_EVENT_ID_H
#define HOMESERVER_PROTOCOL_EVENT_ID_H

#include <jansson.h>

#include "homeserver/base/error.h"
#include "homeserver/base/sha256.h"

struct arena;
struct room_version;

/* The ID of a PDU: since version 3 its reference hash, before that the one it carries (M_BAD_JSON
 * when it does not). `*out` is on the arena. Spec: room version pages, "Event IDs". */
enum errcode event_id_of(struct arena *arena, const struct room_version *version,
                         const json_t *event, const char **out) MUST_CHECK;

/* Since version 3: the ID that this reference hash makes, on the arena. */
const char *event_id_of_hash(struct arena *arena, const struct room_version *version,
                             const uint8_t reference_hash[SHA256_BYTES]);

#endif
