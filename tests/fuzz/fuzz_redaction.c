/* Redacting twice is redacting once, and neither hash nor event ID notice a redaction. */
#include "homeserver/base/arena.h"
#include "homeserver/protocol/event_hash.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/redaction.h"
#include "homeserver/protocol/room_version.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    json_t *json;

    if (json_parse(arena, (const char *)data, size, NULL, &json) != OK)
        return 0;
    for (size_t i = 0; i < room_version_count; i++) {
        const struct room_version *version = &room_versions[i];
        uint8_t before[SHA256_BYTES], after[SHA256_BYTES];
        json_t *redacted = json_on_arena(arena, redaction_apply(version, json));
        json_t *again = json_on_arena(arena, redaction_apply(version, redacted));
        MUST(json_equal(redacted, again));
        MUST(event_reference_hash(version, json, before) == OK);
        MUST(event_reference_hash(version, redacted, after) == OK);
        MUST(memcmp(before, after, sizeof(before)) == 0);
    }
    return 0;
}
