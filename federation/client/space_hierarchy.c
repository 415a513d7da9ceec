/* Asking other servers what a room is, and what is below it. */
#include "federation/client/space_hierarchy.h"

#include <string.h>

#include "federation/client/fetch_many.h"
#include "homeserver/base/arena.h"
#include "homeserver/protocol/json.h"

enum { TIMEOUT_MS = 10 * 1000, ANSWER_BYTES_MAX = 2 << 20 };

static bool is_about(const json_t *answer, const char *wanted)
{
    const char *room_id = json_get_string(json_get_object(answer, "room"), "room_id");

    return room_id != NULL && strcmp(room_id, wanted) == 0;
}

enum errcode federation_ask_hierarchies(struct call *call, struct hierarchy_question *questions,
                                        size_t count)
{
    struct federation_question *asked = ARENA_ARRAY(call->arena, count, struct federation_question);

    for (size_t i = 0; i < count; i++) {
        asked[i].request = (struct federation_request){
            .method = "GET",
            .origin = questions[i].origin,
            .destination = questions[i].destination,
            .target = federation_target(call->arena, "/_matrix/federation/v1/hierarchy/%s",
                                        questions[i].room_id),
            .timeout_ms = TIMEOUT_MS,
            .answer_limit_bytes = ANSWER_BYTES_MAX,
        };
    }
    TRY(federation_fetch_many(call, asked, count));
    for (size_t i = 0; i < count; i++) {
        if (asked[i].outcome == OK && is_about(asked[i].answer, questions[i].room_id))
            questions[i].answer = asked[i].answer;
    }
    return OK;
}
