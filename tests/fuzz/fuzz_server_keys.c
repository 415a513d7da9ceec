/* No key document is believed for longer than a week; lookups agree with the list. */
#include "homeserver/base/arena.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/server_keys.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    const struct server_keys_source source = {"a", 1000};
    const struct server_keys *keys;
    struct error error = {0};
    json_t *json;

    if (json_parse(arena, (const char *)data, size, NULL, &json) != OK)
        return 0;
    if (server_keys_parse(arena, json, &source, &error, &keys) != OK) {
        MUST(error.text[0] != '\0');
        return 0;
    }
    MUST(keys->count > 0 && keys->valid_until_ts <= 1000 + SERVER_KEYS_VALIDITY_MAX_MS);
    for (size_t i = 0; i < keys->count; i++)
        MUST(server_keys_find(keys, keys->keys[i].key_id) == &keys->keys[i]);
    return 0;
}
