/*
 * Reading a room: one event, its state, its members.
 * Spec: client-server API, "Getting events for a room" (rooms.yaml).
 */
#include "homeserver/base/arena.h"
#include "homeserver/client_api/client_api.h"
#include "homeserver/client_api/event_page.h"
#include "homeserver/http/request.h"
#include "homeserver/protocol/json.h"
#include "homeserver/protocol/sync_token.h"
#include "homeserver/rooms/client_events.h"
#include "homeserver/rooms/event_subject.h"
#include "homeserver/rooms/room_state.h"
#include "homeserver/services.h"
#include "storage/journal.h"
#include "storage/users.h"

static enum errcode open_reader(struct request *req, struct room_reader *out)
{
    const char *room_id;

    TRY(path_room_id(req, "roomId", &room_id));
    return room_reader_make(&req->call, room_id, &req->requester, out);
}

/* Answers with the events as client events, between `before` and `after`. */
static enum errcode respond_events(struct request *req, const struct room_reader *reader,
                                   const struct stored_event *events, size_t count,
                                   const char *const frame[2])
{
    const struct client_events how = {
        .reader = reader, .with_room_id = true, .with_relations = true};
    struct strbuf body;

    strbuf_init(&body, 0);
    strbuf_add_string(&body, frame[0]);
    enum errcode written = client_events_write(&req->call, &how, events, count, &body);
    strbuf_add_string(&body, frame[1]);
    if (written == OK)
        written = respond_written(req, &body);
    strbuf_finish(&body);
    return written;
}

static const char *const as_array[2] = {"[", "]"};
static const char *const as_chunk[2] = {"{\"chunk\":[", "]}"};
static const char *const as_is[2] = {"", ""};

/* GET /_matrix/client/v3/rooms/{roomId}/event/{eventId} */
enum errcode client_get_one_room_event(struct request *req)
{
    struct room_reader reader;
    struct stored_event event;
    const char *event_id;

    TRY(path_event_id(req, "eventId", &event_id));
    /* Spec: whoever may not see the event, or the room, learns nothing of either. */
    enum errcode opened = open_reader(req, &reader);
    if (opened == M_FORBIDDEN)
        return fail(&req->error, M_NOT_FOUND, "There is no such event that you can see.");
    TRY(opened);
    TRY(visible_event_load(&req->call, &reader, event_id, &event));
    return respond_events(req, &reader, &event, 1, as_is);
}

static enum errcode load_state(struct request *req, const struct state_map *state,
                               struct stored_event **out, size_t *count_out)
{
    struct arena *arena = req->call.arena;

    return events_load(req->call.db, arena, state_map_values(state, arena), state_map_count(state),
                       out, count_out);
}

enum { MEMBERS_WAIT_MS = 120 * 1000 };

/* Of a room that was joined a moment ago the members may still be on their way, and a list with
 * some of them only would be wrong: who is not in it gets no keys. Whoever asks waits; when this
 * returns OK and `*is_parked_out` the handler is done for now. */
static enum errcode await_members(struct request *req, const struct room_reader *reader,
                                  bool *is_parked_out)
{
    *is_parked_out = reader->head->is_partial && req_park_briefly(req, MEMBERS_WAIT_MS);
    if (!reader->head->is_partial || *is_parked_out)
        return OK;
    return fail(&req->error, E_UNAVAILABLE,
                "The members of the room are still being fetched from other servers.");
}

/* GET /_matrix/client/v3/rooms/{roomId}/state */
enum errcode client_get_room_state(struct request *req)
{
    struct room_reader reader;
    struct stored_event *events;
    struct state_map *state;
    bool is_parked;
    size_t count;

    TRY(open_reader(req, &reader));
    TRY(await_members(req, &reader, &is_parked));
    if (is_parked)
        return OK;
    TRY(room_reader_state(&req->call, &reader, &state));
    TRY(load_state(req, state, &events, &count));
    return respond_events(req, &reader, events, count, as_array);
}

static enum errcode respond_state_event(struct request *req, const char *state_key)
{
    struct state_key key = {.state_key = state_key};
    const char *format = query_string(req, "format");
    struct room_reader reader;
    struct stored_event stored;
    struct state_map *state;
    int64_t event_nid;
    bool is_parked = false;
    json_t *json;

    TRY(path_string(req, "eventType", &key.type));
    TRY(open_reader(req, &reader));
    TRY(room_reader_state(&req->call, &reader, &state));
    TRY(room_state_event_nid(&req->call, state, &key, &event_nid));
    if (event_nid == 0 && strcmp(key.type, "m.room.member") == 0)
        TRY(await_members(req, &reader, &is_parked));
    if (is_parked)
        return OK;
    if (event_nid == 0)
        return fail(&req->error, M_NOT_FOUND, "The room has no such state.");
    TRY(event_load(req->call.db, req->call.arena, event_nid, &stored));
    if (format != NULL && strcmp(format, "event") == 0)
        return respond_events(req, &reader, &stored, 1, as_is);
    if (format != NULL && strcmp(format, "content") != 0)
        return fail(&req->error, M_INVALID_PARAM, "format must be content or event.");
    TRY(json_parse_object(req->call.arena, stored.json, stored.json_size, &req->error, &json));
    return respond(req, 200, json_incref(json_get_object(json, "content")));
}

/* GET /_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey} */
enum errcode client_get_room_state_with_key(struct request *req)
{
    const char *state_key;

    TRY(path_string(req, "stateKey", &state_key));
    return respond_state_event(req, state_key);
}

/* GET /_matrix/client/v3/rooms/{roomId}/state/{eventType} */
enum errcode client_get_room_state_without_key(struct request *req)
{
    return respond_state_event(req, "");
}

/* Before all events of a room its creator is who there is: the state after the first two events,
 * the second of which is the creator's join. Timelines that begin with the room begin there. */
static enum errcode first_state(struct request *req, const struct room_reader *reader,
                                struct state_map **out)
{
    const struct event_range range = {
        .room_nid = room_nid(reader->room),
        .after = INT64_MIN,
        .until = reader->until,
        .limit = 2,
    };
    struct stored_event *events;
    size_t count;

    TRY(events_in_range(req->call.db, req->call.arena, &range, &events, &count));
    *out = NULL;
    return count == 0 ? OK : room_state_after(&req->call, reader->room, &events[count - 1], out);
}

/* The state at a point of the timeline: after the newest event that is not after `position`. */
static enum errcode state_at(struct request *req, const struct room_reader *reader,
                             int64_t position, struct state_map **out)
{
    const struct event_range range = {
        .room_nid = room_nid(reader->room),
        .after = INT64_MIN,
        .until = position < reader->until ? position : reader->until,
        .limit = 1,
        .backwards = true,
    };
    struct stored_event *event;
    size_t count;

    TRY(events_in_range(req->call.db, req->call.arena, &range, &event, &count));
    if (count == 0)
        return first_state(req, reader, out);
    return room_state_after(&req->call, reader->room, event, out);
}

static enum errcode members_state(struct request *req, const struct room_reader *reader,
                                  struct state_map **out)
{
    const char *at = query_string(req, "at");
    int64_t position;

    if (at == NULL)
        return room_reader_state(&req->call, reader, out);
    TRY(page_token_parse(at, journal_position(req->call.services->journal), &req->error,
                         &position));
    return state_at(req, reader, position, out);
}

/* Keeps member events whose membership the query asks for. */
static enum errcode keep_members(struct request *req, struct stored_event *events, size_t *count)
{
    const char *wanted = query_string(req, "membership");
    const char *unwanted = query_string(req, "not_membership");
    size_t kept = 0;

    for (size_t i = 0; i < *count; i++) {
        const char *membership;
        TRY(event_subject_membership(&req->call, &events[i], &membership));
        if (membership == NULL)
            continue;
        /* Both given: either suffices. */
        bool keeps = (wanted == NULL && unwanted == NULL) ||
                     (wanted != NULL && strcmp(membership, wanted) == 0) ||
                     (unwanted != NULL && strcmp(membership, unwanted) != 0);
        if (keeps)
            events[kept++] = events[i];
    }
    *count = kept;
    return OK;
}

/* GET /_matrix/client/v3/rooms/{roomId}/members */
enum errcode client_get_members_by_room(struct request *req)
{
    struct room_reader reader;
    struct stored_event *events;
    struct state_map *state;
    bool is_parked;
    size_t count;

    TRY(open_reader(req, &reader));
    TRY(await_members(req, &reader, &is_parked));
    if (is_parked)
        return OK;
    TRY(members_state(req, &reader, &state));
    TRY(load_state(req, state, &events, &count));
    TRY(keep_members(req, events, &count));
    return respond_events(req, &reader, events, count, as_chunk);
}

/* The names of one member; the tree lives only as long as the scope. A name that there is not is
 * null, not absent: matrix-nio takes the answer for broken otherwise, and then encrypts nothing. */
static void add_member(const struct event_subject *member, json_t *joined)
{
    json_auto_t *content = json_loadb(member->content, member->content_size, 0, NULL);

    json_object_set_new(joined, member->state_key,
                        json_pack("{s:s?, s:s?}", "display_name",
                                  json_get_string(content, "displayname"), "avatar_url",
                                  json_get_string(content, "avatar_url")));
}

/* GET /_matrix/client/v3/rooms/{roomId}/joined_members */
enum errcode client_get_joined_members_by_room(struct request *req)
{
    json_t *joined = json_on_arena(req->call.arena, json_object());
    struct room_reader reader;
    struct stored_event *events;
    const char *room_id;
    bool is_parked;
    size_t count;

    TRY(path_room_id(req, "roomId", &room_id));
    TRY(room_reader_make_joined(&req->call, room_id, &req->requester, &reader));
    TRY(await_members(req, &reader, &is_parked));
    if (is_parked)
        return OK;
    TRY(load_state(req, reader.head->state, &events, &count));
    for (size_t i = 0; i < count; i++) {
        struct event_subject member;
        const char *membership;
        TRY(event_subject_membership(&req->call, &events[i], &membership));
        if (membership == NULL || strcmp(membership, "join") != 0)
            continue;
        TRY(event_subject_read(&req->call, &events[i], &member));
        add_member(&member, joined);
    }
    return respond(req, 200, json_pack("{sO}", "joined", joined));
}
