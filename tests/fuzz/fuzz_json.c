/* Whatever parses is within the limits and comes out of the legacy writer as the same value. */
#include "homeserver/base/arena.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/protocol/canonical_json.h"
#include "homeserver/protocol/json.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    SCOPED(strbuf_finish) struct strbuf bytes;
    struct error error;
    json_t *json, *again;

    strbuf_init(&bytes, 0);
    error_clear(&error);
    if (json_parse(arena, (const char *)data, size, &error, &json) != OK) {
        MUST(error.text[0] != '\0');
        return 0;
    }
    MUST(canonical_json_write(json, CANONICAL_JSON_LEGACY, &bytes, NULL) == OK);
    MUST(json_parse(arena, bytes.data, bytes.length, NULL, &again) == OK);
    MUST(json_equal(json, again));
    return 0;
}
