/* Joining, leaving and knocking through servers that are in the room. */
#include "federation/membership/remote_membership.h"

#include <string.h>

#include "config/config.h"
#include "federation/client/federation_client.h"
#include "federation/client/handshakes.h"
#include "federation/client/signed_request.h"
#include "federation/receiver/join_import.h"
#include "federation/receiver/missing_events.h"
#include "federation/receiver/pdu_intake.h"
#include "federation/receiver/state_completion.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/log.h"
#include "homeserver/base/random.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/pdu.h"
#include "homeserver/rooms/room_service.h"
#include "homeserver/rooms/room_state.h"
#include "homeserver/rooms/stripped_state.h"
#include "homeserver/services.h"
#include "storage/events.h"
#include "storage/federation_queues.h"
#include "storage/journal.h"
#include "storage/memberships.h"
#include "storage/profiles.h"
#include "storage/rooms.h"
#include "storage/users.h"

enum { KNOCK_STATE_EVENTS_MAX = 100 };

typedef ARRAY_OF(const char *) server_list;

static bool is(const char *text, const char *wanted)
{
    return text != NULL && strcmp(text, wanted) == 0;
}

enum errcode room_is_here(struct call *call, const char *room_id, bool *out)
{
    struct stored_room stored;
    struct nid_list ours;
    const char **servers;
    size_t count;

    *out = false;
    enum errcode found = room_load(call->db, call->arena, room_id, &stored);
    if (found == M_NOT_FOUND || (found == OK && stored.head.version == 0))
        return OK;
    TRY(found);
    TRY(memberships_of_room(call->db, call->arena, stored.room_nid, STORED_JOIN, true, &ours));
    TRY(federation_servers_in_room(call->db, call->arena, stored.room_nid, &servers, &count));
    *out = ours.count > 0 || count == 0;
    return OK;
}

enum errcode join_needs_others(struct call *call, const char *room_id, const char *user_id,
                               bool *out)
{
    struct room *room;
    struct room_head *head;
    const char *membership;

    *out = false;
    TRY(room_open(call, room_id, &room));
    TRY(room_committed_head(call, room, &head));
    if (!head->is_partial)
        return OK;
    TRY(room_head_membership(call, room, head, user_id, &membership));
    *out = membership == NULL;
    return OK;
}

/* ── Whom to ask ─────────────────────────────────────────────────────────────────────────────── */

static void add_server(struct call *call, server_list *servers, const char *server_name)
{
    const struct config *config = config_current(call->services->config);

    if (server_name == NULL || config_hosts(config, server_name) ||
        servers->count == REMOTE_SERVERS_MAX)
        return;
    for (size_t i = 0; i < servers->count; i++) {
        if (strcmp(servers->items[i], server_name) == 0)
            return;
    }
    array_push(call->arena, servers, server_name);
}

/* How the user stands to the room; all zero when not at all. */
static enum errcode load_row(struct call *call, const struct remote_membership *change,
                             struct membership_row *row)
{
    struct stored_room stored;

    *row = (struct membership_row){0};
    enum errcode found = room_load(call->db, call->arena, change->room_id, &stored);
    if (found == OK)
        found = membership_load(call->db, call->arena, stored.room_nid, change->requester->user_nid,
                                row);
    return found == M_NOT_FOUND ? OK : found;
}

/* Those that were in the room when we were. */
static enum errcode list_known(struct call *call, const char *room_id, server_list *servers)
{
    struct stored_room stored;
    const char **known;
    size_t count;

    enum errcode found = room_load(call->db, call->arena, room_id, &stored);
    if (found != OK)
        return found == M_NOT_FOUND ? OK : found;
    TRY(federation_servers_in_room(call->db, call->arena, stored.room_nid, &known, &count));
    for (size_t i = 0; i < count; i++)
        add_server(call, servers, known[i]);
    return OK;
}

static enum errcode list_servers(struct call *call, const struct remote_membership *change,
                                 const struct membership_row *row, server_list *servers)
{
    const char *sender = NULL;

    if (row->membership == STORED_INVITE && row->sender_nid != 0)
        TRY(user_id_load(call->db, call->arena, row->sender_nid, &sender));
    if (sender != NULL)
        add_server(call, servers, identifier_domain(sender));
    for (size_t i = 0; i < change->server_count; i++)
        add_server(call, servers, change->servers[i]);
    /* Whoever names servers wants to come through one of them. */
    if (servers->count == 0)
        TRY(list_known(call, change->room_id, servers));
    /* The domain of an old room ID says nothing about who is in the room, but often whom to ask
     * when nobody else is known. */
    if (servers->count == 0)
        add_server(call, servers, identifier_domain(change->room_id));
    return OK;
}

/* ── The event ───────────────────────────────────────────────────────────────────────────────── */

static enum errcode make_content(struct call *call, const struct remote_membership *change,
                                 const json_t *template, json_t **out)
{
    json_t *content = json_on_arena(call->arena, json_object());
    const char *authoriser =
        json_get_string(json_get_object(template, "content"), "join_authorised_via_users_server");
    struct profile_summary profile = {0};

    json_object_set_new(content, "membership", json_string(change->membership));
    if (change->reason != NULL)
        json_object_set_new(content, "reason", json_string(change->reason));
    /* Our signature would vouch for a user of ours who was not asked. */
    if (user_id_is_valid(authoriser) && is(change->membership, "join") &&
        !config_hosts_user(config_current(call->services->config), authoriser))
        json_object_set_new(content, "join_authorised_via_users_server", json_string(authoriser));
    if (!is(change->membership, "leave"))
        TRY(profile_load_summary(call->db, call->arena, change->requester->user_nid, &profile));
    if (profile.display_name != NULL)
        json_object_set_new(content, "displayname", json_string(profile.display_name));
    if (profile.avatar_url != NULL)
        json_object_set_new(content, "avatar_url", json_string(profile.avatar_url));
    *out = content;
    return OK;
}

/* Of the template only the place in the graph is taken; who does what is for us to say. */
static enum errcode make_event(struct call *call, const struct remote_membership *change,
                               const struct room_version *version, const json_t *template,
                               const struct pdu_signed **out)
{
    const char *user_id = change->requester->user_id, *domain = identifier_domain(user_id);
    json_t *event, *content;
    int64_t depth = 0;

    TRY(make_content(call, change, template, &content));
    TRY(json_require_int(template, "depth", call->error, &depth));
    event = json_on_arena(call->arena,
                          json_pack("{ss,ss,ss,ss,sO,sI,sI,sO?,sO?}", "room_id", change->room_id,
                                    "type", "m.room.member", "sender", user_id, "state_key",
                                    user_id, "content", content, "depth", (json_int_t)depth,
                                    "origin_server_ts", (json_int_t)clock_wall_ms(), "prev_events",
                                    json_get_array(template, "prev_events"), "auth_events",
                                    json_get_array(template, "auth_events")));
    if (event == NULL)
        return E_SYSTEM;
    if (version->event_id_format == EVENT_ID_CARRIED)
        json_object_set_new(event, "event_id",
                            json_string(arena_printf(call->arena, "$%s:%s",
                                                     random_token(call->arena, 24), domain)));
    const struct pdu_raw raw = {.version = version, .json = event};
    const struct pdu_signer signer = {domain,
                                      federation_client_key(call->services->federation, domain)};
    return pdu_seal(call->arena, &raw, &signer, call->error, out);
}

static enum errcode event_json(struct call *call, const struct pdu_signed *pdu, json_t **out)
{
    size_t size;
    const char *bytes = pdu_signed_bytes(pdu, &size);

    return json_parse_object(call->arena, bytes, size, call->error, out);
}

/* ── What comes of it here ───────────────────────────────────────────────────────────────────── */

/* We are in the room already, only nobody of ours could vouch for the join: it is an event of the
 * room like any other. */
static enum errcode receive_join(struct call *call, const struct handshake_call *handshake,
                                 const struct room_version *version, json_t *event)
{
    const struct pdu_batch batch = {.version = version, .room_id = handshake->room_id};
    const struct event_origin origin = {.room_id = handshake->room_id,
                                        .server_name = handshake->destination};
    struct reception reception = {.is_sent = true};
    struct received received;

    TRY(pdu_verify_one(call, &batch, event, &reception.pdu));
    TRY(receive_with_help(call, &origin, &reception, &received));
    if (received.result != RECEPTION_ACCEPTED && received.result != RECEPTION_KNOWN)
        return fail(call->error, M_FORBIDDEN, "The join is not allowed in the room: %s.",
                    received.why != NULL ? received.why : "the room changed");
    return OK;
}

/* Where members were left out they are fetched now, while the user looks around. */
static enum errcode complete_room(struct call *call, const char *room_id)
{
    struct room *room;

    TRY(commit_group_wait(call->commits));
    TRY(room_open(call, room_id, &room));
    state_completion_wake(call->services->state_completion, room_nid(room));
    return OK;
}

/* Whether we still follow the room, although nobody of ours is in it any more: its members are
 * being fetched for an earlier join, and nothing is missing between that and this one. */
static enum errcode is_followed(struct call *call, const char *id, const json_t *join, bool *out)
{
    const json_t *prevs = json_get_array(join, "prev_events");
    size_t count = json_array_size(prevs), known = 0;
    const char **ids = ARENA_ARRAY(call->arena, count, const char *);
    struct stored_event *stored;
    struct room_head *head;
    struct room *room;

    *out = false;
    enum errcode opened = room_open(call, id, &room);
    if (opened == OK)
        opened = room_committed_head(call, room, &head);
    if (opened != OK || !head->is_partial)
        return opened == M_NOT_FOUND ? OK : opened;
    for (size_t i = 0; i < count; i++) {
        ids[i] = json_text(json_array_get(prevs, i));
        if (ids[i] == NULL)
            return OK; /* version 1 and 2 */
    }
    TRY(events_load_by_ids(call->db, call->arena, ids, count, &stored, &known));
    *out = count > 0 && known == count;
    for (size_t i = 0; i < known; i++)
        *out &= stored[i].room_nid == room_nid(room) &&
                (stored[i].flags & (EVENT_OUTLIER | EVENT_REJECTED)) == 0;
    return OK;
}

static enum errcode import_join(struct call *call, const struct handshake_call *handshake,
                                const struct room_version *version, json_t *event,
                                struct strbuf *text)
{
    struct join_answer answer;
    bool is_here, is_known = false;

    TRY(join_answer_read(call->arena, handshake->destination,
                         (struct json_span){text->data, text->length}, call->error, &answer));
    /* Restricted joins come back with the signature of the server that vouches. */
    json_t *join = answer.event != NULL ? answer.event : event;
    TRY(room_is_here(call, handshake->room_id, &is_here));
    if (!is_here)
        TRY(is_followed(call, handshake->room_id, join, &is_known));
    if (is_here || is_known) {
        TRY(receive_join(call, handshake, version, join));
        return is_known ? complete_room(call, handshake->room_id) : OK;
    }
    const struct join_import import = {
        .room_id = handshake->room_id,
        .version = version,
        .server_name = handshake->destination,
        .own_domain = handshake->origin,
        .event = join,
        .answer = &answer,
        .text = text,
    };

    TRY(join_import(call, &import));
    return complete_room(call, handshake->room_id);
}

static enum errcode send_join(struct call *call, const struct handshake_call *handshake,
                              const struct room_version *version, const char *event_id,
                              json_t *event)
{
    SCOPED(strbuf_finish) struct strbuf text;

    strbuf_init(&text, FEDERATION_JOIN_BYTES_MAX);
    TRY(federation_send_join(call, handshake, event_id, event, &text));
    log_info(LOG_FEDERATION, "join of %s to %s through %s", handshake->user_id, handshake->room_id,
             handshake->destination);
    return import_join(call, handshake, version, event, &text);
}

static enum errcode obtain_room(struct call *call, const struct remote_membership *change,
                                const struct room_version *version, struct journal_entry *entry,
                                int64_t *nid_out)
{
    struct stored_room stored;

    enum errcode found = room_load(call->db, call->arena, change->room_id, &stored);
    if (found == OK) {
        *nid_out = stored.room_nid;
        return OK;
    }
    if (found != M_NOT_FOUND || version == NULL)
        return found;
    TRY(nid_next_room(room_service_nids(call->services->rooms), call->db, nid_out));
    room_create_in(entry, *nid_out, change->room_id, version->id, clock_wall_ms());
    return OK;
}

static enum errcode fill_row(struct call *call, const struct remote_membership *change,
                             const struct room_version *version, const json_t *stripped,
                             struct journal_entry *entry)
{
    struct membership_row row = {
        .user_nid = change->requester->user_nid,
        .sender_nid = change->requester->user_nid,
        .membership = membership_from_text(change->membership),
        .is_local = true,
    };

    TRY(obtain_room(call, change, version, entry, &row.room_nid));
    if (stripped != NULL && json_array_size(stripped) <= KNOCK_STATE_EVENTS_MAX) {
        const char *text = json_compact(call->arena, stripped);
        if (text == NULL)
            return E_SYSTEM;
        row.stripped_state = text;
        row.stripped_state_size = strlen(text);
    }
    membership_set_in(entry, &row);
    journal_entry_wake_user(entry, row.user_nid);
    return OK;
}

/* A room that we are not in: all that is kept is how the user stands to it. */
static enum errcode note_membership(struct call *call, const struct remote_membership *change,
                                    const struct room_version *version, const json_t *stripped)
{
    struct journal_entry *entry = journal_entry_create();
    enum errcode filled = fill_row(call, change, version, stripped, entry);

    if (filled != OK) {
        journal_entry_destroy(entry);
        return filled;
    }
    journal_submit(call->services->journal, entry, call->commits);
    return OK;
}

/* What the server shows of the room, and the knock itself: by it clients know the room, and we what
 * ends it (invite_follow()). */
static json_t *knock_state(struct call *call, const json_t *answer, const struct event *knock)
{
    json_t *state = stripped_state_clean(call->arena, json_get_array(answer, "knock_room_state"));

    json_array_append_new(state, dated_event(knock));
    return state;
}

/* The leave itself, as clients are shown it: there is no timeline that it could stand in. */
static json_t *ending(struct call *call, const struct event *leave)
{
    return json_on_arena(call->arena, json_pack("[o]", dated_event(leave)));
}

/* Nobody heard of it; still the user's clients must. */
static enum errcode leave_alone(struct call *call, const struct remote_membership *change)
{
    json_t *nowhere = json_on_arena(
        call->arena, json_pack("{si,s[],s[]}", "depth", 1, "prev_events", "auth_events"));
    const struct pdu_signed *pdu;
    struct stored_room stored;

    enum errcode found = room_load(call->db, call->arena, change->room_id, &stored);
    if (found == M_NOT_FOUND)
        return OK;
    TRY(found);
    TRY(make_event(call, change, room_version_find(stored.room_version), nowhere, &pdu));
    return note_membership(call, change, NULL, ending(call, pdu_signed_event(pdu)));
}

static enum errcode try_server(struct call *call, const struct remote_membership *change,
                               const char *server_name)
{
    const struct handshake_call handshake = {
        .membership = change->membership,
        .origin = identifier_domain(change->requester->user_id),
        .destination = server_name,
        .room_id = change->room_id,
        .user_id = change->requester->user_id,
    };
    const struct room_version *version;
    const struct pdu_signed *pdu;
    json_t *template, *event, *answer;

    TRY(federation_make_membership(call, &handshake, &version, &template));
    TRY(make_event(call, change, version, template, &pdu));
    TRY(event_json(call, pdu, &event));
    const char *event_id = pdu_signed_event(pdu)->event_id;
    if (is(change->membership, "join"))
        return send_join(call, &handshake, version, event_id, event);
    TRY(federation_send_membership(call, &handshake, event_id, event, &answer));
    log_info(LOG_FEDERATION, "%s of %s to %s through %s", change->membership,
             change->requester->user_id, change->room_id, server_name);
    if (is(change->membership, "knock"))
        return note_membership(call, change, version,
                               knock_state(call, answer, pdu_signed_event(pdu)));
    return note_membership(call, change, version, ending(call, pdu_signed_event(pdu)));
}

/* An answer that another server would not give differently. */
static bool is_final(enum errcode outcome)
{
    return outcome == OK || outcome == E_SHUTDOWN || outcome == E_DATABASE ||
           outcome == E_UNAVAILABLE || outcome == M_INCOMPATIBLE_ROOM_VERSION;
}

enum errcode remote_membership_change(struct call *call, const struct remote_membership *change)
{
    struct membership_row row;
    server_list servers = {0};
    enum errcode outcome = M_NOT_FOUND;

    TRY(load_row(call, change, &row));
    /* Leaving twice is leaving once, where the others of the room are no longer with us too. */
    if (is(change->membership, "leave") && row.membership == STORED_LEAVE)
        return OK;
    if (is(change->membership, "leave") && row.membership != STORED_INVITE &&
        row.membership != STORED_KNOCK)
        return fail(call->error, M_FORBIDDEN, "You are not in this room.");
    TRY(list_servers(call, change, &row, &servers));
    if (servers.count == 0 && !is(change->membership, "leave"))
        return fail(call->error, M_NOT_FOUND,
                    "This server does not know the room %s, and no "
                    "server was named that could.",
                    change->room_id);
    for (size_t i = 0; i < servers.count && !is_final(outcome); i++) {
        error_clear(call->error);
        outcome = try_server(call, change, servers.items[i]);
        if (outcome != OK)
            log_info(LOG_FEDERATION, "%s to %s through %s failed: %s", change->membership,
                     change->room_id, servers.items[i], call->error->text);
    }
    if (outcome == OK || !is(change->membership, "leave"))
        return outcome;
    error_clear(call->error);
    return leave_alone(call, change);
}
