/* Spec: client-server API, "Rooms" (list_joined_rooms.yaml). */
#include "homeserver/base/arena.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/http/request.h"
#include "storage/memberships.h"
#include "storage/rooms.h"

/* GET /_matrix/client/v3/joined_rooms */
enum errcode client_get_joined_rooms(struct request *req)
{
    struct call *call = &req->call;
    struct membership_row *rows;
    json_t *list;
    const char **room_ids;
    int64_t *nids;
    size_t count, joined = 0;

    TRY(memberships_of_user(call->db, call->arena, req->requester.user_nid, false, &rows, &count));
    nids = ARENA_ARRAY(call->arena, count, int64_t);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].membership == STORED_JOIN)
            nids[joined++] = rows[i].room_nid;
    }
    TRY(room_ids_load(call->db, call->arena, nids, joined, &room_ids));
    list = json_array();
    for (size_t i = 0; i < joined; i++) {
        if (room_ids[i] != NULL)
            json_array_append_new(list, json_string(room_ids[i]));
    }
    return respond(req, 200, json_pack("{so}", "joined_rooms", list));
}
