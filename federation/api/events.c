/*
 * Events and states of rooms, for servers that may see them.
 * Spec: server-server API, "Retrieving events" (events.yaml).
 */
#include <string.h>

#include "config/config.h"
#include "federation/api/event_answer.h"
#include "federation/api/federation_api.h"
#include "federation/receiver/room_access.h"
#include "homeserver/base/clock.h"
#include "homeserver/base/strbuf.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/rooms/closest_event.h"
#include "homeserver/rooms/room_state.h"
#include "homeserver/services.h"
#include "storage/auth_edges.h"
#include "storage/memberships.h"
#include "storage/users.h"

static const char *own_name(struct request *req)
{
    return config_current(req->call.services->config)->domains[0].name;
}

static void begin_transaction(struct request *req, struct strbuf *out)
{
    const char *name = own_name(req);

    strbuf_add_string(out, "{\"origin\":");
    strbuf_add_json_string(out, name, strlen(name));
    strbuf_printf(out, ",\"origin_server_ts\":%lld,\"pdus\":", (long long)clock_wall_ms());
}

static enum errcode open_room_of(struct request *req, const char *event_id,
                                 struct server_view *view_out)
{
    struct stored_event event;
    struct room *room;

    enum errcode found = event_load_by_id(req->call.db, req->call.arena, event_id, &event);
    if (found == OK)
        found = room_open_by_nid(&req->call, event.room_nid, &room);
    if (found == M_NOT_FOUND)
        return fail(&req->error, M_NOT_FOUND, "There is no such event that you may have.");
    TRY(found);
    return server_view_open_reader(&req->call, room_id(room), req->requester.server_name, view_out);
}

/* GET /_matrix/federation/v1/event/{eventId} */
enum errcode federation_get_event(struct request *req)
{
    SCOPED(strbuf_finish) struct strbuf out;
    const char *event_id;
    struct server_view view;
    struct stored_event event;

    strbuf_init(&out, 0);
    TRY(path_event_id(req, "eventId", &event_id));
    TRY(open_room_of(req, event_id, &view));
    enum errcode found = server_view_event(&req->call, &view, event_id, &event);
    /* State that others refer to may be asked for although it has no place in the timeline. */
    if (found == M_NOT_FOUND) {
        TRY(event_load_by_id(req->call.db, req->call.arena, event_id, &event));
        if (event.state_key_nid == 0 || !view.is_joined || (event.flags & EVENT_REJECTED) != 0)
            return M_NOT_FOUND;
    } else {
        TRY(found);
    }
    error_clear(&req->error);
    begin_transaction(req, &out);
    answer_add_stored(&out, &event, 1);
    strbuf_add_char(&out, '}');
    return respond_buffer(req, &out);
}

/* The state before an event that the server may see, and what proves it. */
static enum errcode find_state(struct request *req, struct nid_list *state_out,
                               struct nid_list *chain_out)
{
    const char *room_id_text, *event_id = query_string(req, "event_id");
    struct server_view view;
    struct stored_event event;
    struct state_map *state;

    TRY(path_room_id(req, "roomId", &room_id_text));
    if (event_id == NULL)
        return fail(&req->error, M_MISSING_PARAM, "event_id is required.");
    TRY(server_view_open_reader(&req->call, room_id_text, req->requester.server_name, &view));
    if (view.head->is_partial)
        return fail(&req->error, M_FORBIDDEN,
                    "This server has only just joined the room and does not know its state yet.");
    TRY(server_view_event(&req->call, &view, event_id, &event));
    TRY(room_state_of_snapshot(&req->call, view.room, event.snapshot_nid, &state));
    *state_out = state_event_nids(req, state);
    return auth_chain_load(req->call.db, req->call.arena, *state_out, chain_out);
}

/* GET /_matrix/federation/v1/state/{roomId} */
enum errcode federation_get_room_state(struct request *req)
{
    SCOPED(strbuf_finish) struct strbuf out;
    struct nid_list state, chain;

    strbuf_init(&out, 0);
    TRY(find_state(req, &state, &chain));
    strbuf_add_string(&out, "{\"pdus\":");
    TRY(answer_add_events(req, &out, state));
    strbuf_add_string(&out, ",\"auth_chain\":");
    TRY(answer_add_events(req, &out, chain));
    strbuf_add_char(&out, '}');
    return respond_buffer(req, &out);
}

/* GET /_matrix/federation/v1/state_ids/{roomId} */
enum errcode federation_get_room_state_ids(struct request *req)
{
    SCOPED(strbuf_finish) struct strbuf out;
    struct nid_list state, chain;

    strbuf_init(&out, 0);
    TRY(find_state(req, &state, &chain));
    strbuf_add_string(&out, "{\"pdu_ids\":");
    TRY(answer_add_event_ids(req, &out, state));
    strbuf_add_string(&out, ",\"auth_chain_ids\":");
    TRY(answer_add_event_ids(req, &out, chain));
    strbuf_add_char(&out, '}');
    return respond_buffer(req, &out);
}

static enum errcode check(struct call *call, const void *who, const struct stored_event *events,
                          size_t count, bool *visible_out)
{
    return server_view_filter(call, who, events, count, visible_out);
}

/* GET /_matrix/federation/v1/timestamp_to_event/{roomId} */
enum errcode federation_get_event_by_timestamp(struct request *req)
{
    const char *room_id_text;
    struct server_view view;
    struct stored_event event;
    struct closest_search search = {.check = check, .who = &view};

    TRY(path_room_id(req, "roomId", &room_id_text));
    TRY(query_int_required(req, "ts", 0, &search.ts));
    TRY(query_direction_required(req, &search.backwards));
    TRY(server_view_open_reader(&req->call, room_id_text, req->requester.server_name, &view));
    search.room = view.room;
    TRY(closest_event_find(&req->call, &search, &event));
    return respond(req, 200,
                   json_pack("{ss,sI}", "event_id", event.event_id, "origin_server_ts",
                             (json_int_t)event.origin_server_ts));
}
