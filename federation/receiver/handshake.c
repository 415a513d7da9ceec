/* Joining, leaving and knocking by users of other servers. */
#include "federation/receiver/handshake.h"

#include <string.h>

#include "config/config.h"
#include "federation/receiver/pdu_intake.h"
#include "federation/receiver/policy_intake.h"
#include "federation/receiver/remote_room.h"
#include "homeserver/base/arena.h"
#include "homeserver/protocol/auth_rules.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/event_signature.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/membership.h"
#include "homeserver/rooms/event_builder.h"
#include "homeserver/rooms/receive_event.h"
#include "homeserver/rooms/restricted_join.h"
#include "homeserver/rooms/room_state.h"
#include "homeserver/services.h"
#include "storage/federation_queues.h"
#include "storage/journal.h"
#include "storage/users.h"

static bool is(const char *text, const char *wanted)
{
    return text != NULL && strcmp(text, wanted) == 0;
}

static bool is_restricted(const struct server_view *view)
{
    enum join_rule rule =
        join_rule_of(room_version_of(view->room), cached_event_get(view->head->join_rules));

    return rule == JOIN_RULE_RESTRICTED || rule == JOIN_RULE_KNOCK_RESTRICTED;
}

/* Whether the user may come in for being in another room, and who of ours vouches for it. */
static enum errcode find_authoriser(struct call *call, const struct server_view *view,
                                    const char *user_id, const char **out)
{
    bool satisfied = false, undecided = false;
    const char *membership;
    int64_t user_nid = 0;

    *out = NULL;
    TRY(room_head_membership(call, view->room, view->head, user_id, &membership));
    if (!is_restricted(view) || is(membership, "join") || is(membership, "invite"))
        return OK;
    enum errcode found = user_nid_find(call->db, call->arena, user_id, &user_nid);
    if (found != OK && found != M_NOT_FOUND)
        return found;
    TRY(restricted_join_satisfied(call, cached_event_get(view->head->join_rules), user_nid,
                                  &satisfied, &undecided));
    if (!satisfied && undecided)
        return fail(call->error, M_UNABLE_TO_AUTHORISE_JOIN,
                    "This server is not in the rooms whose members may join.");
    if (!satisfied)
        return fail(call->error, M_FORBIDDEN,
                    "The user is in none of the rooms whose members may join this room.");
    TRY(restricted_join_authoriser(call, view->room, view->head, out));
    if (*out == NULL)
        return fail(call->error, M_UNABLE_TO_GRANT_JOIN,
                    "Nobody on this server can let the user into this room.");
    return OK;
}

/* Would the rules let this template in, once its owner has signed it? */
static enum errcode check_template(struct call *call, const struct server_view *view,
                                   const json_t *template)
{
    const struct room_version *version = room_version_of(view->room);
    struct head_lookup lookup = {.call = call, .room = view->room, .head = view->head};
    const struct auth_state state = {
        .lookup = head_lookup_event,
        .context = &lookup,
        .create = cached_event_get(view->head->create),
        .signatures = &auth_signatures_verified_before,
    };
    json_t *copy = json_on_arena(call->arena, json_copy((json_t *)(uintptr_t) template));
    const struct event *event;
    const char *why;

    if (version->event_id_format == EVENT_ID_CARRIED)
        json_object_set_new(copy, "event_id", json_string("$template:template"));
    json_object_set_new(copy, "hashes", json_pack("{ss}", "sha256", ""));
    TRY(event_parse(call->arena, version, copy, call->error, &event));
    bool allowed = auth_rules_check(event, &state, &why);
    TRY(lookup.failure);
    if (!allowed)
        return fail(call->error, M_FORBIDDEN, "This is not allowed in the room: %s.", why);
    return OK;
}

enum errcode handshake_make(struct call *call, const struct handshake *handshake,
                            const struct server_view *view, json_t **out)
{
    json_t *content =
        json_on_arena(call->arena, json_pack("{ss}", "membership", handshake->membership));
    const struct event_draft draft = {
        .type = "m.room.member",
        .sender = handshake->user_id,
        .state_key = handshake->user_id,
        .content = content,
    };
    const char *authoriser = NULL;

    if (!is(identifier_domain(handshake->user_id), handshake->origin))
        return fail(call->error, M_FORBIDDEN, "The user is not one of your server.");
    if (is(handshake->membership, "join"))
        TRY(find_authoriser(call, view, handshake->user_id, &authoriser));
    if (authoriser != NULL)
        json_object_set_new(content, "join_authorised_via_users_server", json_string(authoriser));
    TRY(event_build_template(call, view->room, view->head, &draft, out));
    return check_template(call, view, *out);
}

/* Exactly the event that was asked for: anything else would make us sign or spread something that
 * the other server made up. */
static enum errcode check_event(struct call *call, const struct handshake *handshake,
                                const struct event *event)
{
    if (strcmp(event->room_id, handshake->room_id) != 0)
        return fail(call->error, M_BAD_JSON, "The event belongs to another room.");
    if (strcmp(event->event_id, handshake->event_id) != 0)
        return fail(call->error, M_BAD_JSON, "The event has another ID than the path.");
    if (strcmp(event->type, "m.room.member") != 0 || !is(event->state_key, event->sender))
        return fail(call->error, M_BAD_JSON, "The event is not a member event of its sender.");
    if (!is(event_membership(event), handshake->membership))
        return fail(call->error, M_BAD_JSON, "The event does not make a %s.",
                    handshake->membership);
    if (!is(identifier_domain(event->sender), handshake->origin))
        return fail(call->error, M_FORBIDDEN, "The user is not one of your server.");
    return OK;
}

/* A join that one of our users vouches for needs our signature, after we looked again. */
static enum errcode sign_restricted_join(struct call *call, const struct server_view *view,
                                         const struct event *event, json_t *json)
{
    const char *named = json_get_string(event->content, "join_authorised_via_users_server");
    const char *authoriser;

    if (named == NULL || !is(event_membership(event), "join") ||
        !config_hosts_user(config_current(call->services->config), named))
        return OK;
    TRY(find_authoriser(call, view, event->sender, &authoriser));
    const char *domain = identifier_domain(named);
    const struct signing_key *key = room_service_signing_key(call->services->rooms, domain);
    if (key == NULL)
        return fail(call->error, M_FORBIDDEN, "%s is not hosted here.", domain);
    return event_sign(room_version_of(view->room), json, domain, key);
}

static enum errcode read_event(struct call *call, const struct handshake *handshake,
                               const struct server_view *view, const struct pdu_signed **out)
{
    const struct pdu_batch batch = {.version = room_version_of(view->room),
                                    .room_id = handshake->room_id};
    const struct pdu_raw raw = {.version = batch.version, .json = handshake->event};
    json_t *signed_event = json_on_arena(call->arena, json_deep_copy(handshake->event));
    const struct pdu_valid *valid;

    TRY(pdu_validate(call->arena, &raw, call->error, &valid));
    TRY(check_event(call, handshake, pdu_valid_event(valid)));
    TRY(sign_restricted_join(call, view, pdu_valid_event(valid), signed_event));
    enum errcode verified = pdu_verify_one(call, &batch, signed_event, out);
    /* The request is authenticated; it is the event that is not. */
    return verified == M_UNAUTHORIZED || verified == M_INVALID_SIGNATURE ? M_FORBIDDEN : verified;
}

/* Spec: the server in the room sends the event on to the others that are in it. */
static enum errcode pass_on(struct call *call, const struct server_view *view,
                            const struct stored_event *event)
{
    struct journal_entry *entry = journal_entry_create();
    const char *own_domain;

    enum errcode found = remote_room_own_domain(call, view->room, &own_domain);
    if (found != OK) {
        journal_entry_destroy(entry);
        return found;
    }
    federation_forward_in(entry, event->event_nid, own_domain);
    journal_submit(call->services->journal, entry, call->commits);
    return OK;
}

enum errcode handshake_send(struct call *call, const struct handshake *handshake,
                            const struct server_view *view, struct handshake_event *out)
{
    struct reception reception = {0};
    struct received received;

    TRY(read_event(call, handshake, view, &out->pdu));
    TRY(policy_check_received(call, view->room, &out->pdu, &reception.policy_refusal));
    reception.pdu = out->pdu;
    TRY(room_receive(call, handshake->room_id, &reception, &received));
    switch (received.result) {
    case RECEPTION_ACCEPTED:
    case RECEPTION_KNOWN:
        break;
    case RECEPTION_SOFT_FAILED:
    case RECEPTION_REJECTED:
        return fail(call->error, M_FORBIDDEN, "This is not allowed in the room: %s.", received.why);
    case RECEPTION_NEEDS_PREVS:
    case RECEPTION_NEEDS_AUTH:
        return fail(call->error, M_BAD_JSON, "The event refers to events that are not known here.");
    }
    TRY(commit_group_wait(call->commits));
    TRY(event_load_by_id(call->db, call->arena, pdu_signed_event(out->pdu)->event_id,
                         &out->stored));
    if ((out->stored.flags & (EVENT_REJECTED | EVENT_SOFT_FAILED)) != 0)
        return fail(call->error, M_FORBIDDEN, "This was refused before.");
    if (received.result == RECEPTION_ACCEPTED)
        TRY(pass_on(call, view, &out->stored));
    return OK;
}
