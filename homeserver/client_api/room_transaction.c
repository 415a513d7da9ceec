/* Spec: client-server API, "Transaction identifiers". */
#include "homeserver/client_api/room_transaction.h"

#include "homeserver/base/arena.h"

struct client_transaction room_transaction(struct request *req, const char *endpoint,
                                           const char *room_id, const char *detail,
                                           const char *txn_id)
{
    const char *device_id = req->requester.device_id;

    return (struct client_transaction){
        .user_nid = req->requester.user_nid,
        .device_id = device_id != NULL ? device_id : "",
        .txn_key = arena_printf(req->call.arena, "%s %s %s %s", endpoint, room_id, detail, txn_id),
    };
}
