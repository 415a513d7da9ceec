/* Inviting users of other servers. */
#include "federation/membership/remote_invite.h"

#include "federation/client/invites.h"
#include "federation/receiver/pdu_intake.h"
#include "federation/receiver/policy_intake.h"
#include "homeserver/base/arena.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/event_builder.h"
#include "homeserver/rooms/receive_event.h"
#include "homeserver/rooms/send_event.h"
#include "homeserver/rooms/stripped_state.h"

struct prepared_invite {
    const struct room_version *version;
    const char *event_id;
    json_t *event;
};

/* Builds the event on the room as it is now, without putting it there: no lock is held while the
 * other server thinks. */
static enum errcode prepare(struct call *call, const char *room_id,
                            const struct membership_change *change, struct prepared_invite *out)
{
    SCOPED(room_build_end) struct room_build build = {0};
    struct event_draft draft;
    struct built_event built;
    struct room *room;

    TRY(room_open(call, room_id, &room));
    TRY(room_build_begin(call, room, &build));
    TRY(membership_draft(call, &build, change, &draft));
    TRY(room_prepare_event(call, &build, &draft, &built));
    out->version = room_version_of(room);
    out->event_id = arena_strdup(call->arena, built.event->event_id);
    enum errcode parsed =
        json_parse_object(call->arena, built.json, built.json_size, call->error, &out->event);
    arena_destroy(built.arena);
    return parsed;
}

static enum errcode ask_server(struct call *call, const char *room_id,
                               const struct membership_change *change,
                               const struct prepared_invite *prepared, json_t **signed_out)
{
    struct outgoing_invite invite = {
        .origin = identifier_domain(change->requester->user_id),
        .destination = identifier_domain(change->target),
        .room_id = room_id,
        .event_id = prepared->event_id,
        .room_version = prepared->version->id,
        .event = prepared->event,
    };
    struct room_head *head;
    struct room *room;

    TRY(rooms_flush(call));
    TRY(room_open(call, room_id, &room));
    TRY(room_committed_head(call, room, &head));
    TRY(stripped_state_for_servers(call, head, change->requester->user_id,
                                   &invite.invite_room_state));
    return federation_send_invite(call, &invite, signed_out);
}

/* Of the answer only the signature is taken: the event is ours. */
static enum errcode add_signature(struct call *call, const struct membership_change *change,
                                  const struct prepared_invite *prepared, const json_t *answered)
{
    const char *server_name = identifier_domain(change->target);
    json_t *theirs = json_get_object(json_get_object(answered, "signatures"), server_name);

    if (theirs == NULL)
        return fail(call->error, E_REMOTE, "%s did not sign the invite", server_name);
    json_object_set(json_object_get(prepared->event, "signatures"), server_name, theirs);
    return OK;
}

enum errcode remote_invite(struct call *call, const char *room_id,
                           const struct membership_change *change)
{
    struct prepared_invite prepared;
    const struct pdu_signed *pdu;
    struct received received;
    struct room *room;
    json_t *answered;

    TRY(prepare(call, room_id, change, &prepared));
    TRY(ask_server(call, room_id, change, &prepared, &answered));
    TRY(add_signature(call, change, &prepared, answered));
    const struct pdu_batch batch = {.version = prepared.version, .room_id = room_id};
    TRY(pdu_verify_one(call, &batch, prepared.event, &pdu));
    struct reception reception = {.pdu = pdu};
    TRY(room_open(call, room_id, &room));
    TRY(policy_check_received(call, room, &reception.pdu, &reception.policy_refusal));
    if (reception.policy_refusal != NULL)
        return fail(call->error, M_FORBIDDEN, "The invite can not be sent: %s.",
                    reception.policy_refusal);
    TRY(room_receive(call, room_id, &reception, &received));
    if (received.result != RECEPTION_ACCEPTED && received.result != RECEPTION_KNOWN)
        return fail(call->error, M_FORBIDDEN, "The invite is not allowed in the room any more: %s.",
                    received.why != NULL ? received.why : "the room changed");
    return OK;
}
