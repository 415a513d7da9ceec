/*
 * Building an event for a local user.
 * Spec: server-server API, "PDUs" and "Signing events"; the event format of each room version.
 */
#include "homeserver/rooms/event_builder.h"

#include "homeserver/base/arena.h"
#include "homeserver/base/base64.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/random.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/protocol/auth_events.h"
#include "homeserver/protocol/canonical_json.h"
#include "homeserver/protocol/event_hash.h"
#include "homeserver/protocol/event_signature.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/rooms/room_state.h"
#include "homeserver/services.h"
#include "storage/events.h"
#include "storage/journal.h"

enum {
    CARRIED_EVENT_ID_CHARS = 32,
    BUILT_BYTES = 2048 /* enough for most events; state is kept for long */
};

static const int64_t DEPTH_MAX = ((int64_t)1 << 53) - 1;

/* What was built a moment ago by this very call may still be on its way to the database. */
static enum errcode load_referenced(struct call *call, const char *event_id,
                                    struct stored_event *out)
{
    enum errcode found = event_load_by_id(call->db, call->arena, event_id, out);

    if (found != M_NOT_FOUND)
        return found;
    TRY(commit_group_wait(call->commits));
    found = event_load_by_id(call->db, call->arena, event_id, out);
    return found == M_NOT_FOUND ? E_CONFLICT : found;
}

/* v1 and v2 name an event as [id, {"sha256": reference hash}]; later versions by its ID alone. */
static enum errcode add_reference(struct call *call, const struct room_version *version,
                                  json_t *list, const char *event_id)
{
    struct stored_event stored;
    uint8_t hash[SHA256_BYTES];
    json_t *json;

    if (version->event_id_format != EVENT_ID_CARRIED) {
        json_array_append_new(list, json_string(event_id));
        return OK;
    }
    TRY(load_referenced(call, event_id, &stored));
    TRY(json_parse_object(call->arena, stored.json, stored.json_size, call->error, &json));
    TRY(event_reference_hash(version, json, hash));
    json_array_append_new(
        list, json_pack("[s{ss}]", event_id, "sha256",
                        base64_encode(call->arena, hash, sizeof(hash), BASE64_STANDARD)));
    return OK;
}

/* The newest extremities stand first (see head_extremities_after()); what an event can not name is
 * left for the next ones. */
static enum errcode add_prev_events(struct call *call, const struct room_version *version,
                                    const struct room_head *head, json_t *list)
{
    size_t count;
    const char **ids = head_ends_split(call->arena, head->extremities, &count);

    for (size_t i = 0; i < count && i < PREV_EVENTS_MAX; i++)
        TRY(add_reference(call, version, list, ids[i]));
    return OK;
}

static enum errcode add_auth_events(struct call *call, struct room *room,
                                    const struct room_head *head, const struct event_draft *draft,
                                    json_t *list)
{
    const struct room_version *version = room_version_of(room);
    const struct state_key target = {draft->type, draft->state_key};
    struct state_key keys[AUTH_EVENT_KEYS_MAX];
    size_t count = auth_events_select_draft(version, &target, draft->sender, draft->content, keys);

    for (size_t i = 0; i < count; i++) {
        const struct event *event;
        TRY(room_head_event(call, room, head, &keys[i], &event));
        if (event != NULL)
            TRY(add_reference(call, version, list, event->event_id));
    }
    return OK;
}

/* State events are nodes of the auth graph, which is kept as an index. */
static enum errcode auth_event_nids(struct call *call, struct room *room,
                                    const struct room_head *head, const struct event_draft *draft,
                                    struct nid_list *out)
{
    const struct state_key target = {draft->type, draft->state_key};
    struct state_key keys[AUTH_EVENT_KEYS_MAX];
    size_t count = auth_events_select_draft(room_version_of(room), &target, draft->sender,
                                            draft->content, keys);
    int64_t *nids = ARENA_ARRAY(call->arena, count, int64_t);
    size_t found = 0;

    for (size_t i = 0; i < count; i++) {
        TRY(room_state_event_nid(call, head->state, &keys[i], &nids[found]));
        found += nids[found] != 0 ? 1 : 0;
    }
    *out = (struct nid_list){nids, found};
    return OK;
}

/* m.room.redaction names its target at the top level before v11 and in its content since. */
static void add_redacts(const struct room_version *version, const struct event_draft *draft,
                        json_t *pdu)
{
    if (draft->redacts == NULL)
        return;
    json_t *place = version->redacts_in_content ? json_object_get(pdu, "content") : pdu;
    json_object_set_new(place, "redacts", json_string(draft->redacts));
}

/* What is the same for every event. `room_id` is NULL for a create event that makes its own. */
static json_t *base_event(struct arena *arena, const struct room_version *version,
                          const char *room_id, const struct event_draft *draft)
{
    json_t *pdu = json_on_arena(arena, json_object());
    int64_t ts = draft->origin_server_ts != 0 ? draft->origin_server_ts : clock_wall_ms();

    json_object_set_new(pdu, "type", json_string(draft->type));
    json_object_set_new(pdu, "sender", json_string(draft->sender));
    if (draft->state_key != NULL)
        json_object_set_new(pdu, "state_key", json_string(draft->state_key));
    if (room_id != NULL)
        json_object_set_new(pdu, "room_id", json_string(room_id));
    json_object_set_new(pdu, "content", json_copy(draft->content));
    json_object_set_new(pdu, "origin_server_ts", json_integer(ts));
    if (version->event_id_format == EVENT_ID_CARRIED) {
        const char *domain = identifier_domain(draft->sender);
        const char *opaque = random_token(arena, CARRIED_EVENT_ID_CHARS);
        json_object_set_new(pdu, "event_id",
                            json_string(arena_printf(arena, "$%s:%s", opaque, domain)));
    }
    add_redacts(version, draft, pdu);
    return pdu;
}

static enum errcode write_bytes(const struct room_version *version, const json_t *pdu,
                                struct arena *arena, struct error *error, struct built_event *out)
{
    enum canonical_json_rules rules =
        version->strict_canonical_json ? CANONICAL_JSON_STRICT : CANONICAL_JSON_LEGACY;
    struct strbuf bytes;

    strbuf_init(&bytes, EVENT_BYTES_MAX);
    enum errcode written = canonical_json_write(pdu, rules, &bytes, error);
    if (written == OK) {
        out->json = arena_strndup(arena, bytes.data, bytes.length);
        out->json_size = bytes.length;
    }
    strbuf_finish(&bytes);
    if (written == M_TOO_LARGE)
        return fail(error, M_TOO_LARGE, "The event is larger than %d bytes.", EVENT_BYTES_MAX);
    return written;
}

static enum errcode finish(struct call *call, const struct room_version *version,
                           const struct event_draft *draft, json_t *pdu, struct built_event *out)
{
    const char *domain = identifier_domain(draft->sender);
    const struct signing_key *key = room_service_signing_key(call->services->rooms, domain);

    if (key == NULL)
        return fail(call->error, M_FORBIDDEN, "This server does not host %s.", domain);
    TRY(event_seal(version, pdu, domain, key));
    TRY(write_bytes(version, pdu, out->arena, call->error, out));
    return event_parse(out->arena, version, pdu, call->error, &out->event);
}

static enum errcode fill(struct call *call, struct room *room, const struct room_head *head,
                         const struct event_draft *draft, json_t *pdu)
{
    const struct room_version *version = room_version_of(room);
    json_t *prev_events = json_array(), *auth_events = json_array();
    int64_t depth = head->depth < DEPTH_MAX ? head->depth + 1 : DEPTH_MAX;

    json_object_set_new(pdu, "depth", json_integer(depth));
    json_object_set_new(pdu, "prev_events", prev_events);
    json_object_set_new(pdu, "auth_events", auth_events);
    TRY(add_prev_events(call, version, head, prev_events));
    return add_auth_events(call, room, head, draft, auth_events);
}

enum errcode event_build_template(struct call *call, struct room *room,
                                  const struct room_head *head, const struct event_draft *draft,
                                  json_t **out)
{
    *out = base_event(call->arena, room_version_of(room), room_id(room), draft);
    /* Whoever sends the event gives it its ID. */
    json_object_del(*out, "event_id");
    return fill(call, room, head, draft, *out);
}

enum errcode event_build(struct call *call, struct room *room, const struct room_head *head,
                         const struct event_draft *draft, struct built_event *out)
{
    SCOPED(arena_release) struct arena *arena = arena_create_sized(BUILT_BYTES);
    const struct room_version *version = room_version_of(room);
    json_t *pdu = base_event(arena, version, room_id(room), draft);

    TRY(fill(call, room, head, draft, pdu));
    struct built_event built = {.arena = arena};
    if (draft->state_key != NULL)
        TRY(auth_event_nids(call, room, head, draft, &built.auth_nids));
    TRY(finish(call, version, draft, pdu, &built));
    *out = built;
    arena = NULL; /* handed over */
    return OK;
}

enum errcode event_build_replace(struct call *call, const struct room_version *version,
                                 json_t *signed_event, struct built_event *built)
{
    json_t *own = json_on_arena(built->arena, json_incref(signed_event));

    TRY(write_bytes(version, own, built->arena, call->error, built));
    return event_parse(built->arena, version, own, call->error, &built->event);
}

enum errcode event_build_create(struct call *call, const struct room_version *version,
                                const char *room_id, const struct event_draft *draft,
                                struct built_event *out)
{
    SCOPED(arena_release) struct arena *arena = arena_create_sized(BUILT_BYTES);
    json_t *pdu = base_event(arena, version, room_id, draft);

    json_object_set_new(pdu, "depth", json_integer(1));
    json_object_set_new(pdu, "prev_events", json_array());
    json_object_set_new(pdu, "auth_events", json_array());

    struct built_event built = {.arena = arena};
    TRY(finish(call, version, draft, pdu, &built));
    *out = built;
    arena = NULL; /* handed over */
    return OK;
}
