/* Inviting people by their address. */
#include "federation/membership/third_party_invite.h"

#include <string.h>

#include "config/config.h"
#include "federation/client/signed_request.h"
#include "federation/membership/remote_invite.h"
#include "federation/membership/remote_membership.h"
#include "homeserver/protocol/event_signature.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/membership.h"
#include "homeserver/rooms/room_state.h"
#include "homeserver/rooms/send_event.h"
#include "homeserver/services.h"
#include "storage/profiles.h"
#include "storage/room_summaries.h"
#include "storage/users.h"

/* Before a stranger gets a mail: may the requester invite at all? The event is judged again. */
static enum errcode check_may_invite(struct call *call, const struct invite_by_address *invite,
                                     struct room **room_out)
{
    const char *membership, *user_id = invite->requester->user_id;
    struct room_head *head;

    TRY(room_open(call, invite->room_id, room_out));
    TRY(room_committed_head(call, *room_out, &head));
    TRY(room_head_membership(call, *room_out, head, user_id, &membership));
    if (membership == NULL || strcmp(membership, "join") != 0)
        return fail(call->error, M_FORBIDDEN, "You are not in this room.");
    const struct power_levels levels = room_head_power_levels(*room_out, head);
    if (power_levels_user(&levels, user_id) < power_levels_action(&levels, POWER_INVITE))
        return fail(call->error, M_FORBIDDEN, "You may not invite people to this room.");
    return OK;
}

/* What the mail may say of the room and of who invites. Spec: v2_store_invite.yaml. */
static enum errcode describe_invite(struct call *call, const struct invite_by_address *invite,
                                    int64_t room_nid, json_t **out)
{
    const struct requester *requester = invite->requester;
    struct room_summary *summary;
    struct profile_summary profile;
    size_t count;

    TRY(room_summaries_load(call->db, call->arena, (struct nid_list){&room_nid, 1}, &summary,
                            &count));
    if (count == 0)
        return M_NOT_FOUND;
    TRY(profile_load_summary(call->db, call->arena, requester->user_nid, &profile));
    *out = json_on_arena(call->arena,
                         json_pack("{s:s, s:s, s:s, s:s, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*}",
                                   "medium", invite->address.medium, "address",
                                   invite->address.text, "room_id", invite->room_id, "sender",
                                   requester->user_id, "room_alias", summary->canonical_alias,
                                   "room_avatar_url", summary->avatar_url, "room_join_rules",
                                   summary->join_rule, "room_name", summary->name, "room_type",
                                   summary->room_type, "sender_display_name", profile.display_name,
                                   "sender_avatar_url", profile.avatar_url));
    return OK;
}

/* The promise. `stored`: the identity server's answer, see identity_server_store_invite(). */
static enum errcode send_promise(struct call *call, const struct invite_by_address *invite,
                                 const json_t *stored)
{
    json_t *keys = json_get_array(stored, "public_keys");
    const json_t *key = json_array_get(keys, 0);
    const struct event_draft draft = {
        .type = "m.room.third_party_invite",
        .sender = invite->requester->user_id,
        .sender_nid = invite->requester->user_nid,
        .state_key = json_get_string(stored, "token"),
        .content = json_on_arena(
            call->arena, json_pack("{s:s, s:s, s:s, s:O}", "display_name",
                                   json_get_string(stored, "display_name"), "key_validity_url",
                                   json_get_string(key, "key_validity_url"), "public_key",
                                   json_get_string(key, "public_key"), "public_keys", keys)),
    };
    const char *event_id;

    return room_send_event(call, invite->room_id, &draft, &event_id);
}

enum errcode third_party_invite_send(struct call *call, const struct invite_by_address *invite,
                                     const char **user_id_out)
{
    json_t *description, *stored;
    struct room *room;

    TRY(identity_server_check(call, invite->server.name));
    TRY(check_may_invite(call, invite, &room));
    TRY(identity_server_lookup(call, &invite->server, &invite->address, user_id_out));
    if (*user_id_out != NULL)
        return OK;
    TRY(describe_invite(call, invite, room_nid(room), &description));
    TRY(identity_server_store_invite(call, &invite->server, description, &stored));
    return send_promise(call, invite, stored);
}

enum errcode third_party_proof_read(struct call *call, const json_t *signed_object,
                                    const char *sender, struct third_party_proof *out)
{
    *out = (struct third_party_proof){
        .sender = sender,
        .signatures = json_get_object(signed_object, "signatures"),
    };
    if (sender == NULL)
        TRY(json_require_string(signed_object, "sender", call->error, &out->sender));
    TRY(json_require_string(signed_object, "mxid", call->error, &out->mxid));
    TRY(json_require_string(signed_object, "token", call->error, &out->token));
    if (out->signatures == NULL)
        return fail(call->error, M_BAD_JSON, "The proof needs signatures.");
    if (!user_id_is_valid(out->sender) || !user_id_is_valid(out->mxid))
        return fail(call->error, M_BAD_JSON, "The proof names no users.");
    return OK;
}

/* The promise that the proof is about; NULL when its user is invited or in the room already: the
 * auth rules would let an invite throw out a member. */
static enum errcode find_promise(struct call *call, const char *room_id,
                                 const struct third_party_proof *proof, const struct event **out)
{
    const struct state_key key = {"m.room.third_party_invite", proof->token};
    const char *membership;
    struct room_head *head;
    struct room *room;

    TRY(room_open(call, room_id, &room));
    TRY(room_committed_head(call, room, &head));
    TRY(room_head_membership(call, room, head, proof->mxid, &membership));
    TRY(room_head_event(call, room, head, &key, out));
    if (*out == NULL)
        return fail(call->error, M_FORBIDDEN, "There is no such invite to an address in the room.");
    if (membership != NULL &&
        (strcmp(membership, "join") == 0 || strcmp(membership, "invite") == 0))
        *out = NULL;
    return OK;
}

/* The member event's `third_party_invite`. */
static json_t *third_party_content(struct call *call, const struct third_party_proof *proof,
                                   const char *display_name)
{
    return json_on_arena(call->arena,
                         json_pack("{s:{s:s*, s:{s:s, s:s, s:O}}}", "third_party_invite",
                                   "display_name", display_name, "signed", "mxid", proof->mxid,
                                   "token", proof->token, "signatures", proof->signatures));
}

/* The auth rules take our own events for signed, so that is looked at here. Spec: the server that
 * is in the room MUST ask whether the key still counts. */
static enum errcode check_proof(struct call *call, const struct event *promise,
                                const json_t *content)
{
    const json_t *proof = json_get_object(json_get_object(content, "third_party_invite"), "signed");
    const json_t *key = third_party_invite_signing_key(proof, promise->content);

    if (key == NULL)
        return fail(call->error, M_FORBIDDEN, "The proof is not signed by the identity server.");
    const char *url = json_get_string(key, "key_validity_url");
    return url != NULL ? identity_key_check(call, url, json_get_string(key, "public_key")) : OK;
}

enum errcode third_party_invite_accept(struct call *call, const char *room_id,
                                       const struct third_party_proof *proof)
{
    const struct config *config = config_current(call->services->config);
    struct requester sender = {
        .user_id = proof->sender,
        .server_name = identifier_domain(proof->sender),
    };
    struct membership_change change = {
        .requester = &sender,
        .target = proof->mxid,
        .membership = "invite",
    };
    const struct event *promise;
    const char *name = proof->display_name, *event_id;

    if (!config_hosts_user(config, proof->sender))
        return fail(call->error, M_FORBIDDEN, "%s is not of this server.", proof->sender);
    TRY(find_promise(call, room_id, proof, &promise));
    if (promise == NULL)
        return OK;
    TRY(user_nid_intern(call->db, call->arena, proof->sender, &sender.user_nid));
    if (name == NULL)
        name = json_get_string(promise->content, "display_name");
    change.content = third_party_content(call, proof, name);
    TRY(check_proof(call, promise, change.content));
    if (!config_hosts_user(config, proof->mxid))
        return remote_invite(call, room_id, &change);
    return membership_change(call, room_id, &change, &event_id);
}

enum errcode third_party_invite_redeem(struct call *call, const char *room_id,
                                       const struct third_party_proof *proof)
{
    json_t *content = third_party_content(call, proof, proof->display_name), *answer;

    if (config_hosts_user(config_current(call->services->config), proof->sender))
        return third_party_invite_accept(call, room_id, proof);
    json_object_set_new(content, "membership", json_string("invite"));
    const struct federation_request request = {
        .method = "PUT",
        .origin = identifier_domain(proof->mxid),
        .destination = identifier_domain(proof->sender),
        .target = federation_target(
            call->arena, "/_matrix/federation/v1/exchange_third_party_invite/%s", room_id),
        .content = json_on_arena(call->arena,
                                 json_pack("{s:s, s:s, s:s, s:s, s:O}", "type", "m.room.member",
                                           "room_id", room_id, "sender", proof->sender, "state_key",
                                           proof->mxid, "content", content)),
        .although_failing = true,
    };
    return federation_fetch(call, &request, &answer);
}
