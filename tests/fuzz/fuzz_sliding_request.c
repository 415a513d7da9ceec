/*
 * The body of a sliding sync request over some rooms: a window holds rooms once and within the
 * lists' counts, and what is remembered of it comes back as it was.
 */
#include "homeserver/base/arena.h"
#include "homeserver/base/compiler.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/sliding_memory.h"
#include "tests/fuzz/fuzz.h"

static const char *const tags[] = {"m.favourite"};
static const char *const spaces[] = {"!space:one"};

static const struct sliding_room some_rooms[] = {
    {.room_nid = 3,
     .room_id = "!a:one",
     .activity = 9,
     .membership = SLIDING_JOINED,
     .is_listed = true,
     .is_dm = true,
     .tags = tags,
     .tag_count = 1},
    {.room_nid = 1,
     .room_id = "!b:one",
     .activity = 4,
     .membership = SLIDING_INVITED,
     .is_listed = true,
     .is_encrypted = true,
     .room_type = "m.space"},
    {.room_nid = 2,
     .room_id = "!c:one",
     .activity = 7,
     .membership = SLIDING_JOINED,
     .is_listed = true,
     .spaces = spaces,
     .space_count = 1},
    {.room_nid = 5, .room_id = "!d:one", .activity = 1, .membership = SLIDING_LEFT},
};

static void check_match(struct arena *arena, const struct sliding_request *request,
                        const struct sliding_match *match, struct sliding_known *out)
{
    const struct state_pattern keys[] = {
        {"m.room.create", ""}, {"m.room.member", "@me:one"}, {"m.room.member", "@you:one"}};
    const struct required_state *const *again;
    size_t count;

    MUST(match->timeline_limit >= 0 && match->timeline_limit <= SLIDING_TIMELINE_LIMIT_MAX);
    MUST(match->list_count <= request->list_count);
    (void)sliding_extension_covers(&request->extensions.typing, request, match);
    *out = (struct sliding_known){
        .room_nid = match->room->room_nid,
        .timeline_limit = match->timeline_limit,
        .wanted = sliding_wanted_format(arena, match),
        .membership = match->room->membership,
    };
    sliding_wanted_parse(arena, out->wanted, &again, &count);
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        MUST(sliding_wanted_selects(again, count, &keys[i], "@me:one") ==
             sliding_wanted_selects(match->wanted, match->wanted_count, &keys[i], "@me:one"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SCOPED(arena_release) struct arena *arena = arena_create();
    struct sliding_known known[COUNT_OF(some_rooms)];
    struct sliding_memory memory = {.rooms = known, .extensions = 5}, again;
    struct sliding_room rooms[COUNT_OF(some_rooms)];
    struct sliding_request request;
    struct sliding_window window;
    json_t *body;

    if (sliding_memory_parse(arena, (const char *)data, size, &again))
        MUST(again.count <= size);
    if (json_parse_object(arena, (const char *)data, size, NULL, &body) != OK ||
        sliding_request_parse(arena, body, NULL, &request) != OK)
        return 0;
    memcpy(rooms, some_rooms, sizeof(rooms));
    sliding_window_compute(arena, &request, rooms, COUNT_OF(rooms), &window);
    MUST(window.match_count <= COUNT_OF(rooms));
    for (size_t i = 0; i < request.list_count; i++)
        MUST(window.counts[i] >= 0 && window.counts[i] <= (int64_t)COUNT_OF(rooms));
    for (size_t i = 0; i < window.match_count; i++)
        check_match(arena, &request, &window.matches[i], &known[memory.count++]);

    sliding_memory_tidy(&memory);
    const char *bytes = sliding_memory_format(arena, &memory);
    MUST(sliding_memory_parse(arena, bytes, strlen(bytes), &again));
    MUST(sliding_memory_equal(&memory, &again));
    return 0;
}
