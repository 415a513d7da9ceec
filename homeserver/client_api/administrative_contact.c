/*
 * The addresses of an account.
 * Spec: client-server API, "Adding Account Administrative Contact Information"
 * (administrative_contact.yaml).
 */
#include "homeserver/client_api/client_api.h"
#include "homeserver/http/request.h"
#include "storage/threepids.h"

/* GET /_matrix/client/v3/account/3pid */
enum errcode client_get_account3_pids(struct request *req)
{
    const struct threepid *threepids;
    json_t *list;
    size_t count;

    TRY(threepids_load(req->call.db, req->call.arena, req->requester.user_nid, &threepids, &count));
    list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:I}", "medium", threepids[i].medium,
                                              "address", threepids[i].address, "validated_at",
                                              (json_int_t)threepids[i].validated_ts, "added_at",
                                              (json_int_t)threepids[i].added_ts));
    return respond(req, 200, json_pack("{s:o}", "threepids", list));
}

/* POST /_matrix/client/v3/account/3pid/delete */
enum errcode client_delete3pid_from_account(struct request *req)
{
    const char *medium, *address;
    enum errcode code;

    TRY(body_string(req, "medium", &medium));
    TRY(body_string(req, "address", &address));
    code = threepid_delete(req->call.db, req->requester.user_nid, medium, address);
    if (code == M_NOT_FOUND)
        return fail(&req->error, M_THREEPID_NOT_FOUND, "Your account does not have this address.");
    TRY(code);
    /* This server binds no addresses on identity servers, so it can not take them off either. */
    return respond(req, 200, json_pack("{s:s}", "id_server_unbind_result", "no-support"));
}
