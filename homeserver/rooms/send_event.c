/* Sending events for local users. */
#include "homeserver/rooms/send_event.h"

#include "config/config.h"
#include "homeserver/base/arena.h"
#include "homeserver/protocol/auth_rules.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/owned_state.h"
#include "homeserver/protocol/power_levels.h"
#include "homeserver/protocol/room_version.h"
#include "homeserver/rooms/branches.h"
#include "homeserver/rooms/event_builder.h"
#include "homeserver/rooms/guests.h"
#include "homeserver/rooms/persist_event.h"
#include "homeserver/rooms/relations.h"
#include "homeserver/rooms/room_policy.h"
#include "homeserver/rooms/room_state.h"
#include "homeserver/services.h"

enum { SIGNING_ROUNDS_MAX = 10 };

static void release_head(struct room_head **head)
{
    room_head_release(*head);
}

/* Spec: "PUT state": the same content again need not make another event. */
static enum errcode find_identical_state(struct call *call, const struct room_build *build,
                                         const struct event_draft *draft, const char **event_id_out)
{
    const struct state_key key = {draft->type, draft->state_key};
    const struct event *current;

    *event_id_out = NULL;
    if (!draft->reuse_identical_state || draft->state_key == NULL)
        return OK;
    TRY(room_head_event(call, build->room, build->head, &key, &current));
    if (current != NULL && strcmp(current->sender, draft->sender) == 0 &&
        json_equal(current->content, draft->content))
        *event_id_out = current->event_id;
    return OK;
}

/* The administrator may demand that encrypted rooms hold no readable messages. */
static enum errcode refuse_plaintext(struct call *call, const struct room_build *build,
                                     const struct event_draft *draft)
{
    const struct state_key key = {"m.room.encryption", ""};
    const struct event *encryption;

    if (!config_current(call->services->config)->rooms.refuse_plaintext_in_encrypted ||
        draft->state_key != NULL || strcmp(draft->type, "m.room.message") != 0)
        return OK;
    TRY(room_head_event(call, build->room, build->head, &key, &encryption));
    if (encryption != NULL)
        return fail(call->error, M_FORBIDDEN,
                    "This room is encrypted: use a client that encrypts its messages.");
    return OK;
}

/* What no user may ever set is a mistake of the request, not a lack of power. */
static enum errcode check_state_key(struct call *call, const struct room_build *build,
                                    const struct event_draft *draft)
{
    struct state_key_owner owner;

    if (draft->state_key != NULL && room_version_of(build->room)->owned_state &&
        !owned_state_key_parse(draft->state_key, &owner))
        return fail(call->error, M_BAD_JSON,
                    "A state key that starts with \"@\" must start with a user ID (MSC3757).");
    return OK;
}

/* What can never be sent is the client's mistake, not a lack of rights. */
static enum errcode refuse_levels_of_creators(struct call *call, const struct room_build *build,
                                              const struct event_draft *draft)
{
    const struct event *create = cached_event_get(build->head->create);

    if (draft->state_key != NULL && strcmp(draft->type, "m.room.power_levels") == 0 &&
        room_version_of(build->room)->privileged_creators && create != NULL &&
        power_levels_name_a_creator(draft->content, create))
        return fail(call->error, M_INVALID_PARAM,
                    "In rooms of this version creators have no power level.");
    return OK;
}

static enum errcode authorise(struct call *call, const struct room_build *build,
                              const struct room_head *head, const struct event *event)
{
    struct head_lookup lookup = {.call = call, .room = build->room, .head = head};
    const struct auth_state state = {
        .lookup = head_lookup_event,
        .context = &lookup,
        .create = cached_event_get(head->create),
        .signatures = &auth_signatures_verified_before,
    };
    const char *why;

    bool allowed = auth_rules_check(event, &state, &why);
    TRY(lookup.failure);
    if (!allowed)
        return fail(call->error, M_FORBIDDEN, "This is not allowed in the room: %s.", why);
    return OK;
}

/* On `base`, which is the head or a part of it: others judge the event by what it names, and
 * soft-fail what the room as a whole does not allow. */
static enum errcode prepare_on(struct call *call, struct room_build *build,
                               const struct room_head *base, const struct event_draft *draft,
                               struct built_event *out)
{
    TRY(event_build(call, build->room, base, draft, out));
    enum errcode authorised = authorise(call, build, base, out->event);
    if (authorised == OK && base != build->head)
        authorised = authorise(call, build, build->head, out->event);
    if (authorised != OK)
        arena_destroy(out->arena);
    return authorised;
}

enum errcode room_prepare_event(struct call *call, struct room_build *build,
                                const struct event_draft *draft, struct built_event *out)
{
    struct room_head *base;

    TRY(branches_base(call, build, &base));
    return prepare_on(call, build, base, draft, out);
}

static enum errcode append_on(struct call *call, struct room_build *build,
                              const struct room_head *base, const struct event_draft *draft,
                              struct built_event *built)
{
    struct graph_place place;

    if (base == build->head)
        return persist_event(call, build, draft, built);
    enum errcode placed = branches_place(call, build, base, built, &place);
    if (placed != OK) {
        arena_destroy(built->arena);
        return placed;
    }
    return persist_event_at(call, build, draft, built, &place);
}

/* Has the room's policy server sign the event: with the build let go, for it takes a while.
 * E_CONFLICT when the room moved on meanwhile: the event is to be built anew. */
static enum errcode countersign(struct call *call, struct room_build *build,
                                const struct policy_server *policy_server,
                                struct built_event *built)
{
    SCOPED(release_head) struct room_head *before = room_head_acquire(build->head);
    struct room *room = build->room;
    json_t *signed_event;

    room_build_end(build);
    TRY(room_policy_ask(call, policy_server, identifier_domain(built->event->sender), built->event,
                        &signed_event));
    TRY(room_build_begin(call, room, build));
    if (build->head != before)
        return E_CONFLICT;
    return event_build_replace(call, room_version_of(room), signed_event, built);
}

/* Builds the event, and has it signed by everybody who must. */
static enum errcode prepare_signed(struct call *call, struct room_build *build,
                                   const struct event_draft *draft, struct room_head **base,
                                   struct built_event *built)
{
    struct policy_server policy_server;
    enum errcode outcome = E_CONFLICT;
    bool is_needed;

    for (int i = 0; i < SIGNING_ROUNDS_MAX && outcome == E_CONFLICT; i++) {
        TRY(branches_base(call, build, base));
        TRY(prepare_on(call, build, *base, draft, built));
        outcome = room_policy_needs(call, build->room, build->head, built->event, &policy_server,
                                    &is_needed);
        if (outcome == OK && is_needed && build->held == NULL)
            outcome =
                call->must_not_wait ? E_OUTWARD : countersign(call, build, &policy_server, built);
        if (outcome != OK)
            arena_destroy(built->arena);
    }
    return outcome;
}

enum errcode room_append_event(struct call *call, struct room_build *build,
                               const struct event_draft *draft, const char **event_id_out)
{
    struct built_event built;
    struct room_head *base;

    TRY(find_identical_state(call, build, draft, event_id_out));
    if (*event_id_out != NULL)
        return OK;
    TRY(check_state_key(call, build, draft));
    TRY(relations_check(call, build->room, draft));
    TRY(refuse_plaintext(call, build, draft));
    TRY(refuse_levels_of_creators(call, build, draft));
    TRY(prepare_signed(call, build, draft, &base, &built));
    *event_id_out = arena_strdup(call->arena, built.event->event_id);
    TRY(append_on(call, build, base, draft, &built));
    return guests_follow(call, build, draft);
}

enum errcode room_send_event(struct call *call, const char *room_id,
                             const struct event_draft *draft, const char **event_id_out)
{
    SCOPED(room_build_end) struct room_build build = {0};
    struct room *room;

    TRY(room_open(call, room_id, &room));
    TRY(room_build_begin(call, room, &build));
    return room_append_event(call, &build, draft, event_id_out);
}
