/* Who has to sign a room's events, and getting it signed. */
#include "homeserver/rooms/room_policy.h"

#include <string.h>

#include "federation/client/policy_server.h"
#include "homeserver/base/arena.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/event_signature.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/server_name.h"
#include "homeserver/rooms/room_state.h"
#include "homeserver/services.h"
#include "storage/memberships.h"

static enum errcode find_policy(struct call *call, struct room *room, const struct room_head *head,
                                const struct event **out)
{
    static const struct state_key key = {"m.room.policy", ""};
    int64_t key_nid;

    /* Interned, not looked up: that it is in no room would not be remembered, and this is asked for
     * every event. */
    *out = NULL;
    TRY(state_key_intern(room_service_state_keys(call->services->rooms), call->db, key.type,
                         key.state_key, &key_nid));
    if (state_map_get(head->state, key_nid) == 0)
        return OK;
    return room_head_event(call, room, head, &key, out);
}

enum errcode room_policy_needs(struct call *call, struct room *room, const struct room_head *head,
                               const struct event *event, struct policy_server *out,
                               bool *needed_out)
{
    const struct event *policy;
    struct server_member *members;
    size_t count;

    *needed_out = false;
    TRY(find_policy(call, room, head, &policy));
    if (!policy_server_of(policy, out) || !server_name_is_valid(out->server_name) ||
        !policy_server_must_sign(event) || policy_server_has_signed(out, event))
        return OK;
    /* Spec: without a user in the room it has not agreed to be asked. */
    TRY(memberships_of_server(call->db, call->arena, room_nid(room), out->server_name, &members,
                              &count));
    *needed_out = count > 0 && members[0].membership == STORED_JOIN;
    return OK;
}

enum errcode room_policy_ask(struct call *call, const struct policy_server *policy_server,
                             const char *origin, const struct event *event, json_t **signed_out)
{
    const struct policy_question question = {origin, policy_server->server_name, event->json};
    const json_t *theirs;
    json_t *copy = json_on_arena(call->arena, json_deep_copy(event->json));
    json_t *signatures = json_get_object(copy, "signatures"), *own;

    TRY(federation_ask_policy_server(call, &question, &theirs));
    const char *signature = json_get_string(theirs, POLICY_SERVER_KEY_ID);
    if (signatures == NULL || signature == NULL)
        return fail(call->error, M_FORBIDDEN, "%s did not sign the event.",
                    policy_server->server_name);
    /* The server may be the one that made the event: what it signed before stays. */
    own = json_get_object(signatures, policy_server->server_name);
    if (own == NULL) {
        own = json_object();
        json_object_set_new(signatures, policy_server->server_name, own);
    }
    json_object_set_new(own, POLICY_SERVER_KEY_ID, json_string(signature));
    if (!policy_server->key_is_usable ||
        !event_is_signed_with(event->version, copy, policy_server->server_name,
                              POLICY_SERVER_KEY_ID, &policy_server->key))
        return fail(call->error, M_FORBIDDEN,
                    "%s did not sign the event with the key that the room has for it.",
                    policy_server->server_name);
    *signed_out = copy;
    return OK;
}
