/* Messages of the administrators to a user, at the paths where existing tools look for it. */
#include "homeserver/rooms/server_notices.h"

#include "config/config.h"
#include "homeserver/admin_api/admin_api.h"
#include "homeserver/base/arena.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/services.h"
#include "storage/client_transactions.h"

static enum errcode send_notice(struct request *req, const struct client_transaction *transaction)
{
    struct server_notice notice = {.transaction = transaction};
    const char *event_id;

    TRY(body_string(req, "user_id", &notice.target));
    TRY(body_string_optional(req, "type", &notice.type));
    TRY(body_string_optional(req, "state_key", &notice.state_key));
    TRY(body_object(req, "content", &notice.content));
    if (!user_id_is_valid(notice.target))
        return fail(&req->error, M_INVALID_PARAM, "\"user_id\" is not a user ID.");
    if (!config_hosts_user(config_current(req->call.services->config), notice.target))
        return fail(&req->error, M_UNKNOWN, "Notices can be sent to users of this server only.");
    if (notice.type == NULL)
        notice.type = "m.room.message";
    enum errcode sent = server_notice_send(&req->call, &notice, &event_id);
    if (sent == M_NOT_FOUND)
        return fail(&req->error, M_NOT_FOUND, "There is no such user.");
    TRY(sent);
    return respond(req, 200, json_pack("{ss}", "event_id", event_id));
}

/* POST /_synapse/admin/v1/send_server_notice */
enum errcode admin_send_server_notice(struct request *req)
{
    return send_notice(req, NULL);
}

/* PUT /_synapse/admin/v1/send_server_notice/{txnId} */
enum errcode admin_send_server_notice_once(struct request *req)
{
    const char *txn_id, *event_id;
    struct client_transaction transaction = {
        .user_nid = req->requester.user_nid,
        .device_id = req->requester.device_id != NULL ? req->requester.device_id : "",
    };

    TRY(path_string(req, "txnId", &txn_id));
    transaction.txn_key = arena_printf(req->call.arena, "notice - - %s", txn_id);
    TRY(client_transaction_find(req->call.db, req->call.arena, &transaction, &event_id));
    if (event_id != NULL)
        return respond(req, 200, json_pack("{ss}", "event_id", event_id));
    return send_notice(req, &transaction);
}
