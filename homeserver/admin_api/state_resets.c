/* What the state-reset watchdog noticed (rooms/follow_state.c). */
#include "homeserver/admin_api/admin_api.h"
#include "homeserver/base/arena.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/json.h"
#include "storage/room_jumps.h"

enum { PAGE_DEFAULT = 100, PAGE_MAX = 1000 };

/* GET /_beffroi/admin/v1/state_resets */
enum errcode admin_list_state_resets(struct request *req)
{
    json_t *list = json_on_arena(req->call.arena, json_array());
    struct state_reset *resets;
    int64_t limit;
    size_t count;

    TRY(query_int(req, "limit", PAGE_DEFAULT, 1, PAGE_MAX, &limit));
    TRY(state_resets_list(req->call.db, req->call.arena, limit, &resets, &count));
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{ss,ss,sI,ss}", "room_id", resets[i].room_id,
                                              "event_id", resets[i].event_id, "happened_ts",
                                              (json_int_t)resets[i].happened_ts, "detail",
                                              resets[i].detail));
    return respond(req, 200, json_pack("{sO}", "state_resets", list));
}
