/* Asking other servers what a room is. */
#include "federation/client/space_hierarchy.h"

#include <string.h>

#include "federation/client/signed_request.h"
#include "homeserver/protocol/json.h"

enum { TIMEOUT_MS = 10 * 1000 };

enum errcode federation_ask_room(struct call *call, const struct hierarchy_question *question,
                                 json_t **out)
{
    const struct federation_request request = {
        .method = "GET",
        .origin = question->origin,
        .destination = question->destination,
        .target = federation_target(call->arena, "/_matrix/federation/v1/hierarchy/%s",
                                    question->room_id),
        .timeout_ms = TIMEOUT_MS,
    };
    json_t *answer;

    TRY(federation_fetch(call, &request, &answer));
    *out = json_get_object(answer, "room");
    const char *room_id = json_get_string(*out, "room_id");
    if (room_id == NULL || strcmp(room_id, question->room_id) != 0)
        return fail(call->error, E_REMOTE, "%s answered with another room", question->destination);
    return OK;
}
