/* Spec: client-server API, "Leaving rooms" (leaving.yaml). */
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/room_membership.h"
#include "homeserver/rooms/room_service.h"
#include "homeserver/rooms/server_notices.h"
#include "homeserver/services.h"
#include "storage/journal.h"
#include "storage/memberships.h"

/* POST /_matrix/client/v3/rooms/{roomId}/leave */
enum errcode client_leave_room(struct request *req)
{
    const char *room_id;

    TRY(path_room_id(req, "roomId", &room_id));
    TRY(server_notice_check_leave(&req->call, room_id, &req->requester));
    const struct room_target target = {.room_id = room_id};
    TRY(change_own_membership(req, &target, "leave"));
    return respond_empty(req);
}

/* POST /_matrix/client/v3/rooms/{roomId}/forget */
enum errcode client_forget_room(struct request *req)
{
    struct call *call = &req->call;
    struct membership_row membership;
    const char *room_id_text;
    struct room *room;

    TRY(path_room_id(req, "roomId", &room_id_text));
    TRY(room_open(call, room_id_text, &room));
    enum errcode found = membership_load(call->db, call->arena, room_nid(room),
                                         req->requester.user_nid, &membership);
    if (found == M_NOT_FOUND)
        return fail(&req->error, M_UNKNOWN, "You were never in this room.");
    TRY(found);
    if (membership.membership != STORED_LEAVE && membership.membership != STORED_BAN)
        return fail(&req->error, M_UNKNOWN, "Leave the room before you forget it.");

    struct journal_entry *entry = journal_entry_create();
    membership_forget_in(entry, room_nid(room), req->requester.user_nid);
    journal_entry_wake_user(entry, req->requester.user_nid);
    journal_submit(call->services->journal, entry, call->commits);
    return respond_empty(req);
}
