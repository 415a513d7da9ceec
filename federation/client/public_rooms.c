/* Asking other servers for their published rooms. */
#include "federation/client/public_rooms.h"

#include "federation/client/signed_request.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"

enum { TIMEOUT_MS = 10 * 1000, ANSWER_BYTES_MAX = 2 << 20 };

enum errcode federation_ask_public_rooms(struct call *call,
                                         const struct public_rooms_question *question, json_t **out)
{
    static const char *const kept[] = {"next_batch", "prev_batch", "total_room_count_estimate"};
    const struct federation_request request = {
        .method = "POST",
        .origin = question->origin,
        .destination = question->destination,
        .target = "/_matrix/federation/v1/publicRooms",
        .content = question->query,
        .timeout_ms = TIMEOUT_MS,
        .answer_limit_bytes = ANSWER_BYTES_MAX,
    };
    json_t *answer, *room, *chunk = json_array();
    size_t i;

    *out = json_on_arena(call->arena, json_pack("{so}", "chunk", chunk));
    TRY(federation_fetch(call, &request, &answer));
    json_array_foreach (json_get_array(answer, "chunk"), i, room) {
        if (room_id_is_valid(json_get_string(room, "room_id")))
            json_array_append(chunk, room);
    }
    for (i = 0; i < COUNT_OF(kept); i++) {
        if (json_object_get(answer, kept[i]) != NULL)
            json_object_set(*out, kept[i], json_object_get(answer, kept[i]));
    }
    return OK;
}
