/* Parts lie one behind the other in the text; of a text that is JSON they are what the parser
 * finds.
 */
#include "homeserver/base/arena.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/json_scan.h"
#include "tests/fuzz/fuzz.h"

static json_t *parse(struct arena *arena, const char *bytes, size_t size)
{
    json_t *json;

    return json_parse(arena, bytes, size, NULL, &json) == OK ? json : NULL;
}

/* The value of this part in the whole. */
static const json_t *find(struct arena *arena, const json_t *whole, const struct json_member *part,
                          size_t index)
{
    if (json_is_array(whole))
        return json_array_get(whole, index);
    const json_t *name = parse(arena, part->name.bytes - 1, part->name.size + 2);
    MUST(json_is_string(name));
    return json_object_getn(whole, json_string_value(name), json_string_length(name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct json_span text = {(const char *)data, size};
    const char *behind = text.bytes;
    const json_t *whole = parse(arena, text.bytes, size);
    struct json_parts parts;
    struct json_member part;
    size_t count = 0;

    json_parts_start(&parts, text);
    while (json_parts_next(&parts, &part)) {
        MUST(part.value.size > 0 && part.value.bytes >= behind);
        behind = part.value.bytes + part.value.size;
        MUST(behind <= text.bytes + size);
        if (whole != NULL) {
            const json_t *value = parse(arena, part.value.bytes, part.value.size);
            MUST(value != NULL && json_equal(value, find(arena, whole, &part, count)));
        }
        count++;
    }
    MUST(!json_parts_next(&parts, &part));
    if (json_is_array(whole) || json_is_object(whole))
        MUST(!parts.failed &&
             count == (json_is_array(whole) ? json_array_size(whole) : json_object_size(whole)));
    else if (whole != NULL)
        MUST(parts.failed && count == 0);
    return 0;
}
