/* The canonical form of a canonical form is itself; what is strict is the same in both rules. */
#include "homeserver/base/arena.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/protocol/canonical_json.h"
#include "homeserver/protocol/json.h"
#include "tests/fuzz/fuzz.h"

static bool spans_equal(const struct strbuf *a, const struct strbuf *b)
{
    return a->length == b->length && memcmp(a->data, b->data, a->length) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    SCOPED(strbuf_finish) struct strbuf strict;
    SCOPED(strbuf_finish) struct strbuf legacy;
    SCOPED(strbuf_finish) struct strbuf again;
    json_t *json;

    strbuf_init(&strict, 0);
    strbuf_init(&legacy, 0);
    strbuf_init(&again, 0);
    if (json_parse(arena, (const char *)data, size, NULL, &json) != OK)
        return 0;
    MUST(canonical_json_write(json, CANONICAL_JSON_LEGACY, &legacy, NULL) == OK);
    if (canonical_json_write(json, CANONICAL_JSON_STRICT, &strict, NULL) == OK)
        MUST(spans_equal(&strict, &legacy));
    MUST(json_parse(arena, legacy.data, legacy.length, NULL, &json) == OK);
    MUST(canonical_json_write(json, CANONICAL_JSON_LEGACY, &again, NULL) == OK);
    MUST(spans_equal(&legacy, &again));
    return 0;
}
