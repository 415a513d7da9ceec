/* Spec: server-server API, "Third-party invites" (third_party_invite.yaml). */
#include "federation/membership/third_party_invite.h"

#include <string.h>

#include "config/config.h"
#include "federation/api/federation_api.h"
#include "federation/receiver/room_access.h"
#include "homeserver/base/log.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/services.h"
#include "storage/accounts.h"
#include "storage/journal.h"

enum { INVITES_MAX = 100 };

/* One of the invites that waited for the address. Those that do not hold are passed over: they say
 * nothing about the others. */
static enum errcode redeem(struct request *req, struct identity_keys *keys, const json_t *invite,
                           const char *mxid)
{
    const char *room_id = json_get_string(invite, "room_id");
    const char *sender = json_get_string(invite, "sender");
    const json_t *signed_object = json_get_object(invite, "signed");
    struct third_party_proof proof;

    if (!room_id_is_valid(room_id) || sender == NULL)
        return fail(&req->error, M_BAD_JSON, "An invite needs room_id and sender.");
    TRY(third_party_proof_read(&req->call, signed_object, sender, &proof));
    if (strcmp(proof.mxid, mxid) != 0)
        return fail(&req->error, M_FORBIDDEN, "The invite is signed for %.200s.", proof.mxid);
    /* Anybody may send this: nobody is called for what no identity server of ours has signed. */
    TRY(identity_signature_check(&req->call, keys, signed_object));
    TRY(third_party_invite_redeem(&req->call, room_id, &proof));
    return commit_group_wait(req->call.commits);
}

/* PUT /_matrix/federation/v1/3pid/onbind; POST from Sydent, which also tells of addresses that no
 * invite waited for, without `invites`. */
enum errcode federation_on_bind_third_party_identifier(struct request *req)
{
    const json_t *body = request_body(req);
    const struct account *account;
    const char *mxid;
    json_t *invites, *invite;
    size_t i;

    TRY(json_require_string(body, "mxid", &req->error, &mxid));
    invites = json_object_get(body, "invites");
    if (invites != NULL)
        TRY(json_require_array(body, "invites", &req->error, &invites));
    if (!user_id_is_valid(mxid) ||
        !config_hosts_user(config_current(req->call.services->config), mxid))
        return fail(&req->error, M_FORBIDDEN, "The user is not one of this server.");
    enum errcode found = account_load(req->call.db, req->call.arena, mxid, &account);
    if (found == M_NOT_FOUND)
        return fail(&req->error, M_NOT_FOUND, "There is no user %.255s.", mxid);
    TRY(found);
    if (json_array_size(invites) > INVITES_MAX)
        return fail(&req->error, M_TOO_LARGE, "At most %d invites at once.", INVITES_MAX);
    struct identity_keys *keys = identity_keys_create(req->call.arena);
    json_array_foreach (invites, i, invite) {
        enum errcode outcome = redeem(req, keys, invite, mxid);
        if (errcode_is_internal(outcome) && outcome != E_REMOTE && outcome != E_TIMEOUT)
            return outcome;
        if (outcome != OK)
            log_info(LOG_FEDERATION, "an invite to an address of %s came to nothing: %s", mxid,
                     req->error.text);
        error_clear(&req->error);
    }
    return respond(req, 200, json_object());
}

/* The member event that the other server would have us make. */
static enum errcode read_exchange(struct request *req, const char *room_id,
                                  struct third_party_proof *out)
{
    const json_t *body = request_body(req), *content, *claim, *signed_object;
    const char *type, *body_room_id, *sender, *state_key, *membership;

    TRY(json_require_string(body, "type", &req->error, &type));
    TRY(json_require_string(body, "room_id", &req->error, &body_room_id));
    TRY(json_require_string(body, "sender", &req->error, &sender));
    TRY(json_require_string(body, "state_key", &req->error, &state_key));
    content = json_get_object(body, "content");
    claim = json_get_object(content, "third_party_invite");
    signed_object = json_get_object(claim, "signed");
    TRY(json_require_string(content, "membership", &req->error, &membership));
    TRY(third_party_proof_read(&req->call, signed_object, sender, out));
    out->display_name = json_get_string(claim, "display_name");
    if (strcmp(type, "m.room.member") != 0 || strcmp(membership, "invite") != 0)
        return fail(&req->error, M_BAD_JSON, "This is no invite.");
    if (strcmp(body_room_id, room_id) != 0 || strcmp(state_key, out->mxid) != 0)
        return fail(&req->error, M_FORBIDDEN, "The invite is for another room or user.");
    if (strcmp(identifier_domain(out->mxid), req->requester.server_name) != 0)
        return fail(&req->error, M_FORBIDDEN, "The invited user is not one of your server.");
    return OK;
}

/* PUT /_matrix/federation/v1/exchange_third_party_invite/{roomId} */
enum errcode federation_exchange_third_party_invite(struct request *req)
{
    struct third_party_proof proof;
    struct server_view view;
    const char *room_id;

    TRY(path_room_id(req, "roomId", &room_id));
    TRY(server_view_open(&req->call, room_id, req->requester.server_name, &view));
    TRY(read_exchange(req, room_id, &proof));
    TRY(third_party_invite_accept(&req->call, room_id, &proof));
    return respond(req, 200, json_object());
}
