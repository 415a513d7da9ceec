/* Applying redactions. */
#include "homeserver/rooms/redact.h"

#include "homeserver/base/arena.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/protocol/auth_rules.h"
#include "homeserver/protocol/redaction.h"
#include "homeserver/rooms/follow_summary.h"
#include "homeserver/rooms/relations.h"
#include "homeserver/rooms/room_state.h"
#include "homeserver/rooms/visibility.h"
#include "homeserver/services.h"
#include "storage/early_redactions.h"
#include "storage/events.h"
#include "storage/journal.h"
#include "storage/search.h"

/* In v1 and v2 the auth rules have decided already; later versions let anyone send redactions and
 * decide here whether they do anything. */
static enum errcode takes_effect(struct call *call, const struct room_build *build,
                                 const struct event *redaction, const struct event *target,
                                 bool *out)
{
    struct head_lookup lookup = {.call = call, .room = build->room, .head = build->head};
    const struct auth_state state = {
        .lookup = head_lookup_event,
        .context = &lookup,
        .create = cached_event_get(build->head->create),
    };

    *out = room_version_of(build->room)->redaction_auth_rule ||
           auth_rules_redaction_applies(redaction, target, &state);
    return lookup.failure;
}

/* What is the room's state at present is told to outsiders too: there it is redacted as well. */
static enum errcode follow_redacted(struct call *call, const struct room_build *build,
                                    const struct stored_event *target, const struct strbuf *bytes,
                                    struct journal_entry *entry)
{
    const struct event *redacted;

    if (target->state_key_nid == 0 ||
        state_map_get(build->head->state, target->state_key_nid) != target->event_nid)
        return OK;
    TRY(event_parse_stored(call->arena, room_version_of(build->room), target->event_id, bytes->data,
                           bytes->length, &redacted));
    summary_follow_in(call, entry, target->room_nid, redacted);
    return OK;
}

static enum errcode add_redacted_form(struct call *call, const struct room_build *build,
                                      const struct stored_event *stored, const struct event *target,
                                      int64_t redaction_nid, struct journal_entry *entry)
{
    SCOPED(strbuf_finish) struct strbuf bytes;

    strbuf_init(&bytes, 0);
    TRY(redaction_write(room_version_of(build->room), target->json, &bytes));
    event_redact_in(entry, stored->event_nid, redaction_nid, bytes.data, bytes.length);
    return follow_redacted(call, build, stored, &bytes, entry);
}

enum errcode redact_in(struct call *call, struct room_build *build, const struct event *event,
                       int64_t event_nid, struct journal_entry *entry)
{
    const struct room_version *version = room_version_of(build->room);
    struct stored_event stored;
    const struct event *target;
    bool applies;

    if (strcmp(event->type, "m.room.redaction") != 0 || event->redacts == NULL)
        return OK;
    enum errcode found = event_load_by_id(call->db, call->arena, event->redacts, &stored);
    if (found != OK && found != M_NOT_FOUND)
        return found;
    /* The rows of an outlier are replaced by others when it gets its place. */
    if (found == M_NOT_FOUND || (stored.flags & EVENT_OUTLIER) != 0)
        early_redaction_add_in(entry, room_nid(build->room), event->redacts, event_nid);
    if (found == M_NOT_FOUND || stored.room_nid != room_nid(build->room) ||
        stored.redacted_by_nid != 0)
        return OK;
    TRY(event_parse_stored(call->arena, version, stored.event_id, stored.json, stored.json_size,
                           &target));
    TRY(takes_effect(call, build, event, target, &applies));
    if (!applies)
        return OK;
    relations_redact_in(entry, stored.room_nid, stored.event_nid, target);
    search_remove_in(entry, stored.event_nid);
    event_cache_remove(room_service_events(call->services->rooms), stored.event_nid);
    return add_redacted_form(call, build, &stored, target, event_nid, entry);
}

static enum errcode load_redaction(struct call *call, const struct room_build *build,
                                   int64_t redaction_nid, const struct event **out)
{
    struct stored_event stored;

    TRY(event_load(call->db, call->arena, redaction_nid, &stored));
    return stored_event_parse(call->arena, room_version_of(build->room), &stored, out);
}

enum errcode redact_late(struct call *call, const struct room_build *build,
                         const struct event *event, struct late_redaction *out)
{
    SCOPED(strbuf_finish) struct strbuf bytes;
    struct nid_list redactions;
    bool applies = false;
    size_t i;

    *out = (struct late_redaction){0};
    strbuf_init(&bytes, 0);
    TRY(early_redactions_find(call->db, call->arena, room_nid(build->room), event->event_id,
                              &redactions));
    for (i = 0; i < redactions.count && !applies; i++) {
        const struct event *redaction;
        TRY(load_redaction(call, build, redactions.items[i], &redaction));
        TRY(takes_effect(call, build, redaction, event, &applies));
    }
    if (!applies)
        return OK;
    TRY(redaction_write(room_version_of(build->room), event->json, &bytes));
    *out = (struct late_redaction){
        .redaction_nid = redactions.items[i - 1],
        .bytes = arena_strndup(call->arena, bytes.data, bytes.length),
        .byte_count = bytes.length,
    };
    return OK;
}

enum errcode redaction_check_allowed(struct call *call, const char *room_id,
                                     const struct requester *requester, const char *target_event_id)
{
    struct room_reader reader;
    struct stored_event target = {0};

    TRY(room_reader_make(call, room_id, requester, &reader));
    enum errcode found = event_load_by_id(call->db, call->arena, target_event_id, &target);
    if (found == OK)
        TRY(visible_event_load(call, &reader, target_event_id, &target));
    else if (found != M_NOT_FOUND)
        return found;
    const struct power_levels levels = room_head_power_levels(reader.room, reader.head);
    if (target.sender_nid != requester->user_nid && !requester->is_admin &&
        power_levels_user(&levels, requester->user_id) < power_levels_action(&levels, POWER_REDACT))
        return fail(call->error, M_FORBIDDEN, "You may not redact what others wrote in this room.");
    return OK;
}
