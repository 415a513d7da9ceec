/* A JSON list of PDUs: whatever it holds, the room can be read, and events do not multiply. */
#include "homeserver/base/arena.h"
#include "homeserver/base/compiler.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/room_check.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct room_check_report report;
    struct error error = {0};
    json_t *list;

    if (json_parse(arena, (const char *)data, size, NULL, &list) != OK || !json_is_array(list))
        return 0;
    size_t count = json_array_size(list);
    json_t **pdus = ARENA_ARRAY(arena, count, json_t *);
    for (size_t i = 0; i < count; i++)
        pdus[i] = json_array_get(list, i);
    if (room_check(arena, pdus, count, NULL, &error, &report) != OK) {
        MUST(error.text[0] != '\0');
        return 0;
    }
    MUST(report.event_count <= count && report.rejected_count <= report.event_count);
    MUST(report.state.count <= report.event_count - report.rejected_count);
    return 0;
}
