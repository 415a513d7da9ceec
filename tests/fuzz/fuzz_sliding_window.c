/* A sliding sync request: what parses gives windows within its bounds, and what is remembered of it
 * comes back as it was. */
#include "homeserver/base/arena.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/sliding_memory.h"
#include "homeserver/protocol/sliding_window.h"
#include "tests/fuzz/fuzz.h"

enum { ROOMS = 5 };

static void make_rooms(struct sliding_room *rooms)
{
    static const char *const ids[ROOMS] = {"!a:x", "!b:x", "!c:x", "!d:x", "!e:x"};
    static const char *const texts[] = {"m.favourite", "m.space"};

    for (size_t i = 0; i < ROOMS; i++)
        rooms[i] = (struct sliding_room){
            .room_nid = (int64_t)i + 1,
            .room_id = ids[i],
            .activity = (int64_t)(i * 7 % ROOMS),
            .membership = (enum sliding_membership)(SLIDING_JOINED + i),
            .is_listed = i != 3,
            .is_dm = i % 2 == 0,
            .is_encrypted = i > 1,
            .room_type = i == 1 ? texts[1] : NULL,
            .tags = texts,
            .tag_count = i == 2,
        };
}

static void check_memory(struct arena *arena, const struct sliding_window *window)
{
    struct sliding_known known[ROOMS];
    struct sliding_memory memory = {known, window->match_count, 1}, read;

    for (size_t i = 0; i < window->match_count; i++) {
        const struct sliding_match *match = &window->matches[i];
        known[i] = (struct sliding_known){
            .room_nid = match->room->room_nid,
            .timeline_limit = match->timeline_limit,
            .wanted = sliding_wanted_format(arena, match),
            .membership = match->room->membership,
        };
        const struct required_state *const *wanted = NULL;
        size_t count;
        sliding_wanted_parse(arena, known[i].wanted, &wanted, &count);
        MUST(count > 0 && count <= match->wanted_count);
    }
    sliding_memory_tidy(&memory);
    const char *text = sliding_memory_format(arena, &memory);
    MUST(sliding_memory_parse(arena, text, strlen(text), &read));
    MUST(sliding_memory_equal(&memory, &read));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct sliding_room rooms[ROOMS];
    struct sliding_request request;
    struct sliding_window window;
    struct sliding_memory memory;
    struct error error;
    json_t *body;

    error_clear(&error);
    if (sliding_memory_parse(arena, (const char *)data, size, &memory))
        MUST(memory.count == 0 || memory.rooms[0].wanted != NULL);
    if (json_parse_object(arena, (const char *)data, size, NULL, &body) != OK)
        return 0;
    if (sliding_request_parse(arena, body, &error, &request) != OK) {
        MUST(error.text[0] != '\0');
        return 0;
    }
    make_rooms(rooms);
    sliding_window_compute(arena, &request, rooms, ROOMS, &window);
    MUST(window.match_count <= ROOMS);
    for (size_t i = 0; i < request.list_count; i++)
        MUST(window.counts[i] >= 0 && window.counts[i] <= ROOMS);
    for (size_t i = 0; i < window.match_count; i++) {
        MUST(window.matches[i].wanted_count <= request.list_count + 1);
        MUST(window.matches[i].timeline_limit <= SLIDING_TIMELINE_LIMIT_MAX);
    }
    check_memory(arena, &window);
    return 0;
}
