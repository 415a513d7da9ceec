/*
 * Event IDs by room version.
 * Spec: room versions 1, 3 and 4, "Event IDs".
 */
#include "homeserver/protocol/event_id.h"

#include "homeserver/base/arena.h"
#include "homeserver/base/base64.h"
#include "homeserver/protocol/event_hash.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/room_version.h"

enum { HASH_CHARS = 43 };

const char *event_id_of_hash(struct arena *arena, const struct room_version *version,
                             const uint8_t reference_hash[SHA256_BYTES])
{
    char text[HASH_CHARS + 1];

    base64_encode_into(text, reference_hash, SHA256_BYTES,
                       version->event_id_format == EVENT_ID_HASH ? BASE64_STANDARD
                                                                 : BASE64_URLSAFE);
    return arena_printf(arena, "$%s", text);
}

enum errcode event_id_of(struct arena *arena, const struct room_version *version,
                         const json_t *event, const char **out)
{
    uint8_t hash[SHA256_BYTES];

    if (version->event_id_format == EVENT_ID_CARRIED) {
        const char *carried;
        TRY(json_require_string(event, "event_id", NULL, &carried));
        *out = arena_strdup(arena, carried);
        return OK;
    }
    TRY(event_reference_hash(version, event, hash));
    *out = event_id_of_hash(arena, version, hash);
    return OK;
}
