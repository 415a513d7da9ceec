/*
 * The answer to a join: the room's state before it, and the events that prove it.
 * Spec: server-server API, "Joining Rooms" (joins-v2.yaml).
 */
#include <string.h>

#include "federation/api/event_answer.h"
#include "federation/api/federation_api.h"
#include "federation/api/membership_request.h"
#include "homeserver/base/arena.h"
#include "homeserver/base/array.h"
#include "homeserver/protocol/event.h"
#include "homeserver/protocol/identifiers.h"
#include "homeserver/rooms/room_state.h"
#include "homeserver/services.h"
#include "storage/auth_edges.h"
#include "storage/memberships.h"
#include "storage/users.h"

enum { HEROES_MAX = 5 };

struct join_answer {
    struct request *req;
    struct server_view view;
    struct handshake_event event;
    struct nid_list state; /* that is sent */
    bool members_omitted;
};

struct state_events {
    struct arena *arena;
    ARRAY_OF(int64_t) keys;
    ARRAY_OF(int64_t) nids;
};

static bool collect(void *context, int64_t key, int64_t value)
{
    struct state_events *events = context;

    array_push(events->arena, &events->keys, key);
    array_push(events->arena, &events->nids, value);
    return true;
}

/* Spec: only rooms without a name of their own are named after members. */
static bool has_name(const struct state_key_pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (pairs[i].type != NULL && *pairs[i].state_key == '\0' &&
            (strcmp(pairs[i].type, "m.room.name") == 0 ||
             strcmp(pairs[i].type, "m.room.canonical_alias") == 0))
            return true;
    }
    return false;
}

static enum errcode list_heroes(const struct join_answer *answer, const char ***out,
                                size_t *count_out)
{
    struct request *req = answer->req;
    int64_t nid = room_nid(answer->view.room);
    struct room_heroes heroes;

    TRY(memberships_heroes(req->call.db, req->call.arena, (struct nid_list){&nid, 1},
                           answer->event.stored.sender_nid, HEROES_MAX, &heroes));
    *out = heroes.user_ids;
    *count_out = heroes.count;
    return OK;
}

/* Heroes, and the one who joins. */
static bool is_wanted(const struct join_answer *answer, const struct state_key_pair *pair,
                      const char *const *wanted, size_t count)
{
    if (pair->type == NULL || strcmp(pair->type, "m.room.member") != 0 ||
        strcmp(pair->state_key, pdu_signed_event(answer->event.pdu)->sender) == 0)
        return true;
    for (size_t i = 0; i < count; i++) {
        if (wanted[i] != NULL && strcmp(wanted[i], pair->state_key) == 0)
            return true;
    }
    return false;
}

static enum errcode omit_members(struct join_answer *answer, struct state_events *events)
{
    struct call *call = &answer->req->call;
    struct state_key_pair *pairs;
    const char **wanted = NULL;
    size_t wanted_count = 0, kept = 0;

    TRY(state_keys_resolve(room_service_state_keys(call->services->rooms), call->db, call->arena,
                           events->keys.items, events->keys.count, &pairs));
    if (!has_name(pairs, events->keys.count))
        TRY(list_heroes(answer, &wanted, &wanted_count));
    for (size_t i = 0; i < events->nids.count; i++) {
        if (is_wanted(answer, &pairs[i], wanted, wanted_count))
            events->nids.items[kept++] = events->nids.items[i];
    }
    events->nids.count = kept;
    answer->members_omitted = true;
    return OK;
}

static enum errcode find_state(struct join_answer *answer)
{
    struct request *req = answer->req;
    struct state_events events = {.arena = req->call.arena};
    struct state_map *state;
    bool omit;

    TRY(query_bool(req, "omit_members", false, &omit));
    TRY(room_state_of_snapshot(&req->call, answer->view.room, answer->event.stored.snapshot_nid,
                               &state));
    state_map_visit(state, collect, &events);
    if (omit)
        TRY(omit_members(answer, &events));
    answer->state = (struct nid_list){events.nids.items, events.nids.count};
    return OK;
}

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return (left > right) - (left < right);
}

/* With partial state, what is in `state` need not be in `auth_chain` again. */
static enum errcode find_auth_chain(const struct join_answer *answer, struct nid_list *out)
{
    struct call *call = &answer->req->call;
    int64_t *starts = ARENA_ARRAY(call->arena, answer->state.count + 1, int64_t);
    struct nid_list chain;

    if (answer->state.count > 0)
        memcpy(starts, answer->state.items, answer->state.count * sizeof(*starts));
    starts[answer->state.count] = answer->event.stored.event_nid;
    TRY(auth_chain_load(call->db, call->arena, (struct nid_list){starts, answer->state.count + 1},
                        &chain));
    qsort(starts, answer->state.count, sizeof(*starts), compare);
    int64_t *kept = ARENA_ARRAY(call->arena, chain.count, int64_t);
    size_t count = 0;
    for (size_t i = 0; i < chain.count; i++) {
        bool is_sent =
            answer->members_omitted &&
            bsearch(&chain.items[i], starts, answer->state.count, sizeof(*starts), compare) != NULL;
        if (!is_sent && chain.items[i] != answer->event.stored.event_nid)
            kept[count++] = chain.items[i];
    }
    *out = (struct nid_list){kept, count};
    return OK;
}

static enum errcode add_servers(const struct join_answer *answer, struct strbuf *out)
{
    struct call *call = &answer->req->call;
    const char **servers;
    size_t count;

    TRY(memberships_servers(call->db, call->arena, room_nid(answer->view.room), &servers, &count));
    strbuf_add_string(out, ",\"servers_in_room\":[");
    for (size_t i = 0; i < count; i++) {
        /* Spec: prior to the join. */
        if (!answer->view.is_joined && strcmp(servers[i], answer->req->requester.server_name) == 0)
            continue;
        strbuf_add_separator(out);
        strbuf_add_json_string(out, servers[i], strlen(servers[i]));
    }
    strbuf_add_char(out, ']');
    return OK;
}

static enum errcode write_answer(const struct join_answer *answer, struct strbuf *out)
{
    struct nid_list chain;

    TRY(find_auth_chain(answer, &chain));
    strbuf_add_string(out, "{\"event\":");
    strbuf_add(out, answer->event.stored.json, answer->event.stored.json_size);
    strbuf_add_string(out, ",\"state\":");
    TRY(answer_add_events(answer->req, out, answer->state));
    strbuf_add_string(out, ",\"auth_chain\":");
    TRY(answer_add_events(answer->req, out, chain));
    strbuf_printf(out, ",\"members_omitted\":%s", answer->members_omitted ? "true" : "false");
    if (answer->members_omitted)
        TRY(add_servers(answer, out));
    strbuf_add_char(out, '}');
    return OK;
}

static enum errcode answer_join(struct request *req, struct strbuf *out)
{
    struct join_answer answer = {.req = req};

    TRY(receive_membership_event(req, "join", &answer.view, &answer.event));
    TRY(find_state(&answer));
    return write_answer(&answer, out);
}

/* PUT /_matrix/federation/v2/send_join/{roomId}/{eventId} */
enum errcode federation_send_join_v2(struct request *req)
{
    SCOPED(strbuf_finish) struct strbuf out;

    strbuf_init(&out, 0);
    TRY(answer_join(req, &out));
    return respond_buffer(req, &out);
}

/* PUT /_matrix/federation/v1/send_join/{roomId}/{eventId}, of joins-v1.yaml: deprecated, the same
 * answer behind a status. */
enum errcode federation_send_join_v1(struct request *req)
{
    SCOPED(strbuf_finish) struct strbuf out;

    strbuf_init(&out, 0);
    strbuf_add_string(&out, "[200,");
    TRY(answer_join(req, &out));
    strbuf_add_char(&out, ']');
    return respond_buffer(req, &out);
}
