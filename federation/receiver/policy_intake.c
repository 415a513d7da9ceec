/* Received events and the room's policy server. */
#include "federation/receiver/policy_intake.h"

#include "federation/receiver/pdu_intake.h"
#include "federation/receiver/remote_room.h"
#include "homeserver/base/arena.h"
#include "homeserver/protocol/event.h"
#include "homeserver/rooms/room_policy.h"

static enum errcode ask(struct call *call, struct room *room,
                        const struct policy_server *policy_server, const struct pdu_signed **pdu)
{
    const struct pdu_batch batch = {.version = room_version_of(room), .room_id = room_id(room)};
    const char *own_domain;
    json_t *signed_event;

    TRY(remote_room_own_domain(call, room, &own_domain));
    TRY(room_policy_ask(call, policy_server, own_domain, pdu_signed_event(*pdu), &signed_event));
    return pdu_verify_one(call, &batch, signed_event, pdu);
}

enum errcode policy_check_received(struct call *call, struct room *room,
                                   const struct pdu_signed **pdu, const char **refusal_out)
{
    struct policy_server policy_server;
    struct error why = {0};
    struct call own = *call;
    struct room_head *head;
    bool is_needed;

    *refusal_out = NULL;
    TRY(room_committed_head(call, room, &head));
    TRY(room_policy_needs(call, room, head, pdu_signed_event(*pdu), &policy_server, &is_needed));
    if (!is_needed)
        return OK;
    if (call->must_not_wait)
        return E_OUTWARD;
    own.error = &why;
    enum errcode asked = ask(&own, room, &policy_server, pdu);
    if (asked == OK)
        return OK;
    if (errcode_is_internal(asked) && asked != E_REMOTE && asked != E_TIMEOUT)
        return asked;
    const char *text = why.text[0] != '\0' ? why.text : errcode_default_text(asked);
    if (asked == E_REMOTE || asked == E_TIMEOUT || asked == M_LIMIT_EXCEEDED)
        return fail(call->error, E_UNAVAILABLE, "the room's policy server %s can not be asked: %s",
                    policy_server.server_name, text);
    *refusal_out = arena_printf(call->arena, "the policy server does not recommend it: %s", text);
    return OK;
}
