/* Spec: server-server API, "Retrieving event authorization information" (event_auth.yaml). */
#include "federation/api/event_answer.h"
#include "federation/api/federation_api.h"
#include "federation/receiver/room_access.h"
#include "homeserver/base/arena.h"
#include "homeserver/protocol/event.h"
#include "storage/auth_edges.h"

/* These auth events, and theirs. */
static enum errcode load_chain(struct call *call, struct nid_list named, struct nid_list *out)
{
    struct nid_list further;

    TRY(auth_chain_load(call->db, call->arena, named, &further));
    int64_t *all = ARENA_ARRAY(call->arena, named.count + further.count, int64_t);
    *out = (struct nid_list){.items = all};
    for (size_t i = 0; i < further.count; i++)
        all[out->count++] = further.items[i];
    for (size_t i = 0; i < named.count; i++) {
        bool is_there = false;
        for (size_t k = 0; k < further.count; k++)
            is_there |= further.items[k] == named.items[i];
        if (!is_there)
            all[out->count++] = named.items[i];
    }
    return OK;
}

/* GET /_matrix/federation/v1/event_auth/{roomId}/{eventId} */
enum errcode federation_get_event_auth(struct request *req)
{
    SCOPED(strbuf_finish) struct strbuf out;
    const char *room_id_text, *event_id;
    struct server_view view;
    struct stored_event stored;
    const struct event *event;
    struct nid_list chain;

    strbuf_init(&out, 0);
    TRY(path_room_id(req, "roomId", &room_id_text));
    TRY(path_event_id(req, "eventId", &event_id));
    TRY(server_view_open_reader(&req->call, room_id_text, req->requester.server_name, &view));
    enum errcode found = event_load_by_id(req->call.db, req->call.arena, event_id, &stored);
    if (found == M_NOT_FOUND || (found == OK && stored.room_nid != room_nid(view.room)))
        return fail(&req->error, M_NOT_FOUND, "There is no such event in the room.");
    TRY(found);
    TRY(stored_event_parse(req->call.arena, room_version_of(view.room), &stored, &event));
    int64_t *nids = ARENA_ARRAY(req->call.arena, event->auth_event_count, int64_t);
    TRY(event_nids_find(req->call.db, req->call.arena, stored.room_nid, event->auth_events,
                        event->auth_event_count, nids));
    TRY(load_chain(&req->call, (struct nid_list){nids, event->auth_event_count}, &chain));
    strbuf_add_string(&out, "{\"auth_chain\":");
    TRY(answer_add_events(req, &out, chain));
    strbuf_add_char(&out, '}');
    return respond_buffer(req, &out);
}
